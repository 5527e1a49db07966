"""Entry points: modules and attributes that the files of a project name, and their lookup."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.table import FILE, YOURS, Config
from ..deployment.compose import Compose, Service
from ..deployment.process import SHELLS, Process, option_values
from ..model import Location
from ..source.files import File
from ..source.nodes import child_nodes, walk
from ..source.tree import Source, python_files
from .environment import Environment

_ADDRESS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(?:\(.*\))?")
_PYTHON = re.compile(r"python[\d.]*(?:\.exe)?")
_SERVERS = {"uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "celery", "fastapi", "arq", "taskiq", "faststream"}
_STARTERS = {"uvicorn.run", "uvicorn.Config", "uvicorn.main", "granian.Granian"}
_TAKES_NO_ADDRESS = {
    "-b",
    "--bind",
    "-c",
    "--config",
    "-k",
    "--worker-class",
    "--host",
    "--log-config",
    "--header",
    "--uds",
}
_FROM_IMAGES = {"compose", "health", "kubernetes"}
_FOLDERS = ("--app-dir", "--chdir", "--workdir", "--working-dir")
_INSIDE_ARE_OTHERS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class Entry:
    """A name that something is started by.

    Attributes:
        kind: attribute (`module:name`), module, file, celery (a module with a Celery application) or command.
        name: as it is written.
        place: where it is written.
        ours: whether it is surely looked up in this project's own environment.
        folders: where modules are looked for besides.
    """

    kind: str
    name: str
    location: Location
    ours: bool = True
    folders: tuple[str, ...] = ()


def entries(config: Config, source: Source, processes: Sequence[Process], compose: Compose) -> Iterator[Entry]:
    """Yield every entry point that the project's files name."""
    of_image: set[tuple[str, str]] = set()
    for process in processes:
        service = compose.services.get(process.name) if process.kind in ("compose", "health") else None
        for entry in _of_process(process, _is_ours(process, service, compose)):
            named = entry.kind, entry.name
            if process.kind == "dockerfile":
                of_image.add(named)
            # What comes from the image is told where the image is made.
            elif process.kind in _FROM_IMAGES and named in of_image and not (service and _written(entry.name, service)):
                continue
            yield entry
    yield from _of_project(config)
    for use in source.uses:
        target = use.argument("app", 0) or use.argument("target", 0)
        if use.name in _STARTERS and isinstance(target, ast.Constant) and _ADDRESS.fullmatch(str(target.value)):
            # A file that is run by its path is looked up from its own folder.
            yield Entry(
                "attribute", str(target.value), use.location, folders=(str(Path(use.location.file or "").parent),)
            )


def _is_ours(process: Process, service: Service | None, compose: Compose) -> bool:
    if service is None:
        return process.kind in ("dockerfile", "procfile", "script")
    built = {str(each.get("image")) for each in compose.services.values() if each.is_built and each.get("image")}
    return service.is_built or str(service.get("image")) in built


def _written(name: str, service: Service) -> bool:
    return any(name in str(service.get(key) or "") for key in ("command", "entrypoint", "healthcheck"))


def _of_process(process: Process, ours: bool) -> Iterator[Entry]:
    if process.kind == "script":
        target = process.words[0].partition("[")[0].strip()
        if ":" in target:
            yield Entry("attribute", target, process.location)
        return
    yield from (Entry(kind, name, process.location, ours, folders) for kind, name, folders in commands(process.words))


def commands(words: Sequence[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The entry points in a command: kind, name, and folders that it puts before others."""
    for segment in _segments(words):
        started = next((each for each in segment if "=" not in each and each not in ("exec", "env")), "")
        yield "command", started, ()
        folders = tuple(filter(None, option_values(segment, *_FOLDERS)))
        for index, word in enumerate(segment):
            program = word.rpartition("/")[2]
            rest = segment[index + 1 :]
            if _PYTHON.fullmatch(program):
                named = _of_python(rest)
            elif program in _SERVERS:
                named = _of_server(program, rest)
            else:
                continue
            yield from ((kind, name, folders) for kind, name in named if not re.search(r"[${}<]", name))
            break


def _segments(words: Sequence[str]) -> Iterator[list[str]]:
    """The single commands of a line, those that a shell is handed included."""
    segment: list[str] = []
    pending = list(words)
    while pending:
        word = pending.pop(0)
        if word.rpartition("/")[2] in SHELLS and len(pending) > 1 and re.fullmatch(r"-\w*c\w*", pending[0]):
            try:
                pending = shlex.split(pending[1]) + pending[2:]
            except ValueError:
                return
        elif word in ("&&", "||", ";", "|", "&") or word.endswith(";"):
            yield segment + [word.rstrip(";")] * (word not in ("&&", "||", ";", "|", "&"))
            segment = []
        else:
            segment.append(word)
    yield segment


def _of_python(words: list[str]) -> Iterator[tuple[str, str]]:
    while words:
        word = words.pop(0)
        if word == "-m" and words:
            if words[0] in _SERVERS:
                yield from _of_server(words[0], words[1:])
            elif re.fullmatch(r"[A-Za-z_][\w.]*", words[0]):
                yield "module", words[0]
            return
        if word == "-c":
            return
        if word in ("-X", "-W") and words:
            words.pop(0)
        elif not word.startswith("-"):
            if word.endswith(".py") and not word.startswith("/"):
                yield "file", word
            return


def _of_server(program: str, words: list[str]) -> Iterator[tuple[str, str]]:
    if program == "celery":
        for name in filter(None, option_values(words, "-A", "--app")):
            yield "attribute" if ":" in name else "celery", name
        return
    if program == "fastapi":
        yield from (("attribute", name) for name in option_values(words, "-e", "--entrypoint") if name)
        yield from (("file", each) for each in words if each.endswith(".py") and not each.startswith("/"))
        return
    for before, word in zip(["", *words], words, strict=False):
        if _ADDRESS.fullmatch(word) and before not in _TAKES_NO_ADDRESS:
            yield "attribute", word
        elif program == "arq" and re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", word) and not before.startswith("-"):
            yield "attribute", ":".join(word.rsplit(".", 1))


def _of_project(config: Config) -> Iterator[Entry]:
    document = config.document
    tool = document.get("tool", {})
    tables: list[tuple[str, Any, tuple[str, ...]]] = [("tool.fastapi", tool.get("fastapi", {}), ("entrypoint",))]
    hardening = tool.get("hardening", {})
    addresses = ("application", "metadata", "celery")
    for header, content in (("tool.hardening", hardening), (f"tool.hardening.{YOURS}", hardening.get(YOURS, {}))):
        tables.append((header, content, addresses))
        if "preset" in content:
            # Its names stand nowhere else in the project.
            location = Location(FILE, _line(config.text, header, "preset"))
            preset = (getattr(config, key) for key in addresses if key not in hardening.get(YOURS, {}))
            yield from (Entry("attribute", value, location) for value in preset if value)
    scripts = tool.get("poetry", {}).get("scripts", {})
    tables.append(("tool.poetry.scripts", scripts, tuple(scripts)))
    for group, content in document.get("project", {}).get("entry-points", {}).items():
        tables.append((f"project.entry-points.{group}", content, tuple(content)))
    for header, table, keys in tables:
        for key in keys:
            value = table.get(key)
            if isinstance(value, str) and _ADDRESS.fullmatch(value.partition("[")[0].strip()):
                yield Entry(
                    "attribute", value.partition("[")[0].strip(), Location(FILE, _line(config.text, header, key))
                )


def _line(text: str, header: str, key: str) -> int | None:
    inside, found = False, None
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"\s*\[+([^\]]+)\]+\s*(?:#.*)?$", line):
            inside = re.sub(r"[\s\"']", "", match[1]) == header
        if inside and found is None and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line):
            found = number
    return found


class Modules:
    """Lookup of modules and of the names in them: from source, and by the environment's folders."""

    def __init__(self, source: Source, processes: Sequence[Process], project: str, environment: Environment) -> None:
        self.source = source
        self.package = source.config.package.partition(".")[0]
        self.scripts = {each.name for each in processes if each.kind == "script"}
        self.project = project  # the distribution's name
        self._environment = environment
        self._bound: dict[Path, set[str]] = {}

    def problem(self, entry: Entry) -> str:
        """Return the problem of an entry point; "" where there is none, or none can be known."""
        if entry.kind == "command":
            return self._command(entry)
        if entry.kind == "file":
            bases = self._bases(entry)
            return "" if not entry.ours or any((base / entry.name).is_file() for base in bases) else "is no file here"
        name, _, attribute = entry.name.partition(":")
        if not entry.ours and name.partition(".")[0] != self.package:
            return ""
        if entry.kind == "celery":
            return self._celery(entry, name)
        path = self._module(name, entry)
        if path is None:
            return f"names the module {name}, and there is none"
        if entry.kind == "module":
            runs = path.name != "__init__.py" or (path.parent / "__main__.py").is_file()
            return "" if runs else f"names the package {name}, which has no __main__.py to run"
        first = re.split(r"[.(]", attribute)[0]
        if not self.binds(path, first):
            return f"names {first} in the module {name}, which has no such name"
        return ""

    def missing(self, name: str) -> str:
        """Return the reason that a dotted name of the project cannot be imported; "" where it can, or is not the project's."""
        source = self.source
        if name.partition(".")[0] != self.package or name in source.modules or name == self.package:
            return ""
        parent, _, attribute = name.rpartition(".")
        path = source.folder.joinpath(*name.split("."))
        if path.is_dir() or path.with_suffix(".py").is_file():
            return ""
        if parent not in source.modules:
            return "" if source.folder.joinpath(*parent.split(".")).is_dir() else f"there is no module {parent}"
        file = source.root / source.modules[parent].path
        return "" if self.binds(file, attribute) else f"{parent} has no {attribute}"

    def binds(self, path: Path, name: str) -> bool:
        """Return whether a module may have a name: one that is computed may be there."""
        if not path.is_file():
            return True
        bound = self._names(path)
        if name in bound or "*" in bound:
            return True
        beside = path.parent / name
        return path.name == "__init__.py" and (beside.is_dir() or beside.with_suffix(".py").is_file())

    def _command(self, entry: Entry) -> str:
        """A command of the project's own that goes by another name."""

        def plain(name: str) -> str:
            return re.sub(r"[-_.]+", "-", name).lower()

        folder, _, word = entry.name.rpartition("/")
        alike = {plain(self.package), plain(self.project)} - {""}
        installed = not folder or folder.rpartition("/")[2] == "bin"
        if entry.ours and self.scripts and installed and plain(word) in alike and word not in self.scripts:
            there = ", ".join(sorted(self.scripts))
            return f"is no command of this project; {FILE} has {there}"
        return ""

    def _celery(self, entry: Entry, name: str) -> str:
        path = self._module(name, entry)
        if path is None:
            parent, _, attribute = name.rpartition(".")
            above = self._module(parent, entry) if parent else None
            if above is not None and self.binds(above, attribute):
                return ""
            return f"names the module {name}, and there is none"
        below = path.parent / "celery.py" if path.name == "__init__.py" else path
        if not path.is_file() or (below.is_file() and below != path):
            return ""
        if {"app", "celery", "*"} & self._names(path) or self._makes_celery(path):
            return ""
        return f"names the module {name}, which has no Celery application"

    def _makes_celery(self, path: Path) -> bool:
        tree = self._file(path).tree
        values = (each.value for each in (tree.body if tree else ()) if isinstance(each, (ast.Assign, ast.AnnAssign)))
        return any(isinstance(each, ast.Call) for each in values) or tree is None

    def _bases(self, entry: Entry) -> list[Path]:
        source = self.source
        return [source.folder, source.root, source.package, *(source.root / each for each in entry.folders)]

    def _module(self, name: str, entry: Entry) -> Path | None:
        """The module's file, or the folder of one that is not the project's; None where there is none."""
        top, *_ = parts = name.split(".")
        known = False
        for base in self._bases(entry):
            path = base.joinpath(*parts)
            if (found := path.with_name(f"{path.name}.py")).is_file() or (found := path / "__init__.py").is_file():
                return found
            if path.is_dir() and any(python_files(path)):
                return path
            known = known or (base / top / "__init__.py").is_file() or (base / f"{top}.py").is_file()
        if known or top == self.package:
            return None
        return self.source.root if self._environment.has_module(top) else None

    def _file(self, path: Path) -> File:
        name = self.source.location(path).file or ""
        return self.source.files.get(name) or File(name, path)

    def _names(self, path: Path) -> set[str]:
        """The names that a module binds; `*` among them where it may have others."""
        if path not in self._bound:
            self._bound[path] = set()  # modules that import everything from one another
            tree = self._file(path).tree
            self._bound[path] = {"*"} if tree is None else set(_bound(tree))
        return self._bound[path]


def _bound(tree: ast.Module) -> Iterator[str]:
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield "*" if node.name == "__getattr__" else node.name
            yield from (name for each in walk(node) if isinstance(each, ast.Global) for name in each.names)
            continue
        if isinstance(node, _INSIDE_ARE_OTHERS):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            plain = isinstance(node, ast.Import)
            yield from (each.asname or (each.name.partition(".")[0] if plain else each.name) for each in node.names)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                yield node.id
            elif node.id in ("globals", "setattr", "exec", "vars"):
                yield "*"
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name
        ):
            yield node.name
        pending += child_nodes(node)
