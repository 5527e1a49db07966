"""Statements and sessions: numbers too wide for their column, conflict targets, and transactions by hand."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hardened.records.tables import Column, Key, Mapped, Table
from hardened.source.sessions import Sessions
from hardened.source.statements import Statements

from .._project import Tree

USERS = Table("users", uniques=(Key(("id",), "users_pkey"),), columns=(Column("id", "Integer", 31),))
ORDERS = Table(
    "orders",
    uniques=(
        Key(("id",), "orders_pkey"),
        Key(("user_id", "number"), "orders_user_id_number_key"),
        Key((), "ix_slug", constraint=False),
    ),
    columns=(
        Column("id", "Integer", 31),
        Column("user_id", "Integer"),
        Column("number", "Integer", 31),
        Column("tile", "BigInteger", 63),
        Column("slug", "String"),
    ),
)
TOTALS = Table(
    "totals",
    uniques=(Key(("day",), "totals_pkey"),),
    columns=(Column("day", "String"), Column("sum", "BigInteger", 63)),
)
TABLES = (USERS, ORDERS, TOTALS)
MAPPED = (
    Mapped("shop.models.User", "users", {each.name: each for each in USERS.columns}),
    Mapped("shop.models.Order", "orders", {each.name: each for each in ORDERS.columns}),
)
MODELS = """
from sqlalchemy import BigInteger, Column, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Model(DeclarativeBase):
    pass

class User(Model):
    __tablename__ = "users"

class Order(Model):
    __tablename__ = "orders"
    tile: Mapped[int] = mapped_column(BigInteger)

totals = Table("totals", Model.metadata, Column("day", String, primary_key=True), Column("sum", BigInteger))
"""
USING = """
import hashlib, time, uuid, zlib
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from shop.models import Model, Order, totals

def use(db: Session, order: Order, rows, n: int, text: str):
"""


def using(tree: Tree, body: str) -> Tree:
    source = USING + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"
    return tree.write({"src/shop/models.py": MODELS, "src/shop/using.py": source})


def statements(tree: Tree) -> Statements:
    return Statements(tree.facts.source, MAPPED, TABLES)


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
def test_a_number_that_is_too_wide_is_a_write(tree: Tree, body: str) -> None:
    [write] = statements(using(tree, body)).writes()
    assert write.width > write.column.bits
    assert (write.table, write.column.name) in {("orders", "number"), ("orders", "tile"), ("totals", "sum")}
    assert write.location.file == "src/shop/using.py"


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
def test_a_number_that_fits_or_of_which_nothing_is_known_is_none(tree: Tree, body: str) -> None:
    assert list(statements(using(tree, body)).writes()) == []


def test_a_model_without_plain_integers_has_no_writes(tree: Tree) -> None:
    using(tree, "Order(tile=n << 20)")
    bounded = Mapped("shop.models.Order", "orders", {"tile": Column("tile", "BigInteger")})
    assert list(Statements(tree.facts.source, [bounded], []).writes()) == []


def test_names_that_lead_to_each_other_come_to_an_end(tree: Tree) -> None:
    body = """
    stmt = insert(Order)
    stmt = stmt.values(tile=1)
    stmt = stmt.returning(Order)
    a = b
    b = a
    number = other
    other = number + other
    db.execute(stmt, [{"tile": number}])
    Order(tile=a, number=number)
    with a:
        pass
    """
    found = using(tree, body)
    assert list(statements(found).writes()) == []
    assert list(Sessions(found.facts.source).ends()) == []


UPSERTS = {
    "half of a key": ('insert(Order).on_conflict_do_nothing(index_elements=["number"])', ("number",)),
    "an attribute": ("insert(Order).on_conflict_do_nothing(index_elements=[Order.user_id])", ("user_id",)),
    "an order of their own": (
        "insert(Order).on_conflict_do_nothing(index_elements=[Order.number, Order.user_id])",
        ("number", "user_id"),
    ),
    "a column of a table": (
        "postgresql.insert(totals).on_conflict_do_nothing(index_elements=[totals.c.day])",
        ("day",),
    ),
    "SQL": (
        'sa.text("INSERT INTO orders (id) VALUES (1) ON CONFLICT (number, \\"user_id\\") DO NOTHING")',
        ("number", "user_id"),
    ),
    "a constraint": ('insert(Order).on_conflict_do_nothing(constraint="orders_pkey")', "orders_pkey"),
    "SQL with a constraint": ('sa.text("insert into orders values (1) on conflict on constraint x do nothing")', "x"),
}


@pytest.mark.parametrize(("body", "target"), UPSERTS.values(), ids=UPSERTS)
def test_the_target_of_an_upsert_is_its_columns_or_a_constraint(
    tree: Tree, body: str, target: tuple[str, ...] | str
) -> None:
    [upsert] = statements(using(tree, body)).upserts()
    assert (upsert.columns or upsert.constraint) == target


UNKNOWN = {
    "an expression": 'insert(Order).on_conflict_do_nothing(index_elements=[sa.text("lower(slug)")])',
    "a computed target": "insert(Order).on_conflict_do_nothing(index_elements=rows)",
    "a model that is a parameter": "insert(rows).on_conflict_do_nothing(index_elements=['x'])",
    "SQL of another table": 'sa.text("INSERT INTO others (id) VALUES (1) ON CONFLICT (number) DO NOTHING")',
    "SQL without a target": 'sa.text("INSERT INTO orders (id) VALUES (1) ON CONFLICT DO NOTHING")',
}


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=UNKNOWN)
def test_a_target_that_only_running_it_tells_is_none(tree: Tree, body: str) -> None:
    assert list(statements(using(tree, body)).upserts()) == []


def test_the_functions_that_are_named_upserts_have_a_target_too(tree: Tree) -> None:
    using(tree, "from shop.keeping import keep\nkeep(Order, rows, key=['number'])")
    tree.write({"src/shop/keeping.py": "def keep(model, rows, key): ..."})
    [upsert] = Statements(tree.facts.source, MAPPED, TABLES, ["shop.keeping.keep"]).upserts()
    assert (upsert.table.name, upsert.columns) == ("orders", ("number",))


@pytest.mark.parametrize(
    ("body", "count"),
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
def test_transactions_that_are_begun_or_ended_by_hand(tree: Tree, body: str, count: int) -> None:
    assert len(list(Sessions(using(tree, body).facts.source).ends())) == count


ROLES = {
    "Session()": ("session", True),
    "sessionmaker(create_engine(''))": ("factory", True),
    "sessionmaker(create_engine(''))()": ("session", True),
    "sessionmaker(create_engine('')).begin()": ("session", True),
    "create_engine('')": ("engine", True),
    "create_engine('').connect()": ("connection", True),
    "create_async_engine('').begin()": ("connection", True),
    "Session().begin()": ("transaction", True),
    "Session().begin_nested()": ("", True),
    "asyncpg.create_pool().acquire()": ("connection of a driver's pool", True),
    "Store().session": ("session", True),
    "Own()": ("session", True),
    "opened()": ("session", True),
    "sqlite3.connect('x')": ("", True),
    "unknown.db_session": ("session", False),
    "unknown.conn": ("session", False),
    "unknown.SessionLocal": ("factory", False),
    "unknown.SessionLocal()": ("session", False),
    "unknown.get_db()": ("session", False),
    "unknown.engine": ("engine", False),
    "unknown.engine.connect()": ("connection", True),
    "unknown.repository": ("", False),
    "unknown.observer": ("", False),
}


@pytest.mark.parametrize(("expression", "role"), ROLES.items(), ids=ROLES)
def test_the_role_of_an_expression_is_of_its_origin_else_of_its_name(
    tree: Tree, expression: str, role: tuple[str, bool]
) -> None:
    tree.write(
        {
            "src/shop/using.py": f"""
            import sqlite3, asyncpg
            from collections.abc import Iterator
            from sqlalchemy import create_engine
            from sqlalchemy.ext.asyncio import create_async_engine
            from sqlalchemy.orm import Session, sessionmaker

            class Store:
                session: Session

            class Own(Session):
                pass

            def opened() -> Iterator[Session]:
                yield Session()

            def use(unknown):
                return {expression}
            """
        }
    )
    source = tree.facts.source
    names = source.names("src/shop/using.py")
    assert names is not None
    [value] = [node.value for node, _ in names if isinstance(node, ast.Return) and node.value is not None]
    assert tuple(Sessions(source).resource(names, value)) == role


SESSION = """
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))

def get_db():
    {body}

app = FastAPI()

@app.post("/orders")
def order(db: Session = Depends(get_db{scope})) -> None:
    db.flush()
"""
CLOSES = "db = SessionLocal()\n    try:\n        yield db\n    finally:\n        db.close()"
COMMITS = "db = SessionLocal()\n    try:\n        yield db\n        db.commit()\n    finally:\n        db.close()"
BEGINS = "with SessionLocal.begin() as db:\n        yield db"


@pytest.mark.parametrize(
    ("body", "scope", "count"),
    [
        (COMMITS, "", 1),
        (BEGINS, "", 1),
        (BEGINS, ', scope="request"', 1),
        (BEGINS, ', scope="function"', 0),
        (CLOSES, "", 0),
        ("return SessionLocal()", "", 0),
    ],
)
def test_a_dependency_that_commits_after_its_yield(tree: Tree, body: str, scope: str, count: int) -> None:
    tree.write({"src/shop/main.py": SESSION.replace("{body}", body).replace("{scope}", scope)})
    sessions = Sessions(tree.facts.source)
    found = [where for names, node, where in sessions.dependencies() if sessions.commits_late(names, node)]
    assert [each.line for each in found] == [tree.line("src/shop/main.py", "Depends(get_db")] * count


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("Model.metadata.create_all(bind=db.bind)", 1),
        ("totals.metadata.drop_all(db.bind)", 1),
        ("Order.__table__.create(db.bind)", 1),
        ("db.execute(sa.text('create table x (id int)'))", 1),
        ("rows.create_all()", 0),
        ("db.execute(sa.text('CREATE TEMP TABLE x (id int)'))", 0),
    ],
)
def test_tables_that_are_made_by_hand(tree: Tree, body: str, count: int) -> None:
    assert len(list(Sessions(using(tree, body).facts.source).made_tables())) == count
