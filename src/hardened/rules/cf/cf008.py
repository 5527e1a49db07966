"""CF008: more connections to the database than it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...deployment.compose import Compose, image_name
from ...deployment.files import whole_number
from ...deployment.kubernetes import Cluster
from ...deployment.process import Process, option_values
from ...knowledge.ports import PORTS
from ...model import CouldNotLook, DoesNotApply, Finding, Location, Rule, option
from ...records.settings import SettingsFacts
from ...source.tree import Source, literal


class CF008(Rule):
    """More connections to the database than it takes.

    Each process has a pool of its own. Summed, for a compose file and for a cluster apart: processes (`--workers`,
    `--concurrency` and the one that starts them, `WEB_CONCURRENCY`) × replicas, with those that a deployment adds for a while
    (`maxSurge`, an autoscaler's maximum) × the settings that `pool-settings` names, from the environment or their defaults;
    without them, `pool_size` and `max_overflow` where the engine is made. What ends by itself counts as one. Against it:
    `max_connections` of the PostgreSQL that they name, 100 where nothing is said, without those kept for its superuser.
    Quiet are services on SQLite, on a database elsewhere, and a PostgreSQL whose configuration is in a file.
    """

    pool_settings: tuple[str, ...] = option(default=(), help="settings that size a pool of database connections")

    def check(
        self,
        processes: Sequence[Process],
        compose: Compose,
        cluster: Cluster,
        source: Source,
        settings: SettingsFacts | None = None,
    ) -> Iterator[Finding]:
        databases = [each for each in _servers(processes, compose, cluster) if each.kind != "health"]
        if not databases:
            raise DoesNotApply("neither compose files nor manifests start a PostgreSQL")
        if settings is None and self.pool_settings:
            named = ", ".join(self.pool_settings)
            raise DoesNotApply(f"pool-settings names {named}, and the settings were not imported")
        numbers = settings.numbers if settings else {}
        pool = _pool(self.pool_settings, source, numbers)
        for database in databases:
            most = most_connections(database.words)
            if most is None:
                continue
            alone = sum(each.kind == database.kind for each in databases) == 1
            is_compose = database.kind == "compose"
            names = compose.services[database.name].names if is_compose else cluster.names_of(database.name)
            parts = [
                (each, *connections(each, pool, numbers))
                for each in processes
                if each.kind == database.kind and each.built and _uses(each, names, alone=alone)
            ]
            used = sum(total for _, total, _ in parts)
            if used > most:
                largest = max(parts, key=lambda part: part[1])[0]
                terms = " + ".join(f"{each.name} {factors}" for each, _, factors in parts)
                yield self.finding(
                    f"{terms} = {used} connections, and {database.name} takes {most} (max_connections without those of "
                    "its superuser)",
                    largest.location,
                    database.name,
                    hint="lower a pool or the number of processes, or raise max_connections",
                )


def _servers(processes: Sequence[Process], compose: Compose, cluster: Cluster) -> Iterator[Process]:
    """The PostgreSQL servers that are started, also those without a command of their own."""
    seen = set()
    for process in processes:
        if PORTS.get(process.image) == 5432 and process.kind in ("compose", "kubernetes"):
            seen.add((process.kind, process.name))
            yield process
    for name, service in compose.services.items():
        if PORTS.get(service.image) == 5432 and ("compose", name) not in seen:
            yield Process("compose", name, (), shell=False, location=service.location(), image=service.image)
    for container in cluster.containers():
        is_one = PORTS.get(image_name(container.content.get("image"))) == 5432
        if is_one and ("kubernetes", container.name) not in seen:
            location = Location.of(cluster.root, container.path, container.content.line)
            yield Process("kubernetes", container.name, (), shell=False, location=location)


def most_connections(words: Iterable[str]) -> int | None:
    """The number of connections that a PostgreSQL takes from a service; None where its command does not tell."""
    text = " ".join(words)
    if re.search(r"config_file|hba_file=.*\.conf", text):
        return None
    given = re.search(r"max_connections\s*=\s*'?([0-9]{1,9})|(?:^|\s)-N\s*([0-9]{1,9})", text)
    kept = re.search(r"superuser_reserved_connections\s*=\s*'?([0-9]{1,9})", text)
    more = re.search(r"(?<!superuser_)reserved_connections\s*=\s*'?([0-9]{1,9})", text)
    most = int(given[1] or given[2]) if given else 100
    return most - (int(kept[1]) if kept else 3) - (int(more[1]) if more else 0)


def _uses(process: Process, names: set[str], *, alone: bool) -> bool:
    """Report whether a process has its connections to the database of these names."""
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


def _pool(settings: Sequence[str], source: Source, numbers: Mapping[str, int]) -> dict[str, int]:
    """The connections that one process may open, by the settings that limit them."""
    if settings:
        if missing := [name for name in settings if name not in numbers]:
            raise CouldNotLook(f"pool-settings names {', '.join(missing)}, which no number of `settings` is called")
        return {name: numbers[name] for name in settings}
    found = {name: value for name, value in numbers.items() if re.search(r"pool_size|max_overflow", name)}
    if found:
        return found
    for call in source.uses:
        makes_engine = call.last in ("create_engine", "create_async_engine") and call.name.startswith("sqlalchemy.")
        if makes_engine and call.argument("poolclass") is None:
            sizes = {"pool_size": 5, "max_overflow": 10}
            for name in sizes:
                value = literal(call.argument(name))
                sizes[name] = value if isinstance(value, int) else sizes[name]
            return sizes
    raise DoesNotApply("no `pool-settings` in [tool.hardening], and no engine whose pool could be read")


def connections(process: Process, pool: Mapping[str, int], numbers: Mapping[str, int]) -> tuple[int, str]:
    """The connections that a process and its copies may open, and the factors of that number."""
    if process.ends:
        return process.times, str(process.times)
    size = sum(_number(process, name.upper(), default) for name, default in pool.items())
    own = _processes(process, numbers)
    factors = [process.times, own, size] if process.times > 1 else [own, size]
    return process.times * own * size, " × ".join(map(str, factors))


def _number(process: Process, name: str, default: int) -> int:
    """The number that a variable of a process gives a setting."""
    value = next((each for key, each in process.environment.items() if key == name or key.endswith(f"_{name}")), "")
    number = whole_number(value)
    return default if number is None else number


def _processes(process: Process, numbers: Mapping[str, int]) -> int:
    """The number of processes with a pool of their own that a command starts."""
    words = process.words
    if "worker" in words or any(word.rpartition("/")[2] == "celery" for word in words):
        if _first(words, "--pool", "-P") in ("solo", "threads", "gevent", "eventlet"):
            return 1
        count = whole_number(_first(words, "--concurrency", "-c"))
        if count is None:
            count = _number(process, "WORKER_CONCURRENCY", numbers.get("worker_concurrency", 1))
        # And the one that starts the others.
        return count + 1
    count = whole_number(_first(words, "--workers", "-w"))
    return _number(process, "WEB_CONCURRENCY", 1) if count is None else count


def _first(words: Sequence[str], *names: str) -> str:
    return next(iter(option_values(words, *names)), "")
