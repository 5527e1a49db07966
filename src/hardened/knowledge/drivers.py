"""Drivers of databases and brokers that an address names and nothing imports."""

from __future__ import annotations

DRIVERS: dict[str, tuple[str, ...]] = {
    "psycopg": ("psycopg",),
    "psycopg_async": ("psycopg",),
    "psycopg2": ("psycopg2", "psycopg2-binary"),
    "psycopg2cffi": ("psycopg2cffi",),
    "asyncpg": ("asyncpg",),
    "pg8000": ("pg8000",),
    "pymysql": ("pymysql",),
    "mysqldb": ("mysqlclient",),
    "aiomysql": ("aiomysql",),
    "asyncmy": ("asyncmy",),
    "cymysql": ("cymysql",),
    "mysqlconnector": ("mysql-connector-python", "mysql-connector"),
    "mariadbconnector": ("mariadb",),
    "aiosqlite": ("aiosqlite",),
    "oracledb": ("oracledb",),
    "oracledb_async": ("oracledb",),
    "cx_oracle": ("cx-oracle",),
    "pyodbc": ("pyodbc",),
    "pymssql": ("pymssql",),
    "aioodbc": ("aioodbc",),
}
"""By the driver that SQLAlchemy's addresses name: the distributions, one of which has it."""

_POSTGRESQL = ("psycopg", "psycopg2", "psycopg2-binary", "psycopg2cffi", "asyncpg", "pg8000")
_MYSQL = ("mysqlclient", "pymysql", "aiomysql", "asyncmy", "cymysql", "mysql-connector-python", "mariadb")
_REDIS = ("redis", "valkey", "coredis", "aioredis", "valkey-glide", "redis-py-cluster")
_AMQP = ("amqp", "pika", "aio-pika", "aiormq", "librabbitmq", "kombu")
SCHEMES: dict[str, tuple[str, ...]] = {
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "redis": _REDIS,
    "rediss": _REDIS,
    "amqp": _AMQP,
    "amqps": _AMQP,
}
"""By the scheme of an address that names no driver: the distributions, one of which a service with it has."""

DIALECTS = {"postgresql", "mysql", "mariadb", "sqlite", "oracle", "mssql"}
"""Of SQLAlchemy, the only ones whose addresses name a driver."""
