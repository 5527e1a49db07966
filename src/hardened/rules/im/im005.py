"""IM005: an entry point that names what is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...packaging.entries import Entry, Modules


class IM005(Rule):
    """An entry point that names what is not there.

    The server's command named an application that its module did not have, and the container restarted in a loop.
    Each `module:attribute` and module that a compose file, a Dockerfile, a Procfile, Kubernetes or pyproject.toml starts
    (uvicorn, gunicorn and their like, `celery -A`, `python -m`, scripts, `[tool.fastapi]`, `[tool.hardening]`), and that
    `uvicorn.run("...")` names in source, is looked up in the source: the module has to be there, and to bind the name. So
    is a command that is the project's own but for its spelling.

    Quiet are: commands of images that are not built here, as long as they do not name the project's package; modules
    that are installed; what has a variable in it; and modules whose names are computed.
    """

    def check(self, entries: Sequence[Entry], modules: Modules) -> Iterator[Finding]:
        for entry in entries:
            if problem := modules.problem(entry):
                yield self.finding(
                    f"{entry.name} {problem}", entry.location, entry.name, hint="correct the name, or what it names"
                )
