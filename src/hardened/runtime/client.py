"""The tool's side of the probe: starts it under the project's interpreter, and reads what it answers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

from ..config.table import ADDRESSES, Config
from ..model import CouldNotLook, DoesNotApply, one_line
from ..source.tree import Source
from .probe import SECTIONS

T = TypeVar("T")
PROBE = Path(__file__).with_name("probe")
_NAME = "_hardened_probe"
_BOOT = f"""
import importlib.util, sys
sys.path.remove("")
spec = importlib.util.spec_from_file_location({_NAME!r}, sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]])
probe = sys.modules[{_NAME!r}] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(probe)
sys.exit(probe.main(sys.argv[2]))
"""
_SECONDS = 120


class Section(msgspec.Struct):
    """One part of the answer: a value, or why there is none."""

    value: msgspec.Raw = msgspec.Raw()
    absent: str = ""
    problem: str = ""


class Answer(msgspec.Struct):
    """What the probe found."""

    python: tuple[int, int, int]
    sections: dict[str, Section]

    def section(self, name: str, kind: type[T]) -> T:
        """A section, as the record it is.

        Raises:
            DoesNotApply: the project has no such thing.
            CouldNotLook: the probe could not read it.
        """
        section = self.sections[name]
        if section.absent:
            raise DoesNotApply(section.absent)
        if section.problem:
            raise CouldNotLook(section.problem)
        return msgspec.json.decode(section.value, type=kind)


def ask(config: Config, source: Source) -> Answer:
    """Run the probe over a project.

    Raises:
        CouldNotLook: the interpreter cannot be started, or the probe did not come to its end.
    """
    request = {
        "root": str(config.root),
        "folder": str(source.folder),
        "package": config.package,
        "sections": list(SECTIONS),
        **{key: getattr(config, key.replace("-", "_")) for key in ADDRESSES},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answer.json")
        command = [sys.executable, "-c", _BOOT, str(PROBE), str(path)]
        try:
            subprocess.run(
                command,
                cwd=config.root,
                input=json.dumps(request),
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
            return msgspec.json.decode(path.read_bytes(), type=Answer)
        except subprocess.TimeoutExpired as late:
            raise CouldNotLook(f"importing the project took longer than {_SECONDS} s") from late
        except (OSError, msgspec.MsgspecError) as error:
            raise CouldNotLook(one_line(f"the probe did not come to its end: {error}")) from error
