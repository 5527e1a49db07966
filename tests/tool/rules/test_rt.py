"""RT003 to RT011: on applications of a few lines in other people's ways, and on facts that are made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from time import process_time

import pytest
from hardened.config.table import Config
from hardened.knowledge.secret_fields import is_secret_field
from hardened.model import CouldNotLook, Finding, Location
from hardened.records.diagnostics import Diagnostic
from hardened.records.routes import (
    Application,
    CodeRef,
    Cors,
    Dependant,
    EventHandler,
    ExceptionHandler,
    Middleware,
    ModelRange,
    OpenNumber,
    ParameterRange,
    Response,
    Route,
    RoutingTable,
    TextField,
)
from hardened.rules.rt.rt001 import RT001
from hardened.rules.rt.rt002 import RT002
from hardened.rules.rt.rt003 import RT003
from hardened.rules.rt.rt004 import RT004
from hardened.rules.rt.rt005 import RT005
from hardened.rules.rt.rt006 import RT006
from hardened.rules.rt.rt007 import RT007
from hardened.rules.rt.rt008 import RT008
from hardened.rules.rt.rt009 import RT009
from hardened.rules.rt.rt010 import RT010
from hardened.rules.rt.rt011 import RT011
from hardened.source.call_graph import CallGraph
from hardened.source.tree import Source

from ..runtime._project import write
from ._shop import Shop

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

Base = declarative_base()
engine = create_engine("sqlite://")
SessionLocal = sessionmaker(engine)

class Account(Base):
    __tablename__ = "accounts"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    hashed_password = Column(String)

class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    customer = Column(ForeignKey("accounts.id"), index=True)

def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
MAIN = """
from typing import List, Optional

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel
from sqlalchemy.orm import Session

from .models import Account, Order, get_db

app = FastAPI()
oauth2 = OAuth2PasswordBearer("token")


class OrderOut(BaseModel):
    id: int


def current(db: Session = Depends(get_db), token: str = Depends(oauth2)) -> Account:
    return db.query(Account).filter(Account.name == token).first()


@app.get("/alive")
def alive():
    return {"ok": True}
"""


def found(shop: Shop, code: str, more: str, config: str = "") -> list[tuple[str | None, int | None]]:
    """Locations that a rule names, once this is added to the application."""
    shop.write({"src/shop/models.py": MODELS, "src/shop/main.py": MAIN + more})
    return shop.settings(config).found(code)


def at(shop: Shop, text: str) -> list[tuple[str, int]]:
    return [("src/shop/main.py", shop.line("src/shop/main.py", text))]


@pytest.mark.parametrize(
    ("code", "key"), [("RT004", "owner-columns"), ("RT005", "authentication"), ("RT007", "no route takes a body")]
)
def test_what_is_not_configured_or_not_there_is_not_judged(shop: Shop, code: str, key: str) -> None:
    shop.write({"src/shop/models.py": MODELS, "src/shop/main.py": MAIN})
    report = shop.report(code)
    assert not report.findings
    [absent] = report.not_applicable
    assert key in absent.reason


@pytest.mark.parametrize("code", ["RT003", "RT006", "RT008", "RT009", "RT010", "RT011"])
def test_a_small_service_is_silent(shop: Shop, code: str) -> None:
    assert found(shop, code, "") == []


ORDER = """
@app.get("/orders/{{number}}", response_model=OrderOut)
def order(number: int, db: Session = Depends(get_db), user: Account = Depends(current)):
    {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "return db.query(Order).filter(Order.id == number).first()",
        "return db.query(Order).get(number)",
        "return db.query(Order).filter_by(id=number).one()",
        "return db.get(Order, int(number))",
    ],
)
def test_rows_of_anybody_in_the_old_way(shop: Shop, body: str) -> None:
    lines = found(shop, "RT004", ORDER.format(body=body), 'owner-columns = ["customer"]')
    assert lines == at(shop, "    " + body)


@pytest.mark.parametrize(
    "body",
    [
        "return db.query(Order).filter(Order.id == number, Order.customer == user.id).first()",
        "return db.query(Order).filter_by(id=number, customer=user.id).one()",
        "return db.get(Account, number)",
        "row = db.get(Order, number)\n    if row.customer != user.id: raise HTTPException(404)\n    return row",
    ],
)
def test_rows_with_their_owner_in_the_old_way(shop: Shop, body: str) -> None:
    assert found(shop, "RT004", ORDER.format(body=body), 'owner-columns = ["customer"]') == []


def test_authentication_by_a_dependency_or_a_scheme(shop: Shop) -> None:
    config = 'authentication = ["shop.main:current"]\npublic-routes = ["GET /alive"]'
    more = """
admin = APIRouter(prefix="/admin", dependencies=[Depends(current)])

@admin.get("/a")
def one(): ...

@app.get("/b")
def two(token: str = Depends(oauth2)): ...

@app.get("/c")
def three(): ...

app.include_router(admin)
"""
    assert found(shop, "RT005", more, config) == at(shop, '@app.get("/c")')


def test_the_names_of_both_lists_have_to_stand_for_something(shop: Shop) -> None:
    config = 'authentication = ["shop.main:gone"]\npublic-routes = ["* /alive", "GET /gone"]'
    assert found(shop, "RT005", "", config) == [("pyproject.toml", None)] * 2


def test_lists_in_the_old_way(shop: Shop) -> None:
    more = """
@app.get("/orders", response_model=List[OrderOut])
def orders(skip: int = 0, limit: int = 100, db: Session = Depends(get_db)):
    return db.query(Order).offset(skip).limit(limit).all()

@app.get("/all", response_model=List[OrderOut])
def everything(db: Session = Depends(get_db)):
    rows = db.query(Order).all()
    return rows
"""
    lines = found(shop, "RT006", more)
    assert lines == [*at(shop, '@app.get("/orders"'), *at(shop, "rows = db.query(Order)")]


BODY = """
@app.post("/orders")
def make(order: OrderOut) -> OrderOut:
    return order
"""


def test_bodies_with_a_limit_of_fastapis_own_or_none(shop: Shop) -> None:
    assert found(shop, "RT007", BODY) == at(shop, "app = FastAPI()")
    limited = BODY.replace('"/orders"', '"/orders", max_body_size=1000')
    assert found(shop, "RT007", limited) == []


def test_a_middleware_of_ones_own_is_named(shop: Shop) -> None:
    more = """
class Limit:
    def __init__(self, app): self.app = app

app.add_middleware(Limit)
"""
    assert found(shop, "RT007", BODY + more) == at(shop, "app = FastAPI()")
    assert found(shop, "RT007", BODY + more, 'body-limits = ["shop.main:Limit"]') == []


def test_a_response_without_a_model(shop: Shop) -> None:
    more = """
@app.get("/me")
def me(user: Account = Depends(current)):
    return user

@app.get("/you", response_model=OrderOut)
def you(user: Account = Depends(current)):
    return user
"""
    assert found(shop, "RT008", more) == at(shop, '@app.get("/me")')


def test_exceptions_that_are_shown(shop: Shop) -> None:
    more = """
class Refused(Exception): ...

@app.get("/one")
def one(db: Session = Depends(get_db)):
    try:
        return {"one": str(db.query(Order).first().id)}
    except Refused as error:
        raise HTTPException(400, str(error))
    except Exception as e:
        raise HTTPException(status_code=500, detail=f"failed: {e}")
"""
    assert found(shop, "RT009", more) == at(shop, "status_code=500")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_handlers_without_a_lifespan_run(shop: Shop) -> None:
    more = """
router = APIRouter()

@router.on_event("startup")
def warm(): ...

@app.on_event("startup")
def hot(): ...

app.include_router(router, prefix="/x")
app.include_router(APIRouter(), prefix="/y")
"""
    assert found(shop, "RT011", more) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_handlers_beside_a_lifespan_do_not(shop: Shop) -> None:
    more = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def life(app):
    yield

app = FastAPI(lifespan=life)

@app.get("/alive")
def alive(): ...

router = APIRouter()

@router.on_event("startup")
def warm(): ...

@app.on_event("shutdown")
def cold(): ...

app.include_router(router, prefix="/x")
"""
    # FastAPI runs those of a router that is included, with the router's own lifespan.
    assert found(shop, "RT011", more) == at(shop, '@app.on_event("shutdown")')


def test_two_dates_that_stand_alone(shop: Shop) -> None:
    more = """
from datetime import date

@app.get("/report", response_model=OrderOut)
def report(date_from: date, date_to: Optional[date] = None, db: Session = Depends(get_db)):
    {}
    return OrderOut(id=db.query(Order).count())
"""
    assert found(shop, "RT003", more.format("pass")) == at(shop, '@app.get("/report"')
    checked = "if date_to and date_to < date_from: raise HTTPException(422)"
    assert found(shop, "RT003", more.format(checked)) == []


def test_tests_and_files_of_others_are_not_judged(shop: Shop, tmp_path: Path) -> None:
    shop.write({"tests/test_x.py": "from fastapi import FastAPI\napp = FastAPI(debug=True)\n"})
    assert found(shop, "RT009", "") == []


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "hashed_password",
        "passwordHash",
        "api_key",
        "apiKey",
        "client_secret",
        "reset_token",
        "token_digest",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_field(name)


@pytest.mark.parametrize(
    "name", ["token_type", "next_token", "content_hash", "key", "secret_name", "password_changed", "monkey", "digest"]
)
def test_names_that_only_sound_like_it(name: str) -> None:
    assert not is_secret_field(name)


# Facts that are made by hand

FILE = "src/shop/main.py"


def source(root: Path, text: str, config: str = "") -> Source:
    """The source of `shop.main`, and nothing that runs."""
    write(root, {"src/shop/__init__.py": "", FILE: text})
    return Source(Config(root.resolve(), package="shop"))


def code(name: str, line: int, *, identity: int = 0) -> CodeRef:
    """A function of `shop.main` that begins at this line."""
    place = Location(FILE, line)
    return CodeRef(identity or line, name, f"shop.main.{name}", "function", place, place)


def route(name: str = "show", line: int = 1, path: str = "/x", method: str = "GET", **more: object) -> Route:
    """A route of FastAPI; its own function is its first dependant."""
    endpoint = code(name, line)
    values = {"dependants": (Dependant(endpoint),), "response": Response(), **more}
    return Route("http", frozenset({method}), path, f"{path}$", path, endpoint, **values)  # type: ignore[arg-type]  # given as they are


def lines(findings: Iterable[Finding]) -> list[tuple[str, int | None]]:
    return [(each.code, each.location.line) for each in findings]


def test_rt001_names_the_route_that_never_runs() -> None:
    before, after = route("one", 3), route("two", 7)
    [finding] = RT001().check([before, after])
    assert lines([finding]) == [("RT001", 7)]
    assert finding.message == f"GET /x: two ({FILE}:7) never runs: one ({FILE}:3) answers /x first"
    assert list(RT001().check([before, route("two", 7, method="POST"), route("three", 9, "/y")])) == []


def test_rt002_repeats_what_mypy_does_not_find() -> None:
    place = Location(FILE, 4)
    [finding] = RT002().check([Diagnostic("attr-defined", '"Row" has no attribute "name"', place)])
    assert (finding.location, finding.hint) == (place, "name what is there")
    assert list(RT002().check([])) == []


RANGE = ModelRange("Period", "start", "end", True, "takes end before start", Location(FILE, 9))


def test_rt003_reports_a_model_once_and_leaves_filters_alone(tmp_path: Path) -> None:
    tree = source(tmp_path, "")
    graph = CallGraph(tree)
    dependant = Dependant(code("show", 1), body_models=(RANGE,))
    twice = RoutingTable((route(dependants=(dependant,)), route(path="/y", dependants=(dependant,))))
    assert lines(RT003().check(twice, graph, tree.config)) == [("RT003", 9)]
    filters = Dependant(
        code("show", 1), query_models=(ModelRange("Filter", "start", "end", False, "any", RANGE.location),)
    )
    refused = Dependant(code("show", 1), body_models=(ModelRange("Period", "start", "end", True, "", RANGE.location),))
    assert list(RT003().check(RoutingTable((route(dependants=(filters, refused)),)), graph, tree.config)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return start, end", [("RT003", 1)]),
        ("return end - start", []),
        ("return start < limit, end", [("RT003", 1)]),
        ("return checked(start, end)", []),
    ],
)
def test_rt003_follows_parameters_to_where_they_are_compared(
    tmp_path: Path, body: str, expected: list[tuple[str, int]]
) -> None:
    text = f"def show(start, end, limit=None):\n    {body}\n\ndef checked(first, last):\n    assert first <= last\n"
    tree = source(tmp_path, text)
    dependant = Dependant(code("show", 1), query_ranges=(ParameterRange("start", "end", True),))
    found = RT003().check(RoutingTable((route(dependants=(dependant,)),)), CallGraph(tree), tree.config)
    assert lines(found) == expected


def test_models_that_could_not_be_looked_into_are_no_silence(tmp_path: Path) -> None:
    tree = source(tmp_path, "")
    table = RoutingTable((route(),), unread="models of pydantic before 2.0 are not looked into")
    with pytest.raises(CouldNotLook, match=r"before 2\.0"):
        list(RT003().check(table, CallGraph(tree), tree.config))


ROWS = {"shop.main.Order": frozenset({"__tablename__", "id", "customer"})}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("session.get(Order, number)", [("RT004", 3)]),
        ("session.scalar(select(Order).where(Order.id == number, Order.customer == user))", []),
        ("mine(session.get(Order, user))", []),
        ("owned(session, number)", []),
    ],
)
def test_rt004_judges_rows_by_the_identifier_of_a_request(
    tmp_path: Path, body: str, expected: list[tuple[str, int]]
) -> None:
    text = f"""
    from sqlalchemy import select
    def show(number, session, user):
        return {body}
    class Order: ...
    def owned(session, number):
        return session.get(Order, number)
    """
    tree = source(tmp_path, text)
    config = Config(tree.root, package="shop", owner_helpers=("shop.main:owned",))
    one = route("show", 2, dependants=(Dependant(code("show", 2), path=("number",)),))
    addresses = {"shop.main:owned": code("owned", 5)}
    assert lines(RT004(owner_columns=("customer",)).check([one], CallGraph(tree), ROWS, addresses, config)) == expected


def test_rt005_takes_dependencies_schemes_and_middleware_for_authentication(tmp_path: Path) -> None:
    config = Config(tmp_path, package="shop", authentication=("shop.main:user",))
    rule = RT005(public_routes=("GET /free*",))
    own = Dependant(code("show", 1))
    routes = [
        route("bare", 10),
        route("free", 11, "/free/1"),
        route("named", 12, dependants=(own, Dependant(code("user", 2), authentication=("shop.main:user",)))),
        route("scheme", 13, dependants=(own, Dependant(code("scheme", 3), scheme=True))),
        route("inner", 14, within=(4,)),
    ]
    applications = [Application(), Application((4,), (Middleware(2, "shop.main.user"),))]
    addresses = {"shop.main:user": code("user", 2)}
    assert lines(rule.check(routes, applications, addresses, config)) == [("RT005", 10)]
    gone = [each.message for each in rule.check(routes[1:], applications, {}, config)]
    assert gone[0] == "authentication names shop.main:user, and there is no such thing"


def test_rt006_names_limits_alone_and_lists_without_one(tmp_path: Path) -> None:
    text = """
    from sqlalchemy import select
    def show(limit, year):
        return session.scalars(select(Order)).all()
    def few(limit):
        return session.scalars(select(Order).limit(min(limit, 100))).all()
    class Order: ...
    """
    graph = CallGraph(source(tmp_path, text))

    def listing(name: str, line: int) -> Route:
        call = code(name, line)
        numbers = tuple(OpenNumber(each, "", call.location) for each in ("limit", "year"))
        return route(
            name, line, f"/{name}", dependants=(Dependant(call, numbers=numbers),), response=Response(is_list=True)
        )

    table = RoutingTable((listing("show", 2), listing("few", 4)))
    assert lines(RT006().check(table, graph)) == [("RT006", 2), ("RT006", 3)]


def test_rt007_names_the_application_or_the_routes_that_are_left(tmp_path: Path) -> None:
    tree = source(tmp_path, "from fastapi import FastAPI\n\napp = FastAPI()\n")
    graph, config = CallGraph(tree), Config(tmp_path, package="shop", body_limits=("shop.main:Limit",))
    addresses = {"shop.main:Limit": code("Limit", 5, identity=77)}
    one, two = route("one", 6, method="POST", body=True), route("two", 7, "/y", "PUT", body=True)

    def judged(routes: list[Route], *applications: Application) -> list[tuple[str, int | None]]:
        return lines(RT007().check(routes, applications, addresses, graph, tree, config))

    assert judged([one, two], Application()) == [("RT007", 3)]
    limited = route("two", 7, "/y", "PUT", body=True, limits_body=True)
    assert judged([one, limited], Application()) == [("RT007", 6)]
    assert judged([one, two], Application(limits_body=True)) == []
    assert judged([one, two], Application((), (Middleware(77, "shop.main.Limit"),))) == []
    assert judged([one, two], Application((), (Middleware(1, "starlette.x.RequestBodyLimitMiddleware"),))) == []


def test_rt008_judges_what_is_returned_and_the_texts_of_models(tmp_path: Path) -> None:
    text = """
    def show(row):
        return row
    def written(row):
        return {"id": row.id, "at": row.at.isoformat()}
    def again(rows):
        rows = [rows]
        return rows
    def more():
        rows = []
        rows = [rows] if rows else rows
        return rows
    @secret_response
    def secret(row): ...
    """
    tree = source(tmp_path, text)
    config = Config(tmp_path, package="shop", secret_responses=("shop.main:secret_response",))
    digest = TextField("User", "digest", "password_hash", Location(FILE, 30))
    texts = (digest, TextField("User", "kind", "token_type", Location(FILE, 31)))
    routes = (
        route("show", 1, response=Response(anything=True)),
        route("written", 3, response=Response(anything=True)),
        route("page", 1, response=Response(anything=True, class_name="HTMLResponse")),
        route("user", 20, response=Response(texts=texts)),
        route("less", 21, response=Response(texts=texts, excluded=("digest",))),
        route("only", 22, response=Response(texts=texts, included=("kind",))),
        route("again", 5, response=Response(anything=True)),
        route("more", 8, response=Response(anything=True)),
    )
    found = RT008().check(RoutingTable(routes), {}, CallGraph(tree), {}, config)
    assert lines(found) == [("RT008", 1), ("RT008", 30), ("RT008", 5)]


def test_rt009_judges_handlers_of_the_application_and_source_without_it(tmp_path: Path) -> None:
    text = """
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse
    app = FastAPI(debug=True)
    def failed(request, exc):
        return JSONResponse({"error": str(exc)})
    """
    tree = source(tmp_path, text)
    graph = CallGraph(tree)

    def judged(*applications: Application) -> list[tuple[str, int | None]]:
        return lines(RT009().check(tree, graph, tree.config, [], applications))

    failed = code("failed", 4)
    assert judged(Application(exception_handlers=(ExceptionHandler("OSError", failed),))) == [
        ("RT009", 5),
        ("RT009", 3),
    ]
    # Somebody wrote the text of a ValueError for whoever reads it.
    assert judged(Application(exception_handlers=(ExceptionHandler("ValueError", failed),))) == [("RT009", 3)]
    assert lines(RT009().check(tree, graph, tree.config)) == [("RT009", 3)]


@pytest.mark.parametrize(
    ("cors", "anybody"),
    [
        (Cors(("*",), None, credentials=True), "every origin (*)"),
        (Cors((), "https?://.*", credentials=True), "every origin (https?://.*)"),
        (Cors(("*",)), ""),
        (Cors(("https://a.example",), r"https://[a-z]+\.a\.example", credentials=True), ""),
        (None, ""),
    ],
)
def test_rt010_judges_the_origins_that_may_use_credentials(tmp_path: Path, cors: Cors | None, anybody: str) -> None:
    tree = source(tmp_path, "from fastapi import FastAPI\napp = FastAPI()\n\napp.add_middleware(CORSMiddleware)\n")
    around = Middleware(1, "starlette.middleware.cors.CORSMiddleware", cors)
    findings = list(RT010().check([Application((), (around,))], tree, CallGraph(tree)))
    assert [each.message for each in findings] == [
        f"CORS lets {anybody} in with credentials, so any website acts as its visitors" for _ in filter(None, [anybody])
    ]


def test_rt010_judges_an_origin_that_is_repeated(tmp_path: Path) -> None:
    text = """
    def everybody(request, response):
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Allow-Origin"] = request.headers["origin"]
    def known(request, response):
        if request.headers["origin"] in KNOWN:
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Allow-Origin"] = request.headers["origin"]
    """
    tree = source(tmp_path, text)
    assert lines(RT010().check([Application()], tree, CallGraph(tree))) == [("RT010", 3)]


@pytest.mark.parametrize(
    ("applications", "text", "expected"),
    [
        ([Application(event_handlers=(EventHandler(code("warm", 3)),), runs_events=False)], "", [3]),
        ([Application(event_handlers=(EventHandler(code("warm", 3), run=True),), runs_events=False)], "", []),
        ([Application(event_handlers=(EventHandler(code("warm", 3)),))], "", []),
        ([Application(), Application((1,), runs_events=False, lifespan=code("life", 5))], "", [5]),
        ([Application(), Application((1,), event_handlers=(EventHandler(code("warm", 3)),))], "", [3]),
        ([Application(), Application((1,), runs_events=False, lifespan=code("life", 5))], "a.lifespan_context(a)", []),
        ([Application(), Application((1,))], "", []),
    ],
)
def test_rt011_names_handlers_that_nobody_runs(
    tmp_path: Path, applications: list[Application], text: str, expected: list[int]
) -> None:
    found = RT011().check(applications, source(tmp_path, text))
    assert [each.location.line for each in found] == expected


def test_rt001_compares_thousands_of_routes_in_little_time() -> None:
    def api(name: str, number: int) -> Route:
        path = f"/api/v1/things{number}/{{id}}"
        return Route(
            "http",
            frozenset({"GET"}),
            path,
            f"/api/v1/things{number}/([^/]+)$",
            f"/api/v1/things{number}/zz~yy",
            code(name, number),
        )

    routes = [api("one", number) for number in range(1, 5001)]
    started = process_time()
    assert lines(RT001().check([*routes, api("two", 2500)])) == [("RT001", 2500)]
    assert process_time() - started < 2
