# Owned by the template.
"""The settings every service has, read from the environment and from `.env` in the project's root (CF001)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["CoreSettings", "SettingsError", "check_integer_width", "database_address", "project_root"]

_LOCAL_SECRET = "local-only-secret-that-every-other-environment-refuses"  # noqa: S105 - known, and so refused
_EXAMPLES = ("change", "example", "secret", "password", "postgres", "admin", "default", "insecure", "placeholder")
_SECRET_KEY_LENGTH = 32
_SECRET_LENGTH = 12


class SettingsError(Exception):
    """The settings cannot be used; the message has one line for each, says what to do and shows no value of a secret."""


@cache
def project_root() -> Path:
    """The folder of the `pyproject.toml` with `[tool.hardening]`, whatever the working directory is.

    `PROJECT_ROOT` in the environment names it where the package is installed away from its project.
    Without either it is the working directory.
    """
    named = os.environ.get("PROJECT_ROOT")
    if named:
        return Path(named).resolve()
    for folder in Path(__file__).resolve().parents:
        file = folder / "pyproject.toml"
        # Not parsed: with a mistake in the file the folder is still the project's.
        if file.is_file() and "tool.hardening" in file.read_text("utf-8", errors="replace"):
            return folder
    return Path.cwd()


def check_integer_width(*, bits: int, dimensions: int, column_bits: int = 63) -> None:
    """Refuse a configured `bits × dimensions` index that a column of `column_bits` cannot hold (DB001).

    Call it from a validator of the settings, so that the service does not start with it.

    Raises:
        ValueError: the product is larger than `column_bits`.
    """
    if bits * dimensions > column_bits:
        raise ValueError(
            f"{bits} bits × {dimensions} dimensions make a {bits * dimensions} bit number and the column holds "
            f"{column_bits}: lower one of the two (DB001)"
        )


def _address_like(example: str, *schemes: str) -> Callable[[SecretStr], SecretStr]:
    def check(address: SecretStr) -> SecretStr:
        with suppress(ValueError):
            if urlsplit(address.get_secret_value()).scheme in schemes:
                return address
        raise ValueError(f"not an address that fits: write {example} ({', '.join(schemes)})")

    return check


_RedisUrl = Annotated[
    SecretStr, AfterValidator(_address_like("redis://:password@host:6379/0", "redis", "rediss", "unix"))
]
_BrokerUrl = Annotated[
    SecretStr,
    AfterValidator(
        _address_like(
            "redis://:password@host:6379/1 or amqp://user:password@host:5672/vhost", "redis", "rediss", "amqp", "amqps"
        )
    ),
]
_ServiceUrl = Annotated[SecretStr, AfterValidator(_address_like("https://host", "https", "http"))]


class CoreSettings(BaseSettings):
    """What the core reads; `settings.py` extends it with what your features need."""

    model_config = SettingsConfigDict(
        env_file=project_root() / ".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        # SERVICE_URLS__SUMMARISER is the entry `summariser` of `service_urls`.
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        # Failure: a validation error printed the rejected value, and it was a password.
        hide_input_in_errors=True,
    )

    environment: Literal["local", "test", "staging", "production"] = "local"
    database_url: SecretStr = SecretStr("sqlite:///var/service.db")
    secret_key: SecretStr = SecretStr(_LOCAL_SECRET)
    secret_key_previous: SecretStr | None = None

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"

    metrics_token: SecretStr | None = None
    metrics_port: Annotated[int | None, Field(ge=1, le=65535)] = None

    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    shutdown_seconds: Annotated[int, Field(ge=1)] = 30

    database_pool_size: Annotated[int, Field(ge=2, le=500)] = 10
    database_pool_wait_seconds: Annotated[float, Field(gt=0)] = 3.0
    database_wait_seconds: Annotated[float, Field(ge=0)] = 30.0
    database_statement_seconds: Annotated[float, Field(gt=0)] = 30.0
    migration_lock_seconds: Annotated[float, Field(gt=0)] = 120.0
    migration_statement_seconds: Annotated[float, Field(gt=0)] = 600.0

    job_lease_seconds: Annotated[float, Field(gt=0)] = 30.0
    job_reserve_seconds: Annotated[float, Field(gt=0)] = 10.0
    job_poll_seconds: Annotated[float, Field(gt=0)] = 1.0
    job_retention_days: Annotated[int, Field(ge=1)] = 30
    job_file_max_bytes: Annotated[int, Field(ge=1024)] = 67_108_864
    idempotency_hours: Annotated[int, Field(ge=1)] = 24

    websocket_origins: str = ""
    websocket_ticket_seconds: Annotated[float, Field(ge=1, le=86_400)] = 600.0
    websocket_send_seconds: Annotated[float, Field(gt=0)] = 10.0
    websocket_connections: Annotated[int, Field(ge=1)] = 1_000

    broker_url: _BrokerUrl | None = None
    broker_visibility_seconds: Annotated[int, Field(ge=1)] = 3_600
    worker_concurrency: Annotated[int, Field(ge=1, le=256)] = 2
    worker_child_megabytes: Annotated[int, Field(ge=64)] = 512
    worker_stalled_seconds: Annotated[float, Field(ge=1)] = 60.0

    redis_url: _RedisUrl | None = None
    redis_pool_size: Annotated[int, Field(ge=2, le=500)] = 20
    service_urls: dict[str, _ServiceUrl] = {}

    @classmethod
    def load(cls) -> Self:
        """The settings of this process.

        Raises:
            SettingsError: something is missing or refused; one line for each, without values.
        """
        try:
            return cls()
        except ValidationError as error:
            lines = (
                ": ".join((*(str(part).upper() for part in each["loc"]), each["msg"].removeprefix("Value error, ")))
                for each in error.errors(include_url=False, include_input=False)
            )
            raise SettingsError("\n".join(lines)) from None
        except UnicodeDecodeError as error:
            raise SettingsError(
                f"{cls.model_config.get('env_file')} is not UTF-8 ({error.reason}): save it so"
            ) from None

    @property
    def database(self) -> URL:
        """The database's address; a SQLite file's relative path is below the project's root."""
        return database_address(self.database_url.get_secret_value())

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The keys that tokens' digests are made with: the present one, then the one before."""
        keys = (self.secret_key, self.secret_key_previous)
        return tuple(key.get_secret_value().encode() for key in keys if key is not None)

    @property
    def is_local(self) -> bool:
        """True on a developer's machine and in tests."""
        return self.environment in ("local", "test")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        problems = []
        try:
            address = self.database
        except ValueError as error:
            raise ValueError(f"DATABASE_URL: {error}") from None
        if not self.is_local:
            problems += self._weak_secrets()
            if self.metrics_port is not None and self.metrics_token is None:
                problems.append("METRICS_PORT is set and METRICS_TOKEN is not")
            if address.password and (weakness := _weakness(str(address.password), _SECRET_LENGTH)):
                problems.append(f"the password in DATABASE_URL {weakness}")
        if problems:
            raise ValueError(
                f"refused in the {self.environment} environment: {'; '.join(problems)}. "
                "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))' (CF005)"
            )
        return self

    def _weak_secrets(self) -> list[str]:
        weak = []
        for name, secret in self._secrets():
            length = _SECRET_KEY_LENGTH if name.startswith("secret_key") else _SECRET_LENGTH
            value, what = secret.get_secret_value(), name.upper()
            if name.endswith("_url") or name.startswith("service_urls__"):
                # An address is no secret, and the password in it is one.
                value, what = urlsplit(value).password or "", f"the password in {what}"
                if not value:
                    continue
            if weakness := _weakness(value, length):
                weak.append(f"{what} {weakness}")
        return weak

    def _secrets(self) -> Iterator[tuple[str, SecretStr]]:
        for name, address in self.service_urls.items():
            yield f"service_urls__{name}", address
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr) and name != "database_url":
                yield name, value


def database_address(address: str) -> URL:
    """The URL that engines are made from: psycopg for PostgreSQL, aiosqlite for SQLite, absolute paths.

    Raises:
        ValueError: the address is no URL, or of a database that the service does not run on.
    """
    try:
        url = make_url(address)
    # ValueError: what stands where a port should. It is not repeated, being part of a password that has an @.
    except (ArgumentError, ValueError):
        raise ValueError(
            "not a database URL: write sqlite:///var/service.db or postgresql://user:password@host/name"
        ) from None
    backend = url.drivername.partition("+")[0]
    if "password" in url.query:
        # It would be shown wherever the address is, where only what stands before the host is hidden.
        raise ValueError("write the password before the host: postgresql://user:password@host/name")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ValueError(f"{backend!r} is not supported: use sqlite:///file.db or postgresql://user:password@host/name")
    if not url.database or url.database == ":memory:":
        raise ValueError("SQLite in memory gives each connection a database of its own: name a file")
    return url.set(drivername="sqlite+aiosqlite", database=str(project_root() / url.database))


def _weakness(secret: str, length: int) -> str | None:
    if secret == _LOCAL_SECRET or any(word in secret.lower() for word in _EXAMPLES):
        return "is a default or an example"
    if len(secret) < length:
        return f"is shorter than {length} characters"
    if len(set(secret)) < 8:
        return "repeats a few characters"
    return None
