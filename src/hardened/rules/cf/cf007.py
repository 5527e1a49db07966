"""CF007: a shell between the container and the process, which does not pass SIGTERM on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...deployment import shell as _shell
from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project

if TYPE_CHECKING:
    pass


class CF007(Rule):
    """A shell between the container and the process, which does not pass SIGTERM on.

    What counts: CMD or ENTRYPOINT of a Dockerfile in shell form; `sh -c` in a Dockerfile, a compose file or a manifest whose
    last command is not given to `exec`; a script of the project that is started and does not end in `exec`. An init process
    (`init: true`, tini) does not help: it passes the signal on to the shell, where it ends. Quiet are `exec` at the end, a
    script with a `trap`, `tini -g` and dumb-init, which tell the whole group, health checks, and what ends by itself.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        if not any(each.kind in ("dockerfile", "compose", "kubernetes") for each in project.processes):
            raise DoesNotApply("there is no Dockerfile, compose file or manifest that starts anything")
        scripts = _shell.Scripts(project.config.root)
        told: set[Location] = set()
        for process in project.processes:
            if process.kind not in ("dockerfile", "compose", "kubernetes") or process.ends:
                continue
            if _shell.tells_the_group(process.words):
                continue
            if process.script:
                if (last := _shell.not_replaced(process.script)) and process.location not in told:
                    told.add(process.location)
                    yield self.finding(
                        f"{process.name} starts a shell, and SIGTERM ends there while {last!r} goes on until it is killed; "
                        "write the command as a list, or put exec before its last command",
                        process.location,
                        process.name,
                    )
                continue
            found = scripts.started(process.words)
            if found and found not in told:
                told.add(found)
                yield self.finding(
                    f"{process.name} starts this script, whose last command is a child of its shell, where SIGTERM ends; "
                    "put exec before it",
                    found,
                    process.name,
                )
