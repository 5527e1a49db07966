"""Proofs of IM: imports, packages, entry points."""

from __future__ import annotations

from .._template import PACKAGE
from ._proofs import back, disguise, hurried, look_alike, unprotected
from ._service import Service, Spot

PROJECT = "pyproject.toml"
BELOW = '  "rich>=15,<16",\n'
"""The last of the dependencies: what an owner declares stands below it."""


def declare(service: Service, *requirements: str) -> None:
    """Declare these for the service."""
    service.replace(PROJECT, BELOW, BELOW + "".join(f'  "{each}",\n' for each in requirements))


# IM001: used, and declared nowhere


@back("IM001")
def a_package_that_nothing_declares_is_imported_inside_of_a_function(service: Service) -> Spot:
    service.append(
        "@/features/inbox/jobs.py",
        """


        def publish(text: str) -> None:
            import boto3

            boto3.client("sqs").send_message(QueueUrl="captures", MessageBody=text)
        """,
    )
    return service.at("@/features/inbox/jobs.py", "import boto3")


@back("IM001")
def a_driver_that_only_an_address_in_the_settings_names(service: Service) -> Spot:
    service.append("@/settings.py", '\n    reports_url: str = "postgresql+psycopg2://reports@replica/reports"\n')
    return service.at("@/settings.py", "psycopg2")


@disguise("IM001")
def by_importlib_under_another_name(service: Service) -> Spot:
    service.write(
        "@/features/inbox/loading.py",
        """
        from importlib import import_module as load

        boto = None


        def client() -> object:
            global boto
            boto = boto or load("boto3")
            return boto.client("s3")
        """,
    )
    return service.at("@/features/inbox/loading.py", 'load("boto3")')


@disguise("IM001")
def by_the_function_that_import_is_made_of(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py", '\n\ndef numbers() -> object:\n    return __import__("numpy.linalg")\n'
    )
    return service.at("@/features/exports/jobs.py", "__import__")


@disguise("IM001")
def what_only_the_developers_have(service: Service) -> Spot:
    service.write(
        "@/features/inbox/examples.py",
        """
        from hypothesis import strategies

        CAPTURES = strategies.text(min_size=1)
        """,
    )
    return service.at("@/features/inbox/examples.py", "from hypothesis")


@disguise("IM001")
def what_is_there_only_because_something_else_needs_it(service: Service) -> Spot:
    service.write("@/features/inbox/waiting.py", "import anyio as waiting\n\npause = waiting.sleep\n")
    return service.at("@/features/inbox/waiting.py", "import anyio")


@disguise("IM001")
def a_declared_package_is_imported_late_and_nobody_says_why(service: Service) -> Spot:
    service.append(
        "@/features/inbox/counts.py",
        """


        async def forget() -> None:
            from redis import asyncio as connections

            await connections.from_url("redis://localhost").aclose()
        """,
    )
    return service.at("@/features/inbox/counts.py", "from redis import")


@disguise("IM001")
def a_driver_in_the_example_of_the_environment(service: Service) -> Spot:
    service.append(".env.example", "REPORTS_URL=mysql+asyncmy://reports@replica/reports\n")
    return service.at(".env.example", "REPORTS_URL")


@disguise("IM001")
def a_driver_in_the_compose_file(service: Service) -> Spot:
    service.replace(
        "compose.yaml",
        "      METRICS_PORT: ${METRICS_PORT:-}\n",
        "      METRICS_PORT: ${METRICS_PORT:-}\n      REPORTS_URL: ${REPORTS:-mysql+aiomysql://reports@replica:3306/reports}\n",
    )
    return service.at("compose.yaml", "REPORTS_URL")


@disguise("IM001")
def a_driver_for_kubernetes_and_one_for_alembic(service: Service) -> list[Spot]:
    service.replace(
        "deploy/kubernetes/settings.yaml",
        "  ENVIRONMENT: production\n",
        "  ENVIRONMENT: production\n  REPORTS_URL: postgresql+asyncpg://reports@replica/reports\n",
    )
    service.write("alembic.ini", "[alembic]\nscript_location = migrations\nsqlalchemy.url = oracle+oracledb://ledger\n")
    return [service.at("deploy/kubernetes/settings.yaml", "REPORTS_URL"), service.at("alembic.ini", "oracledb")]


@disguise("IM001")
def a_driver_in_an_address_that_is_put_together(service: Service) -> list[Spot]:
    service.write(
        "@/features/exports/addresses.py",
        """
        from sqlalchemy.engine import URL, make_url


        def replica(host: str) -> URL:
            return URL.create("postgresql+asyncpg", host=host)


        def warehouse(host: str, user: str) -> str:
            return f"mssql+pyodbc://{user}@{host}/warehouse"


        def synchronous(url: str) -> URL:
            return make_url(url.replace("postgresql://", "postgresql+pg8000://"))
        """,
    )
    return [service.at("@/features/exports/addresses.py", each) for each in ("asyncpg", "pyodbc", "pg8000")]


@hurried("IM001")
def spreadsheets_in_a_hurry(service: Service) -> list[Spot]:
    service.feature(
        "spreadsheets",
        routes="""
        from starlette.responses import Response

        from ...core.http import Router
        from .writing import workbook

        spreadsheets = Router("/spreadsheets", tags=["spreadsheets"])


        @spreadsheets.get("/monthly", response_class=Response)
        def monthly() -> Response:
            return Response(workbook([["month", "count"]]), media_type="application/vnd.ms-excel")
        """,
        writing="""
        import io


        def workbook(rows: list[list[str]]) -> bytes:
            # Not at the top: it is slow to import.
            from openpyxl import Workbook

            made, stream = Workbook(), io.BytesIO()
            for row in rows:
                made.active.append(row)
            made.save(stream)
            return stream.getvalue()


        def read(path: str) -> object:
            import pandas as pd

            return pd.read_excel(path)
        """,
    )
    return [service.at("@/features/spreadsheets/writing.py", each) for each in ("from openpyxl", "import pandas")]


@look_alike("IM001")
def what_may_be_missing_is_tried_and_what_comes_late_says_why(service: Service) -> None:
    service.append(
        "@/features/inbox/refining.py",
        """

        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from pandas import DataFrame

        try:
            import orjson as fast
        except ImportError:
            fast = None


        def frame(text: str) -> "DataFrame":
            import csv
            import contextlib

            from .by_day import activity

            with contextlib.suppress(ImportError):
                import uvloop
            try:
                import pandas
            except ModuleNotFoundError as error:
                raise RuntimeError("install pandas to make frames") from error
            from celery import Celery  # noqa: PLC0415 - half a second, which nothing else pays

            return pandas.DataFrame([csv, activity, uvloop, Celery, text])
        """,
    )


@look_alike("IM001")
def a_package_whose_module_has_another_name(service: Service) -> None:
    declare(service, "python-dateutil>=2.9,<3", "Jinja_Color[extra] (>=1,<2) ; python_version < '3'")
    service.append("@/features/inbox/by_day.py", "\n\nfrom dateutil import parser\n\nread = parser.isoparse\n")


@look_alike("IM001")
def a_requirement_file_in_utf_16_declares_it(service: Service) -> None:
    service.write(
        "requirements.txt",
        "\ufeff# as PowerShell writes it\r\nanyio>=4,<5 \\\r\n  --hash=sha256:00\r\n".encode("utf-16-le"),
    )
    service.append("@/features/inbox/by_day.py", "\n\nimport anyio\n\npause = anyio.sleep\n")


@look_alike("IM001")
def addresses_that_need_no_driver_or_have_one_or_are_of_others(service: Service) -> None:
    service.append(
        "@/features/exports/schemas.py",
        """

        from sqlalchemy.engine import URL

        LOCAL = "sqlite+aiosqlite:///local.db"
        FILE = "sqlite:///other.db"
        MAIN = "postgresql+psycopg://main"
        HELP = ["write mysql+asyncmy://user@host", "mysql+asyncmy://user@host"]


        def plain(url: str, name: URL) -> bool:
            if url.startswith("postgresql+asyncpg://") or name.drivername == "mysql+aiomysql":
                return url.removeprefix("postgresql+asyncpg://") == url.replace("postgresql+psycopg2://", "x://")
            return url in ("git+ssh://host", "mysql+asyncmy://")
        """,
    )
    service.append(
        ".env.example", "# REPORTS_URL=mysql+asyncmy://reports@replica/reports\nCODE_URL=git+https://host/x\n"
    )
    service.replace(
        "compose.yaml",
        "      POSTGRES_USER: service\n",
        "      POSTGRES_USER: service\n      DATA_SOURCE: mysql+asyncmy://service@elsewhere/service\n",
    )


@unprotected("IM001", "tests/test_imports.py")
def a_dependency_of_the_service_is_taken_off_the_list(service: Service) -> None:
    service.replace(PROJECT, '  "celery[redis]>=5.7,<5.8",\n  "kombu>=5.7,<5.8",\n', "")


# IM002: an extra that is needed is optional


@back("IM002", also={"IM001"})
def the_extra_of_addresses_is_removed(service: Service) -> Spot:
    service.replace(PROJECT, '  "email-validator>=2.4,<3",\n', "")
    return service.at("@/features/accounts/schemas.py", "EmailStr")


@disguise("IM002")
def a_websocket_and_a_server_that_knows_none(service: Service) -> Spot:
    service.replace(PROJECT, "uvicorn[standard]", "uvicorn")
    return service.at("@/core/realtime/routes.py", "@realtime.websocket(")


@disguise("IM002")
def asynchronous_sessions_without_what_they_run_on(service: Service) -> Spot:
    service.replace(PROJECT, "sqlalchemy[asyncio]", "sqlalchemy")
    return service.at("@/core/database/_engine.py", "from sqlalchemy.ext.asyncio import")


@disguise("IM002")
def hashes_without_their_extra(service: Service) -> Spot:
    service.replace(PROJECT, "pwdlib[argon2]", "pwdlib")
    return service.at("@/features/accounts/passwords.py", "from pwdlib.hashers.argon2")


@disguise("IM002", also={"IM001"})
def a_type_below_an_alias_of_its_module_that_developers_alone_have(service: Service) -> Spot:
    service.replace(PROJECT, '  "email-validator>=2.4,<3",\n', "")
    service.replace(PROJECT, '  "pytest>=9.2,<10",\n', '  "pytest>=9.2,<10",\n  "email-validator>=2.4,<3",\n')
    service.replace("@/features/accounts/schemas.py", "ConfigDict, EmailStr, Field", "ConfigDict, Field")
    service.replace("@/features/accounts/schemas.py", "email: EmailStr", "email: p.EmailStr")
    service.replace(
        "@/features/accounts/schemas.py", "from pydantic import", "import pydantic as p\nfrom pydantic import"
    )
    return service.at("@/features/accounts/schemas.py", "p.EmailStr")


@hurried("IM002")
def a_contact_form_in_a_hurry(service: Service) -> Spot:
    service.feature(
        "contact",
        routes="""
        from fastapi import Request

        from ...core.http import Router

        contact = Router("/contact", tags=["contact"])


        @contact.post("/messages")
        async def send(request: Request) -> dict[str, int]:
            form = await request.form()
            return {"length": len(str(form.get("message", "")))}
        """,
    )
    return service.at("@/features/contact/routes.py", "request.form()")


@look_alike("IM002")
def an_extra_brings_it(service: Service) -> None:
    # What is imported by its name is to be declared itself.
    service.replace(
        "@/features/accounts/commands.py",
        "from email_validator import EmailNotValidError, validate_email",
        "from pydantic import validate_email\n\nEmailNotValidError = ValueError",
    )
    service.replace(PROJECT, '  "email-validator>=2.4,<3",\n', "")
    service.replace(PROJECT, '"pydantic>=2.14.4,<3"', '"Pydantic[Email, timezone]>=2.14.4,<3"')
    service.replace(PROJECT, "sqlalchemy[asyncio]", "sqlalchemy[postgresql_asyncpg]")


@look_alike("IM002")
def another_package_brings_it_or_a_requirement_file_in_utf_16(service: Service) -> None:
    service.replace(PROJECT, '  "email-validator>=2.4,<3",\n', "")
    service.replace(PROJECT, "pwdlib[argon2]", "pwdlib")
    service.write("requirements/base.txt", "-r hashes.txt\nEmail_Validator ~= 2.4  # for pydantic\n".encode("utf-16"))
    service.write("requirements/hashes.txt", b"\xef\xbb\xbfpwdlib[bcrypt,argon2]==0.3.1 ; python_version > '3'\n")


@look_alike("IM002")
def names_of_the_projects_own_that_sound_like_it(service: Service) -> None:
    service.append(
        "@/features/inbox/by_day.py",
        """


        class Jinja2Templates:
            def form(self) -> str:
                return "EmailStr, UploadFile"


        class ORJSONResponse(Jinja2Templates): ...


        shown = Jinja2Templates().form()
        """,
    )


@unprotected("IM002", "tests/test_imports.py")
def an_extra_of_the_service_is_taken_off(service: Service) -> None:
    service.replace(PROJECT, "pwdlib[argon2]", "pwdlib")


# IM003: a module that cannot be imported


@back("IM003")
def a_handler_was_removed_and_its_import_was_left(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/routes.py",
        "from .counts import",
        "from .refining import removed_handler\nfrom .counts import",
    )
    return service.at("@/features/inbox/routes.py", "removed_handler")


@disguise("IM003")
def in_a_module_that_the_application_does_not_import(service: Service) -> list[Spot]:
    service.write("@/features/inbox/old.py", "import json\n\nfrom .models import Letter as Old\n\nOLD = json, Old\n")
    service.write("@/features/inbox/older.py", "from . import old\n\nOLDER = old\n")
    service.write("@/features/inbox/ending.py", "import sys\n\nsys.exit('not to be imported')\n")
    return [service.at("@/features/inbox/old.py", "Letter"), service.at("@/features/inbox/ending.py", "sys.exit")]


@disguise("IM003")
def inside_of_a_function_where_it_shows_when_that_is_called(service: Service) -> list[Spot]:
    service.append(
        "@/features/exports/jobs.py",
        """


        def late(kind: str) -> object:
            if kind == "schema":
                from .schemas import Gone

                return Gone
            from ..inbox.letters import Letter

            return Letter
        """,
    )
    return [service.at("@/features/exports/jobs.py", each) for each in ("import Gone", "import Letter")]


@disguise("IM003")
def a_value_that_is_made_at_import_from_what_is_not_there(service: Service) -> Spot:
    service.write(
        "@/features/exports/limits.py",
        """
        from . import schemas


        def limit() -> int:
            return int(schemas.LONGEST_OF_ALL)


        LIMIT = limit()
        """,
    )
    return service.at("@/features/exports/limits.py", "schemas.LONGEST_OF_ALL")


@hurried("IM003")
def a_feature_whose_service_was_never_committed(service: Service) -> Spot:
    service.feature(
        "invoices",
        routes="""
        from ...core.http import Router
        from .service import InvoiceService

        invoices = Router("/invoices", tags=["invoices"])


        @invoices.get("/open")
        async def still_open() -> dict[str, int]:
            return {"count": InvoiceService().count()}
        """,
    )
    return service.at("@/features/invoices/routes.py", "from .service")


@look_alike("IM001")
def the_own_package_where_deptry_is_not_told_of_it(service: Service) -> None:
    service.replace("pyproject.toml", 'known_first_party = ["inbox_demo"]\n', "")
    service.append("@/features/inbox/by_day.py", "\n\nfrom inbox_demo.features.inbox import counts as other_counts\n")


@look_alike("IM003")
def alembics_environment_in_the_package(service: Service) -> None:
    environment = """
    '''What Alembic runs.'''

    from alembic import context
    from sqlalchemy import engine_from_config

    engine = engine_from_config(context.config.get_section("alembic") or {})
    """
    service.write("@/others/__init__.py", "")
    service.write("@/others/script.py.mako", "")
    service.write("@/others/env.py", environment)
    service.write("@/history/__init__.py", "")
    service.write("@/history/env.py", environment)
    service.write("alembic.ini", "[alembic]\nscript_location = %(here)s/src/inbox_demo/history\n")
    service.write("@/elsewhere/__init__.py", "")
    service.write("@/elsewhere/env.py", environment)
    service.write("@/elsewhere/alembic.ini", "[alembic]\nscript_location = inbox_demo:elsewhere\n")


@look_alike("IM003")
def imports_that_are_tried_and_files_that_are_run(service: Service) -> None:
    service.write("@/features/inbox/__main__.py", "raise SystemExit('it ran')\n")
    service.write("@/features/inbox/one-off.py", "raise RuntimeError('no module has this name')\n")
    service.append(
        "@/features/inbox/by_day.py",
        """

        try:
            from .refining import faster as refined
        except ImportError:
            from .refining import refine as refined


        def late() -> object:
            from . import counts, jobs as work
            from .models import Capture
            from ...core.database import Model

            try:
                from .refining import fastest
            except ImportError:
                fastest = refined
            return counts, work, Capture, Model, fastest
        """,
    )


@unprotected("IM003", "tests/test_imports.py")
def a_module_that_nothing_imports_is_broken(service: Service) -> None:
    service.write("@/features/inbox/old.py", "from .models import Letter\n\nOLD = Letter\n")


# IM004: two things under one name


@back("IM004")
def a_folder_of_settings_beside_the_module(service: Service) -> list[Spot]:
    service.write("@/settings/production.py", "WORKERS = 4\n")
    return [Spot(service.name("@/settings.py")), Spot(service.name("@/settings"))]


@disguise("IM004")
def a_package_beside_a_module_deeper_down(service: Service) -> Spot:
    service.write("@/features/inbox/prompts.py", 'REFINE = "Refine this"\n')
    service.write("@/features/inbox/prompts/__init__.py", "")
    service.write("@/features/inbox/prompts/short.py", 'REFINE = "Shorter"\n')
    return Spot(service.name("@/features/inbox/prompts.py"))


@disguise("IM004")
def a_module_that_hides_the_standard_one(service: Service) -> Spot:
    service.write(
        "src/statistics.py", "def mean(values: list[float]) -> float:\n    return sum(values) / len(values)\n"
    )
    return Spot("src/statistics.py")


@disguise("IM004")
def a_package_that_hides_an_installed_one(service: Service) -> Spot:
    service.write("src/sortedcontainers/__init__.py", "class SortedList(list[int]): ...\n")
    return Spot("src/sortedcontainers")


@disguise("IM004")
def a_file_for_the_worker_in_the_projects_folder(service: Service) -> Spot:
    service.write("celery.py", f"from {PACKAGE}.worker import app\n\n__all__ = ['app']\n")
    return Spot("celery.py")


@disguise("IM004")
def a_folder_of_modules_that_is_no_package(service: Service) -> Spot:
    service.write("@/features/inbox/rules/long.py", "MOST = 10_000\n")
    return Spot(service.name("@/features/inbox/rules"))


@hurried("IM004")
def prompts_that_grew_in_a_hurry(service: Service) -> list[Spot]:
    service.feature(
        "adviser",
        routes="""
        from ...core.http import Router
        from .prompts import GREETING

        adviser = Router("/adviser", tags=["adviser"])


        @adviser.get("/greeting")
        async def greeting() -> dict[str, str]:
            return {"text": GREETING}
        """,
        prompts='GREETING = "Good morning"\n',
    )
    service.write("@/features/adviser/prompts/german.py", 'GREETING = "Guten Morgen"\n')
    return [Spot(service.name("@/features/adviser/prompts.py")), Spot(service.name("@/features/adviser/prompts"))]


@look_alike("IM004")
def folders_and_modules_that_are_in_nobodys_way(service: Service) -> None:
    service.write("redis/redis.conf", "maxmemory 256mb\n")
    service.write("celery/notes.md", "How workers are started.\n")
    service.write("logging/config.json", "{}\n")
    service.write("@/features/inbox/words.py", "WORDS = ('a', 'b')\n")
    service.write("@/features/inbox/words/english.txt", "a\nb\n")
    service.write("@/features/inbox/data/2026/words.csv", "a,b\n")
    service.write("@/features/inbox/logging.py", '"""Imports are absolute: this hides nothing."""\n')
    service.write("@/features/inbox/celery/__init__.py", '"""Nor does this."""\n')
    service.write("@/features/inbox/project-template/main.py", "x = 1\n")


# IM005: an entry point that names what is not there


@back("IM005")
def the_application_was_renamed(service: Service) -> Spot:
    service.replace("@/main.py", "app = create_app(", "application = create_app(")
    return service.at(PROJECT, "preset = ")


@back("IM005")
def the_images_command_was_changed(service: Service) -> Spot:
    service.replace("Dockerfile", 'CMD ["serve"]', f'CMD ["uvicorn", "{PACKAGE}.application:app"]')
    return service.at("Dockerfile", "CMD [")


@disguise("IM005", also={"JB002"})
def the_images_command_is_spelt_like_the_package(service: Service) -> Spot:
    service.replace("Dockerfile", 'ENTRYPOINT ["inbox-demo"]', f'ENTRYPOINT ["/app/.venv/bin/{PACKAGE}"]')
    return service.at("Dockerfile", "ENTRYPOINT")


@disguise("IM005")
def a_script_whose_function_was_renamed(service: Service) -> Spot:
    service.replace("@/cli.py", "main = create_cli", "cli = create_cli")
    return service.at(PROJECT, ".cli:main")


@disguise("IM005")
def a_health_check_of_a_module_that_was_moved(service: Service) -> Spot:
    service.replace("compose.yaml", f"{PACKAGE}.core.worker_health", f"{PACKAGE}.core.health.worker")
    return service.at("compose.yaml", "core.health.worker")


@disguise("IM005")
def in_source_and_behind_a_shell(service: Service) -> list[Spot]:
    service.write(
        "@/features/inbox/serving.py",
        f"""
        import uvicorn as server


        def serve() -> None:
            server.run("{PACKAGE}.main:make_app", factory=True, port=8001)
        """,
    )
    service.write(
        "Procfile",
        f"admin: sh -c 'sleep 1 && exec gunicorn -b :8002 -k uvicorn.workers.UvicornWorker {PACKAGE}.admin:app'\n",
    )
    return [service.at("@/features/inbox/serving.py", "make_app"), service.at("Procfile", "admin")]


@disguise("IM005")
def a_package_that_cannot_be_run_and_an_entry_point_of_fastapi(service: Service) -> list[Spot]:
    service.append(PROJECT, f'\n[tool.fastapi]\nentrypoint = "{PACKAGE}.asgi:app"\n')
    service.write("Procfile", f"warm: python3 -X dev -m {PACKAGE}.core\n")
    return [service.at(PROJECT, "entrypoint ="), service.at("Procfile", "warm")]


@hurried("IM005", also={"CF002"})
def a_scheduler_in_a_hurry(service: Service) -> Spot:
    service.feature("reminders", schedule="import time\n\nif __name__ == '__main__':\n    time.sleep(60)\n")
    service.replace(
        "compose.yaml",
        "  # Yours: add below this line.\n",
        f"""  # Yours: add below this line.
  scheduler:
    <<: *service
    entrypoint: [python, -m, {PACKAGE}.features.reminders.scheduler]
    environment: *environment
    restart: unless-stopped
    healthcheck:
      test: [CMD, python, -c, "import os; os.kill(1, 0)"]
      interval: 15s
""",
    )
    return service.at("compose.yaml", "reminders.scheduler")


@look_alike("IM005")
def commands_of_others_and_names_that_are_bound_in_other_ways(service: Service) -> None:
    service.write(
        "@/features/inbox/serving.py",
        """
        import uvicorn

        from .bound import *  # noqa: F403 - all of it

        try:
            from .other import second
        except ImportError:
            second = None
        if (third := 3) and True:
            fourth, (fifth, *sixth) = 4, (5, 6)
        """,
    )
    service.write("@/features/inbox/bound.py", "def first() -> None: ...\n")
    service.write(
        "@/features/inbox/other.py",
        "import uvicorn\n\nfor second in (1, 2):\n    pass\n\n\ndef run(name: str) -> None:\n    uvicorn.run(f'{name}.main:app')\n",
    )
    lines = [
        f"{each}: uvicorn --port 9 {PACKAGE}.features.inbox.serving:{each}" for each in ("first", "second", "third")
    ]
    lines += [f"{each}: hypercorn {PACKAGE}.features.inbox.serving:{each}" for each in ("fourth", "fifth", "sixth")]
    lines += ["installed: python -m http.server 8000", "tool: python -m uvicorn --help", "told: uvicorn $APPLICATION"]
    lines += [
        f"bound: gunicorn --bind unix:socket.sock {PACKAGE}.main:app",
        f"folder: uvicorn --app-dir src/{PACKAGE} main:app",
    ]
    lines += ["unknown: uvicorn ${MODULE}:app", "script: python bootstrap.py lint"]
    service.write("Procfile", "\n".join(lines) + "\n")
    service.replace(
        "compose.yaml",
        "    image: valkey/valkey:9.0.0-alpine\n",
        "    image: valkey/valkey:9.0.0-alpine\n    entrypoint: [python, -m, sidecar.main]\n",
    )


# IM006: a file that does not compile


@back("IM006")
def half_of_a_comprehension(service: Service) -> Spot:
    service.write(
        "@/features/inbox/totals.py",
        """
        def totals(rows: list[list[int]]) -> list[int]:
            return [sum(row) for row in]
        """,
    )
    return service.at("@/features/inbox/totals.py", "sum(row)")


@disguise("IM006")
def only_compiling_finds_it(service: Service) -> Spot:
    service.write("@/features/inbox/totals.py", "TOTAL = 1\n\nif TOTAL:\n    return\n")
    return service.at("@/features/inbox/totals.py", "return")


@disguise("IM006")
def in_a_test_of_a_folder(service: Service) -> Spot:
    service.write("tests/unit/__init__.py", "")
    service.write("tests/unit/test_totals.py", "def test_totals() -> None:\n    assert (1, 2\n")
    return service.at("tests/unit/test_totals.py", "assert (1")


@disguise("IM006")
def bytes_that_are_no_text(service: Service) -> Spot:
    service.write("@/features/inbox/names.py", b"NAME = 'caf\xe9'\n")
    return Spot(service.name("@/features/inbox/names.py"), 1)


@hurried("IM006")
def a_conflict_that_was_committed(service: Service) -> Spot:
    service.feature(
        "labels",
        colours='COLOURS = {\n    "red": 1,\n<<<<<<< HEAD\n    "green": 2,\n=======\n    "blue": 2,\n>>>>>>> labels\n}\n',
    )
    return service.at("@/features/labels/colours.py", "<<<<<<<")


@look_alike("IM006")
def files_that_the_projects_own_python_reads(service: Service) -> None:
    service.write("@/features/inbox/marked.py", b'\xef\xbb\xbf"""A mark of the byte order."""\n')
    service.write("@/features/inbox/latin.py", b"# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\n")
    service.write(
        "@/features/inbox/newer.py",
        """
        def told(value: object) -> str:
            match value:
                case {"kind": str(kind), **rest} if rest:
                    return f"{kind!r:>10}"
                case [*_]:
                    return "several"
            try:
                raise ExceptionGroup("several", [ValueError()])
            except* ValueError:
                pass
            return "\\d"
        """,
    )
    service.write("@/features/inbox/page.py.txt", "def f(:\n")
    service.write("@/features/inbox/empty.py", "")


# IM007: a package that is banned


@back("IM007", also={"IM001", "IM003"})
def the_wrapper_is_declared_and_imported(service: Service) -> list[Spot]:
    declare(service, "passlib[bcrypt]>=1.7.4,<2")
    service.replace(
        "@/features/accounts/passwords.py",
        "from pwdlib import",
        "from passlib.context import CryptContext\nfrom pwdlib import",
    )
    return [service.at(PROJECT, '"passlib[bcrypt]'), service.at("@/features/accounts/passwords.py", "CryptContext")]


@disguise("IM007")
def declared_and_imported_by_nobody_yet(service: Service) -> Spot:
    declare(service, "PassLib == 1.7.4")
    return service.at(PROJECT, '"PassLib')


@disguise("IM007", also={"IM001"})
def late_and_under_another_name(service: Service) -> Spot:
    service.append(
        "@/features/accounts/tokens.py",
        """


        def legacy(token: str) -> str:
            import passlib.hash as hashes

            return str(hashes.bcrypt.hash(token))
        """,
    )
    return service.at("@/features/accounts/tokens.py", "passlib.hash")


@disguise("IM007", also={"CL005", "IM001"})
def by_its_name_and_by_a_requirement_file_in_utf_16(service: Service) -> list[Spot]:
    service.write("requirements-dev.txt", "# for old hashes\r\npasslib\r\n".encode("utf-16"))
    service.append(
        "@/features/accounts/tokens.py",
        '\n\nimport importlib as by_name\n\n\ndef old() -> object:\n    return by_name.import_module("passlib.handlers.bcrypt")\n',
    )
    return [Spot("requirements-dev.txt", 2), service.at("@/features/accounts/tokens.py", "passlib.handlers")]


@hurried("IM007", also={"CL005", "IM001"})
def partners_with_passwords_of_their_own(service: Service) -> list[Spot]:
    declare(service, "passlib[argon2]>=1.7")
    service.feature(
        "partners",
        routes="""
        from ...core.http import Router

        partners = Router("/partners", tags=["partners"])


        def _hash(password: str) -> str:
            from passlib.context import CryptContext

            return str(CryptContext(schemes=["argon2"]).hash(password))


        @partners.post("/hashes")
        def made(password: str) -> dict[str, str]:
            return {"hash": _hash(password)}
        """,
    )
    return [service.at(PROJECT, '"passlib[argon2]'), service.at("@/features/partners/routes.py", "from passlib")]


@look_alike("IM007")
def what_is_only_called_like_it(service: Service) -> None:
    service.write(
        "@/features/accounts/passlib_hashes.py", '"""Hashes that passlib once wrote: $2b$."""\n\npasslib = "$2b$"\n'
    )
    service.append(
        "@/features/accounts/tokens.py", "\n\nfrom . import passlib_hashes\n\nOLD = passlib_hashes.passlib\n"
    )
    service.replace(PROJECT, '  "pytest>=9.2,<10",\n', '  "pytest>=9.2,<10",\n  "types-passlib>=1.7,<2",\n')


# IM008: a framework is bounded, and what it is made on is not


@back("IM008", also={"IM001"})
def what_the_framework_is_made_on_is_not_declared(service: Service) -> list[Spot]:
    service.replace(PROJECT, '  "starlette>=1.10,<2",\n', "")
    service.replace(PROJECT, '  "kombu>=5.7,<5.8",\n', "")
    return [service.at(PROJECT, '"fastapi>=0.165'), service.at(PROJECT, '"celery[redis]')]


@disguise("IM008", also={"CL005"})
def declared_without_a_bound(service: Service) -> list[Spot]:
    service.replace(PROJECT, '"starlette>=1.10,<2"', '"starlette>=1.10,!=1.11"')
    service.replace(PROJECT, '"kombu>=5.7,<5.8"', '"Kombu[redis]"')
    return [service.at(PROJECT, '"starlette>=1.10'), service.at(PROJECT, '"Kombu')]


@disguise("IM008", also={"IM001"})
def bounded_for_the_developers_alone(service: Service) -> Spot:
    service.replace(PROJECT, '  "kombu>=5.7,<5.8",\n', "")
    service.replace(PROJECT, '  "pytest>=9.2,<10",\n', '  "pytest>=9.2,<10",\n  "kombu>=5.7,<5.8",\n')
    return service.at(PROJECT, '"celery[redis]')


@disguise("IM008", also={"IM001"})
def bounded_where_only_developers_look(service: Service) -> Spot:
    service.replace(PROJECT, '  "starlette>=1.10,<2",\n', "")
    service.write("requirements-dev.txt", "starlette>=1.10,<2\n")
    return service.at(PROJECT, '"fastapi>=0.165')


@hurried("IM008", also={"CL005"})
def the_newest_of_everything(service: Service) -> list[Spot]:
    service.replace(PROJECT, '"starlette>=1.10,<2"', '"starlette"')
    service.replace(PROJECT, '"kombu>=5.7,<5.8"', '"kombu>=5.7"')
    service.feature(
        "states",
        routes="""
        from starlette.status import HTTP_200_OK

        from ...core.http import Router

        states = Router("/states", tags=["states"])


        @states.get("/now", status_code=HTTP_200_OK)
        async def now() -> dict[str, str]:
            return {"state": "ready"}
        """,
    )
    return [service.at(PROJECT, '"starlette"'), service.at(PROJECT, '"kombu>=5.7"')]


@look_alike("IM008")
def bounds_that_are_written_in_other_ways(service: Service) -> None:
    service.replace(PROJECT, '"starlette>=1.10,<2"', '"Starlette[full] ~= 1.10"')
    service.replace(PROJECT, '  "kombu>=5.7,<5.8",\n', "  \"kombu>=5.7.0, == 5.7.* ; python_version >= '3.11'\",\n")
