"""Findings of ruff, for the failures of the catalogue that its rules stand for."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..config.table import Config
from ..knowledge.linters import RUFF
from ..model import CouldNotLook, Location, one_line
from ..records.diagnostics import Diagnostic
from ._process import run


def ruff(config: Config, excluded: Sequence[str] = ()) -> Mapping[str, Sequence[Diagnostic]]:
    """Lint the source, and return the findings by the code of the catalogue. `noqa` comments hold.

    Why: the project's settings are not read. They may ask for another version of ruff, extend a file that is not there,
    or exclude the source; what is ignored by git is looked at for the same reason.
    """
    # A name may have signs of a pattern, or the comma that separates patterns: any sign stands for them.
    exclude = ",".join(("*.ipynb", *(re.sub(r"[][?*{}\\,!]", "?", each) for each in excluded)))
    rules = ",".join(rule for each in RUFF.values() for rule in each)
    options = [
        "--isolated",
        f"--select={rules}",
        f"--extend-exclude={exclude}",
        "--output-format=json",
        "--no-cache",
        "--exit-zero",
    ]
    # `python -m ruff` takes as long to find this file as ruff takes to lint.
    binary = Path(sys.executable).with_name("ruff")
    command = [str(binary)] if binary.is_file() else [sys.executable, "-m", "ruff"]
    output, errors = run("ruff", [*command, "check", *options, "--no-respect-gitignore", config.source], config.root)
    if "No Python files found" in errors:
        raise CouldNotLook(f"ruff found no Python file in {config.source}")
    try:
        rows = json.loads(output)
    except ValueError as error:
        raise CouldNotLook(one_line(f"ruff answered no JSON: {output!r}")) from error
    found: dict[str, list[Diagnostic]] = {code: [] for code in RUFF}
    for row in rows:
        rule = str(row.get("code") or "")
        line = (row.get("location") or {}).get("row")
        for code, prefixes in RUFF.items():
            if rule.startswith(prefixes):
                found[code].append(Diagnostic(rule, row["message"], Location.of(config.root, row["filename"], line)))
    return found
