"""Libraries of databases: modules, functions and methods."""

from __future__ import annotations

LIBRARIES = {"sqlalchemy", "sqlmodel", "flask_sqlalchemy", "sqlalchemy_utils"}
"""SQLAlchemy, and the libraries whose sessions and engines are its own."""

POOLS = {"asyncpg", "psycopg_pool"}
"""Drivers with pools of their own."""

POOLED = {"acquire", "connect", "connection"}
"""Methods of these that return a connection."""

DRIVERS = {
    "sqlite3",
    "aiosqlite",
    "apsw",
    "psycopg",
    "psycopg2",
    "psycopg_pool",
    "asyncpg",
    "pg8000",
    "pymysql",
    "MySQLdb",
}
DRIVERS |= {"aiomysql", "asyncmy", "oracledb", "pyodbc", "duckdb"}
"""Modules of drivers."""

CONNECTS = {"connect", "Connection", "AsyncConnection", "ConnectionPool", "AsyncConnectionPool", "create_pool", "Pool"}
"""Functions and classes of drivers that open a database."""

ENGINES = {"create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config"}
"""Functions of SQLAlchemy that make an engine."""

EXECUTES = {"execute", "scalar", "scalars", "exec", "exec_driver_sql", "stream", "stream_scalars", "query", "flush"}
EXECUTES |= {"refresh", "merge", "connection", "begin_nested", "run_sync", "get", "get_one", "bulk_save_objects"}
EXECUTES |= {"bulk_insert_mappings", "bulk_update_mappings", "fetch", "fetchrow", "fetchval"}
"""Methods of sessions and connections that take a connection."""

RELEASES = {"commit", "rollback", "close", "aclose", "invalidate", "reset", "remove"}
"""Methods that return it to the pool."""

TAKES_SQL = {"text", "execute", "exec_driver_sql", "scalar", "scalars", "executescript", "DDL"}
"""Functions and methods that take SQL as a text."""
