"""Proofs of RT: routes, what they take and what they give."""

from __future__ import annotations

from ._proofs import back, disguise, hurried, look_alike, unprotected
from ._service import Service, Spot

MAIN = "@/main.py"

# RT001: two handlers on one route


@back("RT001")
def the_same_path_in_two_routers(service: Service) -> Spot:
    service.feature(
        "raw",
        routes="""
        from ...core.http import Router

        raw = Router("/ingest/raw", tags=["raw"])


        @raw.post("")
        async def ingest_raw() -> None:
            pass
        """,
    )
    return service.at("@/features/raw/routes.py", '@raw.post("")')


@disguise("RT001")
def another_prefix_and_another_parameter_name(service: Service) -> Spot:
    service.feature(
        "things",
        routes="""
        from fastapi import Depends

        from ...core.http import Router, RowId, authenticated

        things = Router("", tags=["things"])


        @things.get("/inbox/{thing_id}", dependencies=[Depends(authenticated)])
        async def show(thing_id: RowId) -> None:
            pass
        """,
    )
    return service.at("@/features/things/routes.py", '@things.get("/inbox/{thing_id}"')


@disguise("RT001")
def a_literal_path_behind_a_parameter(service: Service) -> Spot:
    service.append(
        "@/features/inbox/routes.py",
        """

        @inbox.get("/latest")
        async def latest(user: CurrentUser) -> None:
            pass
        """,
    )
    return service.at("@/features/inbox/routes.py", '@inbox.get("/latest")')


@disguise("RT001")
def a_mount_before_a_route(service: Service) -> list[Spot]:
    service.replace(
        "@/core/application.py",
        "    app.include_router(health)\n",
        "    app.mount('/jobs', FastAPI())\n    app.include_router(health)\n",
    )
    routes = ('@jobs.get("/{job_id}")', '@jobs.get("/{job_id}/result"', '@jobs.post("/{job_id}/cancel")')
    return [service.at("@/core/http/_jobs.py", text) for text in routes]


@disguise("RT001")
def a_route_that_comes_late(service: Service) -> Spot:
    service.replace(
        "@/core/application.py",
        "    problems: list[StartupProblem] = []\n",
        """
    from fastapi import Depends  # noqa: PLC0415 - only needed here

    from .http import authenticated

    @app.get("/users/me", dependencies=[Depends(authenticated)])
    def me() -> None: ...

    problems: list[StartupProblem] = []
""",
    )
    return service.at("@/core/application.py", '@app.get("/users/me"')


@disguise("RT001")
def two_websockets(service: Service) -> Spot:
    service.feature(
        "live",
        routes="""
        from fastapi import Depends, WebSocket

        from ...core.http import Router

        live = Router("", tags=["live"], public=True)


        @live.websocket("/realtime")
        async def listen_too(socket: WebSocket) -> None:
            await socket.accept()
        """,
    )
    return service.at("@/features/live/routes.py", "@live.websocket")


@disguise("RT001")
def a_trailing_slash(service: Service) -> Spot:
    service.append(
        "@/features/inbox/routes.py",
        """

        @inbox.get("/")
        async def list_them(user: CurrentUser) -> None:
            pass
        """,
    )
    return service.at("@/features/inbox/routes.py", '@inbox.get("/")')


@disguise("RT001")
def a_path_converter_that_takes_the_rest(service: Service) -> Spot:
    service.feature(
        "files",
        routes="""
        from ...core.http import Router

        files = Router("/files", tags=["files"])


        @files.get("/{path:path}")
        async def show_file(path: str) -> None:
            pass


        @files.get("/recent/all")
        async def recent() -> None:
            pass
        """,
    )
    return service.at("@/features/files/routes.py", '@files.get("/recent/all")')


@hurried("RT001")
def a_second_version_of_a_feature_beside_the_first(service: Service) -> Spot:
    service.feature(
        "captures",
        routes="""
        from ...core.database import utc_now
        from ...core.http import CurrentUser, Line, Prose, Router, Session
        from ..inbox.models import Capture
        from pydantic import BaseModel

        captures = Router("/ingest", tags=["captures"])


        class NewCapture(BaseModel):
            text: Prose
            source: Line = "v2"


        class Captured(BaseModel):
            capture_id: int


        @captures.post("/raw", status_code=201)
        async def capture_with_time(body: NewCapture, session: Session, user: CurrentUser) -> Captured:
            capture = Capture(owner_id=user.user_id, source=body.source, text=body.text, created_at=utc_now())
            session.add(capture)
            await session.flush()
            return Captured(capture_id=capture.id)
        """,
    )
    # The features are found in the order of their names: this one comes first, and the real pipeline never runs.
    return service.at("@/features/inbox/routes.py", '@ingest.post("/raw"')


@look_alike("RT001")
def routers_made_twice_by_one_factory_and_specific_paths_first(service: Service) -> None:
    service.feature(
        "notes",
        routes="""
        from ...core.http import CurrentUser, Router, RowId


        def notes_of(prefix: str) -> Router:
            made = Router(prefix, tags=["notes"])

            @made.get("/mine")
            async def mine(user: CurrentUser) -> None:
                pass

            @made.get("/{note_id}")
            async def show(note_id: RowId, user: CurrentUser) -> None:
                pass

            @made.delete("/{other_name}")
            async def remove(other_name: RowId, user: CurrentUser) -> None:
                pass

            @made.get("/{note_id}/lines/{line}")
            async def line_of(note_id: RowId, line: RowId, user: CurrentUser) -> None:
                pass

            return made


        notes = notes_of("/notes")
        drafts = notes_of("/drafts")
        """,
        more="",
        init="from .routes import drafts\n",
    )
    service.replace("@/features/notes/__init__.py", "routers=(notes,)", "routers=(notes, drafts)")


# RT002: an attribute that is not there


@back("RT002")
def a_route_is_left_behind_when_a_method_is_renamed(service: Service) -> list[Spot]:
    service.replace("@/core/clients/_clients.py", "def breakers(", "def breaker_states(")
    return [service.at("@/core/runtime.py", "clients.breakers()", nth) for nth in (0, 1)]


@disguise("RT002")
def a_column_that_a_view_goes_on_reading(service: Service) -> Spot:
    service.replace("@/features/inbox/models.py", "    source: Mapped[str]", "    origin: Mapped[str]")
    service.append(
        "@/features/inbox/routes.py",
        """

        def told(capture: Capture) -> str:
            return f"{capture.id} came from {capture.source}"
        """,
    )
    return service.at("@/features/inbox/routes.py", "capture.source}")


@disguise("RT002")
def a_field_that_a_request_never_had(service: Service) -> Spot:
    service.append(
        "@/features/inbox/routes.py",
        """

        def shout(body: RawCapture) -> str:
            return body.content.upper()
        """,
    )
    return service.at("@/features/inbox/routes.py", "body.content")


@disguise("RT002")
def a_setting_that_has_another_name_by_now(service: Service) -> Spot:
    service.append(
        "@/features/inbox/jobs.py",
        """

        def limit_of(run: Run) -> int:
            return run.settings.job_file_limit
        """,
    )
    return service.at("@/features/inbox/jobs.py", "job_file_limit")


@hurried("RT002")
def a_greeting_by_a_name_that_nobody_brought(service: Service) -> Spot:
    service.feature(
        "greetings",
        routes="""
        from ...core.http import CurrentUser, Router

        greetings = Router("/greetings", tags=["greetings"])


        @greetings.get("/me")
        async def me(user: CurrentUser) -> str:
            return f"Hello {user.email}"
        """,
    )
    return service.at("@/features/greetings/routes.py", "user.email")


@look_alike("RT002")
def names_that_modules_lack_and_other_mistakes_of_types(service: Service) -> None:
    service.append(
        "@/features/inbox/routes.py",
        """

        def wrong(body: RawCapture) -> int:
            from .models import NoSuchThing  # noqa: PLC0415

            return body.text
        """,
    )


@unprotected("RT002", "tests/test_api_fuzz.py", engine="sqlite", slow=True)
def a_method_of_a_shared_object_is_renamed_and_a_route_left_behind(service: Service) -> None:
    service.replace("@/core/clients/_clients.py", "def breakers(", "def breaker_states(")


# RT003: ranges


@back("RT003")
def the_rule_replaced_by_a_bare_date(service: Service) -> Spot:
    text = service.read("@/features/exports/schemas.py")
    start = text.index('    @field_validator("end")')
    service.write("@/features/exports/schemas.py", text[:start])
    service.replace(
        "@/features/exports/schemas.py", "    start: Day\n    end: Day\n", "    start: date\n    end: date\n"
    )
    return service.at("@/features/exports/schemas.py", "    end: date")


REPORTS = """
from datetime import date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field, model_validator

from ...core.http import CurrentUser, Day, Line, Router

reports = Router("/reports", tags=["reports"])


class Report(BaseModel):
    rows: int

"""


@disguise("RT003")
def moments_in_a_query(service: Service) -> Spot:
    service.feature(
        "reports",
        routes=REPORTS
        + """
class Period(BaseModel):
    since: datetime
    until: datetime


@reports.get("")
async def report(user: CurrentUser, period: Annotated[Period, Query()]) -> Report:
    return Report(rows=0)
""",
    )
    return service.at("@/features/reports/routes.py", "    until: datetime")


@disguise("RT003")
def the_order_is_kept_and_the_span_is_not(service: Service) -> Spot:
    service.replace(
        "@/features/exports/schemas.py",
        "        if (days := (end - start).days + 1) > MOST_DAYS:\n"
        '            raise ValueError(f"{days} days are asked for and {MOST_DAYS} are the most: ask for a shorter range")\n',
        "",
    )
    return service.at("@/features/exports/schemas.py", "    end: Day")


@disguise("RT003")
def prices_in_a_model_inside_of_another(service: Service) -> Spot:
    service.feature(
        "reports",
        routes=REPORTS
        + """
class Prices(BaseModel):
    min_price: Annotated[float, Field(ge=0)]
    max_price: Annotated[float, Field(ge=0)]


class Wanted(BaseModel):
    name: Line
    prices: Prices | None = None


@reports.post("")
async def report(user: CurrentUser, body: Wanted) -> Report:
    return Report(rows=0)
""",
    )
    return service.at("@/features/reports/routes.py", "    max_price")


@disguise("RT003")
def two_parameters_that_nothing_compares(service: Service) -> Spot:
    service.feature(
        "reports",
        routes=REPORTS
        + """
async def counted(first: date, last: date, owner: int) -> int:
    return hash((first, last, owner))


@reports.get("")
async def report(user: CurrentUser, start_date: Day, end_date: Day) -> Report:
    return Report(rows=await counted(start_date, end_date, user.user_id))
""",
    )
    return service.at("@/features/reports/routes.py", '@reports.get("")')


@hurried("RT003")
def a_report_over_any_days(service: Service) -> Spot:
    service.feature(
        "reports",
        routes="""
        from datetime import date

        from pydantic import BaseModel

        from ...core.http import CurrentUser, Router, Session
        from ..inbox.by_day import activity

        reports = Router("/reports", tags=["reports"])


        class ReportRequest(BaseModel):
            from_date: date
            to_date: date
            title: str | None = None


        class Report(BaseModel):
            captures: int


        @reports.post("")
        async def make_report(body: ReportRequest, session: Session, user: CurrentUser) -> Report:
            days = await activity(session, user.user_id, body.from_date, body.to_date)
            return Report(captures=sum(day.captures for day in days.values()))
        """,
    )
    return service.at("@/features/reports/routes.py", "    to_date: date")


@look_alike("RT003")
def ranges_with_rules_and_pairs_that_are_none(service: Service) -> None:
    service.feature(
        "reports",
        routes=REPORTS
        + """
class Period(BaseModel):
    begin: Day
    end: Day
    name: Annotated[str, Field(pattern="^[QW][0-9]+$")] = "Q1"

    @model_validator(mode="after")
    def ordered(self) -> "Period":
        if not 0 <= (self.end - self.begin).days <= 400:
            raise ValueError("0 to 400 days")
        return self


class Filter(BaseModel):
    created_after: datetime | None = None
    created_before: datetime | None = None


class Window(BaseModel):
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @model_validator(mode="after")
    def ordered(self) -> "Window":
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise ValueError("exchange them")
        return self


class Transfer(BaseModel):
    from_account: int
    to_account: int
    first_name: Line
    last_name: Line
    start: datetime
    end_reason: Line


class Unfillable(BaseModel):
    code: Annotated[str, Field(pattern="^ZZ-[0-9]{7}$")]
    start: date
    end: date


@reports.post("/periods")
async def of_period(user: CurrentUser, body: Period) -> Report:
    return Report(rows=0)


@reports.post("/transfers")
async def transfer(user: CurrentUser, body: Transfer) -> Report:
    return Report(rows=0)


@reports.post("/windows")
async def of_window(user: CurrentUser, body: Window) -> Report:
    return Report(rows=0)


@reports.get("/prices")
async def of_prices(user: CurrentUser, min_price: float | None = None, max_price: float | None = None) -> Report:
    return Report(rows=0)


@reports.post("/codes")
async def of_code(user: CurrentUser, body: Unfillable) -> Report:
    return Report(rows=0)


@reports.get("")
async def filtered(user: CurrentUser, query: Annotated[Filter, Query()]) -> Report:
    return Report(rows=0)


def checked(start: date, end: date) -> int:
    return (end - start).days


@reports.get("/days")
async def of_days(user: CurrentUser, start: Day, end: Day) -> Report:
    return Report(rows=checked(end=end, start=start))
""",
    )


@unprotected("RT003", "tests/features/exports/test_exports.py", engine="sqlite")
def a_request_is_taken_whatever_its_range(service: Service) -> None:
    the_rule_replaced_by_a_bare_date(service)


# RT004: rows of whoever they belong to

SHOW = 'return ItemView.model_validate(await find_owned(session, Item, item_id, user, what="item"))'
ROUTES = "@/features/inbox/routes.py"


@back("RT004")
def a_row_by_its_identifier(service: Service) -> Spot:
    service.replace(ROUTES, SHOW, "return ItemView.model_validate(await session.get(Item, item_id))")
    return service.at(ROUTES, "session.get(Item, item_id)")


@disguise("RT004")
def a_statement_in_another_file_under_another_name(service: Service) -> Spot:
    service.write(
        "@/features/inbox/finding.py",
        """
        import sqlalchemy as sa
        from sqlalchemy.ext.asyncio import AsyncSession

        from . import models


        class Items:
            def __init__(self, session: AsyncSession) -> None:
                self.session = session

            async def one(self, number: int) -> models.Item | None:
                return await self._found(number)

            async def _found(self, number: int) -> models.Item | None:
                query = sa.select(models.Item).order_by(models.Item.position)
                query = query.where(models.Item.id == number)
                return (await self.session.scalars(query)).one_or_none()
        """,
    )
    service.replace(ROUTES, "from .jobs import", "from .finding import Items\nfrom .jobs import")
    service.replace(ROUTES, SHOW, "return ItemView.model_validate(await Items(session).one(item_id))")
    return service.at("@/features/inbox/finding.py", "sa.select(")


@disguise("RT004")
def a_deletion_by_what_the_body_says(service: Service) -> Spot:
    service.append(
        ROUTES,
        """

        class Chosen(BaseModel):
            numbers: Annotated[list[int], Field(max_length=100)]


        @inbox.post("/clear", status_code=204)
        async def clear(body: Chosen, session: Session, user: CurrentUser) -> None:
            from sqlalchemy import delete  # noqa: PLC0415

            for number in body.numbers:
                await session.execute(delete(Item).where(Item.id == number))
        """,
    )
    return service.at(ROUTES, "delete(Item)")


@disguise("RT004")
def a_dependency_that_loads_the_row(service: Service) -> Spot:
    service.append(
        ROUTES,
        """

        async def the_item(item_id: RowId, session: Session) -> Item:
            return await session.get_one(Item, item_id)


        @inbox.get("/{item_id}/title")
        async def title_of(item: Annotated[Item, Depends(the_item)], user: CurrentUser) -> str:
            return item.title
        """,
    )
    service.replace(ROUTES, "from fastapi import Query", "from fastapi import Depends, Query")
    return service.at(ROUTES, "session.get_one(Item")


@disguise("RT004")
def the_owner_of_another_row_is_compared(service: Service) -> Spot:
    service.append(
        ROUTES,
        """

        @inbox.post("/{item_id}/move/{capture_id}", status_code=204)
        async def move(item_id: RowId, capture_id: RowId, session: Session, user: CurrentUser) -> None:
            item = await session.get(Item, item_id)
            capture = await session.get(Capture, capture_id)
            if item is None or capture is None or item.owner_id != user.user_id:
                raise conflict("no such item or capture")
            item.capture_id = capture.id
        """,
    )
    return service.at(ROUTES, "capture = await session.get(")


@hurried("RT004")
def archiving_in_a_hurry(service: Service) -> list[Spot]:
    service.feature(
        "archive",
        routes="""
        from datetime import datetime

        from pydantic import BaseModel
        from sqlalchemy import select, update

        from ...core.database import utc_now
        from ...core.http import CurrentUser, Router, RowId, Session, not_found
        from ..inbox.models import Item

        archive = Router("/archive", tags=["archive"])


        class Archived(BaseModel):
            id: int
            at: datetime


        @archive.post("/{item_id}")
        async def archive_item(item_id: RowId, session: Session, user: CurrentUser) -> Archived:
            item = (await session.execute(select(Item).where(Item.id == item_id))).scalar_one_or_none()
            if item is None:
                raise not_found("item", item_id)
            now = utc_now()
            await session.execute(update(Item).where(Item.id == item_id).values(decided_at=now))
            return Archived(id=item.id, at=now)
        """,
    )
    return [service.at("@/features/archive/routes.py", text) for text in ("select(Item)", "update(Item)")]


@look_alike("RT004")
def rows_that_are_looked_at_and_rows_of_nobody(service: Service) -> None:
    service.append(
        ROUTES,
        """

        class Secret(BaseModel):
            key: Line


        def digest_of(key: str, settings: object) -> str:
            return key + str(settings)


        def mine(user: Principal) -> ColumnElement[bool]:
            return Item.owner_id == user.user_id


        def checked(row: Item | None, user: Principal) -> Item:
            if row is None or row.owner_id != user.user_id:
                raise conflict("no such item")
            return row


        @inbox.get("/{item_id}/first")
        async def first(item_id: RowId, session: Session, user: CurrentUser) -> str:
            item = await session.get(Item, item_id)
            if item is None or item.owner_id != user.user_id:
                raise conflict("no such item")
            return item.title


        @inbox.get("/{item_id}/second")
        async def second(item_id: RowId, session: Session, user: CurrentUser) -> str:
            return checked(await session.get(Item, item_id), user).title


        @inbox.get("/{item_id}/third")
        async def third(item_id: RowId, session: Session, user: CurrentUser) -> str:
            query = select(Item.title).join(Capture).where(Item.id == item_id)
            return await session.scalar(query.where(Capture.owner_id == user.user_id)) or ""


        @inbox.get("/{item_id}/fourth")
        async def fourth(item_id: RowId, session: Session, user: CurrentUser) -> str:
            return await session.scalar(select(Item.title).where(mine(user), Item.id == item_id)) or ""


        @inbox.get("/{item_id}/fifth")
        async def fifth(item_id: RowId, session: Session, user: CurrentUser) -> str:
            item = await find_owned(session, Item, item_id, user, what="item")
            capture = await session.get_one(Capture, item.capture_id)
            return capture.source


        @inbox.get("/{item_id}/chunk")
        async def chunk(item_id: RowId, session: Session, user: CurrentUser) -> str:
            chunk = await session.scalar(select(JobChunk.position).where(JobChunk.position == item_id))
            return str(chunk)


        @inbox.post("/by-key", status_code=204)
        async def by_key(body: Secret, request: Request, session: Session, user: CurrentUser) -> None:
            digest = digest_of(body.key, runtime_of(request).settings)
            await session.execute(delete(ApiKey).where(ApiKey.digest == digest))


        @inbox.get("/by/{source}")
        async def by_source(source: Line, session: Session, user: CurrentUser) -> str:
            rows = owned(Capture, user).where(Capture.source == source).limit(1)
            return str(await session.scalar(rows))
        """,
    )
    service.replace(
        ROUTES,
        "from pydantic import BaseModel, ConfigDict, Field\n",
        "from pydantic import BaseModel, ConfigDict, Field\nfrom sqlalchemy import ColumnElement, delete, select\n",
    )
    service.replace(
        ROUTES,
        "from ...core.jobs import enqueue\n",
        "from ...core.http import Request, runtime_of\nfrom ...core.identity import Principal\nfrom ..accounts.models import ApiKey\nfrom ...core.jobs import enqueue\nfrom ...core.jobs import JobChunk\n",
    )


@look_alike("RT004")
def an_administrators_route_is_accepted_with_its_reason(service: Service) -> None:
    service.append(
        ROUTES,
        """

        @inbox.get("/{item_id}/for-support")
        async def for_support(item_id: RowId, session: Session, user: CurrentUser) -> str:
            return (await session.get_one(Item, item_id)).title
        """,
    )
    service.append(
        "pyproject.toml",
        """

        [[tool.hardening.accepted]]
        code = "RT004"
        where = "GET /inbox/{item_id}/for-support"
        reason = "support reads any item; who is support is the gateway's to say"
        """,
    )


@unprotected("RT004", "tests/test_two_people.py", engine="sqlite")
def rows_are_anybodys(service: Service) -> None:
    service.replace(
        "@/core/http/_owned.py",
        "select(model).where(columns.owner_id == user.user_id)",
        "select(model).where(columns.id > 0)",
    )


# RT005: routes that ask nobody who they are


@back("RT005")
def a_public_router_that_should_not_be(service: Service) -> list[Spot]:
    service.replace(
        "@/features/exports/routes.py",
        'Router("/exports", tags=["exports"])',
        'Router("/exports", tags=["exports"], public=True)',
    )
    service.replace("@/features/exports/routes.py", ", user: CurrentUser)", ")")
    service.replace("@/features/exports/routes.py", "owner_id=user.user_id", "owner_id=1")
    return [service.at("@/features/exports/routes.py", '@exports.post("')]


@disguise("RT005")
def a_plain_router_of_fastapis(service: Service) -> Spot:
    service.feature(
        "status",
        routes="""
        from fastapi import APIRouter

        status = APIRouter(prefix="/status")


        @status.get("/queue")
        async def queue() -> int:
            return 0
        """,
    )
    return service.at("@/features/status/routes.py", "@status.get")


@disguise("RT005")
def a_websocket_on_the_application(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from fastapi import WebSocket


        @app.websocket("/echo")
        async def echo(socket: WebSocket) -> None:
            await socket.accept()
        """,
    )
    return service.at(MAIN, "@app.websocket")


@disguise("RT005")
def a_scheme_that_refuses_nobody(service: Service) -> Spot:
    service.feature(
        "status",
        routes="""
        from typing import Annotated

        from fastapi import APIRouter, Depends
        from fastapi.security import OAuth2PasswordBearer

        status = APIRouter(prefix="/status")
        token = OAuth2PasswordBearer("/sessions", auto_error=False)


        @status.get("/queue")
        async def queue(bearer: Annotated[str | None, Depends(token)]) -> int:
            return len(bearer or "")
        """,
    )
    return service.at("@/features/status/routes.py", "@status.get")


@disguise("RT005")
def an_application_that_is_mounted(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from fastapi import Depends, FastAPI

        from .core.http import authenticated

        inner = FastAPI()
        app.router.dependencies.append(Depends(authenticated))
        app.mount("/inner", inner)


        @inner.get("/numbers")
        async def numbers() -> int:
            return 7
        """,
    )
    return service.at(MAIN, "@inner.get")


@disguise("RT005")
def an_entry_of_the_list_that_stands_for_nothing(service: Service) -> Spot:
    service.configure('public-routes = ["GET /old/*"]')
    return Spot("pyproject.toml")


@hurried("RT005")
def a_webhook_in_a_hurry(service: Service) -> Spot:
    service.feature(
        "webhooks",
        routes="""
        from pydantic import BaseModel

        from ...core.http import Line, Router

        webhooks = Router("/webhooks", tags=["webhooks"], public=True)


        class Event(BaseModel):
            kind: Line


        @webhooks.post("/payments", status_code=204)
        async def payment(event: Event) -> None:
            pass
        """,
    )
    return service.at("@/features/webhooks/routes.py", "@webhooks.post")


@look_alike("RT005")
def other_ways_to_ask_who_it_is(service: Service) -> None:
    service.feature(
        "status",
        routes="""
        from typing import Annotated

        from fastapi import APIRouter, Depends
        from fastapi.security import APIKeyHeader

        from .asking import Role, needs

        status = APIRouter(prefix="/status", dependencies=[Depends(Role("operator"))])
        machines = APIRouter(prefix="/machines")
        open_ones = APIRouter(prefix="/open")
        key = APIKeyHeader(name="X-Key")


        @status.get("/queue")
        async def queue() -> int:
            return 0


        async def machine(text: Annotated[str, Depends(key)]) -> str:
            return text


        @machines.get("")
        async def all_machines(machine: Annotated[str, Depends(machine)]) -> int:
            return len(machine)


        @machines.delete("", dependencies=[Depends(needs("admin"))])
        async def forget_machines() -> None:
            pass


        @open_ones.get("/weather")
        async def weather() -> str:
            return "fair"
        """,
        init="from .routes import machines, open_ones\n",
        asking="""
        from fastapi import Request


        class Role:
            def __init__(self, name: str) -> None:
                self.name = name

            def __call__(self, request: Request) -> None:
                del request


        def needs(name: str):
            def check(request: Request) -> None:
                request.state.needs = name

            return check
        """,
    )
    service.replace("@/features/status/__init__.py", "routers=(status,)", "routers=(status, machines, open_ones)")
    service.configure(
        'authentication = ["inbox_demo.features.status.asking:Role", "inbox_demo.features.status.asking:needs"]',
        'public-routes = ["GET /open/*"]',
    )


@look_alike("RT005")
def a_middleware_that_asks(service: Service) -> None:
    service.append(
        MAIN,
        """

        from fastapi import FastAPI
        from starlette.types import ASGIApp, Receive, Scope, Send


        class Door:
            def __init__(self, app: ASGIApp) -> None:
                self.app = app

            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                await self.app(scope, receive, send)


        inner = FastAPI()
        inner.add_middleware(Door)
        app.mount("/inner", inner)


        @inner.get("/numbers")
        async def numbers() -> int:
            return 7
        """,
    )
    service.configure('authentication = ["inbox_demo.main:Door"]')


# RT006: lists with no maximum


@back("RT006")
def a_limit_that_has_none(service: Service) -> Spot:
    service.replace(
        ROUTES, "    limit: int = Field(default=20, ge=1, le=100)", "    limit: int = Field(default=20, ge=1)"
    )
    return service.at(ROUTES, "    limit: int")


LISTS = """
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from ...core.http import CurrentUser, Router, Session, owned
from ..inbox.models import Capture, Item

lists = Router("/lists", tags=["lists"])


class Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int

"""


@disguise("RT006")
def a_page_size_beside_the_others(service: Service) -> Spot:
    service.feature(
        "lists",
        routes=LISTS
        + """
@lists.get("")
async def show(session: Session, user: CurrentUser, q: str = "", per_page: int = 20) -> list[Row]:
    rows = await session.scalars(owned(Item, user).limit(per_page))
    return [Row.model_validate(row) for row in rows if q in row.title]
""",
    )
    return service.at("@/features/lists/routes.py", '@lists.get("")')


@disguise("RT006")
def a_dependency_with_the_limit(service: Service) -> Spot:
    service.feature(
        "lists",
        routes=LISTS
        + """
from fastapi import Depends


class Paging:
    def __init__(self, page: Annotated[int, Query(ge=1, le=100)] = 1, page_size: int | None = None) -> None:
        self.limit = page_size or 20
        self.offset = page * self.limit


@lists.get("")
async def show(session: Session, user: CurrentUser, paging: Annotated[Paging, Depends()]) -> list[Row]:
    rows = await session.scalars(owned(Item, user).limit(paging.limit))
    return [Row.model_validate(row) for row in rows]
""",
    )
    return service.at("@/features/lists/routes.py", "class Paging")


@disguise("RT006")
def all_rows_of_a_function_beside_it(service: Service) -> Spot:
    service.feature(
        "lists",
        routes=LISTS
        + """
async def everything(session: Session, user: CurrentUser) -> list[Item]:
    query = select(Item).where(Item.owner_id == user.user_id)
    query = query.order_by(Item.id)
    found = await session.execute(query)
    return list(found.scalars())


@lists.get("", response_model=list[Row])
async def show(session: Session, user: CurrentUser) -> Any:
    return await everything(session, user)
""",
    )
    return service.at("@/features/lists/routes.py", "query = select(Item)")


@hurried("RT006")
def every_capture_at_once(service: Service) -> Spot:
    service.feature(
        "lists",
        routes=LISTS
        + """
@lists.get("/captures")
async def captures(session: Session, user: CurrentUser) -> list[Row]:
    rows = (await session.scalars(select(Capture).where(Capture.owner_id == user.user_id))).all()
    return [Row.model_validate(row) for row in rows]
""",
    )
    return service.at("@/features/lists/routes.py", "select(Capture)")


@look_alike("RT006")
def lists_that_end(service: Service) -> None:
    service.feature(
        "lists",
        routes=LISTS
        + """
class Count(BaseModel):
    kind: str
    count: int


@lists.get("/clamped")
async def clamped(session: Session, user: CurrentUser, limit: int = 20) -> list[Row]:
    rows = await session.scalars(owned(Item, user).limit(min(limit, 100)))
    return [Row.model_validate(row) for row in rows]


@lists.get("/bounded")
async def bounded(
    session: Session, user: CurrentUser, size: Annotated[int, Query(gt=0, lt=50)] = 20, top: str = "left"
) -> list[Row]:
    query = select(Item).where(Item.owner_id == user.user_id)
    rows = (await session.scalars(query.limit(size))).all()
    return [Row.model_validate(row) for row in rows]


@lists.get("/chosen")
async def chosen(
    session: Session, user: CurrentUser, ids: Annotated[list[int], Query(max_length=20)]
) -> list[Row]:
    rows = await session.scalars(select(Item).where(Item.owner_id == user.user_id, Item.id.in_(ids)))
    return [Row.model_validate(row) for row in rows]


@lists.get("/counts")
async def counts(session: Session, user: CurrentUser) -> list[Count]:
    found = await session.execute(
        select(Item.kind, func.count()).where(Item.owner_id == user.user_id).group_by(Item.kind)
    )
    return [Count(kind=kind, count=count) for kind, count in found]


@lists.get("/one")
async def one(session: Session, user: CurrentUser) -> Row:
    rows = await session.scalars(select(Item).where(Item.owner_id == user.user_id))
    return Row(id=len(rows.all()))
""",
    )


# RT007: bodies with no maximum

LIMIT = "    app.add_middleware(BodyLimitMiddleware, most=settings.max_body_bytes)\n"


@back("RT007", also={"CL003"})
def the_limit_is_gone(service: Service) -> Spot:
    service.replace("@/core/application.py", LIMIT, "")
    return service.at("@/core/application.py", "FastAPI(title=title")


@disguise("RT007")
def an_application_of_its_own_beside_it(service: Service) -> Spot:
    service.write(
        MAIN,
        '''
        """The ASGI entry point: `app` is what a server runs."""

        from typing import Annotated

        from fastapi import Depends, FastAPI as Service, Request

        from .core.application import create_app
        from .core.features import discover
        from .core.http import authenticated
        from .settings import Settings

        old = create_app(Settings.load(), discover(__package__), title=__package__.replace("_", " ").title())
        app = Service(openapi_url=None, lifespan=old.router.lifespan_context, dependencies=[Depends(authenticated)])


        @app.post("/files")
        async def keep(request: Request) -> int:
            return len(await request.json())


        app.mount("", old)
        ''',
    )
    return service.at(MAIN, '@app.post("/files")')


@disguise("RT007", also={"CL003"})
def a_limit_on_one_router_alone(service: Service) -> Spot:
    service.replace("@/core/application.py", LIMIT, "")
    text = service.read("@/core/http/_routing.py")
    service.write(
        "@/core/http/_routing.py",
        text.replace(
            "            responses=documented,\n",
            "            responses=documented,\n            max_body_size=1_000_000,\n",
        ),
    )
    service.feature(
        "hooks",
        routes="""
        from fastapi import APIRouter, Depends, Request

        from ...core.http import authenticated

        hooks = APIRouter(prefix="/hooks", dependencies=[Depends(authenticated)])


        @hooks.post("")
        async def take(request: Request) -> int:
            return len(await request.body())
        """,
    )
    return service.at("@/features/hooks/routes.py", "@hooks.post")


@disguise("RT007", also={"CL003"})
def a_middleware_under_another_name_that_limits_nothing(service: Service) -> Spot:
    service.replace("@/core/application.py", "BodyLimitMiddleware, most=settings.max_body_bytes", "Unlimited")
    service.replace("@/core/application.py", "from .http import BodyLimitMiddleware,", "from .http import")
    service.append(
        "@/core/application.py",
        """

        class Unlimited(RequestLogMiddleware):
            pass
        """,
    )
    return service.at("@/core/application.py", "FastAPI(title=title")


@hurried("RT007", also={"CL003"})
def uploads_in_an_application_of_their_own(service: Service) -> Spot:
    service.replace("@/core/application.py", LIMIT, "")
    service.feature(
        "uploads",
        routes="""
        from fastapi import Request

        from ...core.http import CurrentUser, Router

        uploads = Router("/uploads", tags=["uploads"])


        @uploads.post("")
        async def upload(request: Request, user: CurrentUser) -> int:
            return sum([len(each) async for each in request.stream()])
        """,
    )
    return service.at("@/core/application.py", "FastAPI(title=title")


@look_alike("RT007")
def fastapis_own_limit(service: Service) -> None:
    service.replace("@/core/application.py", LIMIT, "")
    service.replace(
        "@/core/application.py", "lifespan=lifespan)", "lifespan=lifespan, max_body_size=settings.max_body_bytes)"
    )
    service.append(
        "@/features/inbox/routes.py",
        """

        @inbox.post("/{item_id}/note", status_code=204)
        async def note(item_id: RowId, body: dict[str, str], user: CurrentUser) -> None:
            pass
        """,
    )


@look_alike("RT007")
def a_limit_around_the_whole_application(service: Service) -> None:
    service.replace("@/core/application.py", LIMIT, "")
    service.append(
        MAIN,
        """

        from starlette.middleware.body_limit import RequestBodyLimitMiddleware

        inner = app
        app = RequestBodyLimitMiddleware(inner, max_body_size=inner.state.runtime.settings.max_body_bytes)
        """,
    )


@unprotected("RT007", "tests/test_http.py", engine="sqlite")
def bodies_of_any_size(service: Service) -> None:
    service.replace("@/core/application.py", LIMIT, "")


# RT008: responses that show too much


@back("RT008")
def a_row_as_it_is(service: Service) -> Spot:
    service.replace(
        "@/features/accounts/routes.py",
        'async def show_me(session: Session, user: CurrentUser) -> UserView:\n    """Oneself."""\n    return await show_user(session, user)',
        'async def show_me(session: Session, user: CurrentUser):\n    """Oneself."""\n    return await session.get(User, user.user_id)',
    )
    return service.at("@/features/accounts/routes.py", '@users.get("/me")')


@back("RT008")
def a_hash_in_the_model(service: Service) -> Spot:
    service.replace(
        "@/features/accounts/schemas.py", "    email: str\n", "    email: str\n    password_hash: str | None = None\n"
    )
    return service.at("@/features/accounts/schemas.py", "    password_hash")


@disguise("RT008")
def a_secret_in_a_model_inside_of_another(service: Service) -> Spot:
    service.append(
        ROUTES,
        """

        class Source(BaseModel):
            name: str
            apiKey: str


        class Shown(BaseModel):
            sources: dict[str, list[Source]]


        @inbox.get("/{item_id}/sources")
        async def sources(item_id: RowId, user: CurrentUser) -> Shown:
            return Shown(sources={})
        """,
    )
    return service.at(ROUTES, "    apiKey")


@disguise("RT008")
def anything_goes_out(service: Service) -> Spot:
    service.append(
        ROUTES,
        """

        @inbox.get("/{item_id}/raw")
        async def raw(item_id: RowId, session: Session, user: CurrentUser) -> Any:
            item = await find_owned(session, Item, item_id, user, what="item")
            return {"item": item, "now": utc_now().isoformat()}
        """,
    )
    service.replace(ROUTES, "from typing import Annotated", "from typing import Annotated, Any")
    return service.at(ROUTES, '@inbox.get("/{item_id}/raw")')


@disguise("RT008")
def a_response_by_hand_from_all_attributes(service: Service) -> Spot:
    service.append(
        ROUTES,
        """

        @inbox.get("/{item_id}/raw")
        async def raw(item_id: RowId, session: Session, user: CurrentUser) -> JSONResponse:
            item = await find_owned(session, Item, item_id, user, what="item")
            return JSONResponse({"id": item.id, **vars(item)})
        """,
    )
    service.replace(
        ROUTES, "from fastapi import Query", "from fastapi import Query\nfrom fastapi.responses import JSONResponse"
    )
    return service.at(ROUTES, "JSONResponse({")


@disguise("RT008")
def a_dictionary_with_a_token(service: Service) -> Spot:
    service.append(
        "@/features/accounts/routes.py",
        """

        @users.post("/me/reset")
        async def reset(request: Request, user: CurrentUser):
            token = new_token(SESSION_PREFIX)
            return {"sent": True, "reset_token": f"{token}"}
        """,
    )
    return service.at("@/features/accounts/routes.py", '@users.post("/me/reset")')


@hurried("RT008")
def a_feature_that_answers_with_its_rows(service: Service) -> list[Spot]:
    service.feature(
        "tags",
        routes="""
        from sqlalchemy import select

        from ...core.http import CurrentUser, Line, Router, Session
        from ..inbox.models import Capture

        tags = Router("/tags", tags=["tags"])


        @tags.post("")
        async def add(name: Line, session: Session, user: CurrentUser):
            capture = Capture(owner_id=user.user_id, source="tags", text=name)
            session.add(capture)
            await session.flush()
            return capture


        @tags.get("")
        async def last(session: Session, user: CurrentUser) -> dict:
            query = select(Capture).where(Capture.owner_id == user.user_id).limit(1)
            row = await session.scalar(query)
            return {"last": row}
        """,
    )
    return [service.at("@/features/tags/routes.py", text) for text in ("@tags.post", "@tags.get")]


@look_alike("RT008")
def responses_that_say_what_they_show(service: Service) -> None:
    service.feature(
        "shown",
        routes="""
        from pydantic import BaseModel, Field, SecretStr
        from starlette.responses import HTMLResponse

        from secrets import token_urlsafe

        from ...core.http import CurrentUser, Page, Router, secret_response

        shown = Router("/shown", tags=["shown"])


        class Settings(BaseModel):
            webhook_secret: SecretStr
            password: str = Field(default="", exclude=True)
            api_token: str = ""
            has_password: bool
            token_count: int
            token_type: str
            next_page_token: str | None
            content_hash: str
            secret_name: str


        class Fresh(BaseModel):
            hook_secret: str


        @shown.get("/settings", response_model_exclude={"api_token"})
        async def settings(user: CurrentUser) -> Page[Settings]:
            return Page(items=[], next=None)


        @shown.post("/secrets")
        @secret_response
        async def fresh(user: CurrentUser) -> Fresh:
            return Fresh(hook_secret=token_urlsafe())


        @shown.get("/alive")
        async def alive(user: CurrentUser):
            return {"status": "ok", "user": user.user_id, "numbers": [1, 2]}


        @shown.get("/page", response_class=HTMLResponse)
        async def page(user: CurrentUser):
            return "<p>" + str(user.user_id)


        @shown.get("/by-hand")
        async def by_hand(user: CurrentUser):
            response = HTMLResponse("<p>")
            return response


        @shown.delete("", status_code=204)
        async def forget(user: CurrentUser) -> None:
            pass


        @shown.put("")
        async def put(user: CurrentUser):
            pass
        """,
    )


# RT009: what exceptions say

FAILING = """
import logging
import traceback

import httpx2
from fastapi import HTTPException
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ...core.http import CurrentUser, Problem, Router, Session, conflict

failing = Router("/failing", tags=["failing"])
log = logging.getLogger(__name__)

"""


@back("RT009")
def the_detail_is_the_exception(service: Service) -> Spot:
    service.feature(
        "failing",
        routes=FAILING
        + """
@failing.get("")
async def show(session: Session, user: CurrentUser) -> int:
    try:
        return await session.scalar(text("VALUES (1)")) or 0
    except Exception as error:
        log.exception("failed")
        raise HTTPException(status_code=500, detail=str(error)) from error
""",
    )
    return service.at("@/features/failing/routes.py", "raise HTTPException(")


@disguise("RT009")
def a_response_with_a_formatted_text(service: Service) -> Spot:
    service.feature(
        "failing",
        routes=FAILING
        + """
@failing.get("")
async def show(session: Session, user: CurrentUser) -> JSONResponse:
    try:
        return JSONResponse(await session.scalar(text("VALUES (1)")))
    except SQLAlchemyError as e:
        message = f"query failed: {e}"
        return JSONResponse({"error": message}, status_code=503)
""",
    )
    return service.at("@/features/failing/routes.py", 'JSONResponse({"error"')


@disguise("RT009", also={"CL003", "CL004"})
def a_problem_of_the_services_own(service: Service) -> list[Spot]:
    service.feature(
        "failing",
        routes=FAILING
        + """
@failing.get("")
async def show(user: CurrentUser) -> int:
    try:
        async with httpx2.AsyncClient(timeout=2) as client:
            return (await client.get("http://inside.internal/")).status_code
    except httpx2.HTTPError as error:
        if error.args:
            raise conflict("it said: " + repr(error)) from None
        raise Problem(502, "{}".format(error)) from None
""",
    )
    return [service.at("@/features/failing/routes.py", each) for each in ("raise conflict(", "raise Problem(")]


@disguise("RT009")
def a_handler_of_the_application(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from fastapi import Request
        from fastapi.responses import PlainTextResponse


        @app.exception_handler(OSError)
        async def told(request: Request, exc: OSError) -> PlainTextResponse:
            return PlainTextResponse(f"{type(exc).__name__}: {exc}", 500)
        """,
    )
    return service.at(MAIN, "return PlainTextResponse")


@disguise("RT009")
def a_traceback_in_what_is_returned(service: Service) -> Spot:
    service.feature(
        "failing",
        routes=FAILING
        + """
@failing.get("")
async def show(user: CurrentUser) -> dict[str, str]:
    try:
        return {"result": str(1 // user.user_id)}
    except ArithmeticError:
        return {"error": "failed", "trace": traceback.format_exc()}
""",
    )
    return service.at("@/features/failing/routes.py", '"trace"')


@disguise("RT009")
def debugging_is_on(service: Service) -> Spot:
    service.replace("@/core/application.py", "lifespan=lifespan)", "lifespan=lifespan, debug=True)")
    return service.at("@/core/application.py", "debug=True")


@hurried("RT009", also={"CL003", "CL004"})
def a_client_of_a_partner_in_a_hurry(service: Service) -> list[Spot]:
    service.feature(
        "partner",
        routes="""
        from typing import Any

        import httpx2
        from fastapi import HTTPException
        from pydantic import BaseModel

        from ...core.http import CurrentUser, Line, Router

        partner = Router("/partner", tags=["partner"])


        class Answer(BaseModel):
            status: int


        async def ask(query: str) -> int:
            async with httpx2.AsyncClient(timeout=2) as client:
                response = await client.get("http://partner.internal/search", params={"q": query})
            return response.status_code


        @partner.get("/search")
        async def search(query: Line, user: CurrentUser) -> Answer:
            try:
                return Answer(status=await ask(query))
            except httpx2.TimeoutException as e:
                raise HTTPException(504, f"Timeout: {e}")
            except (httpx2.HTTPError, KeyError) as e:
                raise HTTPException(502, {"message": "Partner failed", "info": e.args})
        """,
    )
    return [service.at("@/features/partner/routes.py", each) for each in ("HTTPException(504", "HTTPException(502")]


@look_alike("RT009")
def texts_that_somebody_wrote_for_clients(service: Service) -> None:
    service.feature(
        "failing",
        routes=FAILING
        + """
DEBUG = False


class OutOfStock(Exception):
    pass


def bought(number: int) -> int:
    if number > 3:
        raise OutOfStock(f"there are 3 and {number} are asked for")
    return number


@failing.get("/stock")
async def stock(number: int, user: CurrentUser) -> int:
    try:
        return bought(number)
    except OutOfStock as error:
        raise conflict(str(error)) from None


@failing.get("/number")
async def number(user: CurrentUser, text: str = "7") -> int:
    try:
        return int(text)
    except ValueError as error:
        raise HTTPException(422, detail=f"{error}") from error


@failing.get("/logged")
async def logged(session: Session, user: CurrentUser) -> int:
    try:
        return await session.scalar(text("VALUES (1)")) or 0
    except SQLAlchemyError as error:
        log.warning("failed: %s", str(error))
        shown = str(error) if DEBUG else "the database refuses"
        if DEBUG:
            raise Problem(503, f"{error}") from None
        raise Problem(503, shown) from None


@failing.get("/kind")
async def kind(session: Session, user: CurrentUser) -> JSONResponse:
    try:
        return JSONResponse(await session.scalar(text("VALUES (1)")))
    except SQLAlchemyError as error:
        return JSONResponse({"kind": type(error).__name__}, 503)
    except HTTPException as error:
        return JSONResponse({"detail": error.detail}, error.status_code)
""",
    )


# RT010: CORS


def cors(service: Service, options: str) -> None:
    service.replace(
        "@/core/application.py",
        "    app.add_middleware(RequestLogMiddleware)\n",
        f"    app.add_middleware(CORSMiddleware, {options})\n    app.add_middleware(RequestLogMiddleware)\n",
    )
    service.replace(
        "@/core/application.py",
        "from fastapi import FastAPI\n",
        "from fastapi import FastAPI\nfrom fastapi.middleware.cors import CORSMiddleware\n",
    )


@back("RT010")
def every_origin_with_credentials(service: Service) -> Spot:
    cors(service, 'allow_origins=["*"], allow_credentials=True, allow_methods=["*"]')
    return service.at("@/core/application.py", "add_middleware(CORSMiddleware")


@disguise("RT010")
def a_pattern_that_fits_all(service: Service) -> Spot:
    cors(service, 'allow_origin_regex="https?://.*", allow_credentials=True')
    return service.at("@/core/application.py", "add_middleware(CORSMiddleware")


@disguise("RT010")
def around_the_application_under_another_name(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from starlette.middleware import cors

        Wrapped = cors.CORSMiddleware
        inner = app
        app = Wrapped(inner, allow_credentials=True, allow_origins=("https://a.example", "*"))
        """,
    )
    return service.at(MAIN, "app = Wrapped(")


@disguise("RT010")
def in_a_mounted_application_as_a_list(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from fastapi import FastAPI
        from fastapi.middleware import Middleware
        from fastapi.middleware.cors import CORSMiddleware

        options = {"allow_origins": ["*"], "allow_credentials": True}
        inner = FastAPI(middleware=[Middleware(CORSMiddleware, **options)])
        app.mount("/inner", inner)
        """,
    )
    return service.at(MAIN, "Middleware(CORSMiddleware")


@disguise("RT010")
def a_middleware_of_ones_own_that_repeats_the_origin(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from fastapi import Request, Response
        from starlette.middleware.base import RequestResponseEndpoint


        @app.middleware("http")
        async def cross_origin(request: Request, call_next: RequestResponseEndpoint) -> Response:
            response = await call_next(request)
            response.headers["Access-Control-Allow-Origin"] = request.headers.get("origin", "*")
            response.headers["Access-Control-Allow-Credentials"] = "true"
            return response
        """,
    )
    return service.at(MAIN, 'headers["Access-Control-Allow-Origin"]')


@hurried("RT010")
def the_frontends_port_changes_all_the_time(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from fastapi.middleware.cors import CORSMiddleware

        # The frontend runs on another port every day
        app.add_middleware(
            CORSMiddleware,
            allow_origins=["*"],
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["*"],
        )
        """,
    )
    return service.at(MAIN, "app.add_middleware(")


@look_alike("RT010")
def every_origin_without_credentials(service: Service) -> None:
    cors(service, 'allow_origins=["*"], allow_methods=["GET"]')


@look_alike("RT010")
def named_origins_and_one_that_is_looked_up(service: Service) -> None:
    cors(
        service,
        'allow_origins=["https://app.example"], allow_origin_regex=r"https://[a-z]+\\.app\\.example", allow_credentials=True',
    )
    service.append(
        MAIN,
        """

        from fastapi import Request, Response
        from starlette.middleware.base import RequestResponseEndpoint

        ORIGINS = {"https://app.example"}


        @app.middleware("http")
        async def cross_origin(request: Request, call_next: RequestResponseEndpoint) -> Response:
            response = await call_next(request)
            origin = request.headers.get("origin")
            if origin in ORIGINS:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Allow-Credentials"] = "true"
            return response
        """,
    )


# RT011: handlers that never run


@back("RT011")
def a_handler_beside_the_lifespan(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        @app.router.on_event("startup")
        async def warm_up() -> None:
            print("warm")
        """,
    )
    return service.at(MAIN, "@app.router.on_event")


@disguise("RT011")
def added_by_a_call(service: Service) -> Spot:
    service.write("@/features/inbox/ending.py", "def close_files() -> None:\n    pass\n")
    service.append(
        MAIN,
        """

        from .features.inbox.ending import close_files

        app.router.add_event_handler("shutdown", close_files)
        """,
    )
    return service.at("@/features/inbox/ending.py", "def close_files")


@disguise("RT011")
def a_list_given_to_the_application(service: Service) -> Spot:
    service.append("@/core/application.py", "\n\ndef opened() -> None:\n    pass\n")
    service.replace("@/core/application.py", "lifespan=lifespan)", "lifespan=lifespan, on_startup=[opened])")
    return service.at("@/core/application.py", "def opened")


@disguise("RT011")
def a_mounted_application_with_a_lifespan(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager

        from fastapi import FastAPI


        @asynccontextmanager
        async def inner_life(app: FastAPI) -> AsyncIterator[None]:
            yield


        app.mount("/inner", FastAPI(lifespan=inner_life))
        """,
    )
    return service.at(MAIN, "@asynccontextmanager")


@disguise("RT011")
def a_mounted_application_with_a_handler(service: Service) -> Spot:
    service.append(
        MAIN,
        """

        from fastapi import FastAPI

        inner = FastAPI()


        @inner.router.on_event("startup")
        def connected() -> None:
            pass


        app.mount("/inner", inner)
        """,
    )
    return service.at(MAIN, "@inner.router.on_event")


@hurried("RT011")
def metrics_of_a_tutorial(service: Service) -> list[Spot]:
    service.write(
        "@/core/tutorial.py",
        """
        from fastapi import FastAPI


        def install(app: FastAPI) -> None:
            @app.on_event("startup")
            async def started() -> None:
                app.state.started = True

            @app.on_event("shutdown")
            async def stopped() -> None:
                app.state.started = False
        """,
    )
    service.append(MAIN, "\n\nfrom .core.tutorial import install\n\ninstall(app)\n")
    return [service.at("@/core/tutorial.py", f'@app.on_event("{each}")') for each in ("startup", "shutdown")]


@look_alike("RT011")
def routers_that_run_theirs_and_a_mounted_application_that_is_started(service: Service) -> None:
    service.feature(
        "warm",
        routes="""
        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager

        from fastapi import APIRouter, FastAPI


        @asynccontextmanager
        async def life(app: FastAPI) -> AsyncIterator[None]:
            yield


        warm = APIRouter(prefix="/warm", lifespan=life)
        """,
    )
    service.append(
        MAIN,
        """

        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager

        from fastapi import FastAPI


        @asynccontextmanager
        async def inner_life(app: FastAPI) -> AsyncIterator[None]:
            yield


        inner = FastAPI(lifespan=inner_life)
        plain = FastAPI()
        app.mount("/inner", inner)
        app.mount("/plain", plain)
        """,
    )
    service.replace(
        "@/core/application.py",
        "        async with AsyncExitStack() as stack:\n",
        "        async with AsyncExitStack() as stack:\n"
        "            for mounted in [each.app for each in app.routes if isinstance(getattr(each, 'app', None), FastAPI)]:\n"
        "                await stack.enter_async_context(mounted.router.lifespan_context(mounted))\n",
    )
