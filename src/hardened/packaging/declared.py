"""Dependencies that pyproject.toml and requirement files declare, and what they bring along."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ..config.table import FILE, Config
from ..model import NOWHERE, CouldNotLook, Location, one_line
from ..records.requirements import Requirement
from .environment import Environment, normal

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^\]]*)\])?\s*"
    r"(?:@\s*(?P<url>[^;\s]+)|\(?(?P<specifier>[^;)]*)\)?)\s*(?:;\s*(?P<marker>.*))?$"
)
_NAME, _BOUND = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", r"(?:[<>=!]=|<|>)[0-9]+(?:\.[0-9]+)*(?:\.post[0-9]+)?"
_PLAIN = re.compile(rf"{_NAME}(?:\[{_NAME}\])?(?:{_BOUND}(?:,{_BOUND})*)?", re.ASCII)
"""Requirements that no installer refuses."""
_DEVELOPMENT = re.compile(r"dev|test|lint|doc|typ|ci\b|check|local|bench", re.IGNORECASE)
_PATH = re.compile(r"\.{0,2}/|file:|[A-Za-z]:\\|\.$|[\w.-]+/|[\w.-]+\.(?:whl|zip|tar\.gz)$")
_ADDRESS = re.compile(r"(?:\w+\+)?\w+://")
_REPOSITORY = re.compile(r"(?:git|hg|svn|bzr)\+")
_REVISION = re.compile(r"[^#]*@([^#@/]+)(?:#|$)")
_BRANCHES = {"main", "master", "develop", "dev", "trunk", "head", "latest", "stable"}


def parsed(text: str, kind: str = "service", group: str = "", location: Location = NOWHERE) -> Requirement | None:
    """A requirement as PEP 508 writes it, or an address; None for what is none, and for a path."""
    if _PATH.match(text):
        return None
    if _ADDRESS.match(text):
        egg = re.search(r"[#&]egg=([\w.-]+)", text)
        last = text.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2]
        name = normal(re.sub(r"(\.git)?(@.*)?$", "", egg[1] if egg else last))
        return Requirement(name, frozenset(), "", kind, group, location, text, _is_fixed(text))
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    return Requirement(
        normal(match["name"]),
        frozenset(normal(each) for each in (match["extras"] or "").split(",") if each.strip()),
        (match["marker"] or "").strip(),
        kind,
        group,
        location,
        text,
        _is_fixed(match["url"]) if match["url"] else _is_bounded(match["specifier"]),
    )


class Declared:
    """Declarations of a project, in PEP 621 and PEP 735 tables, Poetry's, and requirement files.

    Attributes:
        requirements: all of them.
        problems: the lines that no installer can read, and the files that are no text.
    """

    def __init__(self, config: Config, environment: Environment) -> None:
        self._config = config
        self._environment = environment
        self.problems: list[str] = []
        self._files: dict[Path, list[tuple[int, str]]] = {}
        self.name = normal(str(self._table("project").get("name") or self._table("tool", "poetry").get("name") or ""))
        self._in_project = tuple(dict.fromkeys((*self._tables(), *self._poetry())))
        self.requirements = tuple(dict.fromkeys((*self._in_project, *self._in_files())))

    def of(self, name: str) -> list[Requirement]:
        """Every requirement of a distribution."""
        return [each for each in self.requirements if each.name == normal(name)]

    @cached_property
    def needed(self) -> tuple[Requirement, ...]:
        """The service's own requirements, its extras included; all of them where none is marked as the developers'."""
        return tuple(each for each in self.requirements if each.kind != "group")

    @cached_property
    def watched(self) -> tuple[Requirement, ...]:
        """Requirements of pyproject.toml and of the files that `requirements` names, the bounds of constraints included;
        extras of the project itself apart.
        """
        found: list[Requirement] = []
        bounded: set[str] = set()
        for path in self._config.paths("requirements"):
            found += self._listed_in(path)
            for _, line in self._lines(path):
                named = re.match(r"(?:-c|--constraint)[\s=]+(\S+)", line)
                if named and (other := path.parent / named[1]).is_file():
                    bounded |= {each.name for each in self._listed_in(other) if each.bounded}
        # A constraint holds wherever its file is named.
        found = [replace(each, bounded=each.bounded or each.name in bounded) for each in found]
        return (*(each for each in self._in_project if each.name != self.name), *found)

    @cached_property
    def brought(self) -> frozenset[str]:
        """The distributions that an environment has in which only what is needed was installed, as far as metadata of
        what is installed here tell.
        """
        pending = [(each.name, each.extras) for each in self.needed]
        seen: set[tuple[str, frozenset[str]]] = set()
        while pending:
            name, extras = pending.pop()
            if (name, extras) in seen:
                continue
            seen.add((name, extras))
            pending += [(each.name, each.extras) for each in self.required(name, extras)]
        return frozenset(name for name, _ in seen)

    def has_module(self, module: str) -> bool:
        """Return whether the service needs a distribution that has this module, whatever it is called."""
        top = module.partition(".")[0]
        names = {each.name for each in self.needed}
        if normal(top) in names:
            return True
        if known := self._environment.distributions_of(top):
            return not names.isdisjoint(known)
        # What is not installed cannot be asked for its modules: `python-jose` will have `jose`.
        return any(normal(top) in re.split(r"-|^py", name) for name in names if not self.is_installed(name))

    def is_installed(self, name: str) -> bool:
        """Return whether the project's environment has a distribution."""
        return self._environment.has(name)

    def required(self, name: str, extras: frozenset[str] = frozenset()) -> Iterator[Requirement]:
        """The requirements of a distribution with these extras, as its metadata state them."""
        for line in self._environment.requires(name):
            made = parsed(line)
            if made and any(holds(made.marker, extra) for extra in extras | {""}):
                yield made

    # Where they are written

    def _tables(self) -> Iterator[Requirement]:
        project = self._table("project")
        yield from self._listed(project.get("dependencies"), "service", "", "project", "dependencies")
        for name, entries in _items(project.get("optional-dependencies")):
            yield from self._listed(entries, "extra", name, "project.optional-dependencies", name)
        for name, entries in _items(self._table("dependency-groups")):
            yield from self._listed(entries, "group", name, "dependency-groups", name)
        entries = self._table("tool", "uv").get("dev-dependencies")
        yield from self._listed(entries, "group", "dev", "tool.uv", "dev-dependencies")

    def _listed(self, entries: object, kind: str, group: str, header: str, key: str) -> Iterator[Requirement]:
        for entry in entries if isinstance(entries, list) else ():
            # A table includes another group, whose entries are listed where that stands.
            if isinstance(entry, str) and (made := self._read(entry, kind, group, self._place(header, key, entry))):
                yield replace(made, bounded=made.bounded or made.name in self._fixed_by_uv)

    @cached_property
    def _fixed_by_uv(self) -> set[str]:
        sources = _items(self._table("tool", "uv", "sources"))
        return {
            normal(name)
            for name, value in sources
            if all(_has_source(each) for each in (value if isinstance(value, list) else [value]))
        }

    def _poetry(self) -> Iterator[Requirement]:
        poetry = self._table("tool", "poetry")
        tables = [("service", "", "tool.poetry.dependencies", poetry.get("dependencies"))]
        tables += [("group", "dev", "tool.poetry.dev-dependencies", poetry.get("dev-dependencies"))]
        for group, content in _items(poetry.get("group")):
            header = f"tool.poetry.group.{group}.dependencies"
            kind, group = ("service", "") if group == "main" else ("group", group)
            tables.append((kind, group, header, content.get("dependencies") if isinstance(content, Mapping) else None))
        for kind, group, header, table in tables:
            for name, value in _items(table):
                if normal(name) == "python":
                    continue
                for entry in value if isinstance(value, list) else [value]:
                    told: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"version": entry}
                    version = str(told.get("version") or "")
                    yield Requirement(
                        normal(name),
                        frozenset(normal(each) for each in told.get("extras") or ()),
                        str(told.get("markers") or ""),
                        # Poetry's optional dependencies are what its extras are made of.
                        "extra" if told.get("optional") and kind == "service" else kind,
                        group,
                        self._place(header, name),
                        f"{name} = {version or '*'!r}",
                        _has_source(told) or _is_bounded(version),
                    )

    def _in_files(self) -> Iterator[Requirement]:
        root = self._config.root
        dynamic = self._table("tool", "setuptools", "dynamic").get("dependencies")
        named = dynamic.get("file", ()) if isinstance(dynamic, Mapping) else ()
        paths = [root / each for each in ([named] if isinstance(named, str) else named)]
        for pattern in ("requirements*.txt", "*-requirements.txt", "requirements/*.txt"):
            paths += sorted(root.glob(pattern))
        # A compiled file has all that is in its source.
        paths += self._config.paths("requirements")
        paths = [each for each in paths if each.suffix != ".in" or each.with_suffix(".txt") not in paths]
        seen: set[Path] = set()
        for path in paths:
            name = path.stem.replace("requirements", "")
            group = name.strip("-_.") if _DEVELOPMENT.search(name) else ""
            yield from self._included(path, group, seen)

    def _included(self, path: Path, group: str, seen: set[Path]) -> Iterator[Requirement]:
        """Requirements of a file and of those that it includes. The name in a bare address is a guess, and declares nothing."""
        if path in seen or not path.is_file() or "constraint" in path.name:
            return
        seen.add(path)
        for number, line in self._lines(path):
            if other := re.match(r"(?:-r|--requirement)[\s=]+(\S+)", line):
                yield from self._included(path.parent / other[1], group, seen)
            elif not line.startswith("-") and not _ADDRESS.match(line):
                location = Location.of(self._config.root, path, number)
                made = self._read(line, "group" if group else "service", group, location)
                yield from (made,) if made else ()

    def _listed_in(self, path: Path) -> Iterator[Requirement]:
        """Requirements of a file alone, editable ones included."""
        for number, line in self._lines(path):
            if "\ufffd" in line:
                raise CouldNotLook(f"{path.name} is no text: line {number} cannot be decoded")
            written = re.sub(r"^(-e|--editable)[\s=]+", "", line)
            if not written.startswith("-"):
                made = parsed(written, location=Location.of(self._config.root, path, number))
                yield from (made,) if made else ()

    def _lines(self, path: Path) -> list[tuple[int, str]]:
        if path not in self._files:
            try:
                content = path.read_bytes()
            except OSError as error:
                self.problems.append(f"{Location.of(self._config.root, path)} cannot be read: {error.strerror}")
                content = b""
            self._files[path] = list(_lines(_decoded(content)))
        return self._files[path]

    def _read(self, text: str, kind: str, group: str, location: Location) -> Requirement | None:
        """A requirement as far as it can be read; what an installer would refuse is a problem."""
        made = parsed(text, kind, group, location)
        if made is not None and not _ADDRESS.match(text) and not _PLAIN.fullmatch(text):
            # The import costs as much as all else here, and plain requirements need it not.
            from packaging.requirements import InvalidRequirement  # noqa: PLC0415
            from packaging.requirements import Requirement as Strict  # noqa: PLC0415

            try:
                Strict(text)
            except InvalidRequirement as error:
                self.problems.append(f"{location}: {text!r} is no requirement: {one_line(error).partition(': ')[0]}")
        return made

    def _table(self, *names: str) -> Mapping[str, Any]:
        table: Any = self._config.document
        for name in names:
            table = table.get(name) if isinstance(table, Mapping) else None
        return table if isinstance(table, Mapping) else {}

    def _place(self, header: str, key: str, text: str = "") -> Location:
        """The first line of a table, from its key on, that has the key or this text."""
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        forms = (f'"{escaped}"', f"'{text}'") if text else (key,)
        inside = begun = False
        first = None
        for number, line in enumerate(self._config.text.splitlines(), 1):
            if match := re.match(r"\s*\[+([^\]\"']+)\]+\s*(?:#.*)?$", line):
                inside, begun = re.sub(r"\s", "", match[1]) == header, False
            begun = begun or bool(inside and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line))
            if not line.lstrip().startswith("#") and any(form in line for form in forms):
                if begun:
                    return Location(FILE, number)
                first = first or number
        return Location(FILE, first)


def _items(table: object) -> Iterable[tuple[str, Any]]:
    return table.items() if isinstance(table, Mapping) else ()


def _decoded(content: bytes) -> str:
    """The text of a requirement file; `pip freeze > requirements.txt` in PowerShell writes UTF-16."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in content[:2]:
        encoding = "utf-16-be"
    else:
        encoding = "utf-16-le" if b"\0" in content[:4] else "utf-8-sig"
    return content.decode(encoding, errors="replace")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a requirement file without comments and options, those that go on joined."""
    pending, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun or number
        pending += re.sub(r"(^|\s)#.*", "", line).rstrip()
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        if line := re.sub(r"\s--?[A-Za-z][\w-]*[=\s].*", "", pending.strip()):
            yield begun, line
        pending, begun = "", 0


def _is_bounded(specifier: str) -> bool:
    """Return whether each alternative of a specifier, Poetry's included, excludes later releases."""
    alternatives = [each for each in re.sub(r"\s", "", specifier).split("||") if each] or [""]
    return all(any(re.match(r"[<~^\d]|=+(?![=*])", part) for part in re.split(r"[,|]", each)) for each in alternatives)


def _is_fixed(address: str) -> bool:
    """Return whether an address never changes: a file, or a commit or tag of a repository."""
    if _REPOSITORY.match(address):
        revision = _REVISION.match(address)
        return revision is not None and revision[1].lower() not in _BRANCHES
    return True


def _has_source(told: object) -> bool:
    """Return whether a table of Poetry or uv pins the source of a package."""
    return any(value for key, value in _items(told) if key in ("path", "file", "workspace", "rev", "tag", "url"))


def holds(marker: str, extra: str) -> bool:
    """Return whether a marker can hold for this extra, on some machine."""
    # Most markers name no extra, and hold on some machine.
    if "extra" not in marker:
        return True
    expression = _expression(marker)
    return expression is None or _true(expression, extra)


@cache
def _expression(marker: str) -> ast.expr | None:
    try:
        return ast.parse(re.sub(r"~=|===", "==", marker), mode="eval").body
    except SyntaxError:
        return None


def _true(node: ast.expr, extra: str) -> bool:
    if isinstance(node, ast.BoolOp):
        combined = all if isinstance(node.op, ast.And) else any
        return combined(_true(each, extra) for each in node.values)
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "extra":
        other = node.comparators[0]
        same = isinstance(other, ast.Constant) and normal(str(other.value)) == extra
        return same if isinstance(node.ops[0], ast.Eq) else not same
    return True
