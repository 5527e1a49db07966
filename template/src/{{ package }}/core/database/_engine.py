# Owned by the template.
"""The one module that makes engines (DB003), for the service, the migrations and the checks of a schema."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import structlog
from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, text
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

if TYPE_CHECKING:
    from ..settings import CoreSettings

__all__ = ["Database", "DatabaseWaitError", "SessionFactory", "migration_engine", "read_only_engine"]

SessionFactory = Callable[[], AbstractAsyncContextManager[AsyncSession]]

_SQLITE_WAIT_MILLISECONDS: Final = 5_000
_RECYCLE_SECONDS: Final = 1_800
_LOCK_SECONDS: Final = 5
_SILENT_SECONDS: Final = 5.0
_IDLE_SINCE: Final = "idle_since"

log = structlog.get_logger(__name__)


class DatabaseWaitError(Exception):
    """The database did not answer within the time that start-up waits for it."""


class Database:
    """The process's access to its database: one engine, made at first use, for one event loop."""

    def __init__(self, settings: CoreSettings) -> None:
        """Connects to nothing (CL001)."""
        self.url = settings.database
        self.session_info: dict[str, Any] = {}
        self._settings = settings
        self._engine: AsyncEngine | None = None
        self._reading: AsyncEngine | None = None
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None

    @property
    def is_sqlite(self) -> bool:
        """True on the embedded database, which has one writer at a time."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def engine(self) -> AsyncEngine:
        """The engine of this process and event loop.

        Failure: an engine opened before a fork answered one process's query with another's rows; one shared
        between event loops hangs. It is made at first use, and a second loop or process is refused by name.

        Raises:
            RuntimeError: it was made in another process or event loop.
        """
        home = (os.getpid(), asyncio.get_running_loop())
        if self._engine is None:
            self._home, self._engine = home, _async_engine(self.url, self._settings)
            if self.is_sqlite:
                self._reading = _async_engine(self.url, self._settings, reading=True)
            else:
                self._reading = _read_only(self._engine)
        elif self._home != home:
            raise RuntimeError(
                "this Database belongs to another process or event loop: make one for each, after the fork, "
                "and keep one event loop for the life of a process"
            )
        return self._engine

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections of the pools are with somebody now, and how many there may be."""
        pools = {each.pool for each in (self._engine, self._reading) if each is not None}
        used = sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))
        return used, self._settings.database_pool_size * (2 if self.is_sqlite else 1)

    def session(self, *, read_only: bool = False) -> AsyncSession:
        """A session outside any transaction; `unit_of_work` is what requests and jobs use."""
        engine = self.engine
        return AsyncSession(
            self._reading if read_only else engine, expire_on_commit=False, info=dict(self.session_info)
        )

    async def trouble(self, seconds: float) -> str | None:
        """Why the database does not answer a trivial query within so many seconds; None if it does."""
        try:
            async with asyncio.timeout(seconds), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except TimeoutError:
            return "no answer"
        except (SQLAlchemyError, OSError) as error:
            lines = str(getattr(error, "orig", None) or error).strip().splitlines()
            return lines[0] if lines else type(error).__name__
        return None

    async def wait(self, seconds: float) -> None:
        """Wait for the database with a bounded, logged back-off.

        Raises:
            DatabaseWaitError: it did not answer in time.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        pause = 0.2
        while (trouble := await self.trouble(seconds=2.0)) is not None:
            if asyncio.get_running_loop().time() + pause > deadline:
                address = self.url.render_as_string(hide_password=True)
                raise DatabaseWaitError(f"{address} did not answer within {seconds:g} s: {trouble} (DB006)")
            log.warning("waiting for the database", trouble=trouble, retry_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def close(self) -> None:
        """Close all connections; the object can be used again afterwards."""
        engines = (self._engine, self._reading)
        self._engine = self._reading = self._home = None
        for engine in engines:
            if engine is not None:
                await engine.dispose()


def _async_engine(url: URL, settings: CoreSettings, *, reading: bool = False) -> AsyncEngine:
    options: dict[str, Any] = {
        "pool_size": settings.database_pool_size,
        # Failure: overflow connections made the database refuse everybody. Price: a burst waits, then gets 503.
        "max_overflow": 0,
        "pool_timeout": settings.database_pool_wait_seconds,
        "pool_recycle": _RECYCLE_SECONDS,
        # Failure: the message of a refused statement holds its values, and with it they went into the log.
        "hide_parameters": True,
    }
    if url.get_backend_name() == "sqlite":
        # A reader has no transaction that could be rolled back, and each word to SQLite is one to another thread.
        engine = create_async_engine(url, **options, skip_autocommit_rollback=reading)
        _prepare_sqlite(engine.sync_engine, reading=reading)
        event.listen(engine.sync_engine, "connect", _stop_once)
        return engine
    engine = create_async_engine(
        url,
        **options,
        connect_args={
            "connect_timeout": 5,
            "options": f"-c statement_timeout={int(settings.database_statement_seconds * 1000)} -c timezone=UTC "
            "-c idle_in_transaction_session_timeout=60000",
        },
    )
    _hand_out_living(engine.sync_engine)
    return engine


def _read_only(engine: AsyncEngine) -> AsyncEngine:
    """The same pool, with transactions that PostgreSQL lets read alone.

    Failure: as an option of the engine it is set where nobody owns the connection yet: who was cancelled at that moment,
    as the loops of a service that ends, left it open and out of the pool.
    """
    reading = engine.execution_options()

    @event.listens_for(reading.sync_engine, "engine_connect")
    def connected(connection: Connection) -> None:
        try:
            connection.execution_options(postgresql_readonly=True)
        except BaseException:
            connection.close()
            raise

    return reading


def _hand_out_living(engine: Engine) -> None:
    """Ask a connection whether it lives before somebody is handed it (DB006), where there is reason to doubt it.

    Failure: the database went away and came back, and the service kept its dead connections. SQLAlchemy's pre-ping asks
    each time, a tenth of a short request. A server that ends closes its sockets, which the kernel tells for nothing:
    asked is only where there is something to read, or nothing was said for a while, as when a network falls silent.
    """

    @event.listens_for(engine, "checkin")
    def checkin(_: Any, record: Any) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(connection: Any, record: Any, _: Any) -> None:
        idle_since = record.info.get(_IDLE_SINCE)
        if idle_since is None:
            return
        if time.monotonic() - idle_since < _SILENT_SECONDS and not _has_word(connection.driver_connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The others are of the same server: the pool makes all of them anew.
            raise InvalidatePoolError("the connection was closed while nobody had it") from error


def _has_word(connection: Any) -> bool:
    """Whether the other end has sent something, or hung up; True where that cannot be seen."""
    if not hasattr(select, "poll") or connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _stop_once(connection: Any, _: Any) -> None:
    """Let a connection's thread be told to stop once.

    Failure: a statement that was cancelled twice told it twice; the second word was never answered, and a process
    that was to end waited for that answer for ever (aiosqlite 0.22.1).
    """
    connection.driver_connection.stop = cache(connection.driver_connection.stop)


def _prepare_sqlite(
    engine: Engine, *, reading: bool = False, foreign_keys: bool = True, wait: int = _SQLITE_WAIT_MILLISECONDS
) -> None:
    """Make SQLite keep its promises.

    Failure: with the driver's defaults, six threads that each added 60 to a counter ended at 60 without an error,
    and foreign keys were off. A transaction takes the write lock when it begins; who only reads has none, as with
    PostgreSQL's READ COMMITTED each statement sees what is committed, and cannot write.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {wait}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.execute(f"PRAGMA query_only = {'ON' if reading else 'OFF'}")
        cursor.close()

    if not reading:

        @event.listens_for(engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def migration_engine(url: URL, settings: CoreSettings) -> Engine:
    """A synchronous engine without a pool, for migrations: same address, lock and statement timeouts of their own.

    Foreign keys are off on SQLite: there a table is altered by copying and dropping it, and dropping cascades.
    """
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool)
        _prepare_sqlite(engine, foreign_keys=False, wait=int(settings.migration_lock_seconds * 1000))
        return engine
    return create_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "connect_timeout": 5,
            "options": f"-c lock_timeout={_LOCK_SECONDS * 1000} -c timezone=UTC "
            f"-c statement_timeout={int(settings.migration_statement_seconds * 1000)}",
        },
    )


def read_only_engine(url: URL) -> Engine:
    """A synchronous engine whose connections cannot write, to compare a database with the models."""
    if url.get_backend_name() == "sqlite":
        file = URL.create("sqlite", database=f"file:{quote(str(url.database))}", query={"mode": "ro", "uri": "true"})
        return create_engine(file, poolclass=NullPool)
    return create_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "connect_timeout": 5,
            "options": "-c default_transaction_read_only=on -c statement_timeout=60000",
        },
    )
