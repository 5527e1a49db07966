"""Locations in the project's files, and the walk over its modules."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from hardened.runtime.probe._journal import Journal
from hardened.runtime.probe._places import NOWHERE, Places
from hardened.runtime.probe._world import World

from ._project import write

NAME = "shop_of_places"
TEXT = """
import functools

def decorator(function):
    @functools.wraps(function)
    def inner(): ...
    return inner

class Base:
    inherited: int = 1

@functools.total_ordering
class Order(Base):
    id: int
    if True:
        name, other = 'a', 'b'
    def __lt__(self, other): ...
    @decorator
    def method(self): ...
    class Meta:
        id = 2

def made():
    class Local:
        x = 1
    return Local
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Any]:
    write(tmp_path, {"src/shop.py": TEXT})
    spec = importlib.util.spec_from_file_location(NAME, tmp_path / "src/shop.py")
    assert spec
    assert spec.loader
    made = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    yield made
    del sys.modules[NAME]


def test_functions_methods_partials_classes_and_objects_have_a_line(tmp_path: Path, module: Any) -> None:
    places = Places(str(tmp_path))

    def line(thing: object) -> int | None:
        file, number = places.location_of(thing)
        assert file == "src/shop.py"
        return number

    assert line(module.decorator) == 3
    assert line(functools.partial(module.decorator, None)) == 3
    assert line(module.Order.method) == 17  # the function inside of the decorator
    assert line(module.Order().method) == 17
    assert line(module.Order) == 11  # its decorator
    assert line(module.Order()) == 11
    assert places.location_of(3) == NOWHERE
    assert places.location_of(len) == NOWHERE


def test_names_in_the_body_of_a_class_have_a_line(tmp_path: Path, module: Any) -> None:
    places = Places(str(tmp_path))
    names = ("id", "name", "other", "__lt__", "Meta")
    assert [places.line_of(module.Order, name)[1] for name in names] == [13, 15, 15, 16, 19]
    assert places.line_of(module.Order.Meta, "id") == ("src/shop.py", 20)
    assert places.line_of(module.Order, "inherited") == NOWHERE
    assert places.declared(module.Order, "inherited") == ("src/shop.py", 9)
    assert places.line_of(module.made(), "x") == ("src/shop.py", 24)
    assert places.class_line(int) == NOWHERE


def test_files_belong_to_the_project_where_no_environment_lies_between(tmp_path: Path) -> None:
    places = Places(str(tmp_path))
    inside, installed = tmp_path / "src/shop.py", tmp_path / ".venv/lib/site-packages/x.py"
    assert places.belongs(str(inside))
    assert places.belongs("src/shop.py")
    assert not places.belongs(str(installed))
    assert not places.belongs("/elsewhere/shop.py")
    assert not places.belongs(None)
    assert places.place(str(inside), 3) == ("src/shop.py", 3)
    assert places.place("/elsewhere/shop.py") == ("/elsewhere/shop.py", None)


def test_the_walk_over_modules_wakes_nothing(tmp_path: Path, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"{name} was asked for")

    class Proxy:
        __class__ = cast("type", property(lambda _: pytest.fail("the class was asked for")))

    lazy, proxy = Lazy("lazy"), Proxy()
    vars(ModuleType)["__dict__"].__get__(lazy)["__file__"] = str(tmp_path / "src/lazy.py")
    vars(module)["proxy"] = proxy
    for name, value in {f"{NAME}.lazy": lazy, f"{NAME}.proxy": proxy, f"{NAME}.none": None}.items():
        monkeypatch.setitem(sys.modules, name, cast("ModuleType", value))
    world = World({"root": str(tmp_path), "files": []}, cast("Journal", None))
    found = dict(world.project_modules())
    assert list(found) == [NAME, f"{NAME}.lazy"]
    assert found[NAME]["proxy"] is proxy
