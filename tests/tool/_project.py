"""Small projects to judge: a folder with a package `shop`, of which only the source is read."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from hardened.config.table import load_config
from hardened.model import Finding
from hardened.project import Project
from hardened.report import Report
from hardened.run import check, declared_options

TABLE = '[tool.hardening]\npackage = "shop"\n'


class Tree:
    """A folder with a package `shop`; `write` adds files to it, and removes those that are None."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write({"pyproject.toml": TABLE, "src/shop/__init__.py": ""})

    def write(self, files: Mapping[str, str | bytes | None]) -> Tree:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(textwrap.dedent(content), encoding="utf-8")
        return self

    def settings(self, more: str) -> Tree:
        """Add keys to `[tool.hardening]`, and tables below it."""
        return self.write({"pyproject.toml": TABLE + textwrap.dedent(more)})

    @property
    def facts(self) -> Project:
        return Project(load_config(self.root, declared_options()), python=sys.executable, imports=False)

    def report(self, *select: str) -> Report:
        return check(self.root, select=select, python=sys.executable, imports=False)

    def findings(self, code: str) -> list[Finding]:
        """The findings of a rule that applies and could look at everything."""
        report = self.report(code)
        assert not report.could_not_look
        assert not [each for each in report.not_applicable if each.code == code]
        return list(report.findings)

    def found(self, code: str) -> list[tuple[str | None, int | None]]:
        """The files and lines of what a rule finds."""
        return [(each.location.file, each.location.line) for each in self.findings(code)]

    def line(self, name: str, text: str, nth: int = 0) -> int:
        """The number of the line of a file that has this text."""
        lines = (self.root / name).read_text(encoding="utf-8").splitlines()
        return [number for number, line in enumerate(lines, 1) if text in line][nth]
