# Owned by the template.
"""Writes that may be repeated: the response is kept under the caller's key, in the write's own transaction."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import LargeBinary, String, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, user_reference, utc_now
from ._dependencies import CurrentUser, Session
from ._problems import Problem, conflict

__all__ = ["IdempotencyRecord", "Replay", "delete_expired_records", "idempotency", "remember"]


class IdempotencyRecord(Model):
    """What a write answered, so that the same request under the same key gets the same answer."""

    __tablename__ = "idempotency_records"

    owner_id: Mapped[int] = user_reference(primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    media_type: Mapped[str | None] = mapped_column(String(100))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class Replay(Exception):  # noqa: N818 - an answer, not an error
    """The request was answered before; this is that answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("replayed")
        self.response = response


async def idempotency(
    request: Request,
    session: Session,
    user: CurrentUser,
    idempotency_key: Annotated[
        str | SkipJsonSchema[None],  # a header is there or not; it is never null
        Header(
            min_length=1,
            max_length=100,
            pattern=r"^[\x21-\x7e]+$",
            description="Any text of your own. A repeated request with the same key is not carried out again.",
        ),
    ] = None,
) -> None:
    """Claim the caller's key for this request.

    Raises:
        Replay: the same request was answered before.
        Problem: 422 for the same key with another request; 409 while the first one is still being answered.
    """
    if idempotency_key is None:
        return
    digest = hashlib.sha256(
        b"\0".join((request.method.encode(), f"{request.url.path}?{request.url.query}".encode(), await request.body()))
    ).hexdigest()
    record = await session.get(IdempotencyRecord, (user.user_id, idempotency_key))
    if record is None:
        record = IdempotencyRecord(owner_id=user.user_id, key=idempotency_key, request_digest=digest)
        session.add(record)
        try:
            await session.flush()
        except IntegrityError:
            raise conflict(
                f"the request with Idempotency-Key {idempotency_key!r} is being answered: try again"
            ) from None
        request.state.idempotency_record = record
        return
    if record.request_digest != digest:
        raise Problem(422, f"Idempotency-Key {idempotency_key!r} was used for another request: use a new key")
    if record.status is None:
        raise conflict(
            f"the request with Idempotency-Key {idempotency_key!r} was carried out; its response was not kept, "
            "because it is a secret or a stream"
        )
    raise Replay(
        Response(record.body, record.status, headers={"Idempotency-Replayed": "true"}, media_type=record.media_type)
    )


async def remember(request: Request, response: Response, *, keep: bool) -> None:
    """Write the response into the record that `idempotency` claimed, if it did and `keep` is true."""
    record = getattr(request.state, "idempotency_record", None)
    body = getattr(response, "body", None)
    if record is None or not keep or body is None:
        return
    record.status = response.status_code
    record.body = bytes(body)
    record.media_type = response.headers.get("content-type")
    await request.state.session.flush()


async def delete_expired_records(session: AsyncSession, *, older_than: timedelta) -> None:
    """Delete records that are older than that."""
    await session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.created_at < utc_now() - older_than))
