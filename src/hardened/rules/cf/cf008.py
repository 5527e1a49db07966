"""CF008: more connections to the database than it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...deployment import ports as _ports
from ...deployment.compose import image_name
from ...deployment.processes import Process
from ...model import CouldNotLook, DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...source.tree import literal

if TYPE_CHECKING:
    pass


class CF008(Rule):
    """More connections to the database than it takes.

    Each process has a pool of its own. Summed, for a compose file and for a cluster apart: processes (`--workers`,
    `--concurrency` and the one that starts them, `WEB_CONCURRENCY`) × replicas, with those that a deployment adds for a while
    (`maxSurge`, an autoscaler's maximum) × the settings that `pool-settings` names, from the environment or their defaults;
    without them, `pool_size` and `max_overflow` where the engine is made. What ends by itself counts as one. Against it:
    `max_connections` of the PostgreSQL that they name, 100 where nothing is said, without those kept for its superuser.
    Quiet are services on SQLite, on a database elsewhere, and a PostgreSQL whose configuration is in a file.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        databases = [each for each in _servers(project) if each.kind != "health"]
        if not databases:
            raise DoesNotApply("neither compose files nor manifests start a PostgreSQL")
        pool = _pool(project)
        for database in databases:
            most = most_connections(database.words)
            if most is None:
                continue
            alone = sum(each.kind == database.kind for each in databases) == 1
            names = _ports.names_of(project, database)
            parts = [
                (each, *connections(project, each, pool))
                for each in project.processes
                if each.kind == database.kind and each.built and _uses(each, names, alone=alone)
            ]
            used = sum(total for _, total, _ in parts)
            if used > most:
                largest = max(parts, key=lambda part: part[1])[0]
                told = " + ".join(f"{each.name} {shown}" for each, _, shown in parts)
                yield self.finding(
                    f"{told} = {used} connections, and {database.name} takes {most} (max_connections without those of its "
                    "superuser); lower a pool or the number of processes, or raise max_connections",
                    largest.location,
                    database.name,
                )


def _servers(project: Project) -> Iterator[Process]:
    """The PostgreSQL servers that are started, also those without a command of their own."""
    seen = set()
    for process in project.processes:
        if _ports.PORTS.get(process.image) == 5432 and process.kind in ("compose", "kubernetes"):
            seen.add((process.kind, process.name))
            yield process
    for name, service in project.compose.services.items():
        if _ports.PORTS.get(service.image) == 5432 and ("compose", name) not in seen:
            yield Process("compose", name, (), shell=False, location=service.location(), image=service.image)
    for container in project.cluster.containers():
        is_one = _ports.PORTS.get(image_name(container.content.get("image"))) == 5432
        if is_one and ("kubernetes", container.name) not in seen:
            location = Location.of(project.config.root, container.path, container.content.line)
            yield Process("kubernetes", container.name, (), shell=False, location=location)


def most_connections(words: Iterable[str]) -> int | None:
    """How many connections a PostgreSQL takes from a service; None where its command does not tell."""
    text = " ".join(words)
    if re.search(r"config_file|hba_file=.*\.conf", text):
        return None
    told = re.search(r"max_connections\s*=\s*'?(\d+)|(?:^|\s)-N\s*(\d+)", text)
    kept = re.search(r"superuser_reserved_connections\s*=\s*'?(\d+)", text)
    more = re.search(r"(?<!superuser_)reserved_connections\s*=\s*'?(\d+)", text)
    most = int(told[1] or told[2]) if told else 100
    return most - (int(kept[1]) if kept else 3) - (int(more[1]) if more else 0)


def _uses(process: Process, names: set[str], *, alone: bool) -> bool:
    """Whether a process has its connections to the database of these names."""
    addresses = [
        match
        for value in process.environment.values()
        if (match := re.match(r"(postgres\w*|sqlite)(?:\+\w+)?://(?:.*@)?([\w.-]*)", value))
    ]
    if not addresses:
        hosts = [value for name, value in process.environment.items() if re.search(r"HOST$", name)]
        given = any(re.search(r"(DATABASE|POSTGRES|DB|PG)\w*(URL|URI|DSN)?$", name) for name in process.environment)
        return bool(names.intersection(hosts)) or (alone and (given or process.kind == "kubernetes"))
    return any(each[1] != "sqlite" and each[2].partition(".")[0] in names for each in addresses)


def _pool(project: Project) -> dict[str, int]:
    """What one process may open, by the setting that says so."""
    settings = project.settings.numbers if project.config.settings else {}
    if project.config.pool_settings:
        if missing := [name for name in project.config.pool_settings if name not in settings]:
            raise CouldNotLook(f"pool-settings names {', '.join(missing)}, which no number of `settings` is called")
        return {name: settings[name] for name in project.config.pool_settings}
    found = {name: value for name, value in settings.items() if re.search(r"pool_size|max_overflow", name)}
    if found:
        return found
    for use in project.source.uses:
        engine = use.last in ("create_engine", "create_async_engine") and use.name.startswith("sqlalchemy.")
        if engine and use.argument("poolclass") is None:
            sizes = {"pool_size": 5, "max_overflow": 10}
            for name in sizes:
                value = literal(use.argument(name))
                sizes[name] = value if isinstance(value, int) else sizes[name]
            return sizes
    raise DoesNotApply("no `pool-settings` in [tool.hardening], and no engine whose pool could be read")


def connections(project: Project, process: Process, pool: dict[str, int]) -> tuple[int, str]:
    """How many connections a process and its like may open, and how that comes about."""
    if process.ends:
        return process.times, str(process.times)
    size = sum(_number(process, name.upper(), default) for name, default in pool.items())
    own = _processes(project, process)
    factors = [process.times, own, size] if process.times > 1 else [own, size]
    return process.times * own * size, " × ".join(map(str, factors))


def _number(process: Process, name: str, default: int) -> int:
    value = next((each for key, each in process.environment.items() if key == name or key.endswith(f"_{name}")), "")
    return int(value) if value.strip().isdigit() else default


def _processes(project: Project, process: Process) -> int:
    """How many processes with a pool of their own a command starts."""
    words = process.words
    if "worker" in words or any(word.rpartition("/")[2] == "celery" for word in words):
        if _option(words, "--pool", "-P") in ("solo", "threads", "gevent", "eventlet"):
            return 1
        told = _option(words, "--concurrency", "-c")
        settings = project.settings.numbers if project.config.settings else {}
        count = (
            int(told)
            if told.isdigit()
            else _number(process, "WORKER_CONCURRENCY", settings.get("worker_concurrency", 1))
        )
        # And the one that starts the others.
        return count + 1
    told = _option(words, "--workers", "-w")
    return int(told) if told.isdigit() else _number(process, "WEB_CONCURRENCY", 1)


def _option(words: Sequence[str], *names: str) -> str:
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else next(iter(words[position + 1 : position + 2]), "")
    return ""
