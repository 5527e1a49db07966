"""Facts from the running application's own objects: imports the project, the only place that does."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from ..config.table import Config
from ..model import NOWHERE, CouldNotLook, DoesNotApply, Location, one_line
from ..records import Application, Dependency, Failure, Route
from ..source.tree import Source
from .network import Attempt, Network

if TYPE_CHECKING:
    from .liveness import Step
_NAMES_CODE = re.compile(r"\(([A-Z]{2}\d{3})\)$")
"""What the core refuses, it refuses by the failure's name."""


class Live:
    """An application and its metadata, with what could not be imported on the way to them."""

    def __init__(self, config: Config, application: object = None, metadata: object = None) -> None:
        self.config = config
        self.application = application
        self.metadata = metadata
        self.celery: object = None
        self.settings: object = None
        self.failures: list[Failure] = []
        self.refused: list[object] = []
        self.missing: dict[str, str] = {}  # key of the configuration -> why there is nothing at it
        self.network: Network | None = None

    @classmethod
    def imported(cls, config: Config, source: Source) -> Live:
        """Import the application, then every other module of the package."""
        self = cls(config)
        self.network = Network(source)
        with _importing(source), writing_nothing(), self.network.blocked():
            imports = _Imports(source, self)
            imports.load(config.package)
            for folder in getattr(sys.modules.get(config.package), "__path__", ()):
                if Path(folder).resolve() != source.package.resolve():
                    raise CouldNotLook(f"{config.package} is imported from {folder}, not from {source.package}")
            imports.resolve("application", config.application)
            imports.resolve("metadata", config.metadata)
            imports.resolve("settings", config.settings)
            imports.resolve("celery", config.celery)
            for module, file in source.modules.items():
                if not source.runs_elsewhere(file.path):
                    imports.load(module)
        return self

    @property
    def routes(self) -> list[Route]:
        return self._served[0]

    @property
    def applications(self) -> list[Application]:
        return self._served[1]

    @cached_property
    def _served(self) -> tuple[list[Route], list[Application]]:
        from .routes import gather  # noqa: PLC0415 - a project without FastAPI has the other facts

        return gather(self._there("application"), self.config.root)

    def find(self, address: str) -> object:
        """What `module:attribute` names; None where there is nothing."""
        name, _, path = address.partition(":")
        with contextlib.suppress(ImportError):  # the project's own modules are there already, or cannot be imported
            importlib.import_module(name)
        value: object = sys.modules.get(name)
        for attribute in path.split("."):
            value = getattr(value, attribute, None)
        return value

    @cached_property
    def late_dependencies(self) -> list[Dependency]:
        from .dependencies import late  # noqa: PLC0415 - a project without FastAPI has the other facts

        return late(self._there("application"), self.config.root)

    def steps(self, path: str) -> list[Step] | None:
        """What runs for `GET path`; None where there is no such route."""
        from .liveness import steps  # noqa: PLC0415 - a project without FastAPI has the other facts

        return steps(self._there("application"), path, self.config.root)

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Who tried to connect while the project was imported and while the API's schema was made."""
        if self.network is None:
            raise CouldNotLook("the application was not imported here")
        inner: Any = self.application
        while inner is not None and not hasattr(inner, "openapi"):
            inner = getattr(inner, "app", None)  # a middleware around it
        if inner is not None:
            self.network.during = "while the API's schema is made"
            with self.network.blocked(), writing_nothing(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    inner.openapi()
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    if not self.network.to_blame(error):
                        told = _told(error, self.config.root)
                        raise CouldNotLook(f"the API's schema cannot be made: {told}") from error
        return self.network.attempts

    def _there(self, key: str) -> object:
        value: object = getattr(self, key)
        if key in self.missing:
            raise CouldNotLook(self.missing[key])
        if value is None:
            raise DoesNotApply(f"no `{key}` in [tool.hardening]")
        return value


class _Imports:
    """One import after the other. Each cause of a failure is recorded once, where it is."""

    def __init__(self, source: Source, live: Live) -> None:
        self.source = source
        self.live = live
        self.causes: dict[str, str] = {}  # module -> why it cannot be imported
        self.culprits: set[str | None] = set()  # files whose own failure is known

    def resolve(self, key: str, address: str) -> None:
        """Set the object that the configuration names, or say why it is missing."""
        if not address:
            return
        name, _, path = address.partition(":")
        reason = self.load(name)
        if reason and getattr(self.live, key) is not None:
            return  # it was refused, and came along
        value: object = sys.modules.get(name)
        for attribute in path.split("."):
            if not reason and not hasattr(value, attribute):
                reason = f"there is no {attribute}"
            value = getattr(value, attribute, None)
        if reason:
            self.live.missing[key] = f"the {key} {address} cannot be imported: {reason}"
        else:
            setattr(self.live, key, value)

    def load(self, name: str) -> str:
        """Import a module; say why that fails."""
        if name not in self.causes:
            self.causes[name] = ""
            if self.live.network:
                self.live.network.during = f"when {name} is imported"
            try:
                importlib.import_module(name)
            except KeyboardInterrupt:
                raise
            # Whatever a module does when it is imported, sys.exit included, must not end the check.
            except BaseException as error:  # noqa: BLE001
                self.causes[name] = self._record(name, error)
        return self.causes[name]

    def _record(self, name: str, error: BaseException) -> str:
        source, chain, text = self.source, _chain(error), _told(error, self.source.root)
        frames = [frame for each in chain for frame in _frames(each.__traceback__, source)]
        modules = [location for location, inside in frames if not inside]
        known = not self.culprits.isdisjoint(location.file for location in modules)
        self.culprits.update(location.file for location in modules[-1:])
        for each in chain:
            # By name: the project has its own copy of this class.
            if type(each).__name__ == "Refused" and hasattr(each, "findings"):
                self.live.refused += each.findings
                self.live.application = self.live.application or getattr(each, "application", None)
                return text
            if isinstance(each, SyntaxError) and each.filename and source.location(each.filename).file in source.files:
                return text  # IM006 names it
        if known:
            return text  # the consequence of a failure that is named already
        if self.live.network and self.live.network.to_blame(error):
            return text  # CL001 names it
        if isinstance(error, ModuleNotFoundError) and not frames:
            return text  # nobody but this check asks for it: a wrong address, or hidden (IM004)
        last = frames[-1][0] if frames else NOWHERE
        location = modules[-1] if modules else last
        location = last if last.file == location.file else location
        raised = "" if location == last else f" (raised at {last})"
        blamed = next((module for module, file in source.modules.items() if file.path == location.file), name)
        code = next((found[1] for each in chain if (found := _NAMES_CODE.search(str(each)))), "")
        self.live.failures.append(Failure(blamed, text + raised, location, code))
        return f"{text}, at {location}"


def _bound(root: Path, module: ModuleType, name: str) -> Location:
    """The line of a module that first binds a name."""
    file = Path(module.__file__ or "")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    line = next((number for number, each in enumerate(lines, 1) if re.match(rf"\s*(.*\b)?{name}\b.*=", each)), None)
    return Location.of(root, file, line)


@contextlib.contextmanager
def writing_nothing() -> Iterator[None]:
    """Keep nothing of what the project's code is compiled to; what is kept of the guards themselves saves a run half."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


@contextlib.contextmanager
def _importing(source: Source) -> Iterator[None]:
    """Let the package be found, and keep what modules print out of the report."""
    before = list(sys.path)
    sys.path.insert(0, str(source.folder))
    importlib.invalidate_caches()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:] = before


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and what it was raised from, first cause last."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _frames(trace: TracebackType | None, source: Source) -> Iterator[tuple[Location, bool]]:
    """The project's own frames, outermost first, and whether each is inside a function or class."""
    for frame, line in traceback.walk_tb(trace):
        location = source.location(frame.f_code.co_filename, line)
        if location.file in source.files and frame.f_globals.get("__name__") != __name__:
            yield location, frame.f_code.co_name != "<module>"


def _told(error: BaseException, root: Path) -> str:
    if isinstance(error, SystemExit):
        return f"the module calls sys.exit({error.code!r}) when it is imported"
    return one_line(f"{type(error).__name__}: {error}".replace(f"{root}/", ""))
