"""Sections of the probe about tables, mapped classes, loading and the numbers of settings, in this very process."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import pydantic
import pytest
from hardened.model import Location
from hardened.records.tables import Column, Key, Loading, Mapped, Reference, Setting, Table
from hardened.report import Report
from hardened.run import check
from hardened.runtime.probe import loading, models, setting_numbers, tables
from hardened.runtime.probe._journal import Journal
from hardened.runtime.probe._world import Absent, Unreadable, World

from .._project import Tree

T = TypeVar("T")
BASE = """
from datetime import datetime
from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, ForeignKeyConstraint, Index, Integer, MetaData, SmallInteger
from sqlalchemy import String, Table, TIMESTAMP, TypeDecorator, UniqueConstraint, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship, validates

class Model(DeclarativeBase):
    pass

class User(Model):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
ORDER = """
class Order(Model):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
FILE = "models_of_shop.py"


class Shop:
    """A module of models that is imported from a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.request: dict[str, Any] = {"root": str(root), "files": [FILE]}

    def world(self, more: str, *, metadata: str = "Model.metadata") -> World:
        self.write(BASE + textwrap.dedent(more))
        sys.modules.pop("models_of_shop", None)
        importlib.invalidate_caches()
        module = importlib.import_module("models_of_shop")
        world = World(self.request, cast("Journal", None))
        value: Any = module
        for name in metadata.split("."):
            value = getattr(value, name)
        world.objects["metadata"] = value
        return world

    def write(self, text: str) -> None:
        (self.root / FILE).write_text(text, encoding="utf-8")

    def line(self, text: str) -> Location:
        lines = (self.root / FILE).read_text(encoding="utf-8").splitlines()
        return Location(FILE, next(number for number, line in enumerate(lines, 1) if text in line))

    def table(self, more: str, name: str = "orders") -> Table:
        found = as_records(tables.gather(self.world(more)), tuple[Table, ...])
        return next(each for each in found if each.name == name)


def as_records(value: object, kind: type[T]) -> T:
    """A section as the tool decodes it."""
    return msgspec.json.decode(json.dumps(value), type=kind)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Shop(tmp_path.resolve())
    sys.modules.pop("models_of_shop", None)


# References and the indexes that serve them


@pytest.mark.parametrize(
    ("more", "columns", "line"),
    [
        (f'{ORDER}    made_by: Mapped[int] = mapped_column(ForeignKey("users.id"))\n', ("made_by",), "    made_by"),
        (f'{ORDER}    made_by = Column("creator", ForeignKey(User.__table__.c.id))\n', ("creator",), "class Order"),
        (
            f"{ORDER}    made_by: Mapped[int]\n"
            '    __table_args__ = (ForeignKeyConstraint(["made_by"], ["users.id"], use_alter=True, name="x"),)\n',
            ("made_by",),
            "    made_by",
        ),
        (
            "class Made:\n    made_by: Mapped[int] = mapped_column(ForeignKey('users.id'))\n"
            + ORDER.replace("(Model)", "(Made, Model)"),
            ("made_by",),
            "class Order",
        ),
        (
            f"def make():\n{textwrap.indent(ORDER, '    ')}        by = Column(ForeignKey(User.id))\n    return Order\nkept = make()",
            ("by",),
            "   by",
        ),
    ],
)
def test_a_reference_has_the_line_of_its_column_else_of_its_class(
    shop: Shop, more: str, columns: tuple[str, ...], line: str
) -> None:
    assert shop.table(more).references == (Reference(columns, "users", shop.line(line)),)


def test_a_bare_table_has_its_references_and_no_line(shop: Shop) -> None:
    table = shop.table('Table("orders", Model.metadata, Column("by", ForeignKey("users.id"), primary_key=True))')
    assert table.references == (Reference(("by",), "users"),)


def test_a_reference_to_a_table_that_is_not_there_is_named_as_it_is_written(shop: Shop) -> None:
    table = shop.table(f'{ORDER}    x: Mapped[int] = mapped_column(ForeignKey("auth.gone.id"))\n')
    assert [each.target for each in table.references] == ["auth.gone"]


SIMPLE = (
    ORDER
    + """    x: Mapped[int] = mapped_column(ForeignKey("users.id"){option})
    y: Mapped[int]
    {more}
"""
)
COMPOSITE = """
class Line(Model):
    __tablename__ = "lines"
    a: Mapped[int] = mapped_column(primary_key=True)
    b: Mapped[int] = mapped_column(primary_key=True)

class Order(Model):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    x: Mapped[int]
    y: Mapped[int]
    z: Mapped[int]
    __table_args__ = (ForeignKeyConstraint(["x", "y"], ["lines.a", "lines.b"]), {index})
"""


def leads(table: Table) -> bool:
    """Report whether an index begins with the columns of the first reference."""
    columns = set(table.references[0].columns)
    return any(set(key[: len(columns)]) == columns for key in table.keys)


@pytest.mark.parametrize(
    ("option", "more"),
    [
        ("", ""),
        (", index=False", ""),
        ("", '__table_args__ = (Index("i", "y", "x"),)'),
        ("", '__table_args__ = (Index("i", text("x")),)'),
        ("", '__table_args__ = (Index("i", func.abs(x)),)'),
        ("", '__table_args__ = (Index("i", func.abs(x), "x"),)'),
        ("", '__table_args__ = (Index("i", -x),)'),
        ("", '__table_args__ = (Index("i", "x", postgresql_where=text("y > 0")),)'),
        ("", '__table_args__ = (Index("i", "x", postgresql_where=text("y IS NOT NULL")),)'),
        ("", '__table_args__ = (Index("i", "x", postgresql_where=text("x IS NOT NULL OR y > 0")),)'),
        ("", '__table_args__ = (Index("i", "x", sqlite_where=text("x IS NULL")),)'),
        ("", '__table_args__ = (Index("i", "x", postgresql_using="brin"),)'),
        ("", '__table_args__ = (UniqueConstraint("y", "x"),)'),
    ],
)
def test_an_index_that_does_not_find_the_rows_of_a_reference(shop: Shop, option: str, more: str) -> None:
    assert not leads(shop.table(SIMPLE.format(option=option, more=more)))


@pytest.mark.parametrize(
    ("option", "more"),
    [
        (", index=True", ""),
        (", unique=True", ""),
        (", primary_key=True", ""),
        ("", '__table_args__ = (Index("i", "x", "y"),)'),
        ("", '__table_args__ = (Index("i", x.desc().nulls_last(), "y"),)'),
        ("", '__table_args__ = (Index("i", "x", func.abs(x)),)'),
        ("", '__table_args__ = (UniqueConstraint("x", "y"),)'),
        ("", '__table_args__ = (Index("i", "x", postgresql_where=text("x IS NOT NULL")),)'),
        ("", '__table_args__ = (Index("i", "x", postgresql_where=x.is_not(None)),)'),
        ("", '__table_args__ = (Index("i", "x", postgresql_using="hash"),)'),
    ],
)
def test_an_index_that_finds_the_rows_of_a_reference(shop: Shop, option: str, more: str) -> None:
    only = "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    source = SIMPLE.replace(only, "") if "primary" in option else SIMPLE
    assert leads(shop.table(source.format(option=option, more=more)))


@pytest.mark.parametrize(
    ("index", "leading"),
    [
        ("", False),
        ('Index("i", "x")', False),
        ('Index("i", "x", "z", "y")', False),
        ('Index("i", "z", "x", "y")', False),
        ('Index("i", "x", "y")', True),
        ('Index("i", "y", "x", "z")', True),
        ('UniqueConstraint("y", "x")', True),
    ],
)
def test_all_the_columns_of_a_reference_lead(shop: Shop, index: str, leading: bool) -> None:
    assert leads(shop.table(COMPOSITE.replace("{index}", index))) is leading


# Keys and columns


def test_unique_keys_have_the_names_that_postgresql_gives_them(shop: Shop) -> None:
    table = shop.table(
        f"""{ORDER}
    x: Mapped[int]
    y: Mapped[int] = mapped_column(unique=True)
    __table_args__ = (
        UniqueConstraint("x", "y", name="pair"),
        UniqueConstraint("x", deferrable=True),
        Index("lower_y", func.abs(y), unique=True),
        Index("some", "x", unique=True, postgresql_where=text("y > 0")),
    )
"""
    )
    assert set(table.uniques) == {
        Key(("id",), "orders_pkey"),
        Key(("y",), "orders_y_key"),
        Key(("x", "y"), "pair"),
        Key((), "lower_y", constraint=False),
        Key(("x",), "some", constraint=False, partial=True),
    }


def test_columns_have_the_bits_of_plain_integers_and_moments_their_zone(shop: Shop) -> None:
    table = shop.table(
        f"""
class Own(TypeDecorator[int]):
    impl = BigInteger
    cache_ok = True
{ORDER}
    small: Mapped[int] = mapped_column(SmallInteger)
    big: Mapped[int] = mapped_column(BigInteger)
    own: Mapped[int] = mapped_column(Own)
    user: Mapped[int] = mapped_column(ForeignKey("users.id"))
    naive: Mapped[datetime]
    stamp: Mapped[datetime] = mapped_column(TIMESTAMP)
    aware: Mapped[datetime] = mapped_column(DateTime(timezone=True))
"""
    )
    found = {each.name: each for each in table.columns}
    assert {name: each.bits for name, each in found.items() if each.bits} == {"id": 31, "small": 15, "big": 63}
    assert [name for name, each in found.items() if each.naive] == ["naive", "stamp"]
    assert found["own"] == Column("own", "Own", location=shop.line("own: Mapped"))


def test_tables_are_marked_that_the_application_alone_has_defined(shop: Shop) -> None:
    world = shop.world(ORDER)
    world.application_tables = ["users"]
    found = as_records(tables.gather(world), tuple[Table, ...])
    assert {each.name: each.by_application for each in found} == {"users": True, "orders": False}


def test_a_schema_is_apart_from_the_name(shop: Shop) -> None:
    table = shop.table(f'{ORDER}    __table_args__ = {{"schema": "sales"}}\n')
    assert (table.schema, table.called("sales.orders"), table.called("orders")) == ("sales", True, True)


# Mapped classes


def test_mapped_classes_have_the_columns_behind_their_attributes(shop: Shop) -> None:
    world = shop.world(
        f"""{ORDER}
    number: Mapped[int] = mapped_column("no")
    checked: Mapped[int]

    @validates("checked")
    def fits(self, key, value):
        return value
"""
    )
    order, user = as_records(models.gather(world), tuple[Mapped, ...])
    assert (order.name, order.table) == ("models_of_shop.Order", "orders")
    assert {name: (each.name, each.bits) for name, each in order.attributes.items()} == {
        "id": ("id", 31),
        "number": ("no", 31),
        "checked": ("checked", 0),
    }
    assert user.name == "models_of_shop.User"


LOADING = {
    "user: Mapped[User] = relationship()": ["Order.user"],
    'user: Mapped[User] = relationship(lazy=True, backref="orders")': ["Order.user", "User.orders"],
    'user: Mapped[User] = relationship(lazy="immediate")': ["Order.user"],
    'user: Mapped[User] = relationship(lazy="raise")': [],
    "user: Mapped[User] = relationship(lazy=False)": [],
    'user: Mapped[User] = relationship(lazy="subquery")': [],
    "note: Mapped[str] = mapped_column(deferred=True)": ["Order.note"],
    "note: Mapped[str] = mapped_column(deferred=True, deferred_raiseload=True)": [],
}


@pytest.mark.parametrize(("attribute", "names"), LOADING.items(), ids=LOADING)
def test_attributes_that_query_when_they_are_read(shop: Shop, attribute: str, names: list[str]) -> None:
    more = f'{ORDER}    by: Mapped[int] = mapped_column(ForeignKey("users.id"))\n    {attribute}\n'
    found = as_records(loading.gather(shop.world(more)), tuple[Loading, ...])
    assert sorted(each.name for each in found) == names
    assert {each.location for each in found} <= {shop.line(attribute)}


def test_a_relationship_to_a_class_that_is_not_there_blinds_nobody(shop: Shop) -> None:
    world = shop.world(f'{ORDER}    gone: Mapped["Gone"] = relationship()\n')
    assert [each["name"] for each in loading.gather(world)] == ["Order.gone"]
    assert len(models.gather(world)) == len(tables.gather(world)) == 2


# Answers without tables


SECTIONS: list[Callable[[World], object]] = [tables.gather, models.gather, loading.gather]


@pytest.mark.parametrize("gather", SECTIONS, ids=["tables", "mapped", "loading"])
def test_without_metadata_a_section_is_absent_and_with_another_object_unreadable(
    shop: Shop, gather: Callable[[World], object]
) -> None:
    with pytest.raises(Unreadable, match="the metadata is a DeclarativeAttributeIntercept, not a"):
        gather(shop.world("", metadata="Model"))
    with pytest.raises(Absent, match="no `metadata`"):
        gather(World(shop.request, cast("Journal", None)))


def test_lazy_objects_of_a_module_stay_asleep(shop: Shop) -> None:
    world = shop.world(
        """
        class Lazy:
            def __getattribute__(self, name):
                raise AssertionError(f"it was asked for {name}")

        lazy = Lazy()
        """
    )
    assert len(as_records(models.gather(world), tuple[Mapped, ...])) == 1


# Numbers of settings


def test_numbers_of_the_settings_that_are_loaded_have_the_lines_of_their_fields(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = types.ModuleType("pydantic_settings")
    library.__dict__["BaseSettings"] = type("BaseSettings", (pydantic.BaseModel,), {})
    monkeypatch.setitem(sys.modules, "pydantic_settings", library)
    world = shop.world(
        """
        from pydantic import BaseModel
        from pydantic_settings import BaseSettings

        class Curve(BaseModel):
            bits: int = 12
            name: str = "hilbert"

        class Settings(BaseSettings):
            curve: Curve = Curve()
            curve_dimensions: int = 8
            debug: bool = True

        settings = Settings()
        """
    )
    found = as_records(setting_numbers.gather(world), tuple[Setting, ...])
    assert list(found) == [
        Setting("curve.bits", 12, shop.line("    bits: int")),
        Setting("curve_dimensions", 8, shop.line("    curve_dimensions: int")),
    ]


# The rules over the probe


MAIN = "from fastapi import FastAPI\nfrom . import models\n{more}\napp = FastAPI()\n"
CONFIG = 'application = "shop.main:app"\nmetadata = "{metadata}"\n'


def judged(tree: Tree, more: str = "", metadata: str = "shop.models:Model.metadata") -> Report:
    tree.settings(CONFIG.format(metadata=metadata))
    models = BASE + SIMPLE.format(option="", more="")
    tree.write({"src/shop/models.py": models, "src/shop/main.py": MAIN.format(more=more)})
    return check(tree.root, select=["DB"], python=sys.executable)


def test_tables_of_a_project_reach_the_rules_with_their_lines(tree: Tree) -> None:
    report = judged(tree)
    found = [(each.code, each.location) for each in report.findings]
    line = tree.line("src/shop/models.py", "    x: ")
    assert found == [("DB008", Location("migrations/versions")), ("DB005", Location("src/shop/models.py", line))]
    assert not report.could_not_look


def test_an_application_that_cannot_be_imported_leaves_a_doubt_about_what_else_there_is(tree: Tree) -> None:
    report = judged(tree, "from . import gone")
    assert [each.subject for each in report.findings if each.code == "DB005"] == ["orders.x"]
    blind = {each.code for each in report.could_not_look}
    assert blind == {"DB001", "DB004", "DB005", "DB008", "DB009", "DB011"}
    assert all("shop.main:app cannot be imported" in each.reason for each in report.could_not_look)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("shop.models:Modle.metadata", "there is no Modle"),
        ("shop.models:Model", "not a sqlalchemy.MetaData"),
    ],
)
def test_a_metadata_that_is_not_there_is_no_answer(tree: Tree, metadata: str, reason: str) -> None:
    report = judged(tree, metadata=metadata)
    assert not report.findings
    blind = {each.code: each.reason for each in report.could_not_look}
    assert {"DB001", "DB004", "DB005", "DB011"} <= set(blind)
    assert all(reason in each for each in blind.values())
