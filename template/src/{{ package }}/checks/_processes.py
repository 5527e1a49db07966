# Owned by the template.
"""Facts from the files that a service is deployed with: which processes are started, how, and with which environment."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _yaml
from ._config import FILE, Config
from ._findings import Place

_KINDS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod"}


@dataclass(frozen=True)
class Process:
    """A command that some file starts.

    Attributes:
        kind: compose, health (a health check in compose), dockerfile, procfile, kubernetes or script (of pyproject.toml).
        name: of the service, container or process type.
        words: the command, the image's entry point included where this project builds the image.
        shell: whether a shell runs it, which does not pass on signals.
        place: where it is written.
        environment: what it is given, as far as the file says.
        replicas: how many of it are started.
    """

    kind: str
    name: str
    words: tuple[str, ...]
    shell: bool
    place: Place
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    replicas: int = 1


class Compose:
    """The compose files, merged as Compose merges them; `services` is empty where there is none."""

    def __init__(self, config: Config) -> None:
        self.root = config.root
        self.paths = [path for name in config.compose if (path := config.root / name).is_file()]
        self.documents = {path: _yaml.documents(path) for path in self.paths}
        self.services: dict[str, Service] = {}
        for path in self.paths:
            for document in self.documents[path]:
                services = document.content.get("services") if isinstance(document.content, dict) else None
                for name, content in (services or {}).items():
                    if isinstance(content, _yaml.Mapping):
                        self._add(name, content, path)

    def _add(self, name: str, content: _yaml.Mapping, path: Path) -> None:
        known = self.services.get(name)
        self.services[name] = Service(name, content, self.root, path, known)


class Service:
    """One service of the compose files; a later file's entry lies over an earlier one's."""

    def __init__(self, name: str, content: _yaml.Mapping, root: Path, path: Path, below: Service | None = None) -> None:
        self.name = name
        self.content = content
        self.path = path
        self.below = below
        self._root = root

    def get(self, key: str) -> Any:
        """The value of a key, None where no file has it."""
        if key in self.content:
            return self.content[key]
        return self.below.get(key) if self.below else None

    def place(self, key: str = "") -> Place:
        """The line of a key, or of the service."""
        if self.below is not None and key not in self.content:
            return self.below.place(key)
        return Place.of(self._root, self.path, self.content.line_of(key))

    @property
    def environment(self) -> dict[str, str]:
        """The variables it is given, written either way, with defaults such as `${NAME:-default}` filled in."""
        below = self.below.environment if self.below else {}
        value = self.content.get("environment")
        if isinstance(value, dict):
            pairs = {key: "" if each is None else str(each) for key, each in value.items()}
        else:
            pairs = dict((str(each).partition("=")[::2]) for each in value or ())
        return below | {key: substituted(each) for key, each in pairs.items()}

    @property
    def replicas(self) -> int:
        """How many of it are started."""
        deploy = self.get("deploy")
        written = deploy.get("replicas") if isinstance(deploy, dict) else None
        return _count(self.get("scale") if written is None else written)

    @property
    def is_built(self) -> bool:
        """Whether its image is this project's own."""
        return self.get("build") is not None


def _count(written: object) -> int:
    text = substituted(str(written))
    return int(text) if text.isdigit() else 1


def substituted(text: str) -> str:
    """A value as Compose reads it where no variable is set: `${PORT:-8000}` is 8000, `${KEY:?...}` is empty."""
    return re.sub(r"\$\{\w+(?::?-([^}]*))?(?::?[?+][^}]*)?\}", lambda match: match[1] or "", text)


def command(value: object) -> tuple[tuple[str, ...], bool]:
    """The words of a command, and whether a shell runs it: a list is run as it stands, a text by a shell."""
    if isinstance(value, (list, tuple)):
        words = tuple(substituted(str(each)) for each in value)
        return words, words[:2] in (("sh", "-c"), ("bash", "-c"), ("/bin/sh", "-c"), ("/bin/bash", "-c"))
    try:
        return tuple(shlex.split(substituted(str(value or "")))), bool(value)
    except ValueError:
        return tuple(str(value).split()), True


def processes(config: Config, compose: Compose) -> Iterator[Process]:
    """Every process that the project's files start."""
    image = list(_dockerfile(config))
    yield from image
    entry = next((each for each in image if each.name == "ENTRYPOINT"), None)
    default = next((each for each in image if each.name == "CMD"), None)
    for name, service in compose.services.items():
        yield from _of_compose(name, service, entry, default)
    yield from _procfile(config)
    yield from _kubernetes(config, compose, entry, default)
    yield from _scripts(config)


def _of_compose(name: str, service: Service, entry: Process | None, default: Process | None) -> Iterator[Process]:
    built = service.is_built
    first, shell = command(service.get("entrypoint"))
    if service.get("entrypoint") is None and built and entry:
        first, shell = entry.words, entry.shell
    rest, text = command(service.get("command"))
    if service.get("command") is None and service.get("entrypoint") is None and built and default:
        rest, text = default.words, default.shell
    # In compose a text is split into words and run without a shell; that the image's entry point is one still counts.
    told = not isinstance(service.get("command"), str) and text
    if first or rest:
        key = "command" if service.get("command") is not None else "entrypoint"
        place, given, count = service.place(key), service.environment, service.replicas
        yield Process("compose", name, (*first, *rest), shell or told, place, given, count)
    check = service.get("healthcheck")
    if isinstance(check, dict) and check.get("test") is not None:
        test = check["test"]
        words, shell = command(test)
        if isinstance(test, list) and words[:1] in (("CMD",), ("CMD-SHELL",)):
            shell, words = words[0] == "CMD-SHELL", words[1:]
        place = Place(service.place().file, getattr(check, "line_of", lambda _: service.place().line)("test"))
        yield Process("health", name, words, shell, place, service.environment)


def _dockerfile(config: Config) -> Iterator[Process]:
    for path in config.paths("dockerfiles"):
        found: dict[str, Process] = {}
        number, pending, begun = 0, "", 0
        for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
            if re.match(r"\s*#", line):
                continue
            begun = begun or number
            pending += line.rstrip().removesuffix("\\") + " "
            if line.rstrip().endswith("\\"):
                continue
            word, _, value = pending.strip().partition(" ")
            if word.upper() == "FROM":
                found.clear()
            if word.upper() in ("ENTRYPOINT", "CMD"):
                words, shell = _exec_form(value.strip())
                found[word.upper()] = Process(
                    "dockerfile", word.upper(), words, shell, Place.of(config.root, path, begun)
                )
            pending, begun = "", 0
        yield from found.values()


def _exec_form(value: str) -> tuple[tuple[str, ...], bool]:
    try:
        words = json.loads(value)
    except json.JSONDecodeError:
        return command(value)
    return command(words if isinstance(words, list) else value)


def _procfile(config: Config) -> Iterator[Process]:
    for path in config.paths("procfiles"):
        for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
            if match := re.match(r"([\w-]+):\s*(.+)", line):
                words, _ = command(match[2])
                yield Process("procfile", match[1], words, shell=False, place=Place.of(config.root, path, number))


def _kubernetes(config: Config, compose: Compose, entry: Process | None, default: Process | None) -> Iterator[Process]:
    ours = {_image(service.get("image")) for service in compose.services.values() if service.is_built}
    for path in config.paths("kubernetes"):
        for document in _yaml.documents(path):
            content = document.content
            if not isinstance(content, dict) or content.get("kind") not in _KINDS:
                continue
            for container in _containers(content):
                built = _image(container.get("image")) in ours
                words, shell = command(container.get("command"))
                arguments, _ = command(container.get("args"))
                if built and "command" not in container:
                    words, shell = (entry.words, entry.shell) if entry else ((), False)
                    arguments = default.words if default and "args" not in container else arguments
                if words or arguments:
                    place = Place.of(config.root, path, container.line_of("args" if "args" in container else "command"))
                    given = {
                        str(each.get("name")): str(each.get("value", ""))
                        for each in container.get("env") or ()
                        if isinstance(each, dict)
                    }
                    several, name = _replicas(content), str(container.get("name"))
                    yield Process("kubernetes", name, (*words, *arguments), shell, place, given, several)


def _replicas(content: Any) -> int:
    spec = content.get("spec")
    return _count(spec.get("replicas", 1)) if isinstance(spec, dict) and content.get("kind") != "DaemonSet" else 1


def _image(name: object) -> str:
    """An image's name without its registry and its tag."""
    return substituted(str(name or "")).rpartition("/")[2].partition("@")[0].partition(":")[0]


def _containers(content: Any) -> Iterator[_yaml.Mapping]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                yield from (each for each in value if isinstance(each, _yaml.Mapping))
            else:
                yield from _containers(value)
    elif isinstance(content, list):
        for each in content:
            yield from _containers(each)


def _scripts(config: Config) -> Iterator[Process]:
    text = (config.root / FILE).read_text(encoding="utf-8")
    project = tomllib.loads(text).get("project", {})
    for table in ("scripts", "gui-scripts"):
        for name, target in project.get(table, {}).items():
            line = next(
                (n for n, each in enumerate(text.splitlines(), 1) if re.match(rf'"?{re.escape(name)}"?\s*=', each)),
                None,
            )
            yield Process("script", name, (str(target),), shell=False, place=Place(FILE, line))
