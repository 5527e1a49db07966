"""RT002 to RT011 in services that were not made here: flat, synchronous, with names of their own, and little configured."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import fastapi.routing
import pytest

from service.checks._live_schemas import is_secret, pairs

from ._project import Project

CONFIG = """
[tool.hardening]
package = "shop"
source = "."
application = "shop.main:app"
"""
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


@pytest.fixture
def shop(project: Project) -> Project:
    for name in ("src/shop/main.py", "src/shop/__init__.py"):
        (project.root / name).unlink()
    (project.root / "src/shop").rmdir()
    (project.root / "src").rmdir()
    return project.write(
        {"pyproject.toml": CONFIG, "shop/__init__.py": "", "shop/models.py": MODELS, "shop/main.py": MAIN}
    )


def told(shop: Project, code: str, more: str, config: str = "") -> list[tuple[str | None, int | None]]:
    """Where the guard points, once this is added to the application."""
    shop.write({"shop/main.py": MAIN + more, "pyproject.toml": CONFIG + config})
    report = shop.run(code)
    assert not report.could_not_look, report
    return [(each.file, each.line) for each in report.findings]


def at(shop: Project, text: str) -> list[tuple[str, int]]:
    return [("shop/main.py", shop.line("shop/main.py", text))]


@pytest.mark.parametrize(
    ("code", "key"), [("RT004", "owner-columns"), ("RT005", "authentication"), ("RT007", "no route takes a body")]
)
def test_what_is_not_configured_or_not_there_is_not_judged(shop: Project, code: str, key: str) -> None:
    report = shop.run(code)
    assert report.findings == ()
    [absent] = report.not_applicable
    assert key in absent.reason


@pytest.mark.parametrize("code", ["RT003", "RT006", "RT008", "RT009", "RT010", "RT011"])
def test_a_small_service_is_silent(shop: Project, code: str) -> None:
    assert told(shop, code, "") == []


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
def test_rows_of_anybody_in_the_old_way(shop: Project, body: str) -> None:
    found = told(shop, "RT004", ORDER.format(body=body), 'owner-columns = ["customer"]')
    assert found == at(shop, "    " + body)


@pytest.mark.parametrize(
    "body",
    [
        "return db.query(Order).filter(Order.id == number, Order.customer == user.id).first()",
        "return db.query(Order).filter_by(id=number, customer=user.id).one()",
        "return db.get(Account, number)",
        "row = db.get(Order, number)\n    if row.customer != user.id: raise HTTPException(404)\n    return row",
    ],
)
def test_rows_with_their_owner_in_the_old_way(shop: Project, body: str) -> None:
    assert told(shop, "RT004", ORDER.format(body=body), 'owner-columns = ["customer"]') == []


def test_authentication_by_a_dependency_or_a_scheme(shop: Project) -> None:
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
    assert told(shop, "RT005", more, config) == at(shop, '@app.get("/c")')


def test_the_names_of_both_lists_have_to_stand_for_something(shop: Project) -> None:
    config = 'authentication = ["shop.main:gone"]\npublic-routes = ["* /alive", "GET /gone"]'
    assert told(shop, "RT005", "", config) == [("pyproject.toml", None)] * 2


def test_lists_in_the_old_way(shop: Project) -> None:
    more = """
@app.get("/orders", response_model=List[OrderOut])
def orders(skip: int = 0, limit: int = 100, db: Session = Depends(get_db)):
    return db.query(Order).offset(skip).limit(limit).all()

@app.get("/all", response_model=List[OrderOut])
def everything(db: Session = Depends(get_db)):
    rows = db.query(Order).all()
    return rows
"""
    found = told(shop, "RT006", more)
    assert found == [*at(shop, '@app.get("/orders"'), *at(shop, "rows = db.query(Order)")]


BODY = """
@app.post("/orders")
def make(order: OrderOut) -> OrderOut:
    return order
"""


def test_bodies_with_a_limit_of_fastapis_own_or_none(shop: Project) -> None:
    assert told(shop, "RT007", BODY) == at(shop, "app = FastAPI()")
    limited = BODY.replace('"/orders"', '"/orders", max_body_size=1000')
    assert told(shop, "RT007", limited) == []


def test_a_middleware_of_ones_own_is_named(shop: Project) -> None:
    more = """
class Limit:
    def __init__(self, app): self.app = app

app.add_middleware(Limit)
"""
    assert told(shop, "RT007", BODY + more) == at(shop, "app = FastAPI()")
    assert told(shop, "RT007", BODY + more, 'body-limits = ["shop.main:Limit"]') == []


def test_a_response_without_a_model(shop: Project) -> None:
    more = """
@app.get("/me")
def me(user: Account = Depends(current)):
    return user

@app.get("/you", response_model=OrderOut)
def you(user: Account = Depends(current)):
    return user
"""
    assert told(shop, "RT008", more) == at(shop, '@app.get("/me")')


def test_exceptions_that_are_shown(shop: Project) -> None:
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
    assert told(shop, "RT009", more) == at(shop, "status_code=500")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_handlers_without_a_lifespan_run(shop: Project) -> None:
    more = """
router = APIRouter()

@router.on_event("startup")
def warm(): ...

@app.on_event("startup")
def hot(): ...

app.include_router(router, prefix="/x")
app.include_router(APIRouter(), prefix="/y")
"""
    assert told(shop, "RT011", more) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_handlers_beside_a_lifespan_do_not(shop: Project) -> None:
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
    assert told(shop, "RT011", more) == at(shop, '@app.on_event("shutdown")')


def test_two_dates_that_stand_alone(shop: Project) -> None:
    more = """
from datetime import date

@app.get("/report", response_model=OrderOut)
def report(date_from: date, date_to: Optional[date] = None, db: Session = Depends(get_db)):
    {}
    return OrderOut(id=db.query(Order).count())
"""
    assert told(shop, "RT003", more.format("pass")) == at(shop, '@app.get("/report"')
    checked = "if date_to and date_to < date_from: raise HTTPException(422)"
    assert told(shop, "RT003", more.format(checked)) == []


def test_tests_and_files_of_others_are_not_judged(shop: Project, tmp_path: Path) -> None:
    shop.write({"tests/test_x.py": "from fastapi import FastAPI\napp = FastAPI(debug=True)\n"})
    assert told(shop, "RT009", "") == []


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
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["token_type", "next_token", "content_hash", "key", "secret_name", "password_changed", "monkey", "digest"]
)
def test_names_that_only_sound_like_it(name: str) -> None:
    assert not is_secret(name)


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
    assert [found[:2] for found in pairs({upper: kind, "name": str, lower: kind})] == [(lower, upper)]


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
    assert list(pairs({lower: kind, upper: kind})) == []


def test_an_older_fastapi_is_looked_at_where_its_table_is_whole(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without `iter_route_contexts` copies what it includes; here nothing is included."""
    codes = ("RT001", "RT002", "RT003", "RT006", "RT008", "DB009", "CF006")
    main = """
    from fastapi import Depends, FastAPI

    app = FastAPI()

    @app.get("/orders/{order_id}")
    def order(order_id: str) -> dict[str, str]:
        return {}

    @app.get("/orders/last")
    def last() -> dict[str, str]:
        return {}
    """
    shop.write({"pyproject.toml": CONFIG, "shop/main.py": main, "shop/__init__.py": ""})
    now = shop.run(*codes)
    assert "RT001" in {each.code for each in now.findings}
    monkeypatch.delattr(fastapi.routing, "iter_route_contexts")
    older = shop.run(*codes)
    assert [each.message for each in older.findings] == [each.message for each in now.findings]
    assert older.could_not_look == now.could_not_look


def test_where_an_older_way_of_looking_is_not_enough_it_says_so(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    main = """
    from fastapi import APIRouter, FastAPI

    router = APIRouter()

    @router.get("/orders")
    def orders() -> dict[str, str]:
        return {}

    app = FastAPI()
    app.include_router(router)
    """
    shop.write({"pyproject.toml": CONFIG, "shop/main.py": main, "shop/__init__.py": ""})
    monkeypatch.delattr(fastapi.routing, "iter_route_contexts")
    [skipped] = shop.run("RT001").could_not_look
    assert "in the routing table of this FastAPI; 0.165 and newer show it" in skipped.reason
