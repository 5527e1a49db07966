"""The probe's sections, gathered in the process of the tests: a package of a few lines needs no process of its own."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import warnings
from typing import Any, TypeVar

import msgspec
import pytest
from hardened.config.table import Config
from hardened.model import CouldNotLook, DoesNotApply
from hardened.runtime.probe import SECTIONS
from hardened.runtime.probe._journal import Journal
from hardened.runtime.probe._world import Absent, Unreadable, World
from hardened.source.tree import Source

T = TypeVar("T")


def forget() -> None:
    """Let the next package have the name."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "shop"]:
        del sys.modules[name]


def world_of(config: Config, application: object = None) -> World:
    """The world of a project whose application is this object."""
    keys = {each.name.replace("_", "-"): getattr(config, each.name) for each in dataclasses.fields(config)}
    world = World({"root": str(config.root), "files": [], "config": {**keys, **config.options}}, Journal("/dev/null"))
    world.objects["application"] = application
    return world


class Gathered:
    """The probe that runs in this process, and its answer."""

    def __init__(self, config: Config, source: Source, python: str = "") -> None:
        del python
        self.missing: dict[str, str] = {}
        self._world = world_of(config)
        forget()
        importlib.invalidate_caches()
        # A module that is written twice in a second must be compiled twice.
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.setattr(sys, "dont_write_bytecode", True)
            patch.syspath_prepend(source.folder)
            warnings.simplefilter("ignore")
            self._import(config.application)

    def answer(self) -> Gathered:
        return self

    def end(self) -> None:
        """Nothing of it goes on."""

    def _import(self, address: str) -> None:
        module, _, name = address.partition(":")
        value: Any = importlib.import_module(module)
        if hasattr(value, name):
            self._world.objects["application"] = getattr(value, name)
        else:
            self._world.missing["application"] = f"the application {address} cannot be imported: there is no {name}"

    def section(self, name: str, kind: type[T]) -> T:
        """A section, as the record it is."""
        gather = importlib.import_module(f"hardened.runtime.probe.{SECTIONS[name]}").gather
        try:
            return msgspec.json.decode(json.dumps(gather(self._world)), type=kind)
        except Absent as reason:
            raise DoesNotApply(str(reason)) from reason
        except Unreadable as reason:
            raise CouldNotLook(str(reason)) from reason
