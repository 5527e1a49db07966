"""Stand-ins in tests: mocks that have every attribute, and classes written by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ..model import Location
from .call_graph import CallGraph
from .nodes import child_nodes, last_of, walk
from .symbols import FUNCTIONS, CallSite, SymbolTable

MOCKS = {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock"}
SPECIFIED = ("spec", "spec_set", "wraps")
OPTIONS = {"return_value", "side_effect", "name", "unsafe", "parent"}
OWN = {"return_value", "side_effect", "called", "configure_mock", "reset_mock", "mock_calls", "method_calls"}
OWN |= {"call_count", "call_args", "call_args_list", "await_count", "await_args", "await_args_list", "awaited"}
FAKE = re.compile(r"^_?(?:Fake|Stub|Dummy|Mock|InMemory|Test)_?(?P<real>[A-Z]\w+)$")
FAKED = re.compile(r"^_?(?P<real>[A-Z]\w+?)_?(?:Fake|Stub|Dummy|Mock|Double)$")
_MOCKS = re.compile(rb"[Mm]ock|SimpleNamespace")
_HINT = re.compile(rb"[Mm]ock|SimpleNamespace|Fake|Stub|Dummy|InMemory|Double|setattr|dependency_overrides")


class Mock(NamedTuple):
    """A mock without a specification."""

    what: str
    location: Location


class Misfit(NamedTuple):
    """A method of a class written by hand that the real class has not."""

    fake: str
    real: str
    method: str
    location: Location


class StandIns:
    """The stand-ins of a project's tests."""

    def __init__(self, functions: CallGraph) -> None:
        self._functions = functions
        self._source = functions.source
        self.paths = [path for path in self._source.files if path.startswith("tests/")]

    @cached_property
    def _tests(self) -> list[SymbolTable]:
        """The tests that may have a stand-in; most have none, and are not looked into."""
        paths = [path for path in self.paths if _HINT.search(self._source.files[path].content)]
        return [names for path in paths if (names := self._source.names(path)) is not None]

    def mocks(self) -> Iterator[Mock]:
        """Each mock without a specification that takes the place of something that has one."""
        for names in self._tests:
            # Each of these has its name in the file; most files that may have another stand-in do not.
            if not _MOCKS.search(names.file.content):
                continue
            above: dict[ast.AST, ast.AST] = {}
            for use in names.uses():
                name = use.name or _fixture(use)
                if not name.startswith(("unittest.mock.", "mock.", "pytest_mock.", "types.SimpleNamespace")):
                    continue
                above = above or _parents(names.file.tree)
                if name.startswith(("unittest.mock.", "mock.", "pytest_mock.")):
                    last = last_of(name)
                    if last in MOCKS and self._stands_in(names, use, above):
                        yield Mock(f"{last}()", use.location)
                    elif (what := _patch(name)) and not self._is_told(names, use, what):
                        yield Mock(f"{what}()", use.location)
                elif name == "types.SimpleNamespace" and _acts(names, use) and _replaces(use.node, above):
                    yield Mock("SimpleNamespace(...)", use.location)

    # Mocks

    def _is_told(self, names: SymbolTable, use: CallSite, what: str) -> bool:
        """Return whether a patch states its replacement, or takes it from the original."""
        if what == "patch.multiple":
            return all(
                getattr(each.value, "attr", getattr(each.value, "id", "")) != "DEFAULT" for each in use.node.keywords
            )
        new = use.argument("new", 2 if what == "patch.object" else 1)
        maker = use.argument("new_callable")
        told = new is not None or any(use.argument(each) is not None for each in ("spec", "spec_set", "autospec"))
        made = last_of(names.meaning(maker)) if maker is not None else ""
        options = any(each.arg is None for each in use.node.keywords)
        return told or options or (maker is not None and made not in MOCKS)

    def _stands_in(self, names: SymbolTable, use: CallSite, above: dict[ast.AST, ast.AST]) -> bool:
        given = {each.arg for each in use.node.keywords}
        if use.node.args or None in given or given.intersection(SPECIFIED):
            return False
        if given - OPTIONS or _replaces(use.node, above):
            return True
        parent = above.get(use.node)
        if isinstance(parent, ast.Await):
            parent = above.get(parent)
        scope = use.function
        if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            return any(
                isinstance(each, ast.Name) and _is_used_as_object(each.id, scope or names.file.tree) for each in targets
            )
        if isinstance(parent, (ast.Return, ast.Expr, ast.Yield)) and scope is not None:
            return any(names.meaning(_called(each)).endswith("fixture") for each in scope.decorator_list)
        if isinstance(parent, (ast.Call, ast.keyword)):
            call = above.get(parent) if isinstance(parent, ast.keyword) else parent
            return isinstance(call, ast.Call) and self._takes_an_object(names, call, use.node, parent)
        return False

    def _takes_an_object(self, names: SymbolTable, call: ast.Call, mock: ast.AST, parent: ast.AST) -> bool:
        """Return whether the parameter that gets a mock is annotated with a class."""
        for function in self._functions.targets(names.meaning(call.func)):
            every = function.positional
            if isinstance(parent, ast.keyword):
                found = next((each for each in function.arguments if each.arg == parent.arg), None)
            else:
                position = next((n for n, each in enumerate(call.args) if each is mock), len(every))
                found = every[position] if position < len(every) else None
            if found is not None and found.annotation is not None:
                kind = function.names.instance(found.annotation).removesuffix("()")
                root = kind.partition(".")[0]
                return kind in self._functions.classes or root not in (
                    "",
                    "typing",
                    "collections",
                    "object",
                    "builtins",
                )
        return False

    # Classes

    @cached_property
    def _attributes(self) -> set[str]:
        """Every attribute that tests use of anything but `self`."""
        return {
            node.attr
            for path in self.paths
            for node in walk(self._source.files[path].tree or ast.Module([], []))
            if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self")
        }

    def misfits(self) -> Iterator[Misfit]:
        """Each method of a stand-in that the real class lacks, and that no test calls for its own ends."""
        by_name: dict[str, list[str]] = {}
        for name, kind in self._functions.classes.items():
            by_name.setdefault(kind.node.name, []).append(name)
        for names in self._tests:
            registered = dict(self._registered(names))
            for node, _ in names.nodes(ast.ClassDef):
                if any(names.meaning(each) != "object" for each in node.bases):
                    continue
                match = FAKE.match(node.name) or FAKED.match(node.name)
                # What has tests in it is about the real thing, and not in its place.
                if any(isinstance(each, FUNCTIONS) and each.name.startswith("test") for each in node.body):
                    match = None
                real = registered.get(node.name) or (match["real"] if match else "")
                known = by_name.get(real, [])
                has = self._methods(known[0]) if len(known) == 1 else set()
                for each in node.body if has else ():
                    if isinstance(each, FUNCTIONS) and each.name not in has | self._attributes and each.name[0] != "_":
                        yield Misfit(node.name, known[0], each.name, Location(names.file.path, each.lineno))

    def _registered(self, names: SymbolTable) -> Iterator[tuple[str, str]]:
        """The classes that are put in the place of others: by monkeypatch, patch, or an override of a dependency."""
        for use in names.uses():
            if use.last in ("setattr", "patch", "object") and len(use.node.args) > 1:
                *where, new = use.node.args[:3]
                told = where[-1]
                if (
                    isinstance(told, ast.Constant)
                    and isinstance(told.value, str)
                    and isinstance(new, (ast.Name, ast.Call))
                ):
                    put = new.func if isinstance(new, ast.Call) else new
                    yield getattr(put, "id", ""), last_of(told.value)
        for node, _ in names.nodes(ast.Assign):
            if isinstance(node.targets[0], ast.Subscript):
                key = names.meaning(node.targets[0].slice).rpartition(".")[2]
                put = node.value.body if isinstance(node.value, ast.Lambda) else node.value
                put = put.func if isinstance(put, ast.Call) else put
                if isinstance(put, ast.Name) and key:
                    yield put.id, key

    def _methods(self, name: str) -> set[str]:
        """Every attribute of a class of the package; none where some of it comes from elsewhere and cannot be read."""
        classes = self._functions.classes
        known = [classes[name]]
        for base in self._functions.bases(classes[name]):
            if base in classes:
                known.append(classes[base])
            elif last_of(base) not in ("object", "ABC", "Protocol", "Generic"):
                return set()
        if any("" in each.made_of for each in known):
            return set()
        found: set[str] = set()
        for each in (kind.node for kind in known):
            if any(isinstance(one, FUNCTIONS) and one.name in ("__getattr__", "__getattribute__") for one in each.body):
                return set()
            for one in walk(each):
                if isinstance(one, (*FUNCTIONS, ast.ClassDef)):
                    found.add(one.name)
                elif isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store):
                    found.add(one.attr)
                elif isinstance(one, (ast.Assign, ast.AnnAssign)):
                    targets = one.targets if isinstance(one, ast.Assign) else [one.target]
                    found |= {target.id for target in targets if isinstance(target, ast.Name)}
        return found


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _fixture(use: CallSite) -> str:
    """pytest-mock's fixture, known by its name where it has no annotation."""
    node, parts = use.node.func, []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if (
        isinstance(node, ast.Name)
        and node.id in ("mocker", "session_mocker", "module_mocker", "class_mocker")
        and parts
    ):
        return ".".join(("pytest_mock", *reversed(parts)))
    return ""


def _patch(name: str) -> str:
    """`patch`, `patch.object` or `patch.multiple`, whatever the name begins with."""
    match = re.search(r"\.(patch(?:\.(?:object|multiple))?)$", name)
    return match[1] if match else ""


def _parents(tree: ast.Module | None) -> dict[ast.AST, ast.AST]:
    return {child: node for node in walk(tree) for child in child_nodes(node)} if tree else {}


def _replaces(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    """Return whether a value replaces an attribute or an entry, by monkeypatch and through lambdas too."""
    parent = above.get(node)
    while isinstance(parent, (ast.Lambda, ast.keyword, ast.Await, ast.IfExp)):
        parent = above.get(parent)
    if isinstance(parent, ast.Assign):
        return any(
            isinstance(each, ast.Subscript) or (isinstance(each, ast.Attribute) and not _is_own(each))
            for each in parent.targets
        )
    return (
        isinstance(parent, ast.Call)
        and isinstance(parent.func, ast.Attribute)
        and parent.func.attr in ("setattr", "setitem")
        and parent.args[:1] != [node]
    )


def _is_own(target: ast.Attribute) -> bool:
    """Return whether an attribute is a mock's own, or the test class's."""
    return target.attr in OWN or (isinstance(target.value, ast.Name) and target.value.id in ("self", "cls"))


def _is_used_as_object(name: str, scope: ast.AST | None) -> bool:
    """Return whether an attribute is used that not every mock has."""
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        and node.attr not in OWN
        and not node.attr.startswith(("assert_", "mock_"))
        for node in (walk(scope) if scope else ())
    )


def _acts(names: SymbolTable, use: CallSite) -> bool:
    """Return whether a namespace holds a function or a mock."""
    return any(
        isinstance(each.value, ast.Lambda) or last_of(names.meaning(each.value).removesuffix("()")) in MOCKS
        for each in use.node.keywords
    )
