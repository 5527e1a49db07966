"""Adoption: a service that was not made here takes the template piece by piece, without a change to its own lines.

Existing files stay as they are. New ones are added and staged, so that `git reset --merge` takes them back. Each run takes
one piece; `hardened update` keeps the pieces current.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from .errors import LifecycleError
from .layout import Settings, find_package, find_settings
from .rendering import Answers, render
from .service import ANSWERS, Service
from .template import ADOPTED, Template

PIECES: dict[str, tuple[str, ...]] = {
    "checks": (),
    "tools": ("/bootstrap.py", "/noxfile.py", "/ruff.toml", "/.pre-commit-config.yaml", "/.github/workflows/**"),
    "core": ("/src/<package>/core/**", "/migrations/env.py", "/migrations/script.py.mako"),
    "tests": ("/tests/*.py",),
    "deploy": ("/Dockerfile", "/.dockerignore", "/compose.yaml", "/deploy/**"),
}
"""The paths of each piece, in the order in which they are best taken. `checks` is the configuration alone."""
_SHAPE = ("core", "features", "main.py", "settings.py")
"""The parts of a package that the template's tests are about."""
_TOOL_TABLES = ("mypy", "deptry", "importlinter")
"""The tables of pyproject.toml that nox's sessions read, besides ruff's."""
_DISTRIBUTION = "hardened-fastapi"


@dataclass(frozen=True)
class AdoptOptions:
    """The options of one adoption."""

    service: Path
    template: str
    piece: str = "checks"
    package: str | None = None


def adopt(options: AdoptOptions) -> list[str]:
    """Take one piece; return the lines of the report.

    Raises:
        LifecycleError: the piece was refused, and nothing was changed.
    """
    service = Service(options.service)
    service.require_clean()
    folder, piece = service.folder, options.piece
    source, package = find_package(folder, options.package)
    settings = find_settings(folder, source, package)
    taken = service.adopted_patterns or []
    _refuse(folder, piece, folder / source / package, taken)
    left_out = _left_out(folder, piece, settings)
    patterns = [each.replace("<package>", package) for each in PIECES[piece] if each not in left_out]
    with tempfile.TemporaryDirectory(prefix="adopt-") as name:
        scratch = Path(name).resolve()
        template = Template(options.template, scratch / "template", options.template)
        version, answers = _version_and_answers(service, template, piece, package)
        rendered = scratch / "rendered"
        render(template, version, answers, rendered)
        added, kept = _copy(rendered, folder, source, patterns, taken)
        missing = _missing(folder, piece, rendered)
    tables = _add_tables(folder / "pyproject.toml", settings, patterns, piece)
    service.git.run("add", "--force", "--", *added, "pyproject.toml")
    lines = [f"package {package} in {source}/", f"{version} of the template, piece {piece}: {len(added)} files added"]
    lines += [f"yours, and left alone: {each}" for each in kept]
    lines += [f"left out: {each.lstrip('/')}: {reason}" for each, reason in left_out.items()]
    lines += missing
    lines += [f"pyproject.toml: added {', '.join(tables)}"]
    if piece == "checks":
        unknown = [key for key in ("application", "metadata", "migrations") if key not in settings]
        lines += [f"not found, so not in [tool.hardening]: {', '.join(unknown)}"] if unknown else []
        lines += [f"{key} = {value}" for key, value in settings.items()]
    lines.append("Next: hardened check; git commit. Undo: git reset --merge")
    return lines


def default_template() -> str | None:
    """Return the address of the template that this tool belongs to: its checkout, or the repository it was installed from."""
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "copier.yml").is_file():
        return str(checkout)
    try:
        origin = json.loads(distribution(_DISTRIBUTION).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None
    return str(origin["url"]) if "vcs_info" in origin else None


def _version_and_answers(service: Service, template: Template, piece: str, package: str) -> tuple[str, Answers]:
    if (service.folder / ANSWERS).is_file():
        recorded = service.answers()
        version = template.require(str(recorded["_commit"]), f"which {ANSWERS} names")
        answers = {key: value for key, value in recorded.items() if not key.startswith("_")}
    elif piece == "checks":
        version = template.newest()
        title = " ".join(word.title() for word in package.split("_") if word)
        answers = {"service_name": title, "package": package, "example": False}
    else:
        raise LifecycleError("begin with --piece checks: it writes down what the service is made from")
    if template.mentions(version, ADOPTED):
        answers[ADOPTED] = True
    return version, answers


def _refuse(folder: Path, piece: str, package: Path, taken: Sequence[str]) -> None:
    """Refuse a piece that could not be what it is in a new service."""
    if piece == "core" and (package / piece).exists() and f"/src/{package.name}/{piece}/**" not in taken:
        path = (package / piece).relative_to(folder).as_posix()
        raise LifecycleError(f"{path} is yours, and two packages in one folder are none: rename it first")
    if piece == "tests":
        missing = [name for name in _SHAPE if not (package / name).exists()]
        if missing:
            raise LifecycleError(
                f"the template's tests are about the template's shape, and {package.name} has no "
                f"{', '.join(missing)}: take --piece core, and the rest from a new service (docs/features.md), first"
            )
        if (folder / "tests" / "conftest.py").exists() and "/tests/*.py" not in taken:
            raise LifecycleError(
                "tests/conftest.py is yours, and theirs is another: move your tests into a folder first"
            )


def _left_out(folder: Path, piece: str, settings: Settings) -> dict[str, str]:
    """The patterns of a piece that would change the service's behaviour, with the reasons."""
    left: dict[str, str] = {}
    if piece == "tools" and "ruff" in _pyproject(folder).get("tool", {}):
        left["/ruff.toml"] = "with it, [tool.ruff] in your pyproject.toml would count no more"
    migrations = settings.get("migrations", "migrations/versions")
    if piece == "core" and migrations != "migrations/versions":
        reason = f"your migrations are in {migrations}"
        left.update({pattern: reason for pattern in PIECES["core"] if pattern.startswith("/migrations/")})
    return left


def _copy(
    rendered: Path, folder: Path, source: str, patterns: list[str], taken: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Copy the files of a piece that the service has not; return the added and the kept ones.

    A kept file is excluded in `patterns`, so that no update merges into it.
    """
    chosen = {path: pattern for pattern in patterns for path in _matching(rendered, pattern)}
    added, kept = [], []
    for path in (rendered / ANSWERS, *chosen):
        name = path.relative_to(rendered).as_posix()
        # Why: in a flat layout the package is not below src, and git follows the files that are moved.
        target = folder / (name if source == "src" else name.removeprefix("src/"))
        if target.exists():
            if path in chosen:
                kept.append(target.relative_to(folder).as_posix())
                if chosen[path] not in taken:
                    patterns.append(f"!/{name}")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        added.append(target.relative_to(folder).as_posix())
    return added, kept


def _matching(rendered: Path, pattern: str) -> list[Path]:
    glob = pattern.lstrip("/")
    glob = f"{glob}/*" if glob.endswith("**") else glob
    return sorted(path for path in rendered.glob(glob) if path.is_file())


def _missing(folder: Path, piece: str, rendered: Path) -> list[str]:
    """Lines about the things that a piece needs and the service does not declare."""
    own, new = _pyproject(folder), _pyproject(rendered)
    project = own.get("project", {})
    lines = _missing_requirements(piece, own, new)
    if piece == "tools":
        absent = [name for name in _TOOL_TABLES if name not in own.get("tool", {}) and name in new.get("tool", {})]
        if absent:
            lines.append(
                f"needs, from a new service's pyproject.toml: {', '.join(f'[tool.{each}]' for each in absent)}"
            )
    if piece == "core":
        known = own["tool"]["hardening"]
        lines += [
            f"needs, in [tool.hardening]: {key} = {json.dumps(value)}"
            for key, value in new.get("tool", {}).get("hardening", {}).items()
            if (".core." in str(value) or key == "preset") and key != "metadata" and known.get(key) != value
        ]
    if piece == "deploy":
        lines += [
            f"needs: a script {name} in [project.scripts], with the commands serve, worker and migrate"
            for name in new.get("project", {}).get("scripts", {})
            if name not in project.get("scripts", {})
        ]
    if (python := project.get("requires-python")) and _allows_older(str(python)):
        lines.append(f"needs: requires-python >=3.11; yours is {python}")
    return lines


def _missing_requirements(piece: str, own: dict[str, Any], new: dict[str, Any]) -> list[str]:
    match piece:
        case "core":
            wanted, option = new.get("project", {}).get("dependencies", []), ""
        case "tools":
            wanted, option = new.get("dependency-groups", {}).get("dev", []), " --group dev"
        case _:
            return []
    declared = {_name(each): each for each in _requirements(own)}
    missing = [each for each in wanted if _name(each) not in declared]
    lines = [f"needs: uv add{option} {' '.join(map(json.dumps, missing))}"] if missing else []
    return lines + [
        f"declared otherwise than in a new service: {declared[_name(each)]}; there: {each}"
        for each in wanted
        if _name(each) in declared and declared[_name(each)] != each
    ]


def _requirements(project: dict[str, Any]) -> Iterator[str]:
    """The requirements of a project: dependencies, groups and extras."""
    table = project.get("project", {})
    groups = project.get("dependency-groups", {})
    extras = table.get("optional-dependencies", {})
    for each in (table.get("dependencies", ()), *groups.values(), *extras.values()):
        yield from (line for line in each if isinstance(line, str))


def _allows_older(python: str) -> bool:
    """Return True where a Python before 3.11 is allowed, and for a specifier that cannot be read."""
    try:
        allowed = SpecifierSet(python)
    except InvalidSpecifier:
        return True
    return any(allowed.contains(f"3.{minor}.{patch}") for minor in range(7, 11) for patch in (0, 99))


def _pyproject(folder: Path) -> dict[str, Any]:
    path = folder / "pyproject.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _name(requirement: str) -> str:
    return canonicalize_name(re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0])


def _add_tables(project: Path, settings: Settings, patterns: Sequence[str], piece: str) -> list[str]:
    """Add the missing tables to the end of pyproject.toml, and the patterns to `take`; return their names."""
    text = project.read_text(encoding="utf-8") if project.is_file() else ""
    tool = tomllib.loads(text).get("tool", {})
    added = []
    more = "" if not text or text.endswith("\n") else "\n"
    if "hardening" not in tool:
        keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        more += f"\n# Read by `hardened check`.\n[tool.hardening]\n{keys}"
        added.append("[tool.hardening]")
    if "template" not in tool:
        more += (
            "\n# The paths that are taken from the template; an update brings nothing else.\n"
            f"[tool.template]\ntake = {json.dumps(list(patterns))}\n"
        )
        added.append("[tool.template]")
    elif patterns:
        both = json.dumps(list(dict.fromkeys([*tool["template"].get("take", []), *patterns])))
        # Why one line: it was written so here, and the owner's other lines must stay as they are.
        text, count = re.subn(r"^take = \[.*\]$", lambda _: f"take = {both}", text, flags=re.MULTILINE)
        if count != 1:
            raise LifecycleError(
                f"`take` in [tool.template] is not in one line: add {json.dumps(list(patterns))} to it for {piece}"
            )
        added.append("take")
    project.write_text(text + more, encoding="utf-8")
    return added
