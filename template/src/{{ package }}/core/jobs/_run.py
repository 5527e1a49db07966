# Owned by the template.
"""One attempt at a job: it cannot end without its row saying how (JB003, JB005)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from ..database import Database, unit_of_work
from ..settings import CoreSettings
from ._context import Claim, Run
from ._errors import LeaseLostError, PermanentError, UnknownJobKindError
from ._kinds import JobKind, JobRegistry
from ._models import Job, JobState
from ._queue import backoff, claim, finish, hand_back, renew, settle

__all__ = ["InlineDispatcher", "in_thread", "run_job"]

T = TypeVar("T")

_DRAIN_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run a blocking function in a thread, so that the event loop goes on serving others."""
    return await asyncio.to_thread(function, *arguments)


class InlineDispatcher:
    """Runs a job in this process right after its commit, before the response goes out (JB001)."""

    def __init__(self, database: Database, settings: CoreSettings, kinds: JobRegistry) -> None:
        # A job is left for so long to the process that wrote or took it before another one may take it.
        self.reserve = self.patience = timedelta(seconds=settings.job_reserve_seconds)
        self._database = database
        self._settings = settings
        self._kinds = kinds
        self._running = 0
        self._idle = asyncio.Event()

    async def dispatch(self, job_id: UUID) -> None:
        """Run the job; whatever happens to it is in its row, and nothing is raised for it."""
        self._running += 1
        self._idle.clear()
        try:
            await run_job(self._database, self._settings, self._kinds, job_id)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def hand_on(self, rows: Sequence[Job]) -> None:
        """Run what was left lying."""
        for row in rows:
            await self.dispatch(row.id)

    async def after_commit(self, row: Job) -> None:
        """Run the job of a request that has been committed.

        Failure: a request that the stopping server broke off here was answered 500, and it had been carried out.
        The job is handed back, and the request is answered as it deserves.
        """
        if _told_to_stop():
            return
        try:
            await self.dispatch(row.id)
        except asyncio.CancelledError:
            log.warning("a committed request was broken off while its job ran", job_id=str(row.id))

    async def drain(self) -> None:
        """Wait a little for the jobs of requests that were broken off.

        Failure: the server cancels what takes too long when it stops and does not wait for it; the database was
        closed before such a job was handed back, and it lay there until its lease ended.
        """
        if self._running:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), _DRAIN_SECONDS)


async def run_job(database: Database, settings: CoreSettings, kinds: JobRegistry, job_id: UUID) -> bool:
    """Claim a job and run one attempt at it.

    Returns:
        False if there was nothing to claim: it is done, or another worker has it.
    """
    lease = timedelta(seconds=settings.job_lease_seconds)
    try:
        held = await claim(database, job_id, lease=lease)
    except SQLAlchemyError:
        log.warning("job could not be claimed; it stays queued", job_id=str(job_id), exc_info=True)
        return False
    if held is None:
        return False
    with structlog.contextvars.bound_contextvars(
        job_id=str(job_id), kind=held.kind, attempt=held.attempt, **_origin(held)
    ):
        try:
            await _attempt(database, settings, kinds, held)
        except LeaseLostError as error:
            log.warning("lease lost", error=str(error))
        except SQLAlchemyError:
            # The row still says running: when its lease ends, somebody takes it up again.
            log.exception("the end of the job could not be written; it is tried again when its lease ends")
    if _told_to_stop():
        # The job may have kept the cancellation to itself.
        raise asyncio.CancelledError
    return True


def _told_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _origin(held: Claim) -> dict[str, str]:
    return {} if held.request_id is None else {"request_id": held.request_id}


async def _attempt(database: Database, settings: CoreSettings, kinds: JobRegistry, held: Claim) -> None:
    try:
        kind = kinds[held.kind]
        payload = kind.payload.model_validate(held.payload)
    except UnknownJobKindError as error:
        await settle(database, held, state=JobState.FAILED, error=str(error))
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()) or "payload"
        log.warning("job has an invalid payload and is not tried again", fields=fields)
        await settle(database, held, state=JobState.FAILED, error=f"invalid payload: {fields} (JB004)")
    else:
        await _attempt_valid(database, settings, kind, held, payload)


async def _attempt_valid(
    database: Database, settings: CoreSettings, kind: JobKind[Any], held: Claim, payload: Any
) -> None:
    limit = asyncio.timeout(kind.timeout)
    try:
        async with limit, _Heart(database, settings, held) as heart, unit_of_work(database) as session:
            # A job's own jobs wait for the reconciler: run here, they would hold up this one's end.
            session.info.pop("dispatcher", None)
            run = Run(database, settings, held, session)
            heart.start(run)
            result = await kind.function(run, payload)
            heart.stop()
            await finish(session, held, result, run.file)
    except LeaseLostError:
        raise
    except _UnwantedError:
        log.info("job cancelled")
        await settle(database, held, state=JobState.CANCELLED, error=None)
    except asyncio.CancelledError as error:
        if not _told_to_stop():
            # The job's own doing, such as awaiting a task that it had cancelled: an attempt that failed.
            await _failed(database, held, type(error).__name__, error)
            return
        try:
            await asyncio.shield(hand_back(database, held))
            log.warning("job interrupted by shutdown and handed back")
        except (LeaseLostError, SQLAlchemyError):
            log.warning("job could not be handed back; it is taken up when its lease ends", exc_info=True)
        raise
    except PermanentError as error:
        log.warning("job failed", error=str(error))
        await settle(database, held, state=JobState.FAILED, error=str(error))
    except Exception as error:  # noqa: BLE001 - the job's boundary: it is logged and recorded here (JB009)
        reason = f"took longer than {kind.timeout:g} s" if limit.expired() else type(error).__name__
        await _failed(database, held, reason, error)
    else:
        log.info("job succeeded")


async def _failed(database: Database, held: Claim, reason: str, error: BaseException) -> None:
    error_id = uuid4().hex
    log.error("job attempt failed", error_id=error_id, exc_info=error)
    text = f"attempt {held.attempt} of {held.max_attempts}: {reason} (error id {error_id})"
    if held.attempt >= held.max_attempts:
        await settle(database, held, state=JobState.FAILED, error=text)
    else:
        await hand_back(database, held, after=backoff(held.attempt), error=text)


class _UnwantedError(Exception):
    """The job's owner asked to cancel it."""


class _Heart:
    """Renews the lease while the job runs, and stops the job when it is unwanted or somebody else's.

    It is stopped before the job's transaction ends and waited for after that: on SQLite a heartbeat that is under
    way may be waiting for this very transaction.
    """

    def __init__(self, database: Database, settings: CoreSettings, held: Claim) -> None:
        self._database = database
        self._lease = timedelta(seconds=settings.job_lease_seconds)
        self._held = held
        self._worker: asyncio.Task[Any] | None = None
        self._beat: asyncio.Task[None] | None = None
        self._over = False
        self._reason: Exception | None = None

    async def __aenter__(self) -> _Heart:
        self._worker = asyncio.current_task()
        return self

    def start(self, run: Run) -> None:
        """Begin to beat."""
        self._beat = asyncio.create_task(self._beats(run))

    def stop(self) -> None:
        """Beat no more; raises what the job was stopped for, if it was and took no notice."""
        self._end()
        if self._reason is not None:
            raise self._reason

    async def __aexit__(self, *_: object) -> None:
        self._end()
        if self._beat is not None:
            try:
                await asyncio.gather(self._beat, return_exceptions=True)
            except asyncio.CancelledError:
                # Somebody else's, such as the process that is told to stop: it is not the heart's to keep.
                if self._reason is None:
                    raise
        if self._reason is not None and self._worker is not None:
            self._worker.uncancel()
            raise self._reason

    def _end(self) -> None:
        # Failure: a driver answers a cancelled statement with an error of its own now and then, and the heart beat on.
        self._over = True
        if self._beat is not None:
            self._beat.cancel()

    async def _beats(self, run: Run) -> None:
        while not self._over:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            if run.blocks_other_writers:
                continue
            try:
                if await renew(self._database, self._held, lease=self._lease):
                    continue
                self._reason = _UnwantedError(f"job {self._held.job_id}")
            except LeaseLostError as error:
                self._reason = error
            except SQLAlchemyError:
                log.warning("lease could not be renewed", exc_info=True)
                continue
            if self._worker is not None:
                self._worker.cancel()
            return
