"""JB014: one schedule that several processes keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ...deployment.workers import beats, parallel
from ...model import Finding, Location, Rule
from ...project import Project
from ...source.celery import dotted
from ...source.symbols import CallSite

if TYPE_CHECKING:
    pass


class JB014(Rule):
    """One schedule that several processes keep.

    Named are, in compose, Kubernetes and the Procfile, each of them by itself: a second `celery beat`, one with more
    than one replica, a worker with `-B` beside another one that keeps the schedule or in more than one replica. And
    APScheduler, or `repeat_every`, in the code of a service whose web server has several processes or replicas.

    Quiet are: one of each; schedulers that agree among themselves (redbeat, singlebeat); beats in two profiles, of
    which one is started; a schedule in a table that whoever moves it on keeps.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        commands = project.config.worker_commands
        groups: dict[str, list[tuple[str, int, Location]]] = {}
        for process in beats(project.processes, commands):
            service = project.compose.services.get(process.name) if process.kind == "compose" else None
            profiles = [str(each) for each in (service.get("profiles") or () if service else ())]
            entry = (process.name, process.replicas, process.location)
            for key in profiles or [""]:
                groups.setdefault(f"{process.kind}:{key}", []).append(entry)
        locking = project.config.celery and any(
            word in str(project.celery.conf.beat_scheduler).lower() for word in ("redbeat", "singleton")
        )
        for key, found in sorted(groups.items()) if not locking else ():
            kind, _, profile = key.partition(":")
            keeping = [*groups.get(f"{kind}:", ()), *found] if profile else found
            for position, (name, replicas, location) in enumerate(keeping):
                if replicas > 1 or position:
                    others = f"in {replicas} replicas" if replicas > 1 else f"beside {keeping[0][0]}"
                    yield self.finding(
                        f"{name} keeps Celery's schedule {others}, so everything due is sent more than once; keep it in "
                        "one process",
                        location,
                        name,
                    )
        several = next((each for each in project.processes if parallel(each, commands) > 1), None)
        for use in project.source.uses if several is not None else ():
            if _schedules(use) and not any(_starts(each.words, use.module) for each in project.processes):
                yield self.finding(
                    f"a schedule is kept in each process, and {several.name if several else ''} runs several of them "
                    "("
                    + str(several.location if several else "")
                    + "), so everything due is done more than once; keep it "
                    "in one process or in a table",
                    use.location,
                    dotted(use.module, use.within),
                )


def _starts(words: Iterable[str], module: str) -> bool:
    """Whether a command runs this module, so that the schedule is kept by a process of its own."""
    file = f"{module.replace('.', '/')}.py"
    return any(each == module or each.endswith((file, f"/{file.rpartition('/')[2]}")) for each in words)


def _schedules(use: CallSite) -> bool:
    if use.name.startswith("apscheduler.") and use.last.endswith("Scheduler"):
        return use.last not in ("BlockingScheduler", "BaseScheduler")
    return use.last == "repeat_every" and use.name.startswith(
        ("fastapi_utils.", "fastapi_restful.", "fastapi_utilities.")
    )
