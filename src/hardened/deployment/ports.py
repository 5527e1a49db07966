"""Addresses: which port each service listens on inside, which the host has, and who is told what (CF003)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..model import Location
from ..project import Project
from .compose import Compose, Port, Service, command, substituted, variables_in
from .processes import Cluster, Process, name_of
from .yaml import Mapping

Told = tuple[str, Location, str]
"""A message, where, and about what."""

PORTS = {
    "postgres": 5432,
    "postgresql": 5432,
    "postgis": 5432,
    "timescaledb": 5432,
    "pgvector": 5432,
    "timescaledb-ha": 5432,
}
PORTS |= {"redis": 6379, "valkey": 6379, "keydb": 6379, "redis-stack": 6379, "redis-stack-server": 6379}
PORTS |= {"rabbitmq": 5672, "mysql": 3306, "mariadb": 3306, "mongo": 27017, "memcached": 11211, "nats": 4222}
"""What the images of others listen on, inside."""
_SCHEMES = {
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "amqp": 5672,
    "mysql": 3306,
    "mariadb": 3306,
    "mongodb": 27017,
}
_FOREIGN = re.compile(r"db|database|postgres|pg|redis|broker|rabbit|mq|smtp|mail|mongo|mysql|kafka", re.IGNORECASE)
_STARTED = re.compile(
    r"uvicorn|gunicorn|hypercorn|granian|fastapi (?:dev|run)|flask run|runserver|uv run|poetry run|npm (?:run|start)"
)
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][\w+.-]*)://(?:[^@/\s,]*@)?(?P<host>\[[^\]]+\]|[\w.-]+)(?::(?P<port>\d+))?", re.I
)
_PLAIN = re.compile(r"(?P<scheme>)(?P<host>[a-z][\w.-]*|127\.0\.0\.1):(?P<port>\d{2,5})", re.I)
_FOR_BROWSERS = re.compile(
    r"ORIGIN|CORS|PUBLIC|FRONTEND|EXTERNAL|CALLBACK|REDIRECT|ISSUER|BASE_URL|SITE|ROOT_URL|VITE_|REACT_APP|NEXT_|NUXT_|ALLOWED"
    r"|WEB_|BROWSER|DOMAIN|ADVERTISED|HOSTNAME|TRUSTED|CSRF|LOGIN|AUTH_URL"
)
_IN_DOCUMENTS = re.compile(
    r"(?:(?P<scheme>[a-z][\w+.-]*)://(?:[^@/\s]*@)?)?(?P<host>localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(?P<port>\d{2,5})\b",
    re.I,
)


def listens(service: Service) -> set[int]:
    """The ports that a service listens on inside, as far as its image, its command and the file tell."""
    found = set(service.inside)
    if service.image in PORTS:
        found.add(PORTS[service.image])
    if service.image == "rabbitmq":
        found |= {5671, 15672, 15692}
    words = " ".join((*command(service.get("entrypoint")), *command(service.get("command"))))
    found |= {
        int(each) for each in re.findall(r"(?:--port[= ]|--bind[= ]\S*:|\bport[= ]|-p |-b \S*:)(\d{2,5})\b", words)
    }
    own = {*service.names, *_LOOPBACK, "0.0.0.0"}  # noqa: S104 - is looked for
    for name, value in service.environment.items():
        if (
            re.fullmatch(r"(?:\w+_)?PORT", name)
            and value.isdigit()
            and not re.match(r"(DB|DATABASE|POSTGRES|REDIS)_", name)
        ):
            found.add(int(value))
        found |= {int(each["port"]) for each in _addresses(value) if each["host"] in own - _LOOPBACK and each["port"]}
    return found


def _published(services: Iterator[Service] | Sequence[Service]) -> dict[int, list[tuple[Service, Port]]]:
    found: dict[int, list[tuple[Service, Port]]] = {}
    for service in services:
        for port in service.ports:
            for number in port.host:
                found.setdefault(number, []).append((service, port))
    return found


def _addresses(value: str) -> list[re.Match[str]]:
    found = list(_ADDRESS.finditer(value))
    plain = None if found else _PLAIN.fullmatch(value.strip())
    return [*found, *([plain] if plain else [])]


def between_containers(compose: Compose) -> Iterator[Told]:
    """Addresses of one container in another at which nothing answers."""
    services = list(compose.services.values())
    inside = {each.name: listens(each) for each in services}
    by_name = {name: each for each in services for name in each.names}
    outer = {
        name for each in services for port in each.ports for name in variables_in(port.raw) - variables_in(port.inner)
    }
    shared = {str(each.get("network_mode") or "").removeprefix("service:") for each in services}
    seen: set[Location] = set()
    for service in services:
        if str(service.get("network_mode") or "").startswith(("host", "service:", "container:")):
            continue
        for what, value, raw, location in _told(service):
            if location in seen:
                continue
            for match in _addresses(value):
                host, port = match["host"], int(match["port"] or 0)
                port = port or _SCHEMES.get(match["scheme"].partition("+")[0].lower(), 0)
                message = ""
                if host in by_name and by_name[host] is not service:
                    message = _wrong(by_name[host], port, inside, raw, outer)
                elif host in _LOOPBACK and port not in inside[service.name] and service.name not in shared:
                    message = _itself(service, services, port, inside, what, match["scheme"])
                if message:
                    seen.add(location)
                    yield f"{service.name} is given {what} with {host}:{port}: {message}", location, service.name
                    break


def _told(service: Service) -> Iterator[tuple[str, str, str, Location]]:
    """What a service is told: each variable, pairs of a host and a port as an address, and its command."""
    variables = service.variables
    for name, each in variables.items():
        yield name, each.value, each.raw, each.location
        beside = variables.get(re.sub(r"HOST(NAME)?$", "PORT", name)) if re.search(r"HOST(NAME)?$", name) else None
        if beside is not None and beside.value.isdigit() and not each.value.startswith("0."):
            yield (
                f"{name} and {beside.name}",
                f"{each.value}:{beside.value}",
                f"{each.raw}:{beside.raw}",
                beside.location,
            )
    for key in ("command", "entrypoint"):
        value = service.get(key)
        for raw in map(str, value) if isinstance(value, list) else [str(value or "")]:
            yield f"a {key}", substituted(raw), raw, service.location(key)


def _wrong(other: Service, port: int, inside: dict[str, set[int]], raw: str, outer: set[str]) -> str:
    """Why another service does not answer at this port; "" where it may."""
    name, own = other.name, inside[other.name]
    told = re.findall(rf"\b{re.escape(name)}:" + r"(\$\{?\w+[^}]*\}?)", raw)
    if any(outer.intersection(variables_in(each)) for each in told):
        return f"its variable is a port of the host; write the one inside{_listed(own)}"
    if not port or port in own:
        return ""
    hosts = {number for each in other.ports for number in each.host}
    if port in hosts:
        return f"that is the port on the host, and {name} listens on{_listed(own)} inside; write that"
    if other.image in PORTS and not any("${" in each.raw or "$" in each.inner for each in other.ports):
        return f"{name} listens on{_listed(own)} inside; write that"
    return ""


def _listed(ports: set[int]) -> str:
    return " " + " and ".join(map(str, sorted(ports))) if ports else ""


def _itself(
    service: Service, services: list[Service], port: int, inside: dict[str, set[int]], what: str, scheme: str
) -> str:
    """Which other service is meant by an address of the container itself."""
    if scheme.lower() in ("http", "https", "ws", "wss", "") and (
        _FOR_BROWSERS.search(what.upper()) or not service.is_built
    ):
        return ""
    for other in services:
        hosts = {number for each in other.ports for number in each.host}
        if other is not service and port in inside[other.name] | hosts:
            own = inside[other.name]
            inner = port if port in own else min(own, default=port)
            return f"inside of a container that is the container itself, and {other.name} is meant; write {other.name}:{inner}"
    return ""


def in_the_cluster(cluster: Cluster) -> Iterator[Told]:
    """Addresses of a Service at a port that it does not have."""
    ports: dict[str, set[int]] = {}
    for content, _ in cluster.of_kind("Service"):
        spec = content.get("spec")
        listed = spec.get("ports") if isinstance(spec, dict) else None
        # A headless one is the pods themselves.
        if isinstance(listed, list) and isinstance(spec, dict) and str(spec.get("clusterIP", "")) != "None":
            ports[name_of(content.get("metadata"))] = {
                each["port"] for each in listed if isinstance(each.get("port"), int)
            }
    told: list[tuple[str, str, Location]] = []
    for content, path in cluster.of_kind("ConfigMap"):
        data = content.get("data")
        if isinstance(data, Mapping):
            told += [
                (name, str(value), Location.of(cluster.root, path, data.line_of(name))) for name, value in data.items()
            ]
    for container in cluster.containers():
        env = container.content.get("env")
        for each in env if isinstance(env, list) else ():
            location = Location.of(cluster.root, container.path, each.line_of("value"))
            told.append((str(each.get("name")), str(each.get("value") or ""), location))
    for name, value, location in told:
        for match in _addresses(value):
            known = ports.get(match["host"].partition(".")[0])
            if known and match["port"] and int(match["port"]) not in known:
                message = (
                    f"{name} leads to {match['host']}:{match['port']}, and that Service has the port{_listed(known)}; "
                )
                yield message + "write that", location, name


def in_documents(project: Project) -> Iterator[Told]:
    """Ports of localhost in documents at which a reader finds nothing."""
    services = list(project.compose.services.values())
    if not services:
        return
    published = _published(services)
    behind: dict[int, Port] = {
        number: port for each in services for port in each.ports for number in port.container if port.host
    }
    for service in services:
        for each in service.ports:
            if service.image in PORTS and each.host:
                behind.setdefault(PORTS[service.image], each)
    built = {number for each in services if each.is_built for port in each.ports for number in port.container}
    elsewhere: set[int] | None = None
    for path in project.config.paths("documents"):
        text = path.read_text("utf-8", errors="replace")
        # Who starts the service without a container finds it at the port inside.
        without = built if _STARTED.search(text) else set()
        for number, line in enumerate(text.splitlines(), 1):
            for match in _IN_DOCUMENTS.finditer(line):
                port, scheme = int(match["port"]), (match["scheme"] or "http").partition("+")[0].lower()
                if port in published or port in without or any("$" in each for each in _raw(services, port)):
                    continue
                inside = behind.get(port)
                web = scheme in ("http", "https", "ws", "wss")
                if inside is None and not (web or _kind_is_published(services, scheme)):
                    continue
                elsewhere = _listened(project) if elsewhere is None and inside is None else elsewhere
                if port in (_of_settings(project) if inside is not None else elsewhere or ()):
                    continue
                location = Location.of(project.config.root, path, number)
                what = f"{match['host']}:{port} is told here, "
                if inside is not None:
                    yield (
                        f"{what}and {port} is the port inside; from outside it is {inside.host[0]}",
                        location,
                        str(port),
                    )
                else:
                    yield f"{what}and no service publishes {port}; write one that is published", location, str(port)


def _raw(services: list[Service], port: int) -> Iterator[str]:
    """The ports on the host, as they are written, in front of one inside whose number only the environment knows."""
    for service in services:
        for each in service.ports:
            if port in each.container and not each.host:
                yield each.raw


def _kind_is_published(services: list[Service], scheme: str) -> bool:
    usual = _SCHEMES.get(scheme)
    return usual is not None and any(
        PORTS.get(each.image) == usual and any(p.host for p in each.ports) for each in services
    )


def _listened(project: Project) -> set[int]:
    """Ports that something of the project listens on without a container."""
    found = _of_settings(project)
    for process in project.processes:
        if process.kind in ("procfile", "script"):
            found |= {int(each) for each in re.findall(r"(?:--port[= ]|-p |:)(\d{2,5})\b", " ".join(process.words))}
    patterns = r"(?:--port[= ]|-p |--publish[= ]|port-forward \S+ |-L ?|--bind \S*:|PORT=)(\d{2,5})\b"
    for path in project.config.paths("documents"):
        found |= {int(each) for each in re.findall(patterns, path.read_text("utf-8", errors="replace"))}
    for path in _others(project.config.root, set(project.compose.paths)):
        found |= {int(each) for each in re.findall(r"\b\d{3,5}\b", path.read_text("utf-8", errors="replace"))}
    for names in project.source.own:
        path = project.config.root / names.file.path
        found |= {
            int(each)
            for each in re.findall(
                r"(?:port\s*[=:]\s*(?:int\s*=\s*)?)(\d{2,5})\b", path.read_text("utf-8", errors="replace")
            )
        }
    return found


def _of_settings(project: Project) -> set[int]:
    """The ports that the settings have the service listen on."""
    numbers = project.settings.numbers if project.config.settings else {}
    return {
        value for name, value in numbers.items() if re.fullmatch(r"(?:\w+_)?port", name) and not _FOREIGN.match(name)
    }


def _others(root: Path, but: set[Path]) -> Iterator[Path]:
    """Small files of settings at the root and one folder below, such as a package.json, without what compose reads."""
    for pattern in (
        "*.json",
        "*.toml",
        "*.ts",
        "*.js",
        "*.cfg",
        "*/package.json",
        "*/vite.config.*",
        "Makefile",
        "justfile",
    ):
        for path in root.glob(pattern):
            if (
                path.is_file()
                and path.resolve() not in but
                and path.stat().st_size < 100_000
                and "lock" not in path.name
            ):
                yield path


def names_of(project: Project, database: Process) -> set[str]:
    """The names by which other containers reach a server."""
    if database.kind == "compose":
        return project.compose.services[database.name].names
    found = {database.name}
    owners = [each.owner for each in project.cluster.containers() if each.name == database.name]
    labels = [_labels(owner) for owner in owners]
    for content, _ in project.cluster.of_kind("Service"):
        spec = content.get("spec")
        selector = spec.get("selector") if isinstance(spec, dict) else None
        if isinstance(selector, dict) and any(selector.items() <= each.items() for each in labels):
            found.add(name_of(content.get("metadata")))
    return found


def _labels(owner: object) -> dict[str, object]:
    """The labels of the pods of an object."""
    for key in ("spec", "template", "metadata", "labels"):
        owner = owner.get(key) if isinstance(owner, dict) else None
    return dict(owner) if isinstance(owner, dict) else {}
