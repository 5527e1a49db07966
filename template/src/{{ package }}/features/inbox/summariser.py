"""The client of a service that makes a text's items, in place of the rules in `refining.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from ...core.clients import Answer, Client
from ...core.http import Line, Prose
from .models import MOST_ITEMS, ItemKind
from .refining import Draft

__all__ = ["Summariser"]


class _Item(BaseModel):
    kind: ItemKind
    title: Line
    body: Prose
    confidence: Annotated[float, Field(ge=0, le=1)]


class _Items(BaseModel):
    items: list[_Item] = Field(max_length=MOST_ITEMS)


class Summariser(Client):
    """Used where `SERVICE_URLS__SUMMARISER` says where it is."""

    name = "summariser"
    version = "v1"

    async def drafts(self, text: str) -> Answer[list[Draft]]:
        """The items that it sees in a text, in order, 20 at most."""
        answer = await self.read("items", _Items, empty=_Items(items=[]), method="POST", body={"text": text})
        drafts = [Draft(each.kind, each.title, each.body, each.confidence) for each in answer.value.items]
        return Answer(drafts, answer.trouble)
