"""Facts from the files that a service is deployed with: which processes are started, how, and with which environment."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..config.table import FILE, Config
from ..model import Location
from . import yaml as _yaml
from .compose import Compose, Service, command, image_name, substituted

__all__ = ["Cluster", "Compose", "Container", "Process", "Service", "command", "processes", "substituted"]

_SHELLS = {"sh", "bash", "dash", "ash", "zsh", "ksh"}
_FORWARDS = {"tini", "dumb-init", "docker-init", "catatonit"}


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
        script: what that shell is given, where it is written in this place; "" where no shell is.
        replicas: how many of it are started.
        times: how many of it may run at a time, those that take the place of others included.
        ends: whether it ends by itself: a migration, a job of a cluster.
        image: its image's name, without the registry and the tag.
        built: whether this project builds the image.
    """

    kind: str
    name: str
    words: tuple[str, ...]
    shell: bool
    location: Location
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    script: str = ""
    replicas: int = 1
    times: int = 1
    ends: bool = False
    image: str = ""
    built: bool = False


@dataclass(frozen=True)
class _Image:
    """What a Dockerfile says that a container of its image starts."""

    entry: Process | None = None
    default: Process | None = None

    def processes(self) -> Iterator[Process]:
        yield from (each for each in (self.entry, self.default) if each)


def shell_script(words: tuple[str, ...]) -> str | None:
    """What `sh -c` is given; "" for a shell that is given a file, None where the command is no shell."""
    words = started(words)
    if not words or words[0].rpartition("/")[2] not in _SHELLS:
        return None
    for position, word in enumerate(words[1:], 1):
        if not word.startswith("-"):
            return ""
        if "c" in word and not word.startswith("--"):
            return words[position + 1] if len(words) > position + 1 else None
    return None


def started(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command without what goes before it: an init that starts it, `env`, `exec`."""
    while words:
        name = words[0].rpartition("/")[2]
        if name in _FORWARDS:
            words = words[1:]
            while words and words[0].startswith("-"):
                words = words[1:]
        elif name in ("env", "exec") or re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        else:
            break
    return words


def processes(config: Config, compose: Compose, cluster: Cluster) -> Iterator[Process]:
    """Every process that the project's files start."""
    images = {path: _dockerfile(config, path) for path in _dockerfiles(config, compose)}
    # The last stage is what is built where nothing says otherwise.
    for stages in images.values():
        yield from _last(stages).processes()
    image = _last(next(iter(images.values()), {}))
    for name, service in compose.services.items():
        own = _built(service, images) or image
        yield from _of_compose(name, service, own, ends=name in compose.one_shots)
    yield from _procfile(config)
    yield from _kubernetes(config, compose, cluster, image)
    yield from _scripts(config)


def _of_compose(name: str, service: Service, image: _Image, *, ends: bool) -> Iterator[Process]:
    built = service.is_built
    entry, rest = service.get("entrypoint"), service.get("command")
    first, told = command(entry), False
    if entry is None and built and image.entry:
        first, told = image.entry.words, image.entry.shell
    words = command(rest)
    if rest is None and entry is None and built and image.default:
        words, told = image.default.words, told or image.default.shell
    if first or words:
        # A text is split into words here and run without a shell, unless one is named in it.
        script = shell_script((*first, *words)) if rest is not None or entry is not None else None
        key = "command" if rest is not None else "entrypoint"
        yield Process(
            "compose",
            name,
            (*first, *words),
            told or script is not None,
            service.location(key),
            service.environment,
            script=script or "",
            replicas=service.copies,
            times=service.copies,
            ends=ends,
            image=service.image,
            built=built,
        )
    check = service.get("healthcheck")
    if isinstance(check, dict) and check.get("test") is not None:
        test = check["test"]
        words, shell = command(test), isinstance(test, str)
        if isinstance(test, list) and words[:1] in (("CMD",), ("CMD-SHELL",)):
            shell, words = words[0] == "CMD-SHELL", words[1:]
        yield Process("health", name, words, shell, service.location("healthcheck", "test"), service.environment)


def _dockerfiles(config: Config, compose: Compose) -> list[Path]:
    """Those that the configuration names, and those that compose builds."""
    found = dict.fromkeys(config.paths("dockerfiles"))
    found |= dict.fromkeys(path for each in compose.services.values() if (path := recipe(each)) and path.is_file())
    return [path for path in found if path.is_relative_to(config.root)]


def recipe(service: Service) -> Path | None:
    """The Dockerfile that a service is built with."""
    build = service.get("build")
    if build is None:
        return None
    told = build if isinstance(build, dict) else {"context": build}
    folder = service.path.parent / substituted(str(told.get("context") or "."))
    return (folder / substituted(str(told.get("dockerfile") or "Dockerfile"))).resolve()


def image_has_healthcheck(service: Service) -> bool:
    """Whether the Dockerfile that a service is built with says how it is watched."""
    path = recipe(service)
    if path is None or not path.is_file():
        return False
    return any(word == "HEALTHCHECK" and value.upper() != "NONE" for word, value, _ in instructions(path))


def _built(service: Service, images: Mapping[Path, Mapping[str, _Image]]) -> _Image | None:
    stages = images.get(recipe(service) or Path())
    if not stages:
        return None
    build = service.get("build")
    target = str(build.get("target") or "") if isinstance(build, dict) else ""
    return stages.get(target) or _last(stages)


def _last(stages: Mapping[str, _Image]) -> _Image:
    return list(stages.values())[-1] if stages else _Image()


def instructions(path: Path) -> Iterator[tuple[str, str, int]]:
    """Each instruction of a Dockerfile, what it is told, and its line."""
    pending, begun, until = "", 0, ""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        if until:
            until = "" if line.strip() == until else until
            continue
        if re.match(r"\s*#", line) or (not line.strip() and not pending):
            continue
        begun = begun or number
        pending += re.sub(r"[\\`]\s*$", "", line) + " "
        if re.search(r"[\\`]\s*$", line):
            continue
        word, _, value = pending.strip().partition(" ")
        if word.upper() in ("RUN", "COPY", "ADD") and (inline := re.search(r"<<-?[\"']?(\w+)", value)):
            until = inline[1]
        yield word.upper(), value.strip(), begun
        pending, begun = "", 0


def _dockerfile(config: Config, path: Path) -> dict[str, _Image]:
    """What each stage starts, in order."""
    stages: dict[str, _Image] = {}
    name, image = "", _Image()
    for word, value, line in instructions(path):
        if word == "FROM":
            parts = [each for each in value.split() if not each.startswith("--")]
            # A stage starts what the stage starts that it is made from.
            image = stages.get(parts[0] if parts else "", _Image())
            name = parts[2] if len(parts) > 2 and parts[1].lower() == "as" else str(len(stages))
        elif word in ("ENTRYPOINT", "CMD"):
            words, shell = _exec_form(value)
            location = Location.of(config.root, path, line)
            script = value if shell else shell_script(words)
            made = Process("dockerfile", word, words, shell or script is not None, location, script=script or "")
            image = replace(image, **{"entry" if word == "ENTRYPOINT" else "default": made})
        if name:
            stages[name] = image
    return stages


def _exec_form(value: str) -> tuple[tuple[str, ...], bool]:
    """The words of a command in a Dockerfile, and whether a shell is put before them."""
    try:
        words = json.loads(value)
    except json.JSONDecodeError:
        words = None
    # What is no list of JSON, with its double quotes, is taken for a line of a shell.
    return (command(words), False) if isinstance(words, list) else (command(value), True)


def _procfile(config: Config) -> Iterator[Process]:
    for path in config.paths("procfiles"):
        for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
            if match := re.match(r"([\w-]+):\s*(.+)", line):
                words = command(match[2])
                yield Process("procfile", match[1], words, shell=False, location=Location.of(config.root, path, number))


@dataclass(frozen=True)
class Container:
    """A container of a manifest.

    Attributes:
        content: what the manifest says of it.
        path: the manifest.
        owner: the object that it is a container of.
        ends: whether it ends by itself.
    """

    content: _yaml.Mapping
    path: Path
    owner: _yaml.Mapping
    ends: bool

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.content.get("name") or "")


class Cluster:
    """The Kubernetes manifests."""

    def __init__(self, config: Config) -> None:
        self.root = config.root
        self.objects: list[tuple[_yaml.Mapping, Path]] = []
        for path in config.paths("kubernetes"):
            for document in _yaml.documents(path):
                content = document.content
                listed = content.get("items") if isinstance(content, dict) and content.get("kind") == "List" else None
                for each in listed if isinstance(listed, list) else [content]:
                    if isinstance(each, _yaml.Mapping):
                        self.objects.append((each, path))

    def of_kind(self, *kinds: str) -> Iterator[tuple[_yaml.Mapping, Path]]:
        """The objects of these kinds, with their files."""
        yield from ((each, path) for each, path in self.objects if each.get("kind") in kinds)

    def containers(self) -> Iterator[Container]:
        """Each container of each pod, those before the others included."""
        for owner, path in self.objects:
            ends = owner.get("kind") in ("Job", "CronJob")
            for first, each in _containers(owner):
                # One that goes before and is always started again stays beside the others.
                yield Container(each, path, owner, ends or (first and each.get("restartPolicy") != "Always"))

    def environment(self, container: Container) -> dict[str, str]:
        """The variables of a container, with what it has from maps of settings; "" for what is a secret."""
        given: dict[str, str] = {}
        for each in _mappings(container.content.get("envFrom")):
            wanted = name_of(each.get("configMapRef"))
            for content, _ in self.of_kind("ConfigMap"):
                data = content.get("data")
                if wanted and name_of(content.get("metadata")) == wanted and isinstance(data, dict):
                    given |= {f"{each.get('prefix') or ''}{key}": str(value) for key, value in data.items()}
        for each in _mappings(container.content.get("env")):
            value = each.get("value")
            given[str(each.get("name"))] = "" if value is None else str(value)
        return given

    @staticmethod
    def replicas(owner: _yaml.Mapping) -> int:
        """How many pods of a Deployment and its like there are."""
        spec = owner.get("spec")
        return _count(spec.get("replicas"), 1) if isinstance(spec, dict) else 1

    def copies(self, owner: _yaml.Mapping) -> int:
        """How many pods of a Deployment and its like there may be at a time, while they are replaced included."""
        spec = owner.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        kind = owner.get("kind")
        if kind in ("Job", "CronJob"):
            return _count(spec.get("parallelism"), 1)
        most = _count(spec.get("replicas"), 1)
        for each, _ in self.of_kind("HorizontalPodAutoscaler"):
            scaled = each.get("spec") or {}
            if name_of(scaled.get("scaleTargetRef")) == name_of(owner.get("metadata")):
                most = max(most, _count(scaled.get("maxReplicas"), 1))
        strategy = spec.get("strategy")
        strategy = strategy if isinstance(strategy, dict) else {}
        if kind != "Deployment" or strategy.get("type") == "Recreate" or most == 0:
            return most
        rolling = strategy.get("rollingUpdate")
        surge = rolling.get("maxSurge", "25%") if isinstance(rolling, dict) else "25%"
        if str(surge).endswith("%"):
            return most + math.ceil(most * _count(str(surge)[:-1], 25) / 100)
        return most + _count(surge, 0)


def name_of(value: object) -> str:
    """The `name` of a mapping, "" where there is none."""
    return str(value.get("name") or "") if isinstance(value, dict) else ""


def _count(value: object, otherwise: int) -> int:
    text = str(value)
    return int(text) if text.isdigit() else otherwise


def _mappings(value: object) -> list[_yaml.Mapping]:
    return [each for each in value if isinstance(each, _yaml.Mapping)] if isinstance(value, list) else []


def _containers(content: Any) -> Iterator[tuple[bool, _yaml.Mapping]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("containers", "initContainers"):
                yield from ((key == "initContainers", each) for each in _mappings(value))
            else:
                yield from _containers(value)
    elif isinstance(content, list):
        for each in content:
            yield from _containers(each)


def _kubernetes(config: Config, compose: Compose, cluster: Cluster, image: _Image) -> Iterator[Process]:
    ours = {service.image for service in compose.services.values() if service.is_built}
    ours |= {config.package, config.package.replace("_", "-")}
    for container in cluster.containers():
        content, path = container.content, container.path
        name = image_name(content.get("image"))
        built = name in ours
        own, arguments, told = command(content.get("command")), command(content.get("args")), False
        if built and "command" not in content:
            own, told = (image.entry.words, image.entry.shell) if image.entry else ((), False)
            arguments = image.default.words if image.default and "args" not in content else arguments
        if own or arguments:
            written = "command" in content or "args" in content
            script = shell_script((*own, *arguments)) if written else None
            key = "args" if "args" in content else "command" if "command" in content else "name"
            yield Process(
                "kubernetes",
                container.name,
                (*own, *arguments),
                told or script is not None,
                Location.of(config.root, path, content.line_of(key)),
                cluster.environment(container),
                script=script or "",
                replicas=cluster.replicas(container.owner),
                times=cluster.copies(container.owner),
                ends=container.ends,
                image=name,
                built=built,
            )


def _scripts(config: Config) -> Iterator[Process]:
    project = config.document.get("project", {})
    for table in ("scripts", "gui-scripts"):
        for name, target in project.get(table, {}).items():
            line = next(
                (
                    n
                    for n, each in enumerate(config.text.splitlines(), 1)
                    if re.match(rf'"?{re.escape(name)}"?\s*=', each)
                ),
                None,
            )
            yield Process("script", name, (str(target),), shell=False, location=Location(FILE, line))
