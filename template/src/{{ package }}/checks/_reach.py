# Owned by the template.
"""What runs in a request, in a job and while a module is imported: functions, followed from call to call in source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from ._findings import Place
from ._names import FUNCTIONS, Names, Scope, Use
from ._source import Source

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef

VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}
ROUTES = VERBS | {"api_route", "route", "websocket", "websocket_route", "middleware", "exception_handler"}
ADDS = {"add_api_route", "add_route", "add_api_websocket_route", "add_websocket_route", "Route", "WebSocketRoute"}
JOBS = {"task", "shared_task", "periodic_task", "actor", "job"}
METHODS = VERBS | {"dispatch", "on_receive", "on_connect", "run"}
STARTS = {"on_event", "command", "callback", "connect", "on_startup", "on_shutdown"}
RUNS = {"to_thread", "run_in_threadpool", "run_in_executor", "run_sync", "in_thread", "add_task", "partial"}
MEMOS = {"cache", "lru_cache", "cached_property", "alru_cache", "cached", "cachedmethod", "cache_resource"}


class Reach:
    """The package's functions and classes, and which of them are reached from where."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.names: dict[Definition, Names] = {}  # of each function and class
        self.called: dict[Definition, str] = {}  # the dotted name of each function and class
        self.owner: dict[ast.AST, ast.ClassDef] = {}  # the class of each method
        self._attributes: dict[ast.ClassDef, dict[str, str]] = {}
        self._called: dict[ast.Call, str] = {}
        for names in source.own:
            for node, within in names:
                if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                    parts = [each.name for each in within if isinstance(each, (*FUNCTIONS, ast.ClassDef))]
                    name = ".".join((names.module, *parts, node.name))
                    self.names[node], self.called[node] = names, name
                    if isinstance(node, ast.ClassDef):
                        self.classes.setdefault(name, node)
                    else:
                        self.functions.setdefault(name, node)
                        if within and isinstance(within[-1], ast.ClassDef):
                            self.owner[node] = within[-1]

    # What is in the source

    @cached_property
    def inside(self) -> dict[ast.AST | None, list[Use]]:
        """The calls of each function, by the innermost `def`; under None those that an import runs."""
        found: dict[ast.AST | None, list[Use]] = {}
        for names in self._source.own:
            apart = _guarded(names.file.tree)
            for use in names.uses():
                if use.function is None and (id(use.node) in apart or _deferred(use.within)):
                    continue
                found.setdefault(use.function, []).append(use)
        return found

    def place(self, node: Definition) -> Place:
        return Place(self.names[node].file.path, node.lineno)

    def bases(self, node: ast.ClassDef) -> Iterator[str]:
        """The dotted names of all classes that a class inherits from, as far as they are told, nearest first."""
        pending, seen = [node], {node}
        while pending:
            each = pending.pop(0)
            for base in each.bases:
                name = self._bare(self.names[each], base)
                if name:
                    yield name
                known = self.classes.get(name)
                if known is not None and known not in seen:
                    seen.add(known)
                    pending.append(known)

    def _bare(self, names: Names, base: ast.expr) -> str:
        return names.meaning(base.value if isinstance(base, ast.Subscript) else base)

    def canonical(self, address: str) -> str:
        """The name under which something is defined that `package.module:Name` leads to."""
        name = address.replace(":", ".")
        return next((names._followed(name, 0) for names in self._source.own), name)

    def attribute(self, owner: ast.ClassDef, name: str) -> str:
        """What `self.<name>` stands for: what its class declares it as, or what a method assigns to it."""
        if owner not in self._attributes:
            self._attributes[owner] = found = {}
            names = self.names[owner]
            for node in ast.walk(owner):
                if isinstance(node, ast.AnnAssign) and (node in owner.body or _of_self(node.target)):
                    found[_word(node.target)] = names.instance(node.annotation)
                elif isinstance(node, ast.Assign):
                    for target in filter(_of_self, node.targets):
                        found[_word(target)] = found.get(_word(target)) or names.meaning(node.value)
        return self._attributes[owner].get(name, "")

    def name_of(self, use: Use) -> str:
        """What is called, `self` and its attributes included."""
        if use.name or not isinstance(use.node.func, ast.Attribute):
            return use.name
        if use.node not in self._called:
            self._called[use.node] = self._of_self(use, use.node.func)
        return self._called[use.node]

    def _of_self(self, use: Use, function: ast.Attribute) -> str:
        owner = next((self.owner[each] for each in reversed(use.within) if each in self.owner), None)
        if owner is None:
            return ""
        base = function.value
        if isinstance(base, ast.Name) and base.id in ("self", "cls"):
            return f"{self.called[owner]}().{function.attr}"
        if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name) and base.value.id == "self":
            meaning = self.attribute(owner, base.attr)
            return f"{meaning}.{function.attr}" if meaning else ""
        return ""

    def targets(self, name: str) -> Iterator[Function]:
        """The functions that a call of this name runs: of a class, those that make an object."""
        plain = name.replace("()", "")
        if plain in self.functions:
            yield self.functions[plain]
        elif plain in self.classes:
            for method in ("__init__", "__post_init__", "__new__"):
                yield from self._method(plain, method)
        else:
            owner, _, method = plain.rpartition(".")
            if owner in self.classes:
                yield from self._method(owner, method)

    def _method(self, owner: str, method: str) -> Iterator[Function]:
        for each in (owner, *self.bases(self.classes[owner])):
            if found := self.functions.get(f"{each}.{method}"):
                yield found
                return

    # Where it leads

    @cached_property
    def handlers(self) -> dict[Function, str]:
        """Functions that a request or a job runs by themselves, and what they are."""
        found: dict[Function, str] = {}
        for node, names in self.names.items():
            if isinstance(node, ast.ClassDef):
                continue
            for decorator in node.decorator_list:
                last = _last(names, decorator)
                if last in ROUTES and isinstance(decorator, ast.Call):
                    found[node] = "a request"
                elif last in JOBS:
                    found[node] = "a job"
            owner = self.owner.get(node)
            if owner is not None and node.name in METHODS:
                kinds = {each.rpartition(".")[2] for each in self.bases(owner)}
                if kinds & {"HTTPEndpoint", "WebSocketEndpoint", "BaseHTTPMiddleware", "Task"}:
                    found[node] = "a job" if "Task" in kinds else "a request"
        for uses in self.inside.values():
            for use in uses:
                if use.last in ("Depends", "Security") and use.node.args:
                    self._add(found, self._meaning(use, use.node.args[0]), "a request")
                elif use.last in ADDS and len(use.node.args) > 1:
                    self._add(found, self._meaning(use, use.node.args[1]), "a request")
                elif use.last == "add_task" and use.node.args:
                    self._add(found, self._meaning(use, use.node.args[0]), "a job")
        for names in self._source.own:
            for each, _ in names:
                # Annotated[Service, Depends()] makes a Service for each request.
                if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Tuple) and each.slice.elts:
                    kind, *rest = each.slice.elts
                    if any(
                        isinstance(one, ast.Call) and not one.args and _last(names, one) == "Depends" for one in rest
                    ):
                        self._add(found, names.meaning(kind), "a request")
        return found

    def _meaning(self, use: Use, node: ast.expr) -> str:
        names = self._source.names(use.place.file or "")
        return names.meaning(node) if names else ""

    def _add(self, found: dict[Function, str], name: str, what: str) -> None:
        for target in self.targets(name):
            found.setdefault(target, what)

    def follow(self, starts: dict[Function, str]) -> dict[Function, str]:
        """Every function that these lead to, with what leads there; what is made once and kept leads nowhere."""
        found = {node: what for node, what in starts.items() if not self.is_kept(node)}
        pending = list(found)
        while pending:
            node = pending.pop()
            for use in self.inside.get(node, ()):
                for target in self.callees(use):
                    if target not in found and not self.is_kept(target):
                        found[target] = found[node]
                        pending.append(target)
        return found

    def callees(self, use: Use) -> Iterator[Function]:
        """What of the package a call runs: what it names, and what it hands to something that runs it."""
        yield from self.targets(self.name_of(use))
        if use.last in RUNS:
            for each in use.node.args[:2]:
                yield from self.targets(self._meaning(use, each))

    def is_kept(self, node: Function) -> bool:
        """Whether a decorator keeps what it gives."""
        return any(_last(self.names[node], each) in MEMOS for each in node.decorator_list)

    @cached_property
    def in_requests(self) -> dict[Function, str]:
        """Functions that run in a request or in a job."""
        return self.follow(self.handlers)

    @cached_property
    def made_in_requests(self) -> set[str]:
        """The classes of which a request or a job makes objects."""
        made = {self.name_of(use) for node in self.in_requests for use in self.inside.get(node, ())}
        made |= {
            self.called[self.owner[node]] for node in self.handlers if node.name == "__init__" and node in self.owner
        }
        return made & self.classes.keys()

    @cached_property
    def at_import(self) -> dict[Function, str]:
        """Functions that run while a module is imported."""
        found: dict[Function, str] = {}
        for use in self.inside.get(None, ()):
            for target in self.callees(use):
                found.setdefault(target, f"{use.place}")
        everything = dict(found)
        pending = list(found)
        while pending:
            node = pending.pop()
            for use in self.inside.get(node, ()):
                for target in self.callees(use):
                    if target not in everything:
                        everything[target] = everything[node]
                        pending.append(target)
        return everything

    @cached_property
    def callers(self) -> dict[Function, list[ast.AST | None]]:
        """The functions that call each function; None stands for an import."""
        found: dict[Function, list[ast.AST | None]] = {}
        for node, uses in self.inside.items():
            for use in uses:
                for target in self.callees(use):
                    found.setdefault(target, []).append(node)
        for node, names in self.names.items():
            for decorator in node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                for target in self.targets(names.meaning(called)):
                    # Of `@kind("x")` an import runs what `kind` gives as well; of `@kind`, what decorates alone.
                    inner = target.body if isinstance(decorator, ast.Call) else []
                    for each in (target, *inner):
                        if isinstance(each, FUNCTIONS):
                            found.setdefault(each, []).append(None)
        return found

    def only_at_start(self, node: Function, seen: frozenset[Function] = frozenset()) -> bool:
        """Whether it runs while modules are imported or while the application starts, and never again."""
        if node in self.handlers:
            return False
        names = self.names[node]
        if "lifespan" in node.name or any(_last(names, each) in STARTS for each in node.decorator_list):
            return True
        callers = self.callers.get(node, [])
        if node in seen or not callers:
            return node in seen
        return all(
            each is None or (isinstance(each, FUNCTIONS) and self.only_at_start(each, seen | {node}))
            for each in callers
        )


def _last(names: Names, decorator: ast.expr) -> str:
    """The last word of what a decorator is."""
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return names.meaning(node).rpartition(".")[2] or getattr(node, "attr", getattr(node, "id", ""))


def _word(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _of_self(target: ast.expr) -> bool:
    return isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"


def _deferred(within: tuple[Scope, ...]) -> bool:
    return any(isinstance(each, ast.Lambda) for each in within)


def _guarded(tree: ast.Module | None) -> set[int]:
    """What does not run when a module is imported: `if __name__ == "__main__"` and `if TYPE_CHECKING`."""
    found: set[int] = set()
    for node in tree.body if tree else ():
        if isinstance(node, ast.If):
            words = {getattr(each, "id", getattr(each, "attr", "")) for each in ast.walk(node.test)}
            if words & {"__name__", "TYPE_CHECKING"}:
                found.update(id(each) for statement in node.body for each in ast.walk(statement))
    return found
