"""Connections to the database that are held while something else is waited for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ..knowledge.databases import EXECUTES, RELEASES
from ..model import Location
from .call_graph import MEMOS, RUNS, CallGraph, Function, last_word
from .limits import WALKS
from .nodes import FUNCTIONS, SCOPES, child_nodes, is_within, last_of, walk
from .outgoing import waits
from .sessions import Resource, Sessions
from .symbols import CallSite, SymbolTable
from .tree import Source
from .walks import is_generator

_BY_NAME = {"execute", "scalar", "scalars", "exec_driver_sql", "query", "flush", "refresh", "get", "get_one"}
"""Methods that show that an object called `session` is one of a database."""
_SLEEPS = {"asyncio.sleep", "time.sleep", "anyio.sleep", "trio.sleep"}
_STREAMS = {"StreamingResponse", "EventSourceResponse"}
_LATER = {"create_task", "ensure_future", "start_soon", "run_coroutine_threadsafe", "call_soon", "call_later"}
"""Functions that take a coroutine for which somebody else waits."""
_KEEPS = {"add_task", "partial"}
_OUTSIDE = "…"
"""Name of a connection that the caller of a function holds and does not pass to it."""


@dataclass(frozen=True)
class HeldWait:
    """A wait while a connection is held.

    Attributes:
        location: of the wait, or of the call that leads to it.
        what: the call that is waited for.
        holder: the object that holds the connection.
        since: the line since when; 0 before the function began.
        end: the location of the wait itself.
    """

    location: Location
    what: str
    holder: str
    since: int
    end: Location


@dataclass(frozen=True)
class _Hold:
    is_connection: bool
    line: int
    holder: str
    always: bool = True  # whichever way led here


_State = dict[str, _Hold]


@dataclass(frozen=True)
class _Outcome:
    waits: tuple[HeldWait, ...] = ()
    end: tuple[tuple[str, _Hold], ...] = ()


class HeldConnections:
    """Waits of the package's functions during which a connection is held."""

    def __init__(self, source: Source, functions: CallGraph, sessions: Sessions) -> None:
        self.call_graph = functions
        self.sessions = sessions
        self.uses: dict[int, CallSite] = {id(use.node): use for use in source.uses}
        self.config = source.config
        base = source.config.client_base
        self.base = functions.canonical(base) if base else ""
        self._source = source
        self._outcomes: dict[tuple[ast.AST, frozenset[tuple[str, bool]], int], _Outcome] = {}
        self._open: set[tuple[ast.AST, frozenset[tuple[str, bool]]]] = set()
        self.cuts = 0  # calls that were not followed, since they go too deep or in a circle
        self._generators: dict[ast.AST, bool] = {}
        self._handed_on = {functions.canonical(each) for each in source.config.hand_on}
        self._streamed = set(self._streams())

    def found(self) -> Iterator[HeldWait]:
        """Each of them, once. A wait that a function itself holds a connection for is none of its callers' as well."""
        found = list(self._found())
        direct = {each.location for each in found if each.end == each.location}
        yield from (each for each in found if each.end == each.location or each.end not in direct)

    def _found(self) -> Iterator[HeldWait]:
        seen: set[tuple[Location, str]] = set()
        scripts = {names.module for names in self._source.own if _is_script(names)}
        apart = {each.module for each in self._source.imports if each.top == "alembic"}
        for function in self.call_graph.by_name.values():
            if function.names.module in apart or function not in self.waiting:
                continue
            before = self._by_dependencies(function)
            for each in self.outcome(function, before).waits:
                own = each.since or each.holder in {hold.holder for hold in before.values()}
                if not own or (each.location, each.what) in seen or self._is_apart(function, scripts):
                    continue
                seen.add((each.location, each.what))
                yield each

    def _is_apart(self, function: Function, scripts: set[str]) -> bool:
        """Report whether nobody else needs a connection then: when the service starts, in a command, in a script."""
        if function.names.module in scripts and function not in self.call_graph.in_requests:
            return True
        return self.call_graph.only_at_start(function)

    @cached_property
    def waiting(self) -> set[Function]:
        """The functions that may wait for something, themselves or by functions that they call."""

        def waits_itself(use: CallSite, called: Function | None) -> bool:
            name = self.call_graph.name_of(use)
            return (
                name in _SLEEPS
                or waits(use, name)
                or use.last in RUNS
                or self.is_of_client(called)
                or self.asks_client(use)
            )

        return self._with_callers(waits_itself) | self._with_callers_of(map(self.call_graph.of, self._streamed))

    @cached_property
    def using(self) -> set[Function]:
        """The functions that may use a session, themselves or by functions that they call."""
        return self._with_callers(lambda use, _: use.last in EXECUTES or use.last in RELEASES)

    @cached_property
    def concerned(self) -> set[Function]:
        """The functions that may change what is held, or wait."""
        return self.waiting | self.using

    def _with_callers(self, matches: Callable[[CallSite, Function | None], bool]) -> set[Function]:
        """The functions with a call that matches, and those that call them."""
        every = self.call_graph.every
        own = (each for each in every if any(matches(use, self.callee(use.node)) for use in each.inside))
        return self._with_callers_of(own)

    def _with_callers_of(self, functions: Iterable[Function | None]) -> set[Function]:
        found = {each for each in functions if each is not None}
        pending = list(found)
        while pending:
            new = self._callers.get(pending.pop(), set()) - found
            found |= new
            pending += new
        return found

    @cached_property
    def _callers(self) -> dict[Function, set[Function]]:
        found: dict[Function, set[Function]] = {}
        for function in self.call_graph.every:
            for use in function.inside:
                if (called := self.callee(use.node)) is not None:
                    found.setdefault(called, set()).add(function)
        return found

    def asks_client(self, use: CallSite) -> bool:
        """Report whether a call may be one of a client that is looked up by its class."""
        return bool(self.base) and use.last in self._methods and isinstance(use.node.func, ast.Attribute)

    @cached_property
    def _methods(self) -> set[str]:
        """The methods of the classes below `client-base`."""
        found: set[str] = set()
        for kind in self.call_graph.classes.values():
            if self.base in self.call_graph.bases(kind):
                found |= {each.name for each in kind.node.body if isinstance(each, FUNCTIONS)}
        return found

    def is_generator(self, function: Function) -> bool:
        """Report whether a function is a generator."""
        if function.node not in self._generators:
            self._generators[function.node] = is_generator(function.node)
        return self._generators[function.node]

    def is_of_client(self, called: Function | None) -> bool:
        """Report whether a function calls another service: a method of a client, or of a module that `outgoing` names."""
        if called is None or not called.is_coroutine or not called.owner:
            return False
        # Plain functions of such a module, such as one that reads a setting, wait for nobody.
        if is_within(called.names.module, self.config.outgoing):
            return True
        return bool(self.base) and self.base in self.call_graph.bases(called.owner)

    def outcome(self, function: Function, before: Mapping[str, _Hold], deep: int = 0) -> _Outcome:
        """The waits of a function, and the connections that it holds when it ends, with those held when it begins."""
        state = function.node, frozenset((name, hold.is_connection) for name, hold in before.items())
        whole, cut = (*state, -1), (*state, deep)
        if whole in self._outcomes:
            return self._outcomes[whole]
        if cut in self._outcomes or state in self._open:
            self.cuts += 1
            return self._outcomes.get(cut, _Outcome())
        self._open.add(state)
        cuts = self.cuts
        made = _Walk(self, function, before, deep).outcome()
        self._open.discard(state)
        # A result that lacks a call is the one of this depth alone.
        self._outcomes[whole if self.cuts == cuts else cut] = made
        return made

    def is_streamed(self, function: Function) -> bool:
        """Report whether the values that a function yields go to a client."""
        return function.node in self._streamed

    def is_handed_on(self, function: Function) -> bool:
        """Report whether a function puts work into a job, which runs later."""
        return function.name in self._handed_on

    # Calls and streams

    def _streams(self) -> Iterator[ast.AST]:
        """The generators that a response is made of, and endpoints that are generators themselves."""
        for use in self._source.uses:
            if use.last in _STREAMS and (content := use.argument("content", 0)) is not None:
                function = self.call_graph.of(use.function)
                given = [content]
                if function is not None and isinstance(content, ast.Name):
                    given = function.assigned.get(content.id, [])
                for each in given:
                    if isinstance(each, ast.Call) and (called := self.callee(each)):
                        yield called.node
        for handler, what in self.call_graph.handlers.items():
            if what == "a request" and handler.routes:
                yield handler.node

    def callee(self, node: ast.Call) -> Function | None:
        """The function of the package that a call runs."""
        use = self.uses.get(id(node))
        if use is None:
            return None
        # A function that is kept for later runs when the request is over.
        for target in self.call_graph.callees(use) if use.last not in _KEEPS else ():
            return target
        return self.call_graph.called(use)

    # Dependencies

    def _by_dependencies(self, function: Function) -> _State:
        """The request's sessions that a dependency has used before an endpoint begins."""
        used: dict[str, tuple[str, bool]] = {}
        seen: set[Function] = set()
        given = dict(self._depends(function))
        for provider in {each for each in given.values() if each is not None}:
            self._used_by(provider, used, seen)
        for each in function.routes:
            for provider in self._around(function.names, each):
                self._used_by(provider, used, seen)
        found: _State = {}
        for provider_name, (holder, always) in used.items():
            own = [name for name, provider in given.items() if provider and provider.name == provider_name]
            # A dependency that holds it on some of its ways alone does so for those who ask for it themselves.
            for name in own or ([f"{_OUTSIDE}{provider_name}"] if always else []):
                found[name] = _Hold(False, 0, holder)
        return found

    def _around(self, names: SymbolTable, decorator: ast.Call) -> Iterator[Function]:
        """The dependencies that a route has by its decorator, its router, and that router's class."""
        yield from self._in(names, _keyword(decorator, "dependencies"))
        router = decorator.func.value if isinstance(decorator.func, ast.Attribute) else None
        made, other = names.written(router)
        if not isinstance(made, ast.Call):
            return
        yield from self._in(other, _keyword(made, "dependencies"))
        kind = self.call_graph.classes.get(other.meaning(made.func))
        if kind is None:
            return
        for each in walk(kind.node):
            if isinstance(each, ast.Call) and last_word(each.func) == "__init__":
                given = _keyword(each, "dependencies")
                while isinstance(given, ast.IfExp) and isinstance(given.test, ast.Name):
                    said = _keyword(made, given.test.id)
                    given = given.body if isinstance(said, ast.Constant) and said.value else given.orelse
                yield from self._in(kind.names, given)

    def _in(self, names: SymbolTable, node: ast.expr | None) -> Iterator[Function]:
        for each in walk(node) if node is not None else ():
            if (found := self._named_by(names, each)) is not None:
                yield found

    def _used_by(self, dependency: Function, used: dict[str, tuple[str, bool]], seen: set[Function]) -> None:
        """Record the providers of sessions that a dependency, or one of its own, has used and not released."""
        if dependency in seen:
            return
        seen.add(dependency)
        given = dict(self._depends(dependency))
        for provider in given.values():
            if provider is not None:
                self._used_by(provider, used, seen)
        if dependency.is_decorated(MEMOS):
            return
        for name, hold in self.outcome(dependency, {}).end:
            provider = given.get(name)
            if provider is not None:
                always = hold.always or used.get(provider.name, ("", False))[1]
                used[provider.name] = f"the session that {dependency.node.name}() has used", always

    def _depends(self, function: Function) -> Iterator[tuple[str, Function | None]]:
        """The parameters of a function, and the dependency that provides each of them."""
        arguments = function.node.args
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(zip([each.arg for each in plain[::-1]], arguments.defaults[::-1], strict=False))
        defaults |= {
            each.arg: value
            for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if value is not None
        }
        for each in (*plain, *arguments.kwonlyargs):
            found = self._named_by(function.names, defaults.get(each.arg))
            if found is None and each.annotation is not None:
                node, names = function.names.written(each.annotation)
                if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
                    parts = [self._named_by(names, part) for part in node.slice.elts[1:]]
                    found = next((part for part in parts if part is not None), None)
            yield each.arg, found

    def _named_by(self, names: SymbolTable, node: ast.AST | None) -> Function | None:
        if not isinstance(node, ast.Call) or not node.args:
            return None
        last = last_of(names.meaning(node.func))
        return self.call_graph.named(names.meaning(node.args[0])) if last in ("Depends", "Security") else None


class _Walk:
    """One way through a function, statement by statement, with what holds a connection at each."""

    def __init__(self, analysis: HeldConnections, function: Function, before: Mapping[str, _Hold], deep: int) -> None:
        self._analysis = analysis
        self._function = function
        self._names = function.names
        self._before = before
        self._deep = deep
        self._waits: dict[tuple[int, str], HeldWait] = {}
        self._ends: list[_State] = []
        self._jumps: list[_State] = []  # of the loop around: what is held where a round of it ends early
        self._later: set[int] = set()
        self._iterated: set[int] = set()

    def outcome(self) -> _Outcome:
        state = dict(self._before)
        if self._block(self._function.node.body, state):
            self._ends.append(state)
        end: _State = {}
        _join(end, self._ends)
        return _Outcome(tuple(self._waits.values()), tuple(end.items()))

    # Statements: each changes the state; False where nothing comes after it

    def _block(self, body: Iterable[ast.stmt], state: _State) -> bool:
        return all(self._statement(each, state) for each in body)

    def _statement(self, node: ast.stmt, state: _State) -> bool:
        if isinstance(node, SCOPES):
            return True
        if isinstance(node, (ast.Return, ast.Raise)):
            self._expressions(node, state)
            if isinstance(node, ast.Return):
                self._ends.append(dict(state))
            return False
        if isinstance(node, (ast.Break, ast.Continue)):
            self._jumps.append(dict(state))
            return False
        if isinstance(node, (ast.If, ast.Match)):
            return self._branches(node, state)
        if isinstance(node, (ast.While, ast.For, ast.AsyncFor)):
            return self._loop(node, state)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return self._with(node, state)
        if isinstance(node, ast.Try | ast.TryStar):
            return self._try(node, state)
        self._expressions(node, state)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            opened = self._resource(node.value) if _calls(node.value) else Resource()
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if opened.is_connection and isinstance(target, (ast.Name, ast.Attribute)):
                    self._hold(state, target, node.lineno, is_connection=True)
        return True

    def _branches(self, node: ast.If | ast.Match, state: _State) -> bool:
        self._expression(node.test if isinstance(node, ast.If) else node.subject, state)
        bodies = [node.body, node.orelse] if isinstance(node, ast.If) else [*(each.body for each in node.cases), []]
        after = []
        for body in bodies:
            branch = dict(state)
            if self._block(body, branch):
                after.append(branch)
        _join(state, after)
        return bool(after)

    def _loop(self, node: ast.While | ast.For | ast.AsyncFor, state: _State) -> bool:
        around = node.test if isinstance(node, ast.While) else node.iter
        self._iterates(around)
        self._expression(around, state)
        after = [dict(state)]
        # A connection that one round holds is held when the next one begins.
        for again in (False, True):
            if again and (isinstance(node, ast.While) or (isinstance(node, ast.AsyncFor) and _calls(around))):
                self._expression(around, state)
            branch, jumps, self._jumps = dict(state), self._jumps, []
            goes_on = self._block(node.body, branch)
            rounds, self._jumps = [*self._jumps, *([branch] if goes_on else [])], jumps
            after += rounds
            _join(state, [state.copy(), *rounds])
        endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
        _join(state, after)
        self._block(node.orelse, state)
        return not endless or any(isinstance(each, ast.Break) for each in walk(node))

    def _with(self, node: ast.With | ast.AsyncWith, state: _State) -> bool:
        closes = []
        for item in node.items:
            context, target = item.context_expr, item.optional_vars
            self._expression(context, state)
            resource = self._resource(context)
            holds = resource.is_session or resource.is_connection
            if holds and isinstance(target, ast.Name):
                state.pop(target.id, None)
                closes.append(target.id)
                if resource.is_connection:
                    self._hold(state, target, context.lineno, is_connection=True)
            elif holds and isinstance(context, (ast.Name, ast.Attribute)):
                closes.append(ast.unparse(context))
            elif resource.is_connection:
                closes.append(ast.unparse(context))
                self._hold(state, context, context.lineno, is_connection=True)
            elif isinstance(context, ast.Call) and isinstance(context.func, ast.Attribute):
                base = context.func.value
                if context.func.attr == "begin" and self._resource(base).is_session:
                    closes.append(ast.unparse(base))
        ends, jumps = len(self._ends), len(self._jumps)
        goes_on = self._block(node.body, state)
        for each in closes:
            for left in (state, *self._ends[ends:], *self._jumps[jumps:]):
                left.pop(each, None)
        return goes_on

    def _try(self, node: ast.Try | ast.TryStar, state: _State) -> bool:
        before = dict(state)
        ends, jumps = len(self._ends), len(self._jumps)
        goes_on = self._block(node.body, state) and self._block(node.orelse, state)
        after = [dict(state)] if goes_on else []
        for handler in node.handlers:
            branch = {**before, **state}
            if self._block(handler.body, branch):
                after.append(branch)
        _join(state, after or [state.copy()])
        last = self._block(node.finalbody, state)
        for left in (*self._ends[ends:], *self._jumps[jumps:]):
            # A release in `finally` happens on each way out of the function.
            for name in [name for name in left if _gives_back(node.finalbody, name)]:
                del left[name]
        return bool(after) and last

    # Expressions, in the order in which they are evaluated

    def _expressions(self, node: ast.stmt, state: _State) -> None:
        for each in child_nodes(node):
            if isinstance(each, ast.expr):
                self._expression(each, state)

    def _expression(self, node: ast.AST, state: _State) -> None:
        while isinstance(node, ast.Attribute):
            node = node.value
        # Names and constants are half of all nodes.
        if isinstance(node, (ast.Name, ast.Constant, *SCOPES)):
            return
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            for generator in node.generators:
                self._iterates(generator.iter)
        if isinstance(node, ast.YieldFrom):
            self._iterates(node.value)
        if isinstance(node, ast.IfExp):
            self._expression(node.test, state)
            branches = [dict(state), dict(state)]
            for part, branch in zip((node.body, node.orelse), branches, strict=True):
                self._expression(part, branch)
            _join(state, branches)
            return
        children = child_nodes(node)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            children = [*node.generators, *(each for each in children if not isinstance(each, ast.comprehension))]
        elif isinstance(node, ast.comprehension):
            children = [node.iter, *node.ifs]
        elif isinstance(node, ast.Call) and last_word(node.func) in _LATER:
            self._later |= {id(each) for each in node.args}
        for each in children:
            self._expression(each, state)
        if isinstance(node, ast.Call):
            self._call(node, state)
        elif isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            self._awaited(node.value, state)
        elif isinstance(node, (ast.Yield, ast.YieldFrom)) and self._analysis.is_streamed(self._function):
            self._wait(node, "the client that reads the stream", state)

    def _call(self, node: ast.Call, state: _State) -> None:
        if self._on_session(node, state):
            return
        use = self._analysis.uses.get(id(node))
        called = self._analysis.callee(node) or self._method_of_client(node)
        if called is not None and not self._runs(called, node):
            return
        if called is not None and id(node) not in self._later:
            self._enter(called, node, state)
        if use is None or not state or id(node) in self._later:
            return
        name = self._analysis.call_graph.name_of(use)
        if use.last in RUNS - _KEEPS and called is None:
            name = next((each for each in map(self._names.meaning, node.args[:2]) if each), "")
        slept = node.args[0] if node.args else None
        is_sleep = name in _SLEEPS and not (isinstance(slept, ast.Constant) and not slept.value)
        if is_sleep or waits(use, name):
            self._wait(node, f"{name.replace('()', '')}()", state)
        elif called is not None and called.owner and self._analysis.is_of_client(called):
            self._wait(node, f"{called.owner.node.name}.{called.node.name}()", state)

    def _awaited(self, node: ast.Call, state: _State) -> None:
        """Count an awaited call of an unknown function as a use of the sessions that it is passed."""
        if self._analysis.callee(node) is not None or self._on_session(node, dict(state)):
            return
        for each in (*node.args, *(each.value for each in node.keywords)):
            if isinstance(each, (ast.Name, ast.Attribute)) and self._resource(each).is_session:
                self._hold(state, each, node.lineno)

    def _on_session(self, node: ast.Call, state: _State) -> bool:
        """Report whether a call is a method of a session, which holds a connection from its first statement on."""
        function = node.func
        if not isinstance(function, ast.Attribute) or not isinstance(function.value, (ast.Name, ast.Attribute)):
            return False
        if function.attr not in EXECUTES and function.attr not in RELEASES:
            return False
        holder = function.value
        resource = self._resource(holder)
        if not resource.is_session and not resource.is_connection:
            return False
        if function.attr in RELEASES:
            hold = state.get(ast.unparse(holder))
            if hold is not None and not (hold.is_connection and function.attr in ("commit", "rollback")):
                del state[ast.unparse(holder)]
            return True
        if not resource.certain and function.attr not in _BY_NAME:
            return False
        if function.attr in ("get", "get_one") and not resource.certain and not _is_class(node):
            return False
        self._hold(state, holder, node.lineno, is_connection=resource.is_connection)
        return True

    def _resource(self, node: ast.AST) -> Resource:
        return self._analysis.sessions.resource(self._names, node)

    def _hold(self, state: _State, holder: ast.expr, line: int, *, is_connection: bool = False) -> None:
        name = ast.unparse(holder)
        state.setdefault(name, _Hold(is_connection, line, name))

    def _wait(self, node: ast.expr, what: str, state: _State, end: Location | None = None) -> None:
        for hold in sorted(state.values(), key=lambda each: -each.line)[:1]:
            location = Location(self._names.file.path, node.lineno)
            self._waits.setdefault((id(node), what), HeldWait(location, what, hold.holder, hold.line, end or location))

    # Functions of the package

    def _runs(self, called: Function, node: ast.Call) -> bool:
        """Report whether a call runs a function: a generator runs when it is iterated over."""
        return not self._analysis.is_generator(called) or id(node) in self._iterated

    def _iterates(self, node: ast.AST) -> None:
        inner = node.value if isinstance(node, ast.Await) else node
        self._iterated.add(id(inner))

    def _method_of_client(self, node: ast.Call) -> Function | None:
        """The method of a client that is looked up by its class: `clients[Forecast].of(town)`."""
        use = self._analysis.uses.get(id(node))
        if use is None or not isinstance(node.func, ast.Attribute) or not self._analysis.asks_client(use):
            return None
        value: ast.AST = node.func.value
        if isinstance(value, ast.Name):
            value = dict(_unpacked(self._function)).get(value.id, value)
        looked_up = value.slice if isinstance(value, ast.Subscript) else None
        if isinstance(value, ast.Call) and value.args:
            looked_up = value.args[0]
        name = self._names.meaning(looked_up) if looked_up is not None else ""
        functions = self._analysis.call_graph
        owner = functions.classes.get(name)
        if owner is None or self._analysis.base not in functions.bases(owner):
            return None
        return next(functions.targets(f"{name}().{node.func.attr}"), None)

    def _enter(self, called: Function, node: ast.Call, state: _State) -> None:
        """Go through a function that is called, with what it is handed of what is held here."""
        if called.node is self._function.node or called not in self._analysis.concerned:
            return
        if self._deep >= WALKS:
            self._analysis.cuts += 1
            return
        inward = dict(_parameters(called, node))
        before: _State = {}
        for name, hold in state.items():
            inner = _renamed(name, {written: parameter for parameter, written in inward.items()})
            before[inner or _OUTSIDE] = _Hold(hold.is_connection, 0, hold.holder)
        outcome = self._analysis.outcome(called, before, self._deep + 1)
        if not self._analysis.is_handed_on(called) and not self._analysis.is_of_client(called) and state:
            for each in outcome.waits:
                if not each.since:
                    what = each.what if each.what.startswith("the client") else each.what.partition(" (")[0]
                    through = f"{called.node.name}() ({what} in {each.location})"
                    self._wait(node, through, state, each.end)
                    break
        after = dict(outcome.end)
        for name in list(state):
            inner = _renamed(name, {written: parameter for parameter, written in inward.items()})
            if inner and inner not in after:
                del state[name]
        for name, hold in after.items():
            outer = _renamed(name, inward)
            if outer and outer not in state:
                state[outer] = _Hold(hold.is_connection, node.lineno, outer, hold.always)


def _parameters(called: Function, node: ast.Call) -> Iterator[tuple[str, str]]:
    """The parameters of a function, each with what it is handed, where that is a name."""
    parameters = called.parameters
    if called.owner and parameters[:1] in (["self"], ["cls"]):
        if isinstance(node.func, ast.Attribute) and called.node.name not in ("__init__", "__new__"):
            yield parameters[0], ast.unparse(node.func.value)
        parameters = parameters[1:]
    given = list(zip(parameters, node.args, strict=False))
    given += [(each.arg, each.value) for each in node.keywords if each.arg]
    for parameter, value in given:
        if isinstance(value, (ast.Name, ast.Attribute)):
            yield parameter, ast.unparse(value)


def _renamed(name: str, names: Mapping[str, str]) -> str:
    """The name of `run.session` where `run` has another name; "" where it has none."""
    for old, new in names.items():
        if name == old or name.startswith(f"{old}."):
            return new + name[len(old) :]
    return ""


def _join(state: _State, branches: Iterable[_State]) -> None:
    joined: _State = {}
    branches = list(branches)
    for each in branches:
        for name, hold in each.items():
            always = all(name in one and one[name].always for one in branches)
            joined.setdefault(name, replace(hold, always=always))
    state.clear()
    state.update(joined)


def _gives_back(body: Iterable[ast.stmt], name: str) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in RELEASES
        and ast.unparse(node.func.value) == name
        for each in body
        for node in walk(each)
    )


def _unpacked(function: Function) -> Iterator[tuple[str, ast.expr]]:
    """The names that are given a value, `a, b = x, y` included."""
    for name, values in function.assigned.items():
        if len(values) == 1:
            yield name, values[0]
    for node in walk(function.node):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and len(target.elts) == len(node.value.elts):
                    for one, value in zip(target.elts, node.value.elts, strict=True):
                        if isinstance(one, ast.Name):
                            yield one.id, value


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in node.keywords if each.arg == name), None)


def _is_script(names: SymbolTable) -> bool:
    """Report whether a module has code for `__main__`."""
    return any(
        isinstance(node, ast.If) and "__name__" in {getattr(each, "id", "") for each in walk(node.test)}
        for node in (names.file.tree.body if names.file.tree else ())
    )


def _is_class(node: ast.Call) -> bool:
    """Report whether the first argument is a class by its name, as a row's is."""
    word = last_word(node.args[0]) if node.args else ""
    return word[:1].isupper() and not word.isupper()


def _calls(node: ast.AST) -> bool:
    return isinstance(node.value if isinstance(node, ast.Await) else node, ast.Call)
