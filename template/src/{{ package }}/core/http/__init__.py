# Owned by the template.
"""How a feature speaks HTTP: routers, the session, the current user, pages, bounded fields and problems."""

from ._collisions import route_problems
from ._dependencies import CurrentUser, Request, Session, authenticated, runtime_of
from ._fields import Day, Id, Line, Prose, RowId
from ._health import health
from ._idempotency import delete_expired_records
from ._jobs import jobs
from ._metrics import metrics, scraper
from ._middleware import BodyLimitMiddleware, RequestLogMiddleware
from ._owned import find_owned, owned
from ._paging import Page, PageQuery, page_of
from ._problems import Problem, ProblemDocument, conflict, install_problems, not_found, unauthorized
from ._routing import Router, secret_response

__all__ = [
    "BodyLimitMiddleware",
    "CurrentUser",
    "Day",
    "Id",
    "Line",
    "Page",
    "PageQuery",
    "Problem",
    "ProblemDocument",
    "Prose",
    "Request",
    "RequestLogMiddleware",
    "Router",
    "RowId",
    "Session",
    "authenticated",
    "conflict",
    "delete_expired_records",
    "find_owned",
    "health",
    "install_problems",
    "jobs",
    "metrics",
    "not_found",
    "owned",
    "page_of",
    "route_problems",
    "runtime_of",
    "scraper",
    "secret_response",
    "unauthorized",
]
