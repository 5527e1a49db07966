"""What every section of the probe is made from: the imported project, and the way to its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Absent(Exception):
    """The project has no such thing; the argument says which."""


class Unreadable(Exception):
    """What is asked for is there and cannot be read; the argument says why."""


class World:
    """The imported project.

    Attributes:
        request: what the tool asks.
        root: the project's folder.
        objects: what the addresses of the configuration name, by key: `application`, `metadata`, `settings`, `celery`.
        missing: why there is nothing at a key.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.root = Path(request["root"])
        self.objects: dict[str, Any] = {}
        self.missing: dict[str, str] = {}

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
