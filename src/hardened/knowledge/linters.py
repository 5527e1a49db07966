"""Rules of linters that stand for a failure of the catalogue."""

from __future__ import annotations

RUFF: dict[str, tuple[str, ...]] = {
    "JB009": ("E722", "BLE001", "S110", "S112"),
    "IM001": ("PLC0415",),
    "RN002": ("ASYNC210", "ASYNC212", "ASYNC220", "ASYNC221", "ASYNC222", "ASYNC230", "ASYNC250", "ASYNC251"),
    "RN003": ("DTZ",),
}
"""Ruff's rules, or prefixes of them, by the code of the catalogue."""

UNDECLARED: dict[str, str] = {
    "DEP001": "is imported and declared nowhere, so a new environment does not have it",
    "DEP003": "is imported and here only because something else needs it",
    "DEP004": "is imported by the service and declared for its developers alone",
}
"""Meaning of deptry's rules for a service that is installed with what is declared."""
