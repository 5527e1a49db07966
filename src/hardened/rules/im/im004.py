"""IM004: two things that can be imported under one name, or a folder that is only half a package."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ...model import Finding, Rule
from ...packaging.environment import Environment
from ...source.tree import Source, python_files


class IM004(Rule):
    """Two things that can be imported under one name, or a folder that is only half a package.

    `prompts.py` beside `prompts/`: one hides the other (the module wins unless the folder has an
    `__init__.py`; both are traps). A module or package at the top of `source`, or of the project,
    hides a standard or an installed one of its name, for everything that runs in the process. A folder
    of modules without `__init__.py` works until a tool that looks for packages passes it by.

    Rename one of the two; add the `__init__.py`. Quiet are: a folder without Python beside a module
    (`static.py`, `static/`), and a module inside the package that has the name of a standard one
    (`<package>/logging.py`): imports are absolute, so it hides nothing as long as nobody runs the
    files of a package by their path.
    """

    def check(self, source: Source, environment: Environment) -> Iterator[Finding]:
        yield from self._beside(source)
        yield from self._hiding(source, environment)
        yield from self._half_packages(source)

    def _beside(self, source: Source) -> Iterator[Finding]:
        for name in source.files:
            module = source.root / name
            folder = module.with_suffix("")
            if module.is_relative_to(source.folder) and any(python_files(folder)):
                winner = f"{folder.name}/" if (folder / "__init__.py").exists() else module.name
                yield self.finding(
                    f"{module.name} and {folder.name}/ have one name, and {winner} hides the other",
                    source.location(module),
                    hint="rename one of them",
                )

    def _hiding(self, source: Source, environment: Environment) -> Iterator[Finding]:
        for folder in dict.fromkeys((source.folder, source.root)):
            for path in sorted(folder.iterdir()):
                package = (path / "__init__.py").is_file()
                # Everybody's tests are called that, and no process that serves imports them.
                if not (package or path.suffix == ".py") or path.stem in ("test", "tests"):
                    continue
                if path.stem in sys.stdlib_module_names:
                    hidden = "of the standard library"
                elif path == source.package or not environment.has_installed_module(path.stem):
                    continue
                else:
                    hidden = "that is installed"
                yield self.finding(
                    f"{path.name} hides the module {path.stem} {hidden}", source.location(path), hint="rename it"
                )

    def _half_packages(self, source: Source) -> Iterator[Finding]:
        versions = source.versions
        migrations = {versions, versions.parent} if (versions.parent / "env.py").exists() else {versions}
        above = {parent for name in source.files for parent in (source.root / name).parents}
        for folder in sorted(above - migrations):
            inside = folder.is_relative_to(source.package)
            parts = folder.relative_to(source.package).parts if inside else ("-",)
            if all(part.isidentifier() for part in parts) and not (folder / "__init__.py").exists():
                yield self.finding(
                    f"{folder.name}/ holds modules and has no __init__.py",
                    source.location(folder),
                    hint="add an empty one",
                )
