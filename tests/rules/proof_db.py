"""Proofs of DB: databases."""

from __future__ import annotations

import textwrap

from ._proofs import back, disguise, hurried, look_alike, unprotected
from ._service import Service, Spot

# DB001: a number that is wider than its column

PLACE = """
from __future__ import annotations

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from ...core.database import BoundedInteger, Model, user_reference


class Place(Model):
    \"\"\"Where something was seen.\"\"\"

    __tablename__ = "places"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = user_reference()
    curve: Mapped[int] = mapped_column(BigInteger, default=0)
    check: Mapped[int] = mapped_column(Integer, default=0)
    kept: Mapped[int] = mapped_column(BoundedInteger(), default=0)
"""
CURVE = """
def interleave(features: list[int], bits: int = 12) -> int:
    \"\"\"One number of many: their bits by turns.\"\"\"
    index = 0
    for bit in range(bits):
        for feature in features:
            index = index << 1 | feature >> bit & 1
    return index
"""
PLACES = """
from __future__ import annotations

from pydantic import BaseModel

from ...core.http import CurrentUser, Router, Session
from .curve import interleave
from .models import Place

places = Router("/places", tags=["places"])


class Seen(BaseModel):
    \"\"\"What was measured.\"\"\"

    features: list[int]


class Kept(BaseModel):
    \"\"\"Where it is kept.\"\"\"

    id: int


@places.post("", status_code=201)
async def see(seen: Seen, session: Session, user: CurrentUser) -> Kept:
    \"\"\"Keep a place.\"\"\"
    row = Place(owner_id=user.user_id, {written})
    session.add(row)
    await session.flush()
    return Kept(id=row.id)
"""


def places(service: Service, written: str, **files: str) -> None:
    """A feature that keeps places, and what it writes of them."""
    service.feature("places", PLACES.replace("{written}", written), models=PLACE, **{"curve": CURVE, **files})


@back("DB001")
def a_curve_of_96_bits_goes_into_a_bigint(service: Service) -> Spot:
    places(service, "curve=interleave(seen.features)")
    return service.at("@/features/places/routes.py", "curve=interleave")


WIDTHS = """
class Settings(CoreSettings):
    curve_bits: int = 7
    curve_dimensions: int = 8
"""


@back("DB001", environment={"CURVE_BITS": "12"})
def twelve_bits_and_eight_dimensions_are_in_the_environment(service: Service) -> Spot:
    service.replace("@/settings.py", "class Settings(CoreSettings):\n", WIDTHS.lstrip("\n"))
    places(service, "kept=index_of(seen.features, CONFIG)")
    service.replace(
        "@/features/places/routes.py", "from .curve import interleave", "from .curve import CONFIG, index_of"
    )
    service.write(
        "@/features/places/curve.py",
        """
        from ...settings import Settings

        CONFIG = Settings.load()


        def index_of(features: list[int], settings: Settings) -> int:
            index = 0
            for feature in features[: settings.curve_dimensions]:
                index = index << settings.curve_bits | feature
            return index
        """,
    )
    return service.at("@/settings.py", "curve_bits")


@disguise("DB001")
def an_attribute_of_a_row_is_set_in_a_job(service: Service) -> Spot:
    places(service, "kept=1")
    service.write(
        "@/features/places/moving.py",
        """
        from functools import reduce

        from sqlalchemy import select
        from sqlalchemy.ext.asyncio import AsyncSession

        from . import models


        def packed(features: list[int]) -> int:
            return reduce(lambda whole, feature: whole << 12 | feature, features)


        async def move(session: AsyncSession, place_id: int, features: list[int]) -> None:
            row = await session.scalar(select(models.Place).where(models.Place.id == place_id))
            if row is not None:
                row.curve = packed(features)
        """,
    )
    return service.at("@/features/places/moving.py", "row.curve =")


@disguise("DB001")
def the_values_of_a_statement_hold_a_digest(service: Service) -> tuple[Spot, Spot]:
    places(service, "kept=1")
    service.write(
        "@/features/places/digests.py",
        """
        import hashlib as h
        import zlib

        import sqlalchemy as sa
        from sqlalchemy.ext.asyncio import AsyncSession

        from .models import Place as P

        number = int.from_bytes


        async def digest(session: AsyncSession, place_id: int, content: bytes) -> None:
            changed = {"curve": int(h.sha256(content).hexdigest(), 16)}
            await session.execute(sa.update(P).where(P.id == place_id).values(changed))
            await session.execute(sa.update(P), [{"id": place_id, "check": zlib.crc32(content)}])
        """,
    )
    file = "@/features/places/digests.py"
    return service.at(file, "changed = {"), service.at(file, "zlib.crc32(content)")


@disguise("DB001")
def a_uuid_is_upserted_as_a_number(service: Service) -> Spot:
    places(service, "kept=1")
    service.write(
        "@/features/places/keys.py",
        """
        from uuid import uuid4 as fresh

        from ...core.database import upsert
        from ...core.jobs import Run
        from .models import Place


        async def keep(run: Run) -> None:
            made = fresh().int
            await upsert(run.session, Place, {"id": 1, "owner_id": run.owner_id, "curve": made})
        """,
    )
    return service.at("@/features/places/keys.py", '"curve": made')


@hurried("DB001")
def an_import_of_readings(service: Service) -> tuple[Spot, Spot, Spot]:
    service.feature(
        "readings",
        """
        from __future__ import annotations

        import csv
        import io
        import time

        from pydantic import BaseModel

        from ...core.http import CurrentUser, Prose, Router, Session
        from .models import Reading

        readings = Router("/readings", tags=["readings"])


        class Upload(BaseModel):
            content: Prose


        class Taken(BaseModel):
            rows: int


        @readings.post("", status_code=201)
        async def upload(body: Upload, session: Session, user: CurrentUser) -> Taken:
            rows = list(csv.DictReader(io.StringIO(body.content)))
            for row in rows:
                reading = Reading(
                    owner_id=user.user_id,
                    meter=int(row["meter"]),
                    taken_ms=int(time.time() * 1000),
                )
                reading.raw = sum(int(digit) << (4 * position) for position, digit in enumerate(row["raw"]))
                session.add(reading)
            return Taken(rows=len(rows))
        """,
        models="""
        from sqlalchemy import BigInteger, Integer
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model, user_reference


        class Reading(Model):
            __tablename__ = "readings"

            id: Mapped[int] = mapped_column(primary_key=True)
            owner_id: Mapped[int] = user_reference()
            meter: Mapped[int] = mapped_column(BigInteger)
            taken_ms: Mapped[int] = mapped_column(Integer)
            raw: Mapped[int] = mapped_column(BigInteger, default=0)
        """,
    )
    file = "@/features/readings/routes.py"
    return service.at(file, "meter=int"), service.at(file, "taken_ms=int"), service.at(file, "reading.raw =")


@look_alike("DB001")
def numbers_that_are_masked_checked_counted_or_bounded_by_their_type(service: Service) -> None:
    places(service, "kept=interleave(seen.features), curve=interleave(seen.features) & LOW")
    service.replace("@/features/places/routes.py", "places = Router(", "LOW = 2**63 - 1\nplaces = Router(")
    service.write(
        "@/features/places/more.py",
        """
        import time
        import zlib
        from dataclasses import dataclass

        from ...core.database import fold
        from .curve import interleave
        from .models import Place

        MOST = 2**31 - 1


        @dataclass
        class Frame:
            curve: int = 0


        def narrow(row: Place, features: list[int], done: int, total: int, content: bytes) -> Place:
            index = interleave(features)
            if index > MOST:
                raise ValueError("too wide")
            row.check = index
            folded = interleave(features)
            folded = fold(folded)
            row.curve = folded
            row.curve = time.time_ns()
            row.curve = hash(content)
            row.check = int(done / total * 100) + len(features)
            row.check += 1
            row.check = min(index << 4, 1000)
            row.check = zlib.crc32(content) % 1000
            row.curve = int.from_bytes(content[:7])
            return row


        def other(frame: Frame) -> Frame:
            frame.curve = interleave([1])
            return Frame(curve=frame.curve << 12)
        """,
    )


@look_alike("DB001")
def a_validator_of_the_class_looks_at_the_number(service: Service) -> None:
    places(service, "curve=interleave(seen.features)")
    service.replace(
        "@/features/places/models.py",
        "    kept: ",
        """
    @validates("curve")
    def fits(self, key: str, value: int) -> int:
        if not 0 <= value < 2**63:
            raise ValueError(f"{value} does not fit {key}")
        return value

    kept: """,
    )
    service.replace(
        "@/features/places/models.py", "import Mapped, mapped_column", "import Mapped, mapped_column, validates"
    )


@look_alike("DB001", environment={"VECTOR_BITS": "8", "VECTOR_DIMENSIONS": "768"})
def vectors_of_many_bits_are_no_numbers(service: Service) -> None:
    service.replace("@/settings.py", "class Settings(CoreSettings):\n", WIDTHS.lstrip("\n").replace("curve", "vector"))
    service.append(
        "@/features/inbox/refining.py",
        """

        def size(settings: object) -> int:
            return settings.vector_bits * settings.vector_dimensions // 8  # type: ignore[attr-defined]
        """,
    )


@look_alike("DB001")
def a_product_that_fits(service: Service) -> None:
    twelve_bits_and_eight_dimensions_are_in_the_environment(service)


@unprotected("DB001", "tests/test_database.py")
def a_bounded_integer_looks_at_nothing(service: Service) -> None:
    service.replace(
        "@/core/database/_integers.py",
        "if value is not None and not self.minimum <= value <= self.maximum:",
        "if value is not None and not self.minimum <= self.maximum:",
    )


# DB002: a reference to how somebody logs in


@back("DB002")
def a_capture_was_made_by_a_login(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/models.py",
        "    source: Mapped[str]",
        '    made_by: Mapped[int | None] = mapped_column(ForeignKey("sessions.id"), index=True)\n    source: Mapped[str]',
    )
    return service.at("@/features/inbox/models.py", "made_by")


def migration(service: Service, body: str, revision: str = "0003", parent: str = "0002") -> str:
    """A further migration; gives its name."""
    name = f"migrations/versions/{revision}_more.py"
    head = f'"""More."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{revision}"\ndown_revision = "{parent}"\n\n\n'
    service.write(name, head + textwrap.dedent(body))
    return name


@back("DB002")
def only_a_migration_lets_captures_refer_to_a_login(service: Service) -> Spot:
    name = migration(
        service,
        """
        def upgrade() -> None:
            op.add_column("captures", sa.Column("made_by", sa.BigInteger()))
            op.create_foreign_key("fk_captures_made_by", "captures", "credentials", ["made_by"], ["user_id"])


        def downgrade() -> None:
            op.drop_constraint("fk_captures_made_by", "captures")
        """,
    )
    return service.at(name, "op.create_foreign_key")


@disguise("DB002")
def by_the_column_of_another_class_under_another_attribute(service: Service) -> Spot:
    service.append(
        "@/features/inbox/models.py",
        """

        from ..accounts.models import ApiKey as K


        class Note(Model):
            __tablename__ = "notes"
            __table_args__ = (ForeignKeyConstraint(["creator"], [K.id], name="fk_notes_creator"),)

            id: Mapped[int] = mapped_column(primary_key=True)
            author: Mapped[int] = mapped_column("creator", BoundedInteger(), index=True)
        """,
    )
    service.replace(
        "@/features/inbox/models.py", "import Float, ForeignKey,", "import Float, ForeignKey, ForeignKeyConstraint,"
    )
    return service.at("@/features/inbox/models.py", "class Note")


@disguise("DB002")
def by_a_mixin_of_another_file(service: Service) -> Spot:
    service.write(
        "@/features/inbox/made.py",
        """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, declared_attr, mapped_column


        class Made:
            @declared_attr
            def made_by(cls) -> Mapped[int | None]:
                return mapped_column(ForeignKey("api_keys.id", ondelete="SET NULL"), index=True)
        """,
    )
    service.replace("@/features/inbox/models.py", "class Capture(Model):", "class Capture(Made, Model):")
    service.replace("@/features/inbox/models.py", "\nMOST_ITEMS", "from .made import Made\n\nMOST_ITEMS")
    return service.at("@/features/inbox/models.py", "class Capture")


@disguise("DB002")
def by_a_batch_of_a_migration(service: Service) -> Spot:
    name = migration(
        service,
        """
        AUTH = "sessions"


        def upgrade() -> None:
            with op.batch_alter_table("captures") as batch:
                batch.add_column(sa.Column("made_by", sa.BigInteger()))
            with op.batch_alter_table("inbox_items") as batch:
                batch.create_foreign_key(None, AUTH, ["owner_id"], ["id"])
        """,
    )
    return service.at(name, "batch.create_foreign_key")


@disguise("DB002")
def by_a_column_and_by_sql_of_a_migration(service: Service) -> tuple[Spot, Spot]:
    name = migration(
        service,
        """
        from sqlalchemy import ForeignKey as FK


        def upgrade() -> None:
            op.create_table(
                "notes",
                sa.Column("id", sa.BigInteger(), primary_key=True),
                sa.Column("made_by", sa.BigInteger(), FK("sessions.id"), index=True),
            )
            op.execute("ALTER TABLE captures ADD CONSTRAINT fk_made FOREIGN KEY (made_by) REFERENCES public.api_keys (id)")
        """,
    )
    return service.at(name, 'FK("sessions.id")'), service.at(name, "op.execute")


@hurried("DB002")
def a_feature_that_audits_with_its_migration(service: Service) -> tuple[Spot, Spot]:
    service.feature(
        "audit",
        """
        from ...core.http import CurrentUser, Router, Session
        from .models import AuditEntry

        audit = Router("/audit", tags=["audit"])


        @audit.post("", status_code=204)
        async def note(text: str, session: Session, user: CurrentUser) -> None:
            session.add(AuditEntry(text=text, session_id=user.user_id))
        """,
        models="""
        from sqlalchemy import ForeignKey, String
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model


        class AuditEntry(Model):
            __tablename__ = "audit_entries"

            id: Mapped[int] = mapped_column(primary_key=True)
            text: Mapped[str] = mapped_column(String(200))
            session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
        """,
    )
    name = migration(
        service,
        """
        def upgrade() -> None:
            op.create_table(
                "audit_entries",
                sa.Column("id", sa.BigInteger(), nullable=False),
                sa.Column("text", sa.String(200), nullable=False),
                sa.Column("session_id", sa.BigInteger(), nullable=False),
                sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], ondelete="CASCADE"),
                sa.PrimaryKeyConstraint("id"),
            )
            op.create_index("ix_audit_entries_session_id", "audit_entries", ["session_id"])


        def downgrade() -> None:
            op.drop_table("audit_entries")
        """,
    )
    return service.at("@/features/audit/models.py", "session_id:"), service.at(name, "sa.ForeignKeyConstraint")


@look_alike("DB002")
def authentications_own_tables_and_what_a_later_migration_puts_right(service: Service) -> None:
    service.append(
        "@/features/accounts/models.py",
        """

        class MagicLink(Model):
            \"\"\"A link that logs in once.\"\"\"

            __tablename__ = "magic_links"

            id: Mapped[int] = mapped_column(primary_key=True)
            session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
        """,
    )
    service.replace(
        "@/features/accounts/models.py", "from sqlalchemy import String", "from sqlalchemy import ForeignKey, String"
    )
    service.configure('authentication-tables = ["magic_links"]')
    migration(
        service,
        """
        def upgrade() -> None:
            op.create_table(
                "magic_links",
                sa.Column("id", sa.BigInteger(), primary_key=True),
                sa.Column("session_id", sa.BigInteger(), sa.ForeignKey("sessions.id", ondelete="CASCADE")),
            )
            op.create_foreign_key(op.f("fk_captures_owner_id_sessions"), "captures", "sessions", ["owner_id"], ["id"])
        """,
    )
    migration(
        service,
        """
        def upgrade() -> None:
            with op.batch_alter_table("captures") as batch:
                batch.drop_constraint("fk_captures_owner_id_sessions", type_="foreignkey")
                batch.create_foreign_key("fk_captures_owner_id_users", "users", ["owner_id"], ["id"])


        def downgrade() -> None:
            op.create_foreign_key("fk_captures_owner_id_sessions", "captures", "sessions", ["owner_id"], ["id"])
        """,
        "0004",
        "0003",
    )


# DB003: a database of its own


@back("DB003")
def a_writer_calls_sqlite3_itself(service: Service) -> Spot:
    service.write(
        "@/features/inbox/rewards.py",
        """
        import sqlite3


        def write(value: int) -> None:
            with sqlite3.connect("rewards.db") as connection:
                connection.execute("INSERT INTO rewards VALUES (?)", (value,))
        """,
    )
    return service.at("@/features/inbox/rewards.py", "sqlite3.connect")


@disguise("DB003")
def under_another_name_from_another_file(service: Service) -> Spot:
    service.write("@/features/inbox/drivers.py", "import sqlite3 as s\n\nopen_it = s.connect\n")
    service.write(
        "@/features/inbox/rewards.py",
        """
        from .drivers import open_it


        def write() -> None:
            open_it("rewards.db").close()
        """,
    )
    return service.at("@/features/inbox/rewards.py", "open_it(")


@disguise("DB003")
def an_engine_of_a_feature(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py", "\n\nfrom sqlalchemy import create_engine as make\n\nengine = make('sqlite://')\n"
    )
    return service.at("@/features/exports/jobs.py", "engine = make")


@disguise("DB003", also={"IM001"})
def a_driver_that_is_imported_by_its_name(service: Service) -> Spot:
    service.append(
        "@/features/exports/routes.py",
        """

        def count() -> None:
            import importlib

            importlib.import_module("psycopg").connect("dbname=x")
        """,
    )
    return service.at("@/features/exports/routes.py", "importlib.import_module")


@hurried("DB003")
def a_report_with_its_own_connection(service: Service) -> Spot:
    service.feature(
        "reports",
        routes="""
        from psycopg import AsyncConnection

        from ...core.http import Router
        from ...core.settings import CoreSettings

        reports = Router("/reports", tags=["reports"])


        @reports.get("/daily")
        async def daily() -> dict[str, int]:
            connection = await AsyncConnection.connect(CoreSettings().database_url.get_secret_value())
            async with connection:
                row = await (await connection.execute("SELECT 1")).fetchone()
            return {"count": row[0] if row else 0}
        """,
    )
    return service.at("@/features/reports/routes.py", "AsyncConnection.connect")


@look_alike("DB003")
def a_drivers_error_is_caught_and_other_things_are_connected(service: Service) -> None:
    service.append(
        "@/features/inbox/jobs.py",
        """

        from sqlite3 import IntegrityError, sqlite_version

        from celery.signals import worker_ready


        def told(error: Exception) -> str:
            return sqlite_version if isinstance(error, IntegrityError) else str(error)


        def ready(**_: object) -> None: ...


        worker_ready.connect(ready)
        """,
    )


@look_alike("DB003")
def a_local_file_that_is_opened_on_purpose_and_accepted(service: Service) -> None:
    service.write(
        "@/features/inbox/reading.py",
        """
        import sqlite3
        from pathlib import Path


        def titles(upload: Path) -> list[str]:
            connection = sqlite3.connect(f"file:{upload}?mode=ro", uri=True)
            try:
                return [title for (title,) in connection.execute("SELECT title FROM notes")]
            finally:
                connection.close()
        """,
    )
    service.replace(
        "pyproject.toml",
        "[tool.pytest]",
        """[[tool.hardening.accepted]]
code = "DB003"
where = "src/inbox_demo/features/inbox/reading.py"
reason = "reads an uploaded SQLite file, and writes nothing there"

[tool.pytest]""",
    )


# DB004: a conflict target that is no key

TOPICS = """
from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ...core.database import Model, UtcDateTime


class Topic(Model):
    \"\"\"What was talked about in a run.\"\"\"

    __tablename__ = "run_topics"
    __table_args__ = (
        UniqueConstraint("topic", "language", name="uq_topic_language"),
        Index("ix_run_topics_slug", "slug", unique=True, postgresql_where=text("slug <> ''"), sqlite_where=text("slug <> ''")),
    )

    run_at: Mapped[datetime] = mapped_column("run_timestamp", UtcDateTime, primary_key=True)
    topic: Mapped[str] = mapped_column(String(100), primary_key=True)
    language: Mapped[str] = mapped_column(String(2))
    slug: Mapped[str] = mapped_column(String(100), default="")
    count: Mapped[int] = mapped_column(default=0)
"""


def topics(service: Service, writing: str) -> str:
    """A feature with topics, and how it writes them; gives the file that does."""
    service.feature("topics", init="from . import writing\n", models=TOPICS, writing=writing)
    return "@/features/topics/writing.py"


@back("DB004")
def half_of_a_composite_key_is_named_through_the_helper(service: Service) -> Spot:
    file = topics(
        service,
        """
        from datetime import datetime

        from sqlalchemy.ext.asyncio import AsyncSession

        from ...core.database import upsert
        from .models import Topic


        async def keep(session: AsyncSession, run_at: datetime, topic: str) -> None:
            values = {"run_at": run_at, "topic": topic, "language": "en"}
            await upsert(session, Topic, values, key=("run_at",))
        """,
    )
    return service.at(file, "await upsert")


@back("DB004")
def half_of_a_composite_key_is_named_around_the_helper(service: Service) -> Spot:
    file = topics(
        service,
        """
        from datetime import datetime

        from sqlalchemy.dialects.postgresql import insert
        from sqlalchemy.ext.asyncio import AsyncSession

        from .models import Topic


        async def keep(session: AsyncSession, run_at: datetime, topic: str) -> None:
            statement = insert(Topic).values(run_at=run_at, topic=topic, language="en")
            statement = statement.on_conflict_do_update(index_elements=["run_timestamp"], set_={"count": Topic.count + 1})
            await session.execute(statement)
        """,
    )
    return service.at(file, "statement.on_conflict_do_update")


@disguise("DB004")
def the_columns_are_attributes_and_the_dialect_is_sqlites(service: Service) -> Spot:
    file = topics(
        service,
        """
        from sqlalchemy.dialects import sqlite as lite
        from sqlalchemy.ext.asyncio import AsyncSession

        from . import models as m

        TARGET = (m.Topic.run_at, m.Topic.__table__.c.language)


        async def keep(session: AsyncSession, rows: list[dict[str, object]]) -> None:
            await session.execute(lite.insert(m.Topic.__table__).values(rows).on_conflict_do_nothing(index_elements=TARGET))
        """,
    )
    return service.at(file, "on_conflict_do_nothing")


@disguise("DB004")
def in_sql_that_names_the_table_by_its_class(service: Service) -> tuple[Spot, Spot]:
    file = topics(
        service,
        """
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import AsyncSession

        from .models import Topic

        KEEP = (
            f"INSERT INTO {Topic.__tablename__} (run_timestamp, topic, language) VALUES (:run_at, :topic, 'en') "
            "ON CONFLICT (run_timestamp) DO UPDATE SET count = run_topics.count + 1"
        )


        async def keep(session: AsyncSession, values: dict[str, object]) -> None:
            await session.execute(text(KEEP), values)
            connection = await session.connection()
            await connection.exec_driver_sql(
                'insert into "run_topics" (topic) select topic from old on conflict ("topic") do nothing'
            )
        """,
    )
    return service.at(file, 'f"INSERT'), service.at(file, "'insert into")


@disguise("DB004")
def a_constraint_that_is_not_there_and_an_index_over_some_rows(service: Service) -> tuple[Spot, Spot]:
    file = topics(
        service,
        """
        import sqlalchemy.dialects.postgresql as pg
        from sqlalchemy.ext.asyncio import AsyncSession

        from .models import Topic as T


        def statements() -> list[pg.Insert]:
            base = pg.insert(T).values(topic="a")
            return [
                base.on_conflict_do_nothing(constraint="uq_topic"),
                getattr(base, "on_conflict_do_update")(index_elements=["slug"], set_={"count": 1}),
            ]
        """,
    )
    return service.at(file, "uq_topic"), service.at(file, "getattr(base")


@disguise("DB004")
def in_a_migration_that_moves_data(service: Service) -> Spot:
    name = migration(
        service,
        """
        def upgrade() -> None:
            op.get_bind().execute(
                sa.text("INSERT INTO inbox_items (capture_id) SELECT id FROM captures ON CONFLICT (capture_id) DO NOTHING")
            )
        """,
    )
    return service.at(name, "sa.text")


@hurried("DB004")
def a_counter_of_visits(service: Service) -> Spot:
    service.feature(
        "visits",
        """
        from datetime import UTC, datetime

        from sqlalchemy.dialects.postgresql import insert as pg_insert

        from ...core.http import CurrentUser, Router, Session
        from .models import Visit

        visits = Router("/visits", tags=["visits"])


        @visits.post("/{page}", status_code=204)
        async def visit(page: str, session: Session, user: CurrentUser) -> None:
            stmt = pg_insert(Visit).values(owner_id=user.user_id, page=page, day=datetime.now(UTC).date(), hits=1)
            await session.execute(
                stmt.on_conflict_do_update(index_elements=[Visit.owner_id, Visit.page], set_=dict(hits=Visit.hits + 1))
            )
        """,
        models="""
        from datetime import date

        from sqlalchemy import Date, String, UniqueConstraint
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model, user_reference


        class Visit(Model):
            __tablename__ = "visits"
            __table_args__ = (UniqueConstraint("owner_id", "page", "day"),)

            id: Mapped[int] = mapped_column(primary_key=True)
            owner_id: Mapped[int] = user_reference()
            page: Mapped[str] = mapped_column(String(200))
            day: Mapped[date] = mapped_column(Date)
            hits: Mapped[int] = mapped_column(default=0)
        """,
    )
    return service.at("@/features/visits/routes.py", "stmt.on_conflict_do_update")


@look_alike("DB004")
def targets_that_are_keys_in_another_order_computed_or_of_other_tables(service: Service) -> None:
    topics(
        service,
        """
        from sqlalchemy import Column, MetaData, String, Table, func, text
        from sqlalchemy.dialects.postgresql import insert
        from sqlalchemy.ext.asyncio import AsyncSession

        from ...core.database import upsert
        from .models import Topic

        elsewhere = Table("imported", MetaData(), Column("a", String), Column("b", String))


        async def keep(session: AsyncSession, key: list[str]) -> None:
            \"\"\"Like INSERT INTO run_topics ... ON CONFLICT (topic), but right.\"\"\"
            base = insert(Topic).values(topic="a")
            for statement in (
                base.on_conflict_do_nothing(),
                base.on_conflict_do_nothing(index_elements=["topic", "run_timestamp"]),
                base.on_conflict_do_nothing(index_elements=[Topic.language, Topic.topic]),
                base.on_conflict_do_nothing(constraint="uq_topic_language"),
                base.on_conflict_do_nothing(constraint="pk_run_topics"),
                base.on_conflict_do_nothing(index_elements=["slug"], index_where=text("slug <> ''")),
                base.on_conflict_do_nothing(index_elements=key),
                base.on_conflict_do_nothing(index_elements=[func.lower(Topic.topic)]),
                insert(elsewhere).values(a="a").on_conflict_do_nothing(index_elements=["a"]),
            ):
                await session.execute(statement)
            await upsert(session, Topic, {"topic": "a"}, key=("topic", "run_at"))
            await session.execute(text("INSERT INTO run_topics (topic) VALUES ('a') ON CONFLICT (language, topic) DO NOTHING"))
            await session.execute(text("INSERT INTO elsewhere (topic) VALUES ('a') ON CONFLICT (topic) DO NOTHING"))
        """,
    )


@look_alike("DB004")
def a_migration_knew_a_key_that_is_gone(service: Service) -> None:
    migration(
        service,
        """
        def upgrade() -> None:
            op.create_unique_constraint("uq_captures_source", "captures", ["source"])
            op.execute("INSERT INTO captures (source) VALUES ('old') ON CONFLICT (source) DO NOTHING")
            op.drop_constraint("uq_captures_source", "captures")
        """,
    )


@unprotected("DB004", "tests/test_database.py")
def the_helper_takes_any_target(service: Service) -> None:
    service.replace(
        "@/core/database/_upsert.py", "if frozenset(wanted) not in {frozenset(each) for each in keys}:", "if not keys:"
    )


# DB005: a reference without an index


@back("DB005")
def a_reference_is_not_indexed(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/models.py",
        "    source: Mapped[str]",
        "    approver_id: Mapped[int | None] = user_reference(index=False)\n    source: Mapped[str]",
    )
    return service.at("@/features/inbox/models.py", "approver_id")


@disguise("DB005")
def the_index_that_began_with_it_is_gone(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/models.py",
        'Index(None, "owner_id", "created_at"),)',
        'Index(None, "created_at", "owner_id"),)',
    )
    return service.at("@/features/inbox/models.py", "owner_id: ")


@disguise("DB005")
def it_comes_with_a_mixin(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py",
        """

        from sqlalchemy import ForeignKey as Reference
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model


        class OfACapture:
            job_id: Mapped[int] = mapped_column(Reference("users.id"))


        class Upload(OfACapture, Model):
            __tablename__ = "uploads"

            id: Mapped[int] = mapped_column(primary_key=True)
        """,
    )
    return service.at("@/features/exports/jobs.py", "class Upload")


@disguise("DB005")
def only_some_rows_are_in_its_index(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/models.py",
        'Index(None, "owner_id", "created_at"),)',
        'Index("ix_captures_owner", "owner_id", postgresql_where=text("source <> \'\'")),)',
    )
    service.replace(
        "@/features/inbox/models.py", "import Float, ForeignKey, Index,", "import Float, ForeignKey, Index, text,"
    )
    return service.at("@/features/inbox/models.py", "owner_id: ")


@hurried("DB005")
def comments_on_items(service: Service) -> tuple[Spot, Spot]:
    service.feature(
        "comments",
        """
        from pydantic import BaseModel

        from ...core.http import CurrentUser, Prose, Router, RowId, Session
        from .models import Comment

        comments = Router("/comments", tags=["comments"])


        class NewComment(BaseModel):
            text: Prose


        @comments.post("/{item_id}", status_code=204)
        async def comment(item_id: RowId, body: NewComment, session: Session, user: CurrentUser) -> None:
            session.add(Comment(item_id=item_id, author_id=user.user_id, text=body.text))
        """,
        models="""
        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model, Text


        class Comment(Model):
            __tablename__ = "comments"

            id: Mapped[int] = mapped_column(primary_key=True)
            item_id: Mapped[int] = mapped_column(sa.ForeignKey("inbox_items.id", ondelete="CASCADE"))
            author_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
            text: Mapped[Text]
        """,
    )
    file = "@/features/comments/models.py"
    return service.at(file, "item_id:"), service.at(file, "author_id:")


@look_alike("DB005")
def keys_that_lead_an_index_of_another_kind(service: Service) -> None:
    service.append(
        "@/features/inbox/models.py",
        """

        class Tag(Model):
            __tablename__ = "tags"
            __table_args__ = (
                UniqueConstraint("capture_id", "name"),
                Index("ix_tags_parent_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
                Index("ix_tags_item_id", "item_id", postgresql_using="hash"),
            )

            owner_id: Mapped[int] = user_reference(primary_key=True)
            name: Mapped[str] = mapped_column(String(20), primary_key=True)
            capture_id: Mapped[int] = mapped_column(ForeignKey("captures.id"))
            parent_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
            item_id: Mapped[int] = mapped_column(ForeignKey("inbox_items.id"))
        """,
    )
    service.replace(
        "@/features/inbox/models.py", "import Float, ForeignKey, Index,", "import Float, ForeignKey, Index, text,"
    )


# DB007: transactions by hand


@back("DB007")
def a_job_commits_in_its_loop(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/jobs.py",
        "    publish(run.session, counts.name",
        "        await run.session.commit()\n    publish(run.session, counts.name",
    )
    return service.at("@/features/inbox/jobs.py", "run.session.commit()")


@disguise("DB007")
def a_helper_of_another_file_keeps_the_method(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "@/features/inbox/saving.py",
        """
        from sqlalchemy.ext.asyncio import AsyncSession as S


        async def save(store: S, *rows: object) -> None:
            finish, undo = store.commit, getattr(store, "rollback")
            store.add_all(rows)
            try:
                await finish()
            except ValueError:
                await undo()
                raise
        """,
    )
    spot = service.at("@/features/inbox/saving.py", "store.commit")
    return spot, spot


@disguise("DB007")
def sql_says_it(service: Service) -> tuple[Spot, Spot]:
    service.append(
        "@/features/exports/jobs.py",
        """

        from sqlalchemy import text as sql

        DONE = "commit;"


        async def flush_now(run: Run) -> None:
            await run.session.execute(sql(DONE))
            await (await run.session.connection()).exec_driver_sql("BEGIN IMMEDIATE")
        """,
    )
    file = "@/features/exports/jobs.py"
    return service.at(file, "sql(DONE)"), service.at(file, "exec_driver_sql")


@disguise("DB007")
def the_sessions_connection_and_its_transaction(service: Service) -> tuple[Spot, Spot, Spot]:
    service.append(
        "@/features/exports/routes.py",
        """

        async def hurry(session: Session) -> None:
            connection = await session.connection()
            await connection.commit()
            async with session.begin() as inner:
                await inner.rollback()
        """,
    )
    file = "@/features/exports/routes.py"
    return (
        service.at(file, "connection.commit()"),
        service.at(file, "session.begin()"),
        service.at(file, "inner.rollback()"),
    )


@hurried("DB007", also={"DB003"})
def an_import_with_a_session_of_its_own(service: Service) -> tuple[Spot, Spot]:
    service.feature(
        "bulk",
        """
        from pydantic import BaseModel
        from sqlalchemy import create_engine
        from sqlalchemy.orm import sessionmaker

        from ...core.http import CurrentUser, Prose, Router
        from ..inbox import models

        bulk = Router("/bulk", tags=["bulk"])


        class Rows(BaseModel):
            texts: list[Prose]


        @bulk.post("", status_code=204)
        def load(rows: Rows, user: CurrentUser) -> None:
            SessionLocal = sessionmaker(create_engine("sqlite:///var/service.db"))
            with SessionLocal() as db:
                for text in rows.texts:
                    try:
                        db.add(models.Capture(owner_id=user.user_id, source="bulk", text=text))
                        db.commit()
                    except ValueError:
                        db.rollback()
        """,
    )
    file = "@/features/bulk/routes.py"
    return service.at(file, "db.commit()"), service.at(file, "db.rollback()")


@look_alike("DB007")
def savepoints_and_what_other_things_commit(service: Service) -> None:
    service.append(
        "@/features/inbox/jobs.py",
        """

        class Consumer:
            def commit(self) -> None: ...

            def begin(self) -> None: ...


        async def around(run: Run, consumer: Consumer, repo: object, git) -> None:  # type: ignore[no-untyped-def]
            async with run.session.begin_nested() as savepoint:
                await savepoint.rollback()
            nested = await run.session.begin_nested()
            await nested.commit()
            consumer.begin()
            consumer.commit()
            repo.index.commit("a message")  # type: ignore[attr-defined]
            git.commit()
            await run.session.flush()
        """,
    )


@unprotected("DB007", "tests/test_database.py")
def what_was_done_before_an_error_is_committed(service: Service) -> None:
    service.replace(
        "@/core/database/_work.py",
        "        async with session.begin():\n            yield session\n",
        "        try:\n            yield session\n        finally:\n            await session.commit()\n",
    )


# DB008: migrations that are not one line


@back("DB008")
def two_people_branched_from_one_parent(service: Service) -> Spot:
    migration(service, "def upgrade() -> None: ...\n", "0003")
    name = migration(service, "def upgrade() -> None: ...\n", "0003b")
    return service.at(name, "down_revision")


@back("DB008")
def a_parent_is_misspelt(service: Service) -> Spot:
    name = migration(service, "def upgrade() -> None: ...\n", "0003", "002")
    return service.at(name, "down_revision")


@disguise("DB008")
def a_migration_was_copied_with_its_identifier(service: Service) -> tuple[Spot, Spot]:
    names = "migrations/versions/0002_example.py", "migrations/versions/0002_example_copy.py"
    service.write(names[1], service.read(names[0]))
    first, second = (service.at(name, "down_revision") for name in names)
    return first, second


@disguise("DB008")
def a_second_base(service: Service) -> Spot:
    name = migration(service, "def upgrade() -> None: ...\n", "0003")
    service.replace(name, 'down_revision = "0002"', "down_revision = None")
    merge = migration(service, "def upgrade() -> None: ...\n", "0004")
    service.replace(merge, '"0002"', '("0002", "0003")')
    return service.at(name, "down_revision")


@disguise("DB008")
def they_follow_each_other_in_a_circle(service: Service) -> Spot:
    name = migration(service, "def upgrade() -> None: ...\n", "0003", "0004")
    migration(service, "def upgrade() -> None: ...\n", "0004", "0003")
    return service.at(name, "down_revision")


@hurried("DB008")
def models_beside_the_features_that_nobody_imports(service: Service) -> Spot:
    service.write(
        "@/notes.py",
        """
        from sqlalchemy.orm import Mapped, mapped_column

        from .core.database import Model, Text, user_reference


        class Note(Model):
            __tablename__ = "notes"

            id: Mapped[int] = mapped_column(primary_key=True)
            owner_id: Mapped[int] = user_reference()
            text: Mapped[Text]
        """,
    )
    return service.at("@/notes.py", "class Note")


@look_alike("DB008")
def branches_that_a_merge_joins_and_classes_that_are_no_tables(service: Service) -> None:
    migration(service, "def upgrade() -> None: ...\n", "0003a")
    migration(service, "def upgrade() -> None: ...\n", "0003b")
    name = migration(service, "def upgrade() -> None: ...\n", "0004")
    service.replace(name, 'down_revision = "0002"', 'down_revision: tuple[str, ...] = ("0003a", "0003b")')
    service.append(
        "@/features/inbox/models.py",
        """

        class Named:
            __tablename__ = "named"


        class Base(Model):
            __abstract__ = True
            __tablename__ = "bases"
        """,
    )


# DB009: the commit after the response

LATE = """
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.database import unit_of_work
from ...core.http import runtime_of
"""


def late(service: Service, more: str) -> str:
    """A feature that has a dependency of its own; gives the file of the dependency."""
    service.feature(
        "late",
        """
        from ...core.http import CurrentUser, Router
        from .work import Work

        late = Router("/late", tags=["late"])


        @late.post("", status_code=204)
        async def write(session: Work, user: CurrentUser) -> None:
            await session.flush()
        """,
    )
    service.write("@/features/late/work.py", LATE + textwrap.dedent(more))
    return "@/features/late/work.py"


@back("DB009")
def the_session_of_requests_lost_its_scope(service: Service) -> Spot:
    service.replace("@/core/http/_dependencies.py", 'Depends(_session, scope="function")', "Depends(_session)")
    return service.at("@/core/http/_dependencies.py", "Depends(_session)")


@disguise("DB009", also={"DB007"})
def it_commits_by_hand_behind_the_yield(service: Service) -> Spot:
    file = late(
        service,
        """

        async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
            session = runtime_of(request).database.session()
            try:
                yield session
                await session.commit()
            finally:
                await session.close()


        Work = Annotated[AsyncSession, Depends(get_session, scope="request")]
        """,
    )
    return service.at(file, "Depends(get_session")


@disguise("DB009")
def what_it_leaves_commits_in_another_file(service: Service) -> Spot:
    service.write(
        "@/features/late/uow.py",
        """
        from types import TracebackType

        from sqlalchemy.ext.asyncio import AsyncSession

        from ...core.database import Database, unit_of_work


        class UnitOfWork:
            def __init__(self, database: Database) -> None:
                self.inner = unit_of_work(database)

            async def __aenter__(self) -> AsyncSession:
                return await self.inner.__aenter__()

            async def __aexit__(self, *told: object) -> None:
                await self.inner.__aexit__(*told)  # type: ignore[arg-type]


        def opened(database: Database):  # type: ignore[no-untyped-def]
            return unit_of_work(database)
        """,
    )
    file = late(
        service,
        """

        from .uow import opened


        async def working(request: Request) -> AsyncIterator[AsyncSession]:
            async with opened(runtime_of(request).database) as session:
                yield session


        needed = Depends
        Work = Annotated[AsyncSession, needed(dependency=working)]
        """,
    )
    return service.at(file, "needed(dependency=working)")


@disguise("DB009")
def a_factory_makes_it_where_only_the_application_knows(service: Service) -> Spot:
    file = late(
        service,
        """

        def made(read_only: bool):  # type: ignore[no-untyped-def]
            async def inner(request: Request) -> AsyncIterator[AsyncSession]:
                async with unit_of_work(runtime_of(request).database, read_only=read_only) as session:
                    yield session

            return inner


        Work = Annotated[AsyncSession, Depends(made(False))]
        """,
    )
    return service.at(file, "async def inner")


@hurried("DB009", also={"DB003", "DB007"})
def the_session_of_the_tutorial(service: Service) -> Spot:
    service.feature(
        "orders",
        """
        from collections.abc import Iterator

        from fastapi import Depends
        from sqlalchemy import create_engine, text
        from sqlalchemy.orm import Session, sessionmaker

        from ...core.http import CurrentUser, Router

        SessionLocal = sessionmaker(bind=create_engine("sqlite:///var/service.db"))
        orders = Router("/orders", tags=["orders"])


        def get_db() -> Iterator[Session]:
            db = SessionLocal()
            try:
                yield db
                db.commit()
            except Exception:
                db.rollback()
                raise
            finally:
                db.close()


        @orders.post("", status_code=204)
        def order(user: CurrentUser, db: Session = Depends(get_db)) -> None:
            db.execute(text("DELETE FROM captures WHERE owner_id = :owner"), {"owner": user.user_id})
        """,
    )
    return service.at("@/features/orders/routes.py", "Depends(get_db)")


@look_alike("DB009")
def what_ends_first_or_only_closes(service: Service) -> None:
    service.feature(
        "late",
        """
        from ...core.http import CurrentUser, Router
        from .work import Closing, Method, Reading, Work

        late = Router("/late", tags=["late"])


        @late.post("", status_code=204)
        async def write(session: Work, closing: Closing, reading: Reading, method: Method, user: CurrentUser) -> None:
            await session.flush()
        """,
        work=LATE.lstrip("\n")
        + """

async def committing(request: Request) -> AsyncIterator[AsyncSession]:
    async with unit_of_work(runtime_of(request).database) as session:
        yield session


async def closing(request: Request) -> AsyncIterator[AsyncSession]:
    async with runtime_of(request).database.session() as session:
        yield session


async def reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with unit_of_work(runtime_of(request).database, read_only=True) as session:
        yield session


async def plain(request: Request) -> str:
    return request.method


Work = Annotated[AsyncSession, Depends(committing, scope="function")]
Closing = Annotated[AsyncSession, Depends(closing)]
Reading = Annotated[AsyncSession, Depends(reading)]
Method = Annotated[str, Depends(plain)]
""",
    )


@unprotected("DB009", "tests/test_http.py")
def the_session_ends_after_the_response(service: Service) -> None:
    service.replace("@/core/http/_dependencies.py", 'Depends(_session, scope="function")', "Depends(_session)")


# DB010: tables around the migrations


@back("DB010")
def start_up_makes_the_tables(service: Service) -> Spot:
    service.append(
        "@/main.py",
        """

        from .core.database import Model


        async def make_tables() -> None:
            async with app.state.runtime.database.engine.connect() as connection:
                await connection.run_sync(Model.metadata.create_all)
        """,
    )
    return service.at("@/main.py", "create_all")


@disguise("DB010")
def the_method_is_kept_under_another_name(service: Service) -> Spot:
    service.write(
        "@/features/inbox/tables.py",
        "from ...core.database import Model as M\n\nmeta = M.metadata\nmake = getattr(meta, 'create_all')\n",
    )
    return service.at("@/features/inbox/tables.py", "getattr(meta")


@disguise("DB010")
def one_table_makes_itself(service: Service) -> tuple[Spot, Spot]:
    service.append(
        "@/features/inbox/jobs.py",
        """

        async def renew(run: Run) -> None:
            connection = await run.session.connection()
            await connection.run_sync(Item.__table__.drop, checkfirst=True)
            await connection.run_sync(lambda sync: Item.__table__.create(sync))
        """,
    )
    file = "@/features/inbox/jobs.py"
    return service.at(file, "__table__.drop"), service.at(file, "__table__.create")


@disguise("DB010")
def sql_makes_a_table(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py",
        """

        from sqlalchemy import text

        TABLE = "CREATE TABLE IF NOT EXISTS export_log (id INTEGER PRIMARY KEY)"


        async def prepare(run: Run) -> None:
            await run.session.execute(text(TABLE))
        """,
    )
    return service.at("@/features/exports/jobs.py", "text(TABLE)")


@hurried("DB010")
def a_command_that_resets_the_database(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "@/features/inbox/commands.py",
        """
        from ...core.database import Model
        from ...core.runtime import Runtime


        async def reset(runtime: Runtime) -> None:
            \"\"\"Empty the database.\"\"\"
            async with runtime.database.session() as session:
                connection = await session.connection()
                await connection.run_sync(Model.metadata.drop_all)
                await connection.run_sync(Model.metadata.create_all)


        commands = (reset,)
        """,
    )
    file = "@/features/inbox/commands.py"
    return service.at(file, "drop_all"), service.at(file, "create_all")


@look_alike("DB010")
def tests_migrations_temporary_tables_and_other_things(service: Service) -> None:
    service.write(
        "tests/test_tables.py",
        """
        from sqlalchemy import create_engine

        from inbox_demo.core.database import Model


        def test_tables() -> None:
            Model.metadata.create_all(create_engine("sqlite://"))
        """,
    )
    service.append(
        "@/features/inbox/jobs.py",
        """

        from sqlalchemy import text


        class Indexes:
            def create_all(self) -> None: ...


        async def scratch(run: Run, indexes: Indexes) -> None:
            indexes.create_all()
            await run.session.execute(text("CREATE TEMPORARY TABLE scratch (id INTEGER)"))
            await run.session.execute(text("SELECT 1 -- CREATE TABLE x"))
        """,
    )


# DB011: attributes that load when they are read


def related(service: Service, attribute: str, more: str = "") -> None:
    """Another attribute of an item."""
    service.replace(
        "@/features/inbox/models.py",
        "    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)\n",
        f"    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)\n    {attribute}\n{more}",
    )
    service.replace(
        "@/features/inbox/models.py",
        "import Mapped, mapped_column",
        "import Mapped, backref, mapped_column, relationship",
    )


@back("DB011")
def a_relationship_as_sqlalchemy_makes_it(service: Service) -> Spot:
    related(service, "capture: Mapped[Capture] = relationship()")
    return service.at("@/features/inbox/models.py", "capture: ")


@disguise("DB011")
def the_other_side_that_a_backref_makes(service: Service) -> Spot:
    related(service, 'capture: Mapped[Capture] = relationship(lazy="joined", backref=backref("items"))')
    return service.at("@/features/inbox/models.py", "capture: ")


@disguise("DB011")
def a_column_that_is_fetched_later(service: Service) -> Spot:
    related(service, "notes: Mapped[Text | None] = mapped_column(deferred=True)")
    return service.at("@/features/inbox/models.py", "notes: ")


@disguise("DB011")
def a_relationship_that_a_mixin_brings(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "@/features/inbox/owned.py",
        """
        from sqlalchemy.orm import Mapped, declared_attr
        from sqlalchemy.orm import relationship as rel

        from ..accounts.models import User


        class HasOwner:
            @declared_attr
            def owner(cls) -> Mapped[User]:
                return rel(User, lazy="immediate", foreign_keys=[cls.owner_id])
        """,
    )
    service.replace("@/features/inbox/models.py", "class Item(Model):", "class Item(HasOwner, Model):")
    service.replace("@/features/inbox/models.py", "class Capture(Model):", "class Capture(HasOwner, Model):")
    service.replace("@/features/inbox/models.py", "\nMOST_ITEMS", "from .owned import HasOwner\n\nMOST_ITEMS")
    spot = service.at("@/features/inbox/owned.py", "def owner")
    return spot, spot


@hurried("DB011")
def orders_with_their_lines(service: Service) -> tuple[Spot, Spot]:
    service.feature(
        "orders",
        """
        from sqlalchemy import select

        from ...core.http import CurrentUser, Router, Session
        from .models import Order

        orders = Router("/orders", tags=["orders"])


        @orders.get("/totals")
        async def totals(session: Session, user: CurrentUser) -> list[int]:
            rows = await session.scalars(select(Order).where(Order.owner_id == user.user_id).limit(100))
            return [sum(line.amount for line in row.lines) for row in rows]
        """,
        models="""
        from __future__ import annotations

        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from ...core.database import Model, user_reference


        class Order(Model):
            __tablename__ = "orders"

            id: Mapped[int] = mapped_column(primary_key=True)
            owner_id: Mapped[int] = user_reference()
            lines: Mapped[list[OrderLine]] = relationship(back_populates="order", cascade="all, delete-orphan")


        class OrderLine(Model):
            __tablename__ = "order_lines"

            id: Mapped[int] = mapped_column(primary_key=True)
            order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
            amount: Mapped[int]
            order: Mapped[Order] = relationship(back_populates="lines")
        """,
    )
    file = "@/features/orders/models.py"
    return service.at(file, "lines: "), service.at(file, "order: ")


@look_alike("DB011")
def what_comes_with_the_row_or_raises(service: Service) -> None:
    related(
        service,
        'capture: Mapped[Capture] = relationship(lazy="joined", backref=backref("items", lazy="raise"))',
        """
    first: Mapped[Capture] = relationship(lazy="raise_on_sql", viewonly=True)
    second: Mapped[Capture] = relationship(lazy="selectin", viewonly=True)
    third: Mapped[Capture] = own_relationship(viewonly=True)
    blob: Mapped[Text | None] = mapped_column(deferred=True, deferred_raiseload=True)
""",
    )
    service.replace(
        "@/features/inbox/models.py",
        "\nMOST_ITEMS",
        "from ...core.database import relationship as own_relationship\n\nMOST_ITEMS",
    )


@unprotected("DB011", "tests/test_database.py")
def relationships_load_themselves(service: Service) -> None:
    service.replace("@/core/database/_model.py", 'functools.partial(_relationship, lazy="raise")', "_relationship")
    service.replace(
        "@/core/database/_model.py", 'if each.lazy in ("select", True, "dynamic", "immediate"):', "if each.lazy == 0:"
    )


# DB012: a connection that is held while something else is waited for

FORECAST = """
from __future__ import annotations

from ...core.clients import Answer, Client


class Forecast(Client):
    \"\"\"The weather of towns.\"\"\"

    name = "forecast"
    version = "v3"

    async def of(self, town: str) -> Answer[int]:
        \"\"\"The degrees of a town.\"\"\"
        return await self.read("towns", int, empty=0, query={"town": town})
"""
INBOX_JOBS = "@/features/inbox/jobs.py"
READ_APART = """\
    async with run.reading() as reading:
        capture = await reading.get(Capture, payload.capture_id)
"""
READ_WITHIN = "    capture = await run.session.get(Capture, payload.capture_id)\n"


@back("DB012")
def a_job_reads_through_its_session_and_then_asks_the_summariser(service: Service) -> Spot:
    service.replace(INBOX_JOBS, READ_APART, READ_WITHIN)
    return service.at(INBOX_JOBS, "await _drafts(run, capture.text)")


@back("DB012")
def a_download_holds_its_session_while_the_client_reads(service: Service) -> Spot:
    service.replace(
        "@/core/http/_jobs.py",
        """\
    position = 0
    while True:
        async with unit_of_work(database, read_only=True) as session:
            statement = select(JobChunk.content).where(JobChunk.job_id == job_id, JobChunk.position == position)
            content = await session.scalar(statement)
        if content is None:
            return
        yield content
        position += 1
""",
        """\
    async with unit_of_work(database, read_only=True) as session:
        rows = select(JobChunk.content).where(JobChunk.job_id == job_id).order_by(JobChunk.position)
        async for content in await session.stream_scalars(rows):
            yield content
""",
    )
    return service.at("@/core/http/_jobs.py", "yield content")


@disguise("DB012")
def the_session_was_used_by_the_authentication(service: Service) -> Spot:
    service.feature(
        "towns",
        """
        from __future__ import annotations

        from ...core.http import CurrentUser, Request, Router, Session, runtime_of
        from .forecast import Forecast

        towns = Router("/towns", tags=["towns"])


        @towns.get("/weather")
        async def weather(request: Request, session: Session, user: CurrentUser) -> dict[str, int]:
            \"\"\"Where it is warm.\"\"\"
            client, town = runtime_of(request).clients[Forecast], "Oslo"
            answer = await client.of(town)
            return {"degrees": answer.value}
        """,
        more="clients=(Forecast,)",
        init="from .forecast import Forecast",
        forecast=FORECAST,
    )
    return service.at("@/features/towns/routes.py", "await client.of(town)")


@disguise("DB012")
def somebody_else_used_it_and_somebody_else_waits(service: Service) -> Spot:
    service.feature(
        "watching",
        finding="""
        from __future__ import annotations

        from sqlalchemy import select
        from sqlalchemy.ext.asyncio import AsyncSession

        from ..inbox.models import Capture


        class Captures:
            \"\"\"What came in.\"\"\"

            def __init__(self, session: AsyncSession) -> None:
                self.session = session

            async def newest(self, owner_id: int) -> Capture | None:
                \"\"\"The newest one.\"\"\"
                rows = select(Capture).where(Capture.owner_id == owner_id).order_by(Capture.id.desc()).limit(1)
                return await self.session.scalar(rows)

            async def wait_for(self, owner_id: int) -> Capture:
                \"\"\"The first one, once it is there.\"\"\"
                while (found := await self.newest(owner_id)) is None:
                    await a_moment()
                return found


        async def a_moment() -> None:
            \"\"\"Let some time pass.\"\"\"
            await pause(0.5)
        """,
    )
    file = "@/features/watching/finding.py"
    service.replace(
        file, "from sqlalchemy import select", "from asyncio import sleep as pause\n\nfrom sqlalchemy import select"
    )
    return service.at(file, "await a_moment()")


@disguise("DB012")
def in_plain_functions_with_a_plain_session(service: Service) -> list[Spot]:
    service.write(
        "@/core/clients/hooks.py",
        '''
        """Tells others what happened."""

        import time
        from collections.abc import Callable
        from urllib import request as web

        from sqlalchemy import Engine, text
        from sqlalchemy.orm import Session


        def tell(maker: Callable[[], Session], url: str) -> None:
            """Tell those who want to know."""
            db = maker()
            try:
                names = db.execute(text("SELECT name FROM hooks")).scalars().all()
                for name in names:
                    web.urlopen(f"{url}/{name}", timeout=2).close()
            finally:
                db.close()


        def keep(engine: Engine, url: str) -> None:
            """Ask, and keep what was said."""
            with engine.connect() as connection:
                with web.urlopen(url, timeout=2) as answer:
                    said = answer.read().decode()
                connection.execute(text("INSERT INTO said VALUES (:said)"), {"said": said})


        def keep_trying(db: Session) -> None:
            """Wait until there is something."""
            while not db.scalar(text("SELECT count(*) FROM hooks")):
                time.sleep(1)
        ''',
    )
    file = "@/core/clients/hooks.py"
    return [service.at(file, text) for text in ("web.urlopen(f", "web.urlopen(url", "time.sleep(1)")]


@disguise("DB012")
def a_cache_is_asked_between_two_statements(service: Service) -> Spot:
    service.feature(
        "counting",
        work="""
        from __future__ import annotations

        from redis.asyncio import Redis
        from sqlalchemy import func, select

        from ...core.database import Database, unit_of_work
        from ..inbox.models import Item


        async def number(database: Database, redis: Redis) -> int:
            \"\"\"How many there are, and were.\"\"\"
            async with unit_of_work(database, read_only=True) as s:
                now = await s.scalar(select(func.count()).select_from(Item)) or 0
                before = await redis.get("items")
                return now + int(before or 0)
        """,
    )
    return service.at("@/features/counting/work.py", "await redis.get")


@disguise("DB012")
def the_wait_is_at_the_end_of_a_long_chain_of_functions(service: Service) -> Spot:
    service.feature(
        "towns",
        """
        from __future__ import annotations

        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import AsyncSession

        from ...core.http import Request, Router, Session, runtime_of
        from .forecast import Forecast

        towns = Router("/towns", tags=["towns"])


        @towns.get("/weather")
        async def weather(request: Request, session: Session) -> int:
            \"\"\"Where it is warm.\"\"\"
            return await first(session, runtime_of(request).clients[Forecast])


        async def first(session: AsyncSession, client: Forecast) -> int:
            return await second(session, client)


        async def second(session: AsyncSession, client: Forecast) -> int:
            return await third(session, client)


        async def third(session: AsyncSession, client: Forecast) -> int:
            return await fourth(session, client)


        async def fourth(session: AsyncSession, client: Forecast) -> int:
            return await fifth(session, client)


        async def fifth(session: AsyncSession, client: Forecast) -> int:
            town = await session.scalar(text("SELECT 'Oslo'"))
            answer = await client.of(str(town))
            return answer.value
        """,
        more="clients=(Forecast,)",
        init="from .forecast import Forecast",
        forecast=FORECAST,
    )
    return service.at("@/features/towns/routes.py", "await client.of(str(town))")


@hurried("DB012")
def an_adviser_that_answers_while_it_reads(service: Service) -> list[Spot]:
    service.feature(
        "adviser",
        """
        from __future__ import annotations

        import asyncio
        from collections.abc import AsyncIterator

        from fastapi.responses import StreamingResponse
        from sqlalchemy import select

        from ...core.http import CurrentUser, Request, Router, Session, runtime_of
        from ..inbox.models import Item
        from .forecast import Forecast

        adviser = Router("/adviser", tags=["adviser"])


        @adviser.get("/items", response_class=StreamingResponse)
        async def items(session: Session, user: CurrentUser) -> StreamingResponse:
            async def lines() -> AsyncIterator[str]:
                rows = await session.stream_scalars(select(Item).where(Item.owner_id == user.user_id))
                async for row in rows:
                    yield f"data: {row.title}\\n\\n"
                    await asyncio.sleep(0.1)

            return StreamingResponse(lines(), media_type="text/event-stream")


        @adviser.post("/answers")
        async def answer(request: Request, session: Session, user: CurrentUser) -> dict[str, int]:
            newest = await session.scalar(select(Item).where(Item.owner_id == user.user_id).limit(1))
            town = "" if newest is None else newest.title
            found = await runtime_of(request).clients[Forecast].of(town)
            return {"degrees": found.value}
        """,
        more="clients=(Forecast,)",
        init="from .forecast import Forecast",
        forecast=FORECAST,
    )
    file = "@/features/adviser/routes.py"
    return [service.at(file, text) for text in ("yield f", "asyncio.sleep(0.1)", "clients[Forecast].of")]


@look_alike("DB012")
def what_waits_while_nothing_is_held(service: Service) -> None:
    service.feature(
        "towns",
        """
        from __future__ import annotations

        from collections.abc import AsyncIterator

        from fastapi import WebSocket
        from fastapi.responses import StreamingResponse
        from pydantic import BaseModel
        from sqlalchemy import select

        from ...core.database import Database, unit_of_work
        from ...core.deliveries import deliver_later
        from ...core.http import CurrentUser, Request, Router, Session, runtime_of
        from ..inbox.models import Item
        from .forecast import Forecast

        towns = Router("/towns", tags=["towns"])


        class Degrees(BaseModel):
            \"\"\"How warm it is.\"\"\"

            degrees: int


        @towns.get("/weather")
        async def weather(request: Request, user: CurrentUser) -> Degrees:
            \"\"\"An endpoint without a session holds nothing.\"\"\"
            answer = await runtime_of(request).clients[Forecast].of("Oslo")
            async with unit_of_work(runtime_of(request).database, read_only=True) as reading:
                number = await reading.scalar(select(Item.id).where(Item.owner_id == user.user_id).limit(1))
            second = await runtime_of(request).clients[Forecast].of(str(number))
            return Degrees(degrees=answer.value + second.value)


        @towns.get("/mine")
        async def mine(request: Request, session: Session, user: CurrentUser) -> Degrees:
            \"\"\"The session is given back before.\"\"\"
            row = await session.scalar(select(Item).where(Item.owner_id == user.user_id).limit(1))
            await session.close()
            answer = await runtime_of(request).clients[Forecast].of("" if row is None else row.title)
            return Degrees(degrees=answer.value)


        @towns.post("", status_code=202)
        async def tell(session: Session, user: CurrentUser) -> dict[str, str]:
            \"\"\"What is put into a job waits for nobody.\"\"\"
            row = await session.scalar(select(Item).where(Item.owner_id == user.user_id).limit(1))
            job = await deliver_later(session, Forecast, "POST", "towns", {"town": str(row)}, owner_id=user.user_id)
            return {"job": str(job.id)}


        @towns.get("/titles", response_class=StreamingResponse)
        async def titles(session: Session, user: CurrentUser) -> StreamingResponse:
            \"\"\"A stream of what was read before.\"\"\"
            rows = (await session.scalars(select(Item.title).where(Item.owner_id == user.user_id).limit(100))).all()

            async def lines() -> AsyncIterator[str]:
                for title in rows:
                    yield f"{title}\\n"

            return StreamingResponse(lines())


        async def watch(socket: WebSocket, database: Database) -> None:
            \"\"\"A socket whose sessions are short.\"\"\"
            while True:
                await socket.receive_text()
                async with unit_of_work(database, read_only=True) as reading:
                    number = await reading.scalar(select(Item.id).limit(1))
                await socket.send_text(str(number))
        """,
        more="clients=(Forecast,)",
        init="from .forecast import Forecast",
        forecast=FORECAST,
    )


@look_alike("DB012")
def plain_sessions_that_are_given_back(service: Service) -> None:
    service.write(
        "@/core/clients/hooks.py",
        '''
        """Tells others what happened."""

        import asyncio
        import time
        from collections.abc import Callable, Iterator
        from contextlib import contextmanager
        from urllib import request as web

        from fastapi import BackgroundTasks
        from sqlalchemy import Engine, text
        from sqlalchemy.exc import OperationalError
        from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
        from sqlalchemy.orm import Session


        @contextmanager
        def connected(engine: Engine) -> Iterator[Session]:
            """A session that tries again while the database is away."""
            for _ in range(3):
                try:
                    with Session(engine) as session:
                        session.execute(text("SELECT 1"))
                    break
                except OperationalError:
                    time.sleep(1)
            with Session(engine) as session:
                yield session


        def tell(maker: Callable[[], Session], url: str) -> None:
            """Read, give back, ask, write."""
            db = maker()
            name = db.scalar(text("SELECT name FROM hooks"))
            db.close()
            web.urlopen(f"{url}/{name}", timeout=2).close()
            db.execute(text("SELECT 1"))
            db.close()
            time.sleep(1)


        def asked_first(engine: Engine, url: str) -> None:
            """Ask, and keep what was said."""
            with web.urlopen(url, timeout=2) as answer:
                said = answer.read().decode()
            with engine.connect() as connection:
                connection.execute(text("INSERT INTO said VALUES (:said)"), {"said": said})


        async def never_used(maker: async_sessionmaker[AsyncSession]) -> None:
            """A session that says nothing has no connection yet."""
            async with maker() as session:
                await asyncio.sleep(1)
                await session.execute(text("SELECT 1"))
                await asyncio.sleep(0)


        async def told_later(maker: async_sessionmaker[AsyncSession], url: str) -> None:
            """A task that goes its own way."""
            async with maker() as session:
                await session.execute(text("SELECT 1"))
                task = asyncio.create_task(asyncio.sleep(1))
            await task


        def told_when_the_response_is_out(tasks: BackgroundTasks, db: Session) -> None:
            """A task of the framework's."""
            db.execute(text("SELECT 1"))
            tasks.add_task(rest, 1.0)
            tasks.add_task(time.sleep, 1)


        def rest(seconds: float) -> None:
            """Rest."""
            time.sleep(seconds)


        def of_a_page(session: dict[str, str], url: str) -> str | None:
            """Another kind of session."""
            found = session.get("name")
            web.urlopen(url, timeout=2).close()
            return found
        ''',
    )


@unprotected("DB012", "tests/features/inbox/test_summariser.py")
def the_summariser_is_asked_while_the_job_holds_a_connection(service: Service) -> None:
    service.replace(INBOX_JOBS, READ_APART, READ_WITHIN)


@unprotected("DB012", "tests/test_clients.py")
def the_token_is_read_through_the_session_of_every_request(service: Service) -> None:
    service.replace("@/core/http/_dependencies.py", "if _shares_session(request):", "if True:")


@unprotected("DB012", "tests/test_http.py")
def the_token_takes_a_second_connection_beside_that_of_a_dependency(service: Service) -> None:
    service.replace("@/core/http/_dependencies.py", " or bool(_before(dependant.dependencies))", "")
