"""Runs in the service's environment: imports what is slow once, then forks a process for each thing to run."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import IO, Any

# What the service's tests import, and pytest before them.
TESTING = (
    "pytest",
    "xdist.plugin",
    "hypothesis.stateful",
    "schemathesis.pytest.plugin",
    "psycopg",
    "websockets.sync.client",
)


def main(package: str) -> None:
    """Answer one line of JSON with another, until there is no more."""
    listed = f"import sys, {package}.main, {package}.worker, {package}.core.cli; print(*sys.modules)"
    for module in str(_forked(Path.cwd(), listed, {})["output"]).split():
        # The project's own are imported anew for each copy.
        if module.partition(".")[0] not in (package, "__main__", "__mp_main__"):
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
    for module in TESTING:
        importlib.import_module(module)
    _say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        _say(_forked(Path(request["root"]), request["code"], request["environment"]))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _forked(root: Path, code: str, environment: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        child = os.fork()
        if child == 0:
            os._exit(_child(root, code, environment, output, errors))
        _, status = os.waitpid(child, 0)
        output.seek(0)
        errors.seek(0)
        return {"status": os.waitstatus_to_exitcode(status), "output": output.read(), "errors": errors.read()}


def _child(root: Path, code: str, environment: dict[str, str], output: IO[str], errors: IO[str]) -> int:
    os.dup2(output.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    # No input: a question would be waited for.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(root)
    os.environ.update(environment)
    sys.path.insert(0, str(root / "src"))
    importlib.invalidate_caches()
    status = 0
    try:
        exec(code, {"__name__": "__proof__", "sys": sys})  # noqa: S102 - the proofs' own
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
        traceback.print_exc()
        status = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    main(sys.argv[1])
