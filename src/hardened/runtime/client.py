"""The tool's side of the probe: starts it under the project's interpreter, and reads its answer."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..config.table import Config
from ..knowledge.secret_names import SECRET_NAME
from ..model import CouldNotLook, DoesNotApply, Location, one_line
from ..records.imports import Attempt, Failure, SourceTree
from .interpreter import Interpreter
from .probe import SECTIONS

T = TypeVar("T")
PROBE = Path(__file__).with_name("probe")
OLDEST = (3, 9)
SECONDS = 180.0
"""Time for a whole run: no step gets more than half of what is left of it."""
_GRACE = 15.0
_NAME = "_hardened_probe"
_NO_KEYS = {"root", "accepted", "options", "assumptions"}
# Runs in whatever Python there is, so that one that is too old says so.
_BOOT = f"""
import sys
if sys.version_info < {OLDEST}: sys.exit("it is Python " + sys.version.split()[0])
import importlib.util
sys.path[:] = [each for each in sys.path if each]
spec = importlib.util.spec_from_file_location({_NAME!r}, sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]])
probe = sys.modules[{_NAME!r}] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(probe)
probe.main(*sys.argv[2:])
"""


class Section(msgspec.Struct):
    """One part of the answer: a value, or why there is none."""

    name: str
    value: msgspec.Raw = msgspec.Raw()
    absent: str = ""
    problem: str = ""


class _Start(msgspec.Struct):
    python: tuple[int, int, int]
    executable: str


class _Imported(msgspec.Struct):
    missing: dict[str, str]
    versions: dict[str, str]
    problem: str


@dataclasses.dataclass
class Answer:
    """The probe's findings; what it had found before it died, where it died.

    Attributes:
        interpreter: the Python it ran under.
        python: the version of that.
        versions: of the libraries that the project imports, by module.
        failures: the modules that cannot be imported.
        attempts: the connections that were tried.
        doubts: why `failures` may be incomplete.
        undescribed: why the API's schema could not be made, so that `attempts` may be incomplete.
        missing: why there is nothing at an address of the configuration, by key.
        problem: why the probe did not come to its end; empty where it did.
    """

    interpreter: Interpreter
    python: tuple[int, int, int] = (0, 0, 0)
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    doubts: tuple[str, ...] = ()
    undescribed: str = ""
    missing: dict[str, str] = dataclasses.field(default_factory=dict)
    problem: str = ""
    _sections: dict[str, Section] = dataclasses.field(default_factory=dict)

    def section(self, name: str, kind: type[T]) -> T:
        """A section, as the record it is.

        Raises:
            DoesNotApply: the project has no such thing.
            CouldNotLook: the probe could not read it.
        """
        section = self._sections.get(name)
        if section is None:
            raise CouldNotLook(self.problem or f"the probe says nothing of {name}")
        if section.absent:
            raise DoesNotApply(section.absent)
        if section.problem:
            raise CouldNotLook(one_line(section.problem))
        return msgspec.json.decode(section.value, type=kind)


class Probe:
    """The probe at work in a process of its own, and the temporary folder in which it answers.

    Why: it works beside what is read of the source. Both are gone after `answer` or `end`.
    """

    def __init__(self, config: Config, tree: SourceTree, interpreter: Interpreter, *, seconds: float = SECONDS) -> None:
        self._root = config.root
        self._interpreter = interpreter
        self._own = config.package.partition(".")[0]
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._unstarted = ""
        self._folder = tempfile.TemporaryDirectory(prefix="hardened-")
        request, self._journal, self._errors = (
            Path(self._folder.name, name) for name in ("request.json", "journal", "errors")
        )
        try:
            request.write_text(json.dumps(_request(config, tree, seconds)), encoding="utf-8")
            self._start([interpreter.path, "-c", _BOOT, str(PROBE), str(request), str(self._journal)])
        except BaseException:
            self.end()
            raise
        self._late = time.monotonic() + seconds + _GRACE

    def _start(self, command: list[str]) -> None:
        try:
            with self._errors.open("wb") as stream:
                self._process = subprocess.Popen(
                    command,
                    cwd=self._root,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stream,
                    start_new_session=True,
                )
        except OSError as error:
            self._unstarted = f"it cannot be started: {error.strerror or error}"

    def answer(self) -> Answer:
        """Wait for the end of the probe, and read what it has found.

        Raises:
            CouldNotLook: the interpreter cannot be started, or is no Python of use.
        """
        try:
            ended = self._wait()
            lines = self._journal.read_bytes().splitlines() if self._journal.is_file() else []
            last_words = self._errors.read_text(encoding="utf-8", errors="replace") if self._errors.is_file() else ""
        finally:
            self.end()
        interpreter = self._interpreter
        answer = _read(lines, interpreter)
        _doubt_foreign(answer, self._own)
        if not answer.python[0]:
            reason = one_line(last_words.strip().rpartition("\n")[2]) or ended or "it ended without an answer"
            raise CouldNotLook(
                f"{interpreter.path} ({interpreter.origin}) cannot run the probe: {reason}; name the project's Python, "
                f"{'.'.join(map(str, OLDEST))} or newer, with --python"
            )
        if answer.problem:
            late = "\nTimeout (" in f"\n{last_words}"
            ended = f"it took longer than {self._seconds:.0f} s" if late else ended or "it ended by itself"
            answer.problem = one_line(f"{answer.problem}{_crash(last_words, self._root)}: {ended}")
        return answer

    def _wait(self) -> str:
        """Wait for the process; the reason of an end that is no plain one."""
        if self._process is None:
            return self._unstarted
        try:
            status = self._process.wait(max(0.0, self._late - time.monotonic()))
        except subprocess.TimeoutExpired:
            return f"it was ended after {self._seconds + _GRACE:.0f} s"
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"it was killed by {signal.Signals(-status).name}"
            return f"it was killed by signal {-status}"
        return f"exit status {status}" if status else ""

    def end(self) -> None:
        """End the process and the children of the project's modules, which may outlive it, and remove the folder."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            process.wait()
        self._folder.cleanup()


def _request(config: Config, tree: SourceTree, seconds: float) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(config)} - _NO_KEYS
    values = {**{name: getattr(config, name) for name in names}, **config.options}
    return {
        "root": str(config.root),
        "folder": str(tree.folder),
        "package": config.package,
        "config": {name.replace("_", "-"): value for name, value in values.items()},
        "files": tree.files,
        "modules": dict(tree.modules),
        "elsewhere": tree.elsewhere,
        "seconds": seconds,
        "secret_names": SECRET_NAME.pattern,
        "sections": list(SECTIONS),
    }


def _read(lines: list[bytes], interpreter: Interpreter) -> Answer:
    """The answer in a journal, whose last line may be half."""
    answer = Answer(interpreter)
    doing, over = "when it starts", False
    for line in lines:
        try:
            kind, raw = msgspec.json.decode(line, type=tuple[str, msgspec.Raw])
            if kind == "start":
                answer.python = msgspec.json.decode(raw, type=_Start).python
            elif kind == "doing":
                doing = msgspec.json.decode(raw, type=str)
            elif kind == "failure":
                answer.failures += (msgspec.json.decode(raw, type=Failure),)
            elif kind == "attempt":
                answer.attempts += (msgspec.json.decode(raw, type=Attempt),)
            elif kind == "doubt":
                answer.doubts += (msgspec.json.decode(raw, type=str),)
            elif kind == "undescribed":
                answer.undescribed = one_line(msgspec.json.decode(raw, type=str))
            elif kind == "section":
                section = msgspec.json.decode(raw, type=Section)
                answer._sections[section.name] = section
            elif kind == "imported":
                imported = msgspec.json.decode(raw, type=_Imported)
                answer.missing, answer.versions = imported.missing, imported.versions
                answer.doubts += (imported.problem,) if imported.problem else ()
            elif kind == "broken":
                doing = f"{doing} ({msgspec.json.decode(raw, type=str)})"
            elif kind == "end":
                over = True
        except msgspec.MsgspecError as error:
            doing = f"{doing} (unreadable: {error})"
    answer.problem = "" if over else f"the probe did not come to its end {doing}"
    return answer


def _doubt_foreign(answer: Answer, own: str) -> None:
    """Blame no module for a dependency that only the project's own environment would have."""
    doubt = answer.interpreter.doubt
    absent = [each for each in answer.failures if each.needs and each.needs.partition(".")[0] != own]
    if doubt and absent:
        names = ", ".join(sorted({each.needs for each in absent}))
        answer.failures = tuple(each for each in answer.failures if each not in absent)
        answer.doubts += (f"{doubt}; not installed there: {names}",)
        answer.missing = {key: f"{reason}; {doubt}" for key, reason in answer.missing.items()}


def _crash(text: str, root: Path) -> str:
    """The project's line in the trace of a crash or a time-out, as faulthandler writes it."""
    trace = re.search(r"^(Fatal Python error: |Timeout \().*", text, re.DOTALL | re.MULTILINE)
    for file, line in re.findall(r'File "(.+)", line (\d+)', trace[0]) if trace else ():
        location = Location.of(root, file, int(line))
        if location.file and not Path(location.file).is_absolute():
            return f", at {location}"
    return ""
