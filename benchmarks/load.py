"""The load: keep-alive connections that ask for one path again and again; a process of its own, and little of one.

Plain sockets and a selector cost a tenth of what the servers do per request, so that it is they that are measured.
Every response is looked at: another status than 200, or another number of items than expected, ends it with an error.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
import sys
import time
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_DRAIN_SECONDS = 30.0


class UnexpectedResponseError(Exception):
    """What was measured is not what was meant."""


class Connection:
    """One keep-alive connection, with at most one request under way."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._received = b""
        self._asked = 0.0

    def ask(self) -> None:
        """Send the request."""
        self._received = b""
        self._asked = time.perf_counter()
        self.socket.sendall(self._request)

    def answer(self) -> tuple[bytes, bytes, float] | None:
        """Head, body and seconds of the response, once all of it is there."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise UnexpectedResponseError("the server closed the connection")
        self._received += chunk
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = _LENGTH.search(head + b"\r\n")
        if length is None:
            raise UnexpectedResponseError(f"no content-length: {head[:200]!r}")
        if len(body) < int(length[1]):
            return None
        return head, body, time.perf_counter() - self._asked


def load(
    port: int, path: str, token: str, *, marker: str, times: int, connections: int, seconds: float, most: int
) -> dict[str, Any]:
    """Ask for `path` for so many seconds or so many times, whichever ends first.

    Args:
        port: where, on the loopback interface.
        path: what.
        token: sent as the bearer token.
        marker: what each response's body holds `times` times.
        times: how often.
        connections: how many at once.
        seconds: how long.
        most: how many requests.

    Raises:
        UnexpectedResponseError: a response was not the one that was meant.
    """
    asking = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    mark = marker.encode()
    selector = selectors.DefaultSelector()
    for connection in [Connection(port, asking) for _ in range(connections)]:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask()
    started = time.perf_counter()
    deadline, ended = started + seconds, started
    asked, under_way, took = connections, connections, list[float]()
    while under_way:
        ready = selector.select(_DRAIN_SECONDS)
        if not ready:
            raise UnexpectedResponseError(f"{under_way} requests had no answer for {_DRAIN_SECONDS:g} s")
        for key, _ in ready:
            answered = key.data.answer()
            if answered is None:
                continue
            head, body, latency = answered
            if not head.startswith(b"HTTP/1.1 200 ") or body.count(mark) != times:
                first = head.partition(b"\r\n")[0].decode()
                raise UnexpectedResponseError(
                    f"{first} with {body.count(mark)} of {marker}, not 200 with {times}: {body[:200]!r}"
                )
            under_way -= 1
            now = time.perf_counter()
            # What is under way when time is up is answered, so that it burdens nobody's next round, and not counted.
            if now > deadline:
                continue
            took.append(latency)
            ended = now
            if asked < most:
                key.data.ask()
                asked, under_way = asked + 1, under_way + 1
    if not took:
        raise UnexpectedResponseError(f"no answer within {seconds:g} s")
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    took.sort()
    return {
        "per_second": len(took) / (ended - started),
        "asked": asked,
        "p99": took[len(took) * 99 // 100],
        "cpu": time.process_time(),
    }


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    try:
        print(json.dumps(load(token=os.environ["BENCH_TOKEN"], **options)))
    except (UnexpectedResponseError, OSError) as error:
        sys.exit(f"{options['path']}: {error}")
