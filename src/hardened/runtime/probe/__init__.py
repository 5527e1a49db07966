"""The probe: runs under the project's own interpreter, imports the project, and writes its facts as JSON.

Standard library only, and nothing of the tool's other parts: the tool starts it with `python -c`, under a name of its own,
so that no module of the project is hidden by one of the probe's. Python 3.9 and newer.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import sys
import traceback
import warnings
from typing import Any, NoReturn

from ._guard import Deadline, TooLong, leave, refuse_to_end, words
from ._imports import Imports
from ._journal import Journal
from ._network import Network
from ._world import Absent, Unreadable, World

#: Each section of the answer, and the module here whose `gather(world)` makes it.
SECTIONS: dict[str, str] = {
    "addresses": "addresses",
    "celery": "celery",
    "late_dependencies": "late_dependencies",
    "loading": "loading",
    "mapped": "models",
    "numbers": "setting_numbers",
    "payloads": "payloads",
    "routes": "routes",
    "settings": "settings",
    "steps": "steps",
    "tables": "tables",
}
#: Sections whose modules import a library, and the object without which neither is imported.
REQUIRED = {
    "late_dependencies": "application",
    "loading": "metadata",
    "mapped": "metadata",
    "routes": "application",
    "steps": "application",
    "tables": "metadata",
}
#: Seconds after the time for a whole run until the process ends itself.
GRACE = 3
#: The libraries whose versions the answer has, where the project imports them.
LIBRARIES = ("celery", "fastapi", "pydantic", "pydantic_settings", "sqlalchemy", "starlette")


def main(request_file: str, journal_file: str) -> NoReturn:
    """Read a request, write the answer to the journal, and end the process.

    The request has `root`, `folder` (which the package is imported from), `package`, `config` (the keys of `[tool.hardening]`),
    `files` (the paths of the project's Python files), `modules` (name to file), `elsewhere` (modules that only others
    import, such as Alembic's environment), `seconds` and `sections`. The journal has pairs of a kind and a value:
    `doing`, `failure`, `attempt`, `doubt`, `imported`, `section`, `end`. A section has a `value`, or says why it is
    `absent` or what the `problem` is.
    """
    with open(request_file, encoding="utf-8") as file:
        request = json.load(file)
    journal = Journal(journal_file)
    journal.write("start", {"python": list(sys.version_info[:3]), "executable": sys.executable})
    try:
        faulthandler.enable(all_threads=False)
        # Ends a call into C that no signal interrupts, with its line on standard error.
        faulthandler.dump_traceback_later(request["seconds"] + GRACE, exit=True)
        # The process is short, and nearly all that is imported stays.
        gc.disable()
        _answer(request, journal)
        journal.write("end", {})
    except BaseException as error:
        journal.write("broken", _failed(error))
    # Neither threads nor exit handlers of the project's can hold this up.
    leave(0)


def _answer(request: dict[str, Any], journal: Journal) -> None:
    world = World(request, journal)
    sys.path.insert(0, request["folder"])
    # The folder that a server is started in.
    sys.path.append(request["root"])
    sys.argv[:] = ["hardened"]
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    refuse_to_end()
    deadline = Deadline(request["seconds"])
    network = Network(world)
    elsewhere = ""
    try:
        Imports(world, network, deadline).run()
    except Unreadable as reason:
        elsewhere = str(reason)
    journal.write("imported", {"missing": world.missing, "versions": _versions(), "problem": elsewhere})
    for name in request["sections"]:
        journal.write("doing", f"when the section {name} is made")
        section = {"problem": elsewhere} if elsewhere else _section(world, name, deadline, keep=writes)
        try:
            journal.write("section", {"name": name, **section})
        except (TypeError, ValueError, RecursionError) as error:
            journal.write("section", {"name": name, "problem": f"the section {name} is no JSON: {error}"})
    if not elsewhere:
        _describe(world, network, deadline)


def _section(world: World, name: str, deadline: Deadline, *, keep: bool) -> dict[str, Any]:
    try:
        if name in REQUIRED:
            world.there(REQUIRED[name])
        # Compiled probe modules may be kept, compiled project modules may not.
        sys.dont_write_bytecode = keep
        try:
            module = importlib.import_module(f".{SECTIONS[name]}", __name__)
        finally:
            sys.dont_write_bytecode = True
        with deadline.limited():
            return {"value": module.gather(world)}
    except Absent as reason:
        return {"absent": str(reason)}
    except Unreadable as reason:
        return {"problem": str(reason)}
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            return {"problem": _failed(error)}
        missing = next(iter(world.missing.values()), "")
        return {"problem": missing} if missing else {"absent": f"no {error.name} in the project's environment"}
    except BaseException as error:
        return {"problem": _failed(error)}


def _failed(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "its start"
    if isinstance(error, TooLong):
        return f"the probe {error}, at {where}"
    return f"the probe failed at {where}: {type(error).__name__}: {words(error)}"


def _describe(world: World, network: Network, deadline: Deadline) -> None:
    """Make the API's schema, for the connections that it makes."""
    inner = world.objects.get("application")
    while inner is not None and not hasattr(inner, "openapi"):
        inner = getattr(inner, "app", None)  # a middleware around it
    if inner is None:
        return
    world.during = "while the API's schema is made"
    world.journal.write("doing", world.during)
    try:
        with warnings.catch_warnings(), deadline.limited():
            warnings.simplefilter("ignore")
            inner.openapi()
    except BaseException as error:
        if not network.to_blame(error):
            world.journal.write(
                "undescribed", f"the API's schema cannot be made: {type(error).__name__}: {words(error)}"
            )
    finally:
        world.during = ""


def _versions() -> dict[str, str]:
    found = {name: getattr(sys.modules.get(name), "__version__", None) for name in LIBRARIES}
    return {name: version for name, version in found.items() if type(version) is str}
