# Owned by the template.
"""Features and their discovery: a folder in `features/` is the whole registration."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from .clients import Client
from .identity import Authenticate, Recheck
from .jobs import JobKind
from .realtime import Topic
from .settings import CoreSettings
from .startup import StartupProblem, import_modules, location_of, refuse

__all__ = ["Command", "Feature", "FeatureError", "discover", "discover_commands", "load_features"]

Command = Callable[..., Awaitable[None]]
Retention = Callable[[AsyncSession, CoreSettings], Awaitable[None]]


class FeatureError(ValueError):
    """The features do not fit the service, or each other."""


@dataclass(frozen=True)
class Feature:
    """The one object that a feature's folder exposes, as `feature`.

    Attributes:
        routers: its routes, one router for each path prefix (RT001).
        jobs: its kinds of jobs.
        queues: names of queues that its jobs wait in, besides the default one.
        clients: its clients of other services.
        retention: functions that delete what has expired; called about every hour in a unit of work.
        topics: what it shows live.
        authenticate: how a bearer token is recognised; exactly one feature has it.
        recheck: whether such a login still holds; the same feature has it, or sockets cannot be renewed.
    """

    routers: Sequence[APIRouter] = ()
    jobs: Sequence[JobKind[Any]] = ()
    queues: Sequence[str] = ()
    clients: Sequence[type[Client]] = ()
    retention: Sequence[Retention] = ()
    topics: Sequence[Topic] = ()
    authenticate: Authenticate | None = None
    recheck: Recheck | None = None


def discover(package: str) -> tuple[Feature, ...]:
    """The features of the service, one for each folder in `<package>/features/`, in the order of their names.

    Raises:
        StartupError: a module of theirs cannot be imported, a folder exposes no `feature`, or no feature lists a job.
    """
    features, problems = load_features(package)
    refuse(problems)
    return features


def load_features(package: str) -> tuple[tuple[Feature, ...], list[StartupProblem]]:
    """The features that can be had, and every problem of the others.

    All modules in `features/` are imported, so that none fails at its first use; `commands.py` belongs to the command
    line alone. Cost: none, where a feature imports its modules anyway.
    """
    if problems := list(import_modules(f"{package}.features", descend=False)):
        return (), problems
    found: dict[str, Feature] = {}
    for name in _folders(package):
        if failed := list(import_modules(name)):
            problems += failed
            continue
        feature = getattr(sys.modules[name], "feature", None)
        if isinstance(feature, Feature):
            found[name] = feature
            continue
        hint = "put `feature = Feature(...)` into its __init__.py, or move the module out of features/"
        problems.append(StartupProblem("IM003", f"{name} exposes no feature", hint))
    problems += _unlisted_jobs(found)
    return tuple(found.values()), problems


def _unlisted_jobs(features: dict[str, Feature]) -> Iterator[StartupProblem]:
    """Report the jobs that no feature lists: they can be enqueued, and no process would do them (JB001)."""
    seen = {kind.name for feature in features.values() for kind in feature.jobs}
    for name, module in sorted(sys.modules.items()):
        if ".".join(name.split(".")[:3]) not in features:
            continue
        for value in list(vars(module).values()):
            if isinstance(value, JobKind) and value.name not in seen:
                seen.add(value.name)
                message, location = f"no feature lists the job {value.name!r}", location_of(value.function)
                yield StartupProblem("JB001", message, "add it to the jobs of `feature`, or delete it", location)


def discover_commands(package: str) -> tuple[Command, ...]:
    """The commands of the features: what each lists as `commands` in its `commands.py`, if it has one.

    They stand apart from `feature`, so that a process that serves requests does not import a command line.

    Raises:
        FeatureError: a `commands.py` has no `commands`.
    """
    found: list[Command] = []
    for name in _folders(package):
        if importlib.util.find_spec(f"{name}.commands") is None:
            continue
        module = importlib.import_module(f"{name}.commands")
        if not hasattr(module, "commands"):
            raise FeatureError(f"{module.__name__} lists no commands: end it with `commands = (...)`")
        found += module.commands
    return tuple(found)


def _folders(package: str) -> list[str]:
    folder = importlib.import_module(f"{package}.features")
    return sorted(f"{folder.__name__}.{module.name}" for module in pkgutil.iter_modules(folder.__path__))
