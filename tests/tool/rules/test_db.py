"""The rules of databases on records that are made by hand and on sources of a few lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hardened.config.table import Config
from hardened.model import DoesNotApply, Finding, Location
from hardened.records.routes import Dependency
from hardened.records.tables import Column, Key, Loading, Mapped, Reference, Setting, Table
from hardened.rules.db.db001 import DB001
from hardened.rules.db.db002 import DB002
from hardened.rules.db.db003 import DB003
from hardened.rules.db.db004 import DB004
from hardened.rules.db.db005 import DB005
from hardened.rules.db.db007 import DB007
from hardened.rules.db.db008 import DB008
from hardened.rules.db.db009 import DB009
from hardened.rules.db.db010 import DB010
from hardened.rules.db.db011 import DB011
from hardened.rules.db.db012 import DB012
from hardened.source.statements import Statements

from .._project import Tree

MODELS = "src/shop/models.py"
MAIN = "src/shop/main.py"
ORDERS = Table(
    "orders",
    references=(Reference(("made_by",), "logins", Location(MODELS, 7)),),
    keys=(("id",),),
    uniques=(Key(("id",), "orders_pkey"),),
    columns=(Column("id", "Integer", 31), Column("made_by", "Integer"), Column("tile", "BigInteger", 63)),
)
LOGINS = Table("logins", keys=(("id",),))
MAPPED = [Mapped("shop.models.Order", "orders", {each.name: each for each in ORDERS.columns})]
USING = "from sqlalchemy.dialects.postgresql import insert\nfrom .models import Order\n\n"


def spots(findings: Iterable[Finding]) -> list[tuple[str, str | None, int | None]]:
    """The codes, files and lines of findings, each of which has a subject and a hint."""
    found = list(findings)
    assert all(each.subject or each.location.file == "migrations/versions" for each in found)
    assert all(each.hint for each in found)
    return [(each.code, each.location.file, each.location.line) for each in found]


def main(tree: Tree, text: str) -> Tree:
    return tree.write({MODELS: "class Order:\n    pass\n", MAIN: textwrap.dedent(text)})


def statements(tree: Tree) -> Statements:
    return Statements(tree.facts.source, MAPPED, [ORDERS])


# DB001


def test_db001_finds_a_number_without_a_bound(tree: Tree) -> None:
    main(tree, f"{USING}def keep(n):\n    return Order(tile=1 << n)\n")
    [finding] = DB001().check(statements(tree), [], tree.facts.source)
    assert spots([finding]) == [("DB001", MAIN, 5)]
    assert finding.subject == "orders.tile"
    assert (
        finding.message == "orders.tile is BigInteger, which holds 63 bits, and is given a number that nothing bounds"
    )


def test_db001_is_silent_about_a_number_that_is_masked(tree: Tree) -> None:
    main(tree, f"{USING}def keep(n):\n    return Order(tile=(1 << n) & 0xFFFF)\n")
    assert list(DB001().check(statements(tree), [], tree.facts.source)) == []


BITS = Setting("curve_bits", 12, Location("src/shop/settings.py", 4))
DIMENSIONS = Setting("curve_dimensions", 8)
INDEX = "def index(settings, values):\n    return settings.curve_bits << settings.curve_dimensions\n"


@pytest.mark.parametrize(
    ("numbers", "text", "count"),
    [
        ([BITS, DIMENSIONS], INDEX, 1),
        ([BITS, replace(DIMENSIONS, name="curve_dims")], INDEX.replace("dimensions", "dims"), 1),
        ([replace(BITS, value=7), DIMENSIONS], INDEX, 0),
        ([BITS, DIMENSIONS], INDEX.replace("<<", "*"), 0),
        ([BITS, replace(DIMENSIONS, name="grid_dimensions")], INDEX.replace("curve_d", "grid_d"), 0),
    ],
)
def test_db001_multiplies_bits_by_dimensions_where_a_function_shifts(
    tree: Tree, numbers: Sequence[Setting], text: str, count: int
) -> None:
    main(tree, text)
    found = spots(DB001().check(statements(tree), numbers, tree.facts.source))
    assert found == [("DB001", "src/shop/settings.py", 4)] * count


# DB002

CONFIG = Config(Path(), authentication_tables=("logins",))


def test_db002_finds_a_reference_to_an_authentication_table() -> None:
    [finding] = DB002(users_table="users").check(CONFIG, [ORDERS, LOGINS], [], {})
    assert spots([finding]) == [("DB002", MODELS, 7)]
    assert (finding.subject, finding.hint) == ("orders.made_by", "refer to users")


def test_db002_is_silent_about_authentication_itself_and_about_users() -> None:
    links = replace(ORDERS, name="links")
    users = replace(ORDERS, references=(Reference(("made_by",), "users"),))
    config = replace(CONFIG, authentication_tables=("logins", "links"))
    assert list(DB002().check(config, [links, users, LOGINS], [], {})) == []


@pytest.mark.parametrize("name", ["tokens", "auth.tokens"])
def test_db002_knows_a_table_in_a_schema_by_either_name(name: str) -> None:
    orders = replace(ORDERS, references=(Reference(("made_by",), "auth.tokens", Location(MODELS, 7)),))
    config = replace(CONFIG, authentication_tables=(name,))
    assert spots(DB002().check(config, [orders, Table("tokens", "auth")], [], {})) == [("DB002", MODELS, 7)]


def test_db002_finds_a_declared_table_that_is_not_there_unless_tables_may_be_missing() -> None:
    [finding] = DB002().check(CONFIG, [], [], {})
    assert (finding.location, finding.subject) == (Location("pyproject.toml"), "logins")
    assert list(DB002().check(CONFIG, [], [], {"tables": "the application cannot be imported"})) == []


def test_db002_does_not_apply_without_authentication_tables() -> None:
    with pytest.raises(DoesNotApply, match="authentication-tables"):
        list(DB002().check(replace(CONFIG, authentication_tables=()), [ORDERS], [], {}))


MADE = 'op.create_foreign_key("fk_made", "orders", "logins", ["made_by"], ["id"])'
BATCH = "with op.batch_alter_table('orders') as batch:\n    "
LATER = {
    "nothing": ("pass", True),
    "its constraint goes": ('op.drop_constraint("fk_made", "orders")', False),
    "its constraint goes in a batch": (BATCH + 'batch.drop_constraint("fk_made")', False),
    "its constraint goes by SQL": ('op.execute("ALTER TABLE orders DROP CONSTRAINT IF EXISTS fk_made")', False),
    "its column goes": ('op.drop_column("orders", "made_by")', False),
    "its table goes": ('op.drop_table("orders")', False),
    "the logins go": ('op.drop_table("logins")', False),
    "another constraint goes": ('op.drop_constraint("fk_other", "orders")', True),
    "a constraint of another table goes": ('op.drop_constraint("fk_made", "lines")', True),
    "another column goes": ('op.drop_column("orders", "note")', True),
}


def migration(revision: str, parent: object = None, more: str = "") -> str:
    return f"revision = {revision!r}\ndown_revision = {parent!r}\n{more}\n"


@pytest.mark.parametrize(("later", "stays"), LATER.values(), ids=LATER)
def test_db002_finds_a_reference_of_a_migration_until_a_later_one_drops_it(tree: Tree, later: str, stays: bool) -> None:
    body = "from alembic import op\n\ndef upgrade():\n{}\n\ndef downgrade():\n" + f"    {MADE}\n"
    tree.settings('authentication-tables = ["logins"]').write(
        {
            # By the names of the files the later one would come first.
            "migrations/versions/a.py": migration("a", "b", body.format(textwrap.indent(later, "    "))),
            "migrations/versions/b.py": migration("b", None, body.format(f"    {MADE}")),
        }
    )
    findings = list(DB002().check(CONFIG, [LOGINS], tree.facts.migrated, {}))
    line = tree.line("migrations/versions/b.py", "op.create")
    assert spots(findings) == [("DB002", "migrations/versions/b.py", line)] * stays
    assert all(each.subject == "orders.made_by" for each in findings)


# DB003


def test_db003_finds_a_connection_under_any_name(tree: Tree) -> None:
    main(tree, "import sqlite3 as s\nfrom sqlalchemy import create_engine as make\n\ns.connect('x')\nmake('x')\n")
    found = spots(DB003().check(tree.facts.source))
    assert found == [("DB003", MAIN, 4), ("DB003", MAIN, 5)]


def test_db003_is_silent_about_the_module_that_makes_engines(tree: Tree) -> None:
    main(tree, "import sqlite3\nfrom sqlalchemy import create_engine\n\ncreate_engine('x')\nsqlite3.Row\n")
    assert list(DB003(engines=("shop.main",)).check(tree.facts.source)) == []


# DB004


def test_db004_finds_a_target_that_is_no_unique_key(tree: Tree) -> None:
    main(tree, f"{USING}insert(Order).on_conflict_do_nothing(index_elements=['made_by'])\n")
    [finding] = DB004().check([ORDERS], statements(tree))
    assert spots([finding]) == [("DB004", MAIN, 4)]
    assert finding.message == "the conflict target (made_by) is no unique key of orders, which has (id)"


@pytest.mark.parametrize("target", ["index_elements=['id']", "constraint='orders_pkey'", "index_elements=computed"])
def test_db004_is_silent_about_a_key_and_what_is_computed(tree: Tree, target: str) -> None:
    main(tree, f"{USING}def keep(computed):\n    insert(Order).on_conflict_do_nothing({target})\n")
    assert list(DB004().check([ORDERS], statements(tree))) == []


def test_db004_lets_a_migration_name_a_key_of_its_time(tree: Tree) -> None:
    sql = "INSERT INTO orders (id) VALUES (1) ON CONFLICT (made_by) DO NOTHING"
    text = f"from alembic import op\nimport sqlalchemy as sa\n\ndef upgrade():\n    op.execute({sql!r})\n"
    main(tree, "").write({"migrations/versions/a.py": text})
    assert spots(DB004().check([ORDERS], statements(tree))) == [("DB004", "migrations/versions/a.py", 5)]
    tree.write(
        {"migrations/versions/b.py": "from alembic import op\nop.create_unique_constraint('x', 'orders', ['made_by'])"}
    )
    assert list(DB004().check([ORDERS], statements(tree))) == []


def test_db004_does_not_apply_without_tables(tree: Tree) -> None:
    with pytest.raises(DoesNotApply):
        list(DB004().check([], statements(tree)))


# DB005


def test_db005_finds_a_reference_whose_columns_lead_no_index() -> None:
    composite = replace(ORDERS, references=(Reference(("x", "y"), "lines", Location(MODELS, 9)),))
    for keys in ((("id",),), (("x", "z", "y"),), (("z", "x", "y"),), (("x",),)):
        [finding] = DB005().check([replace(composite, keys=keys)])
        assert spots([finding]) == [("DB005", MODELS, 9)]
        assert finding.subject == "orders.x,y"


def test_db005_is_silent_about_columns_that_lead_in_any_order() -> None:
    composite = replace(ORDERS, references=(Reference(("x", "y"), "lines"),))
    for keys in ((("x", "y"),), (("id",), ("y", "x", "z"))):
        assert list(DB005().check([replace(composite, keys=keys)])) == []


# DB007


def test_db007_finds_a_transaction_that_is_ended_by_hand(tree: Tree) -> None:
    main(tree, "from sqlalchemy.orm import Session\n\ndef f(s: Session):\n    s.commit()\n")
    [finding] = DB007(commits=("shop.core",)).check(tree.facts.sessions)
    assert spots([finding]) == [("DB007", MAIN, 4)]
    assert finding.subject == "s.commit"


def test_db007_is_silent_in_the_modules_that_commit_and_about_savepoints(tree: Tree) -> None:
    main(tree, "def f(session, consumer):\n    session.begin_nested().commit()\n    consumer.commit()\n")
    tree.write({"src/shop/core.py": "def f(session):\n    session.commit()\n"})
    assert list(DB007(commits=("shop.core",)).check(tree.facts.sessions)) == []


def test_db007_does_not_apply_without_modules_that_commit(tree: Tree) -> None:
    with pytest.raises(DoesNotApply, match="no `commits`"):
        list(DB007().check(tree.facts.sessions))


# DB008

MERGED = {
    "a": migration("a"),
    "b": migration("b", "a"),
    "c": migration("c", "a", "depends_on = 'b'"),
    "d": migration("d", ("b", "c"), "branch_labels = ['main']"),
    "e": "revision: str = 'e'\ndown_revision: str | None = 'd'\ndepends_on: str | None = 'main'\n",
    "__init__": "",
    ".#f": "",
}

LINES = {
    "two heads": ({"a": migration("a"), "b": migration("b", "a"), "c": migration("c", "a")}, "c", 2, "2 heads: b "),
    "three heads": (
        {"a": migration("a"), "b": migration("b", "a"), "c": migration("c", "a"), "d": migration("d", "a")},
        "d",
        2,
        "3 heads",
    ),
    "a parent that is not there": (
        {"a": migration("a"), "b": migration("b", "aa"), "c": migration("c", "b")},
        "b",
        2,
        "b follows aa, which does not exist",
    ),
    "one of two parents": (
        {"a": migration("a"), "b": migration("b", ("a", "x"))},
        "b",
        2,
        "b follows x, which does not exist",
    ),
    "annotated": (
        {"a": migration("a"), "b": "revision: str = 'b'\n\ndown_revision: str | None = 'x'\n"},
        "b",
        3,
        "b follows x",
    ),
    "a dependency": ({"a": migration("a", None, "depends_on = ('x',)")}, "a", 2, "a follows x"),
    "two bases": ({"a": migration("a"), "b": migration("b"), "c": migration("c", ("a", "b"))}, "b", 2, "2 bases"),
    "a circle": (
        {"a": migration("a"), "b": migration("b", "c"), "c": migration("c", "b")},
        "b",
        2,
        "b, c follow each other in a circle",
    ),
    "nothing but a circle": (
        {"a": migration("a", "b"), "b": migration("b", "a")},
        "a",
        2,
        "a, b follow each other in a circle",
    ),
    "computed": ({"a": "import uuid\nrevision = str(uuid.uuid4())\ndown_revision = None\n"}, "a", 3, "`revision`"),
    "no identifier": ({"a": migration("a"), "b": "down_revision = 'a'\n"}, "b", 1, "`revision`"),
    "no parent": ({"a": "revision = 'a'\n"}, "a", 1, "`down_revision`"),
    "a file that does not compile": ({"a": migration("a"), "b": "revision = = 'b'"}, "b", None, "does not compile"),
}


def judge_migrations(
    tree: Tree, files: Mapping[str, str], tables: Sequence[Table] | None = None, doubts: Mapping[str, str] | None = None
) -> list[Finding]:
    tree.write({f"migrations/versions/{name}.py": text for name, text in files.items()})
    return list(DB008().check(tree.facts.config, tree.facts.source, doubts or {}, tables))


@pytest.mark.parametrize(("files", "file", "line", "message"), LINES.values(), ids=LINES)
def test_db008_finds_migrations_that_are_not_one_line(
    tree: Tree, files: dict[str, str], file: str, line: int | None, message: str
) -> None:
    [finding] = judge_migrations(tree, files)
    assert (finding.location.file, finding.location.line) == (f"migrations/versions/{file}.py", line)
    assert message in finding.message


def test_db008_finds_an_identifier_twice_at_both(tree: Tree) -> None:
    findings = judge_migrations(tree, {"0001": migration("0001"), "copy": migration("0001")})
    assert [each.location.file for each in findings] == ["migrations/versions/0001.py", "migrations/versions/copy.py"]
    assert all("0001 is there 2 times" in each.message for each in findings)


def test_db008_is_silent_about_branches_that_are_merged(tree: Tree) -> None:
    assert judge_migrations(tree, MERGED) == []


def test_db008_finds_tables_without_migrations(tree: Tree) -> None:
    [finding] = judge_migrations(tree, {}, [ORDERS, LOGINS])
    assert (finding.location.file, finding.message) == (
        "migrations/versions",
        "there are 2 tables and no migration in migrations/versions",
    )


@pytest.mark.parametrize("tables", [None, []])
def test_db008_does_not_apply_without_tables_and_migrations(tree: Tree, tables: Sequence[Table] | None) -> None:
    with pytest.raises(DoesNotApply, match="neither tables nor migrations"):
        judge_migrations(tree, {}, tables)


MODEL = 'class Forgotten(Model):\n    __tablename__ = "forgotten"\n'
UNSEEN = {
    "a class": MODEL,
    "annotated": MODEL.replace("__ =", "__: str ="),
    "by a decorator": "@registry.mapped\n" + MODEL.replace("(Model)", ""),
    "under a condition": "if True:\n" + textwrap.indent(MODEL, "    "),
}


@pytest.mark.parametrize("model", UNSEEN.values(), ids=UNSEEN)
def test_db008_finds_a_model_that_the_application_does_not_import(tree: Tree, model: str) -> None:
    main(tree, model)
    seen_late = Table("forgotten", by_application=False)
    [finding] = judge_migrations(tree, {"a": migration("a")}, [ORDERS, seen_late])
    assert (finding.subject, finding.location) == ("forgotten", Location(MAIN, tree.line(MAIN, "class Forgotten")))
    assert judge_migrations(tree, {}, [replace(seen_late, by_application=True)]) == []
    assert judge_migrations(tree, {}, [seen_late], {"tables": "the application cannot be imported"}) == []


def test_db008_is_silent_about_classes_that_make_no_table(tree: Tree) -> None:
    main(
        tree,
        """
        class Named:
            __tablename__ = "mixin"

        class Abstract(Model):
            __abstract__ = True
            __tablename__ = "abstract"

        class Computed(Model):
            @declared_attr.directive
            def __tablename__(cls): return "computed_" + cls.__name__

        def make(name):
            class Made(Model):
                __tablename__ = "made"
            return Made
        """,
    )
    assert judge_migrations(tree, {"a": migration("a")}, [ORDERS]) == []


# DB009

LATE = """
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))
app = FastAPI()

def get_db():
    with SessionLocal{begin} as db:
        yield db

@app.get("/")
def orders(db: Session = Depends(get_db{scope})):
    return []
"""


@pytest.mark.parametrize(
    ("begin", "scope", "count"),
    [(".begin()", "", 1), ("()", "", 0), (".begin()", ', scope="function"', 0), (".begin()", ', scope="request"', 1)],
)
def test_db009_finds_a_dependency_that_commits_after_the_response(
    tree: Tree, begin: str, scope: str, count: int
) -> None:
    main(tree, LATE.format(begin=begin, scope=scope))
    found = spots(DB009().check(tree.facts.source, tree.facts.sessions))
    assert found == [("DB009", MAIN, tree.line(MAIN, "Depends(get_db"))] * count


def test_db009_finds_one_that_a_route_has_by_another_way_at_the_function(tree: Tree) -> None:
    main(tree, LATE.format(begin=".begin()", scope="").replace("= Depends(get_db)", "= None"))
    line = tree.line(MAIN, "def get_db")
    late = [Dependency("get_db", Location(MAIN, line))]
    assert spots(DB009().check(tree.facts.source, tree.facts.sessions, late)) == [("DB009", MAIN, line)]
    assert list(DB009().check(tree.facts.source, tree.facts.sessions, [])) == []


# DB010


def test_db010_finds_tables_that_are_made_by_hand(tree: Tree) -> None:
    main(tree, "from .models import Model\n\ndef start(engine):\n    Model.metadata.create_all(engine)\n")
    assert spots(DB010().check(tree.facts.sessions)) == [("DB010", MAIN, 4)]


def test_db010_is_silent_about_temporary_tables_and_other_things(tree: Tree) -> None:
    main(tree, "def start(db, widgets):\n    widgets.create_all()\n    db.execute('CREATE TEMP TABLE x (id int)')\n")
    assert list(DB010().check(tree.facts.sessions)) == []


# DB011


def test_db011_finds_each_attribute_that_queries_when_it_is_read() -> None:
    [finding] = DB011().check([Loading("Order.user", "lazy='select'", Location(MODELS, 12))])
    assert spots([finding]) == [("DB011", MODELS, 12)]
    assert finding.message.startswith("Order.user (lazy='select') asks the database")
    assert list(DB011().check([])) == []


# DB012

HOLDS = """
import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from fastapi import APIRouter

router = APIRouter()

@router.get("/")
async def orders(session: AsyncSession):
    {first}
    {second}
"""
QUERY = "await session.execute(text('SELECT 1'))"
ASKS = "httpx.get('https://example.org')"


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [(QUERY, ASKS, 1), (ASKS, QUERY, 0), (f"{QUERY}; await session.commit()", ASKS, 0), ("pass", ASKS, 0)],
)
def test_db012_finds_a_wait_between_the_first_statement_and_the_end(
    tree: Tree, first: str, second: str, count: int
) -> None:
    main(tree, HOLDS.format(first=first, second=second))
    facts = tree.facts
    found = spots(DB012().check(facts.source, facts.held_connections))
    assert found == [("DB012", MAIN, tree.line(MAIN, ASKS))] * count


WAITS = {
    "inside of a connection": ("with engine.connect():\n        time.sleep(1)", 1),
    "after a connection": ("with engine.connect():\n        pass\n    time.sleep(1)", 0),
    "inside of a session's block": ("with Session() as s:\n        s.get(Order, 1)\n        time.sleep(1)", 1),
    "after a session's block": ("with Session() as s:\n        s.get(Order, 1)\n    time.sleep(1)", 0),
    "on one of two ways": ("s = Session()\n    if n:\n        s.flush()\n    time.sleep(1)", 1),
    "after a release on each way": (
        "s = Session()\n    try:\n        s.flush()\n    finally:\n        s.close()\n    time.sleep(1)",
        0,
    ),
    "in the next round of a loop": ("s = Session()\n    for each in n:\n        time.sleep(1)\n        s.flush()", 1),
    "not at all": ("s = Session()\n    s.flush()\n    time.sleep(0)", 0),
    "in a stream": (
        "s = Session()\n    def rows():\n        yield s.scalars(text('x'))\n    return StreamingResponse(rows())",
        1,
    ),
}


@pytest.mark.parametrize(("body", "count"), WAITS.values(), ids=WAITS)
def test_db012_follows_the_ways_through_a_function(tree: Tree, body: str, count: int) -> None:
    head = (
        "import time\nfrom fastapi import APIRouter\nfrom fastapi.responses import StreamingResponse\n"
        "from sqlalchemy import create_engine, text\nfrom sqlalchemy.orm import Session\nfrom .models import Order\n"
        "engine = create_engine('')\nrouter = APIRouter()\n\n"
    )
    main(tree, f"{head}@router.get('/')\ndef handler(n):\n    {body}\n")
    facts = tree.facts
    found = spots(DB012().check(facts.source, facts.held_connections))
    line = tree.line(MAIN, "yield" if "yield" in body else "time.sleep")
    assert found == [("DB012", MAIN, line)] * count


def test_db012_follows_any_number_of_calls_and_circles(tree: Tree) -> None:
    chain = [f"def f{number}():\n    f{number + 1}()\n" for number in range(9)]
    text = HOLDS.format(first=QUERY, second="f0()") + "".join(chain) + f"def f9():\n    {ASKS}\n    f0()\n"
    main(tree, text)
    facts = tree.facts
    [finding] = DB012().check(facts.source, facts.held_connections)
    assert finding.location == Location(MAIN, tree.line(MAIN, "    f0()"))
    assert "is kept until f0() (" in finding.message


def test_db012_does_not_apply_without_a_library_that_pools(tree: Tree) -> None:
    main(tree, "import httpx\n")
    with pytest.raises(DoesNotApply, match="pool"):
        list(DB012().check(tree.facts.source, tree.facts.held_connections))
