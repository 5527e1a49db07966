"""DB001, DB004, DB007, DB009, DB010 and DB011 in a synchronous service that was not made here."""

from __future__ import annotations

import textwrap

import pytest

from ._project import DATABASE, MAIN, Project

ORDER = """
from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import relationship

class Order(Model):
    __tablename__ = "orders"
    __table_args__ = (UniqueConstraint("user_id", "number"), Index("ix_slug", func.lower("slug"), unique=True))
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    number: Mapped[int]
    tile: Mapped[int] = mapped_column(BigInteger)
    slug: Mapped[str] = mapped_column("slug", String(20))

totals = Table("totals", Model.metadata, Column("day", String, primary_key=True), Column("sum", BigInteger))
"""
USING = """
import hashlib, random, time, uuid, zlib
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from shop.models import Model, Order, totals

def use(db: Session, order: Order, rows, n: int, text: str):
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.models(ORDER)
    return project.write({"pyproject.toml": DATABASE + 'commits = ["shop.models"]\n'})


def using(shop: Project, body: str) -> Project:
    return shop.write({"src/shop/using.py": USING + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"})


WIDE = {
    "a shift by what is unknown": "Order(tile=n << 20)",
    "a power": "Order(number=2 ** n)",
    "a text": 'Order(number=int(rows[0]["number"]))',
    "a text that is an argument": "Order(number=int(text))",
    "digits of a digest": "order.tile = int(hashlib.sha1(b'').hexdigest(), 16)",
    "bytes": "order.tile = int.from_bytes(rows[0][:8], 'big')",
    "half of a UUID": "order.tile = uuid.uuid4().int >> 64",
    "a hash in an Integer": "order.number = hash(text)",
    "a checksum in an Integer": "order.number = zlib.crc32(b'')",
    "milliseconds in an Integer": "order.number = int(time.time() * 1000)",
    "nanoseconds in an Integer": "order.number = time.time_ns()",
    "random bits": "order.tile = random.getrandbits(64)",
    "a product in a loop": "h = 7\nfor each in text:\n    h = h * 31 + ord(each)\norder.tile = h",
    "in place, in a loop": "h = 0\nfor each in text:\n    h *= 31\norder.tile = h",
    "in place, in the row": "order.tile <<= n",
    "by its name": "setattr(order, 'tile', 1 << n)",
    "of a row that is fetched": "found = db.get(Order, 1)\nfound.tile = 1 << n",
    "a table of its own": "db.execute(totals.insert().values(sum=1 << n))",
    "a value of an update": "db.execute(sa.update(Order).values({Order.tile: 1 << n}))",
    "rows beside a statement": 'db.execute(sa.insert(Order), [{"tile": 1 << each} for each in rows])',
    "a mapping": 'db.bulk_insert_mappings(Order, [{"tile": 1 << n}])',
    "what a conflict sets": 'insert(Order).on_conflict_do_update(index_elements=["id"], set_={"tile": 1 << n})',
}


@pytest.mark.parametrize("body", WIDE.values(), ids=WIDE)
def test_a_number_that_is_too_wide_is_told(shop: Project, body: str) -> None:
    [finding] = using(shop, body).findings("DB001")
    assert finding.subject in ("orders.number", "orders.tile", "totals.sum")
    assert finding.file == "src/shop/using.py"


NARROW = {
    "what is handed on": "Order(number=n, tile=rows[0])",
    "what is counted": "order.number += 1\norder.number = len(rows) + 1\norder.tile = sum(each.n for each in rows)",
    "what is multiplied": "order.number = n * rows[0].price",
    "part of a whole": "order.number = int(n / len(rows) * 100)",
    "what is rounded": "order.number = round(n * 100)",
    "a mask": "order.tile = (n << 20) & 0xFFFFFFFF",
    "a mask of names": "BITS = 60\norder.tile = (n << 20) & ((1 << BITS) - 1)",
    "a remainder": "order.number = hash(text) % 1000",
    "the smaller one": "order.number = min(2 ** n, 3600)",
    "a check": "wide = 1 << n\nif wide >= 2**63:\n    raise ValueError(wide)\norder.tile = wide",
    "an assertion": "wide = 1 << n\nassert wide < 2**63\norder.tile = wide",
    "a known shift": "order.tile = 1 << 40 | 7",
    "a hash in a BigInteger": "order.tile = hash(text)\norder.tile = time.time_ns()\norder.tile = zlib.crc32(b'')",
    "bytes that fit": "order.tile = int.from_bytes(rows[0][:8], 'big', signed=True)",
    "digits that fit": "order.tile = int(text[:15], 16)\norder.number = int(text[:9])",
    "seconds": "order.number = int(time.time())",
    "another object": "rows.number = 1 << n\nself = rows\nself.tile = 1 << n",
    "another class": "class Tile:\n    tile: int = 0\nt = Tile()\nt.tile = 1 << n",
    "a text column": "order.slug = hash(text)",
}


@pytest.mark.parametrize("body", NARROW.values(), ids=NARROW)
def test_a_number_that_fits_or_of_which_nothing_is_known_is_quiet(shop: Project, body: str) -> None:
    assert using(shop, body).findings("DB001") == []


UNMATCHED = {
    "half of a key": 'insert(Order).on_conflict_do_nothing(index_elements=["number"])',
    "an attribute": "insert(Order).on_conflict_do_nothing(index_elements=[Order.user_id])",
    "more than a key": 'insert(Order).on_conflict_do_nothing(index_elements=["id", "number"])',
    "a table": 'postgresql.insert(totals).on_conflict_do_nothing(index_elements=["sum"])',
    "a column of a table": "postgresql.insert(totals).on_conflict_do_nothing(index_elements=[totals.c.sum])",
    "a misspelt constraint": 'insert(Order).on_conflict_do_nothing(constraint="orders_id")',
    "an index for a constraint": 'insert(Order).on_conflict_do_nothing(constraint="ix_slug")',
    "SQL": 'sa.text("INSERT INTO orders (id) VALUES (1) ON CONFLICT (number) DO NOTHING")',
    "SQL with a constraint": 'sa.text("insert into orders values (1) on conflict on constraint nothing do nothing")',
}


@pytest.mark.parametrize("body", UNMATCHED.values(), ids=UNMATCHED)
def test_a_target_that_is_no_key_is_told(shop: Project, body: str) -> None:
    [finding] = using(shop, body).findings("DB004")
    assert finding.file == "src/shop/using.py"
    assert "which has (" in finding.message


MATCHED = {
    "the primary key": 'insert(Order).on_conflict_do_nothing(index_elements=["id"])',
    "another key": "insert(Order).on_conflict_do_nothing(index_elements=[Order.number, Order.user_id])",
    "a key of a table": "postgresql.insert(totals).on_conflict_do_nothing(index_elements=[totals.c.day])",
    "the names that PostgreSQL gives": (
        'insert(Order).on_conflict_do_nothing(constraint="orders_pkey")\n'
        'insert(Order).on_conflict_do_nothing(constraint="orders_user_id_number_key")'
    ),
    "an expression": 'insert(Order).on_conflict_do_nothing(index_elements=[sa.text("lower(slug)")])',
    "what is computed": "insert(Order).on_conflict_do_nothing(index_elements=rows)",
    "a model that is handed on": "insert(rows).on_conflict_do_nothing(index_elements=['x'])",
    "SQL": 'sa.text("INSERT INTO orders (id) VALUES (1) ON CONFLICT (number, \\"user_id\\") DO NOTHING")',
    "SQL of another table": 'sa.text("INSERT INTO others (id) VALUES (1) ON CONFLICT (number) DO NOTHING")',
    "SQL without a target": 'sa.text("INSERT INTO orders (id) VALUES (1) ON CONFLICT DO NOTHING")',
}


@pytest.mark.parametrize("body", MATCHED.values(), ids=MATCHED)
def test_a_target_that_is_a_key_or_cannot_be_told_is_quiet(shop: Project, body: str) -> None:
    assert using(shop, body).findings("DB004") == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("db.commit()", 1),
        ("rows.session.rollback()", 1),
        ("sa.create_engine('sqlite://').begin()", 1),
        ("on_done(db.commit)", 1),
        ("db.execute(sa.text('ROLLBACK'))", 1),
        ("conn = rows\nconn.commit()", 1),
        ("with db.begin_nested() as nested:\n    nested.rollback()", 0),
        ("db.execute(sa.text('ROLLBACK TO SAVEPOINT one'))", 0),
        ("rows.consumer.commit()\nrows.repository.commit('x')", 0),
        ("class Db:\n    pass\nbegin = rows.begin\nbegin()", 0),
        ("import sqlite3\ndb = sqlite3.connect('x')\n", 0),
    ],
)
def test_transactions_by_hand(shop: Project, body: str, found: int) -> None:
    assert len(using(shop, body).findings("DB007")) == found


def test_modules_that_may_commit_are_quiet_and_without_any_it_does_not_apply(shop: Project) -> None:
    using(shop, "db.commit()").write({"pyproject.toml": DATABASE + 'commits = ["shop.using"]\n'})
    assert shop.findings("DB007") == []
    report = shop.write({"pyproject.toml": DATABASE}).run("DB007")
    assert "no `commits`" in report.not_applicable[0].reason


SESSION = """
from fastapi import Depends
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))

def get_db():
    {body}

@app.post("/orders")
def order(db: Session = Depends(get_db{scope})) -> None:
    db.flush()
"""
CLOSES = "db = SessionLocal()\n    try:\n        yield db\n    finally:\n        db.close()"
COMMITS = "db = SessionLocal()\n    try:\n        yield db\n        db.commit()\n    finally:\n        db.close()"
BEGINS = "with SessionLocal.begin() as db:\n        yield db"


@pytest.mark.parametrize(
    ("body", "scope", "found"),
    [
        (COMMITS, "", 1),
        (BEGINS, "", 1),
        (BEGINS, ', scope="request"', 1),
        (BEGINS, ', scope="function"', 0),
        (CLOSES, "", 0),
        ("return SessionLocal()", "", 0),
    ],
)
def test_a_commit_after_the_response(shop: Project, body: str, scope: str, found: int) -> None:
    main = MAIN + "from . import models\n" + SESSION.replace("{body}", body).replace("{scope}", scope)
    findings = shop.write({"src/shop/main.py": main}).findings("DB009")
    assert [each.line for each in findings] == [shop.line("src/shop/main.py", "Depends(get_db")] * found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("Model.metadata.create_all(bind=db.bind)", 1),
        ("totals.metadata.drop_all(db.bind)", 1),
        ("Order.__table__.create(db.bind)", 1),
        ("db.execute(sa.text('create table x (id int)'))", 1),
        ("rows.create_all()", 0),
        ("db.execute(sa.text('CREATE TEMP TABLE x (id int)'))", 0),
    ],
)
def test_tables_that_are_made_by_hand(shop: Project, body: str, found: int) -> None:
    assert len(using(shop, body).findings("DB010")) == found


@pytest.mark.parametrize(
    ("attribute", "found"),
    [
        ('user: Mapped["User"] = relationship()', ["Order.user"]),
        ('user: Mapped["User"] = relationship(lazy=True, backref="orders")', ["Order.user", "User.orders"]),
        ('user: Mapped["User"] = relationship(lazy="immediate")', ["Order.user"]),
        ('user: Mapped["User"] = relationship(lazy="raise")', []),
        ('user: Mapped["User"] = relationship(lazy=False)', []),
        ('user: Mapped["User"] = relationship(lazy="subquery")', []),
        ("note: Mapped[str] = mapped_column(deferred=True)", ["Order.note"]),
        ("note: Mapped[str] = mapped_column(deferred=True, deferred_raiseload=True)", []),
    ],
)
def test_attributes_that_load_when_they_are_read(project: Project, attribute: str, found: list[str]) -> None:
    project.models(ORDER.replace("    number: Mapped[int]\n", f"    number: Mapped[int]\n    {attribute}\n"))
    findings = project.findings("DB011")
    assert sorted(each.subject for each in findings) == found
    line = project.line("src/shop/models.py", attribute)
    assert all((each.file, each.line) == ("src/shop/models.py", line) for each in findings)
