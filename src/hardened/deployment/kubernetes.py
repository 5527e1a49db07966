"""Kubernetes manifests: their objects, containers and environments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.table import Config
from ..model import Location
from . import yaml as _yaml
from .files import whole_number


@dataclass(frozen=True)
class Container:
    """A container of a manifest.

    Attributes:
        content: its mapping in the manifest.
        path: the manifest.
        owner: the object that it is a container of.
        ends: it ends by itself.
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
    """The Kubernetes manifests.

    Attributes:
        root: the project's folder.
        objects: the objects, each with its file.
        problems: a line for each file that cannot be read. The others are read all the same.
    """

    def __init__(self, config: Config) -> None:
        self.root = config.root
        self.objects: list[tuple[_yaml.Mapping, Path]] = []
        self.problems: list[str] = []
        for path in config.paths("kubernetes"):
            try:
                documents = _yaml.documents(path)
            except _yaml.UnreadableError as error:
                self.problems.append(str(error))
                continue
            for document in documents:
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
        for each in mappings(container.content.get("envFrom")):
            wanted = name_of(each.get("configMapRef"))
            for content, _ in self.of_kind("ConfigMap"):
                data = content.get("data")
                if wanted and name_of(content.get("metadata")) == wanted and isinstance(data, dict):
                    given |= {f"{each.get('prefix') or ''}{key}": str(value) for key, value in data.items()}
        for each in mappings(container.content.get("env")):
            value = each.get("value")
            given[str(each.get("name"))] = "" if value is None else str(value)
        return given

    @staticmethod
    def replicas(owner: _yaml.Mapping) -> int:
        """The number of pods of a Deployment and its like."""
        spec = owner.get("spec")
        return _count(spec.get("replicas"), 1) if isinstance(spec, dict) else 1

    def copies(self, owner: _yaml.Mapping) -> int:
        """The number of pods of a Deployment and its like that may run at a time, also while they are replaced."""
        spec = owner.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        kind = owner.get("kind")
        if kind in ("Job", "CronJob"):
            return _count(spec.get("parallelism"), 1)
        most = _count(spec.get("replicas"), 1)
        for each, _ in self.of_kind("HorizontalPodAutoscaler"):
            scaled = each.get("spec")
            if not isinstance(scaled, dict):
                continue
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

    def environments(self) -> Iterator[tuple[str, str, str, Location]]:
        """Each variable of each container that stands in a manifest: the container, name, value and line."""
        for container in self.containers():
            for each in mappings(container.content.get("env")):
                location = Location.of(self.root, container.path, each.line_of("value"))
                yield container.name, str(each.get("name")), str(each.get("value") or ""), location

    def data(self, *kinds: str) -> Iterator[tuple[str, str, str, Location]]:
        """Each entry of ConfigMaps or Secrets: the kind, name, value and line; encrypted ones are left out."""
        for content, path in self.of_kind(*kinds):
            for table in ("data", "stringData"):
                data = content.get(table)
                if not isinstance(data, _yaml.Mapping) or "sops" in content:
                    continue
                for name, value in data.items():
                    location = Location.of(self.root, path, data.line_of(name))
                    yield str(content.get("kind")), name, str(value or ""), location

    def names_of(self, container_name: str) -> set[str]:
        """The names of the Services that lead to a container, and its own."""
        found = {container_name}
        labels = [_labels(each.owner) for each in self.containers() if each.name == container_name]
        for content, _ in self.of_kind("Service"):
            spec = content.get("spec")
            selector = spec.get("selector") if isinstance(spec, dict) else None
            if isinstance(selector, dict) and any(_lies_in(selector, each) for each in labels):
                found.add(name_of(content.get("metadata")))
        return found


def _labels(owner: object) -> dict[str, object]:
    """The labels of the pods of an object."""
    for key in ("spec", "template", "metadata", "labels"):
        owner = owner.get(key) if isinstance(owner, dict) else None
    return dict(owner) if isinstance(owner, dict) else {}


def _lies_in(selector: dict[str, object], labels: dict[str, object]) -> bool:
    return all(name in labels and labels[name] == value for name, value in selector.items())


def name_of(value: object) -> str:
    """The `name` of a mapping, "" where there is none."""
    return str(value.get("name") or "") if isinstance(value, dict) else ""


def _count(value: object, otherwise: int) -> int:
    number = whole_number(value)
    return otherwise if number is None else number


def mappings(value: object) -> list[_yaml.Mapping]:
    """The mappings in a list; none where it is no list."""
    return [each for each in value if isinstance(each, _yaml.Mapping)] if isinstance(value, list) else []


def _containers(content: Any) -> Iterator[tuple[bool, _yaml.Mapping]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("containers", "initContainers"):
                yield from ((key == "initContainers", each) for each in mappings(value))
            else:
                yield from _containers(value)
    elif isinstance(content, list):
        for each in content:
            yield from _containers(each)
