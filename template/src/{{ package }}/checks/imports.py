# Owned by the template.
"""IM: guards of imports, packages and files."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from ._facts import Facts
from ._findings import DoesNotApply, Finding, Guard
from ._source import Source, python_files


class IM003(Guard):
    """A module that cannot be imported.

    A handler was removed and its import was left; the service restarted in a loop. Every module of
    the package is imported here and every failure is told at once, at the line that is to blame: also
    a folder of features that exposes none, and a module that ends the process when it is imported.
    One cause is told once, not again for each module that imports it; a file that does not compile
    is IM006's.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for failure in facts.failures:
            yield self.finding(
                f"{failure.module} cannot be imported: {failure.message}; correct this line or what it needs",
                failure.place,
                failure.module,
            )


class IM004(Guard):
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

    def judge(self, facts: Facts) -> Iterator[Finding]:
        source = facts.source
        yield from self._beside(source)
        yield from self._hiding(source)
        yield from self._half_packages(source)

    def _beside(self, source: Source) -> Iterator[Finding]:
        for name in source.files:
            module = source.root / name
            folder = module.with_suffix("")
            if module.is_relative_to(source.folder) and any(python_files(folder)):
                winner = f"{folder.name}/" if (folder / "__init__.py").exists() else module.name
                yield self.finding(
                    f"{module.name} and {folder.name}/ have one name, and {winner} hides the other; rename one of them",
                    source.place(module),
                )

    def _hiding(self, source: Source) -> Iterator[Finding]:
        installed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        for folder in dict.fromkeys((source.folder, source.root)):
            for path in sorted(folder.iterdir()):
                package = (path / "__init__.py").is_file()
                # Everybody's tests are called that, and no process that serves imports them.
                if not (package or path.suffix == ".py") or path.stem in ("test", "tests"):
                    continue
                if path.stem in sys.stdlib_module_names:
                    hidden = "of the standard library"
                elif path == source.package or not _installed(path.stem, installed):
                    continue
                else:
                    hidden = "that is installed"
                yield self.finding(f"{path.name} hides the module {path.stem} {hidden}; rename it", source.place(path))

    def _half_packages(self, source: Source) -> Iterator[Finding]:
        versions = source.versions
        migrations = {versions, versions.parent} if (versions.parent / "env.py").exists() else {versions}
        above = {parent for name in source.files for parent in (source.root / name).parents}
        for folder in sorted(above - migrations):
            inside = folder.is_relative_to(source.package)
            parts = folder.relative_to(source.package).parts if inside else ("-",)
            if all(part.isidentifier() for part in parts) and not (folder / "__init__.py").exists():
                yield self.finding(
                    f"{folder.name}/ holds modules and has no __init__.py; add an empty one",
                    source.place(folder),
                )


class IM006(Guard):
    """A file that does not compile.

    A refactoring left half of a list comprehension behind, and it was found when a request ran into
    it. Every Python file of `source`, `tests` and the migrations is compiled, and none is run.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        files = facts.source.files
        if not files:
            raise DoesNotApply("there is no Python file")
        for file in files.values():
            if file.tree is None:
                place = facts.source.place(facts.source.root / file.path, file.line)
                yield self.finding(f"does not compile: {file.error}; correct it", place)


def _installed(name: str, folders: list[str]) -> bool:
    spec = PathFinder.find_spec(name, folders)
    return spec is not None and spec.origin is not None and Path(spec.origin).exists()


GUARDS = (IM003, IM004, IM006)
