"""Modules of the template that are renamed or deleted, and the service's lines that still import them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from .git import Repository
from .outcome import Move

TOMBSTONE = re.compile(r'^"""Tombstone: moved to `([^`]+)`; this name goes with ([\w.]+)\."""$', re.MULTILINE)


def find_moves(git: Repository, base: str, step: str, result: str) -> list[Move]:
    """List the moves between two renderings, with their imports in the merged tree.

    A tombstone is listed when it comes, and again as long as something imports it. A deletion is listed where
    something imports it.
    """
    fields = git.names("diff-tree", "-r", "-z", "--name-status", "-M", base, step, "--", "*.py")
    changed: set[str] = set()
    moves: list[Move] = []
    while fields:
        kind, path = fields.pop(0)[0], fields.pop(0)
        changed.add(path)
        if kind in "DR":
            moves.append(Move(path, fields.pop(0) if kind == "R" else ""))
    listed = git.names("grep", "-zlE", '^"""Tombstone: ', step, "--", "*.py", statuses=(0, 1))
    tombstones = git.texts(step, [each.removeprefix(f"{step}:") for each in listed])
    matches = ((path, TOMBSTONE.search(text)) for path, text in tombstones.items())
    stones = [Move(path, match[1], match[2]) for path, match in matches if match]
    imports = _imports_of(git, {each.path for each in (*moves, *stones)}, result)
    found = [replace(each, imports=tuple(imports[each.path])) for each in (*moves, *stones)]
    return [each for each in found if each.imports or (each.removed_in and each.path in changed)]


def module_name(path: str) -> str:
    """The dotted name of a module below `src`, or below the root."""
    parts = Path(path).with_suffix("").parts
    parts = parts[parts.index("src") + 1 :] if "src" in parts else parts
    return ".".join(parts[:-1] if parts[-1:] == ("__init__",) else parts)


def imported_names(text: str, path: str) -> dict[str, list[int]]:
    """The lines of a file by the absolute names of the modules, and of the members of modules, that they import."""
    found: dict[str, list[int]] = {}
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return found  # marks of a conflict, or a newer Python than this one
    # Why: a level of dots counts from the package, which for `__init__` is its own folder.
    package = Path(path).with_suffix("").parts[:-1]
    package = package[package.index("src") + 1 :] if "src" in package else package
    for node in nodes:
        if isinstance(node, ast.Import):
            names = {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            names = {module, *(f"{module}.{each.name}" for each in node.names)}
        else:
            continue
        for name in names:
            found.setdefault(name, []).append(node.lineno)
    return found


def _imports_of(git: Repository, paths: Iterable[str], tree: str) -> Mapping[str, list[str]]:
    """Each `file:line` of a tree that imports one of these modules, by the module's path."""
    modules = {module_name(path): path for path in paths}
    found: dict[str, list[str]] = {path: [] for path in modules.values()}
    words = sorted({word for name in modules if (word := name.rpartition(".")[2])})
    if not words:
        return found
    patterns = [option for word in words for option in ("-e", word)]
    listed = git.names("grep", "-zlwIF", *patterns, tree, "--", "*.py", statuses=(0, 1))
    for file, text in git.texts(tree, [each.removeprefix(f"{tree}:") for each in listed]).items():
        names = imported_names(text, file)
        for module in modules.keys() & names.keys():
            if file != modules[module]:
                found[modules[module]] += [f"{file}:{line}" for line in names[module]]
    return found
