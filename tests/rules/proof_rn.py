"""Proofs of RN: what a process shares, and what holds it up."""

from __future__ import annotations

from ._proofs import back, disguise, hurried, look_alike
from ._service import Service, Spot

# RN001: taken once, shared by all


@back("RN001")
def the_time_is_taken_when_the_pipeline_is_built(service: Service) -> Spot:
    service.write(
        "@/features/inbox/pipeline.py",
        """
        from ...core.database import utc_now


        class Pipeline:
            def __init__(self) -> None:
                self.run_timestamp = utc_now()


        pipeline = Pipeline()
        """,
    )
    return service.at("@/features/inbox/pipeline.py", "self.run_timestamp")


@back("RN001")
def it_is_set_on_the_shared_object_at_the_start_of_each_run(service: Service) -> Spot:
    service.write(
        "@/features/inbox/pipeline.py",
        """
        from datetime import datetime

        from ...core.database import utc_now


        class Pipeline:
            def __init__(self) -> None:
                self.run_timestamp: datetime | None = None

            def run(self, text: str) -> str:
                self.run_timestamp = utc_now()
                return f"{self.run_timestamp}: {text}"


        pipeline = Pipeline()
        """,
    )
    service.replace(
        "@/features/inbox/jobs.py",
        "    drafts, by, trouble = await _drafts(run, capture.text)\n",
        "    drafts, by, trouble = await _drafts(run, pipeline.run(capture.text))\n",
    )
    service.replace(
        "@/features/inbox/jobs.py", "from .refining import", "from .pipeline import pipeline\nfrom .refining import"
    )
    return service.at("@/features/inbox/pipeline.py", "self.run_timestamp = utc_now()")


@back("RN001")
def a_default_that_is_called(service: Service) -> Spot:
    service.write(
        "@/features/inbox/notes.py",
        """
        from datetime import UTC, datetime

        from sqlalchemy import DateTime
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model


        class Note(Model):
            __tablename__ = "items"
            __table_args__ = {"extend_existing": True}

            noted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=datetime.now(UTC))
        """.replace('__tablename__ = "items"', "__abstract__ = True").replace(
            '            __table_args__ = {"extend_existing": True}\n', ""
        ),
    )
    return service.at("@/features/inbox/notes.py", "default=datetime.now(UTC)")


@disguise("RN001")
def defaults_of_fields_and_of_functions(service: Service) -> list[Spot]:
    service.write(
        "@/features/inbox/notes.py",
        """
        import time as clock
        from dataclasses import dataclass
        from uuid import UUID, uuid4 as new

        from pydantic import BaseModel, Field

        from ...core.jobs import uuid7

        BATCH_ID = new()


        class Note(BaseModel):
            note_id: UUID = Field(default=new())
            token: str = f"note-{uuid7()}"


        @dataclass
        class Entry:
            at: float = clock.time()


        def since(moment: float = clock.time(), *, batch: UUID = BATCH_ID) -> float:
            return clock.time() - moment
        """.replace("from ...core.jobs import uuid7", "from ...core.jobs._models import uuid7"),
    )
    file = "@/features/inbox/notes.py"
    return [
        service.at(file, "BATCH_ID = new()"),
        service.at(file, "note_id: UUID"),
        service.at(file, "token: str"),
        service.at(file, "at: float"),
        service.at(file, "def since"),
    ]


@disguise("RN001")
def a_cached_factory_and_an_object_in_an_object(service: Service) -> Spot:
    service.write(
        "@/features/exports/journal.py",
        """
        from functools import lru_cache
        from random import randint as some


        class Journal:
            def __init__(self, name: str) -> None:
                number = some(1, 10_000)
                self.file_name = f"{name}-{number}.log"


        class Exporter:
            def __init__(self) -> None:
                self.journal = Journal("exports")


        @lru_cache
        def exporter() -> Exporter:
            return Exporter()
        """,
    )
    return service.at("@/features/exports/journal.py", "self.file_name")


@disguise("RN001")
def the_state_of_the_application_is_set_by_a_route(service: Service) -> list[Spot]:
    service.feature(
        "runs",
        routes="""
        from fastapi import Request

        from ...core.http import CurrentUser, Router
        from .shared import current

        runs = Router("/runs", tags=["runs"])


        @runs.get("")
        async def begin(request: Request, user: CurrentUser) -> dict[str, int]:
            request.app.state.user_id = user.user_id
            current.user_id = user.user_id
            return {"user": current.user_id}
        """,
        shared="""
        class Current:
            user_id: int = 0


        current = Current()
        """,
    )
    file = "@/features/runs/routes.py"
    return [service.at(file, "request.app.state"), service.at(file, "current.user_id = ")]


@hurried("RN001")
def a_report_with_a_service_object(service: Service) -> list[Spot]:
    service.feature(
        "reports",
        routes="""
        import uuid

        from ...core.http import Router
        from .service import ReportService

        reports = Router("/reports", tags=["reports"])
        service = ReportService()


        @reports.post("/daily")
        async def daily() -> dict[str, str]:
            service.report_id = str(uuid.uuid4())
            return {"report": service.build()}
        """,
        service="""
        from datetime import UTC, datetime


        class ReportService:
            def __init__(self) -> None:
                self.report_id = ""
                self.day = datetime.now(tz=UTC).date()

            def build(self) -> str:
                self.stamp = datetime.now(tz=UTC).isoformat()
                return f"{self.report_id}-{self.day}-{self.stamp}"
        """,
    )
    return [
        service.at("@/features/reports/routes.py", "service.report_id"),
        service.at("@/features/reports/service.py", "self.day"),
        service.at("@/features/reports/service.py", "self.stamp ="),
    ]


@look_alike("RN001")
def callables_factories_and_what_is_the_objects_own(service: Service) -> None:
    service.write(
        "@/features/inbox/state.py",
        """
        import random
        import time
        from dataclasses import dataclass, field
        from datetime import UTC, date, datetime
        from uuid import UUID, uuid4

        from pydantic import BaseModel, Field
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model, UtcDateTime, utc_now

        EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
        INSTANCE_ID = uuid4()
        BOOTED_AT = utc_now()


        class Stamped(Model):
            __abstract__ = True

            made_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=lambda: utc_now())


        class Filter(BaseModel):
            filter_id: UUID = Field(default_factory=uuid4)
            since: date = date(2020, 1, 1)
            begun: datetime = EPOCH


        @dataclass
        class Trial:
            number: int = 0
            at: float = field(default_factory=time.time)

            def __post_init__(self) -> None:
                self.trial_id = uuid4()


        class Window:
            def __init__(self) -> None:
                self.opened = time.monotonic()
                self.random = random.Random(7)
                self.count = 0
                self.last_seen = time.time()
                self._greeting: str | None = None

            def greet(self) -> str:
                self.count += 1
                self.last_seen = time.time()
                if self._greeting is None:
                    self._greeting = f"since {utc_now()}"
                return self._greeting


        window = Window()


        def trial(number: int, now: datetime | None = None) -> Trial:
            made = Trial(number)
            made.at = (now or utc_now()).timestamp()
            return made
        """,
    )
    service.replace(
        "@/features/inbox/jobs.py",
        "    drafts, by, trouble = await _drafts(run, capture.text)\n",
        "    trial(1)\n    drafts, by, trouble = await _drafts(run, window.greet() + capture.text)\n",
    )
    service.replace(
        "@/features/inbox/jobs.py",
        "from .summariser import",
        "from .state import trial, window\nfrom .summariser import",
    )


# RN002: the event loop is held up


@back("RN002", also={"DB012"})
def a_route_sleeps(service: Service) -> Spot:
    service.replace(
        "@/features/exports/routes.py", "    job = await enqueue", "    time.sleep(0.1)\n    job = await enqueue"
    )
    service.replace("@/features/exports/routes.py", "from uuid import UUID", "import time\nfrom uuid import UUID")
    return service.at("@/features/exports/routes.py", "time.sleep")


@disguise("RN002")
def under_another_name(service: Service) -> Spot:
    service.write("@/features/inbox/pauses.py", "import time\n\nnap = time.sleep\n")
    service.append(
        "@/features/inbox/jobs.py",
        "\n\nfrom .pauses import nap\n\n\nasync def rest() -> None:\n    nap(1)\n",
    )
    return service.at("@/features/inbox/jobs.py", "    nap(1)")


@disguise("RN002")
def by_way_of_a_plain_function(service: Service) -> Spot:
    service.write(
        "@/features/inbox/reading.py",
        """
        from pathlib import Path


        def words(path: str) -> list[str]:
            return Path(path).read_text().split()
        """,
    )
    service.append(
        "@/features/inbox/jobs.py",
        "\n\nfrom . import reading\n\n\nasync def listed() -> int:\n    return len(reading.words('words'))\n",
    )
    return service.at("@/features/inbox/jobs.py", "reading.words(")


@disguise("RN002")
def a_synchronous_client_of_redis(service: Service) -> Spot:
    service.write(
        "@/features/inbox/marks.py",
        """
        import redis


        async def mark(client: redis.Redis, name: str) -> None:
            with client.pipeline() as pipe:
                pipe.set(name, "1")
            client.set(name, "2")
        """,
    )
    return service.at("@/features/inbox/marks.py", 'client.set(name, "2")')


@disguise("RN002")
def a_command_in_a_job(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py",
        """

        import subprocess


        async def packed() -> bytes:
            return subprocess.check_output(["tar", "--version"])
        """.replace("\n        ", "\n"),
    )
    return service.at("@/features/exports/jobs.py", "subprocess.check_output")


@hurried("RN002", also={"DB003"})
def a_backup_on_demand(service: Service) -> list[Spot]:
    service.feature(
        "backups",
        routes="""
        import sqlite3

        from ...core.http import CurrentUser, Router

        backups = Router("/backups", tags=["backups"])


        def _lines(path: str) -> int:
            with open(path) as file:
                return sum(1 for _ in file)


        @backups.post("")
        async def back_up(user: CurrentUser) -> dict[str, int]:
            connection = sqlite3.connect("var/service.db")
            connection.execute("VACUUM INTO 'var/backup.db'")
            return {"lines": _lines("var/backup.log")}
        """,
    )
    file = "@/features/backups/routes.py"
    return [service.at(file, "sqlite3.connect"), service.at(file, "connection.execute"), service.at(file, "_lines(", 1)]


@look_alike("RN002")
def what_blocks_runs_in_a_thread(service: Service) -> None:
    service.feature(
        "files",
        routes="""
        import asyncio
        import time
        from pathlib import Path

        from fastapi.concurrency import run_in_threadpool

        from ...core.http import CurrentUser, Router
        from ...core.jobs import in_thread

        files = Router("/files", tags=["files"])


        def _read(name: str) -> str:
            time.sleep(0.01)
            return Path(name).read_text()


        @files.get("/plain")
        def plain(user: CurrentUser) -> dict[str, str]:
            return {"text": _read("README.md")}


        @files.get("/thread")
        async def thread(user: CurrentUser) -> dict[str, str]:
            def nested() -> str:
                return open("README.md").read()

            await asyncio.sleep(0)
            first = await asyncio.to_thread(_read, "README.md")
            second = await run_in_threadpool(lambda: _read("README.md"))
            return {"text": first + second + await in_thread(_read, "README.md") + await asyncio.to_thread(nested)}
        """,
        script="""
        import subprocess
        import time


        def main() -> None:
            subprocess.run(["true"], check=True)
            time.sleep(0)
            print(open("README.md").read())


        if __name__ == "__main__":
            main()
        """,
    )


# RN003: moments without a zone


@back("RN003")
def a_naive_now(service: Service) -> Spot:
    service.append(
        "@/features/inbox/jobs.py",
        "\n\nfrom datetime import datetime\n\n\ndef stamp() -> datetime:\n    return datetime.utcnow()\n",
    )
    return service.at("@/features/inbox/jobs.py", "datetime.utcnow()")


@disguise("RN003")
def a_column_without_a_zone(service: Service) -> Spot:
    text = service.read("@/features/inbox/models.py")
    begun = text.index("class Capture(")
    line = text.index("    owner_id: ", begun)
    service.path("@/features/inbox/models.py").write_text(
        text[:line] + "    read_at: Mapped[datetime | None] = mapped_column(DateTime)\n" + text[line:]
    )
    service.replace("@/features/inbox/models.py", "from sqlalchemy import ", "from sqlalchemy import DateTime, ")
    return service.at("@/features/inbox/models.py", "read_at: Mapped")


@disguise("RN003")
def a_column_of_another_type_of_moments(service: Service) -> Spot:
    text = service.read("@/features/inbox/models.py")
    line = text.index("    owner_id: ", text.index("class Capture("))
    service.path("@/features/inbox/models.py").write_text(
        text[:line] + "    read_at: Mapped[datetime | None] = mapped_column(sql.TIMESTAMP())\n" + text[line:]
    )
    service.replace(
        "@/features/inbox/models.py", "from sqlalchemy import ", "import sqlalchemy as sql\nfrom sqlalchemy import "
    )
    return service.at("@/features/inbox/models.py", "read_at: Mapped")


@disguise("RN003")
def moments_that_are_read(service: Service) -> list[Spot]:
    service.write(
        "@/features/inbox/moments.py",
        """
        import datetime as dt


        def read(text: str, seconds: float) -> list[dt.datetime]:
            return [
                dt.datetime.strptime(text, "%Y-%m-%d"),
                dt.datetime.fromtimestamp(seconds),
            ]
        """,
    )
    file = "@/features/inbox/moments.py"
    return [service.at(file, "strptime"), service.at(file, "fromtimestamp")]


@hurried("RN003")
def what_happened_today(service: Service) -> list[Spot]:
    service.feature(
        "today",
        routes="""
        from datetime import datetime, timedelta

        from ...core.http import CurrentUser, Router

        today = Router("/today", tags=["today"])


        @today.get("")
        async def since(user: CurrentUser) -> dict[str, datetime]:
            midnight = datetime.today().replace(hour=0, minute=0)
            return {"since": midnight, "until": datetime.now() + timedelta(days=1)}
        """,
    )
    file = "@/features/today/routes.py"
    return [service.at(file, "datetime.today()"), service.at(file, "datetime.now()")]


@look_alike("RN003")
def moments_with_a_zone_and_dates(service: Service) -> None:
    service.write(
        "@/features/inbox/moments.py",
        """
        from datetime import UTC, date, datetime
        from zoneinfo import ZoneInfo

        from sqlalchemy import Date, DateTime
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model, UtcDateTime

        FIRST = date(2020, 1, 1)


        class Dated(Model):
            __abstract__ = True

            day: Mapped[date] = mapped_column(Date)
            at: Mapped[datetime] = mapped_column(UtcDateTime)
            also_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


        def moments() -> list[datetime]:
            read = datetime.strptime("2026-01-01T00:00:00+0000", "%Y-%m-%dT%H:%M:%S%z")
            return [datetime.now(UTC), datetime.now(tz=ZoneInfo("Europe/Paris")), read]
        """,
    )
