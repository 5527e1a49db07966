# Owned by the template.
"""CL: guards of clients of other services."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ._facts import Facts
from ._findings import DoesNotApply, Finding, Guard
from ._functions import Function, Functions
from ._names import FUNCTIONS, Use
from ._outgoing import IN_C, Timeouts, asks, connects, makes_client
from ._stand_ins import StandIns
from ._stores import Stores
from ._unread import Unreads

DATA = {"certifi", "tzdata"}
NO_VERSIONS = {"latest", "newest", "current", "auto", "any"}


class CL001(Guard):
    """A module that connects while it is imported.

    The application is imported, every other module too, and the API's schema is made, all with sockets blocked: what
    tries to connect or to look up a name is named, at the project's innermost line. Clients that connect in C, where
    nothing can be blocked, are found in source: in a module or class body, a default argument, a decorator, and in the
    constructors and functions that those call.
    Quiet are: clients that connect at first use, what a lifespan does, datagrams, what stands below
    `if __name__ == "__main__"`, and threads that connect in the background while nobody waits for them.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        told: dict[str, set[int]] = {}
        for attempt in facts.attempts:
            told.setdefault(attempt.place.file or "", set()).add(attempt.place.line or 0)
            yield self.finding(
                f"this line connects to {attempt.target} {attempt.during}; connect at first use, or when the "
                "application starts (in its lifespan)",
                attempt.place,
                attempt.target,
            )
        functions = facts.functions
        for function, start in ((None, ""), *functions.at_import.items()):
            for use in function.inside if function else functions.imported:
                lines = set(range(use.node.lineno, (use.node.end_lineno or use.node.lineno) + 1))
                name = functions.name_of(use)
                # What goes through Python's sockets would have been met above, had it run.
                written = function is None or name.partition(".")[0] in IN_C
                if written and connects(use, name) and lines.isdisjoint(told.get(use.place.file or "", ())):
                    when = f"when {use.module} is imported" if function is None else f"during the import at {start}"
                    yield self.finding(
                        f"{name}() connects {when}; connect at first use, or when the application starts "
                        "(in its lifespan)",
                        use.place,
                        name,
                    )


class CL002(Guard):
    """A client that does not state the version of the API that it is written for.

    `client-base` names the class that clients derive from. Each class below it that is used, that is to say has no
    classes below it itself, must have a `version` that is written down: an empty one, `latest`, one that is read from
    elsewhere when the class is made, and one that is assigned later are none.
    Quiet are: a version that a class between inherits, an f-string or a name of a constant, an Enum's member, and a
    class in between that leaves it to those below.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        if not facts.config.client_base:
            raise DoesNotApply("no `client-base` in [tool.hardening]")
        functions, classes = facts.functions, facts.functions.classes
        base = functions.canonical(facts.config.client_base)
        below = {name: functions.bases(kind) for name, kind in classes.items() if name != base}
        clients = {name: bases for name, bases in below.items() if base in bases}
        told = set()
        for name in clients:
            node, place = classes[name].node, classes[name].place
            line = (name, *(each for each in clients[name] if each in clients))
            values = [value for each in line for value in _versions(classes[each].node)]
            used = not any(name in bases for bases in clients.values())
            reason = _no_version(values[0]) if values else f"{node.name} states no version"
            if used and reason:
                told.add(place)
                yield self.finding(
                    f"{reason}, so it has to be found out by asking, and each try that is wrong is an error in the log; "
                    'write the one that it is made for: version = "v1"',
                    place,
                    node.name,
                )
            for each in ast.walk(node):
                if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and each.attr == "version":
                    yield self.finding(
                        f"{node.name} changes its version while it runs; state one, and let who asks for another API "
                        "have a client of its own",
                        facts.source.place(facts.source.root / (place.file or ""), each.lineno),
                        node.name,
                    )
        for failure in facts.failures_of("CL002"):
            if failure.place not in told:
                yield self.finding(failure.message.removesuffix(" (CL002)"), failure.place, failure.module)


class CL003(Guard):
    """A call of another service past the breaker, or a limit that nobody reads.

    Where `outgoing` names the modules that ask other services, and do so behind a breaker: a client or call of an HTTP
    library (httpx, requests, aiohttp, urllib, ...) anywhere else. In every service: a field of a settings class, or of
    a model in one, that nothing reads but its own validators; a parameter or a dataclass's field that is called like a
    limit (timeout, threshold, cool-down, retries, ...) which its function never looks at, or which a constructor keeps
    in an attribute that nobody reads.
    Quiet are: a client with a `transport` of its own, as for a service in this process; settings that are dumped or
    passed on whole; parameters of handlers, of methods that override, of stubs and protocols.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        makers = facts.config.outgoing
        for use in facts.source.uses if makers else ():
            name = facts.functions.name_of(use)
            if asks(use, name) and not any(use.module == each or use.module.startswith(f"{each}.") for each in makers):
                yield self.finding(
                    f"{name}() asks another service with no breaker in between, and asks on while that fails; "
                    f"use the clients of {makers[0]}",
                    use.place,
                    name,
                )
        unreads = Unreads(facts.functions)
        for unread in (*unreads.settings(), *unreads.limits()):
            yield self.finding(
                f"{unread.what} is read by nobody, so setting it changes nothing; use it or delete it",
                unread.place,
                unread.subject,
            )


class CL004(Guard):
    """A client with connections of its own, made in a request or in a job.

    Looked for in routes, in dependencies, in jobs and tasks, and in all of the package's functions and constructors that
    these call: a client or pool of Redis, of an HTTP library, of a search engine, a cloud, a broker or a model provider,
    and each class below `client-base`.
    Quiet are: a new object on a pool, transport or connector that exists (`Redis(connection_pool=pool)`); what is made
    in a module, in a lifespan, in a function that keeps what it gives (`functools.cache`); what is made once, when it
    is not there yet, and kept in the module or in an object that outlives the request.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        functions = facts.functions
        base = functions.canonical(facts.config.client_base) if facts.config.client_base else ""
        for function, what in functions.in_requests.items():
            for use in function.inside:
                name = functions.name_of(use)
                own = name in functions.classes and base in functions.bases(functions.classes[name])
                if (makes_client(use, name) or (own and base)) and not _is_kept(functions, function, use):
                    yield self.finding(
                        f"{name}() is made in {what} ({function.node.name}), and so are its "
                        "connections, each time; make it once for the process, and close it when that ends",
                        use.place,
                        name,
                    )


class CL005(Guard):
    """A dependency with no upper bound.

    In pyproject.toml (dependencies, extras, groups, Poetry's tables) and in requirement files (`requirements` in
    [tool.hardening], of any encoding): a requirement that takes whatever is released next, and an address of a
    repository without a revision, or with a branch for one.
    Quiet are: `<`, `<=`, `==`, `===`, `~=`, a caret; markers and `requires-python`, which bound something else;
    files, paths, commits and tags; what a constraints file bounds; extras of the project itself; what builds it;
    certifi and tzdata, which are data.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        if not facts.declared.watched:
            raise DoesNotApply("no dependency is declared")
        for each in facts.declared.watched:
            if not each.bounded and each.name not in DATA:
                yield self.finding(
                    f"{each.text} takes whatever is released next, other parameters included; bound it below the next "
                    "release that may break (<2, or ==1.4.*)",
                    each.place,
                    each.name,
                )


class CL006(Guard):
    """A test's stand-in that is not made from what it stands in for.

    In `tests`: a `Mock`, `MagicMock` or `AsyncMock` without `spec` that something is asked of, that is put over an
    attribute, an entry or a dependency, that a fixture gives, or that is passed for a class of the package; `patch`
    without `autospec`, `spec` or a new value; a namespace of lambdas in the place of something; and a class by hand,
    called Fake, Stub, Dummy, Mock or InMemory and then as a class of the package is, or put in its place, with a method
    that the real one has not and no test calls.
    Quiet are: `create_autospec`, `spec=`, `spec_set=`, `wraps=`, `patch(..., new)`, `patch.dict`, a mock that is only
    called or compared, a class that derives from another, and methods that tests call for their own ends.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        stand_ins = StandIns(facts.functions)
        if not stand_ins.paths:
            raise DoesNotApply("there are no tests")
        for mock in stand_ins.mocks():
            advice = "autospec=True" if mock.what.startswith("patch") else "create_autospec(TheRealOne) or spec="
            yield self.finding(
                f"{mock.what} has every method that a test can misspell; make it from the real thing ({advice})",
                mock.place,
            )
        for misfit in stand_ins.misfits():
            yield self.finding(
                f"{misfit.fake}.{misfit.method} stands in for {misfit.real}, which has no {misfit.method}; call it as "
                "the real one is called, or derive from it",
                misfit.place,
                f"{misfit.fake}.{misfit.method}",
            )


class CL007(Guard):
    """A store in the process that grows with what requests bring, and never forgets.

    A dictionary, list or set of a module, of a class, or of an object that a module keeps, to which functions write
    while the service runs; `functools.cache` or `lru_cache(maxsize=None)` on a function that a request or job calls
    with data; a cache of cachetools or aiocache without a time to live.
    Quiet are: what only imports and the start fill (registries, decorators, a lifespan); constants; constant keys and
    classes as keys; a `deque` with `maxlen`; weak references; context variables; what is taken out by who put it in
    (`finally`, `add_done_callback`); a `cache` without arguments.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for store in Stores(facts.functions).found():
            written = f", written to at {store.writer}" if store.writer else ""
            yield self.finding(
                f"{store.name} is {store.what}{written}: it grows with each request, is lost with the process, and the "
                "next process has another; keep it in the database, or in a cache with a time to live",
                store.place,
                store.name,
            )


class CL008(Guard):
    """A call of another service that may wait for ever.

    Calls without a limit, under whatever name and through sessions and `functools.partial`: of requests, urllib, urllib3,
    aiohttp's sessions, `socket.create_connection`, smtplib, ftplib, imaplib, poplib, http.client, paramiko and
    `asyncio.open_connection`; and with a timeout of None of httpx, httpx2 and botocore, which have one by themselves.
    Quiet are: a timeout in the call or the session, an adapter with one, `socket.setdefaulttimeout`, what is passed as
    `**options`, and `asyncio.timeout`, `wait_for` or anyio's `fail_after` around what is awaited.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for use, what in Timeouts(facts.functions).missing():
            yield self.finding(
                f"{what} waits for ever where the other side says nothing; give it a timeout",
                use.place,
                what.partition("(")[0],
            )


def _versions(node: ast.ClassDef) -> Iterator[ast.expr]:
    """The values that a class's body gives `version`."""
    for each in node.body:
        targets = each.targets if isinstance(each, ast.Assign) else [getattr(each, "target", None)]
        if isinstance(each, (ast.Assign, ast.AnnAssign)) and each.value is not None:
            if any(getattr(target, "id", "") == "version" for target in targets):
                yield each.value
        elif isinstance(each, FUNCTIONS) and each.name == "version":
            yield ast.Call(ast.Name(each.name), [], [])


def _no_version(node: ast.expr) -> str:
    """What is wrong with a stated version; empty where nothing is."""
    if isinstance(node, ast.Constant):
        value = str(node.value or "").strip()
        if not value:
            return "the version is empty"
        return f'the version "{value}" is another one tomorrow' if value.lower() in NO_VERSIONS else ""
    asked = [each for each in ast.walk(node) if isinstance(each, (ast.Call, ast.Subscript))]
    return f"the version is whatever {ast.unparse(node)} says" if asked else ""


def _is_kept(functions: Functions, function: Function, use: Use) -> bool:
    """Whether a client is made when it is not there yet, and kept where the next request finds it."""
    nodes = list(ast.walk(function.node))
    made = next(
        (
            each
            for each in nodes
            if isinstance(each, (ast.Assign, ast.AnnAssign, ast.NamedExpr))
            and any(inner is use.node for inner in ast.walk(each.value or each))
        ),
        None,
    )
    if made is None:
        return False
    shared = {name for each in nodes if isinstance(each, ast.Global) for name in each.names}
    for target in made.targets if isinstance(made, ast.Assign) else [made.target]:
        place = target.value if isinstance(target, ast.Subscript) else target
        if isinstance(place, ast.Name) and not isinstance(target, ast.Subscript) and place.id not in shared:
            continue
        of_self = isinstance(place, ast.Attribute) and isinstance(place.value, ast.Name) and place.value.id == "self"
        if of_self and any(kind.name in functions.made_in_requests for kind in functions.all_around(use.within)):
            continue
        word = getattr(place, "attr", getattr(place, "id", ""))
        tests = [each.test for each in nodes if isinstance(each, (ast.If, ast.IfExp))]
        tests += [each for each in nodes if isinstance(each, ast.BoolOp)]
        if any(
            word in (getattr(each, "attr", ""), getattr(each, "id", ""), getattr(each, "value", ""))
            for test in tests
            for each in ast.walk(test)
        ):
            return True
    return False


GUARDS = (CL001, CL002, CL003, CL004, CL005, CL006, CL007, CL008)
