"""The rules of runs and state on sources of a few lines, with diagnostics and tables that are made by hand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import pytest
from hardened.model import Finding, Location
from hardened.records.diagnostics import Diagnostic
from hardened.records.tables import Column, Table
from hardened.rules.rn.rn001 import RN001
from hardened.rules.rn.rn002 import RN002
from hardened.rules.rn.rn003 import RN003

from .._project import Tree

MAIN = "src/shop/main.py"


def main(tree: Tree, text: str) -> Tree:
    return tree.write({MAIN: textwrap.dedent(text).lstrip("\n")})


def spots(findings: Iterable[Finding]) -> list[tuple[str | None, int | None]]:
    found = list(findings)
    assert all(each.subject and each.hint for each in found)
    return [(each.location.file, each.location.line) for each in found]


# RN001

HEAD = "import datetime as dt\nimport time\nimport uuid\nfrom uuid import uuid4\n\n"
ONCE = {
    "a default": ("def f(at=time.time()): ...", "at=time"),
    "a default of a lambda": ("f = lambda at=uuid4(): at", "at=uuid4"),
    "a field": ("class Row:\n    made: object = dt.datetime.now()", "made: object"),
    "a module under the name of a run": ("RUN_ID = uuid.uuid4()", "RUN_ID ="),
    "a function that only returns it": ("def now():\n    return dt.datetime.now()\n\ndef f(at=now()): ...", "at=now"),
    "the constructor of an object of the module": (
        "class Log:\n    def __init__(self):\n        self.run = uuid4()\n\nlog = Log()",
        "self.run",
    ),
    "the constructor of an object in it": (
        "class Part:\n    def __init__(self):\n        self.run = uuid4()\n\n"
        "class Log:\n    def __init__(self):\n        self.part = Part()\n\nlog = Log()",
        "self.run",
    ),
    "an object that a cached function makes": (
        "import functools\n\nclass Log:\n    def __init__(self):\n        self.run = uuid4()\n\n"
        "@functools.cache\ndef log():\n    return Log()",
        "self.run",
    ),
    "a shared object that a route changes": (
        "class Log:\n    def write(self): ...\n\nlog = Log()\n\n@router.post('/')\ndef post(name):\n    log.name = name",
        "log.name",
    ),
    "the state of the application": (
        "@router.get('/')\ndef get(request):\n    request.app.state.user = 1",
        ".state.user",
    ),
}
EACH_TIME = {
    "a callable": "class Row:\n    made = field(default_factory=uuid4)\n    at = column(default=dt.datetime.now)",
    "None as the default": "def f(at=None):\n    at = at or time.time()",
    "a name of the process": "INSTANCE_ID = uuid4()\nSTARTED = time.time()",
    "an object of a request": (
        "class Log:\n    def __init__(self):\n        self.run = uuid4()\n\n@router.get('/')\ndef get():\n    return Log()"
    ),
    "what it knows of others": "class Log:\n    def __init__(self):\n        self.last_seen = time.time()\n\nlog = Log()",
    "a monotonic clock": "def f(begun=time.monotonic()): ...",
    "a value that is set once": (
        "class Log:\n    name = None\n\nlog = Log()\n\n@router.get('/')\ndef get():\n"
        "    if log.name is None:\n        log.name = 'x'"
    ),
}


@pytest.mark.parametrize(("text", "line"), ONCE.values(), ids=ONCE)
def test_rn001_finds_a_value_that_is_taken_once_and_shared(tree: Tree, text: str, line: str) -> None:
    main(tree, HEAD + text + "\n")
    assert spots(RN001().check(tree.facts.call_graph)) == [(MAIN, tree.line(MAIN, line))]


@pytest.mark.parametrize("text", EACH_TIME.values(), ids=EACH_TIME)
def test_rn001_is_silent_about_what_is_taken_each_time_or_of_the_process(tree: Tree, text: str) -> None:
    main(tree, HEAD + text + "\n")
    assert list(RN001().check(tree.facts.call_graph)) == []


# RN002

BLOCKS = {
    "a library": ("import requests", "requests.get('https://x')"),
    "a synchronous client": ("import httpx\nclient = httpx.Client()", "client.get('https://x')"),
    "another name": ("from time import sleep as rest", "rest(1)"),
    "a client of redis": ("import redis\ncache = redis.Redis()", "cache.get('x')"),
    "a command": ("import subprocess as s", "s.run(['ls'])"),
    "a plain function that blocks": ("import time\ndef nap():\n    time.sleep(1)", "nap()"),
}
WAITS = {
    "a thread": ("import asyncio, time", "await asyncio.to_thread(time.sleep, 1)"),
    "an asynchronous sleep": ("import asyncio", "await asyncio.sleep(1)"),
    "an asynchronous client": ("import httpx\nclient = httpx.AsyncClient()", "await client.get('https://x')"),
    "a suppressed line": ("import time", "time.sleep(0)  # noqa: ASYNC251"),
    "a generator that is only made": ("import time\ndef naps():\n    time.sleep(1)\n    yield", "naps()"),
}


@pytest.mark.parametrize(("head", "call"), BLOCKS.values(), ids=BLOCKS)
def test_rn002_finds_a_call_that_blocks_in_a_coroutine(tree: Tree, head: str, call: str) -> None:
    main(tree, f"{head}\n\nasync def run():\n    {call}\n")
    facts = tree.facts
    assert spots(RN002().check(facts.source, facts.call_graph, {"RN002": []})) == [
        (MAIN, tree.line(MAIN, f"    {call}", -1))
    ]
    main(tree, f"{head}\n\ndef run():\n    {call}\n")
    facts = tree.facts
    assert list(RN002().check(facts.source, facts.call_graph)) == []


@pytest.mark.parametrize(("head", "call"), WAITS.values(), ids=WAITS)
def test_rn002_is_silent_about_calls_that_leave_the_loop_to_others(tree: Tree, head: str, call: str) -> None:
    main(tree, f"{head}\n\nasync def run():\n    {call}\n")
    facts = tree.facts
    assert list(RN002().check(facts.source, facts.call_graph)) == []


def test_rn002_reports_a_finding_of_ruff_once_and_in_its_words(tree: Tree) -> None:
    main(tree, "import time\n\nasync def run():\n    time.sleep(1)\n")
    facts = tree.facts
    diagnostic = Diagnostic("ASYNC251", "Async functions should not call `time.sleep`.", Location(MAIN, 4))
    [finding] = RN002().check(facts.source, facts.call_graph, {"RN002": [diagnostic]})
    assert (finding.location, finding.subject) == (Location(MAIN, 4), "ASYNC251")
    assert finding.message == "Async functions should not call `time.sleep` (ASYNC251): the event loop waits for it"


# RN003

NAIVE = Column("at", "DateTime", naive=True, location=Location("src/shop/models.py", 8))


def test_broken_files_of_any_name_blind_no_linter(tree: Tree) -> None:
    tree.write({f"src/shop/{name}.py": "def f(:\n" for name in ("x{y,z", "[a", "b]*?", "c!")})
    tree.write({"src/shop/main.py": "async def f():\n    open('x')\n"})
    assert tree.found("RN002") == [("src/shop/main.py", 2)]


def test_rn003_finds_columns_and_findings_of_ruff_without_a_zone() -> None:
    diagnostic = Diagnostic("DTZ005", "`datetime.now()` called without a `tz` argument", Location(MAIN, 3))
    findings = list(RN003().check({"RN003": [diagnostic]}, [Table("orders", columns=(NAIVE,))]))
    assert spots(findings) == [(MAIN, 3), ("src/shop/models.py", 8)]
    assert [each.subject for each in findings] == ["DTZ005", "orders.at"]


def test_rn003_is_silent_about_columns_with_a_zone_and_answers_with_half_of_its_facts() -> None:
    assert list(RN003().check({"RN003": []}, [Table("orders", columns=(Column("at", "UtcDateTime"),))])) == []
    assert spots(RN003().check(None, [Table("orders", columns=(NAIVE,))])) == [("src/shop/models.py", 8)]
    assert list(RN003().check({"RN003": []}, None)) == []
