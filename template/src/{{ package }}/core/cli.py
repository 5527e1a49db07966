# Owned by the template.
"""The service's command. Every mistake of a person's ends in one clear line, never in a traceback."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import importlib
import inspect
import logging
import signal
import socket
import sys
import typing
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import uvicorn
from alembic.script.revision import RevisionError
from alembic.util import CommandError as AlembicError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from .database import Database, DatabaseWaitError, Model, unit_of_work
from .database.migrations import MigrationLockError, differences, new_migration, pending, upgrade
from .features import Command, FeatureError, discover, discover_commands
from .jobs import Job, JobState, JobStateError, JobView, request_cancel, retry
from .logs import configure_logs
from .metrics import serve_metrics, shared_by_processes
from .preflight import preflight, refuse_start
from .realtime.protocol import MOST_BYTES, SocketProtocol
from .runtime import Runtime
from .settings import CoreSettings, SettingsError, database_address
from .startup import StartupError
from .terminal import CommandError, errors, say

__all__ = ["create_cli"]

log = logging.getLogger(__name__)

_WORKER_SECONDS = 20
_EXPECTED = (SettingsError, StartupError, FeatureError, DatabaseWaitError, MigrationLockError)


def create_cli(package: str) -> Callable[[], None]:
    """Make the function behind the service's command.

    The core's own commands are there when a feature cannot be imported: `preflight` reports why.
    """

    def main() -> None:
        sys.exit(_run(_application(package)))

    return main


def _run(application: typer.Typer) -> int:
    try:
        application()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except CommandError as error:
        return _refused(str(error))
    except _EXPECTED as error:
        return _refused(str(error))
    except DBAPIError as error:
        reason = str(error.orig).strip() or type(error.orig).__name__
        return _refused(f"the database refused: {reason.splitlines()[0]}")
    except (AlembicError, RevisionError) as error:
        return _refused(f"the migrations here and the database do not fit: {error}; is newer code in use elsewhere?")
    except UnicodeEncodeError:
        return _refused("an argument is not in UTF-8")
    except OSError as error:
        return _refused(f"cannot use {error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if log.isEnabledFor(logging.DEBUG):
            raise
        return _refused(f"{type(error).__name__}: {error}; `preflight` may tell why, LOG_LEVEL=DEBUG shows where")
    return 0


def _refused(reason: str) -> int:
    errors.print("[bold red]error[/]", end=" ")
    errors.print(reason, markup=False)
    return 1


def _application(package: str) -> typer.Typer:
    cli = typer.Typer(
        help=f"The {package.replace('_', '-')} service.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    service = _Service(package)
    cli.command("preflight")(service.preflight)
    cli.command("serve")(service.serve)
    cli.command("worker")(service.worker)
    cli.command("queues")(service.queues)
    cli.command("migrate")(service.migrate)
    cli.command("check-schema")(service.check_schema)
    jobs = typer.Typer(help="Look at jobs, try them again, cancel them.", no_args_is_help=True)
    jobs.command("list")(service.with_runtime(_list_jobs))
    jobs.command("show")(service.with_runtime(_show_job))
    jobs.command("retry")(service.with_runtime(_retry_job))
    jobs.command("cancel")(service.with_runtime(_cancel_job))
    cli.add_typer(jobs, name="jobs")
    # What is wrong with a feature, `preflight` reports itself.
    for command in service.feature_commands() if sys.argv[1:2] != ["preflight"] else ():
        cli.command(command.__name__.replace("_", "-"))(service.with_runtime(command))
    return cli


class _Service:
    """The service as the commands need it; its settings and features are loaded when a command asks."""

    def __init__(self, package: str) -> None:
        self.package = package
        called = Path(sys.argv[0]).stem
        self.command = package.replace("_", "-") if called in ("", "-c", "__main__") else called

    @functools.cached_property
    def settings(self) -> CoreSettings:
        module = importlib.import_module(f"{self.package}.settings")
        settings: CoreSettings = module.Settings.load()
        return settings

    def feature_commands(self) -> list[Command]:
        """The features' commands; none if the features cannot be imported, which `preflight` and `serve` report."""
        try:
            return list(discover_commands(self.package))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a feature, `preflight` must be there to report it
            errors.print(
                f"warning: the features cannot be loaded ({type(error).__name__}: {error}); "
                f"`{self.command} preflight` tells where",
                markup=False,
            )
            return []

    def with_runtime(self, command: Command) -> Callable[..., None]:
        """A command whose first argument, the runtime, is made and closed around it."""

        @functools.wraps(command)
        def run(**arguments: Any) -> None:
            configure_logs(self.settings)
            runtime = Runtime(self.settings, discover(self.package))
            self.refuse_behind()
            asyncio.run(_closing(runtime.database, command(runtime, **arguments)))

        signature = inspect.signature(command)
        hints = typing.get_type_hints(command, include_extras=True)
        kept = list(signature.parameters.values())[1:]
        shown = [parameter.replace(annotation=hints[parameter.name]) for parameter in kept]
        run.__signature__ = signature.replace(parameters=shown, return_annotation=None)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        del run.__wrapped__
        return run

    def refuse_behind(self) -> None:
        """Bring the embedded database up to date, or refuse to work on one that is behind."""
        settings = self.settings
        if settings.database.get_backend_name() != "sqlite":
            asyncio.run(_wait_for_database(settings))
        behind = pending(settings)
        if not behind:
            return
        if settings.database.get_backend_name() == "sqlite":
            upgrade(settings)
            errors.print(f"migrated the embedded database {settings.database.database} to {behind[-1]}", markup=False)
            return
        raise CommandError(
            f"the database lacks {len(behind)} migrations ({', '.join(behind)}): run `{self.command} migrate`"
        )

    def preflight(self) -> None:
        """Look whether the service can start: code, settings, database, broker and Redis. Exit status 1 if not."""
        found = 0
        for part in preflight(self.package, self.command):
            found += len(part.problems)
            for line in map(str, part.problems) if part.problems else (part.state,):
                say(f"{part.name}: {line}")
        if found:
            say(f"{found} problems: the service does not start so, or not as it should")
            sys.exit(1)
        say("the service can start")

    def serve(
        self,
        host: Annotated[str | None, typer.Option(help="Address to listen on; HOST by default.")] = None,
        port: Annotated[int | None, typer.Option(help="Port; PORT by default.", min=1, max=65535)] = None,
        workers: Annotated[int, typer.Option(help="Processes.", min=1, max=64)] = 1,
        reload: Annotated[bool, typer.Option(help="Start again when a file changes.")] = False,
    ) -> None:
        """Serve HTTP. The embedded database is migrated first; any other must be up to date."""
        # Here first, so that what is wrong is said once, all of it, and not by each worker.
        refuse_start(self.package, "main")
        settings = self.settings
        configure_logs(settings)
        self.refuse_behind()
        address, number = host or settings.host, port or settings.port
        _refuse_taken(address, number)
        say(f"serving on http://{address}:{number} (API: http://{address}:{number}/docs), stop with Ctrl-C")
        if settings.redis_url is None and (workers > 1 or settings.broker_url is not None):
            errors.print("warning: without REDIS_URL, open pages are told only of what their own process does")
        # Uvicorn raises once more the signal that ended it. An end that was asked for is no failure of the process.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with shared_by_processes() if workers > 1 else contextlib.nullcontext():
            uvicorn.run(
                f"{self.package}.main:app",
                host=address,
                port=number,
                workers=workers,
                reload=reload,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=settings.shutdown_seconds,
                # Failure: with the five seconds of the default, a busy machine's workers were killed while they
                # were still importing, and started again, for ever. Price: one that dies in the moment that it is
                # asked how it is, is replaced so much later.
                timeout_worker_healthcheck=_WORKER_SECONDS,
                ws=SocketProtocol,
                ws_max_size=MOST_BYTES,
            )

    def worker(
        self,
        queue: Annotated[list[str] | None, typer.Option("--queue", "-Q", help="A queue; all if left out.")] = None,
        concurrency: Annotated[
            int | None, typer.Option("--concurrency", "-c", help="Jobs at a time.", min=1, max=256)
        ] = None,
    ) -> None:
        """Do the jobs that the broker hands on, each in a process. The database must be up to date."""
        refuse_start(self.package, "worker")
        settings = self.settings
        configure_logs(settings)
        self.refuse_behind()
        # Celery is half a second, which only `worker` and `preflight` pay.
        from .worker import run_worker  # noqa: PLC0415

        app = importlib.import_module(f"{self.package}.worker").app
        # While it waits for its broker; Celery's own way to end begins with its work.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with shared_by_processes():
            if settings.metrics_port is not None:
                _refuse_taken(settings.host, settings.metrics_port)
                serve_metrics(settings.host, settings.metrics_port, settings.metrics_token)
            sys.exit(run_worker(app, queues=queue, concurrency=concurrency or settings.worker_concurrency))

    def queues(self) -> None:
        """List the queues that jobs wait in, one in a line."""
        for name in Runtime(self.settings, discover(self.package)).jobs.queues:
            say(name)

    def migrate(
        self,
        new: Annotated[
            str | None,
            typer.Option(metavar="MESSAGE", help="Write a migration for what changed in the models instead."),
        ] = None,
    ) -> None:
        """Bring the database to the newest revision; safe to run from several replicas at once."""
        settings = self.settings
        configure_logs(settings)
        asyncio.run(_wait_for_database(settings))
        if new is None:
            before, after = upgrade(settings)
            say(f"the database is at {after}" if before == after else f"migrated from {before or 'nothing'} to {after}")
            return
        discover(self.package)
        if behind := pending(settings):
            raise CommandError(f"the database lacks {', '.join(behind)}: run `{self.command} migrate` first")
        made = new_migration(settings, new)
        say("the models and the database are the same: nothing to migrate" if made is None else f"wrote {made}")

    def check_schema(
        self, url: Annotated[str, typer.Argument(help="The database to look at; it is only read.")]
    ) -> None:
        """Compare a database with the models. Exit status 1 if they differ."""
        discover(self.package)
        try:
            address = database_address(url)
        except ValueError as error:
            raise CommandError(str(error)) from None
        if address.get_backend_name() == "sqlite" and not Path(str(address.database)).is_file():
            raise CommandError(f"there is no file {address.database}")
        found = differences(address, Model.metadata)
        for line in found:
            say(line)
        shown = address.render_as_string(hide_password=True)
        say(f"{len(found)} differences between the models and {shown}")
        if found:
            sys.exit(1)


async def _closing(database: Database, work: Awaitable[None]) -> None:
    try:
        await work
    finally:
        await database.close()


async def _wait_for_database(settings: CoreSettings) -> None:
    if settings.database.get_backend_name() != "sqlite":
        database = Database(settings)
        await _closing(database, database.wait(settings.database_wait_seconds))


def _refuse_taken(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another process listens there" if taken else error.strerror
        raise CommandError(f"cannot listen on {host}:{port}: {reason}; choose another with --port or --host") from None


async def _list_jobs(
    runtime: Runtime,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 20,
) -> None:
    """List jobs, the newest first."""
    statement = select(Job).order_by(Job.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(Job.state == state)
    if kind is not None:
        statement = statement.where(Job.kind == kind)
    async with unit_of_work(runtime.database, read_only=True) as session:
        rows = list(await session.scalars(statement))
    if not rows:
        say("no jobs" if state is None and kind is None else "no such jobs")
        return
    lines = [("id", "kind", "state", "attempts", "progress", "created", "error")]
    for row in rows:
        attempts, made = f"{row.attempts}/{row.max_attempts}", f"{row.created_at:%Y-%m-%d %H:%M:%S}"
        error = " ".join((row.error or "").split())
        lines.append((str(row.id), row.kind, row.state, attempts, f"{row.progress} %", made, error))
    # No Rich table: it fits the width of the terminal, 80 in a pipe, and an identifier that is cut cannot be copied.
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


async def _show_job(runtime: Runtime, job_id: UUID) -> None:
    """Show a job, as its owner sees it."""
    async with unit_of_work(runtime.database, read_only=True) as session:
        row = await session.get(Job, job_id)
    if row is None:
        raise CommandError(f"there is no job {job_id}: `jobs list` shows those there are")
    say(JobView.of(row).model_dump_json(indent=2))


async def _retry_job(runtime: Runtime, job_id: UUID) -> None:
    """Queue a failed or cancelled job once more."""
    await _change_job(runtime, job_id, retry)
    say(f"job {job_id} is queued; the running service takes it up")


async def _cancel_job(runtime: Runtime, job_id: UUID) -> None:
    """Cancel a queued or running job."""
    await _change_job(runtime, job_id, request_cancel)
    say(f"job {job_id} is cancelled, if it runs at its next heartbeat")


async def _change_job(runtime: Runtime, job_id: UUID, change: Callable[[Any, Job], Coroutine[Any, Any, None]]) -> None:
    async with unit_of_work(runtime.database) as session:
        row = await session.get(Job, job_id, with_for_update={"key_share": True})
        if row is None:
            raise CommandError(f"there is no job {job_id}: `jobs list` shows those there are")
        try:
            await change(session, row)
        except JobStateError as error:
            raise CommandError(str(error)) from None
