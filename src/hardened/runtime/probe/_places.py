"""Locations of files, functions and classes of the project."""

from __future__ import annotations

import ast
import functools
import inspect
import os
import sys
from typing import Any, Dict, Optional, Tuple  # noqa: UP035 - evaluated in aliases, by Python 3.9 too

#: A file, relative to the project's root where it lies in it, and a line: the tool's `Location`, as JSON.
Place = Tuple[Optional[str], Optional[int]]  # noqa: UP006, UP045 - evaluated by Python 3.9
NOWHERE: Place = (None, None)
_INSTALLED = ("site-packages", "dist-packages")
#: For each class of a file, by its qualified name: its first line, and the line of each name in its body.
_Classes = Dict[str, Tuple[int, Dict[str, int]]]  # noqa: UP006 - evaluated by Python 3.9


class Places:
    """Locations in one project; each file is resolved and parsed once."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self._files: dict[str, tuple[str, bool]] = {}
        self._folders: dict[str, str] = {}
        self._classes: dict[str, _Classes] = {}

    def place(self, path: str | None, line: int | None = None) -> Place:
        """Location of a line; NOWHERE without a path."""
        return (self._file(str(path))[0], line) if path else NOWHERE

    def belongs(self, path: str | None) -> bool:
        """Report whether a file is the project's own, not one of an environment that lies in its folder."""
        return bool(path) and self._file(str(path))[1]

    def location_of(self, thing: Any) -> Place:
        """Location of a function, method, class, partial, or the class of any other object."""
        thing = unwrapped(thing)
        code = getattr(thing, "__code__", None)
        if code is not None:
            return self.place(code.co_filename, code.co_firstlineno)
        kind = thing if isinstance(thing, type) else type(thing)
        return self.class_line(kind)

    def class_line(self, owner: type) -> Place:
        """Location of a class statement, its first decorator included."""
        file = source_file(owner)
        found = self._body(file, owner)
        return self.place(file, found[0]) if found else NOWHERE

    def line_of(self, owner: type, name: str) -> Place:
        """Location at which the body of this very class assigns, annotates or defines a name; else NOWHERE."""
        file = source_file(owner)
        found = self._body(file, owner)
        line = found[1].get(name) if found else None
        return self.place(file, line) if line else NOWHERE

    def declared(self, owner: type, name: str) -> Place:
        """Location of a name in the body of a class, or of the first of the project's classes it extends."""
        own = [each for each in owner.__mro__ if self.belongs(source_file(each))]
        return next((found for each in own if (found := self.line_of(each, name)) != NOWHERE), NOWHERE)

    def _file(self, path: str) -> tuple[str, bool]:
        if path not in self._files:
            real = self._real(os.path.join(self.root, path))
            above = self.root.rstrip(os.sep) + os.sep
            inside = real.startswith(above)
            name = real[len(above) :] if inside else real
            name = name.replace(os.sep, "/")
            self._files[path] = name, inside and not any(part in _INSTALLED for part in name.split("/"))
        return self._files[path]

    def _real(self, path: str) -> str:
        """The path without links. Each folder is resolved once, since two thousand modules lie in a few hundred."""
        folder, name = os.path.split(path)
        if name in ("", ".", "..") or os.path.islink(path):
            return os.path.realpath(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)

    def _body(self, file: str, owner: type) -> tuple[int, dict[str, int]] | None:
        if not file:
            return None
        if file not in self._classes:
            self._classes[file] = _classes(file)
        return self._classes[file].get(owner.__qualname__)


def unwrapped(thing: Any) -> Any:
    """The function inside partials, decorators and methods."""
    for _ in range(100):
        if isinstance(thing, functools.partial):
            thing = thing.func
        elif inspect.ismethod(thing):
            thing = thing.__func__
        elif hasattr(thing, "__wrapped__") and not isinstance(thing, type):
            thing = thing.__wrapped__
        else:
            break
    return thing


def source_file(owner: type) -> str:
    """The file of the module that a class was made in; "" where there is none."""
    module = sys.modules.get(owner.__module__)
    return str(getattr(module, "__file__", None) or "") if module is not None else ""


def _classes(file: str) -> _Classes:
    try:
        with open(file, "rb") as stream:
            tree = ast.parse(stream.read(), file)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}
    found: _Classes = {}
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.ClassDef):
                first = min([each.lineno, *(decorator.lineno for decorator in each.decorator_list)])
                found[prefix + each.name] = first, _names(each.body)
                pending.append((f"{prefix}{each.name}.", each))
            elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                pending.append((f"{prefix}{each.name}.<locals>.", each))
            elif isinstance(each, ast.stmt):
                pending.append((prefix, each))
    return found


def _names(body: list[ast.stmt]) -> dict[str, int]:
    """The first line of each name that statements bind, those below `if` and `with` included."""
    found: dict[str, int] = {}
    for each in body:
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.setdefault(each.name, each.lineno)
            continue
        targets = each.targets if isinstance(each, ast.Assign) else [getattr(each, "target", None)]
        for target in targets:
            for part in ast.walk(target) if isinstance(target, ast.AST) else ():
                if isinstance(part, ast.Name):
                    found.setdefault(part.id, part.lineno)
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(each, field, None)
            if isinstance(inner, list):
                for name, line in _names(inner).items():
                    found.setdefault(name, line)
    return found
