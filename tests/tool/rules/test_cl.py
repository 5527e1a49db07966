"""CL: clients, limits, requirements, stand-ins and stores."""

from __future__ import annotations

import pytest
from hardened.config.table import load_config
from hardened.model import Location
from hardened.packaging.declared import Declared
from hardened.packaging.environment import Environment
from hardened.records.imports import Attempt, Failure
from hardened.rules.cl.cl001 import CL001
from hardened.rules.cl.cl002 import CL002
from hardened.rules.cl.cl003 import CL003
from hardened.rules.cl.cl005 import CL005
from hardened.rules.cl.cl007 import CL007
from hardened.rules.cl.cl008 import CL008
from hardened.source.outgoing import EndlessCall
from hardened.source.stores import Store
from hardened.source.unread import Unread

from .._project import Tree

MAIN = "src/shop/main.py"
ROUTES = "from fastapi import APIRouter\nrouter = APIRouter()\n"


def main(tree: Tree, text: str) -> Tree:
    """A project of one module."""
    return tree.write({MAIN: text})


# CL001


@pytest.mark.parametrize(
    "text",
    [
        "import psycopg2\nconnection = psycopg2.connect('x')\n",
        "from psycopg2 import connect as c\n\n\ndef f(x=c('x')): ...\n",
        "import psycopg2 as p\nclass A:\n    connection = p.connect('x')\n",
        "import psycopg2\nclass A:\n    def __init__(self):\n        self.c = psycopg2.connect('x')\na = A()\n",
    ],
)
def test_a_connection_in_c_while_a_module_is_imported_is_found_in_source(tree: Tree, text: str) -> None:
    [finding] = CL001().check(main(tree, text).facts.call_graph)
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "connect('x')" in each or "c('x')" in each)
    assert finding.location == Location(MAIN, line)


def test_connections_of_functions_and_of_scripts_are_quiet(tree: Tree) -> None:
    main(
        tree,
        "import psycopg2\ndef f(): return psycopg2.connect('x')\nif __name__ == '__main__':\n    psycopg2.connect('x')\n",
    )
    assert not [*CL001().check(tree.facts.call_graph)]


def test_an_attempt_to_connect_is_told_once_at_its_line(tree: Tree) -> None:
    main(tree, "import psycopg2\nconnection = psycopg2.connect('x')\n")
    attempts = [Attempt("db:5432", Location(MAIN, 2), "while it is imported")]
    [finding] = CL001().check(tree.facts.call_graph, attempts)
    assert (finding.location.line, finding.subject) == (2, "db:5432")


# CL002

BASE = "class Base:\n    version: str\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("class A(Base):\n    version = 'v1'\n", []),
        ("V = 'v1'\nclass A(Base):\n    version = V\nclass B(A): ...\n", []),
        ("class A(Base): ...\n", [3]),
        ("class A(Base):\n    version = ''\n", [3]),
        ("class A(Base):\n    version = 'latest'\n", [3]),
        ("import os\nclass A(Base):\n    version = os.environ['V']\n", [4]),
        ("class A(Base):\n    version = 'v1'\n    def f(self):\n        self.version = 'v2'\n", [6]),
    ],
)
def test_a_client_states_its_version(tree: Tree, text: str, lines: list[int]) -> None:
    facts = main(tree.settings('client-base = "shop.main:Base"\n'), BASE + text).facts
    found = list(CL002().check(facts.config, facts.call_graph))
    assert [each.location.line for each in found] == lines


def test_a_client_that_is_refused_at_its_import_is_told_once(tree: Tree) -> None:
    facts = main(tree.settings('client-base = "shop.main:Base"\n'), BASE).facts
    failures = [Failure("shop.a", "states no version (CL002)", Location("src/shop/a.py", 4), "CL002")]
    [finding] = CL002().check(facts.config, facts.call_graph, failures)
    assert (finding.location.line, finding.message) == (4, "states no version")


# CL003


def test_a_request_past_the_breaker_is_found_outside_of_the_modules_that_have_one(tree: Tree) -> None:
    text = "import httpx as h\ndef f():\n    return h.get('x')\ndef g(app):\n    return h.AsyncClient(transport=app)\n"
    facts = main(tree.settings('outgoing = ["shop.clients"]\n').write({"src/shop/clients/a.py": text}), text).facts
    [finding] = CL003().check(facts.config, facts.call_graph, ())
    assert (finding.location, finding.hint) == (Location(MAIN, 3), "use the clients of shop.clients")


def test_what_nobody_reads_is_told(tree: Tree) -> None:
    facts = tree.facts
    unread = [Unread("the setting pool", Location(MAIN, 7), "Settings.pool")]
    [finding] = CL003().check(facts.config, facts.call_graph, unread)
    assert (finding.location.line, finding.subject) == (7, "Settings.pool")


SETTINGS = (
    "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    used: int = 1\n    pool: int = 1\n"
)


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        (SETTINGS + "def f(s: Settings): return s.used\n", ["Settings.pool"]),
        (SETTINGS + "def f(s: Settings): return s.used, getattr(s, 'pool')\n", []),
        (SETTINGS + "def f(s: Settings): return s.model_dump()\n", []),
        ("def f(timeout, x): return x\n", ["f.timeout"]),
        ("def f(timeout, x): return x + timeout\n", []),
        ("def f(timeout, x): ...\n", []),
        ("class A:\n    def __init__(self, retries):\n        self.retries = retries\n", ["A.retries"]),
        (
            "class A:\n    def __init__(self, retries):\n        self.retries = retries\n    def f(self): return self.retries\n",
            [],
        ),
    ],
)
def test_settings_and_limits_without_effect_are_found(tree: Tree, text: str, subjects: list[str]) -> None:
    assert [each.subject for each in main(tree, text).facts.unread] == subjects


# CL004


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("import httpx\n@router.get('/')\ndef f():\n    return httpx.Client().get('x')\n", [6]),
        ("import httpx\ndef g():\n    return httpx.Client()\n@router.get('/')\ndef f(): return g()\n", [5]),
        (
            "from redis import Redis\nclass A:\n    def __init__(self):\n        self.r = Redis()\n@router.get('/')\ndef f(): A()\n",
            [6],
        ),
        ("import httpx\nclient = httpx.Client()\n@router.get('/')\ndef f(): return client.get('x')\n", []),
        (
            "import functools, httpx\n@functools.cache\ndef g(): return httpx.Client()\n@router.get('/')\ndef f(): return g()\n",
            [],
        ),
        ("from redis import Redis\n@router.get('/')\ndef f(pool): return Redis(connection_pool=pool)\n", []),
        (
            "import httpx\nkept = None\n@router.get('/')\ndef f():\n    global kept\n    if kept is None:\n"
            "        kept = httpx.Client()\n    return kept\n",
            [],
        ),
    ],
)
def test_clients_are_made_once(tree: Tree, text: str, lines: list[int]) -> None:
    main(tree, ROUTES + text)
    assert tree.found("CL004") == [(MAIN, line) for line in lines]


# CL005


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("fastapi", True),
        ("fastapi>=0.100", True),
        ("fastapi!=1.0", True),
        ("x @ git+https://host/x@main", True),
        ("fastapi>=0.100,<1", False),
        ("fastapi==1.2", False),
        ("fastapi~=1.2", False),
        ("certifi", False),
        ("x @ git+https://host/x@v1", False),
        ("./local", False),
    ],
)
def test_a_requirement_has_an_upper_bound(tree: Tree, line: str, found: bool) -> None:
    tree.write({"requirements.txt": f"# first\n{line}\nother<2\n"})
    findings = [*CL005().check(Declared(load_config(tree.root), Environment()))]
    assert [each.location for each in findings] == [Location("requirements.txt", 2)] * found


# CL006

MOCKS = "from unittest.mock import MagicMock, patch, create_autospec\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("def test_x(a):\n    a.b = MagicMock()\n", [3]),
        ("def test_x():\n    client = MagicMock(return_value=1)\n    client.fetch()\n", [3]),
        ("def test_x():\n    with patch('shop.main.f'): ...\n", [3]),
        ("class FakeClient:\n    def fetsch(self): ...\n", [3]),
        ("def test_x(a):\n    a.b = create_autospec(print)\n    a.c = MagicMock(spec=print)\n", []),
        ("def test_x():\n    with patch('shop.main.f', autospec=True), patch('shop.main.f', 1): ...\n", []),
        ("def test_x():\n    callback = MagicMock()\n    f(callback)\n    callback.assert_called_once()\n", []),
        ("class FakeClient:\n    def fetch(self): ...\n", []),
    ],
)
def test_a_stand_in_is_made_from_the_real_thing(tree: Tree, text: str, lines: list[int]) -> None:
    tree.write({MAIN: "class Client:\n    def fetch(self): ...\n", "tests/test_main.py": MOCKS + text})
    assert tree.found("CL006") == [("tests/test_main.py", line) for line in lines]


def test_the_rule_of_stand_ins_runs_where_it_is_asked_for(tree: Tree) -> None:
    tree.write({"tests/test_main.py": MOCKS + "def test_x(a):\n    a.b = MagicMock()\n"})
    report = tree.report()
    assert "CL006" not in {each.code for each in report.findings}
    assert "CL006" in {each.code for each in report.not_applicable}


# CL007


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("seen = {}\n@router.get('/{a}')\ndef f(a):\n    seen[a] = 1\n", [3]),
        ("seen: list[str] = []\ndef g(a): seen.append(a)\n@router.get('/{a}')\ndef f(a): g(a)\n", [3]),
        (
            "class A:\n    seen = set()\n    def add(self, a): self.seen.add(a)\n@router.get('/{a}')\ndef f(a): A().add(a)\n",
            [4],
        ),
        (
            "import functools\n@functools.cache\ndef g(a: str): return a\n@router.get('/{a}')\ndef f(a: str): return g(a)\n",
            [4],
        ),
        ("seen = {}\n@router.get('/{a}')\ndef f(a):\n    seen['last'] = a\n", []),
        ("from collections import deque\nseen = deque(maxlen=3)\n@router.get('/{a}')\ndef f(a): seen.append(a)\n", []),
        (
            "seen = {}\n@router.get('/{a}')\ndef f(a):\n    seen[a] = 1\n    try: ...\n    finally:\n        del seen[a]\n",
            [],
        ),
        ("seen = {}\ndef register(kind):\n    seen[kind] = 1\n    return kind\n@register\nclass A: ...\n", []),
        ("import functools\n@functools.cache\ndef g(): return 1\n@router.get('/{a}')\ndef f(a: str): return g()\n", []),
    ],
)
def test_a_store_that_grows_with_requests_is_found_where_it_is_made(tree: Tree, text: str, lines: list[int]) -> None:
    main(tree, ROUTES + text)
    assert [each.location.line for each in tree.facts.stores] == lines


def test_a_store_is_told_with_the_line_that_writes_to_it() -> None:
    [finding] = CL007().check([Store("seen", "a module's dictionary", Location(MAIN, 1), Location(MAIN, 4))])
    assert f"written to at {MAIN}:4" in finding.message
    assert finding.location.line == 1


# CL008


@pytest.mark.parametrize(
    "call",
    [
        "import requests\nrequests.get('x')",
        "import requests as r\ns = r.Session()\ns.post('x')",
        "from urllib.request import urlopen\nurlopen('x')",
        "import httpx\nhttpx.get('x', timeout=None)",
        "import functools, requests\nget = functools.partial(requests.get)\nget('x')",
        "import smtplib\nsmtplib.SMTP('host')",
        "import socket\nNO = None\nsocket.create_connection(('h', 1), NO)",
        "import aiohttp\nasync def f():\n    async with aiohttp.ClientSession(timeout=None): ...",
    ],
)
def test_a_call_without_a_limit_is_found(tree: Tree, call: str) -> None:
    [found] = main(tree, call + "\n").facts.endless_calls
    assert found.location.line == len(call.splitlines())


@pytest.mark.parametrize(
    "call",
    [
        "import requests\nrequests.get('x', timeout=3)",
        "import requests\nrequests.get('x', **options)",
        "import httpx\nhttpx.get('x')",
        "import asyncio, aiohttp\nasync def f():\n    async with asyncio.timeout(3):\n        aiohttp.ClientSession(timeout=None)",
        "import socket\nsocket.setdefaulttimeout(3)\nsocket.create_connection(('h', 1))",
        "from urllib.request import urlopen\nurlopen('x', None, 3)",
        "import smtplib\nsmtplib.SMTP()",
        "def get(url): ...\nget('x')",
    ],
)
def test_calls_with_a_limit_are_quiet(tree: Tree, call: str) -> None:
    assert main(tree, call + "\n").facts.endless_calls == ()


def test_an_endless_call_is_told() -> None:
    [finding] = CL008().check([EndlessCall("requests.get()", Location(MAIN, 2))])
    assert (finding.subject, finding.location.line) == ("requests.get", 2)
