"""Proofs of JB: background jobs."""

from __future__ import annotations

from ._proofs import back, disguise, hurried, look_alike, unprotected
from ._service import Service, Spot

CELERY = "@/core/jobs/_celery.py"
WORKER = "@/core/worker.py"
COMMAND = 'command: [worker, --concurrency, "4"]'


def add_settings(service: Service, lines: str) -> None:
    """Give the Celery application more settings."""
    service.replace(CELERY, "        worker_hijack_root_logger=False,\n", f"        {lines}\n")


def add_task(service: Service, text: str) -> None:
    """Give the worker one more task, beside the house's own."""
    before = "    @app.task(name=_CANARY)\n"
    indented = "".join(f"    {line}\n" if line else "\n" for line in text.strip().splitlines())
    service.replace(WORKER, before, f"{indented}\n{before}")


def add_video(service: Service) -> None:
    """Add a feature whose job waits in a queue of its own."""
    service.feature(
        "video",
        init="from .jobs import cut\n",
        more='jobs=(cut,), queues=("video",)',
        jobs="""
        from __future__ import annotations

        from ...core.jobs import JobPayload, Run, job


        class CutPayload(JobPayload):
            film: int


        @job("video.cut", queue="video")
        async def cut(run: Run, payload: CutPayload) -> None: ...
        """,
    )


# JB001: a job that nobody does where there is no worker


@back("JB001")
def the_dispatcher_returns_when_there_is_no_worker(service: Service) -> Spot:
    service.replace(
        "@/core/jobs/_run.py",
        "        self._running += 1\n",
        "        if self._settings.broker_url is None:\n            return\n        self._running += 1\n",
    )
    return service.at("@/core/jobs/_run.py", "self._settings.broker_url is None")


@unprotected("JB001", "tests/test_jobs.py", "tests/features/inbox/test_inbox.py", engine="sqlite")
def without_a_worker_nothing_is_run(service: Service) -> None:
    service.replace(
        "@/core/jobs/_run.py",
        "        self._running += 1\n",
        "        if self._settings.broker_url is None:\n            return\n        self._running += 1\n",
    )


@disguise("JB001")
def a_task_of_a_features_own(service: Service) -> Spot:
    service.write(
        "@/features/inbox/tasks.py",
        """
        from celery import shared_task as background


        @background
        def recount(owner_id: int) -> None: ...
        """,
    )
    return service.at("@/features/inbox/tasks.py", "@background")


@disguise("JB001")
def a_function_that_is_made_a_task_elsewhere(service: Service) -> list[Spot]:
    service.write(
        "@/features/inbox/tasks.py",
        """
        from celery import Celery, current_app


        def recount(owner_id: int) -> None: ...


        def register(app: Celery) -> None:
            app.task(recount, name="inbox.recount")

            @app.task(name="inbox.forget")
            def forget(owner_id: int) -> None: ...


        current_app.task(name="inbox.count")(recount)
        """,
    )
    return [
        service.at("@/features/inbox/tasks.py", "app.task(recount"),
        service.at("@/features/inbox/tasks.py", "@app.task"),
    ]


@disguise("JB001")
def a_route_that_enqueues_only_where_a_worker_is_enabled(service: Service) -> Spot:
    service.replace(
        "@/features/exports/routes.py",
        "    job = await enqueue(session, build_export, body, owner_id=user.user_id)\n    return ExportAccepted(job_id=job.id)",
        """    job_id = UUID(int=0)
    if settings.worker_enabled:
        job_id = (await enqueue(session, build_export, body, owner_id=user.user_id)).id
    return ExportAccepted(job_id=job_id)


class _Settings:
    worker_enabled = False


settings = _Settings()""",
    )
    return service.at("@/features/exports/routes.py", "if settings.worker_enabled")


@disguise("JB001")
def a_helper_that_asks_the_environment(service: Service) -> Spot:
    service.write(
        "@/features/exports/later.py",
        """
        import logging
        import os

        from sqlalchemy.ext.asyncio import AsyncSession

        from ...core.jobs import enqueue as put
        from .jobs import build_export
        from .schemas import ExportRequest


        async def export_later(session: AsyncSession, body: ExportRequest) -> dict[str, str]:
            if os.environ.get("WORKER_ENABLED") != "1":
                logging.getLogger(__name__).info("the worker is off")
                return {"status": "accepted"}
            job = await put(session, build_export, body)
            return {"status": str(job.id)}
        """,
    )
    return service.at("@/features/exports/later.py", "if os.environ")


@hurried("JB001", also={"JB010"})
def a_digest_that_a_colleague_sends(service: Service) -> Spot:
    service.feature(
        "digests",
        routes="""
        from ...core.http import CurrentUser, Router
        from .tasks import send_digest

        digests = Router("/digests", tags=["digests"])


        @digests.post("", status_code=202)
        async def ask(user: CurrentUser) -> dict[str, str]:
            send_digest.delay(user.user_id)
            return {"status": "accepted"}
        """,
        tasks="""
        from celery import shared_task


        @shared_task(name="digests.send")
        def send_digest(user_id: int) -> None:
            print(user_id)  # noqa: T201
        """,
    )
    return service.at("@/features/digests/tasks.py", "@shared_task")


@look_alike("JB001")
def a_branch_that_works_inline_one_that_raises_and_one_that_was_asked_for(service: Service) -> None:
    service.write(
        "@/features/exports/later.py",
        """
        from sqlalchemy.ext.asyncio import AsyncSession

        from ...core.jobs import enqueue
        from ...core.settings import CoreSettings
        from .jobs import build_export
        from .schemas import ExportRequest


        def rows_now(body: ExportRequest) -> int:
            return (body.end - body.start).days


        async def export(session: AsyncSession, settings: CoreSettings, body: ExportRequest, *, small: bool) -> int:
            if settings.broker_url is None:
                return rows_now(body)
            if settings.redis_url is None:
                raise RuntimeError("no Redis")
            if small:
                return 0
            await enqueue(session, build_export, body)
            return 0
        """,
    )


# JB002: queues that are filled and not emptied, and names that mean nothing


@back("JB002")
def a_routing_key_is_changed_to_a_pattern(service: Service) -> Spot:
    service.replace(CELERY, "return Queue(name, routing_key=name)\n", 'return Queue(name, routing_key=f"{name}.#")\n')
    return service.at(CELERY, 'routing_key=f"{name}.#"')


@back("JB002")
def a_queue_is_dropped_from_the_worker_in_compose(service: Service) -> Spot:
    add_video(service)
    service.replace("compose.yaml", COMMAND, 'command: [worker, -Q, default, --concurrency, "4"]')
    return service.at("compose.yaml", "command: [worker, -Q")


@back("JB002")
def a_task_with_no_route_where_workers_have_named_queues(service: Service) -> list[Spot]:
    service.replace(CELERY, "task_queues=[_queue(name, on_rabbit=on_rabbit) for name in kinds.queues],", "")
    service.replace(CELERY, "task_create_missing_queues=False", "task_create_missing_queues=True")
    service.replace("compose.yaml", COMMAND, "command: [celery, -A, inbox_demo.worker, worker, -Q, jobs]")
    service.replace("deploy/kubernetes/worker.yaml", "args: [worker, ", "args: [worker, -Q, jobs, ")
    add_task(service, '@app.task(name="reports.build", queue="jobs")\ndef build() -> None: ...')
    # What has no route goes to the default queue, and nobody takes from there.
    lost = service.at(WORKER, "@app.task(name=RUN_JOB, bind=True)")
    # Once for compose and once for Kubernetes.
    return [lost, lost, service.at(CELERY, "task_create_missing_queues=True")]


@back("JB002")
def a_second_default_queue(service: Service) -> Spot:
    service.replace(CELERY, "task_default_queue=DEFAULT_QUEUE", 'task_default_queue="celery"')
    return service.at(CELERY, 'task_default_queue="celery"')


@back("JB002")
def a_setting_that_celery_does_not_know(service: Service) -> Spot:
    add_settings(service, "task_autoretry_for=(OSError,),")
    return service.at(CELERY, "task_autoretry_for")


@back("JB002")
def a_schedule_of_a_task_that_is_gone(service: Service) -> Spot:
    add_settings(
        service,
        'beat_schedule={\n            "clean": {\n                "task": "inbox.clean",\n                "schedule": 60.0,\n            }\n        },',
    )
    return service.at(CELERY, '"task": "inbox.clean"')


@back("JB002")
def an_async_task(service: Service) -> Spot:
    service.replace(
        WORKER, "    def sing() -> None:\n        canary.sing()", "    async def sing() -> None:\n        canary.sing()"
    )
    return service.at(WORKER, "@app.task(name=_CANARY)")


@back("JB002")
def missing_queues_are_made(service: Service) -> Spot:
    service.replace(CELERY, "task_create_missing_queues=False", "task_create_missing_queues=True")
    return service.at(CELERY, "task_create_missing_queues=True")


@disguise("JB002")
def missing_queues_are_made_because_nothing_says_otherwise(service: Service) -> Spot:
    service.replace(CELERY, "        task_create_missing_queues=False,\n", "")
    return service.at(CELERY, 'Celery("jobs"')


@disguise("JB002")
def a_queue_is_dropped_from_the_worker_in_kubernetes(service: Service) -> Spot:
    add_video(service)
    service.replace(
        "deploy/kubernetes/worker.yaml",
        'args: [worker, --concurrency, "2"]',
        'args: [worker, --queue=default, --concurrency, "2"]',
    )
    return service.at("deploy/kubernetes/worker.yaml", "args: [worker, --queue")


@disguise("JB002")
def a_queue_is_missing_in_the_procfile(service: Service) -> Spot:
    add_video(service)
    service.write("Procfile", "web: inbox-demo serve\nworker: exec celery -A inbox_demo.worker worker -Qdefault -c 4\n")
    return service.at("Procfile", "worker:")


@disguise("JB002")
def a_queue_is_excluded_by_a_shell(service: Service) -> Spot:
    add_video(service)
    service.replace(
        "compose.yaml",
        COMMAND,
        'entrypoint: [sh, -c, "exec celery --app inbox_demo.worker:app worker --exclude-queues=video"]',
    )
    return service.at("compose.yaml", "entrypoint: [sh")


@disguise("JB002")
def a_worker_of_a_misspelt_queue(service: Service) -> list[Spot]:
    service.replace("compose.yaml", COMMAND, "command: [worker, -Q, default, -Q, vidoe]")
    return [service.at("compose.yaml", "command: [worker, -Q")]


@disguise("JB002")
def a_route_to_a_misspelt_queue(service: Service) -> Spot:
    add_settings(service, 'task_routes={\n            "jobs.run": {"queue": "defualt"},\n        },')
    return service.at(CELERY, '"jobs.run": {')


@disguise("JB002")
def a_route_past_every_queue(service: Service) -> Spot:
    add_settings(
        service,
        'task_routes=([\n            ("jobs.*", {"exchange": "jobs", "exchange_type": "topic", "routing_key": "ml.run"}),\n        ],),',
    )
    return service.at(WORKER, "@app.task(name=RUN_JOB, bind=True)")


@disguise("JB002")
def names_in_routes_and_annotations_that_are_no_tasks(service: Service) -> list[Spot]:
    add_settings(
        service,
        'task_routes={"exports.*": {"queue": "default"}},\n        task_annotations={"jobs.runs": {"rate_limit": "10/s"}},',
    )
    return [service.at(CELERY, '"exports.*"'), service.at(CELERY, '"jobs.runs"')]


@disguise("JB002")
def a_name_that_is_sent_and_not_registered(service: Service) -> Spot:
    service.replace(
        WORKER, '_CANARY: Final = "worker.canary"', '_CANARY: Final = "worker.canary"\n_BIRD: Final = "worker.bird"'
    )
    service.replace(WORKER, "self._app.send_task(_CANARY, ", "self._app.send_task(_BIRD, ")
    return service.at(WORKER, "self._app.send_task(")


@disguise("JB002")
def settings_with_slips_of_the_pen(service: Service) -> list[Spot]:
    service.replace(
        CELERY,
        "    return app\n\n\nMessage: TypeAlias",
        '    app.conf.worker_prefetch_multiplyer = 1\n    app.conf["tasks_acks_late"] = True\n    return app\n\n\nMessage: TypeAlias',
    )
    return [service.at(CELERY, "worker_prefetch_multiplyer"), service.at(CELERY, "tasks_acks_late")]


@disguise("JB002")
def a_signature_in_a_schedule_that_is_added_when_it_is_configured(service: Service) -> Spot:
    service.replace(
        WORKER,
        "    for signal_, receiver in (",
        '    app.add_periodic_task(30.0, app.signature("inbox.clean"), name="clean")\n\n    for signal_, receiver in (',
    )
    return service.at(CELERY, 'Celery("jobs"')


@hurried("JB002", also={"JB001", "JB010"})
def a_reminder_with_its_own_queue_and_schedule(service: Service) -> list[Spot]:
    service.feature(
        "reminders",
        routes="""
        from ...core.http import CurrentUser, Router
        from .tasks import remind

        reminders = Router("/reminders", tags=["reminders"])


        @reminders.post("", status_code=202)
        async def ask(user: CurrentUser) -> dict[str, str]:
            remind.apply_async((user.user_id,), queue="reminders")
            return {"status": "accepted"}
        """,
        tasks="""
        from celery import shared_task


        @shared_task
        async def remind(user_id: int) -> None: ...
        """,
    )
    service.replace(
        WORKER,
        "    app.set_default()\n",
        """    app.set_default()
    app.conf.beat_schedule = {
        "remind": {"task": "reminders.tasks.remind", "schedule": 3600.0},
    }
""",
    )
    return [
        service.at("@/features/reminders/tasks.py", "@shared_task"),
        service.at(WORKER, "reminders.tasks.remind"),
        service.at("@/features/reminders/routes.py", "queue="),
    ]


@look_alike("JB002")
def a_worker_listens_to_named_queues_to_which_every_task_is_routed(service: Service) -> None:
    add_video(service)
    add_settings(service, 'task_routes={"jobs.*": {"queue": "video"}, "worker.*": "video"},')
    service.replace("compose.yaml", COMMAND, 'command: [worker, -Q, video, --concurrency, "4"]')


@look_alike("JB002")
def several_workers_take_all_queues_together(service: Service) -> None:
    add_video(service)
    service.replace("compose.yaml", COMMAND, "command: [worker, -Q, default]")
    service.append(
        "compose.yaml",
        "# Ours.\n  films:\n    <<: *service\n    profiles: [films]\n"
        "    command: celery -A inbox_demo.worker worker --queues=${FILM_QUEUES:-video}\n"
        "    restart: unless-stopped\n"
        "    healthcheck: {test: [CMD, python, -m, inbox_demo.core.worker_health]}\n",
    )


@look_alike("JB002")
def an_override_gives_the_worker_its_other_queue(service: Service) -> None:
    add_video(service)
    service.replace("compose.yaml", COMMAND, "command: [worker, -Q, default]")
    service.write(
        "compose.override.yaml",
        """
        services:
          worker:
            command: [worker, -Q, default, -Q, video]
        """,
    )


@look_alike("JB002")
def what_only_the_environment_tells_and_what_extensions_read(service: Service) -> None:
    add_video(service)
    service.replace("compose.yaml", COMMAND, "command: [celery, -A, inbox_demo.worker, worker, -Q, $$QUEUES]")
    add_settings(
        service,
        'redbeat_redis_url="redis://localhost",\n        task_routes=({"*": {"queue": "default"}},),\n'
        '        task_annotations={"*": {"rate_limit": None}},\n'
        '        beat_schedule={"sing": {"task": "worker.canary", "schedule": 60.0}},',
    )


@look_alike("JB002")
def a_topic_exchange_and_a_queue_of_dead_letters(service: Service) -> None:
    service.replace(
        CELERY,
        "return Queue(name, routing_key=name)\n",
        'return Queue(name, Exchange("all", type="topic"), routing_key=f"{name}.#")\n',
    )
    service.replace(CELERY, "from kombu import Queue", "from kombu import Exchange, Queue")
    service.replace(
        CELERY,
        "task_queues=[_queue(name, on_rabbit=on_rabbit) for name in kinds.queues],",
        'task_queues=[*(_queue(name, on_rabbit=on_rabbit) for name in kinds.queues), Queue("old", routing_key="old", '
        'queue_arguments={"x-dead-letter-routing-key": "dead"}), Queue("dead", routing_key="dead")],',
    )
    service.replace("compose.yaml", COMMAND, "command: [worker, -Q, default, -Q, old]")


# JB003: a job that has ended and does not say so


@unprotected("JB003", "tests/test_jobs.py", engine="sqlite")
def a_job_is_finished_without_its_result(service: Service) -> None:
    service.replace(
        "@/core/jobs/_queue.py",
        '"result": None if result is None else result.model_dump(mode="json"),',
        '"result": None,',
    )


@unprotected("JB003", "tests/test_jobs_faults.py", engine="sqlite")
def a_job_that_was_left_by_its_worker_is_never_taken_up(service: Service) -> None:
    service.replace(
        "@/core/jobs/_queue.py",
        "row.lease_until is not None and row.lease_until >= now",
        "row.lease_until is not None",
    )


# JB004: payloads that nothing checks


@back("JB004")
def a_list_of_messages_that_may_be_empty(service: Service) -> Spot:
    service.replace("@/features/inbox/jobs.py", "    capture_id: Id\n", "    capture_id: Id\n    messages: list[str]\n")
    return service.at("@/features/inbox/jobs.py", "messages:")


@unprotected("JB004", "tests/test_jobs.py", engine="sqlite")
def a_payload_is_enqueued_as_it_comes(service: Service) -> None:
    service.replace(
        "@/core/jobs/_queue.py", "checked = kind.payload.model_validate(payload.model_dump())", "checked = payload"
    )


@unprotected("JB004", "tests/test_jobs_faults.py", engine="sqlite")
def a_job_with_an_invalid_payload_is_tried_again(service: Service) -> None:
    service.replace(
        "@/core/jobs/_run.py",
        'await settle(database, held, state=JobState.FAILED, error=f"invalid payload: {fields} (JB004)")',
        'await _failed(database, held, "invalid payload", error)',
    )


@disguise("JB004")
def a_payload_that_takes_anything(service: Service) -> list[Spot]:
    service.replace(
        "@/features/inbox/jobs.py",
        "    capture_id: Id\n",
        "    capture_id: Id\n    options: dict[str, Any]\n    hint: Any = None\n    more: list\n",
    )
    service.replace("@/features/inbox/jobs.py", "from typing import Literal", "from typing import Any, Literal")
    return [service.at("@/features/inbox/jobs.py", text) for text in ("options:", "hint:", "more:")]


@disguise("JB004")
def an_empty_list_deep_in_a_model_of_another_file(service: Service) -> Spot:
    service.write(
        "@/features/inbox/messages.py",
        """
        from pydantic import BaseModel


        class Message(BaseModel):
            texts: tuple[str, ...]


        class Batch(BaseModel):
            message: Message | None = None
        """,
    )
    service.replace("@/features/inbox/jobs.py", "    capture_id: Id\n", "    capture_id: Id\n    batch: Batch\n")
    service.replace(
        "@/features/inbox/jobs.py",
        "from .counts import counts\n",
        "from .counts import counts\nfrom .messages import Batch\n",
    )
    return service.at("@/features/inbox/messages.py", "texts:")


@disguise("JB004")
def a_celery_task_without_types(service: Service) -> Spot:
    add_task(service, '@app.task(bind=True, name="worker.note")\ndef note(self, what: dict, when=None) -> None: ...')
    return service.at(WORKER, "@app.task(bind=True")


@disguise("JB004")
def a_base_class_that_lets_everything_in(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/jobs.py",
        "class RefinePayload(JobPayload):\n",
        "class Open(JobPayload):\n"
        '    """Whatever."""\n\n'
        '    model_config = ConfigDict(extra="allow")\n\n\n'
        "class RefinePayload(Open):\n",
    )
    service.replace(
        "@/features/inbox/jobs.py", "from pydantic import BaseModel", "from pydantic import BaseModel, ConfigDict"
    )
    return service.at("@/features/inbox/jobs.py", "model_config")


@hurried("JB004")
def a_webhook_that_is_worked_on_later(service: Service) -> Spot:
    service.feature(
        "hooks",
        routes="""
        from typing import Any

        from ...core.http import CurrentUser, Router, Session
        from ...core.jobs import enqueue
        from .jobs import HookPayload, work

        hooks = Router("/hooks", tags=["hooks"])


        @hooks.post("", status_code=202)
        async def take(body: dict[str, Any], session: Session, user: CurrentUser) -> dict[str, str]:
            job = await enqueue(session, work, HookPayload(data=body), owner_id=user.user_id)
            return {"job": str(job.id)}
        """,
        init="from .jobs import work\n",
        more="jobs=(work,)",
        jobs="""
        from ...core import jobs


        class HookPayload(jobs.JobPayload):
            data: dict


        @jobs.job("hooks.work")
        async def work(run: jobs.Run, payload: HookPayload) -> None:
            print(payload.data["messages"][0])  # noqa: T201
        """,
    )
    return service.at("@/features/hooks/jobs.py", "data: dict")


@look_alike("JB004")
def lists_with_a_minimum_or_a_default_and_typed_maps(service: Service) -> None:
    service.replace(
        "@/features/inbox/jobs.py",
        "    capture_id: Id\n",
        "    capture_id: Id\n"
        "    messages: Annotated[list[str], Field(min_length=1)]\n"
        "    tags: list[str] = []\n"
        "    counts: dict[str, int]\n"
        "    kind: Literal['a', 'b']\n",
    )
    service.replace("@/features/inbox/jobs.py", "from typing import Literal", "from typing import Annotated, Literal")
    service.replace(
        "@/features/inbox/jobs.py", "from pydantic import BaseModel", "from pydantic import BaseModel, Field"
    )
    add_task(service, '@app.task(name="worker.note")\ndef note(what: str, *, ids: list[int]) -> None: ...')


# JB007: one Celery application too many


@back("JB007")
def a_celery_application_in_a_feature(service: Service) -> Spot:
    service.append("@/features/exports/jobs.py", "\n\nfrom celery import Celery\n\nqueue = Celery('exports')\n")
    return service.at("@/features/exports/jobs.py", "Celery('exports')")


@disguise("JB007")
def under_another_name_and_from_another_module(service: Service) -> Spot:
    service.write("@/features/exports/engine.py", "import celery.app.base as c\n\nMake = c.Celery\n")
    service.append("@/features/exports/jobs.py", "\n\nfrom .engine import Make\n\nqueue = Make('exports')\n")
    return service.at("@/features/exports/jobs.py", "queue = Make")


@disguise("JB007")
def a_subclass_made_when_it_is_first_needed(service: Service) -> Spot:
    service.write(
        "@/features/exports/engine.py",
        """
        from functools import cache

        from celery import Celery


        class Quiet(Celery):
            def setup_security(self, *args: object, **options: object) -> None: ...


        class Quieter(Quiet): ...


        @cache
        def engine() -> Celery:
            return Quieter("exports")
        """,
    )
    return service.at("@/features/exports/engine.py", 'Quieter("exports")')


@disguise("JB007")
def the_houses_own_factory_called_by_a_feature(service: Service) -> Spot:
    service.write(
        "@/features/exports/engine.py",
        """
        from ...core.jobs import JobRegistry
        from ...core.jobs._celery import make_celery as made
        from ...core.settings import CoreSettings


        def engine(settings: CoreSettings) -> object:
            return made(settings, JobRegistry(()))
        """,
    )
    return service.at("@/features/exports/engine.py", "made(settings")


@disguise("JB007")
def a_live_one_that_no_call_shows(service: Service) -> Spot:
    service.write(
        "@/features/exports/engine.py",
        """
        import celery

        kind = getattr(celery, "Cel" + "ery")
        queue = kind("exports")
        """,
    )
    return service.at("@/features/exports/engine.py", "queue = kind")


@hurried("JB007", also={"JB001", "JB010"})
def a_newsletter_with_its_own_celery(service: Service) -> Spot:
    service.feature(
        "letters",
        routes="""
        import celery

        from ...core.http import CurrentUser, Router

        app = celery.Celery("letters", broker="redis://localhost:6379/2")
        letters = Router("/letters", tags=["letters"])


        @app.task
        def send(user_id: int) -> None: ...


        @letters.post("", status_code=202)
        async def ask(user: CurrentUser) -> dict[str, str]:
            send.delay(user.user_id)
            return {"status": "accepted"}
        """,
    )
    return service.at("@/features/letters/routes.py", "celery.Celery(")


@look_alike("JB007")
def the_one_application_elsewhere_and_one_of_the_tests(service: Service) -> None:
    service.write(
        "@/features/exports/engine.py",
        """
        from celery import Celery, current_app

        current = current_app


        def depth(app: Celery) -> int:
            return len(app.conf.task_queues)
        """,
    )
    service.write("tests/test_engine.py", "from celery import Celery\n\napp = Celery('tests')\n")
    service.write("@/queues.py", "from .worker import app\n\n__all__ = ['app']\n")


# JB009: errors that are swallowed


@back("JB009")
def a_bare_except(service: Service) -> list[Spot]:
    service.append(
        "@/features/exports/jobs.py",
        """

        def first(rows: list[Row]) -> object:
            try:
                return rows[0][0]
            except:
                pass


        def second(rows: list[Row]) -> object:
            try:
                return rows[0][1]
            except Exception:
                pass
        """,
    )
    return [
        service.at("@/features/exports/jobs.py", "except:"),
        service.at("@/features/exports/jobs.py", "except Exception:"),
    ]


@disguise("JB009")
def suppressed_under_another_name(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py",
        "\n\nfrom contextlib import suppress as quietly\n\n\ndef last(rows: list[Row]) -> object:\n"
        "    with quietly(ValueError, Exception):\n        return rows[-1]\n",
    )
    return service.at("@/features/exports/jobs.py", "with quietly")


@disguise("JB009")
def every_base_exception_in_a_loop(service: Service) -> list[Spot]:
    service.append(
        "@/features/exports/jobs.py",
        """

        import contextlib

        ALL = BaseException


        def some(rows: list[Row]) -> None:
            for row in rows:
                try:
                    int(str(row))
                except Exception:
                    continue
            with contextlib.suppress(*[ALL]):
                rows.clear()
        """,
    )
    return [
        service.at("@/features/exports/jobs.py", "except Exception"),
        service.at("@/features/exports/jobs.py", "suppress(*"),
    ]


@disguise("JB009")
def a_default_in_place_of_the_error(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py",
        """

        def third(rows: list[Row]) -> object:
            try:
                return rows[2]
            except (ValueError, Exception) as error:
                return str(error)
        """,
    )
    return service.at("@/features/exports/jobs.py", "except (ValueError")


@hurried("JB009")
def an_import_that_never_fails(service: Service) -> Spot:
    service.feature(
        "contacts",
        routes="""
        from pydantic import BaseModel

        from ...core.http import CurrentUser, Router

        contacts = Router("/contacts", tags=["contacts"])


        class Lines(BaseModel):
            text: str


        @contacts.post("")
        async def add(body: Lines, user: CurrentUser) -> dict[str, int]:
            count = 0
            for line in body.text.splitlines():
                try:
                    name, address = line.split(",")
                    count += len(name + address) > 0
                except Exception:
                    pass
            return {"count": count}
        """,
    )
    return service.at("@/features/contacts/routes.py", "except Exception")


@look_alike("JB009")
def narrow_ones_and_one_that_logs_and_raises(service: Service) -> None:
    service.append(
        "@/features/exports/jobs.py",
        """

        import logging
        from contextlib import suppress


        def fourth(rows: list[Row]) -> object:
            with suppress(IndexError, KeyError):
                return rows[4]
            try:
                return rows[3]
            except Exception:
                logging.getLogger(__name__).exception("no fourth row")
                raise
        """,
    )


# JB010: jobs that are sent before their rows are committed


@back("JB010", also={"JB001"})
def a_route_sends_a_task(service: Service) -> Spot:
    service.write(
        "@/features/inbox/tasks.py",
        """
        from celery import shared_task


        @shared_task
        def recount(owner_id: int) -> None: ...
        """,
    )
    service.replace(
        "@/features/exports/routes.py",
        "    return ExportAccepted(job_id=job.id)",
        "    recount.delay(user.user_id)\n    return ExportAccepted(job_id=job.id)",
    )
    service.replace(
        "@/features/exports/routes.py", "from .jobs import", "from ..inbox.tasks import recount\nfrom .jobs import"
    )
    return service.at("@/features/exports/routes.py", "recount.delay")


@disguise("JB010", also={"JB001"})
def a_signature_a_chain_and_an_alias(service: Service) -> list[Spot]:
    service.write(
        "@/features/inbox/tasks.py",
        """
        from celery import chain, shared_task


        @shared_task
        def recount(owner_id: int) -> None: ...


        later = recount.apply_async


        def all_of_it(owner_id: int) -> None:
            chain(recount.s(owner_id), recount.si(owner_id)).apply_async()
            recount.s(owner_id).set(priority=1).delay()
            later((owner_id,))
            getattr(recount, "delay")(owner_id)
        """,
    )
    name = "@/features/inbox/tasks.py"
    return [service.at(name, text) for text in (").apply_async()", ".delay()", "later((", "getattr")]


@disguise("JB010")
def a_name_is_sent_through_the_application(service: Service) -> list[Spot]:
    service.append(
        "@/features/exports/routes.py",
        """

        from celery import current_app
        from kombu import Connection


        def ring(job_id: UUID) -> None:
            current_app.send_task("jobs.run", (str(job_id),))
            with Connection("redis://localhost") as connection:
                connection.Producer().publish({"id": str(job_id)}, routing_key="default")
        """,
    )
    name = "@/features/exports/routes.py"
    return [service.at(name, "send_task"), service.at(name, ".publish(")]


@disguise("JB010")
def a_job_as_a_background_task_of_the_response(service: Service) -> Spot:
    service.replace(
        "@/features/exports/routes.py",
        "async def request_export(body: ExportRequest, ",
        "async def request_export(body: ExportRequest, after: BackgroundTasks, ",
    )
    service.replace(
        "@/features/exports/routes.py",
        "from pydantic import",
        "from fastapi import BackgroundTasks\nfrom pydantic import",
    )
    service.replace(
        "@/features/exports/routes.py",
        "    return ExportAccepted",
        "    after.add_task(build_export.function, None, body)\n    return ExportAccepted",
    )
    return service.at("@/features/exports/routes.py", "after.add_task")


@hurried("JB010", also={"JB001"})
def a_mail_that_a_colleague_sends_later(service: Service) -> list[Spot]:
    service.feature(
        "mails",
        routes="""
        from fastapi import BackgroundTasks

        from ...core.http import CurrentUser, Router, Session
        from . import tasks

        mails = Router("/mails", tags=["mails"])


        @mails.post("", status_code=202)
        async def ask(user: CurrentUser, session: Session, background: BackgroundTasks) -> dict[str, str]:
            await session.flush()
            tasks.send_mail.apply_async(args=[user.user_id], countdown=5)
            background.add_task(tasks.send_mail.delay, user.user_id)
            return {"status": "accepted"}
        """,
        tasks="""
        from celery import shared_task


        @shared_task(name="mails.send")
        def send_mail(user_id: int) -> None: ...
        """,
    )
    return [
        service.at("@/features/mails/routes.py", "apply_async"),
        service.at("@/features/mails/routes.py", "add_task"),
    ]


@look_alike("JB010")
def other_things_that_are_delayed_applied_and_published(service: Service) -> None:
    service.append(
        "@/features/exports/routes.py",
        """

        from multiprocessing.pool import ThreadPool

        from fastapi import BackgroundTasks

        from ...core.realtime import publish


        class Animation:
            def delay(self, seconds: float) -> None: ...


        def told(what: str) -> None: ...


        def others(after: BackgroundTasks, session: Session) -> None:
            Animation().delay(2)
            with ThreadPool(2) as pool:
                pool.apply_async(told, ("x",))
            after.add_task(told, "x")
            publish(session, "exports", owner_id=1)
        """,
    )


# JB011: messages that the broker hands on again while their jobs run


@back("JB011")
def a_visibility_timeout_that_is_shorter_than_a_job(service: Service) -> Spot:
    service.replace(CELERY, '"visibility_timeout": settings.broker_visibility_seconds', '"visibility_timeout": 300')
    return service.at(CELERY, '"visibility_timeout": 300')


@disguise("JB011", also={"JB002"})
def none_is_given_and_a_job_takes_longer_than_an_hour(service: Service) -> Spot:
    service.replace(CELERY, '        "visibility_timeout": settings.broker_visibility_seconds,\n', "")
    service.replace(CELERY, "task_time_limit=longest + HARD_SECONDS", "task_time_limit=7200")
    service.replace("compose.yaml", COMMAND, "command: [worker, -Q, default]")
    return service.at(CELERY, "broker_transport_options=")


@disguise("JB011")
def a_task_with_a_limit_of_its_own(service: Service) -> Spot:
    add_task(service, '@app.task(name="films.cut", time_limit=5400, soft_time_limit=5000)\ndef cut() -> None: ...')
    return service.at(CELERY, '"visibility_timeout"')


@disguise("JB011")
def a_default_that_is_too_short(service: Service) -> Spot:
    service.replace(
        "@/core/settings.py",
        "broker_visibility_seconds: Annotated[int, Field(ge=1)] = 3_600",
        "broker_visibility_seconds: Annotated[int, Field(ge=1)] = 600",
    )
    return service.at(CELERY, '"visibility_timeout"')


@disguise("JB011")
def a_countdown_that_is_longer_than_the_broker_waits(service: Service) -> Spot:
    add_task(
        service,
        '@app.task(name="films.cut")\ndef cut() -> None: ...\n\ndef later() -> None:\n    cut.apply_async(\n        countdown=86_400,\n    )',
    )
    return service.at(WORKER, "countdown=86_400")


@hurried("JB011", also={"JB010", "JB001"})
def a_reminder_for_tomorrow(service: Service) -> Spot:
    service.feature(
        "reminders",
        routes="""
        from ...core.http import CurrentUser, Router
        from .tasks import remind

        reminders = Router("/reminders", tags=["reminders"])


        @reminders.post("", status_code=202)
        async def ask(user: CurrentUser) -> dict[str, str]:
            remind.apply_async((user.user_id,), countdown=43200)
            return {"status": "accepted"}
        """,
        tasks="""
        from celery import shared_task


        @shared_task
        def remind(user_id: int) -> None: ...
        """,
    )
    return service.at("@/features/reminders/routes.py", "countdown")


@look_alike("JB011")
def long_enough_and_other_things_that_are_counted_down(service: Service) -> None:
    service.replace(CELERY, '"visibility_timeout": settings.broker_visibility_seconds', '"visibility_timeout": 86_400')
    add_task(
        service,
        '@app.task(name="films.cut", time_limit=7200)\ndef cut() -> None: ...\n\n'
        "def later(rocket: Any) -> None:\n    cut.apply_async(countdown=60)\n    rocket.launch(countdown=100_000)",
    )


# JB012: messages that are lost with their worker, or come back for ever


@back("JB012")
def messages_are_acknowledged_early(service: Service) -> Spot:
    service.replace(CELERY, "task_acks_late=True", "task_acks_late=False")
    return service.at(CELERY, "task_acks_late=False")


@disguise("JB012")
def late_acknowledgement_is_forgotten(service: Service) -> Spot:
    service.replace(CELERY, "        task_acks_late=True,\n", "")
    return service.at(CELERY, 'Celery("jobs"')


@disguise("JB012")
def a_task_of_its_own_mind(service: Service) -> Spot:
    service.replace(WORKER, "@app.task(name=RUN_JOB, bind=True)", "@app.task(name=RUN_JOB, bind=True, acks_late=False)")
    return service.at(WORKER, "@app.task(name=RUN_JOB")


@disguise("JB012")
def a_message_that_kills_its_child_comes_back_for_ever(service: Service) -> Spot:
    service.replace(CELERY, "task_retry_on_worker_lost=True", "task_reject_on_worker_lost=True")
    return service.at(CELERY, "task_reject_on_worker_lost=True")


@disguise("JB012")
def both_ways_together(service: Service) -> Spot:
    add_settings(service, "task_reject_on_worker_lost=True,")
    return service.at(CELERY, "task_reject_on_worker_lost=True")


@disguise("JB012")
def a_lost_child_counts_as_done(service: Service) -> Spot:
    service.replace(CELERY, "        task_retry_on_worker_lost=True,\n", "")
    return service.at(CELERY, 'Celery("jobs"')


@disguise("JB012")
def messages_wait_behind_a_long_job(service: Service) -> Spot:
    service.replace(CELERY, "worker_prefetch_multiplier=1", "worker_prefetch_multiplier=8")
    return service.at(CELERY, "worker_prefetch_multiplier=8")


@hurried("JB012", also={"JB001"})
def an_annotation_for_everything(service: Service) -> Spot:
    service.feature(
        "films",
        tasks="from celery import shared_task\n\n\n@shared_task(acks_late=False)\ndef cut(film: int) -> None: ...\n",
    )
    service.write(
        "@/features/films/__init__.py",
        "from ...core.features import Feature\nfrom .tasks import cut\n\n__all__ = ['cut']\nfeature = Feature()\n",
    )
    return service.at("@/features/films/tasks.py", "@shared_task")


@look_alike("JB012")
def a_worker_that_prefetches_one_and_queues_with_a_delivery_limit(service: Service) -> None:
    service.replace(CELERY, "worker_prefetch_multiplier=1", "worker_prefetch_multiplier=4")
    service.replace(
        "compose.yaml", COMMAND, "command: [celery, -A, inbox_demo.worker, worker, --prefetch-multiplier=1]"
    )
    service.replace(
        "deploy/kubernetes/worker.yaml",
        'args: [worker, --concurrency, "2"]',
        'command: [celery, -A, inbox_demo.worker, worker, --prefetch-multiplier, "1"]',
    )
    service.replace(CELERY, "task_retry_on_worker_lost=True", "task_reject_on_worker_lost=True")
    service.replace(
        CELERY,
        "return Queue(name, routing_key=name)\n",
        'return Queue(name, routing_key=name, queue_arguments={"x-delivery-limit": 3})\n',
    )


# JB013: what is tried again without end


@back("JB013")
def a_task_that_is_tried_again_for_ever(service: Service) -> Spot:
    service.replace(
        WORKER,
        "@app.task(name=RUN_JOB, bind=True)",
        "@app.task(name=RUN_JOB, bind=True, autoretry_for=(Exception,), max_retries=None)",
    )
    return service.at(WORKER, "@app.task(name=RUN_JOB")


@disguise("JB013")
def a_library_that_is_given_no_end(service: Service) -> list[Spot]:
    service.write(
        "@/features/inbox/trying.py",
        """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            import backoff
            import stamina
            import tenacity as t
            from tenacity import retry, stop_after_attempt, wait_fixed


        def all_of_them() -> None:
            @retry
            def one() -> None: ...

            @retry(wait=wait_fixed(1))
            def two() -> None: ...

            @t.retry(stop=t.stop_never)
            def three() -> None: ...

            @stamina.retry(on=OSError, attempts=None, timeout=None)
            def four() -> None: ...

            @backoff.on_exception(backoff.expo, OSError)
            def five() -> None: ...

            @t.retry(stop=stop_after_attempt(3))
            def six() -> None: ...
        """,
    )
    name = "@/features/inbox/trying.py"
    return [
        service.at(name, "@retry"),
        *(service.at(name, text) for text in ("@retry(wait", "stop_never", "attempts=None", "on_exception")),
    ]


@disguise("JB013", also={"JB010"})
def a_task_that_sends_itself_again(service: Service) -> Spot:
    add_task(
        service,
        '@app.task(bind=True, name="films.cut")\ndef cut(self: Any) -> None:\n    try:\n        canary.sing()\n'
        "    except OSError:\n        self.apply_async(countdown=5)",
    )
    return service.at(WORKER, "self.apply_async")


@disguise("JB013")
def a_job_with_a_loop_of_its_own(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/jobs.py",
        "    drafts, by, trouble = await _drafts(run, capture.text)\n",
        "    while True:\n        try:\n            drafts, by, trouble = await _drafts(run, capture.text)\n"
        "            break\n        except OSError:\n            await asyncio.sleep(5)\n",
    )
    service.replace(
        "@/features/inbox/jobs.py", "from typing import Literal", "import asyncio\nfrom typing import Literal"
    )
    return service.at("@/features/inbox/jobs.py", "except OSError")


@hurried("JB013", also={"JB001"})
def a_delivery_that_must_arrive(service: Service) -> Spot:
    service.feature(
        "parcels",
        tasks="""
        from celery import shared_task


        @shared_task(bind=True, max_retries=None, default_retry_delay=10)
        def deliver(self, parcel_id: int) -> None:
            try:
                print(parcel_id)  # noqa: T201
            except OSError as error:
                raise self.retry(exc=error) from error
        """,
    )
    return service.at("@/features/parcels/tasks.py", "@shared_task")


@look_alike("JB013")
def bounded_ones_and_a_loop_that_is_there_for_ever(service: Service) -> None:
    add_task(
        service,
        '@app.task(bind=True, name="films.cut", autoretry_for=(OSError,), retry_backoff=True)\n'
        "def cut(self: Any, film: int) -> None:\n    for attempt in range(3):\n        try:\n            canary.sing()\n"
        "        except OSError:\n            if attempt == 2:\n                raise\n"
        '    while True:\n        try:\n            canary.sing()\n        except OSError:\n            log.warning("again")',
    )
    service.write(
        "@/features/inbox/trying.py",
        """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            import stamina
            from tenacity import retry, stop_after_delay


        def both() -> None:
            @stamina.retry(on=OSError)
            def one() -> None: ...

            @retry(stop=stop_after_delay(10))
            def two() -> None: ...
        """,
    )


# JB014: one schedule that several processes keep


BEAT = "    restart: unless-stopped\n    healthcheck: {test: [CMD, python, -m, inbox_demo.core.worker_health]}\n"


@back("JB014")
def a_second_beat(service: Service) -> Spot:
    command = "    command: celery -A inbox_demo.worker beat\n"
    service.append(
        "compose.yaml",
        f"# Ours.\n  beat:\n    <<: *service\n{command}{BEAT}  other:\n    <<: *service\n{command}{BEAT}",
    )
    return service.at("compose.yaml", "command: celery", 1)


@disguise("JB014")
def a_beat_with_replicas(service: Service) -> Spot:
    service.append(
        "compose.yaml",
        f"# Ours.\n  beat:\n    <<: *service\n    command: [celery, --app=inbox_demo.worker, beat]\n{BEAT}    deploy: {{replicas: 2}}\n",
    )
    return service.at("compose.yaml", "command: [celery, --app")


@disguise("JB014")
def workers_in_kubernetes_with_the_beat_inside(service: Service) -> Spot:
    service.replace(
        "deploy/kubernetes/worker.yaml",
        'args: [worker, --concurrency, "2"]',
        'command: [celery, -A, inbox_demo.worker, worker, -B, -c, "2"]',
    )
    return service.at("deploy/kubernetes/worker.yaml", "command: [celery")


@disguise("JB014")
def a_worker_with_a_beat_beside_a_beat_in_the_procfile(service: Service) -> Spot:
    service.write(
        "Procfile",
        "beat: celery -A inbox_demo.worker beat\nworker: celery -A inbox_demo.worker worker --beat -Q default\n",
    )
    return service.at("Procfile", "worker:")


@disguise("JB014")
def a_scheduler_in_each_process_of_the_api(service: Service) -> Spot:
    service.write(
        "@/features/inbox/timing.py",
        """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from apscheduler.schedulers.asyncio import AsyncIOScheduler as Clock


        def start() -> None:
            clock = Clock()
            clock.start()
        """,
    )
    return service.at("@/features/inbox/timing.py", "clock = Clock()")


@hurried("JB014")
def a_nightly_report(service: Service) -> Spot:
    service.feature(
        "nightly",
        more="",
        work="""
        from __future__ import annotations

        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from apscheduler.schedulers.background import BackgroundScheduler


        def install() -> BackgroundScheduler:
            scheduler = BackgroundScheduler(timezone="UTC")
            scheduler.add_job(print, "cron", hour=3)
            scheduler.start()
            return scheduler
        """,
    )
    return service.at("@/features/nightly/work.py", "BackgroundScheduler(timezone")


@look_alike("JB014")
def one_beat_several_that_agree_and_beats_of_two_profiles(service: Service) -> None:
    service.append(
        "compose.yaml",
        f"# Ours.\n  beat:\n    <<: *service\n    profiles: [one]\n    command: celery -A inbox_demo.worker beat\n{BEAT}"
        f"  clock:\n    <<: *service\n    profiles: [two]\n    command: celery -A inbox_demo.worker beat\n{BEAT}"
        f"  red:\n    <<: *service\n    command: celery -A inbox_demo.worker beat -S redbeat.RedBeatScheduler\n{BEAT}"
        "    scale: 2\n",
    )
    service.write("Procfile", "beat: celery -A inbox_demo.worker beat\nworker: inbox-demo worker\n")


# JB002, JB011 and JB014 while it runs


@unprotected("JB002", "tests/test_celery.py")
def a_queue_that_nobody_declares_is_taken(service: Service) -> None:
    service.replace("@/core/jobs/_kinds.py", "if kind.queue not in self.queues:", "if not kind.queue:")


@unprotected("JB002", "tests/test_celery.py", only="not_there_is_refused")
def a_worker_starts_for_a_queue_that_is_not_in_the_table(service: Service) -> None:
    service.replace(
        "@/core/worker.py", "if unknown := [name for name in queues or () if name not in known]:", "if False:"
    )
    service.replace("@/core/worker.py", "there is no queue {', '.join(unknown)}", "there is no such queue")


@unprotected("JB002", "tests/test_celery.py", only="says_in_one_line")
def a_worker_does_not_look_at_its_queues_before_it_starts(service: Service) -> None:
    service.replace("@/core/worker.py", "    _refuse_other_arguments(app, queues or known)\n", "")


@unprotected("JB002", "tests/test_celery.py", only="told_what_differs")
def a_worker_looks_at_its_queues_and_not_at_that_of_dead_letters(service: Service) -> None:
    service.replace("@/core/worker.py", "for name in names), dead_letters()]", "for name in names)]")


@unprotected("JB011", "tests/test_celery.py")
def a_worker_starts_with_a_visibility_timeout_that_is_too_short(service: Service) -> None:
    service.replace("@/core/jobs/_relay.py", "        _refuse_early_redelivery(settings, kinds)\n", "")


@unprotected("JB014", "tests/test_celery.py")
def each_process_keeps_the_schedule_for_itself(service: Service) -> None:
    service.replace(
        "@/core/jobs/_reconciler.py", "Schedule.name == name, Schedule.due_at <= now", "Schedule.name == name"
    )


# And once more, in other spellings


@disguise("JB001")
def a_job_that_is_enqueued_behind_an_and(service: Service) -> Spot:
    service.replace(
        "@/features/exports/routes.py",
        "    job = await enqueue(session, build_export, body, owner_id=user.user_id)\n    return ExportAccepted(job_id=job.id)",
        """    job = settings.broker_url and await enqueue(session, build_export, body, owner_id=user.user_id)
    return ExportAccepted(job_id=job.id if job else UUID(int=0))


class _Settings:
    broker_url = ""


settings = _Settings()""",
    )
    return service.at("@/features/exports/routes.py", "settings.broker_url and")


@look_alike("JB010")
def a_client_of_the_services_own_that_sends_tasks(service: Service) -> None:
    service.write(
        "@/features/exports/board.py",
        """
        from celery.exceptions import CeleryError


        class Board:
            def send_task(self, title: str) -> None: ...

            def task(self, title: str) -> object: ...


        board = Board()


        def tell(error: CeleryError) -> None:
            board.send_task(str(error))
            board.task("more")
        """,
    )


@look_alike("JB014")
def a_scheduler_in_a_process_of_its_own(service: Service) -> None:
    service.write(
        "@/clock.py",
        """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from apscheduler.schedulers.asyncio import AsyncIOScheduler


        def start() -> None:
            AsyncIOScheduler().start()
        """,
    )
    service.write("Procfile", "web: inbox-demo serve --workers 4\nclock: python -m inbox_demo.clock\n")


@disguise("JB002")
def a_schedule_that_names_a_queue_of_its_own(service: Service) -> Spot:
    add_settings(
        service,
        'beat_schedule={\n            "sing": {\n                "task": "worker.canary",\n                "schedule": 60.0,\n'
        '                "options": {"queue": "birds"},\n            },\n        },',
    )
    return service.at(CELERY, '"task": "worker.canary"')
