"""CF: settings, and the files that a service is deployed with."""

from __future__ import annotations

import pytest
from hardened.model import Confidence, CouldNotLook, DoesNotApply, Location
from hardened.records.routes import GetRoute, Step
from hardened.records.settings import KnownSecrets, SecretDefault, SettingsFacts
from hardened.rules.cf.cf001 import CF001
from hardened.rules.cf.cf002 import CF002
from hardened.rules.cf.cf003 import CF003
from hardened.rules.cf.cf005 import CF005
from hardened.rules.cf.cf006 import CF006
from hardened.rules.cf.cf007 import CF007
from hardened.rules.cf.cf008 import CF008, most_connections

from .._project import Tree
from ._judged import judged, places

UPKEEP = "restart: always, healthcheck: {test: [CMD, 'true']}"


def compose(tree: Tree, text: str, override: str | None = None) -> Tree:
    tree.write({"compose.yaml": text})
    return tree.write({"compose.override.yaml": override}) if override else tree


def line(tree: Tree, text: str, name: str = "compose.yaml", nth: int = 0) -> tuple[str, int]:
    return name, tree.line(name, text, nth)


def test_a_project_without_deployment_files_is_told_apart_from_a_silent_one(tree: Tree) -> None:
    report = tree.report("CF")
    assert (report.findings, report.could_not_look) == ((), ())
    assert {"CF002", "CF003", "CF007", "CF008"} <= {each.code for each in report.not_applicable}


# CF001


@pytest.mark.parametrize(
    "text",
    [
        "from pydantic_settings import SettingsConfigDict\nx = SettingsConfigDict(env_file='.env')",
        "from dotenv import load_dotenv as load\nload()",
        "import os\nfrom pathlib import Path\nx = Path(os.getcwd()) / '.env'\nSettings(_env_file=x)",
        "from pathlib import Path\nPath('./config/.env').read_text()",
        "class Settings:\n    class Config:\n        env_file = '.env'",
        "class Settings(Base, env_file='.env'):\n    pass",
        "FILE = '.env'\nopen(FILE)",
    ],
)
def test_files_of_settings_in_the_working_directory(tree: Tree, text: str) -> None:
    tree.write({"src/shop/settings.py": text + "\n"})
    marker = next(each for each in ("class Settings(", "env_file", "load()", "Path('", "open(") if each in text)
    assert places(judged(CF001, tree)) == [line(tree, marker, "src/shop/settings.py")]


@pytest.mark.parametrize(
    "text",
    [
        "from pathlib import Path\nfrom pydantic_settings import SettingsConfigDict\n"
        "x = SettingsConfigDict(env_file=Path(__file__).parent / '.env')",
        "from pydantic_settings import SettingsConfigDict\nx = SettingsConfigDict(env_file='/etc/shop/.env')",
        "from dotenv import load_dotenv\nload_dotenv(stream=text)",
        "from .roots import root\nopen(root() / '.env')",
        "open('.env.example')",
        "FILE = FILE / NAME\nNAME = FILE\nopen(FILE)",
    ],
)
def test_files_of_settings_that_are_found_from_everywhere(tree: Tree, text: str) -> None:
    tree.write({"src/shop/settings.py": text + "\n", "src/shop/roots.py": "def root(): ...\n"})
    assert judged(CF001, tree) == []


def test_what_only_the_imported_class_shows_is_named_once(tree: Tree) -> None:
    tree.write({"src/shop/settings.py": "from base import Base\n\nclass Settings(Base): ...\n"})
    settings = SettingsFacts(relative=((".env", Location("src/shop/settings.py", 3)),))
    assert places(judged(CF001, tree, settings=settings)) == [("src/shop/settings.py", 3)]


# CF002


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("image: 'a:1'\n    volumes:\n    - x:/data\n    - y:/data/ #", "mounts two things at /data"),
        ("image: 'a:1'\n    environment: [A=1, A=2] #", "is given A twice"),
        ("image: 'a:1'\n    networks: [n, n] #", "is in the network n twice"),
        ("image: 'a:1'\n    image: 'a:2' #", "image stands twice"),
        ("image: a #", "has no tag"),
        ("image: 'a:stable-alpine' #", "whose tag stable-alpine moves"),
        ("image: 'a:1'\n    scale: 2\n    ports: ['80:80'] #", "has 2 containers and one port"),
    ],
)
def test_what_stands_twice_or_drifts(tree: Tree, service: str, message: str) -> None:
    compose(tree, f"services:\n  api:\n    {UPKEEP.replace(', h', chr(10) + '    h')}\n    {service}\n")
    (finding,) = judged(CF002, tree)
    assert message in finding.message
    assert tuple(finding.location) == line(tree, " #")


def test_a_service_that_is_neither_watched_nor_started_again(tree: Tree) -> None:
    compose(tree, "services:\n  api: {image: 'a:1'}\n")
    assert [each.message.split(",")[0] for each in judged(CF002, tree)] == [
        "api has no health check",
        "api has no restart policy and stays away once it ends",
    ]


def test_ports_of_the_host_that_two_services_have(tree: Tree) -> None:
    services = "\n".join(f"  {name}: {{image: 'a:1', ports: {ports}, {UPKEEP}}}" for name, ports in PORTS.items())
    compose(tree, f"services:\n{services}\n")
    assert [(each.subject, each.location.line) for each in judged(CF002, tree)] == [("b", 3), ("d", 5)]


PORTS = {
    "a": "['80:80', '53:53/udp']",
    "b": "['79-81:80-82']",
    "c": "['53:53', '127.0.0.1:90:90']",
    "d": "['${PORT}:1', '${PORT}:2']",
    "e": "['127.0.0.2:90:90']",
}


def test_what_overrides_profiles_and_dockerfiles_say_is_no_finding(tree: Tree) -> None:
    compose(
        tree,
        f"""
        services:
          api: {{build: ., ports: ['80:80'], restart: always, volumes: ['a:/data']}}
          dev: {{image: 'a:1', profiles: [dev], ports: ['81:80'], {UPKEEP}}}
          prod: {{image: 'a@sha256:0', profiles: [prod], ports: ['81:80'], {UPKEEP}}}
          tool: {{image: 'a:1', profiles: [tools]}}
          once: {{image: '${{IMAGE:?}}', restart: 'no'}}
        """,
        "services: {api: {ports: ['80:80'], volumes: ['b:/data']}}",
    )
    tree.write({"Dockerfile": "FROM x\nHEALTHCHECK CMD true\n"})
    assert judged(CF002, tree) == []


# CF003

NETWORK = """
services:
  api:
    build: .
    ports: ["8080:8000"]
    environment:
      DATABASE_URL: postgresql://a:b@{address}/c
    command: [serve, --port, "8000"]
  db: {{image: "postgres:18", ports: ["5433:5432"]}}
"""


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("db:5433", "that is the port on the host"),
        ("db:6000", "db listens on 5432 inside"),
        ("localhost:5432", "is the container itself, and db is meant"),
        ("127.0.0.1:5433", "is the container itself, and db is meant"),
        ("db:5432", ""),
        ("db", ""),
        ("elsewhere:5433", ""),
        ("localhost:8000", ""),
    ],
)
def test_addresses_of_one_container_in_another(tree: Tree, address: str, message: str) -> None:
    compose(tree, NETWORK.format(address=address))
    findings = judged(CF003, tree)
    assert [message in each.message for each in findings] == [True] * bool(message)
    assert places(findings) == [line(tree, "DATABASE_URL")] * bool(message)


def test_a_variable_of_the_host_s_ports_between_containers(tree: Tree) -> None:
    text = NETWORK.format(address="db:${DB_PORT:-5432}").replace('"5433:5432"', '"${DB_PORT:-5432}:5432"')
    (finding,) = judged(CF003, compose(tree, text))
    assert "is a port of the host" in finding.message


def test_a_service_of_the_cluster_at_the_port_of_its_pods(tree: Tree) -> None:
    tree.settings('kubernetes = ["k.yaml"]')
    tree.write(
        {
            "k.yaml": "kind: Service\nmetadata: {name: api}\nspec: {ports: [{port: 80}]}\n---\n"
            "kind: ConfigMap\ndata:\n  A: http://api:8000\n  B: http://api.shop.svc:80\n  C: http://api\n  D: http://other:8000\n"
        }
    )
    assert places(judged(CF003, tree)) == [("k.yaml", 7)]


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("See <http://localhost:8000/docs>.", "8000 is the port inside"),
        ("DATABASE_URL=postgresql://a:b@localhost:5432/c", "5432 is the port inside"),
        ("Grafana is at <http://localhost:3030>.", "no service publishes 3030"),
        ("See <http://localhost:8080/docs>, and postgresql://localhost:5433.", ""),
        ("Start it with `shop --port 3030`, then open <http://localhost:3030>.", ""),
        ("Start it with `uvicorn shop:app`, then open <http://localhost:8000>.", ""),
        ("Redis, which is nobody's here: redis://localhost:6379.", ""),
        ("The metrics: http://localhost:9090.", ""),
    ],
)
def test_ports_in_documents(tree: Tree, text: str, finds: str) -> None:
    compose(tree, NETWORK.format(address="db")).write({"README.md": f"# Shop\n\n{text}\n"})
    findings = judged(CF003, tree, settings=SettingsFacts(numbers={"metrics_port": 9090, "redis_port": 8000}))
    assert [finds in each.message for each in findings] == [True] * bool(finds)
    assert places(findings) == [("README.md", 3)] * bool(finds)


# CF005


def test_secrets_that_the_settings_take_in_production(tree: Tree) -> None:
    taken = SecretDefault("secret_key", Location("src/shop/settings.py", 4), "production")
    refused = SecretDefault("api_key", Location("src/shop/settings.py", 5), "")
    findings = judged(CF005, tree, settings=SettingsFacts(defaults=(taken, refused)))
    assert places(findings) == [("src/shop/settings.py", 4)]
    with pytest.raises(CouldNotLook, match="was refused"):
        judged(CF005, tree, settings=SettingsFacts(defaults=(refused,), problem="broker_url was refused"))
    assert judged(CF005, tree, settings=SettingsFacts(problem="broker_url was refused")) == []


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("SIGNING_KEY = 's3cr3t-for-links'", True),
        ("signer = Signer(secret_key=b'links')", True),
        ("import os as o\nPEPPER = o.environ.get('PASSWORD_SECRET_KEY', 'pepper')", True),
        ("import jwt\njwt.encode({}, 'links-of-ours')", True),
        ("from pydantic import SecretStr\nTOKEN = SecretStr('t0k3n')", True),
        ("API_KEY = 'x-api-key'", False),
        ("PASSWORD_FILE = '/run/secrets/password'", False),
        ("import os\nTOKEN = os.environ.get('BOT_TOKEN', '')", False),
        ("ACCESS_TOKEN = 'access_token'", False),
        ("SECRET_KEY = 'known-default'", False),
        ("from enum import StrEnum\nclass Grant(StrEnum):\n    REFRESH_TOKEN = 'r3fresh'", False),
    ],
)
def test_secrets_in_source(tree: Tree, text: str, finds: bool) -> None:
    tree.write({"src/shop/links.py": text + "\n"})
    known = KnownSecrets("salt", frozenset({KnownSecrets.digest("salt", "known-default")}))
    found = places(judged(CF005, tree, settings=SettingsFacts(known=known)))
    assert found == ([("src/shop/links.py", len(text.splitlines()))] if finds else [])


def test_a_secret_that_settings_may_refuse_is_possible_where_they_were_not_imported(tree: Tree) -> None:
    tree.write({"src/shop/links.py": "SIGNING_KEY = 's3cr3t-for-links'\n"})
    assert [each.confidence for each in judged(CF005, tree)] == [Confidence.CERTAIN]
    tree.settings('settings = "shop.settings:Settings"')
    assert [each.confidence for each in judged(CF005, tree)] == [Confidence.POSSIBLE]
    assert [each.confidence for each in judged(CF005, tree, settings=SettingsFacts())] == [Confidence.CERTAIN]


@pytest.mark.parametrize(
    ("variable", "finds"),
    [
        ("POSTGRES_PASSWORD: postgres", True),
        ("POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}", True),
        ("DATABASE_URL: postgresql://a:${PASSWORD:-postgres}@db/c", True),
        ("POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?}", False),
        ("DATABASE_URL: postgresql://a:${PASSWORD:?}@db/c", False),
        ("POSTGRES_PASSWORD_FILE: /run/secrets/password", False),
        ("MP_SECRET: ''", False),
    ],
)
def test_secrets_in_compose_files(tree: Tree, variable: str, finds: bool) -> None:
    text = f"services:\n  api:\n    build: .\n    environment:\n      {variable}\n"
    assert places(judged(CF005, compose(tree, text))) == ([("compose.yaml", 5)] if finds else [])
    local = f"{text}      ENVIRONMENT: local\n"
    assert judged(CF005, compose(tree, local)) == []


def test_secrets_in_manifests(tree: Tree) -> None:
    tree.settings('kubernetes = ["k.yaml"]')
    tree.write(
        {
            "k.yaml": "kind: Secret\nstringData:\n  SECRET_KEY: change-me\n---\nkind: Pod\nspec:\n  containers:\n  - name: a\n"
            "    env:\n    - {name: API_KEY, value: s3cr3t}\n    - {name: TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}\n"
            "---\nkind: Secret\nsops: {}\nstringData: {SECRET_KEY: ENC-abc}\n"
        }
    )
    assert places(judged(CF005, tree)) == [("k.yaml", 10), ("k.yaml", 3)]


# CF006

HEALTH = """
from fastapi import APIRouter, Request
health = APIRouter()

@health.get("/live")
async def live(request: Request):
    {body}

async def ask(request):
    await request.app.state.database.ping()

async def tell():
    return "yes"
"""


def live(**changed: object) -> GetRoute:
    values = {"name": "live", "threaded": False, "types": (), "location": Location("src/shop/health.py", 5), **changed}
    return GetRoute(r"^/health/live$", (Step(**values),))  # type: ignore[arg-type]  # a dictionary of its fields


@pytest.mark.parametrize(
    ("body", "step", "message"),
    [
        ("await request.app.state.database.ping()", {}, "live waits for request.app.state.database.ping()"),
        ("return await ask(request)", {}, "live waits for request.app.state.database.ping()"),
        ("async with request.app.engine.connect(): ...", {}, "live waits for request.app.engine.connect()"),
        ("return 'yes'", {"threaded": True}, "is a plain def that waits for a free thread"),
        ("return 'yes'", {"types": ("sqlalchemy.orm.Session",)}, "is handed sqlalchemy.orm.Session"),
        ("return 'yes'", {}, ""),
        ("return await tell()", {}, ""),
        ("import asyncio; await asyncio.sleep(0)", {}, ""),
        ("await request.body()", {}, ""),
    ],
)
def test_liveness_that_depends_on_something(tree: Tree, body: str, step: dict[str, object], message: str) -> None:
    tree.settings('liveness = ["/health/live"]').write({"src/shop/health.py": HEALTH.format(body=body)})
    findings = judged(CF006, tree, steps=(live(**step),))
    assert [message in each.message for each in findings] == [True] * bool(message)
    assert places(findings) == [("src/shop/health.py", 5)] * bool(message)


def test_a_liveness_probe_and_a_path_that_is_not_there(tree: Tree) -> None:
    tree.settings('liveness = ["/alive"]\nkubernetes = ["k.yaml"]')
    tree.write(
        {
            "k.yaml": "kind: Pod\nspec:\n  containers:\n  - name: a\n    livenessProbe:\n"
            "      exec: {command: [curl, 'http://localhost:8000/health/live?x']}\n",
            "src/shop/health.py": HEALTH.format(body="await ask(request)"),
        }
    )
    assert places(judged(CF006, tree, steps=(live(),))) == [("pyproject.toml", None), ("k.yaml", 5)]
    with pytest.raises(DoesNotApply):
        judged(CF006, Tree(tree.root), steps=())


# CF007


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("command: sh -c 'migrate; serve'", True),
        ("entrypoint: [/bin/sh, -ec]\n    command: [migrate && serve]", True),
        ("entrypoint: [tini, --, sh, -c, serve --port 1]", True),
        ("command: sh -c 'migrate; exec serve'", False),
        ("entrypoint: [dumb-init, --, sh, -c, serve]", False),
        ("command: [serve]\n    healthcheck: {test: curl x || exit 1}", False),
        ("command: sh -c 'migrate'\n    restart: 'no'", False),
    ],
)
def test_shells_between_a_container_and_its_process(tree: Tree, text: str, finds: bool) -> None:
    compose(tree, f"services:\n  api:\n    image: 'a:1'\n    {text}\n")
    found = places(judged(CF007, tree))
    last = tree.line("compose.yaml", "command" if "command" in text else "entrypoint")
    assert found == ([("compose.yaml", last)] if finds else [])


def test_a_script_that_keeps_its_shell(tree: Tree) -> None:
    tree.write({"Dockerfile": 'ENTRYPOINT ["/start.sh"]\n', "docker/start.sh": '#!/bin/sh\nmigrate\nserve "$@"\n'})
    tree.write({"Dockerfile": 'FROM x\nENTRYPOINT ["/start.sh"]\n'})
    assert places(judged(CF007, tree)) == [("docker/start.sh", 3)]
    tree.write({"docker/start.sh": '#!/bin/sh\nmigrate\nexec serve "$@"\n'})
    assert judged(CF007, tree) == []


# CF008

SERVERS = """
services:
  db: {{image: "postgres:18", command: [postgres, -c, max_connections={most}]}}
  api:
    build: .
    command: [serve, --workers, "2"]
    environment: {{DATABASE_URL: "postgresql://a@db/b", DATABASE_POOL_SIZE: {pool}}}
  worker:
    build: .
    command: [celery, worker, -c, "3"]
    environment: {{DATABASE_URL: "postgresql://a@db/b"}}
    deploy: {{replicas: 2}}
  other:
    build: .
    command: [serve, --workers, "64"]
    environment: {{DATABASE_URL: "{other}"}}
"""


@pytest.mark.parametrize(
    ("most", "pool", "other", "total"),
    [
        (100, 30, "sqlite:///x.db", "api 2 × 30 + worker 2 × 4 × 5 = 100 connections, and db takes 97"),
        (100, 10, "sqlite:///x.db", ""),
        (62, 10, "sqlite:///x.db", "= 60 connections, and db takes 59"),
        (100, 10, "postgresql://a@archive.example.com/b", ""),
        (1000, 10, "postgresql://a@db/b", ""),
    ],
)
def test_connections_of_all_processes(tree: Tree, most: int, pool: int, other: str, total: str) -> None:
    tree.settings('pool-settings = ["database_pool_size"]')
    compose(tree, SERVERS.format(most=most, pool=pool, other=other))
    findings = judged(CF008, tree, settings=SettingsFacts(numbers={"database_pool_size": 5}))
    assert [total in each.message for each in findings] == [True] * bool(total)
    largest = line(tree, "command: [serve" if pool == 30 else "command: [celery")
    assert places(findings) == [largest] * bool(total)


def test_a_pool_in_source_and_pools_that_nobody_knows(tree: Tree) -> None:
    compose(tree, SERVERS.format(most=100, pool=10, other="sqlite:///x.db"))
    with pytest.raises(DoesNotApply, match="no engine"):
        judged(CF008, tree)
    tree.write(
        {"src/shop/db.py": "from sqlalchemy import create_engine\n\ncreate_engine('x', pool_size=9, max_overflow=1)\n"}
    )
    (finding,) = judged(CF008, tree)
    assert "= 102 connections" in finding.message
    tree.settings('pool-settings = ["gone"]')
    with pytest.raises(CouldNotLook, match="gone"):
        judged(CF008, tree, settings=SettingsFacts(numbers={"other": 5}))


def test_pools_of_settings_that_were_not_imported_are_not_judged(tree: Tree) -> None:
    compose(tree, SERVERS.format(most=10, pool=10, other="sqlite:///x.db"))
    tree.settings('pool-settings = ["database_pool_size"]')
    (skipped,) = tree.report("CF008").not_applicable
    assert skipped.reason == "pool-settings names database_pool_size, and the settings were not imported"


@pytest.mark.parametrize(
    ("command", "most"),
    [
        ("postgres", 97),
        ("postgres -N 50", 47),
        ("postgres -c max_connections=200 -c superuser_reserved_connections=5 -c reserved_connections=10", 185),
        ("postgres -c config_file=/etc/postgresql.conf", None),
    ],
)
def test_connections_that_a_server_takes(command: str, most: int | None) -> None:
    assert most_connections(command.split()) == most
