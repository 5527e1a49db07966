"""Inbox, an example: a text is captured, a job refines it into items, and its owner accepts or dismisses each."""

from ...core.features import Feature
from .by_day import DayActivity, activity
from .counts import counts
from .jobs import refine_capture
from .models import ItemState
from .routes import inbox, ingest
from .summariser import Summariser

__all__ = ["DayActivity", "ItemState", "activity", "feature"]

feature = Feature(routers=(ingest, inbox), jobs=(refine_capture,), clients=(Summariser,), topics=(counts,))
