"""Settings and limits that nothing reads: fields, parameters and attributes."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from ..model import Location
from .call_graph import CallGraph, Class, Function, last_word
from .files import File
from .nodes import last_of, walk
from .symbols import CallSite

LIMITS = re.compile(
    r"(^|_)(timeouts?|thresholds?|cool_?down|retries|retry|max_retries|backoff|attempts|tries|failures|max_failures"
    r"|recovery|reset_after|half_open|jitter|ttl|expiry|expires?|deadline|pool_size|max_connections|max_keepalive"
    r"|max_size|max_entries|rate_limit|concurrency|seconds|interval)(_|$)"
)
"""Names of parameters that look like a limit."""

_DUMPS = {"model_dump", "model_dump_json", "dict", "json", "vars", "asdict"}


class Unread(NamedTuple):
    """A setting or limit without effect."""

    what: str
    location: Location
    subject: str


class Unreads:
    """The settings and limits of a package that nobody reads."""

    def __init__(self, functions: CallGraph) -> None:
        self._functions = functions
        self._source = functions.source

    def found(self) -> Iterator[Unread]:
        """Yield each setting and limit without effect."""
        yield from self.settings()
        yield from self.limits()

    @cached_property
    def _read(self) -> Counter[str]:
        """Number of reads of each attribute, in the package and beside it; texts count too: `getattr(it, "name")`."""
        found: Counter[str] = Counter()
        own = {names.file.path for names in self._source.own}
        elsewhere = [
            file.tree
            for path, file in self._source.files.items()
            if not (path in own or path.startswith("tests/")) and file.tree
        ]
        nodes = itertools.chain(
            (pair for names in self._source.own for pair in names.nodes(ast.Attribute, ast.Call, ast.MatchClass)),
            ((node, ()) for tree in elsewhere for node in walk(tree)),
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
            text = File(path.name, path).content.decode(errors="replace")
            found.update(re.findall(r"\.(\w+)", text))
        return found

    @cached_property
    def _validators(self) -> set[ast.AST]:
        """The functions that only look whether values are right."""
        return {
            function.node
            for function in self._functions.by_name.values()
            for each in function.decorators
            if each.startswith("pydantic.") and "valid" in last_of(each)
        }

    # Settings

    def settings(self) -> Iterator[Unread]:
        """Each field of a settings class, or of a model within one, that nobody reads."""
        classes = self._functions.classes
        kinds = [name for name, kind in classes.items() if self._is_a(kind, "BaseSettings")]
        nested = self._with_parts(kinds)
        if not kinds or self._is_dumped(nested):
            return
        whole = nested & self._answered
        answered = self._with_parts(
            whole | {each for name in whole for each in self._functions.bases(classes[name])} & nested
        )
        for name in sorted(nested - answered):
            model = classes[name]
            for field in _fields(model):
                called = last_word(field.target)
                if not self._read[called]:
                    location = Location(model.location.file, field.lineno)
                    yield Unread(f"the setting {called}", location, f"{model.node.name}.{called}")

    def _with_parts(self, kinds: Iterable[str]) -> set[str]:
        """These classes, and the models that their fields are."""
        classes = self._functions.classes
        pending, found = list(kinds), set(kinds)
        while pending:
            model = classes[pending.pop()]
            for field in _fields(model):
                kind = model.names.instance(field.annotation).removesuffix("()")
                if kind in classes and kind not in found and self._is_a(classes[kind], "BaseModel", "BaseSettings"):
                    found.add(kind)
                    pending.append(kind)
        return found

    def _is_a(self, kind: Class, *names: str) -> bool:
        return any(last_of(base) in names for base in self._functions.bases(kind))

    def _is_dumped(self, kinds: set[str]) -> bool:
        """Return whether somebody takes all fields of one of these classes, or of the settings, at once."""
        return self._dumps_settings or not self._dumped.isdisjoint(kinds)

    @cached_property
    def _dumped(self) -> set[str]:
        """The names of what is dumped whole."""
        names = ((self._functions.name_of(use), use.last) for use in self._dumps)
        return {name.removesuffix(f".{last}").removesuffix("()") for name, last in names}

    @cached_property
    def _dumps_settings(self) -> bool:
        """Something is dumped whole that is called settings."""
        return any(
            (not self._functions.name_of(use) and "settings" in _receiver(use.node))
            or any("settings" in _text(each) for each in use.node.args)
            for use in self._dumps
        )

    @cached_property
    def _answered(self) -> set[str]:
        """The classes that routes answer with: all of their fields are in a response."""
        found: set[str] = set()
        for function in self._functions.every:
            for route in function.routes:
                given = [each.value for each in route.keywords if each.arg == "response_model"]
                found |= {function.names.instance(each).removesuffix("()") for each in (function.node.returns, *given)}
        return found

    @cached_property
    def _dumps(self) -> list[CallSite]:
        return [use for use in self._source.uses if use.last in _DUMPS]

    # Limits

    def limits(self) -> Iterator[Unread]:
        """Each limit that a function is given and that nobody reads."""
        for function in self._functions.by_name.values():
            limits = [each for each in function.arguments if LIMITS.search(each.arg) and not each.arg.startswith("_")]
            if limits and self._is_free(function):
                yield from self._parameters(function, limits)
        for name, kind in self._functions.classes.items():
            if self._is_dataclass(kind):
                for field in _fields(kind):
                    called = last_word(field.target)
                    if LIMITS.search(called) and not self._read[called] and not self._is_taken_apart(name):
                        location = Location(kind.location.file, field.lineno)
                        yield Unread(f"the field {called} of {kind.node.name}", location, f"{kind.node.name}.{called}")

    def _parameters(self, function: Function, limits: list[ast.arg]) -> Iterator[Unread]:
        makes = function.node.name == "__init__"
        used = {node.id for each in function.node.body for node in walk(each) if isinstance(node, ast.Name)}
        for argument in limits:
            called = argument.arg
            kept = _kept(function.node, called) if makes else set()
            if called not in used or (kept and not any(self._read[each] for each in kept)):
                whose = function.owner.node.name if function.owner and makes else function.node.name
                location = Location(function.location.file, argument.lineno)
                yield Unread(f"the parameter {called} of {whose}", location, f"{whose}.{called}")

    def _is_free(self, function: Function) -> bool:
        """Return whether its parameters are its own choice, and its body could use them."""
        node, owner = function.node, function.owner
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if all(isinstance(each, (ast.Pass, ast.Raise)) or _is_ellipsis(each) for each in body):
            return False
        if function.is_decorated(("abstractmethod", "overload", "override")):
            return False
        if function in self._functions.handlers or any(isinstance(each, ast.Call) for each in node.decorator_list):
            return False  # a request's or a framework's parameters
        if any(use.name == "locals" for use in function.uses):
            return False
        return owner is None or node.name == "__init__" or not owner.node.bases

    @staticmethod
    def _is_dataclass(kind: Class) -> bool:
        decorators = kind.node.decorator_list
        return any(kind.names.meaning(getattr(each, "func", each)) == "dataclasses.dataclass" for each in decorators)

    def _is_taken_apart(self, name: str) -> bool:
        return self._is_dumped({name}) or self._takes_apart

    @cached_property
    def _takes_apart(self) -> bool:
        return any(use.last in ("asdict", "astuple", "fields") for use in self._source.uses)


def _fields(kind: Class) -> Iterator[ast.AnnAssign]:
    for each in kind.node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            private = each.target.id.startswith("_") or each.target.id == "model_config"
            if not private and "ClassVar" not in ast.unparse(each.annotation):
                yield each


def _kept(function: ast.AST, name: str) -> set[str]:
    """The attributes in which a constructor keeps a parameter; none where it does anything else with it."""
    reads = [
        node
        for node in walk(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    kept: set[str] = set()
    for node in walk(function):
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


def _receiver(node: ast.Call) -> str:
    return _text(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _text(node: ast.expr) -> str:
    return ast.unparse(node).lower()
