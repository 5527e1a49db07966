"""The processes that compose files, Dockerfiles, Procfiles, manifests and pyproject.toml start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..config.table import FILE, Config
from ..model import Location
from .compose import Compose, Service, command, image_name
from .dockerfile import Image, recipe, stages
from .files import is_file, read_text
from .kubernetes import Cluster
from .process import Process, shell_script

_Images = Mapping[Path, Mapping[str, Image]]


def processes(config: Config, compose: Compose, cluster: Cluster) -> tuple[tuple[Process, ...], tuple[str, ...]]:
    """Every process that the project's files start, and a line for each Dockerfile and Procfile that cannot be read."""
    problems: list[str] = []
    found = [each for each in _processes(config, compose, cluster, problems) if each.words]
    return tuple(found), tuple(problems)


def _processes(config: Config, compose: Compose, cluster: Cluster, problems: list[str]) -> Iterator[Process]:
    images: dict[Path, Mapping[str, Image]] = {}
    for path in _dockerfiles(config, compose):
        try:
            images[path] = stages(config.root, path)
        except OSError as error:
            problems.append(_problem(path, error))
    # The last stage is built where nothing says otherwise.
    for each in images.values():
        yield from _last(each).processes()
    image = _last(next(iter(images.values()), {}))
    for name, service in compose.services.items():
        own = _built(service, images) or image
        yield from _of_compose(name, service, own, ends=name in compose.one_shots)
    for path in config.paths("procfiles"):
        try:
            text = read_text(path)
        except OSError as error:
            problems.append(_problem(path, error))
        else:
            yield from _of_procfile(config.root, path, text)
    yield from _of_cluster(config, compose, cluster, image)
    yield from _scripts(config)


def _problem(path: Path, error: OSError) -> str:
    return f"{path.name} cannot be read: {error.strerror or error}"


def _dockerfiles(config: Config, compose: Compose) -> list[Path]:
    """The Dockerfiles that the configuration names, and those that compose builds."""
    found = dict.fromkeys(config.paths("dockerfiles"))
    found |= dict.fromkeys(path for each in compose.services.values() if (path := recipe(each)) and is_file(path))
    return [path for path in found if path.is_relative_to(config.root)]


def _built(service: Service, images: _Images) -> Image | None:
    found = images.get(recipe(service) or Path())
    if not found:
        return None
    build = service.get("build")
    target = str(build.get("target") or "") if isinstance(build, dict) else ""
    return found.get(target) or _last(found)


def _last(found: Mapping[str, Image]) -> Image:
    return list(found.values())[-1] if found else Image()


def _of_compose(name: str, service: Service, image: Image, *, ends: bool) -> Iterator[Process]:
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


def _of_procfile(root: Path, path: Path, text: str) -> Iterator[Process]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"([\w-]+):\s*(.+)", line):
            location = Location.of(root, path, number)
            yield Process("procfile", match[1], command(match[2]), shell=False, location=location)


def _of_cluster(config: Config, compose: Compose, cluster: Cluster, image: Image) -> Iterator[Process]:
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
    project = config.document.get("project")
    lines = config.text.splitlines()
    for table in ("scripts", "gui-scripts"):
        scripts = project.get(table) if isinstance(project, dict) else None
        for name, target in scripts.items() if isinstance(scripts, dict) else ():
            pattern = re.compile(rf'"?{re.escape(name)}"?\s*=')
            line = next((number for number, each in enumerate(lines, 1) if pattern.match(each)), None)
            yield Process("script", name, (str(target),), shell=False, location=Location(FILE, line))
