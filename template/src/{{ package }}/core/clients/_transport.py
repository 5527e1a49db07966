# Owned by the template.
"""What one service is reached through over HTTP; the one module that knows the library."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx2
from pydantic import JsonValue

from ._breaker import ServiceError
from ._home import AtHome

__all__ = ["Transport"]

_CONNECTIONS: Final = 10


class Transport:
    """A pool of connections to one service, for one process and event loop, made at first use.

    Failure: one pool for all services was full of calls to the slow one, and the others seemed to be down as well.
    """

    def __init__(self, name: str, address: str, headers: dict[str, str]) -> None:
        """Connects to nothing (CL001)."""
        self._name = name
        self._address = address.rstrip("/")
        self._headers = headers
        self._http = AtHome(f"the client of {name}", self._make)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: JsonValue,
        query: dict[str, str | int] | None,
        headers: dict[str, str],
        until: float,
    ) -> httpx2.Response:
        """The response, whatever its status, read whole.

        Args:
            method: such as "GET".
            path: below the service's address, whatever it says: it never leads to another host.
            body: sent as JSON, if any.
            query: what stands behind the question mark.
            headers: besides those of every request.
            until: the event loop's time at which it is given up.

        Raises:
            TimeoutError: it took until then.
            ServiceError: there is no response.
        """
        try:
            async with asyncio.timeout_at(until):
                return await self._http.get().request(
                    method, f"{self._address}/{path.lstrip('/')}", json=body, params=query, headers=headers
                )
        except TimeoutError:
            raise
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise ServiceError(f"{self._name} could not be asked: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close all connections; it can be used again afterwards."""
        http = self._http.take()
        if http is not None:
            await http.aclose()

    def _make(self) -> httpx2.AsyncClient:
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        # Each call has its own end, which covers what the library's timeouts leave out: an answer that trickles.
        return httpx2.AsyncClient(headers=self._headers, limits=limits, timeout=None)
