"""CF007: a shell between the container and the process, which does not pass SIGTERM on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...config.table import Config
from ...deployment.process import Process
from ...deployment.shell import Scripts, not_replaced, tells_the_group
from ...model import DoesNotApply, Finding, Location, Rule

_IN_CONTAINERS = ("dockerfile", "compose", "kubernetes")


class CF007(Rule):
    """A shell between the container and the process, which does not pass SIGTERM on.

    What counts: CMD or ENTRYPOINT of a Dockerfile in shell form; `sh -c` in a Dockerfile, a compose file or a manifest whose
    last command is not given to `exec`; a script of the project that is started and does not end in `exec`. An init process
    (`init: true`, tini) does not help: it passes the signal on to the shell, where it ends. Quiet are `exec` at the end, a
    script with a `trap`, `tini -g` and dumb-init, which tell the whole group, health checks, and what ends by itself.
    """

    def check(self, processes: Sequence[Process], config: Config) -> Iterator[Finding]:
        contained = [each for each in processes if each.kind in _IN_CONTAINERS]
        if not contained:
            raise DoesNotApply("there is no Dockerfile, compose file or manifest that starts anything")
        scripts = Scripts(config.root)
        seen: set[Location] = set()
        for process in contained:
            if process.ends or tells_the_group(process.words):
                continue
            if process.script:
                location: Location | None = process.location
                last: object = not_replaced(process.script)
                message = (
                    f"{process.name} starts a shell, and SIGTERM ends there while {last!r} goes on until it is killed"
                )
                hint = "write the command as a list, or put exec before its last command"
            else:
                location = last = scripts.started(process.words)
                message = (
                    f"{process.name} starts this script, whose last command is a child of its shell, where SIGTERM ends"
                )
                hint = "put exec before it"
            if last and location and location not in seen:
                seen.add(location)
                yield self.finding(message, location, process.name, hint=hint)
