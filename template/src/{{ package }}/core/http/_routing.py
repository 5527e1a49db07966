# Owned by the template.
"""Routers whose routes need a user unless they say otherwise (RT005), and whose writes may be repeated safely."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from ._dependencies import SAFE_METHODS, authenticated
from ._idempotency import Replay, idempotency, remember
from ._problems import ProblemDocument

__all__ = ["Router", "secret_response"]

F = TypeVar("F", bound=Callable[..., Any])

_UNKEPT = "__unkept_response__"


def secret_response(endpoint: F) -> F:
    """Mark an endpoint whose response holds a secret, so that it is not kept for a repeated request (RT008)."""
    setattr(endpoint, _UNKEPT, True)
    return endpoint


class _StrictRequest(Request):
    """Reads JSON as RFC 8259 has it: UTF-8, no name twice in an object, no NaN; all else is a 422 that says so.

    Failure: a check that read the first of two equal names and code that read the last. And what the plain reader
    raises for too deep a nesting, too long a number or bad UTF-8 was answered without a word of which.
    """

    async def json(self) -> Any:
        try:
            return json.loads((await self.body()).decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
        except json.JSONDecodeError:
            raise
        except RecursionError:
            reason = "nested too deeply"
        except UnicodeDecodeError:
            reason = "not in UTF-8"
        except ValueError:
            reason = "a number has too many digits"
        raise json.JSONDecodeError(reason, "", 0)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise json.JSONDecodeError("a name occurs twice in an object", "", 0)
    return found


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no number in JSON", "", 0)


class _Route(APIRoute):
    """Answers a repeated write from the record that was committed with the first one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        keep = not getattr(self.endpoint, _UNKEPT, False)

        async def answer(plain: Request) -> Response:
            request = _StrictRequest(plain.scope, plain.receive)
            try:
                response = await handle(request)
            except Replay as replay:
                return replay.response
            # The session of the request is still open here: the record is committed with what it records.
            await remember(request, response, keep=keep)
            return response

        return answer


class Router(APIRouter):
    """A feature's router: one for each path prefix (RT001)."""

    def __init__(self, prefix: str, *, tags: list[str | Enum], public: bool = False) -> None:
        """Make a router.

        Args:
            prefix: the path that all its routes begin with, such as "/orders".
            tags: headings in the API's documentation.
            public: its routes need no user; the endpoint itself says who may do what.
        """
        documented: dict[int | str, dict[str, Any]] = {
            "4XX": {"model": ProblemDocument, "description": "What is wrong with the request"},
        }
        super().__init__(
            prefix=prefix,
            tags=tags,
            dependencies=[] if public else [Depends(authenticated)],
            route_class=_Route,
            responses=documented,
        )
        self._public = public

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for one of these routes; FastAPI asks each of them, twice, for every request."""
        if "{" not in self.prefix and self.prefix not in scope["path"]:
            return Match.NONE, {}
        return super().matches(scope)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route; a write by a user takes an `Idempotency-Key`."""
        if not self._public and set(options.get("methods") or ["GET"]) - SAFE_METHODS:
            options["dependencies"] = [*(options.get("dependencies") or ()), Depends(idempotency)]
        super().add_api_route(path, endpoint, **options)
