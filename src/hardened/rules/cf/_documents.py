"""Ports of localhost in documents at which a reader finds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ...config.table import Config
from ...deployment.compose import Compose, Port, Service
from ...deployment.files import read_text
from ...deployment.process import Process
from ...knowledge.ports import PORTS, SCHEMES
from ...model import Location

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][\w+.-]*)://(?:[^@/\s]*@)?)?(?P<host>localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(?P<port>[0-9]{2,5})\b",
    re.I,
)
_STARTS = re.compile(
    r"uvicorn|gunicorn|hypercorn|granian|fastapi (?:dev|run)|flask run|runserver|uv run|poetry run|npm (?:run|start)"
)
_OF_OTHERS = re.compile(r"db|database|postgres|pg|redis|broker|rabbit|mq|smtp|mail|mongo|mysql|kafka", re.IGNORECASE)
_NUMBER = re.compile(r"\b[0-9]{2,5}\b")
_WEB = ("http", "https", "ws", "wss")


def unanswered(
    config: Config, compose: Compose, processes: Sequence[Process], numbers: Mapping[str, int]
) -> Iterator[tuple[str, str, Location, str]]:
    """Addresses in documents: the message, the advice, the line and the port.

    Named are ports inside of a container that are published under another number, and ports of a web address, or of a
    server that is published, which nothing publishes and which stand nowhere else: not in a command or the settings, and
    in no document outside of such an address.
    """
    services = list(compose.services.values())
    published = {number for each in services for port in each.ports for number in port.host}
    behind = _behind(services)
    built = {number for each in services if each.is_built for port in each.ports for number in port.container}
    is_port = re.compile(r"(?:\w+_)?port")
    own = {value for name, value in numbers.items() if is_port.fullmatch(name) and not _OF_OTHERS.match(name)}
    texts = {path: text for path in config.paths("documents") if (text := _text(path))}
    elsewhere = own | _numbers([_ADDRESS.sub("", text) for text in texts.values()])
    elsewhere |= _numbers(" ".join(each.words) for each in processes if each.kind in ("procfile", "script"))
    for path, text in texts.items():
        # Who starts the service without a container finds it at the port inside.
        known = published | own | (built if _STARTS.search(text) else set())
        for number, line in enumerate(text.splitlines(), 1):
            for match in _ADDRESS.finditer(line):
                port, scheme = int(match["port"]), (match["scheme"] or "http").partition("+")[0].lower()
                if port in known or any("$" in each for each in _unknown(services, port)):
                    continue
                location, written = Location.of(config.root, path, number), f"{match['host']}:{port} is told here, and"
                if (outer := behind.get(port)) is not None:
                    message = f"{written} {port} is the port inside"
                    yield message, f"from outside it is {outer.host[0]}", location, str(port)
                elif port not in elsewhere and (scheme in _WEB or _is_published(services, scheme)):
                    yield f"{written} no service publishes {port}", "write one that is published", location, str(port)


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except OSError:
        return ""


def _numbers(texts: Iterable[str]) -> set[int]:
    return {int(each) for text in texts for each in _NUMBER.findall(text)}


def _behind(services: Sequence[Service]) -> dict[int, Port]:
    """The ports inside that are published, each with its publication."""
    found = {number: port for each in services for port in each.ports for number in port.container if port.host}
    for service in services:
        for port in service.ports:
            if service.image in PORTS and port.host:
                found.setdefault(PORTS[service.image], port)
    return found


def _unknown(services: Sequence[Service], port: int) -> Iterator[str]:
    """The ports on the host, as they are written, in front of one inside whose number only the environment knows."""
    yield from (each.raw for service in services for each in service.ports if port in each.container and not each.host)


def _is_published(services: Sequence[Service], scheme: str) -> bool:
    """Report whether a server of this scheme is published."""
    usual = SCHEMES.get(scheme)
    ours = (each for each in services if usual is not None and PORTS.get(each.image) == usual)
    return any(port.host for each in ours for port in each.ports)
