# Owned by the template.
"""YAML with the line of everything in it, and what YAML itself passes over: a key that stands twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ._findings import CouldNotLook

Value = Any
"""A `Mapping`, a `Sequence`, or a scalar: str, int, float, bool or None."""


class Mapping(dict[str, Any]):
    """A mapping that knows the line of each of its keys."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

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


def documents(path: Path) -> list[Document]:
    """What is in a file; raise CouldNotLook for what is no YAML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        made = []
        for node in yaml.compose_all(text, yaml.SafeLoader):
            document = Document(None)
            made.append(Document(_made(node, document.twice), document.twice))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CouldNotLook(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    return made


def _made(node: yaml.Node, twice: list[tuple[str, int]]) -> Value:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        sequence = Sequence(line)
        for each in node.value:
            sequence.append(_made(each, twice))
            sequence.lines.append(each.start_mark.line + 1)
        return sequence
    if not isinstance(node, yaml.MappingNode):
        return yaml.SafeLoader("").construct_object(node)
    mapping, merged = Mapping(line), []
    for key, value in node.value:
        name, at = str(key.value), key.start_mark.line + 1
        if key.tag == "tag:yaml.org,2002:merge":
            merged += [
                _made(each, twice) for each in (value.value if isinstance(value, yaml.SequenceNode) else [value])
            ]
            continue
        if name in mapping:
            twice.append((name, at))
        mapping[name] = _made(value, twice)
        mapping.lines[name] = at
    for other in merged:
        # What stands here itself goes before what is merged, and an earlier one before a later one.
        for name in other:
            if name not in mapping:
                mapping[name] = other[name]
                mapping.lines[name] = other.lines[name]
    return mapping
