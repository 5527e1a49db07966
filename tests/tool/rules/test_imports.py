"""IM003, CL001 and CL002 on facts of the probe that are made by hand, beside small sources."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from hardened.config.table import Config
from hardened.model import Finding, Location
from hardened.packaging.entries import Modules
from hardened.records.imports import Attempt, Failure
from hardened.rules.cl.cl001 import CL001
from hardened.rules.cl.cl002 import CL002
from hardened.rules.im.im003 import IM003
from hardened.source.call_graph import CallGraph
from hardened.source.tree import Source

from ..runtime._project import write


def source(root: Path, text: str) -> Source:
    """The source of a package `shop` with one module, `shop.main`."""
    write(root, {"src/shop/__init__.py": "", "src/shop/main.py": text})
    return Source(Config(root.resolve(), package="shop"))


def lines(findings: list[Finding]) -> list[str]:
    return [str(each.location).removeprefix("src/shop/") for each in findings]


class Known:
    """Modules of which only those with `gone` in their name are missing."""

    def missing(self, name: str) -> str:
        return "there is no such module" if "gone" in name else ""


MODULES = cast("Modules", Known())
FAILURE = Failure("shop.old", "ImportError: cannot import name 'x'", Location("src/shop/old.py", 3))
REFUSED = Failure("shop.main", "Clients states no version (CL002)", Location("src/shop/main.py", 2), "CL002")


def test_im003_reports_failures_but_not_those_that_another_rule_reports(tmp_path: Path) -> None:
    [finding] = IM003().check(source(tmp_path, ""), MODULES, [FAILURE, REFUSED])
    assert finding.message == "shop.old cannot be imported: ImportError: cannot import name 'x'"
    assert finding.hint == "correct this line or what it needs"
    assert (finding.location, finding.subject) == (FAILURE.location, "shop.old")


def test_im003_follows_imports_inside_of_functions_with_and_without_the_probe(tmp_path: Path) -> None:
    text = """
    def late():
        from .gone import x
        try:
            from .gone_too import y
        except ImportError:
            y = None
        return x, y
    """
    assert lines(list(IM003().check(source(tmp_path, text), MODULES, []))) == ["main.py:2"]
    assert lines(list(IM003().check(source(tmp_path, text), MODULES))) == ["main.py:2"]


def test_cl001_reports_each_attempt_and_no_line_twice(tmp_path: Path) -> None:
    text = """
    import socket
    import psycopg

    memory = socket.create_connection(("memory.internal", 7000))
    database = psycopg.connect("host=127.0.0.1")

    def later():
        return psycopg.connect("host=127.0.0.1")
    """
    graph = CallGraph(source(tmp_path, text))
    attempt = Attempt("memory.internal:7000", Location("src/shop/main.py", 4), "when shop.main is imported")
    found = list(CL001().check(graph, [attempt]))
    assert lines(found) == ["main.py:4", "main.py:5"]
    assert found[0].message == "this line connects to memory.internal:7000 when shop.main is imported"
    assert found[0].subject == "memory.internal:7000"
    assert lines(list(CL001().check(graph))) == ["main.py:4", "main.py:5"]


def test_cl001_is_silent_about_clients_that_connect_at_first_use(tmp_path: Path) -> None:
    text = """
    import httpx
    from redis import Redis

    http = httpx.AsyncClient(timeout=2)
    cache = Redis.from_url("redis://cache.internal")

    if __name__ == "__main__":
        cache.ping()
    """
    assert list(CL001().check(CallGraph(source(tmp_path, text)), [])) == []


CLIENTS = """
class Client: ...
class Weather(Client):
    version = "{}"
"""


def test_cl002_reports_a_client_without_a_version_once(tmp_path: Path) -> None:
    config = Config(tmp_path, package="shop", client_base="shop.main:Client")
    graph = CallGraph(source(tmp_path, CLIENTS.format("latest")))
    other = Failure("shop.main", "the version is not stated (CL002)", Location("src/shop/main.py", 9), "CL002")
    found = list(CL002().check(config, graph, [REFUSED, other, FAILURE]))
    assert lines(found) == ["main.py:2", "main.py:9"]
    assert 'the version "latest" is another one tomorrow' in found[0].message
    assert found[1].message == "the version is not stated"


def test_cl002_is_silent_about_a_version_that_is_written_down(tmp_path: Path) -> None:
    config = Config(tmp_path, package="shop", client_base="shop.main:Client")
    assert list(CL002().check(config, CallGraph(source(tmp_path, CLIENTS.format("v1"))), [FAILURE])) == []
