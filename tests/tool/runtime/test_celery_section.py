"""The probe's section of the Celery application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from celery import Celery
from celery import _state as state
from hardened.records.celery import CeleryFacts, Delivery, Scheduled, Task, TaskName, UnknownSetting
from hardened.runtime.probe._world import Absent, Unreadable
from kombu import Exchange, Queue

from ._section import answer, section, world

HERE = Path(__file__)


@pytest.fixture(autouse=True)
def _no_shared_state() -> Iterator[None]:
    """Celery keeps applications, and functions to call with the next one, in its own modules."""
    finalizers = vars(state)["_on_app_finalizers"]
    before = set(finalizers)
    yield
    finalizers.intersection_update(before)


def application(**settings: Any) -> Celery:
    app = Celery("shop", set_as_current=False)
    app.conf.update(settings)
    return app


def nothing() -> None:
    """Run as a task."""


def facts(tmp_path: Path, app: object) -> CeleryFacts:
    return section("celery", CeleryFacts, world(tmp_path, HERE.parent, celery=app))


def task(found: CeleryFacts, name: str) -> Task:
    return next(each for each in found.tasks if each.name == name)


def test_settings_that_celery_has_none_of_come_with_advice(tmp_path: Path) -> None:
    app = application(
        task_autoretry_for=("OSError",),
        worker_prefetch_multiplyer=1,
        task_of_nobodys=1,
        redbeat_redis_url="redis://localhost",
    )
    assert facts(tmp_path, app).unknown == (
        UnknownSetting("task_autoretry_for", "give autoretry_for to the tasks themselves"),
        UnknownSetting("worker_prefetch_multiplyer", "did you mean worker_prefetch_multiplier?"),
        UnknownSetting("task_of_nobodys", "remove it"),
    )


def test_other_values_of_a_module_of_settings_are_no_settings(tmp_path: Path) -> None:
    class Settings:
        task_acks_late = True
        task_queue_of_ours = "is read by the project itself"
        CELERY_TASK_ALWAYS = True

    app = Celery("shop", set_as_current=False)
    app.config_from_object(Settings)
    found = facts(tmp_path, app)
    assert (found.unknown, found.settings.acks_late) == ((), True)


def test_tasks_have_their_options_and_the_lines_of_their_functions(tmp_path: Path) -> None:
    app = application(task_acks_late=True, task_soft_time_limit=60)

    @app.task(name="mail", max_retries=None, time_limit=600)
    def mail(to: str, *, options: dict, note=None) -> None: ...  # type: ignore[no-untyped-def,type-arg]

    @app.task(name="later")
    async def later(to: str) -> None: ...

    found = facts(tmp_path, app)
    assert [each.name for each in found.tasks] == ["later", "mail"]
    assert {"later", "mail", "celery.chord"} <= found.registered
    line = next(n for n, each in enumerate(HERE.read_text().splitlines(), 1) if 'name="mail", max' in each)
    assert task(found, "mail") == Task(
        "mail",
        task(found, "mail").location,
        acks_late=True,
        limit=600.0,
        max_retries=None,
        untyped=("options", "note"),
        delivery=Delivery(("celery",)),
    )
    assert tuple(task(found, "mail").location) == (HERE.name, line)
    assert (task(found, "later").is_coroutine, task(found, "later").limit) == (True, 60.0)


def test_a_pool_of_somebodys_own_may_await_tasks(tmp_path: Path) -> None:
    app = application(worker_pool="shop.pool:AsyncPool")

    @app.task(name="later")
    async def later() -> None: ...

    assert not task(facts(tmp_path, app), "later").is_coroutine


def test_each_message_is_followed_to_its_queues(tmp_path: Path) -> None:
    films = Exchange("films", type="topic")
    app = application(
        task_queues=[
            Queue("celery", routing_key="celery", queue_arguments={"x-dead-letter-routing-key": "dead"}),
            Queue("cut", films, routing_key="films.*.cut"),
            Queue("all", films, routing_key="films.#"),
        ],
        task_create_missing_queues=False,
        task_routes={
            "films.cut": {"exchange": "films", "exchange_type": "topic", "routing_key": "films.a.cut"},
            "films.lost": {"exchange": "films", "exchange_type": "topic", "routing_key": "music.a"},
            "nowhere": {"queue": "nowehre"},
        },
        beat_schedule={
            "hourly": {"task": "films.cut", "schedule": 60.0},
            "odd": {"task": "plain", "schedule": 60.0, "options": {"queue": "odd"}},
        },
    )
    for name in ("films.cut", "films.lost", "nowhere", "plain"):
        app.task(name=name)(nothing)
    found = facts(tmp_path, app)
    deliveries = {each.name: each.delivery for each in found.tasks}
    assert deliveries["plain"] == Delivery(("celery",))
    assert set(deliveries["films.cut"].queues) == {"cut", "all"}
    assert deliveries["films.lost"].problem == "no queue is bound to the exchange 'films' with 'music.a'"
    assert "nowehre" in deliveries["nowhere"].problem
    assert [each.entry for each in found.scheduled] == ["hourly", "odd"]
    assert "odd" in found.scheduled[1].delivery.problem
    assert found.dead_letters == {"dead"}
    assert not found.bounds_deliveries
    assert set(found.queues) == {"celery", "cut", "all"}
    assert {(each.queue, each.kind, each.key) for each in found.bindings} >= {("all", "topic", "films.#")}
    assert found.settings.declares_queues
    assert found.settings.has_routes
    assert not found.settings.creates_missing_queues


def test_a_router_that_wants_a_real_message_is_no_problem(tmp_path: Path) -> None:
    def router(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], options: Any, **_: Any) -> dict[str, str]:
        return {"queue": args[0]}

    app = application(task_routes=(router,))
    app.task(name="plain")(nothing)
    assert task(facts(tmp_path, app), "plain").delivery == Delivery()


def test_names_in_routes_annotations_and_schedules(tmp_path: Path) -> None:
    app = application(
        task_routes=([("mail.*", {"queue": "mail"}), ("exports.*", "exports"), (re.compile("ail"), "mail")],),
        task_annotations={"mail.gone": {"rate_limit": "10/s"}},
        beat_schedule={"often": {"task": "gone", "schedule": 60.0}},
    )
    app.task(name="mail.send")(nothing)
    found = facts(tmp_path, app)
    assert found.routed == (TaskName("mail.*", True), TaskName("exports.*", False), TaskName("ail", False))
    assert found.annotated == (TaskName("mail.gone", False),)
    assert [each.task for each in found.scheduled] == ["gone"]
    assert isinstance(found.scheduled[0], Scheduled)


def test_neither_the_broker_s_password_nor_its_host_is_answered(tmp_path: Path) -> None:
    app = application(broker_url="redis://:hunter2@broker.example/0", result_backend="redis://:hunter2@other/1")
    made = world(tmp_path, HERE.parent, celery=app)
    told = json.dumps(answer("celery", made))
    assert "hunter2" not in told
    assert "broker.example" not in told
    assert answer("celery", made)["settings"]["broker_scheme"] == "redis"


def test_other_applications_are_named_and_not_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, other = application(), Celery("other", set_as_current=False)
    other.config_from_object("no_such_module")
    module = ModuleType("shop_of_the_test")
    module.__file__ = str(tmp_path / "shop.py")
    (tmp_path / "shop.py").write_text("import celery\n\nqueue = make('other')\n")
    vars(module).update({"queue": other, "app": app})
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    found = section("celery", CeleryFacts, world(tmp_path, tmp_path, celery=app))
    assert [(name, tuple(location)) for name, location in found.further] == [("shop_of_the_test.queue", ("shop.py", 3))]
    assert not vars(other)["configured"]


def test_what_is_no_application_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"is a str, not a celery\.Celery"):
        answer("celery", world(tmp_path, tmp_path, celery="app"))
    with pytest.raises(Absent):
        answer("celery", world(tmp_path, tmp_path))


def test_a_module_of_tasks_that_ends_the_process_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tasks_that_end.py").write_text("import sys\nsys.exit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    app = application(imports=("tasks_that_end",))
    with pytest.raises(Unreadable, match="SystemExit: 3"):
        answer("celery", world(tmp_path, tmp_path, celery=app))
