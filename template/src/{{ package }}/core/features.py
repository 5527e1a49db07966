# Owned by the template.
"""What a feature may expose, and how the service finds it: a folder in `features/` is the whole registration."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from .clients import Client
from .identity import Authenticate, Recheck
from .jobs import JobKind
from .realtime import Topic
from .settings import CoreSettings

__all__ = ["Command", "Feature", "FeatureError", "discover", "discover_commands"]

Command = Callable[..., Awaitable[None]]
Retention = Callable[[AsyncSession, CoreSettings], Awaitable[None]]


class FeatureError(Exception):
    """A folder in `features/` is not a feature."""


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
        FeatureError: a folder exposes no `feature`.
    """
    found = []
    for name in _folders(package):
        feature = getattr(importlib.import_module(name), "feature", None)
        if not isinstance(feature, Feature):
            raise FeatureError(
                f"{name} exposes no feature: put `feature = Feature(...)` into its __init__.py, "
                "or move the module out of features/"
            )
        found.append(feature)
    return tuple(found)


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
