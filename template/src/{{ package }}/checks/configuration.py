# Owned by the template.
"""CF: guards of settings and of the files that a service is deployed with."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import _ports, _shell
from ._compose import Port, Service, image_name, substituted
from ._config import FILE
from ._facts import Facts
from ._findings import CouldNotLook, DoesNotApply, Finding, Guard, Place
from ._functions import Function
from ._names import Names, Use
from ._processes import Process, image_has_healthcheck
from ._secrets import is_literal_secret, is_secret_name, password_in
from ._source import literal
from ._yaml import Mapping

if TYPE_CHECKING:
    from ._live_settings import Default

_FLOATING = {
    "latest",
    "stable",
    "edge",
    "nightly",
    "main",
    "master",
    "dev",
    "develop",
    "head",
    "rolling",
    "mainline",
    "current",
    "alpine",
    "slim",
    "lts",
}
_BACKENDS = {
    "sqlalchemy",
    "sqlmodel",
    "redis",
    "valkey",
    "httpx",
    "httpx2",
    "requests",
    "aiohttp",
    "psycopg",
    "psycopg2",
    "psycopg_pool",
    "asyncpg",
    "aiosqlite",
    "sqlite3",
    "motor",
    "pymongo",
    "beanie",
    "tortoise",
    "peewee",
    "celery",
    "kombu",
    "aio_pika",
    "pika",
    "aiokafka",
    "confluent_kafka",
    "nats",
    "elasticsearch",
    "opensearchpy",
    "boto3",
    "aioboto3",
    "botocore",
    "grpc",
    "smtplib",
    "aiosmtplib",
    "ldap3",
    "aiomysql",
    "pymysql",
}
_ENV_FILE = re.compile(r"(?:.*/)?\.env(?:\.(?!example$|sample$|template$|dist$)[\w-]+)*")
_LOCAL = re.compile(r"local|test|testing|dev|develop|development|ci")
_OF_THE_REQUEST = re.compile(r"\.Request\(\)\.(?:body|json|form|is_disconnected)$")
_ENVIRONMENT = re.compile(r"(?:\w+_)?(?:ENV|ENVIRONMENT|STAGE)")


class CF001(Guard):
    """A file of settings that is looked for in the folder somebody happens to be in.

    What counts: `env_file` of pydantic-settings (in `SettingsConfigDict`, `class Config`, a class's own line, a call), the
    path of python-dotenv, environs, python-decouple and Starlette, and `Path(".env")` or `open(".env")`, where the path is
    relative or made from the working directory; `load_dotenv()` and `read_env()` without any; and the class that `settings`
    names, as it is once imported. Quiet are paths made from `__file__` or from a function of the project.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        files = [names for path in facts.source.files if _is_read(facts, path) and (names := facts.source.names(path))]
        seen: set[Place] = set()
        for names in files:
            for path, place in _env_files(names):
                if place not in seen:
                    seen.add(place)
                    yield self._told(path, place)
        if facts.config.settings:
            for path, place in facts.settings.relative:
                # The line of the class's configuration may be the one above.
                if not any(place.file == each.file for each in seen):
                    yield self._told(path, place)

    def _told(self, path: str, place: Place) -> Finding:
        return self.finding(
            f"{path} is looked for in the folder that the process was started in, so a command from elsewhere has other "
            "settings; make its path from __file__ or from the project's root",
            place,
            path,
        )


def _is_read(facts: Facts, path: str) -> bool:
    """Whether a file is of the package, the guards' own apart, or of the migrations."""
    source = facts.source
    absolute = source.root / path
    inside = absolute.is_relative_to(source.package) and not absolute.is_relative_to(Path(__file__).resolve().parent)
    return inside or (absolute.is_relative_to(source.versions.parent) and absolute.name == "env.py")


def _env_files(names: Names) -> Iterator[tuple[str, Place]]:
    """Each file of settings whose path depends on the working directory."""
    anchored: set[int] = set()
    for node, within in names:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            anchored.add(id(node.right))
        elif isinstance(node, ast.ClassDef):
            for each in node.keywords:
                if each.arg == "env_file" and (path := _depends(names, each.value)):
                    yield path, Place(names.file.path, node.lineno)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and within and isinstance(within[-1], ast.ClassDef):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = getattr(target, "id", "")
            if name == "env_file" and within[-1].name == "Config" and (path := _depends(names, node.value)):
                yield path, Place(names.file.path, node.lineno)
            if name == "model_config" and isinstance(node.value, ast.Dict):
                for key, value in zip(node.value.keys, node.value.values, strict=True):
                    if literal(key) == "env_file" and (path := _depends(names, value)):
                        yield path, Place(names.file.path, value.lineno)
    for use in names.uses():
        if id(use.node) not in anchored and (path := _env_file(names, use)):
            yield path, use.place


def _env_file(names: Names, use: Use) -> str:
    """The file of settings that a call reads, where its path depends on the working directory."""
    for keyword in ("env_file", "_env_file", "dotenv_path"):
        if (given := use.argument(keyword)) is not None:
            return _depends(names, given)
    root, first = use.name.partition(".")[0], use.node.args[0] if use.node.args else None
    if root == "dotenv" and use.last in ("load_dotenv", "dotenv_values"):
        if use.argument("stream") is not None:
            return ""
        return f"the file of {use.last}()" if first is None else _depends(names, first)
    if use.last == "read_env" and root in ("environs", "environ", ""):
        first = first or use.argument("path")
        return "the file of read_env()" if first is None else _depends(names, first)
    if use.name in ("decouple.RepositoryEnv", "starlette.config.Config"):
        return _depends(names, first)
    if use.name in ("pathlib.Path", "open", "io.open") or use.name.startswith("os.path."):
        path = _depends(names, first)
        return path if _ENV_FILE.fullmatch(path) else ""
    return ""


def _depends(names: Names, node: ast.AST | None, deep: int = 0) -> str:
    """The path that this gives, where it depends on the working directory; "" where not, and where nobody can tell."""
    node, names = names.written(node)
    if node is None or deep > 10:
        return ""
    if isinstance(node, ast.Constant):
        value = node.value
        return value if isinstance(value, str) and value and not value.startswith(("/", "~")) else ""
    if isinstance(node, ast.JoinedStr):
        first = literal(node.values[0]) if node.values else ...
        return f"{first}..." if isinstance(first, str) and not first.startswith(("/", "~")) else ""
    if isinstance(node, (ast.Tuple, ast.List)):
        return next((path for each in node.elts if (path := _depends(names, each, deep + 1))), "")
    if isinstance(node, ast.BinOp):
        left, right = _depends(names, node.left, deep + 1), literal(node.right)
        return f"{left}/{right if isinstance(right, str) else '...'}" if left else ""
    if isinstance(node, ast.IfExp):
        return _depends(names, node.body, deep + 1) or _depends(names, node.orelse, deep + 1)
    if isinstance(node, ast.BoolOp):
        return next((path for each in node.values if (path := _depends(names, each, deep + 1))), "")
    return _depends_call(names, node, deep) if isinstance(node, ast.Call) else ""


def _depends_call(names: Names, node: ast.Call, deep: int) -> str:
    name, first = names.meaning(node.func), node.args[0] if node.args else None
    if name in ("pathlib.Path.cwd", "os.getcwd"):
        return "the working directory"
    if name == "dotenv.find_dotenv":
        return ".env" if any(each.arg == "usecwd" for each in node.keywords) else ""
    if name in ("pathlib.Path", "pathlib.PurePath", "str", "os.fspath", "os.path.join", "os.path.abspath"):
        parts = [str(literal(each)) for each in node.args[1:]]
        path = _depends(names, first, deep + 1)
        return "/".join([path, *parts]) if path else ""
    if name in ("os.getenv", "os.environ.get") and len(node.args) > 1:
        return _depends(names, node.args[1], deep + 1)
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr in ("resolve", "absolute", "expanduser", "joinpath", "as_posix"):
        return _depends(names, func.value, deep + 1)
    return ""


class CF002(Guard):
    """A compose file in which something stands twice, drifts, or is neither watched nor started again.

    Twice: what is mounted at one target, a port of the host, a key of a mapping, a variable of a list, a network, a fixed
    address, a container's name. Drifts: an image with no version. Not watched: a service without a health check; not started
    again: one without a restart policy. Files are merged as Compose merges them: what an override or `extends` replaces is
    not twice. Quiet are services that end by themselves (`restart: "no"`, or somebody waits for their end), tools that only a
    profile starts, ports of two services whose profiles differ, images that are built here, and a health check that the
    Dockerfile has or that is switched off by name.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        compose = facts.compose
        if not compose.paths:
            raise DoesNotApply("there is no compose file")
        for path, documents in compose.documents.items():
            for document in documents:
                for key, line in document.twice:
                    place = Place.of(facts.config.root, path, line)
                    yield self.finding(
                        f"{key} stands twice in one mapping, and the last one wins; remove one", place, key
                    )
        services = list(compose.services.values())
        for service in services:
            yield from self._within(service)
            yield from self._upkeep(service, one_shot=service.name in compose.one_shots)
        yield from self._ports(services)
        yield from self._names(services)

    def _within(self, service: Service) -> Iterator[Finding]:
        told: set[Place] = set()
        for layer in service.layers:
            mounted: dict[str, Place] = {}
            for mount in service.own_mounts(layer):
                if mount.target in mounted and mount.place not in told:
                    told.add(mount.place)
                    yield self.finding(
                        f"{service.name} mounts two things at {mount.target}, the other at {mounted[mount.target]}; remove one",
                        mount.place,
                        service.name,
                    )
                mounted.setdefault(mount.target, mount.place)
            given: dict[str, Place] = {}
            # In a mapping it is a key that stands twice.
            for variable in service.written(layer) if isinstance(layer.content.get("environment"), list) else ():
                if variable.name in given:
                    yield self.finding(
                        f"{service.name} is given {variable.name} twice, the other at {given[variable.name]}; remove one",
                        variable.place,
                        service.name,
                    )
                given[variable.name] = variable.place
            networks = layer.content.get("networks")
            for name, count in Counter(map(str, networks if isinstance(networks, list) else ())).items():
                if count > 1:
                    place = service.place("networks")
                    yield self.finding(
                        f"{service.name} is in the network {name} twice; remove one", place, service.name
                    )

    def _upkeep(self, service: Service, *, one_shot: bool) -> Iterator[Finding]:
        name = service.name
        if not service.is_built and (why := _unpinned(str(service.get("image") or ""))):
            yield self.finding(
                f"{name} runs {service.get('image')}, {why}, so two deployments of one commit differ; write a version",
                service.place("image"),
                name,
            )
        if one_shot or (service.profiles and not service.restart):
            return
        if service.get("healthcheck") is None and not image_has_healthcheck(service):
            yield self.finding(
                f"{name} has no health check, so nobody sees that it hangs; say how it is asked",
                service.place(),
                name,
            )
        if not service.restart:
            yield self.finding(
                f'{name} has no restart policy and stays away once it ends; write restart: unless-stopped, or "no"',
                service.place(),
                name,
            )

    def _ports(self, services: Sequence[Service]) -> Iterator[Finding]:
        taken: list[tuple[Service, Port]] = []
        for service in services:
            ports = [] if service.get("network_mode") == "host" else service.ports
            for port in ports:
                for other, earlier in taken:
                    if _at_once(service, other) and (which := _same(port, earlier)):
                        yield self.finding(
                            f"{service.name} publishes {which} of the host, which {other.name} has ({earlier.place}); "
                            "give one of them another",
                            port.place,
                            service.name,
                        )
                        break
                taken.append((service, port))
                if port.host and len(port.host) < service.copies:
                    yield self.finding(
                        f"{service.name} has {service.copies} containers and one port {port.host[0]} of the host for them; "
                        "publish none, and put a proxy before them",
                        port.place,
                        service.name,
                    )

    def _names(self, services: Sequence[Service]) -> Iterator[Finding]:
        seen: dict[tuple[str, str], Service] = {}
        for service in services:
            networks = service.get("networks")
            own = [("container name", str(service.get("container_name") or ""), service.place("container_name"))]
            for name, each in networks.items() if isinstance(networks, dict) else ():
                address = str(each.get("ipv4_address") or "") if isinstance(each, dict) else ""
                if address:
                    own.append((f"address in {name}", address, service.place("networks", name, "ipv4_address")))
            for what, value, place in own:
                other = seen.setdefault((what, value), service)
                if value and other is not service and _at_once(service, other):
                    message = f"{service.name} has the {what} {value}, which {other.name} has; give it one of its own"
                    yield self.finding(message, place, service.name)


def _at_once(one: Service, other: Service) -> bool:
    """Whether two services are started together: not when each has profiles and they share none."""
    return not (one.profiles and other.profiles and one.profiles.isdisjoint(other.profiles))


def _same(one: Port, other: Port) -> str:
    """The port of the host that two bindings ask for; "" for none."""
    if one.protocol != other.protocol or (one.ip != other.ip and one.ip and other.ip):
        return ""
    common = sorted(set(one.host) & set(other.host))
    if common:
        return f"port {common[0]}"
    unknown = one.raw and one.raw == other.raw and not one.host and not other.host
    return f"port {one.raw}" if unknown else ""


def _unpinned(image: str) -> str:
    """Why an image is not the same tomorrow; "" where it is, or where nobody can tell."""
    shown = re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", image)
    if not shown or "@sha256:" in shown or re.search(r"\$\{?\w+[^/]*$", shown):
        return ""
    name, _, tag = shown.rpartition("/")[2].partition(":")
    if not tag:
        return "which has no tag" if name else ""
    return f"whose tag {tag} moves" if _FLOATING.issuperset(tag.lower().split("-")) else ""


class CF003(Guard):
    """A port of the host where one inside is meant, or the other way round.

    Between containers an address is the name of a service and the port that it listens on inside; from the host it is
    localhost and a port that is published. What counts: an address, in the environment or the command of a container, of
    another service at a port that is only published, or at `localhost`; a variable that is a port of the host in `ports:` and
    stands in such an address; in a cluster, the address of a Service at a port that it does not have; and in documents, a
    port of localhost that is inside alone, or that nothing in the project listens on. Quiet are one number inside and
    outside, a container that asks itself, what a browser is told, and containers that share the host's network.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        if not facts.compose.services and not facts.cluster.objects:
            raise DoesNotApply("there are neither compose files nor manifests")
        for message, place, subject in itertools.chain(
            _ports.between_containers(facts.compose),
            _ports.in_the_cluster(facts.cluster),
            _ports.in_documents(facts),
        ):
            yield self.finding(message, place, subject)


class CF005(Guard):
    """A secret that everybody can read.

    What counts: a secret of the class that `settings` names whose default it takes in production (tried, offline: its own
    validation is given strong values for all else); a secret written out in the source, as a value, an argument or the
    default of a variable of the environment; and in compose files and manifests, in a variable, an address, a ConfigMap or a
    Secret. Quiet are references (`${NAME:?}`, `secretKeyRef`, `..._FILE`), what is empty, a value that the settings refuse
    in production, and compose files whose services all run as local or test.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        known: frozenset[str] = frozenset()
        classes: frozenset[tuple[str, str]] = frozenset()
        problem = ""
        defaults: tuple[Default, ...] = ()
        if facts.config.settings:
            try:
                settings = facts.settings
            except CouldNotLook as reason:
                problem = str(reason)
            else:
                known, classes, defaults = settings.known, settings.classes, settings.defaults
                problem = settings.problem if defaults else ""
        for default in defaults:
            if default.accepted:
                yield self.finding(
                    f"{default.name.upper()} has a default that anybody can read and is taken in {default.accepted}; "
                    "refuse it there, or have no default",
                    default.place,
                    default.name,
                )
        for names in facts.source.own:
            for name, place in _written_secrets(names, known, classes):
                yield self.finding(
                    f"{name} is a secret that is written out in the source; take it from the settings",
                    place,
                    name,
                )
        yield from self._compose(facts)
        yield from self._cluster(facts)
        if problem:
            raise CouldNotLook(problem)

    def _compose(self, facts: Facts) -> Iterator[Finding]:
        services = list(facts.compose.services.values())
        built = [each.environment for each in services if each.is_built]
        stages = [value for each in built for name, value in each.items() if _ENVIRONMENT.fullmatch(name)]
        if len(stages) >= len(built) > 0 and all(_LOCAL.fullmatch(each.lower()) for each in stages):
            return
        seen: set[Place] = set()
        for service in services:
            for variable in service.variables.values():
                if variable.from_file or variable.place in seen:
                    continue
                if _is_secret(variable.name, variable.value, variable.raw):
                    seen.add(variable.place)
                    yield self._told(variable.name, service.name, variable.place, "${" + variable.name + ":?}")

    def _cluster(self, facts: Facts) -> Iterator[Finding]:
        root = facts.config.root
        for container in facts.cluster.containers():
            env = container.content.get("env")
            for each in env if isinstance(env, list) else ():
                name, value = str(each.get("name")), str(each.get("value") or "")
                if _is_secret(name, value, value):
                    place = Place.of(root, container.path, each.line_of("value"))
                    yield self._told(name, container.name, place, "secretKeyRef")
        for content, path in facts.cluster.of_kind("ConfigMap", "Secret"):
            for table in ("data", "stringData"):
                data = content.get(table)
                if not isinstance(data, Mapping) or "sops" in content:
                    continue
                for name, value in data.items():
                    if _is_secret(name, str(value or ""), str(value or "")):
                        place = Place.of(root, path, data.line_of(name))
                        yield self._told(name, str(content.get("kind")), place, "a Secret that is made outside of here")

    def _told(self, name: str, where: str, place: Place, instead: str) -> Finding:
        return self.finding(f"{name} of {where} is a secret that is written out here; write {instead}", place, name)


def _is_secret(name: str, value: str, raw: str) -> bool:
    """Whether a variable's value is a secret, or an address with one, and no reference to one."""
    if password_in(value):
        # What the references in it give, and would be empty, is not known.
        return bool(password_in(substituted(raw, "<?>").replace("$(", "<?>")))
    return is_secret_name(name) and "://" not in value and is_literal_secret(name, value)


def _written_secrets(
    names: Names, known: frozenset[str], classes: frozenset[tuple[str, str]]
) -> Iterator[tuple[str, Place]]:
    """Each secret that is written out in a module, with what it is called."""

    def is_secret(name: str, node: ast.AST | None) -> bool:
        value = literal(node) if isinstance(node, ast.expr) else ...
        value = value.decode(errors="replace") if isinstance(value, bytes) else value
        return isinstance(value, str) and value not in known and is_secret_name(name) and is_literal_secret(name, value)

    for node, within in names:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            inner = within[-1] if within and isinstance(within[-1], ast.ClassDef) else None
            if inner and ((names.file.path, inner.name) in classes or _is_enum(names, inner)):
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                name = getattr(target, "id", getattr(target, "attr", ""))
                value = node.value
                if isinstance(value, ast.Call) and names.meaning(value.func).endswith(("SecretStr", "SecretBytes")):
                    value = value.args[0] if value.args else value
                if is_secret(name, value):
                    yield name, Place(names.file.path, node.lineno)
    for use in names.uses():
        for each in use.node.keywords:
            if each.arg and is_secret(each.arg, each.value):
                yield each.arg, Place(names.file.path, each.value.lineno)
        variable = literal(use.argument("key", 0))
        if use.name in ("os.getenv", "os.environ.get") or (use.last == "config" and use.name.startswith("decouple.")):
            if isinstance(variable, str) and is_secret(variable, use.argument("default", 1)):
                yield variable, use.place
        elif use.name in ("jwt.encode", "jwt.decode", "jose.jwt.encode", "jose.jwt.decode") and is_secret(
            "signing_key", use.argument("key", 1)
        ):
            yield "the key of a token", use.place


def _is_enum(names: Names, node: ast.ClassDef) -> bool:
    return any(names.meaning(base).rpartition(".")[2].endswith(("Enum", "Flag")) for base in node.bases)


class CF006(Guard):
    """A route that says whether the process lives, and depends on something else.

    The routes are those that `liveness` names and those that a livenessProbe of the manifests calls. What counts, of the
    route's function and of all that it depends on: a plain `def`, which waits for a thread that busy requests have; a
    parameter that is a session, an engine or a client; and waiting for anything, also in a function of the project that it
    calls. A route in `liveness` that is not there is named too. Readiness may depend on all that it likes, and so may the
    health check of a compose file, at which nothing is started again.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        probes = list(_liveness_probes(facts))
        if not probes and not facts.config.liveness:
            raise DoesNotApply("no `liveness` in [tool.hardening], and no livenessProbe that calls a route")
        told = set()
        for path in facts.config.liveness:
            steps = facts.steps(path)
            if steps is None:
                yield self.finding(
                    f"liveness names {path}, and no route answers GET {path}; correct the path", Place(FILE), path
                )
            elif why := _waits(facts, path):
                told.add(path)
                yield self.finding(f"{path} says whether the process lives, and {why}", steps[0].place, path)
        for path, place in probes:
            if path not in told and (why := _waits(facts, path)):
                yield self.finding(f"this livenessProbe calls {path}, and {why}", place, path)


def _liveness_probes(facts: Facts) -> Iterator[tuple[str, Place]]:
    for container in facts.cluster.containers():
        probe = container.content.get("livenessProbe")
        if not isinstance(probe, dict):
            continue
        told = probe.get("httpGet")
        place = Place.of(facts.config.root, container.path, container.content.line_of("livenessProbe"))
        if isinstance(told, dict):
            yield str(told.get("path") or "/"), place
        words = probe.get("exec", {}).get("command") if isinstance(probe.get("exec"), dict) else None
        for word in words if isinstance(words, list) else ():
            if match := re.search(r"https?://(?:localhost|127\.0\.0\.1)(?::\d+)?(/[^\s'\"?]*)", str(word)):
                yield match[1], place


def _waits(facts: Facts, path: str) -> str:
    """What a route waits for before it answers, and what to do; "" for nothing."""
    advice = "a part that is down gets every replica started again"
    for position, step in enumerate(facts.steps(path) or ()):
        called = step.name if position == 0 else f"depends on {step.name}, which"
        if step.threaded and step.place.file is not None:
            return f"{called} is a plain def that waits for a free thread: busy is taken for dead; make it async def"
        backend = next((each for each in step.types if each.partition(".")[0] in _BACKENDS), "")
        if backend:
            return f"{called} is handed {backend}: {advice}; leave that to readiness"
        function = facts.functions.at(step.place)
        if function and (awaited := _awaited(facts, function)):
            return f"{called} waits for {awaited}: {advice}; leave that to readiness"
    return ""


def _awaited(facts: Facts, function: Function, deep: int = 0) -> str:
    """What a function waits for, itself or in functions of the project that it calls."""
    called = {id(use.node): use for use in function.calls}
    for each in _own_nodes(function.node):
        waited: list[ast.expr] = []
        if isinstance(each, (ast.Await, ast.YieldFrom)):
            waited = [each.value]
        elif isinstance(each, ast.AsyncWith):
            waited = [item.context_expr for item in each.items]
        elif isinstance(each, ast.AsyncFor):
            waited = [each.iter]
        for expression in waited:
            use = called.get(id(expression))
            own = facts.functions.called(use) if use else None
            quiet = use is not None and (use.name == "asyncio.sleep" or _OF_THE_REQUEST.search(use.name))
            # What a function of the project waits for is looked at below.
            if not quiet and (own is None or deep > 3):
                return ast.unparse(expression)
    for use in function.calls:
        if use.name.partition(".")[0] in _BACKENDS and "()" in use.name:
            return f"{use.name}()"
        own = facts.functions.called(use)
        further = own is not None and own is not function and deep <= 3
        if further and own and (below := _awaited(facts, own, deep + 1)):
            return below
    return ""


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside of it."""
    pending = list(ast.iter_child_nodes(node))
    while pending:
        each = pending.pop()
        yield each
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(each)


class CF007(Guard):
    """A shell between the container and the process, which does not pass SIGTERM on.

    What counts: CMD or ENTRYPOINT of a Dockerfile in shell form; `sh -c` in a Dockerfile, a compose file or a manifest whose
    last command is not given to `exec`; a script of the project that is started and does not end in `exec`. An init process
    (`init: true`, tini) does not help: it passes the signal on to the shell, where it ends. Quiet are `exec` at the end, a
    script with a `trap`, `tini -g` and dumb-init, which tell the whole group, health checks, and what ends by itself.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        if not any(each.kind in ("dockerfile", "compose", "kubernetes") for each in facts.processes):
            raise DoesNotApply("there is no Dockerfile, compose file or manifest that starts anything")
        scripts = _shell.Scripts(facts.config.root)
        told: set[Place] = set()
        for process in facts.processes:
            if process.kind not in ("dockerfile", "compose", "kubernetes") or process.ends:
                continue
            if _shell.tells_the_group(process.words):
                continue
            if process.script:
                if (last := _shell.not_replaced(process.script)) and process.place not in told:
                    told.add(process.place)
                    yield self.finding(
                        f"{process.name} starts a shell, and SIGTERM ends there while {last!r} goes on until it is killed; "
                        "write the command as a list, or put exec before its last command",
                        process.place,
                        process.name,
                    )
                continue
            found = scripts.started(process.words)
            if found and found not in told:
                told.add(found)
                yield self.finding(
                    f"{process.name} starts this script, whose last command is a child of its shell, where SIGTERM ends; "
                    "put exec before it",
                    found,
                    process.name,
                )


class CF008(Guard):
    """More connections to the database than it takes.

    Each process has a pool of its own. Summed, for a compose file and for a cluster apart: processes (`--workers`,
    `--concurrency` and the one that starts them, `WEB_CONCURRENCY`) × replicas, with those that a deployment adds for a while
    (`maxSurge`, an autoscaler's maximum) × the settings that `pool-settings` names, from the environment or their defaults;
    without them, `pool_size` and `max_overflow` where the engine is made. What ends by itself counts as one. Against it:
    `max_connections` of the PostgreSQL that they name, 100 where nothing is said, without those kept for its superuser.
    Quiet are services on SQLite, on a database elsewhere, and a PostgreSQL whose configuration is in a file.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        databases = [each for each in _servers(facts) if each.kind != "health"]
        if not databases:
            raise DoesNotApply("neither compose files nor manifests start a PostgreSQL")
        pool = _pool(facts)
        for database in databases:
            most = most_connections(database.words)
            if most is None:
                continue
            alone = sum(each.kind == database.kind for each in databases) == 1
            names = _ports.names_of(facts, database)
            parts = [
                (each, *connections(facts, each, pool))
                for each in facts.processes
                if each.kind == database.kind and each.built and _uses(each, names, alone=alone)
            ]
            used = sum(total for _, total, _ in parts)
            if used > most:
                largest = max(parts, key=lambda part: part[1])[0]
                told = " + ".join(f"{each.name} {shown}" for each, _, shown in parts)
                yield self.finding(
                    f"{told} = {used} connections, and {database.name} takes {most} (max_connections without those of its "
                    "superuser); lower a pool or the number of processes, or raise max_connections",
                    largest.place,
                    database.name,
                )


def _servers(facts: Facts) -> Iterator[Process]:
    """The PostgreSQL servers that are started, also those without a command of their own."""
    seen = set()
    for process in facts.processes:
        if _ports.PORTS.get(process.image) == 5432 and process.kind in ("compose", "kubernetes"):
            seen.add((process.kind, process.name))
            yield process
    for name, service in facts.compose.services.items():
        if _ports.PORTS.get(service.image) == 5432 and ("compose", name) not in seen:
            yield Process("compose", name, (), shell=False, place=service.place(), image=service.image)
    for container in facts.cluster.containers():
        is_one = _ports.PORTS.get(image_name(container.content.get("image"))) == 5432
        if is_one and ("kubernetes", container.name) not in seen:
            place = Place.of(facts.config.root, container.path, container.content.line)
            yield Process("kubernetes", container.name, (), shell=False, place=place)


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


def _pool(facts: Facts) -> dict[str, int]:
    """What one process may open, by the setting that says so."""
    settings = facts.settings.numbers if facts.config.settings else {}
    if facts.config.pool_settings:
        if missing := [name for name in facts.config.pool_settings if name not in settings]:
            raise CouldNotLook(f"pool-settings names {', '.join(missing)}, which no number of `settings` is called")
        return {name: settings[name] for name in facts.config.pool_settings}
    found = {name: value for name, value in settings.items() if re.search(r"pool_size|max_overflow", name)}
    if found:
        return found
    for use in facts.source.uses:
        engine = use.last in ("create_engine", "create_async_engine") and use.name.startswith("sqlalchemy.")
        if engine and use.argument("poolclass") is None:
            sizes = {"pool_size": 5, "max_overflow": 10}
            for name in sizes:
                value = literal(use.argument(name))
                sizes[name] = value if isinstance(value, int) else sizes[name]
            return sizes
    raise DoesNotApply("no `pool-settings` in [tool.hardening], and no engine whose pool could be read")


def connections(facts: Facts, process: Process, pool: dict[str, int]) -> tuple[int, str]:
    """How many connections a process and its like may open, and how that comes about."""
    if process.ends:
        return process.times, str(process.times)
    size = sum(_number(process, name.upper(), default) for name, default in pool.items())
    own = _processes(facts, process)
    factors = [process.times, own, size] if process.times > 1 else [own, size]
    return process.times * own * size, " × ".join(map(str, factors))


def _number(process: Process, name: str, default: int) -> int:
    value = next((each for key, each in process.environment.items() if key == name or key.endswith(f"_{name}")), "")
    return int(value) if value.strip().isdigit() else default


def _processes(facts: Facts, process: Process) -> int:
    """How many processes with a pool of their own a command starts."""
    words = process.words
    if "worker" in words or any(word.rpartition("/")[2] == "celery" for word in words):
        if _option(words, "--pool", "-P") in ("solo", "threads", "gevent", "eventlet"):
            return 1
        told = _option(words, "--concurrency", "-c")
        settings = facts.settings.numbers if facts.config.settings else {}
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


GUARDS = (CF001, CF002, CF003, CF005, CF006, CF007, CF008)
