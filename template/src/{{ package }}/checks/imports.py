# Owned by the template.
"""IM: guards of imports, packages and files."""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from ._facts import Facts
from ._findings import CouldNotLook, DoesNotApply, Finding, Guard, Place
from ._source import Import, Source, literal, python_files

if TYPE_CHECKING:
    from ._declared import Declared
    from ._needs import Need

UNDECLARED = {
    "DEP001": "is imported and declared nowhere, so a new environment does not have it; declare it",
    "DEP003": "is imported and here only because something else needs it; declare it",
    "DEP004": "is imported by the service and declared for its developers alone; declare it where the service's own stand",
}
"""What deptry's rules mean for a service that is installed with what is declared."""

ON_TOP_OF = (("fastapi", "starlette"), ("celery", "kombu"))
"""Distributions that leave it open how new the one may be that they are made on."""


class IM001(Guard):
    """A package that is used and declared nowhere, or imported where nobody looks.

    Three ways: an import of what is not declared, is there only because something else needs it, or is declared for
    developers alone; a driver that only an address names (`postgresql+psycopg2://` in settings, `.env.example`, a compose
    file, Kubernetes, `alembic.ini`); and an import of an installed package inside of a function, which is found missing
    when that function runs.

    Quiet are: imports in `try` with `except ImportError`, those for the type checker, a package whose module has another
    name, late imports of the project's own modules and of the standard library, and late imports that say why:
    `# noqa: PLC0415 - half a second, which no other command pays`.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        declared = _declared(facts)
        told: set[Place] = set()
        for found in (self._undeclared(facts, declared), self._by_name(facts, declared, told)):
            for finding in found:
                told.add(Place(finding.file, finding.line))
                yield finding
        yield from self._late(facts, told)
        brought = declared.brought
        for driver in facts.drivers:
            if brought.isdisjoint(driver.needs):
                needs = " or ".join(driver.needs)
                yield self.finding(
                    f"{driver.written} needs a driver that is not declared, and nothing imports it until the first "
                    f"connection; declare {needs}",
                    driver.place,
                    driver.needs[0],
                )

    def _undeclared(self, facts: Facts, declared: Declared) -> Iterator[Finding]:
        own = _own(facts.source)
        rows = [row for row in facts.dependencies if row.rule in UNDECLARED]
        for row in rows:
            match = re.match(r"'([\w.]+)'", row.message)
            name, path = match[1] if match else row.message, row.place.file or ""
            inside = path in facts.source.files and (facts.source.root / path).is_relative_to(facts.source.folder)
            if not inside or (row.rule != "DEP004" and declared.has_module(name)):
                continue
            # deptry knows its own package only where somebody told it, and guards are of what there may not be.
            if name.partition(".")[0] in own or facts.source.is_guard(path):
                continue
            if not _guarded(facts.source, row.place):
                yield self.finding(f"{name} {UNDECLARED[row.rule]}", row.place, name)

    def _by_name(self, facts: Facts, declared: Declared, told: set[Place]) -> Iterator[Finding]:
        """What deptry does not see everywhere: modules that a function imports by their names."""
        own = _own(facts.source)
        for use in facts.source.uses:
            if use.name not in ("__import__", "importlib.import_module") or use.place in told:
                continue
            name = literal(use.argument("name", 0))
            top = name.partition(".")[0] if isinstance(name, str) else ""
            if not top or top in sys.stdlib_module_names or top in own or declared.has_module(top):
                continue
            if not _guarded(facts.source, use.place):
                yield self.finding(f"{top} {UNDECLARED['DEP001']}", use.place, top)

    def _late(self, facts: Facts, told: set[Place]) -> Iterator[Finding]:
        own = _own(facts.source)
        for row in facts.lint["IM001"]:
            names = facts.source.names(row.place.file) if row.place.file in facts.source.files else None
            if row.place in told or names is None:
                continue
            imported = [name for name, place, _ in names.imports() if place.line == row.place.line]
            tops = dict.fromkeys(name.partition(".")[0] for name in imported)
            others = [each for each in tops if each not in sys.stdlib_module_names and each not in own]
            if others and not _guarded(facts.source, row.place):
                yield self.finding(
                    f"{', '.join(others)} is imported inside of a function, so that it is missing shows when that runs; "
                    "import it at the top, or write why not: `# noqa: PLC0415 - ...`",
                    row.place,
                    others[0],
                )


class IM002(Guard):
    """Something is used whose extra is declared nowhere.

    `EmailStr` needs email-validator, a form python-multipart, asynchronous sessions of SQLAlchemy greenlet, a websocket under
    uvicorn websockets: none of these comes by itself. That one is installed here because a tool of the developers needs
    it is not enough: what counts is what is declared for the service, and what that brings along as its metadata say
    (`pydantic[email]` brings email-validator, `fastapi[standard]` most). Told once for each package, at its first use.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        declared = _declared(facts)
        brought = declared.brought
        told: set[Need] = set()
        for what, need, place in facts.needs:
            if need not in told and brought.isdisjoint(need.packages):
                told.add(need)
                yield self.finding(
                    f"{what} {need.what}, which nothing that is declared brings; declare {need.advice}",
                    place,
                    need.packages[0],
                )


def _declared(facts: Facts) -> Declared:
    if not facts.declared.needed:
        raise DoesNotApply("neither pyproject.toml nor a requirement file declares a dependency")
    return facts.declared


def _own(source: Source) -> set[str]:
    """The first words of the project's own modules."""
    return {source.config.package.partition(".")[0]} | {
        path.stem for path in source.folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }


def _guarded(source: Source, place: Place) -> bool:
    """Whether a line is tried, and that there is nothing to import is handled."""
    file, line = source.files.get(place.file or ""), place.line or 0
    for node in ast.walk(file.tree) if file and file.tree else ():
        handled: list[ast.expr] = []
        if isinstance(node, ast.Try) and node.lineno <= line <= (node.body[-1].end_lineno or 0):
            handled = [each.type for each in node.handlers if each.type]
        elif isinstance(node, ast.With) and node.lineno <= line <= (node.end_lineno or 0):
            handled = [each.context_expr for each in node.items if isinstance(each.context_expr, ast.Call)]
        names = {each.id for one in handled for each in ast.walk(one) if isinstance(each, ast.Name)}
        if names & {"ImportError", "ModuleNotFoundError"}:
            return True
    return False


class IM003(Guard):
    """A module that cannot be imported.

    A handler was removed and its import was left; the service restarted in a loop. Every module of
    the package is imported here and every failure is told at once, at the line that is to blame: also
    a folder of features that exposes none, and a module that ends the process when it is imported.
    One cause is told once, not again for each module that imports it; a file that does not compile
    is IM006's. An import inside of a function is followed too, where it is of the project's own: it would fail
    when that function runs. Quiet is Alembic's `env.py`, which only Alembic can import.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        yield from self._late(facts)
        for failure in facts.failures:
            yield self.finding(
                f"{failure.module} cannot be imported: {failure.message}; correct this line or what it needs",
                failure.place,
                failure.module,
            )

    def _late(self, facts: Facts) -> Iterator[Finding]:
        modules = facts.modules
        for each in facts.source.imports:
            problem = modules.missing(each.name) if each.lazy else ""
            if problem and not _guarded(facts.source, each.place):
                yield self.finding(
                    f"{each.name} is imported inside of a function and {problem}; correct this line or what it needs",
                    each.place,
                    each.module,
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


class IM005(Guard):
    """An entry point that names what is not there.

    The server's command named an application that its module did not have, and the container restarted in a loop.
    Each `module:attribute` and module that a compose file, a Dockerfile, a Procfile, Kubernetes or pyproject.toml starts
    (uvicorn, gunicorn and their like, `celery -A`, `python -m`, scripts, `[tool.fastapi]`, `[tool.hardening]`), and that
    `uvicorn.run("...")` names in source, is looked up in the source: the module has to be there, and to bind the name. So
    is a command that is the project's own but for its spelling.

    Quiet are: commands of images that are not built here, as long as they do not name the project's package; modules
    that are installed; what has a variable in it; and modules whose names are computed.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        modules = facts.modules
        for entry in facts.entries:
            if problem := modules.problem(entry):
                yield self.finding(
                    f"{entry.name} {problem}; correct the name, or what it names", entry.place, entry.name
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
            if broken := file.broken:
                place = facts.source.place(facts.source.root / file.path, broken.line)
                yield self.finding(f"does not compile: {broken.error}; correct it", place)


class IM007(Guard):
    """A package that is banned, imported or declared.

    `passlib[bcrypt]` did not build on some machines, and the wrapper lags behind the library that does the work: a new
    bcrypt broke each login. What is banned, and what to use, is listed in `banned` of `[tool.hardening]`
    (`"passlib: use pwdlib"`); without it, passlib is. An import counts however it is written, also in a function, under
    another name or by `importlib`; a declaration counts without any import. A module below a package is banned as
    `package.module`.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for entry in facts.config.banned:
            name, _, advice = (each.strip() for each in entry.partition(":"))
            advice = advice or "remove it"
            for each in facts.declared.of(name):
                yield self.finding(f"{name} is declared, and banned; {advice}", each.place, name)
            for place in dict.fromkeys(each.place for each in facts.source.imports if _below(each, name)):
                yield self.finding(f"{name} is imported, and banned; {advice}", place, name)


def _below(imported: Import, name: str) -> bool:
    return imported.name == name or imported.name.startswith(f"{name}.")


class IM008(Guard):
    """A framework is bounded, and what it is made on is not.

    FastAPI sets no upper bound on Starlette, nor Celery on kombu: a new major version of the lower one arrived with the
    next installation, the tests through the in-process client stayed green, and each request to a real server failed. A
    service that declares one of the two declares the other as well, with an upper bound of its own. Quiet where the
    installed framework bounds it itself. That the framework has a bound is CL005's concern.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        declared = _declared(facts)
        above = {each.name for each in declared.needed}
        pairs = [(upper, lower) for upper, lower in ON_TOP_OF if upper in above]
        if not pairs:
            raise DoesNotApply(f"none of {', '.join(upper for upper, _ in ON_TOP_OF)} is declared")
        for upper, lower in pairs:
            yield from self._pair(declared, upper, lower)

    def _pair(self, declared: Declared, upper: str, lower: str) -> Iterator[Finding]:
        own = [each for each in declared.needed if each.name == lower]
        if any(each.bounded for each in own):
            return
        if not declared.is_installed(upper):
            raise CouldNotLook(f"{upper} is not installed here, so how new a {lower} it allows is not known")
        if any(each.bounded for each in declared.required(upper) if each.name == lower):
            return
        missing = "has no upper bound" if own else "is not declared"
        at = (own or declared.of(upper))[0]
        yield self.finding(
            f"{upper} takes any newer {lower}, and {lower} {missing}; declare {lower} with the bound that you test with",
            at.place,
            lower,
        )


def _installed(name: str, folders: list[str]) -> bool:
    spec = PathFinder.find_spec(name, folders)
    return spec is not None and spec.origin is not None and Path(spec.origin).exists()


GUARDS = (IM001, IM002, IM003, IM004, IM005, IM006, IM007, IM008)
