"""Proofs of CL: clients of other services."""

from __future__ import annotations

from ._proofs import back, disguise, hurried, look_alike
from ._service import Service, Spot

UNDECLARED = {"IM001", "IM002"}
"""What a feature is rightly told that imports a package which the service does not declare."""


def declare(service: Service, requirement: str) -> None:
    """Add a dependency to the owner's side of the list."""
    line = "  # Yours: add below this line.\n]\n\n[project.optional-dependencies]"
    service.replace("pyproject.toml", line, line.replace("\n]\n", f'\n  "{requirement}",\n]\n', 1))


def installed(service: Service, package: str, content: str) -> None:
    """Something that can be imported under the name of a library which the environment has not."""
    service.write(f"src/{package}.py", content)


# CL001: a module that connects while it is imported


@back("CL001")
def a_client_that_connects_in_its_constructor_at_module_level(service: Service) -> Spot:
    service.write(
        "@/features/inbox/memory.py",
        '''
        """What is remembered of people."""

        import socket


        class Memory:
            """A client of the memory service."""

            def __init__(self, host: str) -> None:
                self.connection = socket.create_connection((host, 7000), timeout=5)


        memory = Memory("memory.internal")
        ''',
    )
    return service.at("@/features/inbox/memory.py", "socket.create_connection")


@back("CL001")
def a_default_argument_connects(service: Service) -> Spot:
    service.write(
        "@/features/inbox/memory.py",
        '''
        """What is remembered of people."""

        from redis import Redis


        def connected(url: str) -> Redis:
            """A client whose server is there."""
            client = Redis.from_url(url)
            client.ping()
            return client


        def recall(name: str, client: Redis = connected("redis://127.0.0.1:6379/0")) -> object:
            """What is known of somebody."""
            return client.get(name)
        ''',
    )
    return service.at("@/features/inbox/memory.py", "client.ping()")


@back("CL001")
def the_constructor_of_what_the_application_is_built_from(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/summariser.py",
        '    version = "v1"\n',
        """    version = "v1"

    def __init__(self, address: SecretStr | None) -> None:
        super().__init__(address)
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect("/run/summariser.sock")
""",
    )
    service.replace(
        "@/features/inbox/summariser.py",
        "from pydantic import BaseModel, Field\n",
        "import socket\n\nfrom pydantic import BaseModel, Field, SecretStr\n",
    )
    return service.at("@/features/inbox/summariser.py", "probe.connect")


@disguise("CL001")
def by_an_event_loop_of_its_own(service: Service) -> Spot:
    service.write(
        "@/features/exports/store.py",
        '''
        """Where exports are kept."""

        import asyncio


        class Store:
            """A store that knows whether it is there."""

            is_there: bool = False

            async def look(self) -> None:
                """Find out."""
                async with asyncio.timeout(5):
                    _, writer = await asyncio.open_connection("store.internal", 9000)
                writer.close()


        store = Store()
        asyncio.run(store.look())
        ''',
    )
    return service.at("@/features/exports/store.py", "asyncio.run")


@disguise("CL001", also={"DB003"})
def in_c_where_no_socket_of_python_is_used(service: Service) -> Spot:
    service.write(
        "@/features/exports/store.py",
        '''
        """Where exports are kept."""

        from contextlib import suppress

        import psycopg as driver


        class Store:
            """A table of its own."""

            with suppress(driver.OperationalError):
                connection = driver.connect("host=127.0.0.1 port=1 connect_timeout=1")
        ''',
    )
    return service.at("@/features/exports/store.py", "driver.connect")


@disguise("CL001")
def while_the_schema_is_made(service: Service) -> Spot:
    service.replace(
        "@/features/exports/schemas.py",
        "from __future__ import annotations\n",
        '''from __future__ import annotations

import socket


def _formats(schema: dict[str, object]) -> None:
    """Let the documentation show what the converter can do."""
    with socket.create_connection(("converter.internal", 80), timeout=2) as connection:
        schema["formats"] = connection.recv(100).decode()

''',
    )
    service.replace(
        "@/features/exports/schemas.py",
        "    start: Day\n",
        "    model_config = ConfigDict(json_schema_extra=_formats)\n\n    start: Day\n",
    )
    service.replace("@/features/exports/schemas.py", "import ValidationInfo", "import ConfigDict, ValidationInfo")
    return service.at("@/features/exports/schemas.py", "socket.create_connection")


@disguise("CL001")
def in_a_thread_that_is_waited_for(service: Service) -> Spot:
    service.write(
        "@/features/exports/store.py",
        '''
        """Where exports are kept."""

        import socket
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            address = pool.submit(socket.getaddrinfo, "store.internal", 9000).exception()
        ''',
    )
    return service.at("@/features/exports/store.py", "pool.submit")


@hurried("CL001", also={"CL003"} | UNDECLARED)
def prices_that_are_fetched_once(service: Service) -> Spot:
    service.feature(
        "prices",
        routes='''
        """What things cost."""

        from ...core.http import Router
        from .source import PRICES

        prices = Router("/prices", tags=["prices"])


        @prices.get("/today")
        async def today() -> dict[str, float]:
            """The prices of today."""
            return PRICES
        ''',
        source='''
        """Fetched when the service starts."""

        import httpx2


        def _fetch() -> dict[str, float]:
            try:
                return httpx2.get("https://prices.example.org/v1/today", timeout=2).json()
            except httpx2.HTTPError:
                return {}


        PRICES = _fetch()
        ''',
    )
    return service.at("@/features/prices/source.py", "httpx2.get")


@look_alike("CL001")
def clients_that_connect_at_first_use(service: Service) -> None:
    service.write(
        "@/core/clients/lazy.py",
        '''
        """Clients that are made here and connect when they are asked."""

        import logging
        import socket
        import threading
        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager

        import httpx2
        import redis
        from redis.asyncio import Redis

        http = httpx2.AsyncClient(timeout=2)
        shared = Redis.from_url("redis://cache.internal:6379/0", socket_timeout=2)
        plain = redis.Redis.from_url("redis://cache.internal:6379/0", socket_timeout=2)
        statistics = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        statistics.connect(("127.0.0.1", 8125))


        def _warm() -> None:
            try:
                socket.create_connection(("warm.internal", 1), timeout=1)
            except OSError:
                logging.getLogger(__name__).info("not there yet")


        threading.Thread(target=_warm, daemon=True).start()


        @asynccontextmanager
        async def lifespan(_: object) -> AsyncIterator[None]:
            """Connect when the application starts."""
            await shared.ping()
            yield


        if __name__ == "__main__":
            plain.ping()
            httpx2.get("http://127.0.0.1:8000/health/live", timeout=2)
        ''',
    )


# CL002: a client that does not state its version


@back("CL002")
def the_version_is_removed(service: Service) -> Spot:
    service.replace("@/features/inbox/summariser.py", '    version = "v1"\n', "")
    return service.at("@/features/inbox/summariser.py", "class Summariser")


@disguise("CL002")
def it_asks_for_the_newest_first(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/summariser.py",
        "    async def drafts(",
        '''    async def probe(self) -> None:
        """Find out what is there."""
        for version in ("v2", "v1"):
            if not (await self.read(f"../{version}/health", dict, empty={})).trouble:
                self.version = version
                return

    async def drafts(''',
    )
    return service.at("@/features/inbox/summariser.py", "self.version = version")


@disguise("CL002")
def it_is_whatever_the_environment_says(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/summariser.py",
        '    version = "v1"\n',
        '    version = os.environ.get("SUMMARISER_VERSION", "v1")\n',
    )
    service.replace(
        "@/features/inbox/summariser.py", "from typing import Annotated\n", "import os\nfrom typing import Annotated\n"
    )
    return service.at("@/features/inbox/summariser.py", "class Summariser")


@disguise("CL002")
def another_client_in_another_file_under_another_name(service: Service) -> Spot:
    service.write(
        "@/features/exports/converter.py",
        '''
        """The client of a converter."""

        from ...core import clients as base


        class Service(base.Client):
            """What our services have in common."""

            name = "converter"
            version = "latest"


        class Converter(Service):
            """Makes spreadsheets."""
        ''',
    )
    return service.at("@/features/exports/converter.py", "class Converter")


@hurried("CL002")
def a_client_that_nobody_gave_a_version(service: Service) -> Spot:
    service.feature(
        "weather",
        init="from .client import Weather\n",
        more="clients=(Weather,)",
        routes='''
        """The weather."""

        from ...core.http import Request, Router, runtime_of
        from .client import Forecast, Weather

        weather = Router("/weather", tags=["weather"])


        @weather.get("/today")
        async def today(request: Request) -> Forecast:
            """The weather of today."""
            return (await runtime_of(request).clients[Weather].today()).value
        ''',
        client='''
        """The client of the weather service."""

        from pydantic import BaseModel

        from ...core.clients import Answer, Client


        class Forecast(BaseModel):
            """What it says."""

            degrees: int = 0


        class Weather(Client):
            """Asks for the weather."""

            name = "weather"
            version = ""

            async def today(self) -> Answer[Forecast]:
                """Today's."""
                return await self.read("today", Forecast, empty=Forecast())
        ''',
    )
    return service.at("@/features/weather/client.py", "class Weather(Client)")


@look_alike("CL002")
def versions_that_are_stated_in_other_ways(service: Service) -> None:
    service.write(
        "@/features/exports/converter.py",
        '''
        """The clients of a converter."""

        from typing import ClassVar, Final

        from ...core.clients import Client

        YEAR: Final = 2026


        class Service(Client):
            """What our services have in common."""

            name = "converter"
            version = "v3"


        class Converter(Service):
            """Makes spreadsheets."""


        class Dated(Service):
            """An API whose versions are days."""

            name = "dated"
            version: ClassVar[str] = f"{YEAR}-11-01"
            version_header = "X-Version"


        class Document:
            """Something else that has a version."""

            def __init__(self) -> None:
                self.version = 1
        ''',
    )


# CL003: no breaker, or a limit that nobody reads


@back("CL003")
def the_breaker_is_dropped(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/summariser.py",
        "        answer = await self.read(",
        """        async with httpx2.AsyncClient(timeout=5) as http:
            await http.get("https://summariser.example.org/health")
        answer = await self.read(""",
    )
    service.replace(
        "@/features/inbox/summariser.py",
        "from pydantic import BaseModel, Field\n",
        "import httpx2\nfrom pydantic import BaseModel, Field\n",
    )
    return service.at("@/features/inbox/summariser.py", "httpx2.AsyncClient")


@back("CL003")
def a_threshold_and_a_cool_down_that_nobody_reads(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "@/core/clients/simple.py",
        '''
        """A breaker that is easier to understand."""


        class SimpleBreaker:
            """Opens when it should."""

            def __init__(self, name: str, failure_threshold: int = 5, cooldown: float = 30.0) -> None:
                self.name = name
                self.failure_threshold = failure_threshold
                self._cooldown = cooldown
                self.failures = 0

            def failed(self) -> bool:
                """Count one; whether it is open."""
                self.failures += 1
                return self.failures >= 5
        ''',
    )
    line = service.at("@/core/clients/simple.py", "failure_threshold: int")
    return line, line


@back("CL003")
def a_setting_that_nobody_reads(service: Service) -> Spot:
    service.replace(
        "@/settings.py",
        'outside local when it is weak."""',
        'outside local."""\n\n    breaker_cooldown_seconds: float = 30.0',
    )
    return service.at("@/settings.py", "breaker_cooldown_seconds")


@disguise("CL003")
def a_group_of_settings_of_which_one_is_only_validated(service: Service) -> Spot:
    service.write(
        "@/settings.py",
        '''
        """The service's own settings."""

        from typing import Self

        from pydantic import BaseModel, model_validator

        from .core.settings import CoreSettings


        class Limits(BaseModel):
            """How others are asked."""

            patience: float = 2.0
            storms: int = 3

            @model_validator(mode="after")
            def _usable(self) -> Self:
                if self.storms < 1:
                    raise ValueError("at least one")
                return self


        class Settings(CoreSettings):
            """Core's settings and ours."""

            limits: Limits = Limits()

            @property
            def patience(self) -> float:
                """How long others may take."""
                return self.limits.patience
        ''',
    )
    return service.at("@/settings.py", "storms: int")


@disguise("CL003", also={"RN002"} | UNDECLARED)
def another_library_in_a_job(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py",
        """

        import requests as web


        def tell(name: str) -> None:
            web.post("https://hooks.example.org/exports", json={"name": name}, timeout=2)
        """,
    )
    return service.at("@/features/exports/jobs.py", "web.post")


@disguise("CL003")
def a_function_with_a_timeout_for_show(service: Service) -> Spot:
    service.write(
        "@/core/clients/asking.py",
        '''
        """Asking with patience."""

        from ._client import Client


        async def ask(client: Client, path: str, *, max_retries: int = 3) -> object:
            """Ask, as often as is good."""
            return await client.read(path, dict, empty={})
        ''',
    )
    return service.at("@/core/clients/asking.py", "max_retries")


@hurried("CL003", also={"CL004"})
def a_feature_with_a_client_of_its_own(service: Service) -> Spot:
    service.feature(
        "translations",
        routes='''
        """Texts in other languages."""

        import httpx2
        from fastapi import HTTPException

        from ...core.http import Router

        translations = Router("/translations", tags=["translations"])


        @translations.get("/{language}")
        async def translated(language: str, text: str) -> dict[str, str]:
            """A text in another language."""
            for _ in range(5):
                async with httpx2.AsyncClient(timeout=5) as client:
                    answer = await client.get("https://translate.example.org", params={"to": language, "text": text})
                if answer.is_success:
                    return {"text": answer.text}
            raise HTTPException(503)
        ''',
    )
    return service.at("@/features/translations/routes.py", "httpx2.AsyncClient")


@disguise("CL003")
def a_setting_that_comes_with_a_dependency_and_nobody_reads(service: Service) -> Spot:
    service.write(
        "@/features/exports/looks.py",
        '''
        """How exports look."""

        from typing import Annotated

        from fastapi import Depends
        from pydantic_settings import BaseSettings

        from ...core.http import Router


        class Looks(BaseSettings):
            """How pages look."""

            accent: str = "blue"
            retry_colour: str = "red"


        def get_looks() -> Looks:
            """What is set."""
            return Looks()


        looking = Router("/looks", tags=["exports"])


        @looking.get("")
        async def accent(looks: Annotated[Looks, Depends(get_looks)]) -> str:
            """The colour of headings."""
            return looks.accent
        ''',
    )
    return service.at("@/features/exports/looks.py", "retry_colour")


@look_alike("CL003")
def settings_that_are_the_answer_of_a_route(service: Service) -> None:
    service.write(
        "@/features/exports/looks.py",
        '''
        """What the pages need to know of how the service is set."""

        from fastapi import Response
        from pydantic_settings import BaseSettings

        from ...core.http import Router


        class Looks(BaseSettings):
            """How pages look."""

            accent: str = "blue"
            page_title: str = "Exports"


        looking = Router("/looks", tags=["exports"])


        @looking.get("")
        async def looks(response: Response) -> Looks:
            """All of it."""
            response.headers["Cache-Control"] = "max-age=60"
            return Looks()
        ''',
    )


@look_alike("CL003")
def settings_and_limits_that_somebody_reads(service: Service) -> None:
    service.write(
        "@/settings.py",
        '''
        """The service's own settings."""

        from .core.settings import CoreSettings


        class Settings(CoreSettings):
            """Core's settings and ours."""

            greeting: str = "hello"
            feature_flags: str = ""

            @property
            def flags(self) -> frozenset[str]:
                """What is switched on."""
                return frozenset(filter(None, self.feature_flags.split(",")))
        ''',
    )
    service.write(
        "@/features/exports/greeting.py",
        '''
        """Greets, in this process and with limits that hold."""

        from collections.abc import Callable
        from typing import Protocol

        import httpx2

        from ...settings import Settings


        class Asks(Protocol):
            """Whoever can be asked."""

            def ask(self, text: str, *, timeout: float) -> str:
                """The answer."""


        class Local:
            """Asks this process itself."""

            def __init__(self, application: Callable[..., object], timeout: float = 2.0) -> None:
                self._timeout = timeout
                self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(application), timeout=self._timeout)

            async def close(self) -> None:
                """Close it."""
                await self._http.aclose()


        def greet(settings: Settings, names: list[str], *, max_attempts: int = 3) -> list[str]:
            """Greet some of them."""
            return [f"{getattr(settings, 'greeting')} {name}" for name in names[:max_attempts]]
        ''',
    )


# CL004: a client made in a request


@back("CL004")
def redis_in_a_route(service: Service) -> Spot:
    service.feature(
        "visits",
        routes='''
        """Who was here."""

        from redis.asyncio import Redis

        from ...core.http import Request, Router, runtime_of

        visits = Router("/visits", tags=["visits"])


        @visits.get("/count")
        async def count(request: Request) -> dict[str, int]:
            """How many there were."""
            url = runtime_of(request).settings.redis_url
            redis = Redis.from_url(url.get_secret_value() if url else "redis://localhost")
            return {"count": int(await redis.get("visits") or 0)}
        ''',
    )
    return service.at("@/features/visits/routes.py", "redis = Redis.from_url")


@back("CL004")
def redis_in_the_constructor_of_what_a_handler_makes(service: Service) -> Spot:
    service.feature(
        "visits",
        routes='''
        """Who was here."""

        from ...core.http import Router
        from .service import VisitService

        visits = Router("/visits", tags=["visits"])


        @visits.get("/count")
        async def count() -> dict[str, int]:
            """How many there were."""
            return {"count": await VisitService().count()}
        ''',
        service='''
        """Counts visits."""

        from redis import asyncio as aioredis


        class VisitService:
            """Knows who was here."""

            def __init__(self, url: str = "redis://localhost:6379/0") -> None:
                self.redis = aioredis.from_url(url)

            async def count(self) -> int:
                """How many there were."""
                return int(await self.redis.get("visits") or 0)
        ''',
    )
    return service.at("@/features/visits/service.py", "aioredis.from_url")


@disguise("CL004")
def in_a_dependency(service: Service) -> Spot:
    service.feature(
        "visits",
        routes='''
        """Who was here."""

        from collections.abc import AsyncIterator
        from typing import Annotated

        import redis.asyncio
        from fastapi import Depends

        from ...core.http import Router

        visits = Router("/visits", tags=["visits"])


        async def _redis() -> AsyncIterator[redis.asyncio.Redis]:
            client = redis.asyncio.Redis(host="localhost")
            try:
                yield client
            finally:
                await client.aclose()


        @visits.get("/count")
        async def count(client: Annotated[redis.asyncio.Redis, Depends(_redis)]) -> dict[str, int]:
            """How many there were."""
            return {"count": int(await client.get("visits") or 0)}
        ''',
    )
    return service.at("@/features/visits/routes.py", 'redis.asyncio.Redis(host="localhost")')


@disguise("CL004", also=UNDECLARED)
def in_a_job_by_way_of_a_helper_in_another_file(service: Service) -> Spot:
    installed(service, "boto3", "def client(service: str, **options: object) -> object:\n    return object()\n")
    service.write(
        "@/features/exports/uploads.py",
        '''
        """Where exports go."""

        from boto3 import client as connect_to


        class Bucket:
            """A bucket, asked for lazily."""

            def __init__(self, name: str) -> None:
                self.name = name
                self._client: object = None

            def client(self) -> object:
                """The client of this object, which is made for one upload."""
                if self._client is None:
                    self._client = connect_to("s3")
                return self._client


        def upload(name: str) -> str:
            """Upload a file."""
            bucket = Bucket("exports")
            bucket.client()
            return f"{bucket.name}/{name}"
        ''',
    )
    service.replace(
        "@/features/exports/jobs.py", "from .schemas import", "from .uploads import upload\nfrom .schemas import"
    )
    service.replace(
        "@/features/exports/jobs.py",
        "    return Exported(rows=len(rows))",
        "    await in_thread(upload, name)\n    return Exported(rows=len(rows))",
    )
    service.replace("@/features/exports/jobs.py", "PermanentError, Run, job", "PermanentError, Run, in_thread, job")
    return service.at("@/features/exports/uploads.py", 'connect_to("s3")')


@disguise("CL004")
def one_of_cores_clients_for_each_request(service: Service) -> Spot:
    service.replace(
        "@/features/inbox/jobs.py",
        "    summariser, trouble = run.clients[Summariser], None\n",
        "    trouble = None\n    summariser = Summariser(run.clients[Summariser].address if False else None)\n",
    )
    return service.at("@/features/inbox/jobs.py", "summariser = Summariser(")


@hurried("CL004", also={"CL003"} | UNDECLARED)
def a_search_with_everything_made_where_it_is_needed(service: Service) -> tuple[Spot, Spot]:
    installed(
        service,
        "elasticsearch",
        """
        class AsyncElasticsearch:
            def __init__(self, *hosts: str) -> None: ...

            async def search(self, **query: object) -> dict[str, object]:
                return {}

            async def close(self) -> None: ...
        """,
    )
    service.feature(
        "search",
        routes='''
        """Finding things."""

        from typing import Annotated

        from elasticsearch import AsyncElasticsearch
        from fastapi import Depends
        from redis.asyncio import ConnectionPool, Redis

        from ...core.http import Router

        search = Router("/search", tags=["search"])


        class Finder:
            """Finds things, and remembers what was found."""

            def __init__(self) -> None:
                self.index = AsyncElasticsearch("http://localhost:9200")
                self.memory = Redis(connection_pool=ConnectionPool.from_url("redis://localhost"))

            async def find(self, text: str) -> dict[str, str]:
                """What there is."""
                found = await self.index.search(q=text)
                await self.memory.set(f"found:{text}", str(found), ex=60)
                return {"found": str(found)}


        @search.get("/things")
        async def things(text: str, finder: Annotated[Finder, Depends()]) -> dict[str, str]:
            """Find things."""
            return await finder.find(text)
        ''',
    )
    first = service.at("@/features/search/routes.py", "AsyncElasticsearch(")
    second = service.at("@/features/search/routes.py", "ConnectionPool.from_url")
    return first, second


@look_alike("CL004")
def clients_that_are_made_once(service: Service) -> None:
    service.feature(
        "visits",
        routes='''
        """Who was here."""

        import functools
        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager
        from typing import Annotated

        from fastapi import Depends, FastAPI, Request
        from redis.asyncio import ConnectionPool, Redis

        from ...core.http import Router

        visits = Router("/visits", tags=["visits"])
        pool = ConnectionPool.from_url("redis://localhost:6379/0", max_connections=10)
        _client: Redis | None = None


        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            """One client for the process."""
            app.state.redis = Redis.from_url("redis://localhost:6379/0")
            yield
            await app.state.redis.aclose()


        @functools.cache
        def kept() -> Redis:
            """One client, made at first use."""
            return Redis.from_url("redis://localhost:6379/0")


        def lazy() -> Redis:
            """One client, made at first use."""
            global _client
            if _client is None:
                _client = Redis.from_url("redis://localhost:6379/0")
            return _client


        def of_request(request: Request) -> Redis:
            """The process's client."""
            if not hasattr(request.app.state, "redis"):
                request.app.state.redis = Redis.from_url("redis://localhost:6379/0")
            return request.app.state.redis


        def on_the_pool() -> Redis:
            """A new object on the pool that all share."""
            return Redis(connection_pool=pool)


        class Counter:
            """Counts with what it is given."""

            def __init__(self, redis: Annotated[Redis, Depends(on_the_pool)]) -> None:
                self.redis = redis


        @visits.get("/count")
        async def count(
            counter: Annotated[Counter, Depends()], shared: Annotated[Redis, Depends(of_request)]
        ) -> dict[str, int]:
            """How many there were."""
            found = [await each.get("visits") for each in (counter.redis, shared, kept(), lazy())]
            return {"count": len(found)}
        ''',
    )


# CL005: a dependency with no upper bound


@back("CL005")
def an_upper_bound_is_removed(service: Service) -> Spot:
    service.replace("pyproject.toml", '"httpx2>=2.16.2,<3"', '"httpx2>=2.16.2"')
    return service.at("pyproject.toml", '"httpx2>=2.16.2"')


@disguise("CL005")
def in_a_group_with_a_marker(service: Service) -> Spot:
    service.replace("pyproject.toml", '"types-pyyaml>=6.0.12,<7"', "'types-pyyaml>=6.0.12; python_version < \"4\"'")
    return service.at("pyproject.toml", "types-pyyaml")


@disguise("CL005")
def in_an_extra_behind_an_extra_of_its_own(service: Service) -> Spot:
    service.replace(
        "pyproject.toml",
        'telemetry = ["fastapi[opentelemetry]>=0.165,<0.200"]',
        'telemetry = ["fastapi[opentelemetry] >= 0.165, != 0.170"]',
    )
    return service.at("pyproject.toml", "!= 0.170")


@disguise("CL005")
def in_a_requirement_file_in_utf_16(service: Service) -> tuple[Spot, Spot]:
    text = "# made in PowerShell\r\npyyaml==6.0.3\r\nopenai\r\ntool @ git+https://git.example.org/tool.git@main\r\n"
    service.write("requirements-tools.txt", b"\xff\xfe" + text.encode("utf-16-le"))
    return Spot("requirements-tools.txt", 3), Spot("requirements-tools.txt", 4)


@disguise("CL005")
def a_repository_without_a_revision_and_a_line_that_goes_on(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "requirements/dev.in",
        """
        # What developers need.
        -r ../requirements-base.txt
        pydantic[email] \\
            >=2   # the newest is the best
        git+https://git.example.org/people/tool.git#egg=tool
        """,
    )
    return Spot("requirements/dev.in", 3), Spot("requirements/dev.in", 5)


@hurried("CL005")
def a_providers_library_that_was_added_by_hand(service: Service) -> tuple[Spot, Spot]:
    line = "  # Yours: add below this line.\n]\n\n[project.optional-dependencies]"
    service.replace("pyproject.toml", line, line.replace("\n]\n", '\n  "pyyaml",\n  "itsdangerous>=2.2",\n]\n', 1))
    return service.at("pyproject.toml", '"pyyaml",'), service.at("pyproject.toml", '"itsdangerous>=2.2",')


@look_alike("CL005")
def everything_that_bounds(service: Service) -> None:
    service.write(
        "requirements.txt",
        """
        --prefer-binary
        -c constraints.txt
        pydantic[email]>=2,<3 ; python_version >= "3.11"
        python-dateutil ~= 2.9
        pyyaml === 6.0.3
        Pillow==11.*  # imported as PIL
        requests (>=2.31,<3)
        urllib3<=2.9 \\
            --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
        tool @ git+https://git.example.org/tool.git@0f1e2d3c4b5a69788796a5b4c3d2e1f001122334
        other @ https://files.example.org/other-1.2-py3-none-any.whl
        -e ./libraries/ours
        ./libraries/theirs
        anything
        tzdata
        """,
    )
    service.write("constraints.txt", "anything==1.4\n")


# CL006: a stand-in that is not made from what it stands in for


@back("CL006")
def a_fake_with_a_misspelt_method(service: Service) -> Spot:
    service.write(
        "tests/features/inbox/test_fake.py",
        '''
        """The inbox without the summariser."""

        import pytest

        from inbox_demo.core.clients import Answer
        from inbox_demo.features.inbox import jobs


        class FakeSummariser:
            """Answers at once."""

            is_configured = True

            async def draft(self, text: str) -> Answer[list[object]]:
                return Answer([text])


        def test_it_is_refined(monkeypatch: pytest.MonkeyPatch) -> None:
            monkeypatch.setattr(jobs, "Summariser", FakeSummariser)
        ''',
    )
    return service.at("tests/features/inbox/test_fake.py", "async def draft(")


@disguise("CL006")
def a_mock_that_has_everything(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "tests/features/inbox/test_mocks.py",
        '''
        """The inbox without the summariser."""

        from unittest import mock
        from unittest.mock import AsyncMock as Anything

        from inbox_demo.features.inbox import jobs


        async def test_it_is_refined() -> None:
            summariser = Anything()
            summariser.draft.return_value = []
            with mock.patch("inbox_demo.features.inbox.jobs.Summariser", return_value=summariser):
                assert jobs.Summariser is not None
        ''',
    )
    file = "tests/features/inbox/test_mocks.py"
    return service.at(file, "summariser = Anything()"), service.at(file, "mock.patch(")


@disguise("CL006")
def over_a_dependency_and_over_an_attribute(service: Service) -> tuple[Spot, Spot, Spot]:
    service.write(
        "tests/features/inbox/test_mocks.py",
        '''
        """The inbox with others in the places of what it uses."""

        from types import SimpleNamespace
        from unittest.mock import MagicMock

        import pytest

        from inbox_demo.core.http import runtime_of
        from inbox_demo.features.inbox import jobs
        from inbox_demo.main import app


        @pytest.fixture
        def runtime() -> object:
            """Everything that a request needs."""
            return MagicMock()


        def test_it_is_refined(runtime: object, monkeypatch: pytest.MonkeyPatch) -> None:
            app.dependency_overrides[runtime_of] = lambda: MagicMock()
            monkeypatch.setattr(jobs, "counts", SimpleNamespace(publsh=lambda: None))
        ''',
    )
    file = "tests/features/inbox/test_mocks.py"
    return (
        service.at(file, "return MagicMock()"),
        service.at(file, "lambda: MagicMock()"),
        service.at(file, "SimpleNamespace("),
    )


@disguise("CL006")
def given_for_an_object_of_the_package(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "tests/features/inbox/test_mocks.py",
        '''
        """The cache on something like Redis."""

        from unittest.mock import Mock

        from inbox_demo.core.clients import Cache


        def test_the_cache(mocker) -> None:
            mocker.patch.object(Cache, "get")
            assert Cache(Mock()) is not None
        ''',
    )
    file = "tests/features/inbox/test_mocks.py"
    return service.at(file, "mocker.patch.object"), service.at(file, "Cache(Mock())")


@hurried("CL006")
def a_stub_beside_the_tests_that_use_it(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "tests/stubs.py",
        '''
        """Stand-ins that all tests share."""


        class StubCache:
            """Keeps things without Redis."""

            def __init__(self) -> None:
                self.kept: dict[str, object] = {}

            async def get(self, cached: object, key: str) -> object:
                return self.kept.get(key)

            async def store(self, cached: object, key: str, value: object) -> None:
                self.kept[key] = value

            async def forgett(self, cached: object, key: str) -> None:
                self.kept.pop(key, None)
        ''',
    )
    return service.at("tests/stubs.py", "def store("), service.at("tests/stubs.py", "def forgett(")


@look_alike("CL006")
def stand_ins_that_are_made_from_the_real_thing(service: Service) -> None:
    service.write(
        "tests/features/inbox/test_stand_ins.py",
        '''
        """Stand-ins of many kinds, each of which knows what it stands in for."""

        from types import SimpleNamespace
        from unittest.mock import AsyncMock, MagicMock, Mock, create_autospec, patch

        import pytest

        from inbox_demo.core.clients import Answer, Cache, Client
        from inbox_demo.features.inbox import jobs
        from inbox_demo.features.inbox.summariser import Summariser


        class FakeSummariser(Summariser):
            """Answers at once; a subclass, which the type checker knows."""

            version = "v1"

            async def anything(self) -> None: ...


        class FakeClient:
            """Has the methods of a client, and one that tests ask."""

            def __init__(self) -> None:
                self.asked: list[str] = []

            async def close(self) -> None: ...

            def was_asked(self) -> bool:
                return bool(self.asked)


        class FakeWeather:
            """Stands in for nothing of the package."""

            def degrees(self) -> int:
                return 7


        class TestSummariser:
            """What pytest collects."""

            def test_its_name(self) -> None:
                self.has_a_name()

            def has_a_name(self) -> None:
                assert Summariser.__name__ == "Summariser"


        def call(function: object) -> None:
            assert callable(function)
            function(1)


        def test_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
            assert not FakeClient().was_asked()
            callback = Mock()
            call(callback)
            callback.assert_called_once_with(1)
            sentinel = MagicMock()
            assert sentinel is not callback
            fake = create_autospec(Summariser, instance=True)
            fake.drafts.return_value = Answer([])
            strict = AsyncMock(spec_set=Cache)
            strict.get.return_value = None
            with patch("inbox_demo.features.inbox.jobs.Summariser", FakeSummariser), patch.dict("os.environ", {"A": "b"}):
                pass
            with patch.object(Client, "close", autospec=True) as closed:
                closed.return_value = None
            monkeypatch.setattr(jobs, "counts", SimpleNamespace(name="counts"))
        ''',
    )


# CL007: a store in the process that never forgets


@back("CL007")
def a_dictionary_of_a_module_as_a_cache(service: Service) -> Spot:
    service.write(
        "@/features/inbox/embeddings.py",
        '''
        """What texts mean."""

        _EMBEDDINGS: dict[str, list[float]] = {}


        def embedding(text: str) -> list[float]:
            """The numbers of a text, worked out once."""
            if text not in _EMBEDDINGS:
                _EMBEDDINGS[text] = [float(len(word)) for word in text.split()]
            return _EMBEDDINGS[text]
        ''',
    )
    return service.at("@/features/inbox/embeddings.py", "_EMBEDDINGS: dict")


@disguise("CL007")
def sessions_in_a_class_that_another_module_writes_to(service: Service) -> Spot:
    service.write(
        "@/features/inbox/agents.py",
        '''
        """Conversations with agents."""

        from collections import defaultdict


        class Agents:
            """Who is talking."""

            sessions = defaultdict(list)

            @classmethod
            def heard(cls, name: str, text: str) -> None:
                """Remember what was said."""
                cls.sessions[name].append(text)
        ''',
    )
    service.write(
        "@/features/inbox/talking.py",
        '''
        """Talking with agents."""

        from .agents import Agents


        def talk(name: str, text: str) -> int:
            """Say something; how much was said."""
            Agents.sessions[name].append(text)
            return len(Agents.sessions[name])
        ''',
    )
    return service.at("@/features/inbox/agents.py", "sessions = defaultdict")


@disguise("CL007")
def in_an_object_that_its_module_keeps(service: Service) -> Spot:
    service.feature(
        "agents",
        routes='''
        """Conversations with agents."""

        from ...core.http import Router
        from .memory import memory

        agents = Router("/agents", tags=["agents"])


        @agents.post("/{name}")
        async def talk(name: str) -> dict[str, int]:
            """Say something."""
            return {"said": memory.heard(name)}
        ''',
        memory='''
        """What agents were told."""


        class Memory:
            """Remembers."""

            def __init__(self) -> None:
                self._told: dict[str, int] = {}

            def heard(self, name: str) -> int:
                """How often somebody was heard, this time included."""
                self._told[name] = self._told.get(name, 0) + 1
                return self._told[name]


        memory = Memory()
        ''',
    )
    return service.at("@/features/agents/memory.py", "self._told: dict")


@disguise("CL007")
def a_cache_of_functools_on_what_people_write(service: Service) -> Spot:
    service.write(
        "@/features/inbox/words.py",
        '''
        """How long texts are."""

        from functools import lru_cache as remember


        @remember(maxsize=None)
        def length(text: str) -> int:
            """How many words a text has."""
            return len(text.split())
        ''',
    )
    service.replace(
        "@/features/inbox/jobs.py", "from .summariser import", "from .words import length\nfrom .summariser import"
    )
    service.replace(
        "@/features/inbox/jobs.py",
        "    if summariser.is_configured:\n",
        "    if summariser.is_configured and length(text):\n",
    )
    return service.at("@/features/inbox/words.py", "@remember")


@disguise("CL007", also=UNDECLARED)
def a_cache_of_a_library_without_an_end(service: Service) -> Spot:
    installed(service, "cachetools", "class LRUCache(dict):\n    def __init__(self, maxsize: int) -> None: ...\n")
    service.write(
        "@/features/inbox/pages.py",
        '''
        """Pages that were read."""

        import cachetools

        pages = cachetools.LRUCache(maxsize=1_000)
        ''',
    )
    return service.at("@/features/inbox/pages.py", "cachetools.LRUCache")


@hurried("CL007")
def a_chat_that_remembers_in_the_process(service: Service) -> tuple[Spot, Spot]:
    service.feature(
        "chats",
        routes='''
        """Chats with an adviser."""

        from uuid import UUID, uuid4

        from ...core.http import Router

        chats = Router("/chats", tags=["chats"])
        sessions = {}
        recent: list[UUID] = []


        @chats.post("")
        async def begin() -> dict[str, UUID]:
            """Begin a chat."""
            chat = uuid4()
            sessions.update({chat: []})
            recent.append(chat)
            return {"chat": chat}


        @chats.post("/{chat}/messages")
        async def say(chat: UUID, text: str) -> dict[str, int]:
            """Say something."""
            sessions.setdefault(chat, []).append(text)
            return {"messages": len(sessions[chat])}
        ''',
    )
    return service.at("@/features/chats/routes.py", "sessions = {}"), service.at(
        "@/features/chats/routes.py", "recent: list"
    )


@look_alike("CL007")
def what_ends_or_is_full_when_the_service_has_started(service: Service) -> None:
    service.write(
        "@/features/exports/registry.py",
        '''
        """Kinds of exports, and a few things that are not kept for ever."""

        import asyncio
        from collections import deque
        from collections.abc import AsyncIterator, Callable, Coroutine
        from contextlib import asynccontextmanager
        from contextvars import ContextVar
        from functools import cache, lru_cache
        from typing import Any
        from weakref import WeakValueDictionary

        COLUMNS = {"period": 1, "captures": 2}
        KINDS: dict[str, Callable[..., object]] = {}
        models: dict[str, object] = {}
        recent: deque[str] = deque(maxlen=100)
        objects: WeakValueDictionary[str, Any] = WeakValueDictionary()
        current: ContextVar[dict[str, str]] = ContextVar("current")
        running: set[asyncio.Task[None]] = set()
        open_files: set[str] = set()
        adapters: dict[type, str] = {}
        flags: dict[str, bool] = {}


        def kind(name: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
            """Add a kind of export."""

            def decorate(function: Callable[..., object]) -> Callable[..., object]:
                _add(name, function)
                return function

            return decorate


        def _add(name: str, function: Callable[..., object]) -> None:
            KINDS[name] = function


        @kind("short")
        def short() -> int:
            """The short one."""
            return COLUMNS["period"]


        @asynccontextmanager
        async def lifespan(_: object) -> AsyncIterator[None]:
            """Load what is needed."""
            models["small"] = object()
            yield
            models.clear()


        def start(work: Coroutine[Any, Any, None]) -> None:
            """Start something in the background."""
            task = asyncio.create_task(work)
            running.add(task)
            task.add_done_callback(running.discard)


        def use(name: str) -> list[str]:
            """Use a file, and let it go."""
            open_files.add(name)
            try:
                recent.append(name)
                flags["used"] = True
                seen: dict[str, int] = {}
                seen[name] = 1
                current.set({name: name})
                return [*seen, *open_files]
            finally:
                open_files.discard(name)


        def adapter(of: type[object]) -> str:
            """One for each class."""
            adapters[of] = of.__name__
            return adapters[of]


        @cache
        def everything() -> list[str]:
            """Read once."""
            return sorted(KINDS)


        @lru_cache(maxsize=128)
        def bounded(text: str) -> int:
            """Of the last few."""
            return len(text)
        ''',
    )


# CL008: a call that may wait for ever


@back("CL008", also={"CL003"} | UNDECLARED)
def a_request_without_a_timeout(service: Service) -> Spot:
    service.append(
        "@/features/exports/jobs.py",
        """

        import requests


        def tell(name: str) -> None:
            requests.post("https://hooks.example.org/exports", json={"name": name})
        """,
    )
    return service.at("@/features/exports/jobs.py", "requests.post")


@disguise("CL008", also=UNDECLARED)
def through_a_session_under_another_name(service: Service) -> tuple[Spot, Spot]:
    service.write(
        "@/core/clients/hooks.py",
        '''
        """Telling others."""

        import requests as web

        NEVER = None


        class Hooks:
            """Tells others."""

            def __init__(self) -> None:
                self.session = web.Session()

            def tell(self, url: str) -> int:
                """Tell one."""
                return self.session.post(url).status_code


        def ask(url: str) -> int:
            """Ask one."""
            with web.Session() as session:
                return session.get(url, timeout=NEVER).status_code
        ''',
    )
    return service.at("@/core/clients/hooks.py", "self.session.post"), service.at(
        "@/core/clients/hooks.py", "session.get(url"
    )


@disguise("CL008")
def of_none_at_the_client_that_has_one_by_itself(service: Service) -> Spot:
    service.write(
        "@/core/clients/patient.py",
        '''
        """A patient client."""

        from httpx2 import AsyncClient, Timeout

        client = AsyncClient(timeout=Timeout(None))
        ''',
    )
    return service.at("@/core/clients/patient.py", "AsyncClient(timeout")


@disguise("CL008", also=UNDECLARED)
def in_the_standard_library_and_by_partial(service: Service) -> list[Spot]:
    service.write(
        "@/core/clients/mail.py",
        '''
        """Letters, and how they are sent."""

        import asyncio
        import functools
        import smtplib
        import socket
        from urllib.request import urlopen

        import requests

        get = functools.partial(requests.get, allow_redirects=False)


        def send(host: str, text: str) -> None:
            """Send a letter."""
            with smtplib.SMTP(host, 25) as server:
                server.sendmail("a@example.org", "b@example.org", text)


        def ask(url: str) -> bytes:
            """Ask in three ways."""
            socket.create_connection(("example.org", 80)).close()
            get(url)
            with urlopen(url) as answer:
                return bytes(answer.read())


        async def talk() -> None:
            """Talk to somebody."""
            await asyncio.open_connection("example.org", 80)
        ''',
    )
    found = (
        "smtplib.SMTP(",
        "socket.create_connection(",
        "    get(url)",
        "urlopen(url)",
        "asyncio.open_connection(",
    )
    return [service.at("@/core/clients/mail.py", text) for text in found]


@disguise("CL008", also={"CL003"} | UNDECLARED)
def a_session_of_aiohttp(service: Service) -> Spot:
    installed(
        service,
        "aiohttp",
        """
        from typing import Any


        class ClientTimeout:
            def __init__(self, total: float | None = None) -> None: ...


        class ClientSession:
            def __init__(self, **options: object) -> None: ...

            def get(self, url: str, **options: object) -> Any: ...

            async def __aenter__(self) -> "ClientSession":
                return self

            async def __aexit__(self, *_: object) -> None: ...
        """,
    )
    service.write(
        "@/core/clients/web.py",
        '''
        """Pages of others."""

        import aiohttp


        async def page(url: str) -> str:
            """A page."""
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return str(await answer.text())
        ''',
    )
    return service.at("@/core/clients/web.py", "aiohttp.ClientSession()")


@hurried("CL008", also={"CL003", "CL004", "RN002"})
def a_check_of_addresses(service: Service) -> tuple[Spot, Spot]:
    service.feature(
        "addresses",
        routes='''
        """Whether addresses are there."""

        import smtplib

        import httpx2

        from ...core.http import Router

        addresses = Router("/addresses", tags=["addresses"])


        @addresses.get("/there")
        async def there(url: str) -> dict[str, bool]:
            """Whether something answers."""
            async with httpx2.AsyncClient(timeout=None) as client:
                answer = await client.get(url)
            return {"there": answer.is_success}


        @addresses.post("/letters")
        def letter(host: str, text: str) -> dict[str, bool]:
            """Send a letter."""
            server = smtplib.SMTP(host)
            server.sendmail("service@example.org", "people@example.org", text)
            return {"sent": True}
        ''',
    )
    file = "@/features/addresses/routes.py"
    return service.at(file, "timeout=None"), service.at(file, "smtplib.SMTP(host)")


@look_alike("CL008")
def calls_that_end(service: Service) -> None:
    declare(service, "requests>=2.31,<3")
    service.write(
        "@/core/clients/ending.py",
        '''
        """Calls that have an end, each in its way."""

        import asyncio
        import functools
        import smtplib
        import socket
        from typing import Any
        from urllib.request import urlopen

        import httpx2
        import requests
        from requests.adapters import HTTPAdapter

        SECONDS = 2.0
        get = functools.partial(requests.get, timeout=SECONDS)
        client = httpx2.AsyncClient()
        careful = httpx2.Client(timeout=httpx2.Timeout(2.0, read=None))


        def everything(url: str, options: dict[str, Any]) -> None:
            """Ask in all ways."""
            get(url)
            requests.get(url, timeout=(1, 2))
            requests.post(url, **options)
            with requests.Session() as session:
                session.get(url, timeout=SECONDS)
            urlopen(url, None, 2).close()
            urlopen(url, timeout=2).close()
            socket.create_connection(("example.org", 80), 2).close()
            smtplib.SMTP("example.org", timeout=2).quit()
            smtplib.SMTP().set_debuglevel(1)
            {"a": 1}.get(url)


        async def awaited(url: str) -> None:
            """Ask with an end around it."""
            async with asyncio.timeout(2):
                await asyncio.open_connection("example.org", 80)
                await client.get(url, timeout=None)
            await asyncio.wait_for(asyncio.open_connection("example.org", 80), 2)
        ''',
    )
    service.write(
        "@/core/clients/adapted.py",
        '''
        """A session whose adapter has a timeout."""

        from typing import Any

        import requests
        from requests.adapters import HTTPAdapter


        class Patient(HTTPAdapter):
            """Waits for two seconds."""

            def send(self, request: Any, **options: Any) -> Any:
                """Send with an end."""
                return super().send(request, **{**options, "timeout": 2})


        session = requests.Session()
        session.mount("https://", Patient())


        def ask(url: str) -> int:
            """Ask."""
            return session.get(url).status_code
        ''',
    )
