"""Findings of deptry: imports of what is not declared."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..config.table import Config
from ..model import CouldNotLook, Location
from ..records.diagnostics import Diagnostic
from ..records.requirements import Requirement
from ._process import run

OUTSIDE = (r"(.*/)?\.", r"(.*/)?(node_modules|site-packages|__pycache__)/", r"venv/", r"tests/", r"setup\.py")
"""Patterns of the paths that deptry leaves alone, where the project names none."""

_BOOT = """
import sys
from deptry.cli import deptry
path, sys.argv[1:] = sys.argv[1].split("\\n"), sys.argv[2:]
sys.path[:] = path
deptry()
"""
"""Why: deptry asks its own environment which distribution a module is of, and the project's is the one that counts."""


def deptry(
    config: Config, requirements: Sequence[Requirement], search_path: Sequence[str], excluded: Sequence[str] = ()
) -> Sequence[Diagnostic]:
    """Compare imports with declarations, and return undeclared, transitive and misplaced dependencies.

    Why: deptry is handed the requirements that the tool has read. One line of a requirement file that it cannot parse would end its run.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer, document = Path(folder, "deptry.json"), Path(folder, "pyproject.toml")
        document.write_text(_document(config, requirements), encoding="utf-8")
        options = [
            f"--config={document}",
            f"--json-output={answer}",
            "--ignore-notebooks",
            "--no-ansi",
            *_options(config),
            *(f"--extend-exclude={re.escape(each)}$" for each in excluded),
        ]
        python = [sys.executable, "-c", _BOOT]
        _, errors = run("deptry", [*python, "\n".join(search_path), ".", *options], config.root, statuses=(0, 1))
        if "Scanning 0 file" in errors:
            raise CouldNotLook("deptry found no Python file: does [tool.deptry] exclude them all?")
        try:
            rows = json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            # It ends with the status of an answer when its own code fails.
            raise CouldNotLook(f"deptry failed: {(errors.strip().splitlines() or ['no answer'])[-1]}") from error
    return [
        Diagnostic(
            row["error"]["code"],
            row["error"]["message"],
            Location.of(config.root, config.root / row["location"]["file"], row["location"]["line"]),
        )
        for row in rows
    ]


def _document(config: Config, requirements: Sequence[Requirement]) -> str:
    """Write the declarations as deptry reads them; optional dependencies are the service's, unless settings say otherwise."""
    table = _table(config)
    development = {*_texts(table.get("optional_dependencies_dev_groups"))}
    service = {*_texts(table.get("non_dev_dependency_groups"))}
    names: dict[bool, list[str]] = {True: [], False: []}
    for each in requirements:
        for_developers = each.group in development if each.kind == "extra" else each.kind == "group"
        names[for_developers and each.group not in service].append(each.name)
    return (
        f'[project]\nname = "service"\ndependencies = {json.dumps(names[False])}\n'
        f"[dependency-groups]\ndevelopment = {json.dumps(names[True])}\n"
    )


def _options(config: Config) -> Iterator[str]:
    """The project's own settings for deptry, those apart that would keep it from running."""
    table = _table(config)
    excluded = [each for each in _texts(table.get("exclude")) if _is_pattern(each)]
    # deptry leaves out what git ignores, unless it is told what to leave out.
    yield from (f"--exclude={each}" for each in excluded or (*OUTSIDE, *_environments(config.root)))
    yield from (f"--extend-exclude={each}" for each in _texts(table.get("extend_exclude")) if _is_pattern(each))
    yield from (f"--known-first-party={each}" for each in _texts(table.get("known_first_party")))
    if ignored := _texts(table.get("ignore")):
        yield f"--ignore={','.join(ignored)}"
    for key in ("per_rule_ignores", "package_module_name_map"):
        mapping = table.get(key)
        pairs = mapping.items() if isinstance(mapping, Mapping) else ()
        written = [f"{name}={'|'.join(_texts(value))}" for name, value in pairs if _texts(value)]
        if written:
            yield f"--{key.replace('_', '-')}={','.join(written)}"


def _table(config: Config) -> Mapping[str, object]:
    tool = config.document.get("tool")
    table = tool.get("deptry") if isinstance(tool, Mapping) else None
    return table if isinstance(table, Mapping) else {}


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each]


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _environments(root: Path) -> list[str]:
    """Virtual environments in the project whose names do not tell what they are."""
    return [f"{re.escape(mark.parent.name)}/" for mark in root.glob("*/pyvenv.cfg")]
