"""YAML with the line of each value, and with the keys that stand twice in one mapping, which YAML itself passes over."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .files import read_bytes

Node = Any
"""A node of PyYAML, which is imported late."""

Value = Any
"""A `Mapping`, a `Sequence`, or a scalar: str, int, float, bool or None."""


class Mapping(dict[str, Any]):
    """A mapping that knows the line of each of its keys."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.tags: dict[str, str] = {}
        """The keys whose value has a tag of somebody's own, such as Compose's `!reset` and `!override`."""

    def line_of(self, key: str) -> int:
        """The line of a key, or of the mapping where it has none such."""
        return self.lines.get(key, self.line)


class Sequence(list[Any]):
    """A sequence that knows the line of each of its entries."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []

    def located(self) -> Iterator[tuple[Any, int]]:
        """Each entry with its line."""
        yield from zip(self, self.lines, strict=True)


@dataclass(frozen=True)
class Document:
    """One document of a file, and the keys in it that stand twice in one mapping, with their lines."""

    content: Value
    twice: list[tuple[str, int]] = field(default_factory=list)


class UnreadableError(Exception):
    """A file that cannot be read; the argument names it, and says why."""


def documents(path: Path) -> list[Document]:
    """Parse a file.

    Raises:
        UnreadableError: it is no YAML, or larger than a file that somebody wrote by hand.
    """
    import yaml  # noqa: PLC0415 - a project without such files does not need it

    try:
        content = read_bytes(path)
        made = []
        for node in _nodes(content):
            document = Document(None)
            made.append(Document(_Maker(document.twice).value(node), document.twice))
    # PyYAML converts scalars by lookups and by calls of the types: `!!bool maybe` is a KeyError there.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise UnreadableError(f"{path.name} cannot be read: {reason}") from error
    return made


def _nodes(content: bytes) -> Iterable[Node]:
    """The documents of a file. Bytes, since UTF-16 and a mark of the order of bytes are then told apart.

    Why: libyaml takes a tenth of the time. It lets a tab pass where PyYAML does not, and has other words for errors.
    """
    import yaml  # noqa: PLC0415 - a project without such files does not need it

    if yaml.__with_libyaml__ and b"\t" not in content:
        with contextlib.suppress(yaml.YAMLError):
            return tuple(yaml.compose_all(content, yaml.CSafeLoader))
    return yaml.compose_all(content, yaml.SafeLoader)


_MOST = 200_000
"""Values of one document, each alias counted as what it stands for.

Why: ten anchors of ten aliases each stand for ten thousand million values, through which a walk never comes.
"""


class _Maker:
    """Values of nodes: each anchor once, however many aliases it has."""

    def __init__(self, twice: list[tuple[str, int]]) -> None:
        self.twice = twice
        self._made: dict[int, Value] = {}
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def value(self, node: Node) -> Value:
        if id(node) not in self._made:
            if id(node) in self._open:
                raise ValueError(f"line {_line(node)} contains itself")
            self._open.add(id(node))
            self._made[id(node)] = self._make(node)
            self._sizes[id(node)] = 1 + sum(self._sizes.get(id(each), 1) for each in _children(node))
            if self._sizes[id(node)] > _MOST:
                raise ValueError(f"line {_line(node)}: its aliases stand for more than {_MOST} values")
            self._open.discard(id(node))
        return self._made[id(node)]

    def _make(self, node: Node) -> Value:
        if node.id == "sequence":
            sequence = Sequence(_line(node))
            for each in node.value:
                sequence.append(self.value(each))
                sequence.lines.append(_line(each))
            return sequence
        if node.id == "mapping":
            return self._mapping(node)
        return _scalar(node)

    def _mapping(self, node: Node) -> Mapping:
        mapping, merged = Mapping(_line(node)), []
        for key, value in node.value:
            # A key that is a sequence or a mapping means nothing to Compose and Kubernetes.
            name, at = str(key.value) if key.id == "scalar" else "?", _line(key)
            if key.tag == "tag:yaml.org,2002:merge":
                merged += [self.value(each) for each in _merged(value)]
                continue
            if name in mapping:
                self.twice.append((name, at))
            mapping[name] = self.value(value)
            mapping.lines[name] = at
            if value.tag.startswith("!"):
                mapping.tags[name] = value.tag
        for other in merged:
            if not isinstance(other, Mapping):
                raise ValueError(f"line {mapping.line}: what is merged with << is no mapping")
            # What stands here itself goes before what is merged, and an earlier one before a later one.
            for name in other:
                if name not in mapping:
                    mapping[name] = other[name]
                    mapping.lines[name] = other.lines[name]
        return mapping


def _children(node: Node) -> list[Node]:
    if node.id == "mapping":
        return [value for _, value in node.value]
    return list(node.value) if node.id == "sequence" else []


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _merged(node: Node) -> list[Node]:
    return list(node.value) if node.id == "sequence" else [node]


def _scalar(node: Node) -> Value:
    # YAML 1.1 makes 1342 of the port 22:22; neither Compose nor Kubernetes does.
    if node.tag.startswith("!") or re.fullmatch(r"\d+(:\d+)+", node.value):
        return None if node.value in ("", "null", "~") else node.value
    import yaml  # noqa: PLC0415 - a project without such files does not need it

    return yaml.SafeLoader("").construct_object(node)
