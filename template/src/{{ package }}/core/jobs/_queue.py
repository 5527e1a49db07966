# Owned by the template.
"""The transitions of a job's row: enqueued, claimed under a lease, finished, cancelled, tried again."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar, cast
from uuid import UUID, uuid4

import structlog
from pydantic import BaseModel
from sqlalchemy import Table, and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import Database, on_commit, unit_of_work, utc_now
from ..metrics import attempt_ended, lease_lost
from ..realtime import publish
from ._context import Claim
from ._errors import JobStateError, LeaseLostError
from ._kinds import JobKind, JobPayload
from ._models import FINAL_STATES, JOBS, Job, JobState

__all__ = [
    "claim",
    "delete_finished",
    "enqueue",
    "finish",
    "hand_back",
    "put_back",
    "renew",
    "request_cancel",
    "retry",
    "settle",
    "take_due",
]

P = TypeVar("P", bound=JobPayload)

_BACKOFF_SECONDS: Final = 1.0
_BACKOFF_MAX_SECONDS: Final = 300.0
_ERROR_LENGTH: Final = 2_000

log = structlog.get_logger(__name__)


async def enqueue(
    session: AsyncSession,
    kind: JobKind[P],
    payload: P,
    *,
    owner_id: int | None = None,
    delay: timedelta = timedelta(0),
) -> Job:
    """Write a job into the caller's transaction; it is handed on after the commit, or never existed.

    Args:
        session: the unit of work that the job belongs to (JB006).
        kind: what is to be done.
        payload: with what.
        owner_id: the user who may see, cancel and download it; None for the service's own.
        delay: the earliest time it may run, from now.

    Raises:
        pydantic.ValidationError: the payload is not valid (a model changed after it was made).
    """
    # A payload that was built by model_construct, or changed through a mutable field, is checked like any other.
    checked = kind.payload.model_validate(payload.model_dump())
    dispatcher = session.info.get("dispatcher")
    now = utc_now()
    row = Job(
        kind=kind.name,
        payload=checked.model_dump(mode="json"),
        owner_id=owner_id,
        max_attempts=kind.attempts,
        run_at=now + delay,
        hand_on_at=now + (delay or (dispatcher.reserve if dispatcher is not None else timedelta(0))),
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
    )
    session.add(row)
    await session.flush()
    publish(session, JOBS, owner_id=owner_id, key=row.id)
    if dispatcher is not None and not delay:
        on_commit(session, partial(dispatcher.after_commit, row))
    return row


async def take_due(database: Database, *, limit: int, reserve: timedelta, patience: timedelta) -> list[Job]:
    """Jobs to hand on: those whose time has come, and those whose worker let the lease run out, the oldest first.

    No other process gets them within `reserve`. What nobody takes comes again after as long as it has waited
    already, up to `patience`: often at first, and a queue that is only long is not filled with repetitions.
    """
    now = utc_now()
    ready = and_(
        Job.state.in_((JobState.QUEUED, JobState.RUNNING)),
        Job.hand_on_at <= now,
        or_(Job.state == JobState.QUEUED, Job.lease_until < now),
    )
    # Mostly there is nothing, and on SQLite who only looks need not wait for the one who writes.
    async with unit_of_work(database, read_only=True) as session:
        found = list(await session.scalars(select(Job.id).where(ready).order_by(Job.hand_on_at).limit(limit)))
    if not found:
        return []
    async with unit_of_work(database) as session:
        rows = select(Job).where(Job.id.in_(found), ready).order_by(Job.hand_on_at)
        taken = list(await session.scalars(rows.with_for_update(skip_locked=True)))
        for row in taken:
            waited = now - max(row.run_at, row.lease_until or row.run_at)
            row.hand_on_at = now + min(max(reserve, waited), patience)
    return taken


async def put_back(database: Database, rows: Sequence[Job]) -> None:
    """Make jobs due that were taken and could not be handed on."""
    async with unit_of_work(database) as session:
        await session.execute(update(Job).where(Job.id.in_([row.id for row in rows])).values(hand_on_at=utc_now()))


async def claim(database: Database, job_id: UUID, *, lease: timedelta) -> Claim | None:
    """Take a job that is queued, or whose lease has run out; None if there is nothing to take.

    A job whose attempts are used up by workers that died is failed here, so that poison ends (JB004).
    """
    async with unit_of_work(database) as session:
        now, token = utc_now(), uuid4()
        held = {"held_id": job_id, "token": token, "now": now, "until": now + lease}
        connection = await session.connection()
        # Mostly it is queued and wanted: one statement then.
        row = (await connection.execute(_TAKE_WANTED, held)).one_or_none()
        if row is None:
            if not await _was_left(session, job_id, now):
                return None
            row = (await connection.execute(_TAKE, held)).one()
        publish(session, JOBS, owner_id=row.owner_id, key=job_id)
        return Claim(job_id, token, *row)


async def _was_left(session: AsyncSession, job_id: UUID, now: datetime) -> bool:
    """Whether a worker that died had the job, and it may be tried again; ends it here where it may not."""
    row = await session.get(Job, job_id, with_for_update={"skip_locked": True})
    if row is None or row.state in FINAL_STATES:
        return False
    # Another process may have failed at it since it was found to be due: it waits for its next attempt.
    if row.state is JobState.QUEUED and row.run_at > now:
        return False
    if row.state is JobState.RUNNING and row.lease_until is not None and row.lease_until >= now:
        return False
    if row.state is JobState.RUNNING:
        lease_lost(row.kind)
        log.warning("job was left by a worker that died", job_id=str(job_id), kind=row.kind, attempt=row.attempts)
    if not row.cancel_requested and row.attempts < row.max_attempts:
        return True
    publish(session, JOBS, owner_id=row.owner_id, key=row.id)
    row.state = JobState.CANCELLED if row.cancel_requested else JobState.FAILED
    row.error = None if row.cancel_requested else f"the worker died in each of {row.attempts} attempts"
    row.finished_at, row.lease_token, row.lease_until = now, None, None
    return False


async def renew(database: Database, held: Claim, *, lease: timedelta) -> bool:
    """Keep the lease.

    Returns:
        True if the job is wanted still, False if its owner asked to cancel it.

    Raises:
        LeaseLostError: somebody else has the job now.
    """
    async with unit_of_work(database) as session:
        unwanted = await session.scalar(
            _held(held).values(lease_until=utc_now() + lease).returning(Job.cancel_requested)
        )
    if unwanted is None:
        raise LeaseLostError(f"job {held.job_id}")
    return not unwanted


async def finish(session: AsyncSession, held: Claim, result: BaseModel | None, file: Mapping[str, Any]) -> None:
    """Write success into the transaction of the job's effects, so that both are kept or neither.

    Raises:
        LeaseLostError: somebody else has the job now.
    """
    await session.flush()
    values = {
        "held_id": held.job_id,
        "held_token": held.token,
        "now": utc_now(),
        "result": None if result is None else result.model_dump(mode="json"),
        **dict.fromkeys(_FILE),
        **file,
    }
    connection = await session.connection()
    _applied(session, held, JobState.SUCCEEDED, (await connection.execute(_SUCCEED, values)).one_or_none())


async def settle(database: Database, held: Claim, *, state: JobState, error: str | None) -> None:
    """End a job that did not succeed, in a transaction of its own; raises LeaseLostError."""
    async with unit_of_work(database) as session:
        await _settle(session, held, state=state, error=_storable(error))


async def hand_back(
    database: Database, held: Claim, *, after: timedelta | None = None, error: str | None = None
) -> None:
    """Queue the job again: with back-off and jitter after a failure, at once when the process is told to stop.

    Raises:
        LeaseLostError: somebody else has the job now.
    """
    async with unit_of_work(database) as session:
        run_at = utc_now() + (after or timedelta(0))
        changes: dict[str, Any] = {"run_at": run_at, "hand_on_at": run_at, "error": _storable(error)}
        if after is None:
            changes["attempts"] = held.attempt - 1
        await _apply(session, held, state=JobState.QUEUED, **changes)


def backoff(attempt: int) -> timedelta:
    """How long to wait after so many failed attempts: doubling, bounded, with jitter."""
    longest = min(_BACKOFF_SECONDS * 2 ** (attempt - 1), _BACKOFF_MAX_SECONDS)
    return timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret


async def request_cancel(session: AsyncSession, row: Job) -> None:
    """Cancel a queued job at once and a running one at its next heartbeat.

    Raises:
        JobStateError: it has ended already.
    """
    if row.state in FINAL_STATES:
        raise JobStateError(f"the job is {row.state} already; only a queued or running job can be cancelled")
    row.cancel_requested = True
    publish(session, JOBS, owner_id=row.owner_id, key=row.id)
    if row.state is JobState.QUEUED:
        row.state, row.finished_at = JobState.CANCELLED, utc_now()


async def retry(session: AsyncSession, row: Job) -> None:
    """Queue a failed or cancelled job once more, with all its attempts.

    Raises:
        JobStateError: it is waiting, running or done.
    """
    if row.state not in (JobState.FAILED, JobState.CANCELLED):
        raise JobStateError(f"the job is {row.state}; only a failed or cancelled job can be tried again")
    row.state, row.attempts, row.progress = JobState.QUEUED, 0, 0
    row.error, row.finished_at, row.cancel_requested = None, None, False
    row.run_at = row.hand_on_at = utc_now()
    publish(session, JOBS, owner_id=row.owner_id, key=row.id)


async def delete_finished(session: AsyncSession, *, older_than: timedelta) -> None:
    """Delete what ended so long ago, files included."""
    await session.execute(delete(Job).where(Job.finished_at < utc_now() - older_than))


def _held(held: Claim) -> Any:
    return update(Job).where(Job.id == held.job_id, Job.lease_token == held.token, Job.state == JobState.RUNNING)


def _storable(error: str | None) -> str | None:
    # Failure: PostgreSQL refused a message with a NUL in it, and so the end of the job could not be written.
    if error is None:
        return None
    return error.replace("\x00", "�").encode("utf-8", "replace").decode()[:_ERROR_LENGTH]


async def _settle(session: AsyncSession, held: Claim, *, state: JobState, **values: Any) -> None:
    await _apply(session, held, state=state, finished_at=utc_now(), **values)


async def _apply(session: AsyncSession, held: Claim, **values: Any) -> None:
    statement = _held(held).values(lease_token=None, lease_until=None, **values).returning(Job.id)
    _applied(session, held, values["state"], (await session.execute(statement)).one_or_none())


def _applied(session: AsyncSession, held: Claim, state: JobState, row: object) -> None:
    if row is None:
        raise LeaseLostError(f"job {held.job_id} was taken over by another worker: this attempt's work is dropped")
    attempt_ended(held.kind, state)
    publish(session, JOBS, owner_id=held.owner_id, key=held.job_id)


# The statements of each job's way, made once: to make them for each job cost as much as the rest of it.
_ROWS: Final = cast("Table", Job.__table__)
_FILE: Final = ("file_name", "file_type", "file_size")
_TAKE: Final = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("held_id"))
    .values(
        state=JobState.RUNNING,
        attempts=_ROWS.c.attempts + 1,
        progress=0,
        started_at=bindparam("now"),
        lease_token=bindparam("token"),
        lease_until=bindparam("until"),
    )
    .returning(*(_ROWS.c[name] for name in ("kind", "payload", "owner_id", "attempts", "max_attempts", "request_id")))
)
_TAKE_WANTED: Final = _TAKE.where(
    _ROWS.c.state == JobState.QUEUED,
    _ROWS.c.run_at <= bindparam("now"),
    ~_ROWS.c.cancel_requested,
    _ROWS.c.attempts < _ROWS.c.max_attempts,
)
_SUCCEED: Final = (
    update(_ROWS)
    .where(
        _ROWS.c.id == bindparam("held_id"),
        _ROWS.c.lease_token == bindparam("held_token"),
        _ROWS.c.state == JobState.RUNNING,
    )
    .values(
        state=JobState.SUCCEEDED,
        progress=100,
        error=None,
        finished_at=bindparam("now"),
        lease_token=None,
        lease_until=None,
        result=bindparam("result"),
        **{name: bindparam(name) for name in _FILE},
    )
    .returning(_ROWS.c.id)
)
