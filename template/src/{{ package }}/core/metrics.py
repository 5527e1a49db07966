# Owned by the template.
"""What a process counts for Prometheus, added up over all processes of its machine where there are several."""

from __future__ import annotations

import hmac
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from prometheus_client.registry import Collector
    from pydantic import SecretStr

__all__ = [
    "add",
    "are_shared",
    "attempt_ended",
    "is_allowed",
    "lease_lost",
    "render",
    "request_ended",
    "sample",
    "serve_metrics",
    "shared_by_processes",
]

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
# Those that OpenTelemetry advises, and FastAPI's own metric has.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_ENDS: Final = ("succeeded", "failed", "cancelled", "queued")
_BREAKER_STATES: Final = ("closed", "half-open", "open")


class _Instruments:
    """The metrics of this process, made once, at the first use."""

    def __init__(self) -> None:
        # A twentieth of the application's import; and where processes share their numbers, that has to be known before.
        import prometheus_client  # noqa: PLC0415
        from prometheus_client import values  # noqa: PLC0415

        self.folder = Path(os.environ[_FOLDER]) if are_shared() else None
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            values.ValueClass = values.MultiProcessValue(_slot)  # type: ignore[no-untyped-call]  # the library's
        self.added: list[Collector] = []
        self.requests = prometheus_client.Histogram(
            "http_server_request_duration_seconds",
            "Requests by the template of their route, and how long they took; no route is an unknown path.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=_SECONDS,
        )
        self.leases = prometheus_client.Counter(
            "background_job_leases_lost",
            "Jobs that were taken over from a worker that died, or hung for longer than its lease.",
            ("kind",),
        )
        self.attempts = prometheus_client.Counter(
            "background_job_attempts",
            "Attempts at jobs by the state that each left its job in; queued is once more.",
            ("kind", "state"),
        )
        self.in_use = prometheus_client.Gauge(
            "pool_connections_in_use", "Connections that are with somebody now.", ("pool",), multiprocess_mode="livesum"
        )
        self.most = prometheus_client.Gauge(
            "pool_connections_max", "Connections that the pools may have.", ("pool",), multiprocess_mode="livesum"
        )
        self.breakers = prometheus_client.Gauge(
            "circuit_breaker_processes",
            "Processes whose breaker is in this state.",
            ("breaker", "state"),
            multiprocess_mode="livesum",
        )

    def collected(self) -> Collector:
        """All processes' numbers, and in one process what else there is in the library's registry."""
        from prometheus_client import REGISTRY  # noqa: PLC0415
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        if self.folder is None:
            return REGISTRY
        _forget_the_dead(self.folder)
        return MultiProcessCollector(None, str(self.folder))  # type: ignore[no-untyped-call]  # the library's


_all = cache(_Instruments)


def add(more: Collector) -> None:
    """Tell this too, at each scrape that this process answers."""
    _all().added.append(more)


def request_ended(method: str, route: str, status: int | None, seconds: float) -> None:
    """Count a request.

    Failure: a scanner asks for a thousand paths, each was a time series of its own, and Prometheus ran out of
    memory. So there is no path here, and a method is a known one.

    Args:
        method: as it was asked; an unknown one counts as `_OTHER`.
        route: the template, such as "/jobs/{job_id}"; empty for a path that nothing serves.
        status: of the response; None if there was none, because the client went away or the server stopped.
        seconds: until the response was sent.
    """
    known = method if method in _METHODS else "_OTHER"
    _all().requests.labels(known, route, "none" if status is None else status).observe(seconds)


def attempt_ended(kind: str, state: str) -> None:
    """Count an attempt at a job, by the state that it left the job in."""
    _all().attempts.labels(kind, state).inc()


def lease_lost(kind: str) -> None:
    """Count a job that is taken over because its worker let the lease run out."""
    _all().leases.labels(kind).inc()


def sample(pools: Mapping[str, tuple[int, int]], breakers: Mapping[str, str], kinds: Iterable[str]) -> None:
    """Write down what cannot be counted.

    Args:
        pools: by name, how many connections are in use and how many there may be.
        breakers: by name, the state: "closed", "half-open" or "open".
        kinds: of jobs, whose counters begin at zero and not at their first event.
    """
    instruments = _all()
    for name, (used, most) in pools.items():
        instruments.in_use.labels(name).set(used)
        instruments.most.labels(name).set(most)
    for name, now in breakers.items():
        for state in _BREAKER_STATES:
            instruments.breakers.labels(name, state).set(state == now)
    for kind in kinds:
        instruments.leases.labels(kind)
        for state in _ENDS:
            instruments.attempts.labels(kind, state)


def render(accept: str, more: Collection[Collector] = ()) -> tuple[bytes, str]:
    """What Prometheus reads, of all processes, and its media type.

    Args:
        accept: the request's header; OpenMetrics where it is asked for, else the text format.
        more: what is added to that.
    """
    from prometheus_client import CollectorRegistry, exposition  # noqa: PLC0415

    encode, media_type = exposition.choose_encoder(accept)
    registry = CollectorRegistry()
    for each in (_all().collected(), *_all().added, *more):
        registry.register(each)
    return encode(registry), media_type


def are_shared() -> bool:
    """True if several processes add up their numbers; then each has to write down what it has in use, as it goes."""
    return _FOLDER in os.environ


def is_allowed(authorization: str, token: SecretStr | None) -> bool:
    """True if a request's `Authorization` may see metrics: it has the token, or none is asked for."""
    wanted = b"" if token is None else f"Bearer {token.get_secret_value()}".encode()
    return token is None or hmac.compare_digest(authorization.encode(), wanted)


def serve_metrics(host: str, port: int, token: SecretStr | None) -> None:
    """Answer Prometheus from a thread of this process, which serves nothing else; for workers.

    Raises:
        OSError: the port is taken.
    """
    from wsgiref.simple_server import WSGIRequestHandler, make_server  # noqa: PLC0415 - nothing else needs it

    def answer(request: dict[str, Any], respond: Callable[..., Any]) -> list[bytes]:
        if not is_allowed(request.get("HTTP_AUTHORIZATION", ""), token):
            respond("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
            return [b""]
        body, media_type = render(request.get("HTTP_ACCEPT", ""))
        respond("200 OK", [("Content-Type", media_type)])
        return [body]

    class Quiet(WSGIRequestHandler):
        # Who connects and says nothing holds up the next one for so long.
        timeout = 5

        def log_message(self, *_: object) -> None:
            """Log nothing: it is asked every few seconds."""

    # Failure: a child was forked while this thread was importing the library, waited for that import for ever and did
    # no job. Everything that an answer needs is imported before there is a thread.
    render("")
    server = make_server(host, port, answer, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


@contextmanager
def shared_by_processes() -> Iterator[None]:
    """Add up the numbers of this process and of those that it starts in the block.

    Failure: with four server processes on one port, each scrape was answered by another one, and the counters went
    up and down. They are files in a folder that all of them write to; the folder that `PROMETHEUS_MULTIPROC_DIR`
    names is used as it is, and otherwise there is a new one.
    """
    if are_shared():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


_locks: dict[int, tuple[str, Any]] = {}


def _slot() -> str:
    """Which files this process writes to: the first ones that no other process holds.

    Failure: named by process, the files of workers that are replaced every thousand jobs filled the disk in a day.
    A successor goes on with its predecessor's.
    """
    held = _locks.get(os.getpid())
    if held is None:
        # Those of the process that this one was forked from.
        _locks.clear()
        folder = Path(os.environ[_FOLDER])
        number = 0
        while (lock := _locked(folder / f"{number}.lock")) is None:
            number += 1
        held = _locks[os.getpid()] = str(number), lock
    return held[0]


def _locked(path: Path) -> Any:
    """The open file if nobody else holds it, which ends with the process; else None."""
    import fcntl  # noqa: PLC0415 - not on Windows, where there is one process

    file = path.open("a")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _forget_the_dead(folder: Path) -> None:
    """Drop what a process that is gone had in use; what it counted stays."""
    for gauge in folder.glob("gauge_*.db"):
        slot = gauge.stem.rpartition("_")[2]
        if slot == _slot():
            continue
        if (lock := _locked(folder / f"{slot}.lock")) is not None:
            gauge.unlink(missing_ok=True)
            lock.close()
