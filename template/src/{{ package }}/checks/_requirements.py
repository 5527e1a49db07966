# Owned by the template.
"""What a project declares that it needs: pyproject.toml and requirement files, each line with its bounds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._config import FILE, Config
from ._findings import CouldNotLook, Place

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*)", re.DOTALL)
_REVISION = re.compile(r"(?:git|hg|svn|bzr)\+[^#]*@([^#@/]+)(?:#|$)")
_BRANCHES = {"main", "master", "develop", "dev", "trunk", "head", "latest", "stable"}


@dataclass(frozen=True)
class Requirement:
    """One declared dependency; `is_bounded` says whether a release that does not exist yet can come in by itself."""

    name: str
    text: str
    place: Place
    is_bounded: bool


def requirements(config: Config) -> Iterator[Requirement]:
    """Every dependency that the project declares, build tools and local paths apart."""
    yield from _project(config)
    bounded: set[str] = set()
    found: list[Requirement] = []
    for path in config.paths("requirements"):
        found += _file(config, path)
        for name in re.findall(r"(?m)^\s*(?:-c|--constraint)[\s=]+(\S+)", _text(path)):
            if (other := path.parent / name).is_file():
                bounded |= {each.name for each in _file(config, other) if each.is_bounded}
    # A constraint holds wherever its file is named.
    yield from (each for each in found if each.name not in bounded)


def _project(config: Config) -> Iterator[Requirement]:
    path = config.root / FILE
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    table = tomllib.loads(text)
    lines = _Lines(text)
    project = table.get("project", {})
    tool = table.get("tool", {})
    elsewhere = {_plain(name) for name, value in tool.get("uv", {}).get("sources", {}).items() if _fixed(value)}
    own = _plain(str(project.get("name", "")))
    groups = [
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *table.get("dependency-groups", {}).values(),
        tool.get("uv", {}).get("dev-dependencies", []),
    ]
    for written in (each for group in groups for each in group if isinstance(each, str)):
        line = lines.of(written)
        if (parsed := _parsed(written)) and parsed[0] != own and parsed[0] not in elsewhere:
            yield Requirement(parsed[0], written, Place(FILE, line), parsed[1])
    poetry = tool.get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [each.get("dependencies", {}) for each in poetry.get("group", {}).values()]
    for name, value in (pair for each in tables for pair in each.items()):
        if name.lower() != "python" and not _fixed(value):
            version = value.get("version", "*") if isinstance(value, Mapping) else value
            line = lines.key(name)
            yield Requirement(_plain(name), f"{name} = {version!r}", Place(FILE, line), _poetry(str(version)))


def _fixed(value: Any) -> bool:
    """Whether a table says where a package is from, and that no other can come from there."""
    if isinstance(value, list):
        return all(_fixed(each) for each in value)
    if not isinstance(value, Mapping):
        return False
    return any(value.get(key) for key in ("path", "workspace", "rev", "tag", "url"))


def _poetry(version: str) -> bool:
    parts = [part.strip() for part in version.split("||")]
    return all(re.search(r"(?:^|,)\s*(?:\^|~|<|=|\d)", part) and part != "*" for part in parts)


def _file(config: Config, path: Path) -> Iterator[Requirement]:
    pending, begun = "", 0
    for number, line in enumerate(_text(path).splitlines(), 1):
        begun = begun or number
        pending += re.sub(r"(^|\s)#.*", "", line)
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        written = re.sub(r"\s--?[A-Za-z][\w-]*[=\s].*", "", pending.strip())
        place = Place.of(config.root, path, begun)
        if re.match(r"(-e|--editable)[\s=]", written):
            written = re.split(r"[\s=]+", written, maxsplit=1)[1]
        if written and not written.startswith("-") and (parsed := _parsed(written)):
            yield Requirement(parsed[0], written, place, parsed[1])
        pending, begun = "", 0


def _text(path: Path) -> str:
    """What is in a requirement file; `pip freeze > requirements.txt` in PowerShell writes UTF-16."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in content[:2]:
        encoding = "utf-16-be"
    else:
        encoding = "utf-16-le" if b"\0" in content[:4] else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise CouldNotLook(f"{path.name} is no text in {encoding}: {error.reason}") from error


def _parsed(written: str) -> tuple[str, bool] | None:
    """The name of what is required and whether it has an upper bound; None for a path."""
    if re.match(r"(?:\.{0,2}/|file:|[A-Za-z]:\\|\.$)", written):
        return None
    if re.match(r"(?:\w+\+)?\w+://", written):
        egg = re.search(r"[#&]egg=([\w.-]+)", written)
        name = egg[1] if egg else written.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2]
        return _plain(re.sub(r"(\.git)?(@.*)?$", "", name)), _is_fixed(written)
    match = _NAME.match(written)
    if match is None:
        return None
    name, rest = _plain(match[1]), match[3]
    if rest.startswith("@"):
        address = re.split(r"\s;", rest[1:].strip())[0].strip()
        return None if address.startswith("file:") else (name, _is_fixed(address))
    clauses = [each.strip() for each in rest.partition(";")[0].strip().strip("()").split(",")]
    return name, any(re.match(r"<|~=|==(?!\s*\*)", each) for each in clauses)


def _is_fixed(address: str) -> bool:
    """Whether an address gives the same thing for ever: a file, or a commit or tag of a repository."""
    if re.match(r"(?:git|hg|svn|bzr)\+", address):
        revision = _REVISION.match(address)
        return revision is not None and revision[1].lower() not in _BRANCHES
    return True


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class _Lines:
    """Where what a TOML file says stands in it."""

    def __init__(self, text: str) -> None:
        self._lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if not line.lstrip().startswith("#")]
        self._seen: dict[str, int] = {}

    def of(self, value: str) -> int | None:
        """The line of a text, the next one each time that it is asked for."""
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        found = [n for n, line in self._lines if f'"{escaped}"' in line or f"'{value}'" in line]
        position = self._seen.get(value, 0)
        self._seen[value] = position + 1
        return found[min(position, len(found) - 1)] if found else None

    def key(self, name: str) -> int | None:
        return next((n for n, line in self._lines if re.match(rf'\s*"?{re.escape(name)}"?\s*=', line)), None)
