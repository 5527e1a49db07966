# Owned by the template.
"""The server's websocket protocol, except that a client that does not read cannot keep its connection open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

__all__ = ["MOST_BYTES", "SocketProtocol"]

MOST_BYTES: Final = 16_384
"""How large a message from a client may be."""

_LINGER_SECONDS: Final = 3.0


class SocketProtocol(WebSocketsSansIOProtocol):
    """What `serve` runs.

    Failure: closing waited until a client had read what was sent before, and one that never read kept its
    connection and its buffers, and the server from stopping.
    """

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a close does not wait for what is still to be read."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.writable.set()
            self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
        await super().send(message)

    def shutdown(self) -> None:
        """Say that the server goes away, and go."""
        super().shutdown()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
