# Owned by the template.
"""Writes to other services, kept as jobs until they have arrived (CL003)."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from .clients import Client, ServiceRefusedError
from .jobs import Job, JobPayload, PermanentError, Run, enqueue, job

__all__ = ["deliver", "deliver_later"]

_ATTEMPTS: Final = 100


class Delivery(JobPayload):
    """What is written to which service."""

    service: str
    method: str
    path: str
    body: JsonValue


@job("core.deliver", attempts=_ATTEMPTS, timeout=60)
async def deliver(run: Run, payload: Delivery) -> None:
    """Write it; tried again with growing pauses, at most five minutes, for about six hours."""
    try:
        client = run.clients.named(payload.service)
        # Failure: an attempt whose answer was lost wrote again. The job's id is the same in each of them.
        await client.write(payload.method, payload.path, payload.body, key=str(run.id))
    except (ServiceRefusedError, LookupError) as error:
        raise PermanentError(str(error)) from error


async def deliver_later(
    session: AsyncSession,
    client: type[Client],
    method: str,
    path: str,
    body: JsonValue,
    *,
    owner_id: int | None = None,
) -> Job:
    """Write to a service as part of the caller's transaction: it is delivered after the commit, or never happened.

    Failure: what was written while the other service was down was lost, though our own user had been told 200.

    Args:
        session: the unit of work that it belongs to.
        client: to which service; a feature lists it as one of its `clients`.
        method: such as "POST".
        path: below the version; quote what comes from people.
        body: sent as JSON.
        owner_id: the user who sees how it goes, as with any job.
    """
    payload = Delivery(service=client.name, method=method, path=path, body=body)
    return await enqueue(session, deliver, payload, owner_id=owner_id)
