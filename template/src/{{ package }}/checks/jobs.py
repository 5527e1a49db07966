# Owned by the template.
"""JB: guards of background jobs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ._config import FILE
from ._facts import Facts
from ._findings import AtRunTime, DoesNotApply, Finding, Guard, Place
from ._left_out import left_out
from ._names import Use
from ._payloads import untyped_fields
from ._retries import circles, unbounded
from ._source import literal
from ._source_celery import dotted, inside, named
from ._workers import beats, parallel

if TYPE_CHECKING:
    from ._live_celery import CeleryFacts, Task
    from ._workers import Worker

_WHERE = {"procfile": "the Procfile", "dockerfile": "the Dockerfile", "kubernetes": "Kubernetes"}
_LONG = 60.0
_VISIBILITY = 3_600


def _line(facts: Facts, name: str, value: object = ...) -> Place:
    """Where a setting of Celery is written; where none is, the line that makes the application."""
    upper = name.upper()
    written = facts.celery_source.place(
        name, value, also=(f"CELERY_{upper}", upper, f"CELERY_{upper.partition('_')[2]}")
    )
    if written is not None:
        return written
    maker = facts.celery_source.maker(facts.config.celery)
    return maker.place if maker else Place(FILE)


def _dispatchers(facts: Facts) -> tuple[str, ...]:
    if not facts.config.dispatchers:
        raise DoesNotApply("no `dispatchers` in [tool.hardening]")
    return facts.config.dispatchers


class JB001(Guard):
    """A job that nobody does where there is no worker.

    A Celery task of one's own outside of the modules in `dispatchers`: without a worker it never runs, and no row tells
    its state. And a dispatch that is left out, without a word, where a setting says that there is no worker: an `if`
    over a setting (`settings.worker_enabled`, `settings.broker_url`, `WORKER_ENABLED`) that returns before a job is
    enqueued, handed on or run (`hand-on` names those functions), or that encloses it and has no other way.

    Quiet are: a branch that does the work itself, one that raises, and one over what the caller asked for.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        allowed = _dispatchers(facts)
        source = facts.celery_source
        for task in source.tasks:
            if not inside(task.module, allowed):
                yield self.finding(
                    f"{task.name.rpartition('.')[2]} is a task of Celery's own, so without a worker it never runs and "
                    "nobody can read its state; make it a job",
                    task.place,
                    task.name,
                )
        for use in facts.source.uses:
            if (source.sends(use) or named(use.name, facts.config.hand_on)) and (switch := left_out(use)):
                yield self.finding(
                    f"where `{ast.unparse(switch.test)}` says so, nothing is done and nothing is said: {use.last} is left "
                    "out; run the job inline there",
                    Place(use.place.file, switch.lineno),
                    f"{dotted(use.module, use.within)}",
                )


class JB002(Guard):
    """A queue that is filled and not emptied, or a name of Celery's that means nothing.

    Each task's route is followed to a queue, and each queue to a worker's command in compose, Kubernetes and the
    Procfile, each of them by itself. Named are: a task that no queue gets; a queue that no worker takes from; a
    worker's queue that there is none of or that nothing is sent to; a binding to a direct exchange that can match
    nothing; names in routes, annotations, schedules, `send_task` and `signature` under which no task is registered;
    settings that Celery has none of, which it ignores; `async def` tasks, which it does not await; and
    `task_create_missing_queues` left on where queues are declared or routed to.

    Quiet are: a default queue to which nothing is sent, queues for dead letters, workers that together take all,
    workers of a profile, a command whose queues only its environment tells, and settings of Celery's extensions.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        celery = facts.celery
        yield from self._settings(facts, celery)
        yield from self._names(facts, celery)
        yield from self._tasks(facts, celery)
        yield from self._bindings(facts, celery)
        yield from self._workers(facts, celery)

    def _settings(self, facts: Facts, celery: CeleryFacts) -> Iterator[Finding]:
        for name, instead in celery.unknown:
            yield self.finding(
                f"{name} is no setting of Celery's, which ignores it without a word; {instead}",
                _line(facts, name),
                name,
            )
        default = {str(celery.conf.task_default_queue)}
        others = any(set(task.delivery.queues) - default for task in celery.tasks)
        has_queues = celery.tables_queues or celery.conf.task_routes or others
        if has_queues and celery.makes_queues:
            yield self.finding(
                "task_create_missing_queues is on, so a queue with a misspelt name is made, filled, and emptied by "
                "nobody; declare the queues in task_queues and set it to False",
                _line(facts, "task_create_missing_queues", True),
                "task_create_missing_queues",
            )

    def _names(self, facts: Facts, celery: CeleryFacts) -> Iterator[Finding]:
        source = facts.celery_source
        for setting, names in (("task_routes", celery.routed), ("task_annotations", celery.annotated)):
            for name in names:
                if not celery.has(name):
                    yield self.finding(
                        f"{setting} has {name!r}, and no task is registered under it; correct the name or remove it",
                        source.place(name) or _line(facts, setting),
                        name,
                    )
        for entry, task, options in celery.scheduled:
            written = [each.place for each in source.settings.get("task", ()) if each.value == task]
            place = written[0] if written else source.place(entry) or _line(facts, "beat_schedule")
            if task in celery.names and (problem := celery.delivery(task, options).problem):
                yield self.finding(
                    f"no queue gets what the schedule {entry!r} sends: {problem}; name a queue that is in task_queues",
                    place,
                    task,
                )
            if task not in celery.names:
                yield self.finding(
                    f"the schedule {entry!r} names the task {task!r}, and none is registered under it; correct the name "
                    "or remove the entry",
                    place,
                    task,
                )
        for name, place in source.queues()[0].items():
            if not celery.makes_queues and name not in celery.declared:
                yield self.finding(
                    f"a call names the queue {name!r}, and there is none such in task_queues; correct the name, or declare "
                    "it there",
                    place,
                    name,
                )
        for name, place in source.sent():
            if name not in celery.names:
                yield self.finding(
                    f"{name!r} is sent to a worker, and no task is registered under it; correct the name", place, name
                )

    def _tasks(self, facts: Facts, celery: CeleryFacts) -> Iterator[Finding]:
        lost: dict[tuple[str, Place], list[str]] = {}
        for task in celery.tasks:
            if task.is_coroutine:
                yield self.finding(
                    f"the task {task.name} is an `async def`: Celery calls it and awaits nothing, so it never runs; make "
                    "it a plain `def`",
                    task.place,
                    task.name,
                )
            if task.delivery.problem:
                place = facts.celery_source.place(task.name) if task.name in celery.routed else None
                default = str(celery.conf.task_default_queue)
                if place is None and repr(default) in task.delivery.problem:
                    place = _line(facts, "task_default_queue", default)
                lost.setdefault((task.delivery.problem, place or task.place), []).append(task.name)
        for (problem, place), names in lost.items():
            yield self.finding(
                f"no queue gets what is sent for {', '.join(names)}: {problem}; name a queue that is in task_queues",
                place,
                names[0],
            )

    def _bindings(self, facts: Facts, celery: CeleryFacts) -> Iterator[Finding]:
        routes = celery.conf.task_routes
        values = routes.values() if isinstance(routes, Mapping) else ()
        used = {str(each.get("routing_key")) for each in values if isinstance(each, Mapping)}
        used |= {str(celery.conf.task_default_routing_key), *celery.dead_letters}
        for use in facts.source.uses:
            if facts.celery_source.sends(use):
                used.add(str(literal(use.argument("routing_key"))))
        for each in celery.bindings if celery.tables_queues else ():
            if each.kind != "direct" or not each.exchange or each.key in (each.queue, *used):
                continue
            meant = "and a direct exchange takes it for a name, not for a pattern" if set("#*") & set(each.key) else ""
            place = facts.celery_source.place("routing_key", each.key) or _line(facts, "task_queues")
            yield self.finding(
                f"the queue {each.queue!r} is bound to the exchange {each.exchange!r} with the key {each.key!r}, "
                f"{meant or 'with which nothing is sent'}; bind it with its own name, or make the exchange a topic",
                place,
                each.queue,
            )

    def _workers(self, facts: Facts, celery: CeleryFacts) -> Iterator[Finding]:
        sent, open_ended = self._sent(facts, celery)
        default = str(celery.conf.task_default_queue)
        wanted = dict(sent)
        if celery.tables_queues:
            for name in set(celery.declared) - celery.dead_letters - {default}:
                wanted.setdefault(name, ("it is in task_queues", Place()))
        groups: dict[str, list[Worker]] = {}
        for worker in facts.workers:
            groups.setdefault(worker.process.kind, []).append(worker)
        if len(groups) > 1:
            groups.pop("dockerfile", None)  # its command is what the others leave to it
        for kind, group in groups.items():
            taken: set[str] = set()
            for worker in group:
                names = celery.consumed_by_default if worker.queues is None else worker.queues
                taken.update(set(names) - set(worker.without))
            told = next((each for each in group if each.queues is not None or each.without), group[0])
            for name, (why, place) in sorted(wanted.items()):
                if name not in taken and not any(each.unknown for each in group):
                    declared = celery.tables_queues and name in celery.declared
                    yield self.finding(
                        f"no worker in {_WHERE.get(kind, kind)} takes from the queue {name!r} ({why}); {_advice(told)}",
                        told.process.place if declared or not place.file else place,
                        name,
                    )
            for worker in group:
                for name in worker.queues or ():
                    known = name in sent or (name in celery.declared and (open_ended or name == default))
                    if not known and not worker.unknown and not (open_ended and not celery.tables_queues):
                        missing = "nothing is sent to it" if name in celery.declared else "there is no such queue"
                        yield self.finding(
                            f"{worker.process.name} takes from the queue {name!r}, and {missing}; correct the name, or "
                            "route a task to it",
                            worker.process.place,
                            name,
                        )

    @staticmethod
    def _sent(facts: Facts, celery: CeleryFacts) -> tuple[dict[str, tuple[str, Place]], bool]:
        """The queues that something is sent to, what and where, and whether only running it tells all of them."""
        sent: dict[str, tuple[str, Place]] = {}
        for task in celery.tasks:
            for name in task.delivery.queues:
                sent.setdefault(name, (f"the task {task.name} goes there", task.place))
        for entry, task_name, options in celery.scheduled:
            for name in celery.delivery(task_name, options).queues:
                sent.setdefault(name, (f"the schedule {entry} goes there", _line(facts, "beat_schedule")))
        named_queues, open_ended = facts.celery_source.queues()
        for name, place in named_queues.items():
            if celery.makes_queues or name in celery.declared:
                sent.setdefault(name, ("a call names it", place))
        return sent, open_ended


def _advice(worker: Worker) -> str:
    if worker.queues is None:
        return "give a worker this queue with -Q, or declare it in task_queues"
    return f"add it to the -Q of {worker.process.name}, or send nothing there"


class JB003(AtRunTime):
    """A job that has ended and does not say so.

    Each job has a row with its state, progress, result, error and times, whoever does it; it is read over HTTP, and its
    file downloaded. A job whose process died is found by its lease and named, and ends like any other. The tests go the
    whole way, inline and with workers.
    """


class JB004(Guard):
    """A job whose payload nothing checks.

    Named are fields of the models that jobs take (the functions under one of `job-decorators`) which take anything:
    `Any`, `object`, a bare `dict`, `dict[str, Any]`, a bare `list`; a list that must be given and may be empty
    (`{"messages": []}`); a model that takes fields it does not have (`extra="allow"`), nested models included. And
    parameters of Celery tasks that have no type, or one of these.

    Quiet are: a list with a default, which says that none is fine; a list with a minimum; typed maps.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        decorators = facts.config.job_decorators
        if not decorators and not facts.config.celery:
            raise DoesNotApply("neither `job-decorators` nor `celery` in [tool.hardening]")
        seen: set[tuple[Place, str]] = set()
        for job in facts.celery_source.jobs(decorators):
            if len(job.node.args.args) < 2:
                continue
            names = facts.source.names(job.place.file or "")
            annotation = names.instance(job.node.args.args[1].annotation).removesuffix("()") if names else ""
            for field in untyped_fields(facts, annotation):
                if (field.place, field.name) not in seen:
                    seen.add((field.place, field.name))
                    yield self.finding(
                        f"{field.name} {field.problem}, so what no job can use is enqueued and fails later, unseen; "
                        f"{field.advice}",
                        field.place,
                        field.name,
                    )
        for task in facts.celery.tasks if facts.config.celery else ():
            if task.untyped:
                yield self.finding(
                    f"the task {task.name} takes {', '.join(task.untyped)} without a type that is checked; give a model "
                    "(pydantic=True) or plain types",
                    task.place,
                    task.name,
                )


class JB007(Guard):
    """One Celery application too many.

    Named is each call that makes one, of `Celery` or of a class made from it, under whatever name, beside the call that
    makes the application in `celery`; a call of the project's own factory outside of the modules in `dispatchers`; and
    each module that has another one when it is imported.

    Quiet are: the one application, also where it is imported from elsewhere; `current_app`; what tests make.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        celery = facts.celery
        source = facts.celery_source
        first = source.maker(facts.config.celery)
        told: set[Place] = set()
        for use in source.applications:
            if first is None or use.node is not first.node:
                told.add(use.place)
                yield self._further(facts, use.place, dotted(use.module, use.within))
        factory = dotted(first.module, first.within) if first is not None and first.function is not None else ""
        for use in facts.source.uses:
            allowed = inside(use.module, (*facts.config.dispatchers, facts.config.celery.partition(":")[0]))
            if factory and use.name == factory and not allowed and use.place not in told:
                told.add(use.place)
                yield self._further(facts, use.place, dotted(use.module, use.within))
        for name, place in facts.live.further(celery.app):
            if place not in told:
                yield self._further(facts, place, name)

    def _further(self, facts: Facts, place: Place, subject: str) -> Finding:
        return self.finding(
            f"a Celery application besides {facts.config.celery}, with settings, queues and tasks of its own; use that one",
            place,
            subject,
        )


class JB009(Guard):
    """An error that is swallowed.

    Errors have one way up: to the boundary of the request or the job, where they are logged and recorded. Ruff finds
    `except:` (E722), `except Exception` that neither logs nor raises (BLE001), and `pass` or `continue` as the whole
    answer (S110, S112); `contextlib.suppress(Exception)` is found besides.

    Quiet are: a narrow `except` or `suppress`, one that logs the exception or raises, and a `noqa` with a reason.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        lines: set[Place] = set()
        for use in facts.source.uses:
            if use.name != "contextlib.suppress":
                continue
            names = facts.source.names(use.place.file or "")
            given = [each.value if isinstance(each, ast.Starred) else each for each in use.node.args]
            flat = [one for each in given for one in (each.elts if isinstance(each, (ast.Tuple, ast.List)) else [each])]
            wide = [each for each in flat if names and names.meaning(each) in ("Exception", "BaseException")]
            if wide:
                lines.add(use.place)
                yield self.finding(
                    f"suppress({ast.unparse(wide[0])}) swallows whatever goes wrong; name the errors that are meant",
                    use.place,
                )
        for each in facts.lint["JB009"]:
            if each.place not in lines:
                lines.add(each.place)
                message = each.message.rstrip(".")
                yield self.finding(
                    f"{message[:1].lower()}{message[1:]} ({each.rule}): what goes wrong here vanishes; name the errors "
                    "that are meant, or log and raise",
                    each.place,
                )


class JB010(Guard):
    """A job that is sent before its row is committed.

    Named are, outside of the modules in `dispatchers`: `delay`, `apply_async` and `send_task` of Celery's, whatever
    they are called on; a message that kombu publishes; a queue of another library; and a task or job handed to
    `BackgroundTasks.add_task`, which nothing repeats when the process ends.

    Quiet are: `enqueue` in the transaction, a pool of processes with its own `apply_async`, other background tasks, and
    a task called as a plain function.
    """

    OTHERS = ("rq.", "arq.", "huey.", "dramatiq.", "taskiq.")
    CALLS = frozenset({"enqueue", "enqueue_job", "enqueue_in", "enqueue_at", "send", "send_with_options", "kiq"})

    def judge(self, facts: Facts) -> Iterator[Finding]:
        allowed = _dispatchers(facts)
        source = facts.celery_source
        jobs = {each.name for each in source.jobs(facts.config.job_decorators)}
        instead = (facts.config.hand_on or ("enqueue",))[0].rpartition(".")[2]
        for use in facts.source.uses:
            if inside(use.module, allowed):
                continue
            if source.sends(use) or self._publishes(use):
                yield self.finding(
                    f"{use.last}() sends a job before what it needs is committed, or loses it with the broker; use "
                    f"{instead} in the transaction",
                    use.place,
                    dotted(use.module, use.within),
                )
            elif use.last == "add_task" and self._is_job(facts, use, jobs):
                yield self.finding(
                    f"a background task of the response is lost when the process ends; use {instead} in the transaction",
                    use.place,
                    dotted(use.module, use.within),
                )

    def _publishes(self, use: Use) -> bool:
        if use.name.startswith("kombu.") and use.last == "publish":
            return True
        return use.name.startswith(self.OTHERS) and use.last in self.CALLS

    @staticmethod
    def _is_job(facts: Facts, use: Use, jobs: set[str]) -> bool:
        names = facts.source.names(use.place.file or "")
        function = use.argument("func", 0)
        if isinstance(function, ast.Call) and function.args:
            function = function.args[0]  # partial(...)
        name = names.meaning(function) if names and function is not None else ""
        return name in jobs or name.rpartition(".")[0] in jobs or facts.celery_source.is_task(name)


class JB011(Guard):
    """A message that the broker hands on again while its job still runs.

    Redis gives a message to the next worker when it has not been acknowledged for `visibility_timeout` seconds, 3600
    unless told otherwise. One that is shorter than a task may take makes the task run twice, while a live worker is at
    it; one that is shorter than a countdown makes it run again and again.

    Named are a visibility timeout (given or not) that is not above the longest time limit of a task, and a `countdown`
    or `default_retry_delay` that is not below it. It is judged where the broker is Redis, where the options name a
    visibility timeout, or where a worker is given a Redis as its broker. Quiet are tasks without any limit.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        celery = facts.celery
        options = celery.conf.broker_transport_options or {}
        address = str(celery.conf.broker_url or "")
        deployed = [
            value
            for worker in facts.workers
            for name, value in worker.process.environment.items()
            if "BROKER" in name.upper()
        ]
        on_redis = re.match(r"(redis|rediss|sentinel|valkey)", address) or (
            not address and any(re.match(r"(redis|rediss|sentinel)", value) for value in deployed)
        )
        if not on_redis and "visibility_timeout" not in options:
            raise DoesNotApply("the broker is not Redis")
        given = options.get("visibility_timeout")
        timeout = float(given if isinstance(given, (int, float)) else _VISIBILITY)
        longest = max((each for each in celery.tasks if each.limit), key=lambda each: each.limit or 0, default=None)
        limit = (longest.limit if longest else None) or 0.0
        if longest and limit >= timeout:
            written = "visibility_timeout is" if given is not None else "no visibility_timeout is given, so it is"
            found = facts.celery_source.place("visibility_timeout", given)
            yield self.finding(
                f"{written} {timeout:g} s and the task {longest.name} may take {limit:g} s: it is handed on a second time "
                "while it runs; raise the one or lower the other",
                found or _line(facts, "broker_transport_options"),
                "visibility_timeout",
            )
            return
        for use in facts.source.uses:
            for name in ("countdown", "default_retry_delay"):
                argument = use.argument(name)
                seconds = literal(argument)
                sending = facts.celery_source.sends(use) or use.last in ("retry", "task", "shared_task", "set")
                if argument and sending and isinstance(seconds, (int, float)) and seconds + limit >= timeout:
                    yield self.finding(
                        f"{name}={seconds:g} and the {limit:g} s that a task may take are not below the visibility "
                        f"timeout of {timeout:g} s: it is handed on again before it is due; raise that, or keep the due "
                        "time in a table",
                        Place(use.place.file, argument.lineno),
                        dotted(use.module, use.within),
                    )


class JB012(Guard):
    """A message that is lost with its worker, or comes back for ever.

    Judged are the settings of the Celery application and of each of the project's tasks. `task_acks_late` off: what a
    worker holds is lost with it. On, and neither `task_retry_on_worker_lost` nor a bounded redelivery: the message of a
    child that was killed counts as done. `task_reject_on_worker_lost`: one that kills its child comes back for ever,
    also together with the other. `worker_prefetch_multiplier` above 1 with late acknowledgement, and tasks that may
    take longer than a minute: short jobs wait behind a long one while other workers idle.

    Quiet are: rejecting where every queue has a delivery limit, `--prefetch-multiplier=1` in each worker's command, and
    tasks that are short by their limit.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        celery = facts.celery
        if not celery.tasks:
            raise DoesNotApply("the celery application has no task of the project's")
        conf = celery.conf
        late = bool(conf.task_acks_late)
        early = [task for task in celery.tasks if not task.acks_late]
        if not late and early:
            yield self._setting(
                facts, "task_acks_late", False, "what a worker holds is lost when it dies; set it to True"
            )
        for task in early if late else ():
            yield self._task(task, "acks_late is off, so it is lost when its worker dies; leave it on")
        yield from self._lost(facts, celery)
        many = conf.worker_prefetch_multiplier
        commands = [worker.prefetch for worker in facts.workers]
        if (
            len(early) < len(celery.tasks)
            and many != 1
            and not getattr(conf, "worker_disable_prefetch", False)
            and not (commands and all(each == "1" for each in commands))
            and any(task.limit is None or task.limit > _LONG for task in celery.tasks if task.acks_late)
        ):
            yield self._setting(
                facts,
                "worker_prefetch_multiplier",
                many,
                "with late acknowledgement, jobs wait behind a long one while other workers idle; set it to 1",
            )

    def _lost(self, facts: Facts, celery: CeleryFacts) -> Iterator[Finding]:
        conf = celery.conf
        rejects, retries = bool(conf.task_reject_on_worker_lost), bool(conf.get("task_retry_on_worker_lost"))
        if rejects and not celery.bounds_deliveries:
            why = "together with task_retry_on_worker_lost a message that kills its child never ends as failed"
            alone = "a message that kills its child comes back for ever"
            yield self._setting(
                facts,
                "task_reject_on_worker_lost",
                True,
                f"{why if retries else alone}; use task_retry_on_worker_lost alone, which is bounded",
            )
        late = [task for task in celery.tasks if task.acks_late]
        if (
            late
            and not rejects
            and not retries
            and "task_retry_on_worker_lost" in conf
            and not all(task.retries_when_lost or task.rejects_when_lost for task in late)
        ):
            yield self._setting(
                facts,
                "task_retry_on_worker_lost",
                False,
                "the message of a child that is killed counts as done; set it to True",
            )
        for task in late:
            if task.rejects_when_lost and not rejects and not celery.bounds_deliveries:
                yield self._task(
                    task,
                    "reject_on_worker_lost is on, so a message that kills its child comes back for ever; use "
                    "retry_on_worker_lost",
                )

    def _setting(self, facts: Facts, name: str, value: object, why: str) -> Finding:
        return self.finding(f"{name} is {value!r}: {why}", _line(facts, name, value), name)

    def _task(self, task: Task, why: str) -> Finding:
        return self.finding(f"{task.name}: {why}", task.place, task.name)


class JB013(Guard):
    """Something that is tried again without end.

    Named are: a Celery task with `max_retries=None`; a task that sends itself again where it caught an error;
    `retry(throw=False)` in a loop; `tenacity` without a `stop` or with `stop_never`; `stamina` with neither attempts
    nor a time; `backoff` with neither; and, in a job or a task, a `while True` that swallows an error and leaves when
    it succeeds.

    Quiet are: Celery's own three retries where nothing is said, `stamina`'s ten, a loop that counts or that raises in
    the end, a loop that is there for ever on purpose, and a broker connection that is tried for as long as it takes.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        source = facts.celery_source
        if facts.config.celery:
            for task in facts.celery.tasks:
                if task.max_retries is None:
                    yield self.finding(
                        f"the task {task.name} has max_retries=None, so it is tried again for ever; give a number",
                        task.place,
                        task.name,
                    )
        for use in facts.source.uses:
            if problem := unbounded(use):
                yield self.finding(f"{problem}, so it is tried again for ever; give a bound", use.place, use.name)
        for names in facts.source.own:
            for node, within in names:
                for decorator in getattr(node, "decorator_list", ()):
                    if names.meaning(decorator) == "tenacity.retry":
                        yield self.finding(
                            "tenacity.retry has no stop, so it is tried again for ever; give a bound",
                            Place(names.file.path, decorator.lineno),
                            dotted(names.module, within),
                        )
        for job in (*source.tasks, *source.jobs(facts.config.job_decorators)):
            for line, what in circles(job.node):
                yield self.finding(
                    f"{job.name.rpartition('.')[2]} {what}, so what always fails never ends; raise, and let the bounded "
                    "retries of jobs do it",
                    Place(job.place.file, line),
                    job.name,
                )


class JB014(Guard):
    """One schedule that several processes keep.

    Named are, in compose, Kubernetes and the Procfile, each of them by itself: a second `celery beat`, one with more
    than one replica, a worker with `-B` beside another one that keeps the schedule or in more than one replica. And
    APScheduler, or `repeat_every`, in the code of a service whose web server has several processes or replicas.

    Quiet are: one of each; schedulers that agree among themselves (redbeat, singlebeat); beats in two profiles, of
    which one is started; a schedule in a table that whoever moves it on keeps.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        commands = facts.config.worker_commands
        groups: dict[str, list[tuple[str, int, Place]]] = {}
        for process in beats(facts.processes, commands):
            service = facts.compose.services.get(process.name) if process.kind == "compose" else None
            profiles = [str(each) for each in (service.get("profiles") or () if service else ())]
            entry = (process.name, process.replicas, process.place)
            for key in profiles or [""]:
                groups.setdefault(f"{process.kind}:{key}", []).append(entry)
        locking = facts.config.celery and any(
            word in str(facts.celery.conf.beat_scheduler).lower() for word in ("redbeat", "singleton")
        )
        for key, found in sorted(groups.items()) if not locking else ():
            kind, _, profile = key.partition(":")
            keeping = [*groups.get(f"{kind}:", ()), *found] if profile else found
            for position, (name, replicas, place) in enumerate(keeping):
                if replicas > 1 or position:
                    others = f"in {replicas} replicas" if replicas > 1 else f"beside {keeping[0][0]}"
                    yield self.finding(
                        f"{name} keeps Celery's schedule {others}, so everything due is sent more than once; keep it in "
                        "one process",
                        place,
                        name,
                    )
        several = next((each for each in facts.processes if parallel(each, commands) > 1), None)
        for use in facts.source.uses if several is not None else ():
            if _schedules(use) and not any(_starts(each.words, use.module) for each in facts.processes):
                yield self.finding(
                    f"a schedule is kept in each process, and {several.name if several else ''} runs several of them "
                    "("
                    + str(several.place if several else "")
                    + "), so everything due is done more than once; keep it "
                    "in one process or in a table",
                    use.place,
                    dotted(use.module, use.within),
                )


def _starts(words: Iterable[str], module: str) -> bool:
    """Whether a command runs this module, so that the schedule is kept by a process of its own."""
    file = f"{module.replace('.', '/')}.py"
    return any(each == module or each.endswith((file, f"/{file.rpartition('/')[2]}")) for each in words)


def _schedules(use: Use) -> bool:
    if use.name.startswith("apscheduler.") and use.last.endswith("Scheduler"):
        return use.last not in ("BlockingScheduler", "BaseScheduler")
    return use.last == "repeat_every" and use.name.startswith(
        ("fastapi_utils.", "fastapi_restful.", "fastapi_utilities.")
    )


GUARDS = (JB001, JB002, JB003, JB004, JB007, JB009, JB010, JB011, JB012, JB013, JB014)
