"""The probe: runs under the project's own interpreter, imports the project, and writes its facts as JSON.

Standard library only, and nothing of the tool's other parts: the tool starts it with `python -c`, under a name of its own,
so that no module of the project is hidden by one of the probe's. Python 3.9 and newer.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from typing import Any

from ._world import Absent, Unreadable, World

#: Each section of the answer, and the module here whose `gather(world)` makes it.
SECTIONS: dict[str, str] = {}


def main(answer: str) -> int:
    """Read a request from standard input, write the answer to this file.

    The request has `root`, `folder` (which the package is imported from), `package`, the addresses under the keys of
    `[tool.hardening]`, and `sections`. The answer has each section as `{"value": …}`, `{"absent": reason}` or
    `{"problem": reason}`.
    """
    world = World(json.load(sys.stdin))
    sections: dict[str, dict[str, Any]] = {}
    for name in world.request["sections"]:
        try:
            sections[name] = {"value": importlib.import_module(f".{SECTIONS[name]}", __name__).gather(world)}
        except Absent as reason:
            sections[name] = {"absent": str(reason)}
        except Unreadable as reason:
            sections[name] = {"problem": str(reason)}
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
            sections[name] = {"problem": f"the probe failed at {where}: {type(error).__name__}: {error}"}
    with open(answer, "w", encoding="utf-8") as file:
        json.dump({"python": list(sys.version_info[:3]), "sections": sections}, file)
    return 0
