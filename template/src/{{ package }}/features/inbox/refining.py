"""Cuts a text into items and guesses what each is; plain rules, no service needed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .models import MOST_ITEMS, ItemKind

_BLOCKS = re.compile(r"\n\s*\n")
_LINK = re.compile(r"https?://\S+")
_MARKS = re.compile(r"^[\s#>*+=~`|_-]+")
_TASK = re.compile(
    r"^\s*(?:[-*+]\s*)?(?:\[[ x]\]|todo\b|fixme\b|please\b|remember to\b|don't forget\b|call\b|buy\b|send\b|fix\b)",
    re.I,
)
_TITLE_LENGTH = 120
_SHORT = 20


@dataclass(frozen=True)
class Draft:
    """An item before it is stored."""

    kind: ItemKind
    title: str
    body: str
    confidence: float


def refine(text: str) -> list[Draft]:
    """The items in a text, in its order: one for each block that says something, 20 at most.

    A text without one, such as only rules and spaces, is one note of low confidence.
    """
    blocks = [block.strip() for block in _BLOCKS.split(text.replace("\r\n", "\n"))]
    drafts = [_draft(block) for block in blocks if any(character.isalnum() for character in block)]
    return drafts[:MOST_ITEMS] or [Draft(ItemKind.NOTE, "(no words)", text, 0.1)]


def _draft(block: str) -> Draft:
    kind, confidence = _kind(block)
    return Draft(kind, _title(block), block, confidence)


def _kind(block: str) -> tuple[ItemKind, float]:
    if _TASK.match(block):
        return ItemKind.TASK, 0.9
    links = sum(len(link) for link in _LINK.findall(block))
    if links:
        share = links / len(block)
        return (ItemKind.LINK, round(0.5 + share / 2, 2)) if share > 0.5 else (ItemKind.NOTE, 0.6)
    return ItemKind.NOTE, 0.4 if len(block) < _SHORT else 0.8


def _title(block: str) -> str:
    for line in block.splitlines():
        words = " ".join(_MARKS.sub("", line).split())
        if any(character.isalnum() for character in words):
            return words if len(words) <= _TITLE_LENGTH else words[: _TITLE_LENGTH - 1].rstrip() + "…"
    return block[:_TITLE_LENGTH]
