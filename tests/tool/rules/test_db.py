"""DB002, DB005 and DB008: who is referred to, by which index, made by which migration."""

from __future__ import annotations

import textwrap

import pytest

from ._project import DATABASE, MAIN, Project, migration

ORDER = """
class Order(Model):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.mark.parametrize(
    ("more", "subject"),
    [
        (f'{ORDER}    made_by: Mapped[int] = mapped_column(ForeignKey("logins.id"))\n', "orders.made_by"),
        (f"{ORDER}    made_by: Mapped[int] = mapped_column(ForeignKey(Login.id))\n", "orders.made_by"),
        (f'{ORDER}    made_by = Column("creator", ForeignKey(Login.__table__.c.id))\n', "orders.creator"),
        (
            f"{ORDER}    made_by: Mapped[int]\n"
            '    __table_args__ = (ForeignKeyConstraint(["made_by"], ["logins.id"], use_alter=True, name="x"),)\n',
            "orders.made_by",
        ),
        (
            "class Made:\n    made_by: Mapped[int] = mapped_column(ForeignKey('logins.id'))\n"
            + ORDER.replace("(Model)", "(Made, Model)"),
            "orders.made_by",
        ),
        (
            'Table("orders", Model.metadata, Column("made_by", ForeignKey("logins.id"), primary_key=True))',
            "orders.made_by",
        ),
    ],
)
def test_a_reference_to_a_login_is_told(project: Project, more: str, subject: str) -> None:
    [finding] = project.models(more).findings("DB002")
    assert finding.subject == subject
    assert f"{subject} refers to logins" in finding.message
    assert "refer to users" in finding.message
    if "class Order" in more:
        exact = "    made_by" in more and subject == "orders.made_by" and "class Made" not in more
        expected = project.line("src/shop/models.py", "    made_by" if exact else "class Order")
        assert (finding.file, finding.line) == ("src/shop/models.py", expected)


def test_references_of_authentication_itself_and_to_users_are_quiet(project: Project) -> None:
    project.models(
        f"""{ORDER}
    made_by: Mapped[int] = mapped_column(ForeignKey("users.id"))

class MagicLink(Model):
    __tablename__ = "magic_links"
    id: Mapped[int] = mapped_column(ForeignKey("logins.id"), primary_key=True)

class LoginsOfElsewhere(Model):
    __tablename__ = "other_logins"
    id: Mapped[int] = mapped_column(primary_key=True)

class Visit(Model):
    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(ForeignKey("other_logins.id"), primary_key=True)
"""
    )
    project.write({"pyproject.toml": DATABASE.replace('["logins"]', '["logins", "magic_links"]')})
    assert project.findings("DB002") == []


def test_tables_in_a_schema_are_known_by_either_name(project: Project) -> None:
    project.models(
        """
        class Token(Model):
            __tablename__ = "tokens"
            __table_args__ = {"schema": "auth"}
            id: Mapped[int] = mapped_column(primary_key=True)

        class Order(Model):
            __tablename__ = "orders"
            id: Mapped[int] = mapped_column(ForeignKey("auth.tokens.id"), primary_key=True)
        """
    )
    for name in ("tokens", "auth.tokens"):
        project.write({"pyproject.toml": DATABASE.replace('["logins"]', f'["{name}"]')})
        assert [finding.subject for finding in project.findings("DB002")] == ["orders.id"]


def test_renaming_the_authentication_table_does_not_end_the_watch(project: Project) -> None:
    project.models("").write({"pyproject.toml": DATABASE.replace('["logins"]', '["logins", "passkeys"]')})
    [finding] = project.findings("DB002")
    assert (finding.file, finding.subject) == ("pyproject.toml", "passkeys")


def test_without_authentication_tables_it_does_not_apply(project: Project) -> None:
    project.models("").write({"pyproject.toml": DATABASE.replace("authentication-tables", "# ")})
    report = project.run("DB002")
    assert [(each.code, each.reason) for each in report.not_applicable] == [
        ("DB002", "no `authentication-tables` in [tool.hardening]")
    ]


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


@pytest.mark.parametrize(("later", "told"), LATER.values(), ids=LATER)
def test_a_reference_that_a_migration_makes_is_told_until_a_later_one_takes_it_away(
    project: Project, later: str, told: bool
) -> None:
    body = "from alembic import op\n\ndef upgrade():\n{}\n\ndef downgrade():\n" + f"    {MADE}\n"
    project.models("").write(
        {
            # By the names of the files the later one would come first.
            "migrations/versions/a.py": migration("a", "b", body.format(textwrap.indent(later, "    "))),
            "migrations/versions/b.py": migration("b", "0001", body.format(f"    {MADE}")),
        }
    )
    expected = [("migrations/versions/b.py", project.line("migrations/versions/b.py", "op.create"))] if told else []
    findings = project.findings("DB002")
    assert [(each.file, each.line) for each in findings] == expected
    assert all(each.subject == "orders.made_by" for each in findings)


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
SIMPLE = (
    ORDER
    + """    x: Mapped[int] = mapped_column(ForeignKey("users.id"){option})
    y: Mapped[int]
    {more}
"""
)


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
def test_a_reference_without_an_index_is_told(project: Project, option: str, more: str) -> None:
    [finding] = project.models(SIMPLE.format(option=option, more=more)).findings("DB005")
    assert finding.subject == "orders.x"
    assert (finding.file, finding.line) == ("src/shop/models.py", project.line("src/shop/models.py", "    x: "))
    assert "orders.x refers to users and no index begins with it" in finding.message


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
def test_a_reference_with_an_index_is_quiet(project: Project, option: str, more: str) -> None:
    source = (
        SIMPLE.replace("    id: Mapped[int] = mapped_column(primary_key=True)\n", "") if "primary" in option else SIMPLE
    )
    assert project.models(source.format(option=option, more=more)).findings("DB005") == []


@pytest.mark.parametrize(
    ("index", "told"),
    [
        ("", True),
        ('Index("i", "x")', True),
        ('Index("i", "x", "z", "y")', True),
        ('Index("i", "z", "x", "y")', True),
        ('Index("i", "x", "y")', False),
        ('Index("i", "y", "x", "z")', False),
        ('UniqueConstraint("y", "x")', False),
    ],
)
def test_all_the_columns_of_a_reference_lead(project: Project, index: str, told: bool) -> None:
    findings = project.models(COMPOSITE.replace("{index}", index)).findings("DB005")
    assert [finding.subject for finding in findings] == (["orders.x,y"] if told else [])


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


@pytest.mark.parametrize(("files", "file", "line", "message"), LINES.values(), ids=LINES)
def test_migrations_that_are_not_one_line(
    project: Project, files: dict[str, str], file: str, line: int | None, message: str
) -> None:
    project.models("").write({"migrations/versions/0001.py": None})
    project.write({f"migrations/versions/{name}.py": text for name, text in files.items()})
    [finding] = project.findings("DB008")
    assert (finding.file, finding.line) == (f"migrations/versions/{file}.py", line)
    assert message in finding.message


def test_an_identifier_twice_is_told_at_both(project: Project) -> None:
    project.models("").write({"migrations/versions/copy.py": migration("0001")})
    findings = project.findings("DB008")
    assert [finding.file for finding in findings] == ["migrations/versions/0001.py", "migrations/versions/copy.py"]
    assert all("0001 is there 2 times" in finding.message for finding in findings)


def test_branches_that_are_merged_are_quiet(project: Project) -> None:
    project.models("").write({"migrations/versions/0001.py": None})
    project.write({f"migrations/versions/{name}.py": text for name, text in MERGED.items()})
    assert project.findings("DB008") == []


def test_tables_without_migrations_are_told(project: Project) -> None:
    project.models("").write({"migrations/versions/0001.py": None})
    [finding] = project.findings("DB008")
    assert finding.file == "migrations/versions"
    assert "2 tables and no migration" in finding.message


def test_without_tables_or_migrations_it_does_not_apply(project: Project) -> None:
    report = project.run("DB008")
    assert [each.code for each in report.not_applicable] == ["DB008"]
    assert not report.could_not_look


UNSEEN = {
    "nobody imports its module": 'class Forgotten(Model):\n    __tablename__ = "forgotten"\n    id: Mapped[int]',
    "annotated": 'class Forgotten(Model):\n    __tablename__: str = "forgotten"\n    id: Mapped[int]',
    "by a decorator": '@registry.mapped\nclass Forgotten:\n    __tablename__ = "forgotten"\n',
    "where it cannot run": 'if True:\n    class Forgotten(Model):\n        __tablename__ = "forgotten"\n',
}


@pytest.mark.parametrize("source", UNSEEN.values(), ids=UNSEEN)
def test_a_model_that_no_migration_sees_is_told(project: Project, source: str) -> None:
    header = (
        "from sqlalchemy.orm import Mapped, mapped_column, registry\nfrom .models import Model\nregistry = registry()\n"
    )
    body = source.replace("id: Mapped[int]", "id: Mapped[int] = mapped_column(primary_key=True)")
    if "registry.mapped" in body:
        body += "    from sqlalchemy import Column, Integer\n    id = Column(Integer, primary_key=True)\n"
    if "if True" in body:
        body += "        id: Mapped[int] = mapped_column(primary_key=True)\n"
    project.models("").write({"src/shop/orphan.py": header + body + "\n"})
    # Every module is imported before the models are looked at; the application imports this one not.
    findings = project.findings("IM003", "DB008")
    [finding] = findings
    assert (finding.code, finding.subject) == ("DB008", "forgotten")
    assert (finding.file, finding.line) == ("src/shop/orphan.py", project.line("src/shop/orphan.py", "class Forgotten"))


def test_classes_that_make_no_table_are_quiet(project: Project) -> None:
    project.models(
        """
        class Named:
            __tablename__ = "mixin"

        class Abstract(Model):
            __abstract__ = True
            __tablename__ = "abstract"

        class Computed(Model):
            @declared_attr.directive
            def __tablename__(cls): return "computed_" + cls.__name__
            id: Mapped[int] = mapped_column(primary_key=True)

        def make(name):
            class Made(Model):
                __tablename__ = "made"
                id: Mapped[int] = mapped_column(primary_key=True)
            return Made

        class Order(Named, Model):
            __tablename__ = "orders"
            __table_args__ = {"schema": "sales"}
            id: Mapped[int] = mapped_column(primary_key=True)
        """
    )
    assert project.findings("DB008") == []


def test_a_metadata_that_is_not_there_is_no_answer(project: Project) -> None:
    for address, reason in (
        ("shop.models:Modle.metadata", "there is no Modle"),
        ("shop.modles:Model.metadata", "cannot be imported"),
        ("shop.models:Model", "not a sqlalchemy.MetaData"),
    ):
        project.models("").write({"pyproject.toml": DATABASE.replace("shop.models:Model.metadata", address)})
        report = project.run("DB005")
        assert not report.findings
        assert [each.code for each in report.could_not_look] == ["DB005"]
        assert reason in report.could_not_look[0].reason


def test_an_application_that_cannot_be_imported_leaves_a_doubt(project: Project) -> None:
    project.models(SIMPLE.format(option="", more="")).write({"src/shop/main.py": MAIN + "from . import models, gone\n"})
    report = project.run("DB")
    assert [finding.subject for finding in report.findings] == ["orders.x"]
    live = {"DB001", "DB002", "DB004", "DB005", "DB008", "DB009", "DB011"}
    assert {each.code for each in report.could_not_look} == live
    assert all("shop.main:app cannot be imported" in each.reason for each in report.could_not_look)
