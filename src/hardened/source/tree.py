"""The project's Python files and the symbols in them: read, and never run."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..config.table import Config
from ..model import CouldNotLook, Location
from ..records.migrations import Migration
from .files import File
from .symbols import CallSite, Resolution, Scope, SymbolTable

SKIPPED = {"__pycache__", "node_modules", "site-packages"}
_GUARDS = ("_findings.py", "_live_routes.py", "_live_tables.py")
"""Files of the folder `checks` by which the guards are known that a service of 0.4 or older carries."""


class Import(NamedTuple):
    """A module, or a name of one, that is imported: `name` is dotted, `within` the scopes around it."""

    name: str
    location: Location
    within: tuple[Scope, ...]
    module: str

    @property
    def top(self) -> str:
        """The first word: what a distribution brings, or the project."""
        return self.name.partition(".")[0]

    @property
    def lazy(self) -> bool:
        """The import runs with a function."""
        return any(not isinstance(each, ast.ClassDef) for each in self.within)


class Source:
    """The project's Python: `source`, `tests` and the migrations, each file parsed once."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.root = config.root
        self.folder = config.root / config.source
        self.package = self.folder.joinpath(*config.package.split("."))
        self.versions = config.root / config.migrations
        self._names: dict[str, SymbolTable | None] = {}
        self.resolution = Resolution()
        if not self.package.is_dir():
            where = Location.of(self.root, self.package)
            raise CouldNotLook(f"{where} is no folder; correct `package` or `source` in [tool.hardening]")

    def location(self, path: str | Path, line: int | None = None) -> Location:
        return Location.of(self.root, path, line)

    @cached_property
    def files(self) -> dict[str, File]:
        """Each Python file, under its path from the root."""
        above = self.versions.parent
        migrations = above if (above / "env.py").is_file() else self.versions
        found: dict[str, File] = {}
        for folder in (self.folder, self.root / "tests", migrations):
            for path in python_files(folder):
                name = self.location(path).file or ""
                if name not in found and (self._guards is None or not path.is_relative_to(self._guards)):
                    found[name] = File(name, path)
        return found

    @cached_property
    def _guards(self) -> Path | None:
        """The guards of 0.4 and older, which are the template's and not the owner's: no rule judges them."""
        folder = self.package / "checks"
        return folder if all((folder / name).is_file() for name in _GUARDS) else None

    @cached_property
    def modules(self) -> dict[str, File]:
        """The package's modules under their dotted names, parents first; `__main__` runs, so not it."""
        found = {}
        for name, file in self.files.items():
            path = self.root / name
            if path.is_relative_to(self.package) and path.name != "__main__.py":
                parts = path.relative_to(self.folder).with_suffix("").parts
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                if all(part.isidentifier() for part in parts):
                    found[".".join(parts)] = file
        return dict(sorted(found.items()))

    def names(self, path: str) -> SymbolTable | None:
        """The symbol table of a file; None where it does not compile, or is left out."""
        if path not in self._names:
            file = self.files[path]
            module = self._module_names.get(path, Path(path).with_suffix("").as_posix().replace("/", "."))
            package = path.endswith("/__init__.py")
            made = None
            if file.tree is not None:
                made = SymbolTable(file, module, package=package, other=self._names_of, resolution=self.resolution)
            self._names[path] = made if file.tree is not None else None
        return self._names[path]

    def _names_of(self, module: str) -> SymbolTable | None:
        file = self.modules.get(module)
        return self.names(file.path) if file else None

    @cached_property
    def _module_names(self) -> dict[str, str]:
        return {file.path: module for module, file in self.modules.items()}

    @cached_property
    def own(self) -> list[SymbolTable]:
        """The names of each module of the package that can be parsed."""
        return [names for file in self.modules.values() if (names := self.names(file.path))]

    def leaves_out(self) -> list[File]:
        """The files that no rule reads, though they may compile."""
        return [file for file in self._without_tree if file.left_out]

    @property
    def unparsed(self) -> tuple[str, ...]:
        """The paths of the files that are not read. Why: parsers of the linters overflow where Python's refuses."""
        guards = python_files(self._guards) if self._guards else ()
        return (*(file.path for file in self._without_tree), *(self.location(path).file or "" for path in guards))

    @cached_property
    def _without_tree(self) -> list[File]:
        # Only those of the package have a symbol table, for which their nesting is looked at.
        for file in self.modules.values():
            self.names(file.path)
        return [file for file in self.files.values() if not file.is_parsed]

    def is_environment(self, path: str | None) -> bool:
        """Return whether a file is the environment that Alembic runs its migrations in."""
        file = self.root / (path or "")
        if file.name != "env.py":
            return False
        known = (file.parent / "script.py.mako").is_file() or file.parent == self.versions.parent
        return known or file.parent.resolve() in self._environments

    @cached_property
    def _environments(self) -> set[Path]:
        """The folders that `script_location` names, in `alembic.ini` at the root or in the package."""
        found = set()
        for file in [self.root / "alembic.ini", *self.package.rglob("alembic.ini")]:
            text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
            for name in re.findall(r"^\s*script_location\s*=\s*(\S+)", text, re.MULTILINE):
                package, colon, inside = name.partition(":")
                below = self.folder.joinpath(*package.split("."), inside) if colon else self.root / name
                found.add(Path(name.replace("%(here)s", str(file.parent))).resolve() if "%(here)s" in name else below)
        return {each.resolve() for each in found}

    @cached_property
    def uses(self) -> list[CallSite]:
        """Each call in `own`."""
        return [use for names in self.own for use in names.uses()]

    def calls_of(self, module: str) -> list[CallSite]:
        """Each call in a module of the package."""
        file = self.modules.get(module)
        names = self.names(file.path) if file else None
        return names.uses() if names else []

    @cached_property
    def imports(self) -> list[Import]:
        """Each import in `own`, those by `importlib.import_module("x")` included."""
        return [Import(*each, names.module) for names in self.own for each in names.imports()]

    @cached_property
    def migrations(self) -> list[Migration]:
        """The migration files that Alembic would load."""
        paths = sorted(self.versions.glob("*.py")) if self.versions.is_dir() else []
        return [
            migration_of(self.files[name], self.location(path))
            for path in paths
            if not path.name.startswith(("__init__", ".")) and (name := self.location(path).file)
        ]

    def models(self) -> Iterator[tuple[str, Location]]:
        """Each class that plainly declares a table: the table's name, and where the class is.

        Silent about what SQLAlchemy would not map either: a class without bases or decorators (a
        mixin), an abstract one, one made inside a function, a name that is computed.
        """
        for file in self.modules.values():
            tree = file.tree
            pending: list[ast.stmt] = list(tree.body) if tree else []
            while pending:
                node = pending.pop(0)
                if isinstance(node, (ast.If, ast.Try, ast.With)):
                    pending += node.body
                if not isinstance(node, ast.ClassDef):
                    continue
                pending += node.body
                names = assigned(node.body)
                table = literal(names.get("__tablename__"))
                abstract = literal(names.get("__abstract__")) is True
                if isinstance(table, str) and (node.bases or node.decorator_list) and not abstract:
                    yield table, Location(file.path, node.lineno)


def python_files(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in SKIPPED and not name.startswith(".") and not Path(here, name, "pyvenv.cfg").exists()
        )
        yield from (Path(here, name) for name in sorted(files) if name.endswith(".py"))


def assigned(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """The plain names that these statements give a value."""
    names: dict[str, ast.expr] = {}
    for node in body:
        if isinstance(node, ast.Assign):
            names |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            names[node.target.id] = node.value
    return names


def literal(node: ast.expr | None) -> object:
    """The value that is written out; `...` where there is none, or it is computed or not possible."""
    try:
        return ast.literal_eval(node) if node is not None else ...
    except (ValueError, TypeError, RecursionError, MemoryError):
        # A set of dictionaries is a TypeError.
        return ...


def migration_of(file: File, location: Location) -> Migration:
    """The identifiers of a migration file."""
    if file.tree is None:
        return Migration(location, problem=f"does not compile: {file.broken.error if file.broken else 'it changes'}")
    names = assigned(file.tree.body)
    node = names.get("down_revision") or names.get("revision")
    location = Location(location.file, node.lineno if node else None)
    several: dict[str, tuple[str, ...]] = {}
    for name in ("revision", "down_revision", "depends_on", "branch_labels"):
        # Only the two identifiers are required.
        value = literal(names.get(name)) if name in names or "revision" in name else None
        value = (value,) if isinstance(value, str) else () if value is None else value
        if not isinstance(value, (tuple, list, set)) or not all(isinstance(each, str) for each in value):
            return Migration(location, problem=f"has no `{name}` that can be read without running it")
        several[name] = tuple(value)
    if len(several["revision"]) != 1:
        return Migration(location, problem="has no `revision` of its own")
    return Migration(
        location, several["revision"][0], several["down_revision"], several["depends_on"], several["branch_labels"]
    )
