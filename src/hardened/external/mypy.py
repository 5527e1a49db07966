"""Findings of mypy: attributes that are read and are not there."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ..config.table import Config
from ..model import Location
from ..records.diagnostics import Diagnostic
from ._process import run


def mypy(config: Config, python: str) -> Sequence[Diagnostic]:
    """Check the types of the package, and return the attributes that mypy does not find.

    Why: the project's settings are not read: they name plugins that only the project's environment has. The libraries'
    types are looked up there.

    Cost: a minute at the first time, seconds afterwards. The cache lies beside that of the project's own type check.
    """
    package = config.root.joinpath(config.source, *config.package.split(".")).relative_to(config.root)
    cache = os.environ.get("MYPY_CACHE_DIR") or ".mypy_cache/hardened"
    options = [
        "--config-file=",
        f"--python-executable={python}",
        f"--cache-dir={cache}",
        "--check-untyped-defs",
        "--explicit-package-bases",
        "--ignore-missing-imports",
        "--output=json",
        "--no-error-summary",
    ]
    output, _ = run(
        "mypy", ["-m", "mypy", *options, str(package)], config.root, statuses=(0, 1), more={"MYPYPATH": config.source}
    )
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [
        Diagnostic(row["code"], row["message"], Location.of(config.root, config.root / row["file"], row["line"]))
        for row in rows
        # What a module lacks fails when it is imported: that is IM003's.
        if row["code"] == "attr-defined" and not row["message"].startswith("Module ")
    ]
