"""The imported project, as every section of the probe needs it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ._journal import Journal
from ._places import NOWHERE, Place, Places, unwrapped

__all__ = ["NOWHERE", "Absent", "Place", "Unreadable", "World", "unwrapped"]
_HERE = os.path.dirname(os.path.realpath(__file__)) + os.sep
_namespace: Any = vars(ModuleType)["__dict__"].__get__


class Absent(Exception):
    """The project has no such thing; the argument says which."""


class Unreadable(Exception):
    """The object is there and cannot be read; the argument says why."""


class World(Places):
    """The imported project, and the locations in its files.

    Attributes:
        request: the tool's request; `request["config"]` has the keys of `[tool.hardening]`.
        root: the project's folder.
        objects: the objects at the configuration's addresses, by key: `application`, `metadata`, `settings`, `celery`.
        missing: the reason why there is nothing at a key.
        application_tables: names of the tables that the application's own imports have defined.
        during: the step that is being done, for messages: "when shop.main is imported"; empty in the sections.
    """

    def __init__(self, request: dict[str, Any], journal: Journal) -> None:
        super().__init__(request["root"])
        self.request = request
        self.journal = journal
        self.objects: dict[str, Any] = {}
        self.missing: dict[str, str] = {}
        self.application_tables: list[str] = []
        self.during = ""
        self._sources = set(request["files"])

    def there(self, key: str) -> Any:
        """The object at a key.

        Raises:
            Absent: the configuration names none.
            Unreadable: it cannot be imported.
        """
        if key in self.missing:
            raise Unreadable(self.missing[key])
        if self.objects.get(key) is None:
            raise Absent(f"no `{key}` in [tool.hardening]")
        return self.objects[key]

    def find(self, address: str) -> Any:
        """The object at `module:attribute`; None where there is nothing."""
        name, _, path = address.partition(":")
        try:
            value: Any = importlib.import_module(name)
            for attribute in path.split("."):
                value = getattr(value, attribute)
        except BaseException:
            return None
        return value

    def is_source(self, path: str) -> bool:
        """Report whether a file is one of the project's Python files, and not of the probe's own."""
        real = self.place(path)[0]
        return real in self._sources and not path.startswith(_HERE)

    def project_modules(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Names and namespaces of the loaded modules that are the project's, sorted by name.

        The one safe walk over `sys.modules`: it asks no object for an attribute, since asking wakes lazy modules and proxies.
        Do the same with the values: use `type(value)` and `vars(value)`, not `isinstance` or `getattr`.
        """
        for name, module in sorted(sys.modules.copy().items(), key=lambda item: str(item[0])):
            if issubclass(type(module), ModuleType):
                namespace = _namespace(module)
                file = namespace.get("__file__")
                if type(file) is str and self.belongs(file):
                    yield str(name), dict(namespace)
