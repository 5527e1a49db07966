# Owned by the template.
"""Facts about dependencies: what pyproject.toml and requirement files declare, and what that brings along."""

from __future__ import annotations

import ast
import codecs
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from ._config import FILE, Config
from ._findings import NOWHERE, CouldNotLook, Place

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^\]]*)\])?\s*"
    r"(?:@\s*(?P<url>[^;\s]+)|\(?(?P<specifier>[^;)]*)\)?)\s*(?:;\s*(?P<marker>.*))?$"
)
_DEVELOPMENT = re.compile(r"dev|test|lint|doc|typ|ci\b|check|local|bench", re.IGNORECASE)


OTHER_NAMES = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dns": "dnspython",
    "git": "gitpython",
    "jwt": "pyjwt",
    "pkg_resources": "setuptools",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""The distributions of modules, where one that is not installed cannot be asked."""


@dataclass(frozen=True)
class Requirement:
    """One declared dependency.

    Attributes:
        name: normalised, as `normal` writes it.
        extras: normalised too.
        specifier: the versions that may be, without spaces, as written there: `>=1,<2`; Poetry's `^1.2` stays what it is.
        marker: where it counts: `python_version < "3.12"`.
        kind: `service` (what it needs itself), `extra` (optional) or `group` (for its developers).
        group: the name of the extra, the group or the requirement file; "" for the service's own.
        place: where it is written.
        url: where it comes from, if not from a registry by its version.
    """

    name: str
    extras: frozenset[str]
    specifier: str
    marker: str
    kind: str
    group: str
    place: Place
    url: str = ""

    @property
    def bounded(self) -> bool:
        """Whether a version that is yet to come is shut out: by an upper bound, a pin, or an address of its own."""
        return bool(self.url) or _bounded(self.specifier)


def normal(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def parsed(text: str, kind: str = "service", group: str = "", place: Place = NOWHERE) -> Requirement | None:
    """A requirement as PEP 508 writes it; None for what is none."""
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    extras = frozenset(normal(each) for each in (match["extras"] or "").split(",") if each.strip())
    specifier = re.sub(r"\s", "", match["specifier"] or "")
    return Requirement(
        normal(match["name"]),
        extras,
        specifier,
        (match["marker"] or "").strip(),
        kind,
        group,
        place,
        match["url"] or "",
    )


class Declared:
    """What the project declares, in PEP 621 and PEP 735 tables, Poetry's, and requirement files."""

    def __init__(self, config: Config) -> None:
        self.root = config.root
        self._text = (config.root / FILE).read_text(encoding="utf-8-sig", errors="replace")
        try:
            self._document: dict[str, Any] = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise CouldNotLook(f"{FILE} cannot be read: {error}") from error
        self.name = normal(str(self._table("project").get("name") or self._table("tool", "poetry").get("name") or ""))
        self.requirements: tuple[Requirement, ...] = tuple(dict.fromkeys(self._all()))

    def of(self, name: str) -> list[Requirement]:
        """Every requirement of a distribution."""
        return [each for each in self.requirements if each.name == normal(name)]

    @cached_property
    def needed(self) -> tuple[Requirement, ...]:
        """What the service itself needs, its extras included; all there is where nothing says what is for developers."""
        return tuple(each for each in self.requirements if each.kind != "group")

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
        """Whether what is needed has this module, whatever the distribution is called that brings it."""
        top = module.partition(".")[0]
        known = {normal(each) for each in _packages().get(top, ())}
        names = {each.name for each in self.needed}
        if known or normal(top) in names or OTHER_NAMES.get(top) in names:
            return not names.isdisjoint(known | {normal(top), OTHER_NAMES.get(top, "")})
        # What is not installed cannot be asked for its modules: `python-jose` will have `jose`.
        return any(normal(top) in re.split(r"-|^py", name) for name in names if not self.is_installed(name))

    @staticmethod
    def is_installed(name: str) -> bool:
        """Whether this environment has a distribution."""
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            return False
        return True

    @staticmethod
    def required(name: str, extras: frozenset[str] = frozenset()) -> Iterator[Requirement]:
        """What a distribution, with these extras, requires as its installed metadata say."""
        try:
            lines = tuple(metadata.requires(name) or ())
        except metadata.PackageNotFoundError:
            lines = UNINSTALLED.get(name, ())
        for line in lines:
            made = parsed(line)
            if made and any(holds(made.marker, extra) for extra in extras | {""}):
                yield made

    # Where they are written

    def _all(self) -> Iterator[Requirement]:
        project = self._table("project")
        yield from self._listed(project.get("dependencies"), "service", "", "project", "dependencies")
        for name, entries in _items(project.get("optional-dependencies")):
            yield from self._listed(entries, "extra", name, "project.optional-dependencies", name)
        for name, entries in _items(self._document.get("dependency-groups")):
            yield from self._listed(entries, "group", name, "dependency-groups", name)
        yield from self._listed(
            self._table("tool", "uv").get("dev-dependencies"), "group", "dev", "tool.uv", "dev-dependencies"
        )
        yield from self._poetry()
        yield from self._files()

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
                    yield Requirement(
                        normal(name),
                        frozenset(normal(each) for each in told.get("extras") or ()),
                        re.sub(r"\s", "", str(told.get("version") or "")),
                        str(told.get("markers") or ""),
                        # Poetry's optional dependencies are what its extras are made of.
                        "extra" if told.get("optional") and kind == "service" else kind,
                        group,
                        self._place(header, name, name),
                        str(told.get("git") or told.get("url") or told.get("path") or told.get("file") or ""),
                    )

    def _listed(self, entries: object, kind: str, group: str, header: str, key: str) -> Iterator[Requirement]:
        for entry in entries if isinstance(entries, list) else ():
            # A table includes another group, whose entries are listed where that stands.
            if isinstance(entry, str) and (made := parsed(entry, kind, group, self._place(header, key, entry))):
                yield made

    def _files(self) -> Iterator[Requirement]:
        dynamic = self._table("tool", "setuptools", "dynamic").get("dependencies")
        named = dynamic.get("file", ()) if isinstance(dynamic, Mapping) else ()
        paths = [self.root / each for each in ([named] if isinstance(named, str) else named)]
        for pattern in ("requirements*.txt", "*-requirements.txt", "requirements/*.txt"):
            paths += sorted(self.root.glob(pattern))
        seen: set[Path] = set()
        for path in paths:
            name = path.stem.replace("requirements", "")
            group = name.strip("-_.") if _DEVELOPMENT.search(name) else ""
            yield from self._file(path, group, seen)

    def _file(self, path: Path, group: str, seen: set[Path]) -> Iterator[Requirement]:
        if path in seen or not path.is_file() or "constraint" in path.name:
            return
        seen.add(path)
        for number, line in _lines(_decoded(path.read_bytes())):
            place = Place.of(self.root, path, number)
            if other := re.match(r"(?:-r|--requirement)[\s=]+(\S+)", line):
                yield from self._file(path.parent / other[1], group, seen)
            elif not line.startswith("-") and not re.match(r"[\w+]+://|\.{0,2}/", line):
                made = parsed(line, "group" if group else "service", group, place)
                yield from (made,) if made else ()

    def _table(self, *names: str) -> Mapping[str, Any]:
        table: Any = self._document
        for name in names:
            table = table.get(name) if isinstance(table, Mapping) else None
        return table if isinstance(table, Mapping) else {}

    def _place(self, header: str, key: str, text: str) -> Place:
        """The first line of a table, from its key on, that has this text."""
        inside = begun = False
        for number, line in enumerate(self._text.splitlines(), 1):
            if match := re.match(r"\s*\[+([^\]\"']+)\]+\s*(?:#.*)?$", line):
                inside, begun = re.sub(r"\s", "", match[1]) == header, False
            begun = begun or bool(inside and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line))
            if begun and text in line:
                return Place(FILE, number)
        found = (number for number, line in enumerate(self._text.splitlines(), 1) if text in line)
        return Place(FILE, next(found, None))


def _items(table: object) -> Iterable[tuple[str, Any]]:
    return table.items() if isinstance(table, Mapping) else ()


def _decoded(content: bytes) -> str:
    """The text of a requirement file: PowerShell's `>` writes UTF-16."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(name, errors="replace")
    return content.decode("utf-8", errors="replace")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a requirement file without comments and options, those that go on joined."""
    pending, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun or number
        pending += re.sub(r"(^|\s)#.*", "", line).rstrip()
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        if line := re.sub(r"\s--(?:hash|config-settings?|global-option)\b.*", "", pending).strip():
            yield begun, line
        pending, begun = "", 0


def _bounded(specifier: str) -> bool:
    alternatives = [each for each in specifier.split("||") if each] or [""]
    return all(
        any(re.match(r"<|={2,3}|~|\^|\d[\w.]*(?:\*)?$", part) for part in re.split(r"[,|]", each) if part)
        for each in alternatives
    )


@cache
def _packages() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def holds(marker: str, extra: str) -> bool:
    """Whether a marker may hold for this extra, on some machine."""
    if not marker:
        return True
    try:
        return _true(ast.parse(re.sub(r"~=|===", "==", marker), mode="eval").body, extra)
    except SyntaxError:
        return True


def _true(node: ast.expr, extra: str) -> bool:
    if isinstance(node, ast.BoolOp):
        combined = all if isinstance(node.op, ast.And) else any
        return combined(_true(each, extra) for each in node.values)
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "extra":
        other = node.comparators[0]
        same = isinstance(other, ast.Constant) and normal(str(other.value)) == extra
        return same if isinstance(node.ops[0], ast.Eq) else not same
    return True


UNINSTALLED: dict[str, tuple[str, ...]] = {
    "fastapi": (
        "starlette",
        "pydantic",
        *(
            f'{name}; extra == "{extra}"'
            for extra in ("standard", "all")
            for name in ("httpx", "jinja2", "python-multipart", "email-validator", "uvicorn[standard]")
        ),
        'itsdangerous; extra == "all"',
        'orjson; extra == "all"',
        'ujson; extra == "all"',
        'pyyaml; extra == "all"',
    ),
    "starlette": tuple(f'{name}; extra == "full"' for name in ("itsdangerous", "jinja2", "python-multipart", "httpx")),
    "pydantic": ('email-validator; extra == "email"',),
    "uvicorn": tuple(
        f'{name}; extra == "standard"'
        for name in ("httptools", "python-dotenv", "pyyaml", "uvloop", "watchfiles", "websockets")
    ),
    "celery": ("kombu", "amqp", 'kombu[redis]; extra == "redis"'),
    "kombu": ("amqp", 'redis; extra == "redis"'),
    "sqlmodel": ("sqlalchemy", "pydantic"),
    "fastapi-users": ("fastapi", "email-validator", "python-multipart", "pyjwt[crypto]", "pwdlib[argon2,bcrypt]"),
    "pyjwt": ('cryptography; extra == "crypto"',),
    "pwdlib": ('argon2-cffi; extra == "argon2"', 'bcrypt; extra == "bcrypt"'),
}
"""What widespread distributions bring, for a project whose environment is not the one that is looked from."""
