"""Compose files, merged as Compose merges them: overrides, `extends`, `include`, anchors, both syntaxes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config.table import Config
from ..model import Location
from . import yaml as _yaml
from .files import is_file, read_text, real, whole_number

_CONCATENATED = {
    "ports",
    "expose",
    "dns",
    "dns_search",
    "tmpfs",
    "external_links",
    "security_opt",
    "cap_add",
    "cap_drop",
}
_UNKNOWN = "?"
_NO = ("no", False)


@dataclass(frozen=True)
class Port:
    """A port that is published.

    Attributes:
        ip: the address on the host that it is bound to; "" is every one.
        host: the ports on the host; none where Docker chooses or the file does not say.
        container: the ports inside.
        protocol: tcp or udp.
        raw: the port on the host as it is written, with its variables.
        inner: the port inside as it is written.
        location: its line.
    """

    ip: str
    host: tuple[int, ...]
    container: tuple[int, ...]
    protocol: str
    raw: str
    inner: str
    location: Location = field(compare=False)


@dataclass(frozen=True)
class Mount:
    """A mount inside of a container; its target has no slash at the end."""

    target: str
    source: str
    location: Location = field(compare=False)


@dataclass(frozen=True)
class Variable:
    """A variable that a container is given.

    Attributes:
        name: its name.
        value: with defaults such as `${NAME:-default}` filled in.
        raw: as it is written.
        location: its line.
        from_file: whether an `env_file` has it, which is often on one machine only.
    """

    name: str
    value: str
    raw: str
    location: Location
    from_file: bool = False


@dataclass(frozen=True)
class Layer:
    """One file's part of a service."""

    content: _yaml.Mapping
    path: Path
    line: int


class Service:
    """One service of the compose files: the service that it extends, below a file's own part, below an override."""

    def __init__(self, name: str, layers: tuple[Layer, ...], root: Path) -> None:
        self.name = name
        self.layers = layers
        self._root = root

    @property
    def content(self) -> _yaml.Mapping:
        """The topmost file's part."""
        return self.layers[-1].content

    @property
    def path(self) -> Path:
        """The topmost file."""
        return self.layers[-1].path

    def get(self, key: str) -> Any:
        """The value of a key, None where no file has it."""
        value: Any = None
        for layer in self.layers:
            value = _over(key, value, layer.content)
        return value

    def location(self, *keys: str) -> Location:
        """The line of a key, or of the service; of a key below a key, when several are given."""
        for layer in reversed(self.layers) if any(keys) else ():
            content: Any = layer.content
            for key in keys[:-1]:
                content = content.get(key) if isinstance(content, _yaml.Mapping) else None
            if isinstance(content, _yaml.Mapping) and keys[-1] in content:
                return Location.of(self._root, layer.path, content.line_of(keys[-1]))
        return self.location(*keys[:-1]) if len(keys) > 1 else Location.of(self._root, self.path, self.layers[-1].line)

    @property
    def environment(self) -> dict[str, str]:
        """The variables it is given, from wherever, with defaults such as `${NAME:-default}` filled in."""
        return {name: each.value for name, each in self.variables.items()}

    @property
    def variables(self) -> dict[str, Variable]:
        """The variables it is given; `environment`, written either way, lies over what an `env_file` has."""
        found: dict[str, Variable] = {}
        for layer in self.layers:
            for each in self._files(layer):
                found[each.name] = each
        for layer in self.layers:
            tag = layer.content.tags.get("environment")
            if tag in ("!reset", "!override"):
                found = {name: each for name, each in found.items() if each.from_file}
            for each in () if tag == "!reset" else self.written(layer):
                found[each.name] = each
        return found

    def written(self, layer: Layer) -> Iterator[Variable]:
        """Each variable that one file gives it, in a list those that stand twice included."""
        value = layer.content.get("environment")
        if isinstance(value, _yaml.Mapping):
            for name, each in value.items():
                raw = "" if each is None else str(each).lower() if isinstance(each, bool) else str(each)
                yield Variable(name, substituted(raw), raw, Location.of(self._root, layer.path, value.line_of(name)))
        elif isinstance(value, _yaml.Sequence):
            for each, line in value.located():
                name, _, raw = str(each).partition("=")
                yield Variable(name, substituted(raw), raw, Location.of(self._root, layer.path, line))

    def _files(self, layer: Layer) -> Iterator[Variable]:
        value = layer.content.get("env_file")
        for each in value if isinstance(value, list) else [value]:
            name = each.get("path") if isinstance(each, dict) else each
            path = layer.path.parent / substituted(str(name)) if name else None
            if path is None or not is_file(path):
                continue
            try:
                text = read_text(path)
            except OSError:
                continue
            for number, line in enumerate(text.splitlines(), 1):
                if match := re.match(r"\s*(?:export\s+)?([\w.]+)\s*=\s*(.*?)\s*$", line):
                    raw = match[2][1:-1] if match[2][:1] in ("'", '"') and match[2][-1:] == match[2][:1] else match[2]
                    location = Location.of(self._root, path, number)
                    yield Variable(match[1], substituted(raw), raw, location, from_file=True)

    @property
    def ports(self) -> list[Port]:
        """The ports that it publishes. An override adds to them; one that is repeated counts once."""
        found: list[Port] = []
        for layer in self.layers:
            if layer.content.tags.get("ports") in ("!reset", "!override"):
                found = []
            own = [port for each, location in self._entries(layer, "ports") if (port := _port(each, location))]
            found += [each for each in own if each not in found]
        return found

    def own_mounts(self, layer: Layer) -> list[Mount]:
        """The mounts of one file; an override replaces the mount at the same target."""
        found = []
        for key in ("volumes", "tmpfs"):
            for each, location in self._entries(layer, key):
                if isinstance(each, _yaml.Mapping):
                    target, source = str(each.get("target") or ""), str(each.get("source") or "")
                else:
                    parts = substituted(str(each), _UNKNOWN).split(":")
                    target = parts[1] if key == "volumes" and len(parts) > 1 else parts[0]
                    source = parts[0] if key == "volumes" and len(parts) > 1 else ""
                if target:
                    found.append(Mount(target.rstrip("/") or "/", source, location))
        return found

    def _entries(self, layer: Layer, key: str) -> Iterator[tuple[Any, Location]]:
        value = layer.content.get(key)
        if isinstance(value, _yaml.Sequence) and layer.content.tags.get(key) != "!reset":
            for each, line in value.located():
                yield each, Location.of(self._root, layer.path, line)
        elif isinstance(value, str):
            yield value, Location.of(self._root, layer.path, layer.content.line_of(key))

    @property
    def inside(self) -> set[int]:
        """The ports that it is said to listen on, inside."""
        found = {number for port in self.ports for number in port.container}
        expose = self.get("expose")
        for each in expose if isinstance(expose, list) else ():
            found.update(_numbers(substituted(str(each)).partition("/")[0]))
        return found

    @property
    def profiles(self) -> frozenset[str]:
        """The profiles that it is started with; none: always."""
        value = self.get("profiles")
        return frozenset(map(str, value)) if isinstance(value, list) else frozenset()

    @property
    def copies(self) -> int:
        """The number of its containers."""
        deploy = self.get("deploy")
        value = deploy.get("replicas") if isinstance(deploy, dict) else None
        copies = whole_number(substituted(str(value if value is not None else self.get("scale") or "1")))
        return 1 if copies is None else copies

    @property
    def restart(self) -> str:
        """Its policy of being started again: "" where no file says one."""
        value, deploy = self.get("restart"), self.get("deploy")
        if value in _NO:
            return "no"
        if value is None and isinstance(deploy, dict) and isinstance(deploy.get("restart_policy"), dict):
            return str(deploy["restart_policy"].get("condition") or "any").replace("none", "no")
        return substituted(str(value or ""))

    @property
    def is_built(self) -> bool:
        """Report whether its image is this project's own."""
        return self.get("build") is not None

    @property
    def image(self) -> str:
        """Its image's name without the registry and the tag."""
        return image_name(self.get("image"))

    @property
    def names(self) -> set[str]:
        """The names by which other containers reach it."""
        found = {self.name, str(self.get("container_name") or ""), str(self.get("hostname") or "")}
        networks = self.get("networks")
        for each in networks.values() if isinstance(networks, dict) else ():
            found.update(map(str, (each.get("aliases") or ()) if isinstance(each, dict) else ()))
        return found - {""}


class Compose:
    """The compose files, merged as Compose merges them.

    Attributes:
        root: the project's folder.
        paths: the files that there are; empty where there is none.
        documents: the parsed files, those that are included or extended as well.
        services: the services by name.
        problems: a line for each file, or service, that cannot be read. The others are read all the same.
    """

    def __init__(self, config: Config) -> None:
        self.root = config.root
        self.paths = list(_chosen(config))
        self.documents: dict[Path, list[_yaml.Document]] = {}
        self.services: dict[str, Service] = {}
        self.problems: list[str] = []
        for path in self.paths:
            self._load(path, ())

    @property
    def one_shots(self) -> set[str]:
        """The services that end by themselves: another one waits for their end, or their restart policy is "no"."""
        found = {name for name, each in self.services.items() if each.restart == "no"}
        for each in self.services.values():
            waits = each.get("depends_on")
            for other, how in waits.items() if isinstance(waits, dict) else ():
                if isinstance(how, dict) and how.get("condition") == "service_completed_successfully":
                    found.add(other)
        return found

    @property
    def built_images(self) -> set[str]:
        """The images that the project builds, under the names that the files give them."""
        return {str(each.get("image")) for each in self.services.values() if each.is_built and each.get("image")}

    def _problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)

    def _read(self, path: Path) -> list[_yaml.Document]:
        if path not in self.documents:
            self.documents[path] = []
            try:
                self.documents[path] = _yaml.documents(path)
            except _yaml.UnreadableError as error:
                self._problem(str(error))
        return self.documents[path]

    def _load(self, path: Path, above: tuple[Path, ...]) -> None:
        if path in above:
            self._problem(f"{path.name} includes itself")
            return
        for content in self._contents(path):
            for other in _included(content.get("include"), path):
                self._load(other, (*above, path))
            for name, service in _services(content).items():
                if isinstance(service, _yaml.Mapping):
                    below = self.services[name].layers if name in self.services else ()
                    line = content["services"].line_of(name)
                    layers = (*below, *self._layers(name, Layer(service, path, line), ()))
                    self.services[name] = Service(name, layers, self.root)

    def _contents(self, path: Path) -> Iterator[_yaml.Mapping]:
        for document in self._read(path):
            content = document.content
            if isinstance(content, _yaml.Mapping):
                if not isinstance(content.get("services") or {}, dict):
                    self._problem(f"{path.name} cannot be read: its services are no mapping")
                yield content

    def _layers(self, name: str, own: Layer, above: tuple[tuple[Path, str], ...]) -> tuple[Layer, ...]:
        """The layers of a service: what it extends, what that extends, and so on, and itself on top."""
        path, extends = own.path, own.content.get("extends")
        if not extends:
            return (own,)
        base = str(extends.get("service") if isinstance(extends, dict) else extends)
        file = extends.get("file") if isinstance(extends, dict) else None
        there = real(path.parent / substituted(str(file))) if file else path
        if (there, base) in above or (there == path and base == name):
            self._problem(f"{path.name} cannot be read: the service {name} extends itself")
            return (own,)
        for each in self._contents(there):
            services = _services(each)
            if isinstance(services.get(base), _yaml.Mapping):
                layer = Layer(services[base], there, each["services"].line_of(base))
                return (*self._layers(base, layer, (*above, (path, name))), own)
        # An unreadable file is named already.
        if self.documents[there]:
            self._problem(f"{path.name} cannot be read: {name} extends {base}, which is not in {there.name}")
        return (own,)


def _services(content: _yaml.Mapping) -> dict[str, Any]:
    services = content.get("services")
    return services if isinstance(services, _yaml.Mapping) else {}


def _chosen(config: Config) -> Iterator[Path]:
    """The files that the configuration names; of the names that Compose looks for, the first that is there."""
    usual = Config.compose
    names = config.compose
    if names == usual:
        first = next((name for name in usual if is_file(config.root / name)), "")
        stem, _, suffix = first.rpartition(".")
        names = (first, f"{stem}.override.{suffix}", f"{stem}.override.{'yml' if suffix == 'yaml' else 'yaml'}")
    for name in names if names[0] or names != usual else ():
        if name and is_file(config.root / name):
            yield real(config.root / name)


def _included(value: Any, path: Path) -> Iterator[Path]:
    for each in value if isinstance(value, list) else ():
        names = each.get("path") if isinstance(each, dict) else each
        for name in names if isinstance(names, list) else [names]:
            other = path.parent / substituted(str(name))
            # Others come from a registry or a repository elsewhere.
            if is_file(other):
                yield real(other)


def _over(key: str, below: Any, content: _yaml.Mapping) -> Any:
    """The value of a key once this lies over what was there."""
    tag = content.tags.get(key)
    if tag == "!reset":
        return None
    if content.get(key) is None:
        return below
    above = content[key]
    if tag == "!override" or type(below) is not type(above):
        return above
    if isinstance(above, _yaml.Mapping):
        merged = _yaml.Mapping(above.line)
        merged.lines = below.lines | above.lines
        merged.update(below)
        for name in above:
            merged[name] = _over(name, below.get(name), above)
        return merged
    if isinstance(above, _yaml.Sequence) and key in _CONCATENATED:
        joined = _yaml.Sequence(above.line)
        joined.extend([*below, *above])
        joined.lines = below.lines + above.lines
        return joined
    return above


def _numbers(text: str) -> tuple[int, ...]:
    """The ports of `8000` or `8000-8010`; none for everything else."""
    begin, _, end = text.partition("-")
    first, last = whole_number(begin), whole_number(end or begin)
    if first is None or last is None:
        return ()
    return tuple(range(first, min(last, first + 1000) + 1))


def _port(value: Any, location: Location) -> Port | None:
    if isinstance(value, _yaml.Mapping):
        raw = str(value.get("published") or "")
        inner = str(value.get("target") or "")
        host, container = substituted(raw, _UNKNOWN), substituted(inner, _UNKNOWN)
        ip, protocol = substituted(str(value.get("host_ip") or "")), str(value.get("protocol") or "tcp")
    else:
        written = _outside_braces(str(value))
        body, _, protocol = substituted(str(value), _UNKNOWN).partition("/")
        address, _, rest = body.rpartition("]:") if body.startswith("[") else ("", "", body)
        parts = rest.split(":")
        container, host = parts[-1], parts[-2] if len(parts) > 1 else ""
        ip = address.strip("[") or ":".join(parts[:-2])
        raw, inner = written[-2] if len(written) > 1 else "", written[-1]
    numbers = _numbers(container)
    if not numbers and _UNKNOWN not in container:
        return None
    everywhere = ip in ("0.0.0.0", "::")  # noqa: S104 - is compared, and nothing listens there
    return Port("" if everywhere else ip, _numbers(host), numbers, protocol or "tcp", raw, inner, location)


def _outside_braces(text: str) -> list[str]:
    """The parts between colons, those inside of `${...}` apart."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if character == ":" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


_VARIABLE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?+])((?:[^{}]|\{[^{}]*\})*))?\})")


def substituted(text: str, unknown: str = "") -> str:
    """A value as Compose reads it where no variable is set: `${PORT:-8000}` is 8000, `${KEY:?...}` is `unknown`."""

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        if match[4] and match[4].endswith("-"):
            return substituted(match[5], unknown)
        return "" if match[4] and match[4].endswith("+") else unknown

    return _VARIABLE.sub(value, text)


def variables_in(text: str) -> set[str]:
    """The names of the variables that a value is made of."""
    return {name for each in _VARIABLE.finditer(text) if (name := each[2] or each[3])}


def image_name(name: object) -> str:
    """An image's name without its registry and its tag."""
    return substituted(str(name or ""), _UNKNOWN).rpartition("/")[2].partition("@")[0].partition(":")[0]


def command(value: object) -> tuple[str, ...]:
    """The words of a command: a list's, or of a text split as a shell would."""
    if isinstance(value, (list, tuple)):
        return tuple(substituted(str(each)) for each in value)
    try:
        return tuple(shlex.split(substituted(str(value or ""))))
    except ValueError:
        return tuple(str(value).split())
