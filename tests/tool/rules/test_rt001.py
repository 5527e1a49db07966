"""RT001: two handlers on one route, in applications that are put together in all the ways there are."""

from __future__ import annotations

import textwrap

import pytest
from hardened.model import Finding

from ._shop import Shop

HEAD = """
import functools
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.staticfiles import StaticFiles
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute

app = FastAPI()
"""


def judge(shop: Shop, body: str) -> list[Finding]:
    shop.write({"src/shop/main.py": HEAD + textwrap.dedent(body)})
    return shop.findings("RT001")


def test_it_is_told_with_both_functions_and_their_lines(shop: Shop) -> None:
    shop.write(
        {
            "src/shop/old.py": """
                from fastapi import APIRouter
                router = APIRouter()

                @router.post("/ingest/raw")
                def stub(): ...
                """,
            "src/shop/new.py": """
                from fastapi import APIRouter
                router = APIRouter(prefix="/ingest")

                @router.post("/raw")
                def pipeline(): ...
                """,
            "src/shop/main.py": """
                from fastapi import FastAPI
                from . import new, old
                app = FastAPI()
                app.include_router(old.router)
                app.include_router(new.router)
                """,
        }
    )
    [finding] = shop.findings("RT001")
    assert (finding.code, *finding.location) == ("RT001", "src/shop/new.py", 5)
    assert finding.subject == "POST /ingest/raw"
    assert "pipeline (src/shop/new.py:5)" in finding.message
    assert "stub (src/shop/old.py:5)" in finding.message


COLLISIONS = {
    "one path on the application": """
        @app.get("/x")
        def one(): ...
        @app.get("/x")
        def two(): ...
        """,
    "prefixes split elsewhere, two levels deep": """
        a, b, c = APIRouter(prefix="/api"), APIRouter(prefix="/v1"), APIRouter()
        @b.get("/x")
        def one(): ...
        @c.get("/api/v1/x")
        def two(): ...
        a.include_router(b)
        app.include_router(a)
        app.include_router(c)
        """,
    "parameters by another name": """
        @app.get("/items/{id}")
        def one(id: int): ...
        @app.get("/items/{item_id}")
        def two(item_id: int): ...
        """,
    "a literal behind a parameter": """
        @app.get("/items/{id}")
        def one(id: int): ...
        @app.get("/items/me")
        def two(): ...
        """,
    "a literal behind a rest": """
        @app.get("/files/{rest:path}")
        def one(rest: str): ...
        @app.get("/files/a/b")
        def two(): ...
        """,
    "a converter behind any text": """
        @app.get("/items/{name}")
        def one(name: str): ...
        @app.get("/items/{id:int}")
        def two(id: int): ...
        """,
    "a trailing slash": """
        @app.get("/items")
        def one(): ...
        @app.get("/items/")
        def two(): ...
        """,
    "a trailing slash after a parameter": """
        @app.get("/items/{id}/")
        def one(id: int): ...
        @app.get("/items/{item_id}")
        def two(item_id: int): ...
        """,
    "one of several methods": """
        @app.api_route("/x", methods=["GET", "PUT"])
        def one(): ...
        @app.api_route("/x", methods=["POST", "PUT"])
        def two(): ...
        """,
    "websockets": """
        @app.websocket("/live/{room}")
        async def one(socket: WebSocket): ...
        @app.websocket("/live/all")
        async def two(socket: WebSocket): ...
        """,
    "behind a mount": """
        app.mount("/sub", Starlette(routes=[Route("/y", PlainTextResponse("y"))]))
        @app.get("/sub/x")
        def two(): ...
        """,
    "a mount behind a rest": """
        @app.get("/{rest:path}")
        def one(rest: str): ...
        app.mount("/static", StaticFiles(directory="."))
        """,
    "a route of a mount behind a route": """
        @app.get("/sub/y")
        def one(): ...
        async def two(request): ...
        app.mount("/sub", Starlette(routes=[Route("/y", two)]))
        """,
    "two mounts": """
        app.mount("/sub", Starlette())
        app.mount("/sub", FastAPI())
        """,
    "inside a mount": """
        async def one(request): ...
        async def two(request): ...
        app.mount("/{tenant}", Starlette(routes=[Route("/{tenant}", one), Route("/x", two)]))
        """,
    "inside an application in a mount": """
        sub = FastAPI(openapi_url=None)
        router = APIRouter()
        @router.get("/x")
        def one(): ...
        @router.get("/x")
        def two(): ...
        sub.include_router(router)
        app.mount("/sub", sub)
        """,
    "a router included after its first loop": """
        router = APIRouter(prefix="/r")
        app.include_router(router)
        @router.get("/{x}")
        def one(x: str): ...
        @router.get("/late")
        def two(): ...
        """,
    "one router included twice": """
        router = APIRouter()
        @router.get("/x")
        def one(): ...
        app.include_router(router)
        app.include_router(router)
        """,
    "a factory called twice for one prefix": """
        def make():
            router = APIRouter(prefix="/r")
            @router.get("/x")
            def one(): ...
            return router
        app.include_router(make())
        app.include_router(make())
        """,
    "behind a host": """
        async def one(request): ...
        async def two(request): ...
        hosted = Starlette(routes=[Route("/x", one), Route("/x", two)])
        app.router.routes.append(Host("a.example", hosted))
        """,
    "below a middleware": """
        @app.get("/x")
        def one(): ...
        @app.get("/x")
        def two(): ...
        class Middleware:
            def __init__(self, app): self.app = app
        app = Middleware(app)
        """,
    "a converter of one's own": """
        from starlette.convertors import Convertor, register_url_convertor
        class Year(Convertor):
            regex = "Y[0-9]{4}"
        register_url_convertor("year", Year())
        @app.get("/{a:year}")
        def one(a: str): ...
        @app.get("/{b:year}")
        def two(b: str): ...
        """,
}


@pytest.mark.parametrize("body", COLLISIONS.values(), ids=COLLISIONS)
def test_a_collision_is_told_once(shop: Shop, body: str) -> None:
    [finding] = judge(shop, body)
    assert finding.code == "RT001"
    if "def two" in body:
        assert "two" in finding.message
        decorated = body.split("def two")[0].rstrip(" ").removesuffix("async").rstrip(" ").splitlines()[-1].strip()
        assert finding.location.line == shop.line("src/shop/main.py", "def two") - decorated.startswith("@")


LOOKALIKES = {
    "the specific one first": """
        @app.get("/items/me")
        def one(): ...
        @app.get("/items/{id}")
        def two(id: int): ...
        @app.get("/{rest:path}")
        def three(rest: str): ...
        """,
    "other methods": """
        @app.get("/x")
        def one(): ...
        @app.post("/x")
        def two(): ...
        @app.head("/x")
        def three(): ...
        """,
    "other converters": """
        @app.get("/{id:int}")
        def one(id: int): ...
        @app.get("/{id:uuid}")
        def two(id: str): ...
        @app.get("/{id:float}")
        def three(id: float): ...
        @app.get("/{name}")
        def four(name: str): ...
        """,
    "one function with and without a slash": """
        @app.get("/x")
        @app.get("/x/")
        def one(): ...
        """,
    "one function for a literal and for the rest": """
        def one(): ...
        app.add_api_route("/{rest:path}", one)
        app.add_api_route("/", one)
        """,
    "a factory called for two prefixes": """
        def make(prefix):
            router = APIRouter(prefix=prefix)
            @router.get("/x")
            def one(): ...
            return router
        app.include_router(make("/a"))
        app.include_router(make("/b"))
        """,
    "one router under two prefixes": """
        router = APIRouter()
        @router.get("/x")
        def one(): ...
        app.include_router(router, prefix="/v1")
        app.include_router(router, prefix="/v2")
        """,
    "a websocket and a request": """
        @app.get("/live")
        def one(): ...
        @app.websocket("/live")
        async def two(socket: WebSocket): ...
        """,
    "a websocket for all before files": """
        @app.websocket("/{rest:path}")
        async def one(socket: WebSocket): ...
        app.mount("/static", StaticFiles(directory="."))
        """,
    "a mount and its name": """
        @app.get("/sub")
        def one(): ...
        async def index(request): ...
        app.mount("/sub", Starlette(routes=[Route("/", index), Route("/x", index)]))
        """,
    "a mount for the rest, last": """
        @app.get("/x")
        def one(): ...
        app.mount("/", StaticFiles(directory="."))
        """,
    "two hosts": """
        async def one(request): ...
        async def two(request): ...
        for host, function in (("a.example", one), ("b.example", two)):
            app.router.routes.append(Host(host, Starlette(routes=[Route("/x", function)])))
        """,
    "paths that overlap in part": """
        @app.get("/{team}/settings")
        def one(team: str): ...
        @app.get("/users/{name}")
        def two(name: str): ...
        """,
}


@pytest.mark.parametrize("body", LOOKALIKES.values(), ids=LOOKALIKES)
def test_what_can_be_reached_is_quiet(shop: Shop, body: str) -> None:
    assert judge(shop, body) == []


WRAPPED = """
def decorated(function):
    @functools.wraps(function)
    def wrapper(): ...
    return wrapper

class Endpoint:
    def method(self): ...
    def __call__(self): ...

@app.get("/x")
def one(): ...
"""


@pytest.mark.parametrize(
    ("two", "marker"),
    [
        ('@app.get("/x")\n@decorated\ndef two(): ...', '@app.get("/x")'),
        ('app.get("/x")(functools.partial(decorated, 1))', "def decorated"),
        ('app.get("/x")(Endpoint().method)', "def method"),
        ('app.get("/x")(Endpoint())', "class Endpoint"),
    ],
)
def test_the_line_is_that_of_the_function_behind_its_wrappers(shop: Shop, two: str, marker: str) -> None:
    [finding] = judge(shop, f"{WRAPPED}\n{two}\n")
    assert finding.location.file == "src/shop/main.py"
    assert finding.location.line == shop.line("src/shop/main.py", marker, -1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no route of its own"),
        ("app = object()", "has no routes"),
        ("app = Starlette()", "no route of its own"),
        (
            "from starlette.routing import BaseRoute\nclass Odd(BaseRoute): ...\napp.router.routes.append(Odd())",
            "cannot see into Odd",
        ),
        ("del app", "there is no app"),
    ],
)
def test_to_have_looked_at_nothing_is_no_answer(shop: Shop, body: str, reason: str) -> None:
    shop.write({"src/shop/main.py": f"{HEAD}\n{body}\n"})
    report = shop.report("RT001")
    assert not report.findings
    assert [skipped.code for skipped in report.could_not_look] == ["RT001"]
    assert reason in report.could_not_look[0].reason
