# Owned by the template.
"""The page `/console`: plain files beside this module, with a policy under which nothing but them can run."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

__all__ = ["console"]

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

console = APIRouter(prefix="/console", include_in_schema=False)


@console.get("")
def page() -> Response:
    """The page; it says nothing about anybody before they log in."""
    return _file("console.html", "text/html")


@console.get("/console.js")
def script() -> Response:
    """Its script."""
    return _file("console.js", "text/javascript")


@console.get("/console.css")
def style() -> Response:
    """Its looks."""
    return _file("console.css", "text/css")


def _file(name: str, media_type: str) -> Response:
    return Response(_content(name), media_type=media_type, headers=_HEADERS)


@cache
def _content(name: str) -> bytes:
    return files(__package__).joinpath("page", name).read_bytes()
