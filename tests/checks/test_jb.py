"""JB in services that were not made here: plain Celery, configured from a module, with queues in a Procfile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import _state

from service.checks import _processes as processes
from service.checks._findings import Place
from service.checks._workers import beats, workers

from ._project import Project

CONFIGURED = """
[tool.hardening]
package = "shop"
celery = "shop.worker:app"
dispatchers = ["shop.worker", "shop.tasks"]
"""
WORKER = """
from celery import Celery

app = Celery("shop")
app.config_from_object("shop.celeryconfig", namespace="CELERY")
app.autodiscover_tasks(["shop"])

@app.on_after_configure.connect
def schedule(sender, **options):
    sender.add_periodic_task(30.0, sender.signature("shop.tasks.send"), name="often")
"""
SETTINGS = """
import os
from datetime import timedelta

DEBUG = True
CELERY_BROKER_URL = os.environ.get("BROKER", "redis://localhost/0")
CELERY_TASK_QUEUES = {"celery": {}, "mail": {}, "video": {}}
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES = {"shop.tasks.send*": {"queue": "mail"}, "shop.tasks.encode": "video"}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULE = {
    "hourly": {"task": "shop.tasks.send", "schedule": timedelta(hours=1)},
}
"""
TASKS = """
from celery import shared_task
from .worker import app

@shared_task(bind=True, autoretry_for=(OSError,), max_retries=5, default_retry_delay=60)
def send(self, user_id: int = 0) -> None:
    encode.apply_async(("x",), countdown=30)

@app.task
def encode(path: str) -> str:
    return path

@app.task
def plain() -> None:
    send.delay(1)
"""
PROCFILE = "web: gunicorn shop:app\nworker: celery -A shop.worker worker -Q celery,mail,video\nbeat: celery -A shop.worker beat\n"


@pytest.fixture(autouse=True)
def _shared_tasks_of_one_project() -> Iterator[None]:
    """Celery keeps shared tasks for every application that is made later in the process."""
    finalizers = vars(_state)["_on_app_finalizers"]
    before = set(finalizers)
    yield
    finalizers.intersection_update(before)


def shop(project: Project, **changed: str) -> Project:
    files = {
        "pyproject.toml": CONFIGURED,
        "Procfile": PROCFILE,
        "src/shop/worker.py": WORKER,
        "src/shop/celeryconfig.py": SETTINGS,
        "src/shop/tasks.py": TASKS,
    }
    return project.write(files | {name.replace("__", "/"): text for name, text in changed.items()})


def told(project: Project) -> set[tuple[str, str | None, int | None]]:
    report = project.run("JB")
    assert not report.could_not_look, report.could_not_look
    return {(each.code, each.file, each.line) for each in report.findings}


def test_a_well_kept_service_with_plain_celery_is_silent(project: Project) -> None:
    assert told(shop(project)) == set()


def test_what_is_wrong_with_it_is_named_where_it_stands(project: Project) -> None:
    settings = SETTINGS.replace("MISSING_QUEUES = False", "MISSING_QUEUES = True")
    settings = settings.replace("ACKS_LATE = True", "ACKS_LATE = False").replace("= 600", "= 4000")
    settings = settings.replace('"task": "shop.tasks.send"', '"task": "shop.tasks.gone"')
    settings += 'CELERY_TASK_AUTORETRY_FOR = ("OSError",)\n'
    tasks = TASKS.replace("max_retries=5", "max_retries=None").replace(
        "def encode(path: str)", "async def encode(path: dict)"
    )
    shop(project).write(
        {
            "src/shop/celeryconfig.py": settings,
            "src/shop/tasks.py": tasks,
            "Procfile": PROCFILE.replace(",video", ",vidoe").replace("-Q", "-B -Q"),
        }
    )

    def at(name: str, text: str, code: str) -> tuple[str, str, int]:
        return code, name, project.line(name, text)

    config, module = "src/shop/celeryconfig.py", "src/shop/tasks.py"
    assert told(project) == {
        at(config, "CREATE_MISSING", "JB002"),
        at(config, "AUTORETRY", "JB002"),
        at(config, "shop.tasks.gone", "JB002"),
        at(module, "@app.task", "JB002"),
        at("Procfile", "worker:", "JB002"),
        at(module, "@app.task", "JB004"),
        at("src/shop/worker.py", 'Celery("shop")', "JB011"),
        at(config, "ACKS_LATE", "JB012"),
        at(module, "@shared_task", "JB013"),
        at("Procfile", "beat:", "JB014"),
    }


def test_queues_that_calls_and_workers_name_are_compared(project: Project) -> None:
    tasks = TASKS.replace("countdown=30)", "countdown=30, queue=FILMS)").replace(
        "\n@shared", '\nFILMS = "films"\n\n@shared'
    )
    shop(project).write({"src/shop/tasks.py": tasks})
    call = "src/shop/tasks.py", project.line("src/shop/tasks.py", "queue=FILMS")
    assert told(project) == {("JB002", *call)}
    project.write({"Procfile": None})
    assert told(project) == {("JB002", *call)}
    settings = SETTINGS.replace('"video": {}', '"video": {}, "films": {}, "old": {}')
    project.write({"src/shop/celeryconfig.py": settings, "Procfile": PROCFILE.replace(",video", ",video,films,old")})
    # Something is sent to films; nothing to old.
    worker = "Procfile", project.line("Procfile", "worker:")
    assert told(project) == {("JB002", *worker)}
    assert ["'old'" in each.message for each in project.run("JB002").findings] == [True]


def test_a_service_with_one_queue_and_nothing_declared_is_silent(project: Project) -> None:
    settings = "\n".join(
        line
        for line in SETTINGS.splitlines()
        if not line.startswith(("CELERY_TASK_QUEUES", "CELERY_TASK_ROUTES", "CELERY_TASK_CREATE"))
    )
    shop(project).write(
        {
            "src/shop/celeryconfig.py": settings,
            "Procfile": "worker: celery --app=shop.worker worker -B --concurrency=2\n",
        }
    )
    assert told(project) == set()


def test_a_project_without_celery_does_not_need_it(project: Project) -> None:
    report = project.write({"pyproject.toml": '[tool.hardening]\npackage = "shop"\n'}).run("JB")
    assert (report.findings, report.could_not_look) == ((), ())
    assert {"JB001", "JB002", "JB007", "JB011", "JB012"} <= {each.code for each in report.not_applicable}


@pytest.mark.parametrize(
    ("command", "kind", "queues"),
    [
        ("celery -A worker beat", "", None),
        ("celery -A worker flower", "", None),
        ("celery -A beat worker -Qa,b", "worker", ("a", "b")),
        ("python -m celery --app=shop worker --queues a --queues=b", "worker", ("a", "b")),
        ("sh -c 'cd /app && exec celery -A shop worker -Q a'", "worker", ("a",)),
        ("/venv/bin/shop worker --queue=a -Q b", "worker", ("a", "b")),
        ("shop serve --workers 4", "", None),
    ],
)
def test_what_a_command_starts(command: str, kind: str, queues: tuple[str, ...] | None) -> None:
    process = processes.Process("procfile", "it", processes.command(command), shell=False, place=Place())
    found = list(workers([process], ["shop worker"]))
    assert [each.queues for each in found] == ([queues] if kind == "worker" else [])
    assert bool(list(beats([process], ["shop worker"]))) == command.endswith(" beat")


LEFT_OUT = """
def send(session, settings, payload):
{}
"""


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("    if not settings.worker_enabled:\n        return None\n    enqueue(payload)", 3),
        ("    if settings.celery_url:\n        enqueue(payload)", 3),
        ("    if settings.broker_url:\n        enqueue(payload)\n        return\n    log.info('off')", 3),
        ("    with session:\n        if not settings.queue_on:\n            return\n        enqueue(payload)", 4),
        ("    return enqueue(payload) if settings.worker_enabled else None", 3),
        ("    if not settings.worker_enabled:\n        return work(payload)\n    enqueue(payload)", None),
        ("    if settings.broker_url:\n        enqueue(payload)\n    else:\n        work(payload)", None),
        ("    if settings.broker_url:\n        enqueue(payload)\n        return\n    work(payload)", None),
        ("    if not payload.wanted:\n        return\n    enqueue(payload)", None),
        ("    if not settings.worker_enabled:\n        raise RuntimeError\n    enqueue(payload)", None),
    ],
)
def test_a_dispatch_that_is_left_out(project: Project, body: str, line: int | None) -> None:
    imports = "from .queue import enqueue, work"
    project.write(
        {
            "pyproject.toml": CONFIGURED.replace('celery = "shop.worker:app"', 'hand-on = ["shop.queue.enqueue"]'),
            "src/shop/queue.py": "def enqueue(payload): ...\n\ndef work(payload): ...\n",
            "src/shop/sending.py": imports + LEFT_OUT.format(body),
        }
    )
    found = [(each.file, each.line) for each in project.run("JB001").findings]
    assert found == ([] if line is None else [("src/shop/sending.py", line)])
