"""Facts about addresses of databases and brokers: each names a driver that nothing imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..config.table import Config
from ..model import Location
from ..project import Project
from ..source.symbols import SymbolTable
from .yaml import Mapping

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
_URL = re.compile(r"(?P<scheme>[a-z]+)(?:\+(?P<driver>\w+))?://")
_DRIVER_NAME = re.compile(r"(?P<scheme>[a-z]+)\+(?P<driver>\w+)$")
_TAKES = {
    "Field",
    "SecretStr",
    "get",
    "getenv",
    "create_engine",
    "create_async_engine",
    "make_url",
    "from_url",
    "Celery",
}
_TAKES |= {"config", "env", "str", "setdefault", "PostgresDsn", "MySQLDsn", "RedisDsn", "AmqpDsn", "AnyUrl", "Redis"}
_TELLS = {"description", "title", "examples", "example", "help", "pattern"}
_COMPARES = {"startswith", "removeprefix", "split", "partition", "sub", "index", "find", "count"}


@dataclass(frozen=True)
class Driver:
    """An address, what it needs, and where it is written."""

    written: str
    needs: tuple[str, ...]
    location: Location


def drivers(project: Project) -> Iterator[Driver]:
    """What is named by the addresses in source, in examples of settings and in what the service is deployed with."""
    for names in project.source.own:
        yield from _in_source(names)
    yield from _in_compose(project)
    yield from _in_lines(project.config)


def _driver(text: str, location: Location, *, plain: bool = True) -> Iterator[Driver]:
    match = _URL.match(text) or _DRIVER_NAME.match(text)
    if match is None:
        return
    scheme, driver = match["scheme"], match["driver"]
    if driver and scheme in DIALECTS:
        needs = DRIVERS.get(driver, ())
    else:
        needs = SCHEMES.get(scheme, ()) if plain and not driver else ()
    if needs:
        yield Driver(match[0], needs, location)


def _in_source(names: SymbolTable) -> Iterator[Driver]:
    for node, _ in names:
        told: list[tuple[ast.expr, bool]] = []
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            told.append((node.value, True))
        elif isinstance(node, ast.Return) and node.value is not None:
            told.append((node.value, False))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            told += [(each, True) for each in (*node.args.defaults, *node.args.kw_defaults) if each is not None]
        elif isinstance(node, ast.Dict):
            told += [(each, False) for each in node.values]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in _COMPARES:
                continue
            # What is replaced is looked for; what it is replaced by is used.
            arguments = node.args[1:] if called == "replace" else node.args
            told += [(each, called in _TAKES) for each in arguments]
            told += [(each.value, called in _TAKES) for each in node.keywords if each.arg not in _TELLS]
        for value, plain in told:
            for text, line in _texts(value):
                yield from _driver(text, Location(names.file.path, line), plain=plain)


def _texts(value: ast.expr) -> Iterator[tuple[str, int]]:
    """The beginnings of the texts that an expression may give."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value, value.lineno
    elif isinstance(value, ast.JoinedStr) and value.values:
        yield from _texts(value.values[0])
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for each in value.values:
            yield from _texts(each)
    elif isinstance(value, ast.BinOp):
        yield from _texts(value.left)


def _in_compose(project: Project) -> Iterator[Driver]:
    built = {
        str(each.get("image")) for each in project.compose.services.values() if each.is_built and each.get("image")
    }
    for service in project.compose.services.values():
        if not service.is_built and str(service.get("image")) not in built:
            continue
        environment = service.get("environment")
        for name, value in service.environment.items():
            line = (
                environment.line_of(name) if isinstance(environment, Mapping) else service.location("environment").line
            )
            yield from _driver(value, Location(service.location("environment").file, line))


def _in_lines(config: Config) -> Iterator[Driver]:
    examples = [
        path
        for name in (".env.example", ".env.sample", ".env.template", "env.example")
        for path in [config.root / name]
    ]
    files = [(path, True) for path in (*examples, *sorted(config.root.glob("alembic*.ini"))) if path.is_file()]
    # What is written there may be meant for other programs, unless it names a driver of Python's.
    files += [(path, False) for key in ("dockerfiles", "kubernetes") for path in config.paths(key)]
    ours = re.compile(r"(?i)broker|celery|redis_url|result_backend|database_url")
    for path, plain in files:
        for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
            match = re.match(
                r"\s*(?:-\s+|export\s+|ENV\s+|ARG\s+)?[{\"']*([\w.]+)[\"']?\s*[=:]\s*[\"']?([a-z]+(?:\+\w+)?://)", line
            )
            if match:
                location = Location.of(config.root, path, number)
                yield from _driver(match[2], location, plain=plain or bool(ours.search(match[1])))
