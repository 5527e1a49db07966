# Owned by the template.
"""Checklist before a deployment: the checks of start-up, and the parts that the service needs, each asked once."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from alembic.script.revision import RevisionError
from alembic.util import CommandError as AlembicError
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from .application import create_app
from .clients import SharedRedis
from .database import Database, Model
from .database.migrations import differences, pending
from .features import load_features
from .settings import CoreSettings, SettingsError
from .startup import StartupError, StartupProblem, import_modules, problems_of, refuse

__all__ = ["Part", "inspect", "preflight", "refuse_start"]

_SECONDS: Final = 3


@dataclass(frozen=True)
class Part:
    """The state of one part: its problems, or a word on what was found where there are none."""

    name: str
    state: str = "ok"
    problems: tuple[StartupProblem, ...] = ()


def refuse_start(package: str, entry: str) -> None:
    """Import an entry of the service, `main` or `worker`, and refuse to start with every problem at once.

    Raises:
        StartupError: there are problems.
    """
    _, problems = inspect(package, entry)
    refuse(problems)


def inspect(package: str, *entries: str) -> tuple[CoreSettings | None, list[StartupProblem]]:
    """Load the settings, and import the features and these modules of the package.

    Where something fails, the application is put together without it, so that one problem does not hide the next.

    Returns:
        The settings, None where they are refused; and every problem.
    """
    problems = list(import_modules(f"{package}.settings"))
    if problems:
        return None, [*problems, *load_features(package)[1]]
    kind: type[CoreSettings] = importlib.import_module(f"{package}.settings").Settings
    settings: CoreSettings | None = None
    try:
        settings = kind.load()
    except SettingsError as error:
        problems += problems_of(error)
    features, found = load_features(package)
    problems += found
    if not problems:
        for entry in entries:
            problems += import_modules(f"{package}.{entry}", command_line=True)
        return settings, problems
    # The defaults stand in for settings that are refused. A part may read one that has no default (AttributeError), of
    # which the refusal tells already.
    with suppress(AttributeError):
        try:
            create_app(settings or kind.model_construct(), features, title=package)
        except StartupError as error:
            # Where a feature is missing, others lack what it has: only problems of single routes and models are true.
            incomplete = any(each.code in ("IM003", "IM006") for each in found)
            problems += [each for each in error.problems if each.subject or not incomplete]
    return settings, problems


def preflight(package: str, command: str) -> Iterator[Part]:
    """Look at the code and the settings, then ask each part that the settings name; nothing is changed.

    Args:
        package: the service's package.
        command: the name of the service's command, for what to do.
    """
    modules = ("main", "worker", "cli", "core", "features")
    settings, problems = inspect(package, *modules)
    yield Part("service", problems=tuple(dict.fromkeys(problems)))
    if settings is None:
        yield Part("database", "not asked: the settings are refused")
        return
    yield from _ask_database(settings, command, incomplete=bool(problems))
    yield _ask_broker(settings.broker_url)
    yield _ask_redis(settings)


def _ask_database(settings: CoreSettings, command: str, *, incomplete: bool) -> Iterator[Part]:
    database = Database(settings)
    address = settings.database.render_as_string(hide_password=True)
    if database.is_sqlite and not Path(str(settings.database.database)).is_file():
        yield Part("database", f"{address} is not there yet: `{command} serve` makes it")
        return
    if (trouble := asyncio.run(_trouble(database))) is not None:
        hint = "start it, or correct DATABASE_URL"
        yield Part("database", problems=(StartupProblem("DB006", f"{address} does not answer: {trouble}", hint),))
        return
    yield Part("database", f"ok, {address}")
    lacking: list[str] = []
    try:
        lacking = pending(settings)
        behind = tuple(_pending(lacking, command)) if not database.is_sqlite else ()
    except (AlembicError, RevisionError, DBAPIError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        message = f"the migrations here and the database do not fit: {reason}"
        behind = (StartupProblem("DB008", message, "deploy the code that migrated it, or newer"),)
    state = f"{len(lacking)} to come: `{command} serve` migrates the embedded database" if lacking else "ok"
    yield Part("migrations", state, behind)
    if lacking or behind:
        return
    if incomplete:
        yield Part("schema", "not compared: the models are not complete")
        return
    # What the database has besides is not in the service's way, and may be another's.
    drift = [each for each in differences(settings.database, Model.metadata) if not each.startswith("remove ")]
    hint = f'write a migration: `{command} migrate --new "what changed"`'
    yield Part("schema", problems=tuple(StartupProblem("DB008", each, hint) for each in drift))


def _pending(revisions: list[str], command: str) -> Iterator[StartupProblem]:
    if revisions:
        message = f"the database lacks {len(revisions)} migrations ({', '.join(revisions)})"
        yield StartupProblem("DB008", message, f"run `{command} migrate`")


async def _trouble(database: Database) -> str | None:
    try:
        return await database.trouble(_SECONDS)
    finally:
        await database.close()


def _ask_broker(url: SecretStr | None) -> Part:
    if url is None:
        return Part("broker", "not set: `serve` does the jobs itself")
    # Only where there is a broker: Celery's transports are a large import.
    from kombu import Connection  # noqa: PLC0415

    address = url.get_secret_value()
    try:
        with Connection(address, connect_timeout=_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_SECONDS)
    except Exception as error:  # noqa: BLE001 - each transport has errors of its own, and all mean the same here
        return _unanswered("broker", "BROKER_URL", address, f"{type(error).__name__}: {error}")
    return Part("broker", f"ok, {_host(address)}")


def _ask_redis(settings: CoreSettings) -> Part:
    if settings.redis_url is None:
        return Part("redis", "not set: no cache, and open pages hear of their own process alone")
    address = settings.redis_url.get_secret_value()
    trouble = asyncio.run(_redis_trouble(SharedRedis(settings)))
    if trouble is not None:
        return _unanswered("redis", "REDIS_URL", address, trouble)
    return Part("redis", f"ok, {_host(address)}")


async def _redis_trouble(redis: SharedRedis) -> str | None:
    try:
        return await redis.trouble(_SECONDS)
    finally:
        await redis.close()


def _unanswered(name: str, setting: str, address: str, trouble: str) -> Part:
    reason = " ".join(trouble.replace(address, setting).split()).removeprefix("does not answer: ")
    problem = StartupProblem("CF004", f"{_host(address)} does not answer: {reason}", f"start it, or correct {setting}")
    return Part(name, problems=(problem,))


def _host(address: str) -> str:
    """The address without what it takes to log in."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
