"""Sections of the probe, called in this process on objects that a test makes."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hardened.knowledge.secret_names import SECRET_NAME
from hardened.runtime.probe import SECTIONS
from hardened.runtime.probe._journal import Journal
from hardened.runtime.probe._world import World

T = TypeVar("T")


def world(folder: Path, root: Path, **objects: object) -> World:
    """The world of a project in `root`; `folder` takes the journal."""
    request = {"root": str(root), "files": [], "config": {}, "secret_names": SECRET_NAME.pattern}
    made = World(request, Journal(str(folder / "journal")))
    made.objects.update(objects)
    return made


def answer(name: str, made: World) -> Any:
    """A section as the probe answers it."""
    return importlib.import_module(f"hardened.runtime.probe.{SECTIONS[name]}").gather(made)


def section(name: str, kind: type[T], made: World) -> T:
    """A section as the tool decodes it."""
    return msgspec.json.decode(json.dumps(answer(name, made)), type=kind)
