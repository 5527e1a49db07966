"""An application of a few lines that is imported into the process of the tests."""

from __future__ import annotations

from pathlib import Path

from hardened.report import Report
from hardened.run import check

from .._project import TABLE, Tree

APPLICATION = f'{TABLE}application = "shop.main:app"\n'


class Shop(Tree):
    """A package `shop` with an application in `shop.main`; of the probe's facts, those of routes can be had."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.settings("")

    def settings(self, more: str) -> Shop:
        self.write({"pyproject.toml": APPLICATION + more})
        return self

    def report(self, *select: str) -> Report:
        return check(self.root, select=select)
