# Owned by the template.
"""Kinds of jobs: a name, a typed payload, and the function that does the work."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast, get_type_hints

from pydantic import BaseModel, ConfigDict

from ._context import Run
from ._errors import UnknownJobKindError

__all__ = ["DEFAULT_QUEUE", "JobKind", "JobPayload", "JobRegistry", "job"]

DEFAULT_QUEUE: Final = "default"
"""The queue of the jobs that name none; every service has it."""

_MAX_ATTEMPTS: Final = 100
_MAX_SECONDS: Final = 86_400


class JobPayload(BaseModel):
    """What a job is given. It is validated before it is enqueued and again before it runs (JB004)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=JobPayload)
Function = Callable[[Run, P], Awaitable[BaseModel | None]]


@dataclass(frozen=True)
class JobKind(Generic[P]):
    """A kind of job, made by `job`.

    Attributes:
        name: `<feature>.<verb>`, unique in the service and never reused for another payload.
        payload: the type of what it is given.
        function: does the work; everything it writes through `run.session` is committed with its final state.
        attempts: how often it is tried before it is failed.
        timeout: seconds that one attempt may take.
        queue: which queue of the broker it waits in, one of those that the features declare.
    """

    name: str
    payload: type[P]
    function: Function[P]
    attempts: int
    timeout: float
    queue: str


def job(
    name: str, *, attempts: int = 5, timeout: float = 300.0, queue: str = DEFAULT_QUEUE
) -> Callable[[Function[P]], JobKind[P]]:
    """Make a kind of job from `async def function(run: Run, payload: SomePayload) -> Model | None`.

    Raises:
        TypeError: the function is no such function.
        ValueError: `attempts` is outside 1..100 or `timeout` outside 0..86400 seconds.
    """
    if not 1 <= attempts <= _MAX_ATTEMPTS or not 0 < timeout <= _MAX_SECONDS:
        raise ValueError(
            f"job {name!r}: attempts={attempts}, timeout={timeout}; give 1 to {_MAX_ATTEMPTS} attempts "
            f"and up to {_MAX_SECONDS} seconds"
        )

    def decorate(function: Function[P]) -> JobKind[P]:
        parameters = list(inspect.signature(function).parameters)
        if not inspect.iscoroutinefunction(function) or len(parameters) != 2:
            raise TypeError(
                f"job {name!r}: write `async def {function.__name__}(run: Run, payload: YourPayload)`; "
                "blocking work goes into `await in_thread(...)`"
            )
        payload = get_type_hints(function, localns={"Run": Any}).get(parameters[1])
        if not (isinstance(payload, type) and issubclass(payload, JobPayload)):
            raise TypeError(f"job {name!r}: annotate {parameters[1]!r} with a subclass of JobPayload, not {payload!r}")
        return JobKind(name, cast("type[P]", payload), function, attempts, timeout, queue)

    return decorate


class JobRegistry:
    """The kinds of jobs of one service by name, and the one table of queues."""

    def __init__(self, kinds: Iterable[JobKind[Any]], queues: Iterable[str] = ()) -> None:
        """Put them together.

        Raises:
            ValueError: two kinds have one name, or one names a queue that is not declared (JB002); a line for each.
        """
        self.queues = tuple(dict.fromkeys((DEFAULT_QUEUE, *queues)))
        self._kinds: dict[str, JobKind[Any]] = {}
        problems = []
        for kind in kinds:
            if kind.name in self._kinds:
                problems.append(f"two jobs are named {kind.name!r}: rename one of them (JB002)")
            if kind.queue not in self.queues:
                problems.append(
                    f"job {kind.name!r} waits in the queue {kind.queue!r}, which no feature declares: use one of "
                    f"{', '.join(self.queues)}, or declare it with Feature(queues=({kind.queue!r},)) (JB002)"
                )
            self._kinds[kind.name] = kind
        if problems:
            raise ValueError("\n".join(problems))

    def __iter__(self) -> Iterator[JobKind[Any]]:
        return iter(self._kinds.values())

    def __getitem__(self, name: str) -> JobKind[Any]:
        """The kind of this name; raises UnknownJobKindError."""
        try:
            return self._kinds[name]
        except KeyError:
            known = ", ".join(sorted(self._kinds)) or "none"
            raise UnknownJobKindError(f"no feature has a job named {name!r}; there are: {known}") from None
