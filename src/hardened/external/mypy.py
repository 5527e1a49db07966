"""Findings of mypy: attributes that are read and are not there."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..config.table import Config
from ..model import Location
from ..records.diagnostics import Diagnostic
from ._process import run


def mypy(config: Config, python: str, files: Sequence[str]) -> Sequence[Diagnostic]:
    """Check the types of these files, and return the attributes that mypy does not find in them.

    Why: mypy ends at the first file that does not compile, and at two files of one name, so it is not left to find them.
    The project's settings are not read: they name plugins that only the project's environment has. The libraries' types are
    looked up there.

    Cost: a minute at the first time, seconds afterwards. The cache lies beside that of the project's own type check.
    """
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
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "files")
        listed.write_text("\n".join(files), encoding="utf-8")
        arguments = [sys.executable, "-m", "mypy", *options, f"@{listed}"]
        output, _ = run("mypy", arguments, config.root, statuses=(0, 1), more={"MYPYPATH": config.source})
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [
        Diagnostic(row["code"], row["message"], Location.of(config.root, config.root / row["file"], row["line"]))
        for row in rows
        # What a module lacks fails when it is imported: that is IM003's.
        if row["code"] == "attr-defined" and row["file"] in files and not row["message"].startswith("Module ")
    ]
