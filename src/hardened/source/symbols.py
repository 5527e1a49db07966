"""Meaning of names in a module: `s.connect` after `import sqlite3 as s` is sqlite3.connect."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar, cast

from ..model import Location
from .files import File
from .limits import CHAIN, NESTING
from .nodes import FUNCTIONS, LEAVES, SCOPES, Scope, child_nodes, last_of, parent_of, walk

__all__ = ["FUNCTIONS", "SCOPES", "CallSite", "Resolution", "Scope", "SymbolTable"]

_BINDING = frozenset({ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.withitem, *SCOPES})
_Key = tuple[ast.AST, str]
Node = TypeVar("Node", bound=ast.AST)


@dataclass(eq=False)  # frozen would take longer than to find out the name
class CallSite:
    """A call in the source.

    Attributes:
        name: the dotted name of the callee, as far as imports, plain assignments and annotations tell; "" where they do
            not. The result of a call, or a value annotated with a class, is written with `()`: after `client: Client`,
            `client.get` is "httpx.Client().get".
        last: the last word of the callee, known also where the rest is not: "get".
        node: the call.
        location: its line.
        module: the dotted name of its module.
        within: the functions, classes and lambdas around it, outermost first.
    """

    name: str
    last: str
    node: ast.Call
    location: Location
    module: str
    within: tuple[Scope, ...] = field(repr=False)

    @cached_property
    def function(self) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The innermost `def` around it; None at the level of a module or class."""
        return next((scope for scope in reversed(self.within) if isinstance(scope, FUNCTIONS)), None)

    @property
    def in_coroutine(self) -> bool:
        """The event loop runs it: the innermost function around it is an `async def`."""
        inner = next((scope for scope in reversed(self.within) if isinstance(scope, (*FUNCTIONS, ast.Lambda))), None)
        return isinstance(inner, ast.AsyncFunctionDef)

    def argument(self, keyword: str, position: int | None = None) -> ast.expr | None:
        """The argument of this keyword or position, where it is written out."""
        for each in self.node.keywords:
            if each.arg == keyword:
                return each.value
        plain = self.node.args
        if position is None or len(plain) <= position or any(isinstance(each, ast.Starred) for each in plain):
            return None
        return plain[position]


class Resolution:
    """State of the questions that are being answered, shared by the tables of a project so that circles end.

    Attributes:
        cut_short: names and functions whose chain was longer than is followed.
        on_cut: called with the reason when a chain is cut.
    """

    def __init__(self, on_cut: Callable[[str], None] = lambda _: None) -> None:
        self.cut_short: set[str] = set()
        self.on_cut = on_cut
        self._known: dict[_Key, str] = {}
        self._open: set[_Key] = set()
        # Answers within a circle hold for the question that is open, and not for others.
        self._tentative: dict[_Key, str] = {}
        self._in_circle = False

    def cut(self, name: str) -> None:
        """Note that a chain was not followed to its end."""
        self.cut_short.add(name)
        names = ", ".join(sorted(self.cut_short))
        self.on_cut(
            f"more than {CHAIN} names or functions lead to one another, and were not followed further at {names}"
        )

    def is_open(self, key: _Key) -> bool:
        """Return whether the question is being answered; what is answered meanwhile holds for it alone."""
        self._in_circle = self._in_circle or key in self._open
        return key in self._open

    def answer(self, key: _Key, ask: Callable[[], str]) -> str:
        """Return the answer for a name of a scope; "" where the question is open already."""
        if key in self._known:
            return self._known[key]
        if key in self._open or key in self._tentative:
            self._in_circle = True
            return self._tentative.get(key, "")
        if len(self._open) >= CHAIN:
            self.cut(key[1])
            return ""
        outermost, around = not self._open, self._in_circle
        self._in_circle = False
        self._open.add(key)
        try:
            found = ask()
        finally:
            self._open.discard(key)
        if outermost or not self._in_circle:
            self._known[key] = found
        else:
            self._tentative[key] = found
        self._in_circle = (around or self._in_circle) and not outermost
        if outermost:
            self._tentative.clear()
        return found


class SymbolTable:
    """The names of one module. `other` returns the table of another module of the project, or None."""

    def __init__(
        self,
        file: File,
        module: str,
        *,
        package: bool,
        other: Callable[[str], SymbolTable | None] = lambda _: None,
        resolution: Resolution | None = None,
    ) -> None:
        self.file = file
        self.module = module
        self._home = module if package else parent_of(module)
        self._other = other
        self._resolution = resolution or Resolution()
        self._bound: dict[ast.AST, dict[str, list[ast.AST]]] = {}
        self._around: dict[ast.AST, tuple[Scope, ...]] = {}
        self._annotations: dict[ast.AST, ast.expr | None] = {}
        if file.tree is not None:
            self._visit(file.tree)
        # Annotations that are texts add to what is around, while others look through it.
        self._nodes = tuple((node, around[1:]) for node, around in self._around.items())

    def __iter__(self) -> Iterator[tuple[ast.AST, tuple[Scope, ...]]]:
        """Each node of the module and the scopes around it, without the module itself."""
        return iter(self._nodes)

    def nodes(self, *kinds: type[Node]) -> Iterator[tuple[Node, tuple[Scope, ...]]]:
        """Each node of these kinds with the scopes around it, in the order of the source."""
        found = [self._by_kind[kind] for kind in kinds if kind in self._by_kind]
        for position in found[0] if len(found) == 1 else sorted(each for positions in found for each in positions):
            yield cast("tuple[Node, tuple[Scope, ...]]", self._nodes[position])

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[int]]:
        found: dict[type[ast.AST], list[int]] = {}
        for position, (node, _) in enumerate(self._nodes):
            found.setdefault(type(node), []).append(position)
        return found

    def uses(self) -> list[CallSite]:
        """Each call."""
        return self._uses

    @cached_property
    def _uses(self) -> list[CallSite]:
        found = []
        for node, around in self.nodes(ast.Call):
            name = self.meaning(node.func)
            written = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            location = Location(self.file.path, node.lineno)
            found.append(CallSite(name, last_of(name) or written, node, location, self.module, around))
        return found

    def imports(self) -> Iterator[tuple[str, Location, tuple[Scope, ...]]]:
        """Each module or name that is imported, as a dotted name, with its line and the scopes around it."""
        for node, around in self.nodes(ast.Import, ast.ImportFrom, ast.Call):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    yield self.imported(node, alias), Location(self.file.path, node.lineno), around
            elif isinstance(node, ast.Call) and (name := self._by_function(node)):
                yield name, Location(self.file.path, node.lineno), around

    def meaning(self, node: ast.AST | None) -> str:
        """The dotted name that an expression stands for; "" where that cannot be told without running it."""
        if isinstance(node, ast.Name):
            return self._named(node.id, self._around.get(node, ()))
        if isinstance(node, ast.Attribute):
            base = self.meaning(node.value)
            return self.followed(f"{base}.{node.attr}") if base else ""
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self.meaning(node.value)
        return self._called(node) if isinstance(node, ast.Call) else ""

    def instance(self, annotation: ast.AST | None) -> str:
        """The value that has this annotation, as `meaning` writes it: `Annotated[X | None, ...]` is "X()"."""
        if annotation is None:
            return ""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self.instance(self._parsed(annotation, annotation.value))
        if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
            return self.instance(annotation.left) or self.instance(annotation.right)
        if isinstance(annotation, ast.Subscript):
            outer = last_of(self.meaning(annotation.value))
            several = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
            if several and outer in ("Annotated", "Optional", "Final", "ClassVar", "Mapped"):
                return self.instance(several[0])
            return self.instance(annotation.value)
        name = self.meaning(annotation)
        return name if name.endswith("()") or not name else f"{name}()"

    def _parsed(self, annotation: ast.Constant, text: str) -> ast.expr | None:
        """The expression in an annotation that is a text."""
        if annotation not in self._annotations:
            try:
                parsed = ast.parse(text, mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                parsed = None
            around = self._around.get(annotation, (self.file.tree,) if self.file.tree else ())
            for node in walk(parsed) if parsed else ():
                self._around.setdefault(node, around)
            self._annotations[annotation] = parsed
        return self._annotations[annotation]

    def around(self, node: ast.AST) -> tuple[Scope, ...]:
        """The functions, classes and lambdas around a node of the module, outermost first."""
        return self._around.get(node, ())[1:]

    def bindings(self, scope: ast.AST | None, name: str) -> Sequence[ast.AST]:
        """Each value, definition, import or argument that a name of a scope is bound to, in the order of the source."""
        return self._bound.get(scope, {}).get(name, ()) if scope is not None else ()

    def given(self, node: ast.AST) -> list[tuple[SymbolTable, ast.AST]]:
        """Each value, definition or argument that a plain name is bound to, with the table of its module."""
        if not isinstance(node, ast.Name):
            return []
        for position, scope in enumerate(reversed(self._around.get(node, ()))):
            if position and isinstance(scope, ast.ClassDef):
                continue
            if values := self.bindings(scope, node.id):
                return [pair for each in values for pair in self._origins(node.id, each)]
        return []

    def text(self, node: ast.AST | None, seen: frozenset[ast.AST] = frozenset()) -> str | None:
        """The text that an expression is, `?` for the parts of it that only running it tells; None where it is none."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(each, seen) or "?" for each in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, seen)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = self.text(node.left, seen), self.text(node.right, seen)
            return None if sides == (None, None) else "".join(each or "?" for each in sides)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "f" and node.args:
            return self.text(node.args[0], seen)  # Alembic's op.f("name")
        values = self.given(node) if node is not None and len(seen) < CHAIN else []
        if len(values) == 1 and values[0][1] not in seen:
            names, value = values[0]
            return names.text(value.value if isinstance(value, ast.AnnAssign) else value, seen | {value})
        return None

    def definition(self, name: str) -> tuple[SymbolTable, ast.AST] | None:
        """The function or class of the project that a meaning names, with the names of its module; `()` is left out."""
        parts = name.replace("()", "").split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:cut])
            other = self if module == self.module else self._other(module)
            if other is None or other.file.tree is None:
                continue
            found: ast.AST | None = other.file.tree
            for part in parts[cut:]:
                body = getattr(found, "body", ())
                found = next((each for each in body if getattr(each, "name", None) == part), None)
            return (other, found) if isinstance(found, (*FUNCTIONS, ast.ClassDef)) else None
        return None

    def written(self, node: ast.AST | None, deep: int = 0) -> tuple[ast.AST | None, SymbolTable]:
        """The value of a name that is plainly assigned, also in another module, with the table of that module."""
        if not isinstance(node, ast.Name) or deep > CHAIN:
            return node, self
        for position, scope in enumerate(reversed(self._around.get(node, ()))):
            if position and isinstance(scope, ast.ClassDef):
                continue
            for value in reversed(self.bindings(scope, node.id)):
                if isinstance(value, ast.ImportFrom):
                    return self._elsewhere(value, node.id, deep)
                given = value.value if isinstance(value, ast.AnnAssign) else value
                return self.written(given, deep + 1) if isinstance(given, ast.expr) else (node, self)
        return node, self

    def _elsewhere(self, node: ast.ImportFrom, name: str, deep: int) -> tuple[ast.AST | None, SymbolTable]:
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                module, _, attribute = self.imported(node, alias).rpartition(".")
                other = self._other(module)
                values = other.bindings(other.file.tree, attribute) if other else ()
                for value in reversed(values):
                    if isinstance(value, ast.ImportFrom) and other:
                        return other._elsewhere(value, attribute, deep + 1) if deep < CHAIN else (None, self)
                    given = value.value if isinstance(value, ast.AnnAssign) else value
                    if isinstance(given, ast.expr) and other:
                        return other.written(given, deep + 1)
        return None, self

    # How names are bound

    def _visit(self, tree: ast.Module) -> None:
        """Walk over the module in the order of the source, and note the scopes around each node and the bindings."""
        pending: list[tuple[ast.AST, tuple[Scope, ...], int]] = [(each, (tree,), 1) for each in reversed(tree.body)]
        while pending:
            node, around, level = pending.pop()
            self._around[node] = around
            if type(node) in _BINDING:
                self._binding(node, around)
            if level > NESTING:
                self.file.leave_out(f"has more than {NESTING} levels of nesting")
                self._around, self._bound = {}, {}
                return
            if type(node) in LEAVES:
                continue
            inner = child_nodes(node)
            level += 1
            if isinstance(node, SCOPES):
                body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
                within, inside = (*around, node), set(map(id, body))
                pending += [(each, within, level) for each in reversed(body)]
                # Decorators, defaults, bases and annotations are evaluated around a definition.
                pending += [(each, around, level) for each in reversed(inner) if id(each) not in inside]
            else:
                pending += [(each, around, level) for each in reversed(inner)]

    def _binding(self, node: ast.AST, around: tuple[Scope, ...]) -> None:
        scope = around[-1]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                bound = alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
                self._keep(scope, bound, node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self._keep(scope, target.id, node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            self._keep(scope, node.target.id, node)
        elif isinstance(node, ast.NamedExpr):
            self._keep(scope, node.target.id, node.value)
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            self._keep(scope, node.optional_vars.id, node.context_expr)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self._keep(scope, node.name, node)
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            arguments = node.args
            for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                self._keep(node, each.arg, each)

    def _keep(self, scope: ast.AST, name: str, value: ast.AST) -> None:
        self._bound.setdefault(scope, {}).setdefault(name, []).append(value)

    def _origins(
        self, name: str, value: ast.AST, seen: frozenset[ast.AST] = frozenset()
    ) -> list[tuple[SymbolTable, ast.AST]]:
        """The value itself, or the values that the module it is imported from has under its name."""
        if not isinstance(value, (ast.Import, ast.ImportFrom)):
            return [(self, value)]
        for alias in value.names:
            if isinstance(value, ast.ImportFrom) and (alias.asname or alias.name) == name:
                imported = self.imported(value, alias)
                other, attribute = self._other(parent_of(imported)), last_of(imported)
                if other is None or other.file.tree is None or value in seen:
                    return []
                values = other.bindings(other.file.tree, attribute)
                return [pair for each in values for pair in other._origins(attribute, each, seen | {value})]
        return []

    # Meaning

    def _named(self, name: str, around: tuple[Scope, ...]) -> str:
        for position, scope in enumerate(reversed(around)):
            # A class's names are not seen from inside of its methods.
            if position and isinstance(scope, ast.ClassDef):
                continue
            if self.bindings(scope, name):
                return self._bound_to(scope, name)
        return name if hasattr(builtins, name) else ""

    def _bound_to(self, scope: ast.AST, name: str) -> str:
        """The first meaning of what a name of a scope is given."""
        values = self.bindings(scope, name)
        return self._resolution.answer(
            (scope, name), lambda: next((meaning for each in values if (meaning := self._value(name, each))), "")
        )

    def _value(self, name: str, value: ast.AST) -> str:
        if isinstance(value, (ast.Import, ast.ImportFrom)):
            for alias in value.names:
                whole = alias.name.partition(".")[0]
                if isinstance(value, ast.Import) and alias.asname is None and whole == name:
                    return whole
                if (alias.asname or alias.name) == name:
                    return self.followed(self.imported(value, alias))
            return ""
        if isinstance(value, (*FUNCTIONS, ast.ClassDef)):
            outer = [each.name for each in self._around[value][1:] if not isinstance(each, (ast.Lambda, ast.Module))]
            return ".".join((self.module, *outer, value.name))
        if isinstance(value, ast.arg):
            return self.instance(value.annotation)
        if isinstance(value, ast.AnnAssign):
            return self.meaning(value.value) or self.instance(value.annotation)
        if isinstance(value, ast.Subscript):
            # An alias of a type, such as Annotated[AsyncSession, Depends(...)].
            return self.instance(value)
        return self.meaning(value)

    def _called(self, node: ast.Call) -> str:
        if module := self._by_function(node):
            return module
        name = self.meaning(node.func)
        word = node.args[1] if name == "getattr" and len(node.args) > 1 else None
        if isinstance(word, ast.Constant) and isinstance(word.value, str):
            base = self.meaning(node.args[0])
            return f"{base}.{word.value}" if base else ""
        return f"{name}()" if name else ""

    def _by_function(self, node: ast.Call) -> str:
        """The module that `importlib.import_module("x")` or `__import__("x")` imports."""
        if not node.args or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
            return ""
        return node.args[0].value if self.meaning(node.func) in ("importlib.import_module", "__import__") else ""

    def imported(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
        """The dotted name of what an import statement binds."""
        if isinstance(node, ast.Import):
            return alias.name
        parts = self._home.split(".") if node.level else []
        parts = parts[: len(parts) - node.level + 1] if node.level > 1 else parts
        return ".".join((*parts, *((node.module,) if node.module else ()), alias.name))

    def followed(self, name: str) -> str:
        """A name of another module of the project, as that module means it."""
        module, attribute = parent_of(name), last_of(name)
        other = self._other(module) if module else None
        if other is None or other is self or other.file.tree is None:
            return name
        # Of a circle, the question that is open already has another answer, or none.
        if self._resolution.is_open((other.file.tree, attribute)):
            return ""
        return other._bound_to(other.file.tree, attribute) or name
