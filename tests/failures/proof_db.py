"""Proofs of DB: databases."""

from __future__ import annotations

from ._proofs import back, disguise, hurried, look_alike
from ._service import Service, Spot

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
