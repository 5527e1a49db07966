"""Addresses in texts, and the ports that services listen on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ...deployment.compose import Service, command, substituted
from ...deployment.files import whole_number
from ...knowledge.ports import PORTS, SCHEMES
from ...model import Location

LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
_URL = re.compile(
    r"(?P<scheme>[a-z][\w+.-]*)://(?:[^@/\s,]*@)?(?P<host>\[[^\]]+\]|[\w.-]+)(?::(?P<port>[0-9]{1,5}))?", re.I
)
_PLAIN = re.compile(r"(?P<scheme>)(?P<host>[a-z][\w.-]*|127\.0\.0\.1):(?P<port>[0-9]{2,5})", re.I)
_OPTION = re.compile(r"(?:--port[= ]|--bind[= ]\S*:|\bport[= ]|-p |-b \S*:)([0-9]{2,5})\b")
_OF_OTHERS = re.compile(r"(DB|DATABASE|POSTGRES|REDIS)_")


class Address(NamedTuple):
    """A host and its port; 0 where neither the address nor its scheme gives one."""

    scheme: str
    host: str
    port: int
    is_explicit: bool


class Given(NamedTuple):
    """A text that a container is given: the name of a variable, or of a key of the file.

    Attributes:
        name: the variable, or the key.
        value: the text, with defaults such as `${NAME:-default}` filled in.
        raw: the text as it is written.
        location: its line.
    """

    name: str
    value: str
    raw: str
    location: Location


def addresses(value: str) -> list[Address]:
    """The addresses in a text: URLs, or the one `host:port` that is the whole of it."""
    found = list(_URL.finditer(value))
    plain = None if found else _PLAIN.fullmatch(value.strip())
    made = []
    for each in [*found, *([plain] if plain else [])]:
        port = int(each["port"] or 0) or SCHEMES.get(each["scheme"].partition("+")[0].lower(), 0)
        made.append(Address(each["scheme"].lower(), each["host"], port, bool(each["port"])))
    return made


def listens(service: Service) -> set[int]:
    """The ports that a service listens on inside, as far as its image, its command and the file tell."""
    found = set(service.inside)
    if service.image in PORTS:
        found.add(PORTS[service.image])
    if service.image == "rabbitmq":
        found |= {5671, 15672, 15692}
    words = " ".join((*command(service.get("entrypoint")), *command(service.get("command"))))
    found |= {int(each) for each in _OPTION.findall(words)}
    own = {*service.names, "0.0.0.0"} - LOOPBACK  # noqa: S104 - is looked for
    for name, value in service.environment.items():
        number = whole_number(value)
        if number is not None and re.fullmatch(r"(?:\w+_)?PORT", name) and not _OF_OTHERS.match(name):
            found.add(number)
        found |= {each.port for each in addresses(value) if each.host in own and each.is_explicit}
    return found


def given(service: Service) -> Iterator[Given]:
    """The texts that a container is given: each variable, pairs of a host and a port as an address, and its command."""
    variables = service.variables
    for name, each in variables.items():
        yield Given(name, each.value, each.raw, each.location)
        beside = variables.get(re.sub(r"HOST(NAME)?$", "PORT", name)) if re.search(r"HOST(NAME)?$", name) else None
        if beside is not None and whole_number(beside.value) is not None and not each.value.startswith("0."):
            value, raw = f"{each.value}:{beside.value}", f"{each.raw}:{beside.raw}"
            yield Given(f"{name} and {beside.name}", value, raw, beside.location)
    for key in ("command", "entrypoint"):
        written = service.get(key)
        for raw in map(str, written) if isinstance(written, list) else [str(written or "")]:
            yield Given(f"a {key}", substituted(raw), raw, service.location(key))


def listed(ports: set[int]) -> str:
    """The ports for a sentence, with a space before them."""
    return " " + " and ".join(map(str, sorted(ports))) if ports else ""
