"""What names in a module stand for: `s.connect` after `import sqlite3 as s` is sqlite3.connect, and is found as such."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ..model import Location
from .files import File

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
_CONTEXTS = frozenset(
    kind
    for base in (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
    for kind in base.__subclasses__()
)
_BINDING = frozenset({ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.withitem, *SCOPES})
_DEEP = 20
"""How many names may lead to one another, so that a circle of imports ends."""

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


@dataclass(frozen=True)
class CallSite:
    """A call in the source.

    Attributes:
        name: what is called, as far as imports, plain assignments and annotations tell; "" where they do not. What a
            call gives, or what is annotated with a class, is written with `()`: after `client: Client`,
            `client.get` is "httpx.Client().get".
        last: the last word of what is called, known also where the rest is not: "get".
        node: the call.
        place: its line.
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
        """Whether the event loop runs it: the innermost function around it is an `async def`."""
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


class SymbolTable:
    """The names of one module. `other` gives those of another module of the project, or None."""

    def __init__(
        self, file: File, module: str, *, package: bool, other: Callable[[str], SymbolTable | None] = lambda _: None
    ) -> None:
        self.file = file
        self.module = module
        self._home = module if package else module.rpartition(".")[0]
        self._other = other
        self._bound: dict[ast.AST, dict[str, list[ast.AST]]] = {}
        self._around: dict[ast.AST, tuple[Scope, ...]] = {}
        # What a name of a scope means, and on how long a way from another name that was found out.
        self._meanings: dict[tuple[ast.AST, str], tuple[int, str]] = {}
        if file.tree is not None:
            for node in file.tree.body:
                self._visit(node, (file.tree,))
        # Annotations that are texts add to what is around, while others look through it.
        self._nodes = tuple((node, around[1:]) for node, around in self._around.items())

    def __iter__(self) -> Iterator[tuple[ast.AST, tuple[Scope, ...]]]:
        """Each node of the module and the scopes around it, without the module itself."""
        return iter(self._nodes)

    def uses(self) -> list[CallSite]:
        """Each call."""
        return self._uses

    @cached_property
    def _uses(self) -> list[CallSite]:
        found = []
        for node, around in self._nodes:
            if isinstance(node, ast.Call):
                name = self.meaning(node.func)
                written = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                last = name.rpartition(".")[2] or written
                location = Location(self.file.path, node.lineno)
                found.append(CallSite(name, last, node, location, self.module, around))
        return found

    def imports(self) -> Iterator[tuple[str, Location, tuple[Scope, ...]]]:
        """Each module or name that is imported, as a dotted name, with its line and the scopes around it."""
        for node, around in self._nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    yield self._imported(node, alias), Location(self.file.path, node.lineno), around
            elif isinstance(node, ast.Call) and (name := self._by_function(node)):
                yield name, Location(self.file.path, node.lineno), around

    def meaning(self, node: ast.AST | None, deep: int = 0) -> str:
        """The dotted name that an expression stands for; "" where that cannot be told without running it."""
        if node is None or deep > _DEEP:
            return ""
        if isinstance(node, ast.Name):
            return self._named(node.id, self._around.get(node, ()), deep + 1)
        if isinstance(node, ast.Attribute):
            base = self.meaning(node.value, deep + 1)
            return self._followed(f"{base}.{node.attr}", deep + 1) if base else ""
        if isinstance(node, ast.Await):
            return self.meaning(node.value, deep + 1)
        if isinstance(node, ast.Call):
            return self._called(node, deep)
        if isinstance(node, ast.NamedExpr):
            return self.meaning(node.value, deep + 1)
        return ""

    def instance(self, annotation: ast.AST | None, deep: int = 0) -> str:
        """What has this annotation, as `meaning` writes it: `Annotated[X | None, ...]` is "X()"."""
        if annotation is None or deep > _DEEP:
            return ""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                parsed = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return ""
            around = self._around.get(annotation, (self.file.tree,) if self.file.tree else ())
            for node in ast.walk(parsed):
                self._around.setdefault(node, around)
            return self.instance(parsed, deep + 1)
        if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
            return self.instance(annotation.left, deep + 1) or self.instance(annotation.right, deep + 1)
        if isinstance(annotation, ast.Subscript):
            outer = self.meaning(annotation.value, deep + 1).rpartition(".")[2]
            inner = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
            if outer in ("Annotated", "Optional", "Final", "ClassVar", "Mapped"):
                return self.instance(inner, deep + 1)
            return self.instance(annotation.value, deep + 1)
        name = self.meaning(annotation, deep + 1)
        return name if name.endswith("()") or not name else f"{name}()"

    def around(self, node: ast.AST) -> tuple[Scope, ...]:
        """The functions, classes and lambdas around a node of the module, outermost first."""
        return self._around.get(node, ())[1:]

    def given(self, node: ast.AST) -> list[tuple[SymbolTable, ast.AST]]:
        """What a plain name is given: each value, definition or argument with the names of the module it stands in."""
        if not isinstance(node, ast.Name):
            return []
        for position, scope in enumerate(reversed(self._around.get(node, ()))):
            if position and isinstance(scope, ast.ClassDef):
                continue
            if values := self._bound.get(scope, {}).get(node.id):
                return [pair for each in values for pair in self._origins(node.id, each, 0)]
        return []

    def text(self, node: ast.AST | None, deep: int = 0) -> str | None:
        """The text that an expression is, `?` for the parts of it that only running it tells; None where it is none."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(each, deep) or "?" for each in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, deep)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = self.text(node.left, deep), self.text(node.right, deep)
            return None if sides == (None, None) else "".join(each or "?" for each in sides)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "f" and node.args:
            return self.text(node.args[0], deep)  # Alembic's op.f("name")
        values = self.given(node) if node is not None and deep < _DEEP else []
        if len(values) == 1:
            names, value = values[0]
            return names.text(value.value if isinstance(value, ast.AnnAssign) else value, deep + 1)
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
        """What a name was given where it is plainly assigned, also in another module, and that module's names."""
        if not isinstance(node, ast.Name) or deep > _DEEP:
            return node, self
        for position, scope in enumerate(reversed(self._around.get(node, ()))):
            if position and isinstance(scope, ast.ClassDef):
                continue
            for value in reversed(self._bound.get(scope, {}).get(node.id, ())):
                if isinstance(value, ast.ImportFrom):
                    return self._elsewhere(value, node.id, deep)
                given = value.value if isinstance(value, ast.AnnAssign) else value
                return self.written(given, deep + 1) if isinstance(given, ast.expr) else (node, self)
        return node, self

    def _elsewhere(self, node: ast.ImportFrom, name: str, deep: int) -> tuple[ast.AST | None, SymbolTable]:
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                module, _, attribute = self._imported(node, alias).rpartition(".")
                other = self._other(module)
                values = other._bound.get(other.file.tree, {}).get(attribute, ()) if other and other.file.tree else ()
                for value in reversed(values):
                    if isinstance(value, ast.ImportFrom) and other:
                        return other._elsewhere(value, attribute, deep + 1) if deep < _DEEP else (None, self)
                    given = value.value if isinstance(value, ast.AnnAssign) else value
                    if isinstance(given, ast.expr) and other:
                        return other.written(given, deep + 1)
        return None, self

    # How names are bound

    def _visit(self, node: ast.AST, around: tuple[Scope, ...]) -> None:
        # Everything that is there comes through here: by type, and without the generators of `ast`, it takes half.
        self._around[node] = around
        kind = type(node)
        if kind in _BINDING:
            self._binding(node, around)
        if not isinstance(node, SCOPES):
            for name in kind._fields:
                value = getattr(node, name, None)
                for child in value if isinstance(value, list) else (value,):
                    if isinstance(child, ast.AST) and type(child) not in _CONTEXTS:
                        self._visit(child, around)
            return
        outside, inside = self._split(node)
        for each in outside:
            self._visit(each, around)
        for each in inside:
            self._visit(each, (*around, node))

    @staticmethod
    def _split(scope: Scope) -> tuple[list[ast.AST], list[ast.AST]]:
        """What of a definition is evaluated around it, and what inside of it."""
        body: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(scope.body)
        inside = set(map(id, body))
        return [each for each in ast.iter_child_nodes(scope) if id(each) not in inside], body

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

    def _origins(self, name: str, value: ast.AST, deep: int) -> list[tuple[SymbolTable, ast.AST]]:
        """The value itself, or what the module that it is imported from has under its name."""
        if not isinstance(value, (ast.Import, ast.ImportFrom)):
            return [(self, value)]
        for alias in value.names:
            if isinstance(value, ast.ImportFrom) and (alias.asname or alias.name) == name:
                module, _, attribute = self._imported(value, alias).rpartition(".")
                other = self._other(module)
                if other is None or other.file.tree is None or deep > _DEEP:
                    return []
                values = other._bound.get(other.file.tree, {}).get(attribute, ())
                return [pair for each in values for pair in other._origins(attribute, each, deep + 1)]
        return []

    # What they mean

    def _named(self, name: str, around: tuple[Scope, ...], deep: int) -> str:
        for position, scope in enumerate(reversed(around)):
            # A class's names are not seen from inside of its methods.
            if position and isinstance(scope, ast.ClassDef):
                continue
            if values := self._bound.get(scope, {}).get(name):
                key = scope, name
                if key not in self._meanings or deep < self._meanings[key][0]:
                    meanings = (self._value(name, each, deep) for each in values)
                    self._meanings[key] = deep, next((each for each in meanings if each), "")
                return self._meanings[key][1]
        return name if hasattr(builtins, name) else ""

    def _value(self, name: str, value: ast.AST, deep: int) -> str:
        if isinstance(value, (ast.Import, ast.ImportFrom)):
            for alias in value.names:
                whole = alias.name.partition(".")[0]
                if isinstance(value, ast.Import) and alias.asname is None and whole == name:
                    return whole
                if (alias.asname or alias.name) == name:
                    return self._followed(self._imported(value, alias), deep)
            return ""
        if isinstance(value, (*FUNCTIONS, ast.ClassDef)):
            outer = [each.name for each in self._around[value][1:] if not isinstance(each, (ast.Lambda, ast.Module))]
            return ".".join((self.module, *outer, value.name))
        if isinstance(value, ast.arg):
            return self.instance(value.annotation, deep + 1)
        if isinstance(value, ast.AnnAssign):
            return self.meaning(value.value, deep + 1) or self.instance(value.annotation, deep + 1)
        if isinstance(value, ast.Subscript):
            # An alias of a type, such as Annotated[AsyncSession, Depends(...)].
            return self.instance(value, deep + 1)
        return self.meaning(value, deep + 1)

    def _called(self, node: ast.Call, deep: int) -> str:
        if module := self._by_function(node, deep):
            return module
        name = self.meaning(node.func, deep + 1)
        word = node.args[1] if name == "getattr" and len(node.args) > 1 else None
        if isinstance(word, ast.Constant) and isinstance(word.value, str):
            base = self.meaning(node.args[0], deep + 1)
            return f"{base}.{word.value}" if base else ""
        return f"{name}()" if name else ""

    def _by_function(self, node: ast.Call, deep: int = 0) -> str:
        """The module that `importlib.import_module("x")` or `__import__("x")` imports."""
        if not node.args or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
            return ""
        name = self.meaning(node.func, deep + 1)
        return node.args[0].value if name in ("importlib.import_module", "__import__") else ""

    def _imported(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
        if isinstance(node, ast.Import):
            return alias.name
        parts = self._home.split(".") if node.level else []
        parts = parts[: len(parts) - node.level + 1] if node.level > 1 else parts
        return ".".join((*parts, *((node.module,) if node.module else ()), alias.name))

    def _followed(self, name: str, deep: int) -> str:
        """A name of another module of the project, as that module means it."""
        module, _, attribute = name.rpartition(".")
        if deep > _DEEP or not module:
            return name
        other = self._other(module)
        if other is None or other is self or other.file.tree is None:
            return name
        values = other._bound.get(other.file.tree, {}).get(attribute)
        meanings = (other._value(attribute, each, deep + 1) for each in values or ())
        return next((each for each in meanings if each), name)
