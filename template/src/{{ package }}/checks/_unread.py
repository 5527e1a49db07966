# Owned by the template.
"""What is set and read by nobody: fields of settings, and the limits that constructors and functions are given (CL003)."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ._findings import Place
from ._names import Use
from ._reach import Function, Reach
from ._source import Source

LIMITS = re.compile(
    r"(^|_)(timeouts?|thresholds?|cool_?down|retries|retry|max_retries|backoff|attempts|tries|failures|max_failures"
    r"|recovery|reset_after|half_open|jitter|ttl|expiry|expires?|deadline|pool_size|max_connections|max_keepalive"
    r"|max_size|max_entries|rate_limit|concurrency|seconds|interval)(_|$)"
)
"""What a parameter is called that somebody believes to be a limit."""

_DUMPS = {"model_dump", "model_dump_json", "dict", "json", "vars", "asdict"}


class Unread(NamedTuple):
    """Something that can be set, and nothing comes of it."""

    what: str
    place: Place
    subject: str


class Unreads:
    """The settings and limits of a package that nobody reads."""

    def __init__(self, source: Source, reach: Reach) -> None:
        self._source = source
        self._reach = reach

    @cached_property
    def _read(self) -> Counter[str]:
        """How often each attribute is read, in the package and beside it; texts count too: `getattr(it, "name")`."""
        found: Counter[str] = Counter()
        own = {names.file.path for names in self._source.own}
        elsewhere = [
            file.tree
            for path, file in self._source.files.items()
            if not (path in own or path.startswith("tests/") or self._source.is_guard(path)) and file.tree
        ]
        nodes = itertools.chain(
            (pair for names in self._source.own for pair in names),
            ((node, ()) for tree in elsewhere for node in ast.walk(tree)),
        )
        for node, within in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                if self._validators.isdisjoint(within):
                    found[node.attr] += 1
            elif isinstance(node, ast.Call):
                found.update(
                    str(each.value)
                    for each in node.args
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )
            elif isinstance(node, ast.MatchClass):
                found.update(node.kwd_attrs)
        for path in sorted(self._source.root.glob("*.py")):
            found.update(re.findall(r"\.(\w+)", path.read_text(encoding="utf-8", errors="replace")))
        return found

    @cached_property
    def _validators(self) -> set[ast.AST]:
        """The functions that only look whether values are right."""
        return {
            function
            for function in self._reach.functions.values()
            for each in function.decorator_list
            if "valid" in _word(each)
            and self._reach.names[function].meaning(getattr(each, "func", each)).startswith("pydantic.")
        }

    # Settings

    def settings(self) -> Iterator[Unread]:
        """Each field of a settings class, or of a model within one, that nobody reads."""
        kinds = [name for name, node in self._reach.classes.items() if self._is_settings(node)]
        pending, nested = list(kinds), set(kinds)
        while pending:
            node = self._reach.classes[pending.pop()]
            for field in _fields(node):
                kind = self._reach.names[node].instance(field.annotation).removesuffix("()")
                if kind in self._reach.classes and kind not in nested and _is_model(self._reach, kind):
                    nested.add(kind)
                    pending.append(kind)
        if not kinds or self._is_dumped(nested):
            return
        for name in sorted(nested):
            node = self._reach.classes[name]
            for field in _fields(node):
                called = str(getattr(field.target, "id", ""))
                if not self._read[called]:
                    place = Place(self._reach.names[node].file.path, field.lineno)
                    yield Unread(f"the setting {called}", place, f"{node.name}.{called}")

    def _is_settings(self, node: ast.ClassDef) -> bool:
        return any(base.rpartition(".")[2] == "BaseSettings" for base in self._reach.bases(node))

    def _is_dumped(self, kinds: set[str]) -> bool:
        """Whether somebody takes all fields at once."""
        for use in self._dumps:
            name = self._reach.name_of(use)
            owner = name.removesuffix(f".{use.last}").removesuffix("()")
            if owner in kinds or (not name and "settings" in _receiver(use.node)):
                return True
            if any("settings" in _text(each) for each in use.node.args):
                return True
        return False

    @cached_property
    def _dumps(self) -> list[Use]:
        return [use for use in self._source.uses if use.last in _DUMPS]

    # Limits

    def limits(self) -> Iterator[Unread]:
        """Each limit that a function is given and that nobody reads."""
        for name, function in self._reach.functions.items():
            if self._is_free(function):
                yield from self._parameters(name, function)
        for name, node in self._reach.classes.items():
            if self._is_dataclass(node):
                for field in _fields(node):
                    called = str(getattr(field.target, "id", ""))
                    if LIMITS.search(called) and not self._read[called] and not self._is_taken_apart(name):
                        place = Place(self._reach.names[node].file.path, field.lineno)
                        yield Unread(f"the field {called} of {node.name}", place, f"{node.name}.{called}")

    def _parameters(self, name: str, function: Function) -> Iterator[Unread]:
        arguments = function.args
        used = {node.id for each in function.body for node in ast.walk(each) if isinstance(node, ast.Name)}
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            called = argument.arg
            if not LIMITS.search(called) or called.startswith("_"):
                continue
            kept = _kept(function, called) if function.name == "__init__" else set()
            if called not in used or (kept and not any(self._read[each] for each in kept)):
                owner = self._reach.owner.get(function)
                whose = owner.name if owner is not None and function.name == "__init__" else name.rpartition(".")[2]
                place = Place(self._reach.names[function].file.path, argument.lineno)
                yield Unread(f"the parameter {called} of {whose}", place, f"{whose}.{called}")

    def _is_free(self, function: Function) -> bool:
        """Whether its parameters are its own choice, and its body is there to use them."""
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        if all(isinstance(each, (ast.Pass, ast.Raise)) or _is_ellipsis(each) for each in body):
            return False
        names = self._reach.names[function]
        if any(_word(each) in ("abstractmethod", "overload", "override") for each in function.decorator_list):
            return False
        if function in self._reach.handlers or any(isinstance(each, ast.Call) for each in function.decorator_list):
            return False  # a request's or a framework's parameters
        if any(isinstance(each, ast.Call) and names.meaning(each.func) == "locals" for each in ast.walk(function)):
            return False
        owner = self._reach.owner.get(function)
        return owner is None or function.name == "__init__" or not owner.bases

    def _is_dataclass(self, node: ast.ClassDef) -> bool:
        names = self._reach.names[node]
        return any(
            names.meaning(getattr(each, "func", each)) == "dataclasses.dataclass" for each in node.decorator_list
        )

    def _is_taken_apart(self, name: str) -> bool:
        return self._is_dumped({name}) or self._takes_apart

    @cached_property
    def _takes_apart(self) -> bool:
        return any(use.last in ("asdict", "astuple", "fields") for use in self._source.uses)


def _fields(node: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            private = each.target.id.startswith("_") or each.target.id == "model_config"
            if not private and "ClassVar" not in ast.unparse(each.annotation):
                yield each


def _is_model(reach: Reach, name: str) -> bool:
    return any(base.rpartition(".")[2] in ("BaseModel", "BaseSettings") for base in reach.bases(reach.classes[name]))


def _kept(function: Function, name: str) -> set[str]:
    """The attributes in which a constructor keeps a parameter; none where it does anything else with it."""
    reads = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    kept: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and node.value in reads:
            reads.remove(node.value)
            kept |= {each.attr for each in node.targets if isinstance(each, ast.Attribute)}
            kept |= {"" for each in node.targets if not isinstance(each, ast.Attribute)}
        elif isinstance(node, ast.AnnAssign) and node.value in reads and isinstance(node.target, ast.Attribute):
            reads.remove(node.value)
            kept.add(node.target.attr)
    return set() if reads or "" in kept else kept


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _word(node: ast.expr) -> str:
    inner = node.func if isinstance(node, ast.Call) else node
    return str(getattr(inner, "attr", getattr(inner, "id", "")))


def _receiver(node: ast.Call) -> str:
    return _text(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _text(node: ast.expr) -> str:
    return ast.unparse(node).lower()
