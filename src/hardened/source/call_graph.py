"""Functions and classes of the package: their calls, and what requests, jobs and imports lead to."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ..model import Location
from .limits import CHAIN
from .nodes import FUNCTIONS, Scope, child_nodes, last_of, parent_of, walk
from .symbols import CallSite, SymbolTable
from .tree import Source
from .walks import own_nodes

VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}
ROUTES = VERBS | {"api_route", "route", "websocket", "websocket_route", "middleware", "exception_handler"}
ADDS = {"add_api_route", "add_route", "add_api_websocket_route", "add_websocket_route", "Route", "WebSocketRoute"}
JOBS = {"task", "shared_task", "periodic_task", "actor", "job"}
METHODS = VERBS | {"dispatch", "on_receive", "on_connect", "run"}
STARTS = {"on_event", "command", "callback", "connect", "on_startup", "on_shutdown"}
RUNS = {"to_thread", "run_in_threadpool", "run_in_executor", "run_sync", "in_thread", "add_task", "partial"}
MEMOS = {"cache", "lru_cache", "cached_property", "alru_cache", "cached", "cachedmethod", "cache_resource"}
_CONVERSIONS = {"int", "str", "float", "uuid.UUID", "list", "set", "tuple", "sorted", "dict", "bytes"}

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Class:
    """A class of the package. `name` is dotted, with the classes and functions around it."""

    name: str
    node: ast.ClassDef
    names: SymbolTable
    within: tuple[Scope, ...] = field(repr=False)

    @property
    def location(self) -> Location:
        return Location(self.names.file.path, self.node.lineno)

    @cached_property
    def made_of(self) -> tuple[str, ...]:
        """The dotted names of what it is derived from itself; "" for what cannot be told."""
        bases = [each.value if isinstance(each, ast.Subscript) else each for each in self.node.bases]
        return tuple(self.names.meaning(each) for each in bases)

    @cached_property
    def attributes(self) -> dict[str, str]:
        """Meaning of its attributes: their annotations, or the values that methods assign."""
        found: dict[str, str] = {}
        for node in walk(self.node):
            if isinstance(node, ast.AnnAssign) and (node in self.node.body or _of_self(node.target)):
                found[last_word(node.target)] = self.names.instance(node.annotation)
            elif isinstance(node, ast.Assign):
                for target in filter(_of_self, node.targets):
                    found[last_word(target)] = found.get(last_word(target)) or self.names.meaning(node.value)
        return found


@dataclass(frozen=True, eq=False)
class Function:
    """A function or method of the package. `name` is dotted, with the classes and functions around it."""

    name: str
    node: Def
    names: SymbolTable
    owner: Class | None  # the class that it is a method of
    uses: list[CallSite] = field(repr=False)  # those in the functions inside of it as well

    @property
    def location(self) -> Location:
        return Location(self.names.file.path, self.node.lineno)

    @property
    def is_coroutine(self) -> bool:
        """The event loop runs it."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @cached_property
    def inside(self) -> list[CallSite]:
        """The calls in it, without those in functions inside of it; lambdas are its own."""
        return [use for use in self.uses if use.function is self.node]

    @property
    def calls(self) -> list[CallSite]:
        """Calls of its own, without those of its lambdas."""
        return [use for use in self.inside if not isinstance(use.within[-1], ast.Lambda)]

    @cached_property
    def decorators(self) -> list[str]:
        """Meanings of its decorators: "functools.lru_cache"; ".word" where only the last word is known."""
        called = [each.func if isinstance(each, ast.Call) else each for each in self.node.decorator_list]
        return [self.names.meaning(each) or f".{last_word(each)}" for each in called]

    def is_decorated(self, words: Container[str]) -> bool:
        """Return whether the last word of a decorator is one of these."""
        return any(last_of(each) in words for each in self.decorators)

    @property
    def routes(self) -> list[ast.Call]:
        """The decorators by which it answers requests of HTTP: `@router.get("/")`."""
        named = zip(self.node.decorator_list, self.decorators, strict=True)
        return [each for each, what in named if isinstance(each, ast.Call) and last_of(what) in VERBS | {"api_route"}]

    @property
    def positional(self) -> list[ast.arg]:
        """Parameters that take a position, `self` apart."""
        every = [*self.node.args.posonlyargs, *self.node.args.args]
        return every[1:] if self.owner and "staticmethod" not in self.decorators else every

    @property
    def arguments(self) -> list[ast.arg]:
        """Parameters, `self` apart."""
        return [*self.positional, *self.node.args.kwonlyargs]

    @property
    def parameters(self) -> list[str]:
        arguments = self.node.args
        return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The parent of each node."""
        return {child: node for node in walk(self.node) for child in child_nodes(node)}

    @cached_property
    def assigned(self) -> dict[str, list[ast.expr]]:
        """The values that its plain names are given."""
        found: dict[str, list[ast.expr]] = {}
        for node in walk(self.node):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, []).append(node.value)
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and isinstance(node.target, ast.Name) and node.value:
                found.setdefault(node.target.id, []).append(node.value)
        return found

    @cached_property
    def returned(self) -> list[ast.expr]:
        """Values that it returns, without those of functions inside of it."""
        return [each.value for each in own_nodes(self.node) if isinstance(each, ast.Return) and each.value is not None]

    @cached_property
    def _loops(self) -> list[tuple[str, ast.expr]]:
        """The plain names that go over something, and over what."""
        loops = (each for each in walk(self.node) if isinstance(each, (ast.For, ast.AsyncFor, ast.comprehension)))
        return [(each.target.id, each.iter) for each in loops if isinstance(each.target, ast.Name)]

    def spread(self, brought: Iterable[str]) -> frozenset[str]:
        """The names that stand for what was brought or a part of it: an attribute, an item, a conversion."""
        found = set(brought)
        before = -1
        while len(found) != before:
            before = len(found)
            for name, values in self.assigned.items():
                if any(self.is_brought(value, found) for value in values):
                    found.add(name)
            for target, over in self._loops:
                found |= {target} if self.is_brought(over, found) else set()
        return frozenset(found)

    def is_brought(self, value: ast.AST, brought: set[str] | frozenset[str]) -> bool:
        """Return whether an expression is one of these names, or a part or plain conversion of it."""
        if isinstance(value, ast.Name):
            return value.id in brought
        if isinstance(value, (ast.Attribute, ast.Subscript, ast.Starred)):
            return self.is_brought(value.value, brought)
        if isinstance(value, ast.Call):
            return self.names.meaning(value.func) in _CONVERSIONS and any(
                self.is_brought(each, brought) for each in value.args
            )
        return isinstance(value, ast.BoolOp) and any(self.is_brought(each, brought) for each in value.values)


class CallGraph:
    """Every function and class of the package, and which of them are reached from where."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.every: list[Function] = []  # those as well whose name is given again
        self.by_name: dict[str, Function] = {}
        self.classes: dict[str, Class] = {}
        self._by_node: dict[ast.AST, Function] = {}
        self._by_class: dict[ast.AST, Class] = {}
        self._by_place: dict[tuple[str, int], Function] = {}
        self._bases: dict[Class, tuple[str, ...]] = {}
        self._callees: dict[ast.Call, tuple[Function, ...]] = {}
        uses: dict[ast.AST, list[CallSite]] = {}
        for use in source.uses:
            for scope in use.within:
                uses.setdefault(scope, []).append(use)
        for names in source.own:
            for node, within in names.nodes(ast.ClassDef, *FUNCTIONS):
                if isinstance(node, ast.ClassDef):
                    kind = Class(".".join((names.module, *_named(within), node.name)), node, names, within)
                    self.classes.setdefault(kind.name, kind)
                    self._by_class[node] = kind
                elif isinstance(node, FUNCTIONS):
                    name = ".".join((names.module, *_named(within), node.name))
                    owner = self._by_class.get(within[-1]) if within else None
                    made = Function(name, node, names, owner, uses.get(node, []))
                    self.every.append(made)
                    self.by_name.setdefault(made.name, made)
                    self._by_node[node] = made
                    first = min((node.lineno, *(each.lineno for each in node.decorator_list)))
                    for line in range(first, node.lineno + 1):
                        self._by_place.setdefault((names.file.path, line), made)

    def of(self, node: ast.AST | None) -> Function | None:
        """The function that is this node."""
        return self._by_node.get(node) if node is not None else None

    def all_around(self, within: tuple[Scope, ...]) -> list[Class]:
        """The classes among the scopes around something, innermost first."""
        return [self._by_class[each] for each in reversed(within) if isinstance(each, ast.ClassDef)]

    def at(self, location: Location) -> Function | None:
        """The function that begins on this line, its decorators included."""
        return self._by_place.get((location.file or "", location.line or 0))

    def named(self, meaning: str) -> Function | None:
        """The function that a name stands for, as `SymbolTable` writes it; for a class, how it is made."""
        plain = meaning.replace("()", "")
        return self.by_name.get(plain) or self.by_name.get(f"{plain}.__init__")

    def called(self, use: CallSite) -> Function | None:
        """The function of the package that a call names; what a class inherits is not looked for."""
        name = use.name or self._of_self(use)
        return self.named(name) if name else None

    def name_of(self, use: CallSite) -> str:
        """The dotted name of the callee, through `self` and its attributes."""
        name, function = use.name or self._of_self(use), use.node.func
        if name or not isinstance(function, ast.Attribute) or not _of_self(function.value):
            return name
        owner = next(iter(self.all_around(use.within)), None)
        meaning = owner.attributes.get(last_word(function.value)) if owner else ""
        return f"{meaning}.{function.attr}" if meaning else ""

    def _of_self(self, use: CallSite) -> str:
        function, owner = use.node.func, next(iter(self.all_around(use.within)), None)
        base = function.value if isinstance(function, ast.Attribute) else None
        its_own = isinstance(base, ast.Name) and base.id in ("self", "cls")
        return f"{owner.name}().{last_word(function)}" if owner and its_own else ""

    def bases(self, kind: Class) -> tuple[str, ...]:
        """The dotted names of all classes that a class inherits from, as far as they are told, nearest first."""
        if kind not in self._bases:
            found, pending, seen = [], [kind], {kind}
            while pending:
                for name in filter(None, pending.pop(0).made_of):
                    found.append(name)
                    known = self.classes.get(name)
                    if known is not None and known not in seen:
                        seen.add(known)
                        pending.append(known)
            self._bases[kind] = tuple(found)
        return self._bases[kind]

    def canonical(self, address: str) -> str:
        """The name under which something is defined that `package.module:Name` leads to."""
        name = address.replace(":", ".")
        return next((names.followed(name) for names in self.source.own), name)

    def targets(self, name: str) -> Iterator[Function]:
        """The functions that a call of this name runs, inherited ones too: of a class, those that make an object."""
        plain = name.replace("()", "")
        if plain in self.by_name:
            yield self.by_name[plain]
        elif plain in self.classes:
            for method in ("__init__", "__post_init__", "__new__"):
                yield from self._method(plain, method)
        else:
            owner, method = parent_of(plain), last_of(plain)
            if owner in self.classes:
                yield from self._method(owner, method)

    def _method(self, owner: str, method: str) -> Iterator[Function]:
        for each in (owner, *self.bases(self.classes[owner])):
            if found := self.by_name.get(f"{each}.{method}"):
                yield found
                return

    def callees(self, use: CallSite) -> tuple[Function, ...]:
        """Functions of the package that a call runs: the callee, and references handed to something that runs them."""
        if use.node not in self._callees:
            handed = use.node.args[:2] if use.last in RUNS else []
            names = [self.name_of(use), *(self._meaning(use, each) for each in handed)]
            self._callees[use.node] = tuple(target for name in names for target in self.targets(name))
        return self._callees[use.node]

    def _meaning(self, use: CallSite, node: ast.expr) -> str:
        names = self.source.names(use.location.file or "")
        return names.meaning(node) if names else ""

    # Where it leads

    @cached_property
    def running(self) -> list[CallSite]:
        """Each call but those that an import passes by: in a lambda, or behind `if __name__ == "__main__"`."""
        apart = set().union(*(_guarded(names.file.tree) for names in self.source.own))
        return [use for use in self.source.uses if use.function or not (id(use.node) in apart or _is_deferred(use))]

    @cached_property
    def imported(self) -> list[CallSite]:
        """The calls that an import runs."""
        return [use for use in self.running if use.function is None]

    @cached_property
    def handlers(self) -> dict[Function, str]:
        """Functions that a request or a job runs by themselves, and what they are."""
        found: dict[Function, str] = {}
        for function in self.every:
            for decorator, what in zip(function.node.decorator_list, function.decorators, strict=True):
                last = last_of(what)
                if last in ROUTES and isinstance(decorator, ast.Call):
                    found[function] = "a request"
                elif last in JOBS:
                    found[function] = "a job"
            if function.owner is not None and function.node.name in METHODS:
                kinds = {last_of(each) for each in self.bases(function.owner)}
                if kinds & {"HTTPEndpoint", "WebSocketEndpoint", "BaseHTTPMiddleware", "Task"}:
                    found[function] = "a job" if "Task" in kinds else "a request"
        for use in self.running:
            given = use.node.args
            if use.last in ("Depends", "Security") and given:
                self._add(found, self._meaning(use, given[0]), "a request")
            elif use.last in ADDS and len(given) > 1:
                self._add(found, self._meaning(use, given[1]), "a request")
            elif use.last == "add_task" and given:
                self._add(found, self._meaning(use, given[0]), "a job")
        for names in self.source.own:
            for each, _ in names.nodes(ast.Subscript):
                # Annotated[Service, Depends()] makes a Service for each request.
                if isinstance(each.slice, ast.Tuple) and each.slice.elts:
                    kind, *rest = each.slice.elts
                    calls = [one.func for one in rest if isinstance(one, ast.Call) and not one.args]
                    if any((last_of(names.meaning(one)) or last_word(one)) == "Depends" for one in calls):
                        self._add(found, names.meaning(kind), "a request")
        return found

    def _add(self, found: dict[Function, str], name: str, what: str) -> None:
        for target in self.targets(name):
            found.setdefault(target, what)

    def _spread(self, found: dict[Function, str], leaves_out: Callable[[Function], bool]) -> dict[Function, str]:
        """Add every function that these lead to, with the kind of its first caller."""
        pending = list(found)
        while pending:
            function = pending.pop()
            for use in function.inside:
                for target in self.callees(use):
                    if target not in found and not leaves_out(target):
                        found[target] = found[function]
                        pending.append(target)
        return found

    @cached_property
    def in_requests(self) -> dict[Function, str]:
        """Functions that run in a request or in a job; what is made once and kept leads nowhere."""

        def is_kept(function: Function) -> bool:
            return function.is_decorated(MEMOS)

        return self._spread({each: what for each, what in self.handlers.items() if not is_kept(each)}, is_kept)

    @cached_property
    def made_in_requests(self) -> set[str]:
        """The classes of which a request or a job makes objects."""
        made = {self.name_of(use) for function in self.in_requests for use in function.inside}
        made |= {each.owner.name for each in self.handlers if each.node.name == "__init__" and each.owner}
        return made & self.classes.keys()

    @cached_property
    def at_import(self) -> dict[Function, str]:
        """Functions that run while a module is imported."""
        found: dict[Function, str] = {}
        for use in self.imported:
            for target in self.callees(use):
                found.setdefault(target, f"{use.location}")
        return self._spread(found, lambda _: False)

    @cached_property
    def call_sites(self) -> dict[Function, list[CallSite]]:
        """The calls that run each function, imports apart that pass by."""
        found: dict[Function, list[CallSite]] = {}
        for use in self.running:
            for target in self.callees(use):
                found.setdefault(target, []).append(use)
        return found

    @cached_property
    def callers(self) -> dict[Function, list[Function | None]]:
        """The functions that call each function; None stands for an import."""
        found: dict[Function, list[Function | None]] = {}
        for target, sites in self.call_sites.items():
            found[target] = [self.of(use.function) for use in sites]
        decorated: list[Function | Class] = [*self.every, *self._by_class.values()]
        for each in decorated:
            for decorator in each.node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                for target in self.targets(each.names.meaning(called)):
                    # Of `@kind("x")` an import runs what `kind` gives as well; of `@kind`, what decorates alone.
                    inner = map(self.of, target.node.body) if isinstance(decorator, ast.Call) else ()
                    for one in filter(None, (target, *inner)):
                        found.setdefault(one, []).append(None)
        return found

    def only_at_start(self, function: Function, seen: frozenset[Function] = frozenset()) -> bool:
        """Return whether it runs only while modules are imported or the application starts."""
        if function in self.handlers:
            return False
        if "lifespan" in function.node.name or function.is_decorated(STARTS):
            return True
        callers = self.callers.get(function, [])
        if function in seen or not callers:
            return function in seen
        return all(each is None or self.only_at_start(each, seen | {function}) for each in callers)

    # How far what a request brings gets

    def reached(
        self, start: Function, brought: Iterable[str] = (), *, without: Iterable[str] = ()
    ) -> Iterator[tuple[Function, frozenset[str], tuple[Function, ...]]]:
        """A function and those that it leads to: with the names in each that stand for what was brought, and the callers.

        `without` names functions that are not entered.
        """
        pending = deque([(start, start.spread(brought), tuple[Function, ...]())])
        seen: set[tuple[str, frozenset[str]]] = set()
        while pending:
            function, names, callers = pending.popleft()
            if (function.name, names) in seen or function.name in without:
                continue
            seen.add((function.name, names))
            yield function, names, callers
            if len(callers) >= CHAIN:
                self.source.resolution.cut(function.name)
                continue
            for use in function.uses:
                for other in self.callees(use):
                    given = other.spread(self.handed_on(use, other, function, names))
                    pending.append((other, given, (*callers, function)))

    def handed_on(self, use: CallSite, other: Function, function: Function, names: frozenset[str]) -> list[str]:
        """The parameters of a function that get one of these names by a call, or by what is handed a reference to it."""
        parameters = other.parameters
        if other.owner and parameters[:1] in (["self"], ["cls"]):
            parameters = parameters[1:]
        arguments = use.node.args
        # `to_thread(f, a)` hands on what stands after the reference.
        references = [n for n, each in enumerate(arguments[:2]) if other in self.targets(self._meaning(use, each))]
        if use.last in RUNS and references:
            arguments = arguments[references[0] + 1 :]
        given = list(zip(parameters, arguments, strict=False))
        given += [(each.arg, each.value) for each in use.node.keywords if each.arg]
        return [parameter for parameter, value in given if function.is_brought(value, names)]


def last_word(node: ast.AST) -> str:
    """The name, or the last word of a dotted one."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _of_self(target: ast.expr) -> bool:
    return isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"


def _is_deferred(use: CallSite) -> bool:
    return any(isinstance(each, ast.Lambda) for each in use.within)


def _guarded(tree: ast.Module | None) -> set[int]:
    """Nodes that do not run at import: below `if __name__ == "__main__"` and `if TYPE_CHECKING`."""
    found: set[int] = set()
    for node in tree.body if tree else ():
        if isinstance(node, ast.If):
            words = {last_word(each) for each in walk(node.test)}
            if words & {"__name__", "TYPE_CHECKING"}:
                found.update(id(each) for statement in node.body for each in walk(statement))
    return found


def _named(within: tuple[Scope, ...]) -> list[str]:
    return [each.name for each in within if not isinstance(each, (ast.Lambda, ast.Module))]


def mentions(node: ast.AST, words: Iterable[str]) -> bool:
    """Return whether an attribute or a keyword in it has one of these names."""
    wanted = set(words)
    return any(
        (isinstance(each, ast.Attribute) and each.attr in wanted)
        or (isinstance(each, ast.keyword) and each.arg in wanted)
        for each in walk(node)
    )


def plain_names(node: ast.AST) -> set[str]:
    """The plain names that are read in it."""
    return {each.id for each in walk(node) if isinstance(each, ast.Name)}
