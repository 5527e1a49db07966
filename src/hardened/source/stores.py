"""Containers that grow while a process serves: of modules, classes and objects, and caches without an end."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ..model import Location
from .call_graph import CallGraph, Function, last_word
from .limits import CHAIN
from .nodes import last_of, walk
from .symbols import FUNCTIONS, CallSite, Scope, SymbolTable

MAKES = {"dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque"}
GROWS = {"append", "appendleft", "add", "update", "setdefault", "extend", "insert", "__setitem__"}
SHRINKS = {"discard", "remove", "pop", "popitem", "popleft"}
ENDLESS = {"Cache", "FIFOCache", "LFUCache", "LRUCache", "RRCache", "MRUCache"}
DATA = {"str", "int", "bytes", "float", "UUID", "date", "datetime", "tuple", "frozenset", "Decimal"}
_COPIED = {"BaseModel", "BaseSettings", "TypedDict", "NamedTuple", "DeclarativeBase", "Enum", "StrEnum"}

Where = tuple[str, str]  # the module or class, and the name in it


class Store(NamedTuple):
    """A container that grows: its name and kind, the line that makes it, and the line that writes to it."""

    name: str
    what: str
    location: Location
    writer: Location | None = None


class Stores:
    """The stores of a package that outlive a request."""

    def __init__(self, functions: CallGraph) -> None:
        self._functions = functions
        self._source = functions.source

    def found(self) -> Iterator[Store]:
        """Each store that grows with what requests bring, once, where it is made."""
        made = dict(self._made())
        told: set[Where] = set()
        called = {name for _, name in made} | self._aliases({name for _, name in made})
        for names in self._source.own:
            for where, node, function in self._writes(names, made, called):
                if (
                    where in told
                    or self._functions.only_at_start(function)
                    or self._is_bounded(names, where, node, function)
                ):
                    continue
                told.add(where)
                line, what = made[where]
                yield Store(where[1], what, line, Location(names.file.path, getattr(node, "lineno", None)))
        yield from self._in_objects()
        yield from self._caches()

    # Where they are made

    def _made(self) -> Iterator[tuple[Where, tuple[Location, str]]]:
        for names in self._source.own:
            tree = names.file.tree
            for node in tree.body if tree else ():
                yield from self._assigned(names, names.module, node, "a module's")
        for name, kind in self._functions.classes.items():
            kinds = {last_of(each) for each in self._functions.bases(kind)}
            names, owner = kind.names, kind.node
            copied = any(
                names.meaning(getattr(each, "func", each)).endswith("dataclass") for each in owner.decorator_list
            )
            if copied or kinds & _COPIED:
                continue
            shadowed = {
                each.attr
                for method in owner.body
                if isinstance(method, FUNCTIONS) and method.name == "__init__"
                for each in walk(method)
                if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
            }
            for node in owner.body:
                for where, value in self._assigned(names, name, node, "a class's"):
                    if where[1] not in shadowed:
                        yield where, value

    def _assigned(
        self, names: SymbolTable, owner: str, node: ast.stmt, whose: str
    ) -> Iterator[tuple[Where, tuple[Location, str]]]:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or not (what := _kind(names, node.value)):
            return
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name):
                yield (owner, target.id), (Location(names.file.path, node.lineno), f"{whose} {what}")

    # Where they are written to

    def _writes(
        self, names: SymbolTable, made: dict[Where, tuple[Location, str]], called: set[str]
    ) -> Iterator[tuple[Where, ast.AST, Function]]:
        for node, within in names.nodes(ast.Subscript, ast.Call, ast.AugAssign):
            inner = next((each for each in reversed(within) if isinstance(each, FUNCTIONS)), None)
            if (function := self._functions.of(inner)) is None:
                continue
            for target in _grown(node):
                where = self._where(names, target, within) if last_word(target) in called else None
                if where is not None and where in made:
                    yield where, node, function

    def _aliases(self, called: set[str]) -> set[str]:
        """The other names under which stores are imported."""
        return {
            alias.asname
            for names in self._source.own
            for node, _ in names.nodes(ast.ImportFrom)
            for alias in node.names
            if alias.asname and alias.name in called
        }

    def _where(self, names: SymbolTable, node: ast.expr, within: tuple[Scope, ...]) -> Where | None:
        if isinstance(node, ast.Name):
            for scope in reversed(within):
                if isinstance(scope, ast.ClassDef):
                    continue
                shared = {name for each in walk(scope) if isinstance(each, ast.Global) for name in each.names}
                if names.bindings(scope, node.id) and node.id not in shared:
                    return None
            bound = names.bindings(names.file.tree, node.id)
            for value in bound:
                if isinstance(value, ast.ImportFrom):
                    alias = next((each for each in value.names if (each.asname or each.name) == node.id), None)
                    return self._defined(names.imported(value, alias)) if alias else None
            return names.module, node.id
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                owner = next(iter(self._functions.all_around(within)), None)
                if owner is None:
                    return None
                line = (owner.name, *self._functions.bases(owner))
                return next(((each, node.attr) for each in line if self._declares(each, node.attr)), None)
            base = names.meaning(node.value)
            return (base.removesuffix("()"), node.attr) if base else None
        return None

    def _declares(self, name: str, attribute: str) -> bool:
        owner = self._functions.classes.get(name)
        return owner is not None and any(
            isinstance(target, ast.Name) and target.id == attribute
            for node in owner.node.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        )

    def _defined(self, name: str) -> Where:
        """The module and name of a definition, through the packages that pass it on."""
        module, _, last = name.rpartition(".")
        for _ in range(CHAIN):
            file = self._source.modules.get(module)
            names = self._source.names(file.path) if file else None
            bound = names.bindings(names.file.tree, last) if names else ()
            passed = next((each for each in bound if isinstance(each, ast.ImportFrom)), None)
            if names is None or passed is None:
                break
            alias = next(each for each in passed.names if (each.asname or each.name) == last)
            module, _, last = names.imported(passed, alias).rpartition(".")
        return module, last

    def _is_bounded(self, names: SymbolTable, where: Where, node: ast.AST, function: Function) -> bool:
        """Return whether the content has an end: constant keys, classes as keys, or entries that their writer removes."""
        key = node.slice if isinstance(node, ast.Subscript) else None
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setdefault" and node.args:
            key = node.args[0]
        if isinstance(key, ast.Constant) or (key is not None and _is_kind(names, key)):
            return True
        called = where[1]
        nodes = list(walk(function.node))
        calls = {id(each.func) for each in nodes if isinstance(each, ast.Call)}
        for each in nodes:
            # Emptied by who fills it; or handed on, such as to add_done_callback.
            if not isinstance(each, ast.Attribute) or last_word(each.value) != called:
                continue
            if each.attr == "clear" or (each.attr in SHRINKS and id(each) not in calls):
                return True
        for each in nodes:
            if isinstance(each, ast.Try) and any(
                _shrinks(one, called) for last in each.finalbody for one in walk(last)
            ):
                return True
        return False

    # Objects of modules

    def _in_objects(self) -> Iterator[Store]:
        """Dictionaries of objects that live as long as their module, and that a request writes to."""
        alive = {
            self._functions.name_of(use)
            for use in self._functions.imported
            if use.name in self._functions.classes and self._is_kept(use)
        }
        for function in self._functions.in_requests:
            owner = function.owner
            if owner is None or owner.name not in alive or function.node.name == "__init__":
                continue
            first = next(self._functions.targets(owner.name), None)
            for node in walk(function.node):
                for target in _grown(node):
                    if not isinstance(target, ast.Attribute) or last_word(target.value) != "self":
                        continue
                    made = _made_in(owner.names, first, target.attr)
                    where = (owner.name, target.attr)
                    if made is not None and not self._is_bounded(function.names, where, node, function):
                        location = Location(owner.location.file, made.lineno)
                        what = f"a {_kind(owner.names, made.value)} of an object that its module keeps"
                        yield Store(
                            target.attr, what, location, Location(function.location.file, getattr(node, "lineno", None))
                        )

    def _is_kept(self, use: CallSite) -> bool:
        names = self._source.names(use.location.file or "")
        tree = names.file.tree if names else None
        return any(
            isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is use.node
            for node in (tree.body if tree else ())
        )

    # Caches

    def _caches(self) -> Iterator[Store]:
        for use in self._source.uses:
            root, _, last = use.name.partition(".")
            ends = {
                "cachetools": last_of(last) not in ENDLESS or self._is_local(use),
                "aiocache": last not in ("cached", "multi_cached") or use.argument("ttl") is not None,
            }
            plain = root == "cachetools" and last == "cached" and _is_plain(use.argument("cache", 0))
            if plain or not ends.get(root, True):
                yield Store(use.name, "a cache without a time to live", use.location)
        for function in self._functions.by_name.values():
            for decorator in function.node.decorator_list:
                if _is_endless(function.names, decorator) and self._is_asked_with_data(function):
                    location = Location(function.location.file, decorator.lineno)
                    yield Store(function.node.name, "a cache of every argument that there ever was", location)

    def _is_local(self, use: CallSite) -> bool:
        """Return whether a cache lives no longer than one call."""
        return use.function is not None and any(
            isinstance(node, (ast.Assign, ast.AnnAssign))
            and node.value is use.node
            and all(
                isinstance(each, ast.Name) for each in (node.targets if isinstance(node, ast.Assign) else [node.target])
            )
            for node in walk(use.function)
        )

    def _is_asked_with_data(self, function: Function) -> bool:
        """Return whether a request or a job calls it with data."""
        arguments = function.arguments
        kinds = [last_of(function.names.instance(each.annotation).removesuffix("()")) for each in arguments]
        if not arguments or not any(
            not each.annotation or kind in DATA for each, kind in zip(arguments, kinds, strict=True)
        ):
            return False
        return function in self._functions.handlers or any(
            not all(self._is_fixed(use, each) for each in (*use.node.args, *(k.value for k in use.node.keywords)))
            for use in self._functions.call_sites.get(function, ())
            if self._functions.of(use.function) in self._functions.in_requests
        )

    def _is_fixed(self, use: CallSite, node: ast.expr, seen: frozenset[tuple[Function, str]] = frozenset()) -> bool:
        """Return whether an argument is written out, here or wherever the function around the call is called."""
        if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper()):
            return True
        function = self._functions.of(use.function)
        if not isinstance(node, ast.Name) or function is None or function in self._functions.handlers:
            return False
        if (function, node.id) in seen:
            return True  # it calls itself with what it was given
        inner = seen | {(function, node.id)}
        position = next((n for n, each in enumerate(function.positional) if each.arg == node.id), None)
        calls = self._functions.call_sites.get(function, ())
        given = [(each, each.argument(node.id, position)) for each in calls]
        return bool(given) and all(value is not None and self._is_fixed(each, value, inner) for each, value in given)


def _kind(names: SymbolTable, node: ast.expr | None) -> str:
    """The kind of container that a value is: dictionary, list or set; "" for others, and for those with an end."""
    if isinstance(node, (ast.Dict, ast.DictComp)):
        return "dictionary"
    if isinstance(node, (ast.List, ast.ListComp)):
        return "list"
    if isinstance(node, (ast.Set, ast.SetComp)):
        return "set"
    if isinstance(node, ast.Call):
        last = last_of(names.meaning(node.func))
        ends = last == "deque" and (len(node.args) > 1 or any(each.arg == "maxlen" for each in node.keywords))
        if last in MAKES and not ends:
            return {"list": "list", "deque": "list", "set": "set"}.get(last, "dictionary")
    return ""


def _grown(node: ast.AST) -> Iterator[ast.expr]:
    """Containers that a statement or call adds to."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and not isinstance(node.slice, ast.Slice):
        yield node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in GROWS:
        yield node.func.value.value if isinstance(node.func.value, ast.Subscript) else node.func.value
    elif (
        isinstance(node, ast.AugAssign)
        and isinstance(node.op, (ast.BitOr, ast.Add))
        and isinstance(node.target, (ast.Name, ast.Attribute))
    ):
        yield node.target


def _shrinks(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Delete):
        return any(isinstance(each, ast.Subscript) and last_word(each.value) == name for each in node.targets)
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in SHRINKS and last_word(called.value) == name


def _is_kind(names: SymbolTable, node: ast.expr) -> bool:
    """Return whether a key is a class or a function: their number is that of the source."""
    if isinstance(node, ast.Call):
        return last_word(node.func) == "type"
    if isinstance(node, ast.Attribute):
        return node.attr in ("__name__", "__qualname__", "__class__")
    for scope in reversed(names.around(node)):
        for value in names.bindings(scope, node.id) if isinstance(node, ast.Name) else ():
            if isinstance(value, ast.arg) and value.annotation is not None:
                return (
                    ast.unparse(value.annotation).strip("'\"").startswith(("type[", "Type[", "Callable", "typing.Type"))
                )
    return False


def _made_in(names: SymbolTable, function: Function | None, attribute: str) -> ast.Assign | ast.AnnAssign | None:
    """The statement of a constructor that makes an attribute a store."""
    for node in walk(function.node) if function is not None else ():
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _kind(names, node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(each, ast.Attribute) and each.attr == attribute for each in targets):
                return node
    return None


def _is_plain(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Dict) or (isinstance(node, ast.Call) and last_word(node.func) == "dict")


def _is_endless(names: SymbolTable, decorator: ast.expr) -> bool:
    """`functools.cache`, or `lru_cache(maxsize=None)`."""
    call = decorator if isinstance(decorator, ast.Call) else None
    name = names.meaning(call.func if call else decorator)
    if name == "functools.cache":
        return True
    if name not in ("functools.lru_cache", "async_lru.alru_cache") or call is None:
        return False
    given = {each.arg: each.value for each in call.keywords}
    size = given.get("maxsize", call.args[0] if call.args else None)
    return isinstance(size, ast.Constant) and size.value is None and "ttl" not in given
