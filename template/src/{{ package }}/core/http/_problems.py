# Owned by the template.
"""Errors as problem documents (RFC 9457): what is wrong and where, with an error id and no internals (RT009)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from ..database import IntegerOutOfRangeError

__all__ = [
    "Problem",
    "ProblemDocument",
    "conflict",
    "install_problems",
    "not_found",
    "problem_response",
    "unauthorized",
]

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_SECONDS: Final = "1"
_CONFLICTS: Final = ("23503", "23505")  # a foreign key, a unique key
_MOST_FIELDS: Final = 20

log = structlog.get_logger(__name__)


class FieldProblem(BaseModel):
    """One field of a request that is not right."""

    field: str
    detail: str


class ProblemDocument(BaseModel):
    """The body of every error response."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    error_id: str
    errors: list[FieldProblem] = []


class Problem(Exception):  # noqa: N818 - the term of RFC 9457
    """Raised in a request to answer it with a problem document; the unit of work is rolled back."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`detail` is shown to the caller: say what is wrong with the request and what to do."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers


def not_found(what: str, identifier: object) -> Problem:
    """404, for what is not there and for what is somebody else's alike."""
    return Problem(404, f"there is no {what} {identifier}")


def conflict(detail: str) -> Problem:
    """409, for a request that does not go with the present state."""
    return Problem(409, detail)


def unauthorized(detail: str) -> Problem:
    """401, with the challenge that clients look for."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def problem_response(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    error: BaseException | None = None,
) -> Response:
    """The response for a problem; its error id is in the log under the same name."""
    error_id = uuid4().hex
    document = ProblemDocument(
        title=HTTPStatus(status).phrase, status=status, detail=detail, error_id=error_id, errors=list(errors)
    )
    level = logging.ERROR if status >= 500 else logging.INFO
    log.log(level, "request refused", status=status, detail=detail, error_id=error_id, exc_info=error)
    # ASCII only: a field's name comes from the request and may hold what UTF-8 cannot encode.
    body = json.dumps(document.model_dump(), ensure_ascii=True)
    return Response(body, status, headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(PoolTimeoutError, _pool_exhausted)
    app.add_exception_handler(StatementError, _database)
    app.openapi = _with_problems_documented(app.openapi)  # type: ignore[method-assign]  # FastAPI's way to change it


def _with_problems_documented(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Make the API's document say that a problem has a media type of its own; FastAPI writes one for all."""

    def document() -> dict[str, Any]:
        made = make()
        operations = [operation for path in made["paths"].values() for operation in path.values()]
        for response in [each for operation in operations for each in operation["responses"].values()]:
            content = response.get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            if schema.get("$ref", "").endswith(f"/{ProblemDocument.__name__}"):
                content[MEDIA_TYPE] = content.pop("application/json")
        return made

    return document


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - how the handler is registered
    return problem_response(error.status, error.detail, errors=error.errors, headers=error.headers)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - how the handler is registered
    if error.status_code < 200 or error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    headers = _allowed_methods(request) if error.status_code == 405 else error.headers
    return problem_response(error.status_code, str(error.detail), headers=headers)


def _allowed_methods(request: Request) -> dict[str, str]:
    # Starlette names those of the first route that has the path, and FastAPI makes a route for each method.
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    routes = [each for each in iter_route_contexts(request.app.routes) if getattr(each, "path_regex", None)]
    methods = {method for each in routes if each.path_regex.match(path) for method in each.methods or ()}
    return {"Allow": ", ".join(sorted(methods))}


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - how the handler is registered
    # Only where and why: the value that was sent may be a password. And not all of it: a body of a megabyte had
    # 80,000 wrong fields, and their list of six went into the response and the log.
    found = error.errors()
    errors = [_field_problem(each) for each in found[:_MOST_FIELDS]]
    fields = ", ".join(dict.fromkeys(each.field for each in errors))
    more = f" and {len(found) - _MOST_FIELDS} more" if len(found) > _MOST_FIELDS else ""
    return problem_response(422, f"not valid: {fields}{more}", errors=errors)


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    where, why = error["loc"], str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        where, why = where[:1], f"cannot be read as JSON: {error['ctx']['error']}, at character {where[1]}"
    return FieldProblem(field=".".join(str(part)[:100] for part in where), detail=why[:500])


async def _pool_exhausted(request: Request, error: Exception) -> Response:
    # Failure: a burst waited half a minute for a connection and then got 500. It waits shortly and is told to return.
    return _unavailable("the service is busy: every database connection was in use for too long")


async def _database(request: Request, error: Exception) -> Response:
    assert isinstance(error, StatementError)  # noqa: S101 - how the handler is registered
    if isinstance(error.orig, IntegerOutOfRangeError):
        return problem_response(422, str(error.orig))
    if isinstance(error, DBAPIError) and _is_unavailable(error):
        log.warning("database unavailable", exc_info=error)
        return _unavailable("the database is not available at the moment")
    if isinstance(error, IntegrityError) and _is_conflict(error):
        return problem_response(409, "there is such a row already, or what it refers to is gone or still needed")
    if isinstance(error, DataError):
        return problem_response(422, "a value does not fit its column")
    return unexpected_response(error)


def _unavailable(detail: str) -> Response:
    return problem_response(503, f"{detail}; try again", headers={"Retry-After": _RETRY_SECONDS})


def _is_unavailable(error: DBAPIError) -> bool:
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    # SQLite calls a misspelt column an operational error too; PostgreSQL does not.
    return not type(error.orig).__module__.startswith("sqlite3") or any(
        each in str(error.orig) for each in ("locked", "busy", "unable to open", "disk")
    )


def _is_conflict(error: IntegrityError) -> bool:
    sqlite = any(f"{kind} constraint failed" in str(error.orig) for kind in ("UNIQUE", "FOREIGN KEY"))
    return sqlite or getattr(error.orig, "sqlstate", None) in _CONFLICTS


def unexpected_response(error: BaseException) -> Response:
    """500 for what nobody foresaw: the error is in the log, under the same error id."""
    return problem_response(500, "an unexpected error; its error id finds it in the log", error=error)
