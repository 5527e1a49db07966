"""Imports of the project's modules. Each cause of a failure is recorded once, at the line that is to blame (IM003)."""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from types import ModuleType, TracebackType
from typing import Any

from ._guard import Deadline, Ended, TooLong, words
from ._network import Network
from ._places import NOWHERE, Place
from ._world import Unreadable, World

_NAMES_CODE = re.compile(r"\(([A-Z]{2}\d{3})\)$")
"""The end of an error's text by which a service's core names the failure it refuses."""
_LIMIT = 300


class Halted(ImportError):
    """Raised for a module whose import did not come to its end before."""


class Imports:
    """The application, then the other objects of the configuration, then every other module of the package."""

    def __init__(self, world: World, network: Network, deadline: Deadline) -> None:
        self._world = world
        self._network = network
        self._deadline = deadline
        self._files: dict[str, str] = world.request["modules"]
        self._modules = {file: name for name, file in self._files.items()}
        self._causes: dict[str, str] = {}  # by module
        self._culprits: set[str | None] = set()  # files whose own failure is recorded
        self._halted: set[str] = set()
        self._unfinished: dict[str, dict[str, Any]] = {}  # namespaces of modules that failed half-way

    def run(self) -> None:
        """Import everything.

        Raises:
            Unreadable: Python finds the package in another folder.
        """
        request = self._world.request
        sys.meta_path.insert(0, self)
        self.load(request["package"])
        self._check_folder(request["package"])
        for key in ("application", "metadata", "settings"):
            self.resolve(key, request["config"].get(key))
        self._world.application_tables = _tables(self._world.objects.get("metadata"))
        self.resolve("celery", request["config"].get("celery"))
        for name in self._files:
            if name not in request["elsewhere"]:
                self.load(name)
        self._keep_settings(request["config"].get("settings"))
        self._world.during = ""

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse a module that did not come to its end; leave all others to the finders of Python."""
        if name in self._halted:
            raise Halted(f"{name} did not come to its end when it was imported before")

    def resolve(self, key: str, address: str | None) -> None:
        """Find the object that the configuration names, or record why it is missing."""
        if not address:
            return
        name, _, path = address.partition(":")
        reason = self.load(name)
        if reason and self._world.objects.get(key) is not None:
            return  # it came along on the error
        value: Any = sys.modules.get(name)
        for attribute in path.split("."):
            if reason:
                break
            try:
                value = getattr(value, attribute)
            except AttributeError:
                reason = f"there is no {attribute}"
            except BaseException as error:
                reason = self._text(error)
        if reason:
            self._world.missing[key] = f"the {key} {address} cannot be imported: {reason}"
        else:
            self._world.objects[key] = value

    def _keep_settings(self, address: str | None) -> None:
        """Take the class of settings out of a module that failed after it had been defined.

        Why: `settings = Settings()` below the class fails without the variables of production, and the class is whole.
        After all other imports: none of them finds half a module.
        """
        name, _, attribute = (address or "").partition(":")
        namespace = self._unfinished.get(name, {})
        if "settings" in self._world.missing and isinstance(namespace.get(attribute), type):
            del self._world.missing["settings"]
            self._world.objects["settings"] = namespace[attribute]
            vars(sys.modules.setdefault(name, ModuleType(name))).update(namespace)

    def load(self, name: str) -> str:
        """Import a module; the reason why that fails, else empty."""
        if name not in self._causes:
            self._causes[name] = ""
            self._world.during = f"when {name} is imported"
            self._world.journal.write("doing", self._world.during)
            try:
                with self._deadline.limited():
                    importlib.import_module(name)
            except BaseException as error:
                self._causes[name] = self._recorded(name, error)
        return self._causes[name]

    def _recorded(self, name: str, error: BaseException) -> str:
        try:
            return self._record(name, error)
        except BaseException as broken:  # the attributes of an error may be properties of the project's
            text = f"{type(error).__name__}, which cannot be read: {type(broken).__name__}"
            self._world.journal.write("doubt", f"{name} cannot be imported: {text}")
            return text

    def _record(self, name: str, error: BaseException) -> str:
        chain = _chain(error)
        for each in chain:
            self._keep_namespaces(each.__traceback__)
        # A start that was refused for several problems at once: the first of them is its cause.
        causes = chain[1:] if hasattr(error, "problems") and len(chain) > 1 else chain
        text = self._text(causes[0])
        frames = [frame for each in chain for frame in self._frames(each.__traceback__)]
        modules = [place for place, inside in frames if not inside]
        known = not self._culprits.isdisjoint(place[0] for place in modules)
        self._culprits.update(place[0] for place in modules[-1:])
        for each in chain:
            application = getattr(each, "application", None)
            if application is not None:
                # A start that was refused: the rules judge the application itself.
                self._world.objects.setdefault("application", application)
                return text
            if isinstance(each, SyntaxError) and each.filename and self._world.is_source(each.filename):
                return text  # IM006 names it
        if known:
            return text  # the consequence of a failure that is recorded already
        if self._network.to_blame(error) or any(isinstance(each, Halted) for each in chain):
            return text
        if isinstance(error, ModuleNotFoundError) and not frames:
            return text  # nobody but the probe asks for it: a wrong address, or hidden (IM004)
        last = frames[-1][0] if frames else NOWHERE
        place = modules[-1] if modules else last
        place = last if last[0] == place[0] else place
        raised = "" if place == last else f" (raised at {_format(last)})"
        blamed = self._modules.get(place[0] or "", name)
        if isinstance(error, TooLong):
            self._halted.add(blamed)
            self._world.journal.write("doubt", f"{blamed} was not imported to its end: it {text}, at {_format(last)}")
            return f"{text}, at {_format(last)}"
        code = next((found[1] for each in causes if (found := _NAMES_CODE.search(words(each)))), "")
        wanted = next((each.name or "" for each in chain if isinstance(each, ModuleNotFoundError)), "")
        failure = {"module": blamed, "message": text + raised, "location": place, "code": code, "needs": wanted}
        self._world.journal.write("failure", failure)
        return f"{text}, at {_format(place)}"

    def _keep_namespaces(self, trace: TracebackType | None) -> None:
        for frame, _ in traceback.walk_tb(trace):
            if frame.f_code.co_name == "<module>" and self._world.is_source(frame.f_code.co_filename):
                self._unfinished.setdefault(str(frame.f_globals.get("__name__")), frame.f_globals)

    def _frames(self, trace: TracebackType | None) -> Iterator[tuple[Place, bool]]:
        """The project's own frames, outermost first, and whether each is inside a function or class."""
        for frame, line in traceback.walk_tb(trace):
            if self._world.is_source(frame.f_code.co_filename):
                yield self._world.place(frame.f_code.co_filename, line), frame.f_code.co_name != "<module>"

    def _text(self, error: BaseException) -> str:
        if isinstance(error, SystemExit):
            return f"the module calls sys.exit({error.code!r}) when it is imported"
        if isinstance(error, Ended):
            return f"the module calls {error} when it is imported"
        if isinstance(error, TooLong):
            return str(error)
        line = re.sub(
            r"\s+", " ", f"{type(error).__name__}: {words(error)}".replace(f"{self._world.root}/", "")
        ).strip()
        return line if len(line) <= _LIMIT else line[: _LIMIT - 1] + "…"

    def _check_folder(self, package: str) -> None:
        wanted = os.path.join(self._world.request["folder"], *package.split("."))
        for folder in getattr(sys.modules.get(package), "__path__", ()):
            if os.path.realpath(folder) != os.path.realpath(wanted):
                raise Unreadable(f"{package} is imported from {folder}, not from {wanted}")


def _tables(metadata: Any) -> list[str]:
    tables: Any = getattr(metadata, "tables", None)
    return sorted(str(getattr(each, "name", "")) for each in tables.values()) if hasattr(tables, "values") else []


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and what it was raised from, first cause last."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _format(place: Place) -> str:
    return ":".join(str(part) for part in place if part is not None) or "somewhere"
