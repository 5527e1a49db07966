"""JB: jobs, their queues, their payloads and their retries."""

from __future__ import annotations

import pytest
from hardened.model import DoesNotApply, Location
from hardened.records.celery import (
    Binding,
    CeleryFacts,
    CelerySettings,
    Delivery,
    Scheduled,
    Task,
    TaskName,
    UnknownSetting,
)
from hardened.records.diagnostics import Diagnostic
from hardened.records.settings import Model, OpenField
from hardened.rules.jb.jb001 import JB001
from hardened.rules.jb.jb002 import JB002
from hardened.rules.jb.jb004 import JB004
from hardened.rules.jb.jb007 import JB007
from hardened.rules.jb.jb009 import JB009
from hardened.rules.jb.jb010 import JB010
from hardened.rules.jb.jb011 import JB011
from hardened.rules.jb.jb012 import JB012
from hardened.rules.jb.jb013 import JB013
from hardened.rules.jb.jb014 import JB014

from .._project import Tree
from ._judged import judged, places

WORKER = """
from celery import Celery

app = Celery("shop")
app.config_from_object("shop.celeryconfig", namespace="CELERY")
"""
CONFIG = """
CELERY_TASK_QUEUES = {"celery": {}, "mail": {}}
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES = {"shop.tasks.send*": {"queue": "mail"}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300}
CELERY_BEAT_SCHEDULE = {
    "hourly": {"task": "shop.tasks.send", "schedule": 3600},
}
"""
TASKS = """
from celery import shared_task

@shared_task
def send(user_id: int) -> None:
    encode.apply_async(("x",), countdown=30)

@shared_task
def encode(path: str) -> str:
    return path
"""
PROCFILE = (
    "web: gunicorn shop:app\nworker: celery -A shop.worker worker -Q celery,mail\nbeat: celery -A shop.worker beat\n"
)
SEND = Task(
    "shop.tasks.send",
    Location("src/shop/tasks.py", 4),
    acks_late=True,
    retries_when_lost=True,
    limit=600.0,
    delivery=Delivery(("mail",)),
)
ENCODE = Task(
    "shop.tasks.encode",
    Location("src/shop/tasks.py", 8),
    acks_late=True,
    retries_when_lost=True,
    limit=600.0,
    delivery=Delivery(("celery",)),
)
SETTINGS = CelerySettings(
    creates_missing_queues=False,
    declares_queues=True,
    has_routes=True,
    acks_late=True,
    retries_when_lost=True,
    prefetch_multiplier=1,
    broker_scheme="redis",
    transport_options=("visibility_timeout",),
    visibility_timeout=3600.0,
)


def celery(settings: CelerySettings = SETTINGS, **changed: object) -> CeleryFacts:
    """A well-kept Celery application, with these things changed."""
    well = {
        "settings": settings,
        "registered": frozenset({"shop.tasks.send", "shop.tasks.encode", "celery.chord"}),
        "tasks": (SEND, ENCODE),
        "queues": ("celery", "mail"),
        "consumed": ("celery", "mail"),
        "bindings": (Binding("celery", "celery", "direct", "celery"), Binding("mail", "mail", "direct", "mail")),
        "routed": (TaskName("shop.tasks.send*", True),),
        "scheduled": (Scheduled("hourly", "shop.tasks.send", Delivery(("mail",))),),
    }
    return CeleryFacts(**{**well, **changed})  # type: ignore[arg-type]  # a dictionary of its fields


def set_to(**changed: object) -> CelerySettings:
    """The settings of a well-kept application, with these changed."""
    return CelerySettings(**{**vars(SETTINGS), **changed})


def task(**changed: object) -> Task:
    """A well-kept task, with these things changed."""
    return Task(**{**vars(SEND), **changed})


@pytest.fixture
def shop(tree: Tree) -> Tree:
    """A well-kept service with plain Celery."""
    tree.settings(
        """
        celery = "shop.worker:app"
        dispatchers = ["shop.worker", "shop.tasks"]
        job-decorators = ["shop.jobs.job"]
        hand-on = ["shop.jobs.enqueue"]
        """
    )
    return tree.write(
        {
            "Procfile": PROCFILE,
            "src/shop/worker.py": WORKER,
            "src/shop/celeryconfig.py": CONFIG,
            "src/shop/tasks.py": TASKS,
            "src/shop/jobs.py": "def job(name): ...\n\ndef enqueue(payload): ...\n",
        }
    )


def at(tree: Tree, name: str, text: str, nth: int = 0) -> tuple[str, int]:
    return name, tree.line(name, text, nth)


CELERYCONFIG = "src/shop/celeryconfig.py"
CELERY_RULES = (JB002, JB004, JB007, JB011, JB012, JB013, JB014)


@pytest.mark.parametrize("rule", CELERY_RULES, ids=[each.__name__ for each in CELERY_RULES])
def test_a_well_kept_service_with_plain_celery_is_silent(shop: Tree, rule: type) -> None:
    assert judged(rule, shop, celery=celery()) == []


def test_a_project_without_celery_is_told_apart_from_a_silent_one(tree: Tree) -> None:
    report = tree.report("JB")
    assert (report.findings, report.could_not_look) == ((), ())
    assert {"JB001", "JB004", "JB010"} <= {each.code for each in report.not_applicable}


# JB001


def test_a_task_outside_of_the_dispatchers_needs_a_worker(shop: Tree) -> None:
    shop.write({"src/shop/more.py": "from celery import shared_task as background\n\n@background\ndef count(): ...\n"})
    assert places(judged(JB001, shop)) == [("src/shop/more.py", 3)]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("    if not settings.worker_enabled:\n        return None\n    enqueue(payload)", 4),
        ("    if settings.celery_url:\n        enqueue(payload)", 4),
        ("    if settings.broker_url:\n        enqueue(payload)\n        return\n    log.info('off')", 4),
        ("    with session:\n        if not settings.queue_on:\n            return\n        enqueue(payload)", 5),
        ("    return enqueue(payload) if settings.worker_enabled else None", 4),
        ("    return settings.worker_enabled and enqueue(payload)", 4),
        ("    if not settings.worker_enabled:\n        return work(payload)\n    enqueue(payload)", None),
        ("    if settings.broker_url:\n        enqueue(payload)\n    else:\n        work(payload)", None),
        ("    if settings.broker_url:\n        enqueue(payload)\n        return\n    work(payload)", None),
        ("    if not payload.wanted:\n        return\n    enqueue(payload)", None),
        ("    if not settings.worker_enabled:\n        raise RuntimeError\n    enqueue(payload)", None),
    ],
)
def test_a_dispatch_that_is_left_out(shop: Tree, body: str, line: int | None) -> None:
    text = f"from .jobs import enqueue\nfrom .work import work\ndef send(session, settings, payload, log):\n{body}\n"
    shop.write({"src/shop/sending.py": text, "src/shop/work.py": "def work(payload): ...\n"})
    assert places(judged(JB001, shop)) == ([] if line is None else [("src/shop/sending.py", line)])


# JB002


def test_a_setting_that_celery_has_none_of(shop: Tree) -> None:
    shop.write({CELERYCONFIG: CONFIG + "CELERY_TASK_AUTORETRY_FOR = (OSError,)\n"})
    unknown = UnknownSetting("task_autoretry_for", "give autoretry_for to the tasks themselves")
    (finding,) = judged(JB002, shop, celery=celery(unknown=(unknown,)))
    assert tuple(finding.location) == at(shop, CELERYCONFIG, "AUTORETRY")
    assert finding.hint == unknown.hint


@pytest.mark.parametrize("declares", [True, False])
def test_missing_queues_that_are_made(shop: Tree, declares: bool) -> None:
    shop.write({CELERYCONFIG: CONFIG.replace("MISSING_QUEUES = False", "MISSING_QUEUES = True")})
    settings = set_to(creates_missing_queues=True, declares_queues=declares, has_routes=False)
    found = places(judged(JB002, shop, celery=celery(settings)))
    assert found == [at(shop, CELERYCONFIG, "MISSING_QUEUES")]


def test_one_queue_that_nobody_declared_is_silent(shop: Tree) -> None:
    shop.write({"Procfile": "worker: celery -A shop.worker worker -B\n"})
    settings = set_to(creates_missing_queues=True, declares_queues=False, has_routes=False)
    one = celery(
        settings,
        tasks=(ENCODE,),
        queues=("celery",),
        consumed=("celery",),
        routed=(),
        bindings=(Binding("celery", "celery", "direct", "celery"),),
        scheduled=(),
    )
    assert judged(JB002, shop, celery=one) == []


def test_names_under_which_no_task_is_registered(shop: Tree) -> None:
    shop.write(
        {
            CELERYCONFIG: CONFIG.replace('"shop.tasks.send"', '"shop.tasks.gone"').replace("send*", "sent*"),
            "src/shop/worker.py": WORKER + 'app.send_task("shop.tasks.lost")\n',
        }
    )
    found = celery(
        routed=(TaskName("shop.tasks.sent*", False),),
        annotated=(TaskName("shop.tasks.later", False),),
        scheduled=(Scheduled("hourly", "shop.tasks.gone"),),
    )
    assert places(judged(JB002, shop, celery=found)) == [
        at(shop, CELERYCONFIG, "sent*"),
        at(shop, "src/shop/worker.py", "Celery("),
        at(shop, CELERYCONFIG, "shop.tasks.gone"),
        at(shop, "src/shop/worker.py", "send_task"),
    ]


def test_messages_that_no_queue_gets_are_one_finding_for_each_reason(shop: Tree) -> None:
    lost = Delivery(problem="there is no queue 'mial'")
    tasks = (task(name="a", delivery=lost), task(name="b", delivery=lost), ENCODE)
    scheduled = (Scheduled("hourly", "shop.tasks.send", Delivery(problem="there is no queue 'hour'")),)
    findings = judged(JB002, shop, celery=celery(tasks=tasks, scheduled=scheduled, queues=("celery",)))
    assert [each.message for each in findings if "no queue gets" in each.message] == [
        "no queue gets what the schedule 'hourly' sends: there is no queue 'hour'",
        "no queue gets what is sent for a, b: there is no queue 'mial'",
    ]


def test_a_task_that_is_a_coroutine(shop: Tree) -> None:
    found = judged(JB002, shop, celery=celery(tasks=(task(is_coroutine=True), ENCODE)))
    assert places(found) == [("src/shop/tasks.py", 4)]


def test_a_pattern_on_a_direct_exchange(shop: Tree) -> None:
    bindings = (Binding("celery", "celery", "direct", "celery"), Binding("mail", "all", "direct", "mail.#"))
    (finding,) = judged(JB002, shop, celery=celery(bindings=bindings))
    assert tuple(finding.location) == at(shop, CELERYCONFIG, "TASK_QUEUES")
    assert "takes it for a name" in finding.message
    topic = (bindings[0], Binding("mail", "all", "topic", "mail.#"))
    assert judged(JB002, shop, celery=celery(bindings=topic)) == []
    routed = celery(set_to(route_keys=("post",)), bindings=(Binding("mail", "all", "direct", "post"),))
    assert judged(JB002, shop, celery=routed) == []


@pytest.mark.parametrize(
    ("procfile", "found"),
    [
        ("worker: celery -A shop.worker worker -Q celery\n", ["takes from the queue 'mail'"]),
        ("worker: celery -A shop.worker worker -X mail\n", ["takes from the queue 'mail'"]),
        ("worker: celery -A shop.worker worker -Q celery,mail,vidoe\n", ["'vidoe', and there is no such queue"]),
        ("worker: celery -A shop.worker worker\n", []),
        ("worker: celery -A shop.worker worker -Q $QUEUES\n", []),
        ("a: celery -A shop.worker worker -Q celery\nb: celery -A shop.worker worker -Q mail\n", []),
        ("web: gunicorn shop:app\n", []),
    ],
)
def test_queues_and_the_workers_that_take_from_them(shop: Tree, procfile: str, found: list[str]) -> None:
    shop.write({"Procfile": procfile})
    findings = judged(JB002, shop, celery=celery())
    assert [any(text in each.message for each in findings) for text in found] == [True] * len(findings)
    assert places(findings) == [("Procfile", 1)] * len(found)


def test_a_declared_queue_to_which_nothing_is_sent(shop: Tree) -> None:
    shop.write({"Procfile": PROCFILE.replace("celery,mail", "celery,mail,old")})
    queues = ("celery", "mail", "old")
    (finding,) = judged(JB002, shop, celery=celery(queues=queues, consumed=queues))
    assert "nothing is sent to it" in finding.message
    dead = celery(queues=("celery", "mail", "dead"), dead_letters=frozenset({"dead"}))
    assert judged(JB002, shop.write({"Procfile": PROCFILE}), celery=dead) == []


@pytest.mark.parametrize("queue", ["FILMS", "queues.FILMS", "MAIL", "queues.MAIL", "f'films-{path}'", "None"])
def test_a_queue_that_a_call_names(shop: Tree, queue: str) -> None:
    tasks = f"from . import queues\nfrom .queues import FILMS, MAIL\n{TASKS.replace('countdown=30', f'queue={queue}')}"
    shop.write({"src/shop/tasks.py": tasks, "src/shop/queues.py": 'FILMS: str = "films"\nMAIL = "mail"\n'})
    finds = queue.endswith("FILMS")
    found = places(judged(JB002, shop, celery=celery()))
    assert found == [at(shop, "src/shop/tasks.py", "queue=")] * finds


# JB004


def test_payloads_that_nothing_checks(shop: Tree) -> None:
    shop.write(
        {
            "src/shop/payloads.py": "class Line: ...\n\nclass Cut:\n    lines: list\n",
            "src/shop/films.py": "from .jobs import job\nfrom .payloads import Cut\n\n@job('cut')\nasync def cut(run, payload: Cut): ...\n",
        }
    )
    inner = OpenField(
        "Line.text", "is Any, which takes anything", "give it a type", Location("src/shop/payloads.py", 1)
    )
    models = {
        "shop.payloads.Cut": Model(("shop.payloads.Cut",), (), ("shop.payloads.Line",)),
        "shop.payloads.Line": Model(("shop.payloads.Line",), (inner,), ("shop.payloads.Cut",)),
        "shop.payloads.Other": Model(("shop.payloads.Other",), (inner,)),
    }
    (finding,) = judged(JB004, shop, models=models, celery=celery())
    assert (finding.location, finding.hint) == (inner.location, "give it a type")
    assert judged(JB004, shop, celery=celery()) == []


def test_parameters_of_tasks_without_types(shop: Tree) -> None:
    found = judged(JB004, shop, celery=celery(tasks=(task(untyped=("what", "when")), ENCODE)))
    assert [each.message for each in found] == [
        "the task shop.tasks.send takes what, when without a type that is checked"
    ]


# JB007


def test_a_second_application_in_source_and_one_that_only_running_shows(shop: Tree) -> None:
    shop.write({"src/shop/other.py": "import celery.app.base as c\n\nMake = c.Celery\nqueue = Make('other')\n"})
    further = (("shop.hidden.queue", Location("src/shop/hidden.py", 4)),)
    assert places(judged(JB007, shop, celery=celery(further=further))) == [
        ("src/shop/other.py", 4),
        ("src/shop/hidden.py", 4),
    ]


def test_the_factory_of_the_project_is_called_by_its_dispatchers_alone(shop: Tree) -> None:
    shop.write(
        {
            "src/shop/worker.py": "from .queues import make\n\napp = make()\n",
            "src/shop/queues.py": "from celery import Celery\n\ndef make() -> Celery:\n    return Celery('shop')\n",
            "src/shop/other.py": "from .queues import make\n\nown = make()\n",
        }
    )
    assert places(judged(JB007, shop, celery=celery())) == [("src/shop/other.py", 3)]


# JB009


def test_errors_that_are_swallowed(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/x.py": "from contextlib import suppress\n\nwith suppress(ValueError, Exception):\n    work()\n"
            "with suppress(KeyError):\n    work()\n"
        }
    )
    lint = {
        "JB009": [
            Diagnostic("E722", "Do not use bare `except`.", Location("src/shop/y.py", 4)),
            Diagnostic("BLE001", "The same line once more", Location("src/shop/y.py", 4)),
        ]
    }
    assert places(judged(JB009, tree, lint=lint)) == [("src/shop/x.py", 3), ("src/shop/y.py", 4)]


# JB010


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("from .tasks import send\nsend.delay(1)", True),
        ("from .tasks import send\nlater = send.s(1).set(priority=1).apply_async\nlater()", True),
        ("from .tasks import send\ngetattr(send, 'delay')(1)", True),
        ("from celery import current_app\ncurrent_app.send_task('x')", True),
        ("from kombu import Producer\nproducer = Producer()\nproducer.publish({})", True),
        ("from rq import Queue\nqueue = Queue()\nqueue.enqueue(print)", True),
        ("from .tasks import send\ndef ask(after):\n    after.add_task(send, 1)", True),
        ("def told(): ...\ndef ask(after):\n    after.add_task(told, 1)", False),
        ("from .tasks import send\nsend(1)", False),
        ("from multiprocessing.pool import Pool\npool = Pool()\npool.apply_async(print)", False),
    ],
)
def test_jobs_that_are_sent_before_their_rows_are_committed(shop: Tree, text: str, finds: bool) -> None:
    shop.write({"src/shop/routes.py": text + "\n"})
    last = len(text.splitlines())
    assert places(judged(JB010, shop)) == ([("src/shop/routes.py", last)] if finds else [])


# JB011


def test_a_visibility_timeout_that_is_shorter_than_a_job(shop: Tree) -> None:
    found = judged(JB011, shop, celery=celery(set_to(visibility_timeout=300.0)))
    assert places(found) == [at(shop, CELERYCONFIG, "visibility_timeout")]
    shop.write({CELERYCONFIG: CONFIG.replace('{"visibility_timeout": 300}', "{}")})
    long = celery(set_to(visibility_timeout=None), tasks=(task(limit=3600.0),))
    (finding,) = judged(JB011, shop, celery=long)
    assert finding.message.startswith("no visibility_timeout is given, so it is 3600 s")
    assert tuple(finding.location) == at(shop, CELERYCONFIG, "TRANSPORT_OPTIONS")


def test_a_countdown_that_is_longer_than_the_broker_waits(shop: Tree) -> None:
    shop.write({"src/shop/tasks.py": TASKS.replace("countdown=30", "countdown=86_400")})
    assert places(judged(JB011, shop, celery=celery())) == [at(shop, "src/shop/tasks.py", "countdown")]
    unlimited = celery(tasks=(task(limit=None),))
    assert judged(JB011, shop.write({"src/shop/tasks.py": TASKS}), celery=unlimited) == []


def test_another_broker_is_not_judged(shop: Tree) -> None:
    elsewhere = celery(set_to(broker_scheme="amqp", transport_options=()))
    with pytest.raises(DoesNotApply, match="not Redis"):
        judged(JB011, shop, celery=elsewhere)


# JB012


@pytest.mark.parametrize(
    ("changed", "tasks", "found"),
    [
        ({"acks_late": False}, (task(acks_late=False),), "task_acks_late is False"),
        ({}, (task(acks_late=False), ENCODE), "shop.tasks.send: acks_late is off"),
        (
            {"rejects_when_lost": True, "retries_when_lost": False},
            (SEND,),
            "task_reject_on_worker_lost is True: a message",
        ),
        ({"rejects_when_lost": True}, (SEND,), "task_reject_on_worker_lost is True: together"),
        ({"retries_when_lost": False}, (task(retries_when_lost=False),), "task_retry_on_worker_lost is False"),
        ({}, (task(rejects_when_lost=True),), "shop.tasks.send: reject_on_worker_lost is on"),
        ({"prefetch_multiplier": 4}, (SEND,), "worker_prefetch_multiplier is 4"),
        ({"prefetch_multiplier": 4}, (task(limit=30.0),), ""),
        ({"prefetch_multiplier": 4, "disables_prefetch": True}, (SEND,), ""),
        ({"retries_when_lost": None}, (task(retries_when_lost=False),), ""),
        ({"retries_when_lost": False}, (task(),), ""),
    ],
)
def test_messages_that_are_lost_with_their_worker(
    shop: Tree, changed: dict[str, object], tasks: tuple[Task, ...], found: str
) -> None:
    messages = [each.message for each in judged(JB012, shop, celery=celery(set_to(**changed), tasks=tasks))]
    assert [each[: len(found)] for each in messages] == ([found] if found else [])


def test_settings_are_named_where_they_are_written(shop: Tree) -> None:
    off = celery(set_to(acks_late=False), tasks=(task(acks_late=False),))
    shop.write({CELERYCONFIG: CONFIG.replace("ACKS_LATE = True", "ACKS_LATE = False")})
    assert places(judged(JB012, shop, celery=off)) == [at(shop, CELERYCONFIG, "ACKS_LATE")]
    shop.write({CELERYCONFIG: CONFIG.replace("CELERY_TASK_ACKS_LATE = True\n", "")})
    assert places(judged(JB012, shop, celery=off)) == [at(shop, "src/shop/worker.py", "Celery(")]


def test_workers_that_prefetch_one_and_queues_with_a_limit_of_deliveries(shop: Tree) -> None:
    shop.write({"Procfile": "worker: celery -A shop.worker worker --prefetch-multiplier=1\n"})
    settings = set_to(prefetch_multiplier=4, rejects_when_lost=True)
    assert judged(JB012, shop, celery=celery(settings, bounds_deliveries=True)) == []
    with pytest.raises(DoesNotApply, match="no task"):
        judged(JB012, shop, celery=celery(tasks=()))


# JB013


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("from tenacity import retry\n\n@retry\ndef f(): ...", [3]),
        ("from tenacity import retry, wait_fixed\n\n@retry(wait=wait_fixed(1))\ndef f(): ...", [3]),
        ("import tenacity as t\n\n@t.retry(stop=t.stop_never)\ndef f(): ...", [3]),
        ("import stamina\n\n@stamina.retry(on=OSError, attempts=None, timeout=None)\ndef f(): ...", [3]),
        ("import backoff\n\n@backoff.on_exception(backoff.expo, OSError)\ndef f(): ...", [3]),
        ("import tenacity as t\n\n@t.retry(stop=t.stop_after_attempt(3))\ndef f(): ...", []),
        ("import stamina\n\n@stamina.retry(on=OSError)\ndef f(): ...", []),
        ("import backoff\n\n@backoff.on_exception(backoff.expo, OSError, max_tries=3)\ndef f(): ...", []),
    ],
)
def test_retries_of_libraries_without_a_bound(shop: Tree, text: str, lines: list[int]) -> None:
    shop.write({"src/shop/trying.py": text + "\n"})
    assert places(judged(JB013, shop)) == [("src/shop/trying.py", line) for line in lines]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("    try:\n        work()\n    except OSError:\n        self.apply_async(countdown=5)", 8),
        ("    for _ in range(9):\n        self.retry(throw=False)", 6),
        (
            "    while True:\n        try:\n            work()\n            break\n        except OSError:\n            pass",
            9,
        ),
        ("    while True:\n        try:\n            work()\n        except OSError:\n            log('again')", None),
        (
            "    for attempt in range(3):\n        try:\n            work()\n        except OSError:\n            pass",
            None,
        ),
    ],
)
def test_jobs_that_try_again_without_end(shop: Tree, body: str, line: int | None) -> None:
    shop.write(
        {"src/shop/tasks.py": f"from celery import shared_task\n\n@shared_task(bind=True)\ndef cut(self):\n{body}\n"}
    )
    assert places(judged(JB013, shop)) == ([] if line is None else [("src/shop/tasks.py", line)])


def test_a_task_that_celery_tries_again_for_ever(shop: Tree) -> None:
    (finding,) = judged(JB013, shop, celery=celery(tasks=(task(max_retries=None), ENCODE)))
    assert finding.location == SEND.location


# JB014


@pytest.mark.parametrize(
    ("procfile", "lines"),
    [
        ("a: celery -A shop beat\nb: celery -A shop beat\n", [2]),
        ("a: celery -A shop beat\nb: celery -A shop worker -B\n", [2]),
        ("a: celery -A shop beat\nb: celery -A shop worker\n", []),
        (
            "a: celery -A shop beat -S redbeat.RedBeatScheduler\nb: celery -A shop beat -S redbeat.RedBeatScheduler\n",
            [],
        ),
    ],
)
def test_processes_that_keep_one_schedule(shop: Tree, procfile: str, lines: list[int]) -> None:
    shop.write({"Procfile": procfile})
    assert places(judged(JB014, shop)) == [("Procfile", line) for line in lines]


def test_schedulers_that_agree_may_be_several(shop: Tree) -> None:
    shop.write({"Procfile": "a: celery -A shop beat\nb: celery -A shop beat\n"})
    agreeing = celery(set_to(beat_scheduler="redbeat.schedulers:RedBeatScheduler"))
    assert judged(JB014, shop, celery=agreeing) == []


def test_beats_with_replicas_and_beats_of_two_profiles(shop: Tree) -> None:
    beat = "command: celery -A shop beat"
    shop.write(
        {
            "Procfile": "web: gunicorn shop:app\n",
            "compose.yaml": f"""
            services:
              one:
                {beat}
                profiles: [one]
              two:
                {beat}
                profiles: [two]
            """,
        }
    )
    assert judged(JB014, shop) == []
    shop.write({"compose.yaml": f"services:\n  one:\n    {beat}\n    deploy: {{replicas: 2}}\n"})
    assert places(judged(JB014, shop)) == [("compose.yaml", 3)]


def test_a_scheduler_in_each_process_of_a_server(shop: Tree) -> None:
    shop.write(
        {
            "Procfile": "web: gunicorn shop:app --workers 4\n",
            "src/shop/clock.py": "from apscheduler.schedulers.asyncio import AsyncIOScheduler as Clock\n\nclock = Clock()\n",
        }
    )
    assert places(judged(JB014, shop)) == [("src/shop/clock.py", 3)]
    shop.write({"Procfile": "web: gunicorn shop:app --workers 4\nclock: python -m shop.clock\n"})
    assert judged(JB014, shop) == []
