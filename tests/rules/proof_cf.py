"""Proofs of CF: settings, and the files that a service is deployed with."""

from __future__ import annotations

from ._proofs import back, disguise, hurried, look_alike
from ._service import Service, Spot

COMPOSE = "compose.yaml"
API = "deploy/kubernetes/api.yaml"
WORKER = "deploy/kubernetes/worker.yaml"
FENCE = "  # Yours: add below this line.\n"


def with_setting(service: Service, line: str) -> None:
    """Add a field to the owner's settings."""
    end = 'when it is weak."""\n'
    service.replace("@/settings.py", end, f"{end}\n    {line}\n")


def with_services(service: Service, content: str) -> None:
    """Add to the owner's part of the compose file."""
    service.replace(COMPOSE, FENCE, FENCE + content)


# CF001: a file of settings that is looked for in the working directory


@back("CF001")
def a_relative_env_file(service: Service) -> Spot:
    service.replace("@/core/settings.py", 'env_file=project_root() / ".env"', 'env_file=".env"')
    return service.at("@/core/settings.py", "model_config = SettingsConfigDict(")


@disguise("CF001")
def the_owners_settings_have_a_configuration_of_their_own(service: Service) -> Spot:
    service.write(
        "@/settings.py",
        '''
        """The service's own settings."""

        import os
        from pathlib import Path

        from .core.settings import CoreSettings

        HERE = Path(os.getcwd())


        class Settings(CoreSettings):
            """Core's settings and ours."""

            model_config = {**CoreSettings.model_config, "env_file": (HERE / "config" / ".env",)}
        ''',
    )
    return service.at("@/settings.py", "model_config = {")


@disguise("CF001", also={"IM001"})
def dotenv_without_a_path(service: Service) -> Spot:
    service.write(
        "@/features/inbox/environment.py",
        """
        from dotenv import load_dotenv as load

        load()
        """,
    )
    return service.at("@/features/inbox/environment.py", "load()")


@disguise("CF001")
def a_constant_of_another_module_is_opened(service: Service) -> Spot:
    service.write("@/features/inbox/names.py", 'FILE = "./config/.env"\n')
    service.write(
        "@/features/inbox/environment.py",
        """
        from pathlib import Path

        from .names import FILE


        def told() -> dict[str, str]:
            lines = Path(FILE).read_text().splitlines()
            return dict(line.split("=", 1) for line in lines)
        """,
    )
    return service.at("@/features/inbox/environment.py", "Path(FILE)")


@disguise("CF001")
def the_migrations_read_a_file_of_their_own(service: Service) -> Spot:
    service.append("migrations/env.py", '\n\nwith open(".env") as told:\n    print(told.read())\n')
    return service.at("migrations/env.py", 'open(".env")')


@disguise("CF001")
def an_inner_class_config(service: Service) -> Spot:
    service.write(
        "@/features/exports/settings.py",
        """
        from pydantic_settings import BaseSettings


        class ExportSettings(BaseSettings):
            folder: str = "exports"

            class Config:
                env_prefix = "EXPORT_"
                env_file = ".env"
        """,
    )
    return service.at("@/features/exports/settings.py", "env_file")


@hurried("CF001")
def settings_of_a_feature(service: Service) -> Spot:
    service.feature(
        "mailing",
        routes="""
        from pydantic_settings import BaseSettings, SettingsConfigDict

        from ...core.http import Router

        mailing = Router("/mailing", tags=["mailing"])


        class MailSettings(BaseSettings):
            model_config = SettingsConfigDict(env_file=(".env", ".env.local"), extra="ignore")

            smtp_host: str = "mail.internal"


        @mailing.get("")
        async def host() -> dict[str, str]:
            return {"host": MailSettings().smtp_host}
        """,
    )
    return service.at("@/features/mailing/routes.py", "model_config")


@look_alike("CF001")
def paths_from_the_file_and_from_the_root(service: Service) -> None:
    service.write(
        "@/features/inbox/environment.py",
        """
        import os
        from pathlib import Path

        from pydantic_settings import BaseSettings, SettingsConfigDict

        from ...core.settings import project_root

        BASE = Path(__file__).resolve().parent.parent
        NAME = ".env"


        class Own(BaseSettings):
            model_config = SettingsConfigDict(env_file=(BASE / NAME, project_root() / Path(".env.local")))


        class Other(BaseSettings):
            class Config:
                env_file = os.path.join(os.path.dirname(__file__), ".env")


        class Etc(BaseSettings, env_file="/etc/service/.env"):
            pass


        def example() -> str:
            return (project_root() / ".env.example").read_text()


        def untouched() -> Own:
            return Own(_env_file=None)
        """,
    )


# CF002: twice, drifting, unwatched


@back("CF002")
def the_same_volume_twice(service: Service) -> Spot:
    service.replace(
        COMPOSE,
        '    volumes: ["postgres:/var/lib/postgresql"]\n',
        "    volumes:\n      - postgres:/var/lib/postgresql\n      - postgres:/var/lib/postgresql\n",
    )
    return service.at(COMPOSE, "- postgres:/var/lib/postgresql", 1)


@back("CF002")
def a_duplicate_of_each_kind(service: Service) -> list[Spot]:
    with_services(
        service,
        """
  mail:
    image: axllent/mailpit:v1.21
    environment: [MP_MAX=100, MP_MAX=200]
    networks: [default, default]
    ports: ["127.0.0.1:8000:8025"]
    restart: unless-stopped
    restart: always
    healthcheck: {test: [CMD, /mailpit, readyz]}
""",
    )
    return [
        service.at(COMPOSE, "MP_MAX=100"),
        service.at(COMPOSE, "networks: [default"),
        service.at(COMPOSE, "127.0.0.1:8000:8025"),
        service.at(COMPOSE, "    restart: always"),
    ]


@back("CF002")
def unpinned_unwatched_and_never_started_again(service: Service) -> list[Spot]:
    with_services(service, "\n  search:\n    image: typesense/typesense\n")
    place = service.at(COMPOSE, "  search:")
    return [place, place, service.at(COMPOSE, "image: typesense")]


@disguise("CF002")
def the_long_syntax(service: Service) -> list[Spot]:
    service.replace(
        COMPOSE,
        '    ports: ["127.0.0.1:${API_HOST_PORT:-8000}:8000"]\n',
        """    ports:
      - {target: 8000, published: "8000"}
      - target: 8001
        published: 8000-8010
        host_ip: 127.0.0.1
    volumes:
      - {type: volume, source: rabbitmq, target: /data}
      - type: bind
        source: ./data
        target: /data/
""",
    )
    return [service.at(COMPOSE, "- target: 8001"), service.at(COMPOSE, "- type: bind")]


@disguise("CF002")
def a_port_in_an_override_that_another_service_has(service: Service) -> Spot:
    service.write(
        "compose.override.yaml",
        """
        services:
          postgres:
            ports:
              - "5432:5432"
          redis:
            ports:
              - target: 6379
                published: ${REDIS_HOST_PORT:-5432}
        """,
    )
    return service.at("compose.override.yaml", "- target: 6379")


@disguise("CF002")
def a_service_that_extends_one_of_another_file(service: Service) -> list[Spot]:
    service.write(
        "deploy/common.yaml",
        """
        services:
          base:
            image: nginx:stable-alpine
            tmpfs:
              - /var/cache/nginx
            volumes:
              - ./static:/var/cache/nginx
        """,
    )
    with_services(
        service,
        "\n  proxy:\n    extends: {file: deploy/common.yaml, service: base}\n    restart: always\n    healthcheck: {test: [CMD, nginx, -t]}\n",
    )
    return [service.at("deploy/common.yaml", "image:"), service.at("deploy/common.yaml", "- /var/cache/nginx")]


@disguise("CF002")
def a_fixed_port_for_three_containers(service: Service) -> Spot:
    service.replace(COMPOSE, "    stop_grace_period: 45s\n", "    stop_grace_period: 45s\n    deploy: {replicas: 3}\n")
    return service.at(COMPOSE, "API_HOST_PORT:-8000")


@hurried("CF002")
def a_queue_that_was_tried_on_friday(service: Service) -> list[Spot]:
    with_services(
        service,
        """
  kafka:
    image: apache/kafka:latest
    container_name: broker
    ports:
      - 9092:9092
      - 8000:8080
  kafka-ui:
    image: provectuslabs/kafka-ui:v0.7.2
    container_name: broker
    restart: unless-stopped
    ports:
      - 127.0.0.1:9092:8080
""",
    )
    kafka, ui = service.at(COMPOSE, "  kafka:"), service.at(COMPOSE, "  kafka-ui:")
    return [
        kafka,
        kafka,
        ui,
        service.at(COMPOSE, "image: apache/kafka"),
        service.at(COMPOSE, "- 8000:8080"),
        service.at(COMPOSE, "127.0.0.1:9092:8080"),
        service.at(COMPOSE, "container_name: broker", 1),
    ]


@look_alike("CF002")
def what_anchors_extends_profiles_and_overrides_say_again(service: Service) -> None:
    with_services(
        service,
        """
  cache:
    extends: redis
    command: [valkey-server, --save, ""]
  dev-db:
    image: postgres:18.1
    profiles: [dev]
    ports: ["5432:5432"]
    restart: always
    healthcheck: {test: [CMD, pg_isready]}
  prod-db:
    image: "postgres@sha256:0f4d3b0a6b2f1e2ad8b4ce6f0aaf4cfcd1ed0a1cbb6f0b7e59de4f6d86e4ad18"
    profiles: [prod]
    ports: ["5432:5432"]
    restart: always
    healthcheck: {disable: true}
  dns:
    image: coredns/coredns:${DNS_TAG:-1.12.0}
    restart: on-failure
    ports: ["127.0.0.1:53:53/udp", "127.0.0.1:53:53/tcp", "127.0.0.2:53:53/udp", "9000-9001:9000-9001"]
    healthcheck: {test: [CMD, /coredns, -version]}
  seed:
    image: ${SEED_IMAGE:?}
    restart: "no"
    volumes: [./seed:/seed:ro, ./more:/seed/more]
  psql:
    image: postgres:18.1
    profiles: [tools]
""",
    )
    service.write(
        "compose.override.yaml",
        """
        services:
          api:
            environment: [LOG_LEVEL=DEBUG]
            ports: ["127.0.0.1:${API_HOST_PORT:-8000}:8000"]
          postgres:
            volumes: [./data:/var/lib/postgresql]
          dns:
            ports: !override ["127.0.0.1:5353:53/udp"]
        """,
    )


# CF003: ports inside and outside


@back("CF003")
def the_host_port_between_containers(service: Service) -> Spot:
    service.replace(
        COMPOSE, "    stop_grace_period: 1m\n", '    stop_grace_period: 1m\n    ports: ["127.0.0.1:5433:5432"]\n'
    )
    service.replace(COMPOSE, "@postgres:5432/service", "@postgres:5433/service")
    return service.at(COMPOSE, "@postgres:5433")


@disguise("CF003")
def localhost_for_another_container(service: Service) -> Spot:
    service.replace(COMPOSE, "REDIS_URL: redis://redis:6379/0", "REDIS_URL: redis://localhost:6379/0")
    return service.at(COMPOSE, "redis://localhost")


@disguise("CF003")
def a_port_of_the_host_by_its_variable_in_an_override(service: Service) -> list[Spot]:
    service.write(
        "compose.override.yaml",
        """
        services:
          redis:
            ports:
              - published: ${REDIS_HOST_PORT:-6379}
                target: 6379
          api:
            environment:
              - REDIS_URL=redis://redis:${REDIS_HOST_PORT:-6379}/0
          worker:
            environment:
              DB_HOST: postgres
              DB_PORT: 15432
        """,
    )
    return [
        service.at("compose.override.yaml", "- REDIS_URL="),
        service.at("compose.override.yaml", "DB_PORT"),
    ]


@disguise("CF003")
def a_service_of_the_cluster_at_the_port_of_its_pods(service: Service) -> Spot:
    service.replace(
        "deploy/kubernetes/settings.yaml",
        "data:\n",
        "data:\n  SERVICE_URLS__ITSELF: http://inbox-demo-api:8000\n",
    )
    return service.at("deploy/kubernetes/settings.yaml", "SERVICE_URLS__ITSELF")


@disguise("CF003")
def documents_tell_the_port_inside(service: Service) -> list[Spot]:
    service.replace(
        COMPOSE, "    stop_grace_period: 1m\n", '    stop_grace_period: 1m\n    ports: ["127.0.0.1:5433:5432"]\n'
    )
    service.append(".env.example", "# DATABASE_URL=postgresql://service:x@localhost:5432/service\n")
    service.append("README.md", "\nGrafana is at <http://localhost:3030>.\n")
    return [service.at(".env.example", "localhost:5432"), service.at("README.md", "localhost:3030")]


@hurried("CF003")
def a_summariser_beside_the_api(service: Service) -> list[Spot]:
    with_services(
        service,
        """
  summariser:
    build: ./summariser
    ports: ["9001:9000"]
    environment:
      DATABASE_URL: postgresql://service:${POSTGRES_PASSWORD:?}@127.0.0.1:5432/service
    restart: unless-stopped
    healthcheck: {test: [CMD-SHELL, "curl -f http://localhost:9000/health"]}
    command: [serve, --summariser, "http://summariser:9000"]
""",
    )
    service.replace(
        COMPOSE,
        "      DATABASE_POOL_SIZE: 10\n",
        "      DATABASE_POOL_SIZE: 10\n      SERVICE_URLS__SUMMARISER: http://summariser:9001\n",
    )
    return [service.at(COMPOSE, "SERVICE_URLS__SUMMARISER"), service.at(COMPOSE, "@127.0.0.1:5432")]


@look_alike("CF003")
def one_number_inside_and_outside_and_what_a_browser_is_told(service: Service) -> None:
    with_services(
        service,
        """
  page:
    build: ./page
    network_mode: host
    environment: {REDIS_URL: "redis://localhost:6379/0"}
    restart: always
    healthcheck: {test: [CMD, wget, "http://127.0.0.1:3000"]}
  search:
    image: typesense/typesense:29.0
    ports: ["${SEARCH_PORT:-8108}:${SEARCH_PORT:-8108}"]
    environment: {TYPESENSE_PORT: "${SEARCH_PORT:-8108}"}
    restart: always
    healthcheck: {test: [CMD-SHELL, "curl -f http://127.0.0.1:8108/health"]}
""",
    )
    service.replace(
        COMPOSE,
        "      DATABASE_POOL_SIZE: 10\n",
        "      DATABASE_POOL_SIZE: 10\n"
        "      WEBSOCKET_ORIGINS: http://localhost:3000 http://localhost:8108\n"
        "      SERVICE_URLS__SEARCH: http://search:${SEARCH_PORT:-8108}\n"
        "      SERVICE_URLS__ITSELF: http://localhost:8000\n"
        "      SERVICE_URLS__HOST: http://host.docker.internal:8108\n",
    )
    service.append(
        "README.md",
        "\nThe page: <http://localhost:8108>. Another port: `inbox-demo serve --port 8099`, then <http://127.0.0.1:8099/docs>.\n",
    )
    service.append(".env.example", "# REDIS_URL=redis://localhost:6379/0\n")


# CF005: secrets that everybody knows


@back("CF005")
def the_default_secret_is_taken_in_production(service: Service) -> Spot:
    service.replace("@/core/settings.py", "            problems += self._weak_secrets()\n", "")
    return service.at("@/core/settings.py", "secret_key: SecretStr = ")


@disguise("CF005", also={"CL003"})
def a_plain_text_that_cores_check_does_not_see(service: Service) -> Spot:
    with_setting(service, 'webhook_token: str = "hook-token-of-ours"')
    return service.at("@/settings.py", "webhook_token")


@disguise("CF005", also={"CL003"})
def a_password_in_the_default_of_an_address(service: Service) -> Spot:
    with_setting(service, 'search_url: str = "https://admin:letmein@search:9200"')
    return service.at("@/settings.py", "search_url")


@disguise("CF005")
def the_default_of_a_variable(service: Service) -> Spot:
    service.append(
        "@/features/accounts/passwords.py",
        '\n\nimport os as o\n\nPEPPER = o.environ.get("PASSWORD_SECRET_KEY", "pepper")\n',
    )
    return service.at("@/features/accounts/passwords.py", "PEPPER =")


@disguise("CF005")
def in_compose_and_in_the_cluster(service: Service) -> list[Spot]:
    service.replace(
        COMPOSE,
        "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it, see the top of compose.yaml}\n",
        "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}\n",
    )
    service.replace(
        COMPOSE,
        "postgresql://service:${POSTGRES_PASSWORD:?set it, see the top of compose.yaml}@postgres",
        "postgresql://service:${POSTGRES_PASSWORD:-postgres}@postgres",
    )
    service.append(
        "deploy/kubernetes/settings.yaml",
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: inbox-demo}\nstringData:\n  SECRET_KEY: change-me-change-me\n",
    )
    return [
        service.at(COMPOSE, "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}"),
        service.at(COMPOSE, "service:${POSTGRES_PASSWORD:-postgres}@"),
        service.at("deploy/kubernetes/settings.yaml", "SECRET_KEY: change-me"),
    ]


@hurried("CF005")
def links_that_are_signed(service: Service) -> list[Spot]:
    service.feature(
        "links",
        routes="""
        import hashlib
        import hmac

        from ...core.http import CurrentUser, Router

        links = Router("/links", tags=["links"])

        SIGNING_KEY = "s3cr3t-for-links"


        class Signer:
            def __init__(self, secret_key: str) -> None:
                self.secret_key = secret_key.encode()

            def sign(self, text: str) -> str:
                return hmac.new(self.secret_key, text.encode(), hashlib.sha256).hexdigest()


        fallback = Signer(secret_key="links")


        @links.get("/{name}")
        async def signed(name: str, user: CurrentUser) -> dict[str, str]:
            return {"signature": Signer(SIGNING_KEY).sign(f"{user.user_id}:{name}")}
        """,
    )
    return [
        service.at("@/features/links/routes.py", "SIGNING_KEY ="),
        service.at("@/features/links/routes.py", "fallback ="),
    ]


@look_alike("CF005")
def references_names_and_values_that_are_refused(service: Service) -> None:
    service.append(
        "@/features/accounts/passwords.py",
        """

        from enum import StrEnum
        from os import environ


        class Grant(StrEnum):
            PASSWORD = "password"
            REFRESH_TOKEN = "refresh"


        API_KEY = "x-api-key"
        PASSWORD_FILE = "/run/secrets/password"
        SECRET_KEY = environ.get("SECRET_KEY", "")
        TOKEN = environ.get("BOT_TOKEN")
        ACCESS_TOKEN = "access_token"
        """.replace("\n        ", "\n"),
    )
    with_setting(service, "mail_password: str | None = None")
    with_setting(service, 'smtp_token: str = ""')
    service.append(
        "@/features/accounts/passwords.py",
        "\n\nfrom ...settings import Settings\n\n\n"
        "def mail(settings: Settings) -> tuple[str | None, str]:\n    return settings.mail_password, settings.smtp_token\n",
    )
    with_services(
        service,
        """
  mail:
    image: axllent/mailpit:v1.21
    restart: unless-stopped
    environment:
      MP_PASSWORD: ${MAIL_PASSWORD:?}
      MP_TOKEN: ${MAIL_TOKEN}
      MP_SECRET: ""
      POSTGRES_PASSWORD_FILE: /run/secrets/password
    healthcheck: {test: [CMD, /mailpit, readyz]}
""",
    )


@look_alike("CF005")
def a_compose_file_for_one_machine(service: Service) -> None:
    service.replace(COMPOSE, "  ENVIRONMENT: production\n", "  ENVIRONMENT: local\n")
    service.replace(
        COMPOSE,
        "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it, see the top of compose.yaml}\n",
        "      POSTGRES_PASSWORD: postgres\n",
    )


# CF006: liveness that depends on something


@back("CF006")
def liveness_asks_the_database(service: Service) -> Spot:
    service.replace(
        "@/core/http/_health.py",
        "async def live() -> Live:\n",
        "async def live(request: Request) -> Live:\n",
    )
    service.replace(
        "@/core/http/_health.py",
        "    return Live()\n",
        "    await runtime_of(request).parts(_SECONDS)\n    return Live()\n",
    )
    return service.at("@/core/http/_health.py", '@health.get("/live")')


@disguise("CF006")
def liveness_depends_on_a_session(service: Service) -> Spot:
    service.replace(
        "@/core/http/_health.py",
        "from ._dependencies import runtime_of\n",
        "from ._dependencies import Session, runtime_of\n",
    )
    service.replace(
        "@/core/http/_health.py", "async def live() -> Live:\n", "async def live(session: Session) -> Live:\n"
    )
    return service.at("@/core/http/_health.py", '@health.get("/live")')


@disguise("CF006")
def liveness_waits_for_a_thread(service: Service) -> Spot:
    service.replace("@/core/http/_health.py", "async def live() -> Live:\n", "def live() -> Live:\n")
    return service.at("@/core/http/_health.py", '@health.get("/live")')


@disguise("CF006")
def the_router_has_a_dependency(service: Service) -> Spot:
    service.replace(
        "@/core/http/_health.py",
        'health = APIRouter(prefix="/health", tags=["health"])\n',
        "async def checked(request: Request) -> None:\n"
        "    async with runtime_of(request).database.engine.connect() as connection:\n"
        "        await connection.exec_driver_sql('SELECT 1')\n\n\n"
        'health = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(checked)])\n',
    )
    service.replace("@/core/http/_health.py", "import APIRouter, Request", "import APIRouter, Depends, Request")
    return service.at("@/core/http/_health.py", '@health.get("/live")')


@disguise("CF006")
def the_probe_calls_readiness(service: Service) -> Spot:
    service.replace(
        API, "livenessProbe: {httpGet: {path: /health/live,", "livenessProbe: {httpGet: {path: /health/ready,"
    )
    return service.at(API, "livenessProbe:")


@disguise("CF006")
def the_route_has_another_name(service: Service) -> Spot:
    service.replace("@/core/http/_health.py", '@health.get("/live")', '@health.get("/alive")')
    return Spot("pyproject.toml")


@hurried("CF006", also={"RT005"})
def a_ping_of_everything(service: Service) -> Spot:
    service.feature(
        "ping",
        routes="""
        from fastapi import APIRouter, Request
        from redis.asyncio import Redis

        ping = APIRouter()


        async def _broker(request: Request) -> bool:
            client: Redis = request.app.state.runtime.redis.client
            return bool(await client.ping())


        @ping.get("/healthz")
        async def healthz(request: Request) -> dict[str, bool]:
            return {"ok": True, "broker": await _broker(request)}
        """,
    )
    service.replace(
        WORKER,
        "livenessProbe:\n            exec: {command: [python, -m, inbox_demo.core.worker_health]}",
        "livenessProbe:\n            httpGet: {path: /healthz, port: 8000}",
    )
    return service.at(WORKER, "livenessProbe:")


@look_alike("CF006")
def readiness_asks_and_liveness_tells_what_it_knows(service: Service) -> None:
    service.replace(
        "@/core/http/_health.py", "    return Live()\n", "    await asyncio.sleep(0)\n    return await _told()\n"
    )
    service.replace("@/core/http/_health.py", "from typing import", "import asyncio\nfrom typing import")
    service.append("@/core/http/_health.py", "\n\nasync def _told() -> Live:\n    return Live()\n")
    service.replace(
        API, "readinessProbe: {httpGet: {path: /health/ready,", "readinessProbe: {httpGet: {path: /health/ready/,"
    )


# CF007: a shell between the container and the process


@back("CF007")
def a_command_in_shell_form(service: Service) -> Spot:
    service.replace("Dockerfile", 'ENTRYPOINT ["inbox-demo"]\nCMD ["serve"]', "CMD inbox-demo serve")
    return service.at("Dockerfile", "CMD inbox-demo")


@disguise("CF007")
def sh_c_in_compose(service: Service) -> Spot:
    service.replace(
        COMPOSE,
        '    command: [serve, --workers, "2"]\n',
        '    entrypoint: ["/bin/sh", "-ec"]\n    command: ["inbox-demo migrate && inbox-demo serve --workers 2"]\n',
    )
    return service.at(COMPOSE, "inbox-demo migrate &&")


@disguise("CF007")
def a_text_that_names_a_shell(service: Service) -> Spot:
    service.replace(
        COMPOSE,
        '    command: [worker, --concurrency, "4"]\n',
        "    entrypoint: []\n    command: >-\n      bash -c 'sleep 1; inbox-demo worker --concurrency 4'\n",
    )
    return service.at(COMPOSE, "command: >-")


@disguise("CF007")
def a_shell_in_the_cluster(service: Service) -> Spot:
    service.replace(
        API,
        "          args: [serve]\n",
        '          command: [sh, -c]\n          args: ["inbox-demo serve | tee /tmp/log"]\n',
    )
    return service.at(API, "args: [", 1)


@disguise("CF007")
def a_script_that_keeps_the_shell(service: Service) -> Spot:
    service.write("docker/start.sh", '#!/bin/sh\nset -e\ninbox-demo migrate\n\n# Then serve.\ninbox-demo "$@"\n')
    service.replace(
        "Dockerfile", 'ENTRYPOINT ["inbox-demo"]', 'COPY docker/start.sh /start.sh\nENTRYPOINT ["/start.sh"]'
    )
    return service.at("docker/start.sh", 'inbox-demo "$@"')


@hurried("CF007")
def a_scheduler_with_a_wait_before_it(service: Service) -> Spot:
    with_services(
        service,
        """
  scheduler:
    build: .
    init: true
    entrypoint: ["sh", "-c"]
    command:
      - |
        until pg_isready -h postgres; do sleep 1; done
        PYTHONUNBUFFERED=1 celery -A inbox_demo.worker:app beat
    restart: unless-stopped
    healthcheck: {test: [CMD-SHELL, "pgrep -f beat"]}
""",
    )
    file, line = service.at(COMPOSE, 'entrypoint: ["sh", "-c"]')
    return Spot(file, (line or 0) + 1)


@look_alike("CF007")
def exec_at_the_end_and_a_group_that_is_told(service: Service) -> None:
    service.write(
        "docker/start.sh",
        """
        #!/bin/sh
        set -e
        if [ "$1" = "serve" ]; then
          inbox-demo migrate
        fi
        exec inbox-demo "$@"
        """,
    )
    service.write(
        "docker/both.sh",
        """
        #!/bin/bash
        trap 'kill -TERM $child' TERM
        inbox-demo worker &
        child=$!
        wait $child
        """,
    )
    service.replace(
        "Dockerfile", 'ENTRYPOINT ["inbox-demo"]', 'COPY docker/start.sh /start.sh\nENTRYPOINT ["/start.sh"]'
    )
    with_services(
        service,
        """
  one:
    build: .
    entrypoint: ["sh", "-c"]
    command: ["sleep 1 && exec inbox-demo serve"]
    restart: always
    healthcheck: {test: "curl -f http://127.0.0.1:8000/health/live || exit 1"}
  two:
    build: .
    entrypoint: [dumb-init, --, sh, -c, "inbox-demo worker --concurrency 1"]
    environment: {DATABASE_URL: "sqlite:///var/two.db"}
    restart: always
    healthcheck: {test: [CMD-SHELL, "true || exit 1"]}
  three:
    build: .
    entrypoint: ./docker/both.sh
    environment: {DATABASE_URL: "sqlite:///var/three.db"}
    restart: always
    healthcheck: {test: [CMD, "true"]}
  once:
    build: .
    entrypoint: ["sh", "-c", "inbox-demo migrate; echo done"]
    restart: "no"
""",
    )


# CF008: more connections than the database takes


@back("CF008")
def pools_of_thirty(service: Service) -> Spot:
    service.replace(COMPOSE, "      DATABASE_POOL_SIZE: 10\n", "      DATABASE_POOL_SIZE: 40\n")
    return service.at(COMPOSE, 'command: [serve, --workers, "2"]')


@disguise("CF008")
def a_default_of_the_settings(service: Service) -> Spot:
    with_setting(service, "database_pool_size: int = 40")
    service.replace(COMPOSE, "      DATABASE_POOL_SIZE: 5\n", "")
    return service.at(COMPOSE, "command: [worker")


@disguise("CF008")
def replicas_and_an_autoscaler(service: Service) -> Spot:
    service.append(
        API,
        """---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: inbox-demo-api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: inbox-demo-api}
  minReplicas: 2
  maxReplicas: 12
""",
    )
    return service.at(API, "args: [serve]")


@disguise("CF008")
def a_database_that_takes_fewer(service: Service) -> Spot:
    service.replace(
        COMPOSE, "    command: [postgres, -c, max_connections=100]\n", "    command: postgres -c max_connections=40\n"
    )
    return service.at(COMPOSE, "command: [worker")


@hurried("CF008", also={"JB002"})
def three_more_workers(service: Service) -> Spot:
    with_services(
        service,
        """
  exporter:
    extends: worker
    command: [worker, --queue, exports, --concurrency=8]
    deploy: {replicas: 2}
""",
    )
    return service.at(COMPOSE, "command: [worker, --queue")


@look_alike("CF008")
def what_is_on_another_database(service: Service) -> None:
    with_services(
        service,
        """
  reporter:
    build: .
    command: [serve, --workers, "64"]
    environment: {DATABASE_URL: "sqlite:///var/reports.db"}
    restart: always
    healthcheck: {test: [CMD, "true"]}
  archiver:
    build: .
    command: [serve, --workers, "64"]
    environment: {DATABASE_URL: "postgresql://service:${ARCHIVE_PASSWORD:?}@archive.example.com/service"}
    restart: always
    healthcheck: {test: [CMD, "true"]}
""",
    )
    service.replace(
        COMPOSE, '    command: [worker, --concurrency, "4"]\n', '    command: [worker, --concurrency, "7"]\n'
    )
