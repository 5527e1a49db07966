"""Facts about extras: what is used that needs a distribution which does not come along by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Location
from ..project import Project
from ..source.tree import literal
from .entries import commands


@dataclass(frozen=True)
class Need:
    """What needs a distribution that its own does not bring: `what` says it, any of `packages` will do."""

    what: str
    packages: tuple[str, ...]
    advice: str


_EMAIL = Need("checks addresses with email-validator", ("email-validator",), '"email-validator" or "pydantic[email]"')
_FORMS = Need("reads forms with python-multipart", ("python-multipart",), '"python-multipart"')
_JINJA = Need("renders with jinja2", ("jinja2",), '"jinja2"')
_SIGNED = Need("signs with itsdangerous", ("itsdangerous",), '"itsdangerous"')
_GREENLET = Need("runs on greenlet", ("greenlet",), '"sqlalchemy[asyncio]"')
_ARGON2 = Need("hashes with argon2-cffi", ("argon2-cffi",), '"pwdlib[argon2]"')
_BCRYPT = Need("hashes with bcrypt", ("bcrypt",), '"pwdlib[bcrypt]"')
_YAML = Need("reads with PyYAML", ("pyyaml",), '"pyyaml"')
_ORJSON = Need("writes with orjson", ("orjson",), '"orjson"')
_UJSON = Need("writes with ujson", ("ujson",), '"ujson"')
_PHONES = Need("checks numbers with phonenumbers", ("phonenumbers",), '"pydantic-extra-types[phonenumbers]"')
_HTTP2 = Need("speaks HTTP/2 with h2", ("h2",), '"httpx2[http2]"')
_SOCKETS = Need("is served by uvicorn with websockets or wsproto", ("websockets", "wsproto"), '"uvicorn[standard]"')
_CRYPTOGRAPHY = Need("signs with cryptography", ("cryptography",), '"pyjwt[crypto]"')

NEEDS: dict[str, Need] = {
    "pydantic.EmailStr": _EMAIL,
    "pydantic.NameEmail": _EMAIL,
    "pydantic.validate_email": _EMAIL,
    "pydantic.networks.EmailStr": _EMAIL,
    "pydantic.networks.NameEmail": _EMAIL,
    "pydantic.networks.validate_email": _EMAIL,
    "fastapi.Form": _FORMS,
    "fastapi.File": _FORMS,
    "fastapi.UploadFile": _FORMS,
    "fastapi.param_functions.Form": _FORMS,
    "fastapi.param_functions.File": _FORMS,
    "fastapi.security.OAuth2PasswordRequestForm": _FORMS,
    "fastapi.security.OAuth2PasswordRequestFormStrict": _FORMS,
    "fastapi.security.oauth2.OAuth2PasswordRequestForm": _FORMS,
    "fastapi.templating.Jinja2Templates": _JINJA,
    "starlette.templating.Jinja2Templates": _JINJA,
    "starlette.middleware.sessions.SessionMiddleware": _SIGNED,
    "sqlalchemy.ext.asyncio": _GREENLET,
    "pwdlib.hashers.argon2": _ARGON2,
    "pwdlib.PasswordHash.recommended": _ARGON2,
    "pwdlib.hashers.bcrypt": _BCRYPT,
    "pydantic_settings.YamlConfigSettingsSource": _YAML,
    "fastapi.responses.ORJSONResponse": _ORJSON,
    "fastapi.responses.UJSONResponse": _UJSON,
    "pydantic_extra_types.phone_numbers": _PHONES,
}
"""By what is named in source; a name below one of these counts as well."""

_LAST = {name.rpartition(".")[2] for name in NEEDS}
_REQUESTS = {f"{name}().form" for name in ("fastapi.Request", "starlette.requests.Request", "fastapi.requests.Request")}
_WEBSOCKETS = {"websocket", "websocket_route", "add_websocket_route", "add_api_websocket_route", "WebSocketRoute"}
_CLIENTS = {f"{module}.{name}" for module in ("httpx", "httpx2") for name in ("Client", "AsyncClient")}
_OTHER_SERVERS = {"hypercorn", "granian", "daphne", "nginx-unit"}
_POOLS = {"gevent": "gevent", "eventlet": "eventlet"}
_LOOPS = {("--loop", "uvloop"): "uvloop", ("--http", "httptools"): "httptools"}


def needs(project: Project) -> Iterator[tuple[str, Need, Location]]:
    """What is used, what it needs, and where: by name, by call, and by the options of commands."""
    yield from _named(project)
    yield from _called(project)
    yield from _started(project)


def _named(project: Project) -> Iterator[tuple[str, Need, Location]]:
    for each in project.source.imports:
        yield from _needed(each.name, each.location)
    for names in project.source.own:
        for node, _ in names:
            if isinstance(node, ast.Attribute) and node.attr in _LAST:
                yield from _needed(names.meaning(node), Location(names.file.path, node.lineno))


def _called(project: Project) -> Iterator[tuple[str, Need, Location]]:
    declared = project.declared
    served = bool(declared.of("uvicorn")) and not any(declared.of(each) for each in _OTHER_SERVERS)
    for use in project.source.uses:
        if use.name in _REQUESTS:
            yield "request.form()", _FORMS, use.location
        elif use.last in _WEBSOCKETS and served and _path(use.argument("path", 0)):
            yield "a websocket", _SOCKETS, use.location
        elif use.name in _CLIENTS and isinstance(asked := use.argument("http2"), ast.Constant) and asked.value:
            yield "http2=True", _HTTP2, use.location
        elif use.name in ("jwt.encode", "jwt.decode") and declared.of("pyjwt"):
            asked = use.argument("algorithm", 2) or use.argument("algorithms", 2)
            told = [each.value for each in ast.walk(asked) if isinstance(each, ast.Constant)] if asked else []
            if any(re.match(r"(RS|ES|PS)\d|EdDSA", str(each)) for each in told):
                yield use.name, _CRYPTOGRAPHY, use.location


def _started(project: Project) -> Iterator[tuple[str, Need, Location]]:
    for process in project.processes:
        if not any(kind in ("attribute", "celery") for kind, _, _ in commands(process.words)):
            continue
        for word, after in zip(process.words, (*process.words[1:], ""), strict=True):
            option, _, value = word.partition("=")
            value = value or after
            pool = _POOLS.get(value) if option in ("-P", "--pool", "-k", "--worker-class") else None
            package = pool or _LOOPS.get((option, value))
            if package:
                yield f"{option} {value}", Need(f"needs {package}", (package,), f'"{package}"'), process.location


def _path(argument: ast.expr | None) -> bool:
    value = literal(argument)
    return isinstance(value, str) and (not value or value.startswith("/"))


def _needed(name: str, location: Location) -> Iterator[tuple[str, Need, Location]]:
    for known, need in NEEDS.items():
        if name == known or name.startswith(f"{known}."):
            yield known, need, location
