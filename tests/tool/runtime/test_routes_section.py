"""The probe's sections about routes, on applications of a few lines."""

from __future__ import annotations

import functools
import json
import sys
import types
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.security import OAuth2PasswordBearer
from hardened.config.table import Config
from hardened.runtime.probe import _routing as routing
from hardened.runtime.probe import _schemas as schemas
from hardened.runtime.probe import addresses, late_dependencies, routes, steps
from hardened.runtime.probe._world import Absent, Unreadable, World
from pydantic import BaseModel, Field, SecretStr, model_validator
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Host, Mount, Route

from ._in_process import world_of

HERE = __name__
ROOT = Path(__file__).parent


def world(application: object, **config: Any) -> World:
    return world_of(Config(ROOT, **config), application)


def table(application: object, **config: Any) -> dict[str, Any]:
    """The section `routes`, which has to be JSON."""
    gathered: dict[str, Any] = json.loads(json.dumps(routes.gather(world(application, **config))))
    return gathered


def own(gathered: dict[str, Any]) -> list[dict[str, Any]]:
    """The routes that are not those of the documentation."""
    return [each for each in gathered["routes"] if not each["endpoint"]["dotted"].startswith("fastapi.")]


def read_it() -> None: ...


async def read_other(request: Request) -> None:
    del request


class Door:
    """An object that is called."""

    def __call__(self) -> None: ...

    def method(self) -> None: ...


def test_routes_come_in_the_order_in_which_they_answer() -> None:
    app, router = FastAPI(), APIRouter(prefix="/r")
    app.get("/first")(read_it)
    app.include_router(router)
    app.mount("/sub/{a}", Starlette(routes=[Route("/{a}/x", read_other)]))
    app.router.routes.append(Host("a.example", Starlette(routes=[Route("/hosted", read_other)])))
    router.get("/{number:int}")(read_it)  # after it was included
    found = own(table(app))
    assert [(each["path"], each["kind"], each["host"]) for each in found] == [
        ("/first", "http", ""),
        ("/r/{number:int}", "http", ""),
        ("/sub/{a}", "mount", ""),
        ("/sub/{a}/{a}/x", "http", ""),
        ("/hosted", "http", "a.example"),
    ]
    assert found[3]["pattern"] == "/sub/([^/]+)/([^/]+)/x$"
    assert found[1]["witness"] == "/r/7"
    [position] = found[3]["within"]
    assert table(app)["routes"][position]["path"] == "/sub/{a}"


@pytest.mark.parametrize(
    ("endpoint", "name", "kind"),
    [
        (read_it, "read_it", "function"),
        (functools.partial(read_it), "partial", "function"),
        (Door(), "Door", "object"),
        (Door().method, "Door.method", "function"),
    ],
)
def test_endpoints_are_named_and_located_inside_of_their_wrappers(endpoint: Any, name: str, kind: str) -> None:
    app = FastAPI()
    app.get("/x")(endpoint)
    [found] = own(table(app))
    assert (found["endpoint"]["name"], found["endpoint"]["kind"]) == (name, kind)
    file, line = found["endpoint"]["body"]
    text = Path(__file__).read_text(encoding="utf-8").splitlines()[line - 1]
    assert file == Path(__file__).name
    assert text.strip().startswith("def ")


class Endless:
    """A middleware around itself."""

    @property
    def app(self) -> Endless:
        return self


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        (object(), "has no routes"),
        (Endless(), "has no routes"),
        (FastAPI(), "no route of its own"),
        (Starlette(routes=[type("Odd", (BaseRoute,), {})(), Route("/x", read_other)]), "cannot see into Odd"),
    ],
)
def test_a_table_that_cannot_be_read_is_no_table(application: object, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        table(application)


def test_a_project_without_starlette_has_no_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "Route", None)
    for section in (routes, steps, late_dependencies):
        with pytest.raises(Absent):
            section.gather(world(FastAPI()))


def test_an_older_fastapi_is_read_where_its_table_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()
    app.get("/x")(read_it)
    now = [each["path"] for each in table(app)["routes"]]
    for module in (routing, routes):
        monkeypatch.setattr(module, "iter_route_contexts", None)
    assert [each["path"] for each in table(app)["routes"]] == now
    app.include_router(APIRouter())
    with pytest.raises(Unreadable, match=r"of this FastAPI; 0\.165 and newer show it"):
        table(app)


# Models


class Period(BaseModel):
    start: date
    end: date


class Checked(Period):
    @model_validator(mode="after")
    def ordered(self) -> Checked:
        if not 0 <= (self.end - self.start).days <= 400:
            raise ValueError("0 to 400 days")
        return self


class Wide(Period):
    @model_validator(mode="after")
    def ordered(self) -> Wide:
        if self.end < self.start:
            raise ValueError("exchange them")
        return self


class Hostile(Period):
    other: Any

    @model_validator(mode="after")
    def ordered(self) -> Hostile:
        raise RuntimeError("no sample is right")


@pytest.mark.parametrize(
    ("model", "problem"),
    [(Period, "which is before it"), (Wide, "takes a range of 36,525 days"), (Checked, ""), (Hostile, "")],
)
def test_ranges_of_a_body_are_tried_out(model: type[BaseModel], problem: str) -> None:
    [found] = schemas.pairs({name: each.annotation for name, each in model.model_fields.items()})
    assert problem in schemas.range_problem(model, found)
    assert bool(problem) == bool(schemas.range_problem(model, found))


class Shown(BaseModel):
    name: str
    digest: str | None = Field(default=None, serialization_alias="password_hash")
    hidden: SecretStr
    left_out: str = Field(default="", exclude=True)
    count: int


class Paging(BaseModel):
    limit: int = 20
    size: int = Field(default=20, le=100)


def test_what_a_route_takes_and_gives_is_data() -> None:
    app = FastAPI()

    @app.post("/{number}", response_model=list[Shown], response_model_exclude={"name"}, max_body_size=9)
    def made(number: int, body: Period, limit: int, top: str, min_price: float, max_price: float = 1.0) -> Any: ...

    [found] = own(table(app))
    [dependant] = found["dependants"]
    assert (dependant["path"], dependant["body"]) == (["number"], ["body"])
    assert dependant["query"] == ["limit", "top", "min_price", "max_price"]
    assert dependant["query_ranges"] == [{"lower": "min_price", "upper": "max_price", "required": True}]
    assert [each["name"] for each in dependant["numbers"]] == ["limit"]
    [period] = dependant["body_models"]
    assert (period["model"], period["upper"], period["location"][1]) == ("Period", "end", line_of("    end: date"))
    response = found["response"]
    assert (response["is_list"], response["anything"], response["excluded"]) == (True, False, ["name"])
    assert [each["shown_as"] for each in response["texts"]] == ["name", "password_hash"]
    assert response["texts"][1]["location"] == [Path(__file__).name, line_of("    digest:")]
    assert (found["body"], found["limits_body"]) == (True, True)


def line_of(text: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, each in enumerate(lines, 1) if each.startswith(text))


def test_numbers_in_a_model_of_the_query_are_tried_out() -> None:
    app = FastAPI()

    @app.get("/x")
    def listed(paging: Annotated[Paging, Query()]) -> Any: ...

    [found] = own(table(app))
    [number] = found["dependants"][0]["numbers"]
    assert (number["name"], number["model"], number["location"][1]) == ("limit", "Paging", line_of("    limit:"))


@pytest.mark.parametrize(
    ("kind", "lower", "upper"),
    [
        (date, "start", "end"),
        (date, "valid_from", "valid_to"),
        (datetime, "createdAfter", "createdBefore"),
        (date | None, "from_", "until"),
        (float, "min_price", "max_price"),
        (int, "from_year", "to_year"),
    ],
)
def test_names_of_ranges(kind: object, lower: str, upper: str) -> None:
    assert [found[:2] for found in schemas.pairs({upper: kind, "name": str, lower: kind})] == [(lower, upper)]


@pytest.mark.parametrize(
    ("kind", "lower", "upper"),
    [
        (int, "from_account", "to_account"),
        (int, "after", "before"),
        (str, "first_name", "last_name"),
        (time, "opens_from", "opens_to"),
        (date, "start", "end_reason"),
        (bool, "min_set", "max_set"),
    ],
)
def test_names_that_are_no_range(kind: object, lower: str, upper: str) -> None:
    assert list(schemas.pairs({lower: kind, upper: kind})) == []


@pytest.mark.parametrize("annotation", [Any, None, dict, dict[str, Any], list[Any], BaseModel, Any | None], ids=str)
def test_responses_that_show_everything(annotation: object) -> None:
    app = FastAPI()
    app.get("/x", response_model=annotation)(read_it)
    [found] = own(table(app))
    assert found["response"]["anything"]


# Authentication, applications, steps


def required() -> None: ...


def needs(name: str) -> Any:
    def check() -> str:
        return name

    return check


class Role:
    def __call__(self) -> None: ...


def test_dependencies_are_compared_with_what_the_configuration_names() -> None:
    names = tuple(f"{HERE}:{name}" for name in ("required", "needs", "Role", "gone"))
    app = FastAPI()
    app.get("/x", dependencies=[Depends(required), Depends(needs("a")), Depends(Role()), Depends(read_it)])(read_it)
    [found] = own(table(app, authentication=names))
    assert [each["authentication"] for each in found["dependants"]] == [[], [names[0]], [names[1]], [names[2]], []]
    known = addresses.gather(world(app, authentication=names, body_limits=(f"{HERE}:Door",)))
    assert known[names[3]] is None
    door, need = known[f"{HERE}:Door"], known[names[0]]
    assert door is not None
    assert door["identity"] == id(Door)
    assert need is not None
    assert need["dotted"] == f"{HERE}.required"


def test_a_scheme_counts_where_it_refuses_by_itself() -> None:
    app = FastAPI()
    schemes = [Depends(OAuth2PasswordBearer("t")), Depends(OAuth2PasswordBearer("t", auto_error=False))]
    app.get("/x", dependencies=schemes)(read_it)
    [found] = own(table(app))
    assert [each["scheme"] for each in found["dependants"]] == [False, True, False]


def test_middleware_is_named_with_its_origins_and_no_other_option() -> None:
    inner = FastAPI(middleware=[Middleware(CORSMiddleware, ["*"], allow_credentials=True)])
    inner.get("/x")(read_it)
    outer = CORSMiddleware(inner, allow_origin_regex="https://.*")
    [found] = table(outer)["applications"]
    assert [each["cors"] for each in found["middleware"]] == [
        {"origins": [], "origin_regex": "https://.*", "credentials": False},
        {"origins": ["*"], "origin_regex": None, "credentials": True},
    ]


def test_middleware_of_an_older_starlette_keeps_its_options_together() -> None:
    app = FastAPI()
    app.get("/x")(read_it)
    older = types.SimpleNamespace(cls=CORSMiddleware, options={"allow_origins": ["*"], "allow_credentials": True})
    app.user_middleware.append(older)  # type: ignore[arg-type]  # as it was before 0.35
    [found] = table(app)["applications"]
    assert found["middleware"][0]["cors"]["credentials"] is True


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_handlers_and_lifespans_of_applications() -> None:
    async def life(app: FastAPI) -> Any:
        yield

    app, router = FastAPI(lifespan=life), APIRouter()
    app.get("/x")(read_it)
    router.on_event("startup")(read_it)
    app.include_router(router)
    app.router.on_event("shutdown")(required)
    app.mount("/sub", FastAPI())
    served, mounted = table(app)["applications"]
    assert (served["runs_events"], mounted["runs_events"]) == (False, True)
    assert served["lifespan"]["name"].endswith("life")
    assert mounted["lifespan"] is None
    assert [each["function"]["name"] for each in served["event_handlers"] if not each["run"]] == ["required"]


def session() -> Iterator[int]:
    yield 1


def user(number: Annotated[int, Depends(session)]) -> int:
    return number


def test_dependencies_with_a_yield_are_late_unless_they_end_with_the_function() -> None:
    app = FastAPI()
    app.get("/x")(read_it)
    app.get("/early", dependencies=[Depends(session, scope="function")])(read_it)
    assert late_dependencies.gather(world(app)) == []
    app.get("/late", dependencies=[Depends(user)])(read_it)
    [found] = late_dependencies.gather(world(app))
    assert (found["name"], found["location"][1]) == ("session", line_of("def session"))


def test_steps_are_the_endpoint_and_its_dependencies_innermost_first() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/{name}", dependencies=[Depends(user)])(read_other)
    app.post("/only-post")(read_it)
    app.router.routes.append(Mount("/sub", routes=[Route("/y", read_other)]))
    named, mounted = steps.gather(world(app))
    assert [(each["name"], each["threaded"]) for each in named["steps"]] == [
        ("read_other", False),
        ("session", True),
        ("user", True),
    ]
    assert (named["pattern"], mounted["pattern"]) == ("/([^/]+)$", "/sub/y$")
    assert "builtins.int" in named["steps"][2]["types"]


def test_a_module_that_fails_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ends_at_import.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    assert addresses.gather(world(None, authentication=("ends_at_import:x",))) == {"ends_at_import:x": None}
    assert "ends_at_import" not in sys.modules


def test_a_model_that_fails_hides_no_other_route(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(model: type[BaseModel], found: object) -> str:
        raise TypeError(f"{model.__name__} {found is None}")

    app = FastAPI()

    @app.post("/x")
    def made(body: Period, limit: int) -> Shown:
        raise NotImplementedError

    app.get("/y")(read_it)
    monkeypatch.setattr(schemas, "range_problem", fail)
    gathered = table(app)
    assert [each["path"] for each in own(gathered)] == ["/x", "/y"]
    assert gathered["unread"].endswith("made cannot be looked into: TypeError: Period False")
    assert [each["name"] for each in own(gathered)[0]["response"]["texts"]] == ["name", "digest"]
