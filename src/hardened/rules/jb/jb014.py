"""JB014: one schedule that several processes keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...config.table import Config
from ...deployment.compose import Compose
from ...deployment.process import Process
from ...deployment.workers import beats, parallel
from ...model import Finding, Rule
from ...records.celery import CeleryFacts
from ...source.celery import dotted
from ...source.symbols import CallSite
from ...source.tree import Source


class JB014(Rule):
    """One schedule that several processes keep.

    Named are, in compose, Kubernetes and the Procfile, each of them by itself: a second `celery beat`, one with more
    than one replica, a worker with `-B` beside another one that keeps the schedule or in more than one replica. And
    APScheduler, or `repeat_every`, in the code of a service whose web server has several processes or replicas.

    Quiet are: one of each; schedulers that agree among themselves (redbeat, singlebeat); beats in two profiles, of
    which one is started; a schedule in a table that whoever moves it on keeps.
    """

    def check(
        self,
        config: Config,
        source: Source,
        processes: Sequence[Process],
        compose: Compose,
        celery: CeleryFacts | None = None,
    ) -> Iterator[Finding]:
        scheduler = celery.settings.beat_scheduler.lower() if celery else ""
        if not any(word in scheduler for word in ("redbeat", "singleton")):
            yield from self._beats(list(beats(processes, config.worker_commands)), compose)
        several = next((each for each in processes if parallel(each, config.worker_commands) > 1), None)
        if several is not None:
            yield from self._schedulers(source, processes, several)

    def _beats(self, keeping: Sequence[Process], compose: Compose) -> Iterator[Finding]:
        """The processes that keep Celery's schedule beside another, or in several replicas."""
        groups: dict[tuple[str, str], list[Process]] = {}
        for process in keeping:
            service = compose.services.get(process.name) if process.kind == "compose" else None
            for profile in sorted(service.profiles) if service and service.profiles else [""]:
                groups.setdefault((process.kind, profile), []).append(process)
        for (kind, profile), found in sorted(groups.items()):
            together = [*groups.get((kind, ""), ()), *found] if profile else found
            for position, process in enumerate(together):
                if process.replicas > 1 or position:
                    several = (
                        f"in {process.replicas} replicas" if process.replicas > 1 else f"beside {together[0].name}"
                    )
                    yield self.finding(
                        f"{process.name} keeps Celery's schedule {several}, so everything due is sent more than once",
                        process.location,
                        process.name,
                        hint="keep it in one process",
                    )

    def _schedulers(self, source: Source, processes: Sequence[Process], several: Process) -> Iterator[Finding]:
        """The schedulers of other libraries in the code of a process that runs more than once."""
        for call in source.uses:
            if _schedules(call) and not any(_starts(each.words, call.module) for each in processes):
                yield self.finding(
                    f"a schedule is kept in each process, and {several.name} runs several of them "
                    f"({several.location}), so everything due is done more than once",
                    call.location,
                    dotted(call.module, call.within),
                    hint="keep it in one process or in a table",
                )


def _starts(words: Iterable[str], module: str) -> bool:
    """Report whether a command runs this module, so that the schedule is kept by a process of its own."""
    file = f"{module.replace('.', '/')}.py"
    return any(each == module or each.endswith((file, f"/{file.rpartition('/')[2]}")) for each in words)


def _schedules(call: CallSite) -> bool:
    """Report whether a call makes a scheduler that runs inside of its process."""
    if call.name.startswith("apscheduler.") and call.last.endswith("Scheduler"):
        return call.last not in ("BlockingScheduler", "BaseScheduler")
    libraries = "fastapi_utils.", "fastapi_restful.", "fastapi_utilities."
    return call.last == "repeat_every" and call.name.startswith(libraries)
