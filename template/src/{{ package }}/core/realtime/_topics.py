# Owned by the template.
"""Topics: what a feature shows live, and how it says that something of it has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import on_commit
from ..identity import Principal

__all__ = ["Notice", "Topic", "publish", "topics_by_name"]

_NOTICES: Final = "notices"


@dataclass(frozen=True)
class Topic:
    """A part of what a user sees live.

    Attributes:
        name: unique in the service.
        state: reads all of it that is this user's; bounded, since it is one frame.
        one: reads the row of this key, None if it is gone or somebody else's; without it a change sends `state` again.
    """

    name: str
    state: Callable[[AsyncSession, Principal], Awaitable[BaseModel]]
    one: Callable[[AsyncSession, Principal, str], Awaitable[BaseModel | None]] | None = None


class Notice(NamedTuple):
    """Something of an owner's has changed; what it is now, the one who tells it reads from the database.

    Failure: two processes published the old and the new state of one row in the wrong order, and the old one stayed
    on the screen. A notice has no state that could be old, and nothing that somebody else must not see.
    """

    owner_id: int
    topic: str
    key: str = ""


def publish(session: AsyncSession, topic: str, *, owner_id: int | None, key: object = "") -> None:
    """Tell the owner's open sockets, once the session's unit of work is committed.

    Args:
        session: the unit of work in which the change happens.
        topic: the name of a `Topic`.
        owner_id: who may know; None for what belongs to nobody, which nobody is told.
        key: which row of it, for a topic with `one`.
    """
    hub = session.info.get("events")
    if hub is None or owner_id is None:
        return
    # One call for all of a transaction's notices, each of them once.
    notices: dict[Notice, None] | None = session.info.get(_NOTICES)
    if notices is None:
        notices = session.info[_NOTICES] = {}
        on_commit(session, lambda: hub.publish(tuple(session.info.pop(_NOTICES))))
    notices[Notice(owner_id, topic, str(key))] = None


def topics_by_name(topics: Iterable[Topic]) -> dict[str, Topic]:
    """The topics of one service; raises ValueError when two have one name."""
    found: dict[str, Topic] = {}
    for topic in topics:
        if topic.name in found:
            raise ValueError(f"two topics are named {topic.name!r}: rename one of them")
        found[topic.name] = topic
    return found
