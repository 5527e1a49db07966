"""Meaning of names: a call is found under every name that it can be given."""

from __future__ import annotations

import textwrap

import pytest
from hardened.source.symbols import CallSite

from .._project import Tree


def calls(tree: Tree, module: str = "shop.main") -> list[CallSite]:
    return [call for call in tree.facts.source.uses if call.module == module]


def names(tree: Tree) -> list[str]:
    return [call.name for call in calls(tree)]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import sqlite3\nsqlite3.connect('x')", "sqlite3.connect"),
        ("import sqlite3 as s\ns.connect('x')", "sqlite3.connect"),
        ("from sqlite3 import connect as open_it\nopen_it('x')", "sqlite3.connect"),
        ("import xml.dom.minidom\nxml.dom.minidom.parse('x')", "xml.dom.minidom.parse"),
        ("import sqlite3\nconnect = sqlite3.connect\nagain = connect\nagain('x')", "sqlite3.connect"),
        ("def f():\n    import sqlite3 as s\n    return s.connect('x')", "sqlite3.connect"),
        ("if True:\n    import sqlite3\nelse:\n    sqlite3 = None\nsqlite3.connect('x')", "sqlite3.connect"),
        ("import sqlite3\nclass A:\n    def f(self):\n        return sqlite3.connect('x')", "sqlite3.connect"),
        ("import sqlite3\nf = lambda: sqlite3.connect('x')", "sqlite3.connect"),
        ("import sqlite3\nif (c := sqlite3.connect)('x'): ...", "sqlite3.connect"),
        ("from .drivers import s\ns.connect('x')", "sqlite3.connect"),
        ("from .drivers import open_it\nopen_it('x')", "sqlite3.connect"),
        ("from . import drivers\ndrivers.open_it('x')", "sqlite3.connect"),
        ("import shop.drivers\nshop.drivers.open_it('x')", "sqlite3.connect"),
        ("from shop import drivers as d\nd.s.connect('x')", "sqlite3.connect"),
        ("def f(c: 'Client') -> None:\n    c.get('x')\nfrom httpx import Client", "httpx.Client().get"),
        ("from httpx import Client\ndef f(c: Client | None) -> None:\n    c.get('x')", "httpx.Client().get"),
        (
            "from typing import Annotated\nfrom httpx import Client\nC = Annotated[Client, 1]\n"
            "def f(c: C) -> None:\n    c.get('x')",
            "httpx.Client().get",
        ),
        ("from .drivers import Given\ndef f(c: Given) -> None:\n    c.get('x')", "httpx.Client().get"),
        (
            "from httpx import AsyncClient\nasync def f():\n    async with AsyncClient() as c:\n        await c.get('x')",
            "httpx.AsyncClient().get",
        ),
        ("import httpx\nasync def f():\n    (await httpx.open()).get('x')", "httpx.open().get"),
        ("print('x')", "print"),
        ("def f(c):\n    c.get('x')", ""),
        ("def print(x): ...\nprint('x')", "shop.main.print"),
    ],
)
def test_a_call_is_found_under_each_name(tree: Tree, source: str, name: str) -> None:
    tree.write(
        {
            "src/shop/main.py": source,
            "src/shop/drivers.py": textwrap.dedent(
                """
                import sqlite3 as s
                from typing import Annotated

                from httpx import Client

                open_it = s.connect
                Given = Annotated[Client, "given"]
                """
            ),
        }
    )
    assert name in names(tree)
    (call,) = (each for each in calls(tree) if each.name == name)
    assert call.location.file == "src/shop/main.py"
    assert call.last == (name.rpartition(".")[2] or "get")


def test_a_module_that_is_imported_by_its_name_is_known(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/main.py": "import importlib as i\ni.import_module('sqlite3').connect('x')\n__import__('os').system('x')\n"
        }
    )
    assert {"sqlite3.connect", "os.system"} <= set(names(tree))
    (own,) = (each for each in tree.facts.source.own if each.module == "shop.main")
    assert [name for name, _, _ in own.imports()] == ["importlib", "sqlite3", "os"]


def test_names_of_a_class_are_not_seen_from_its_methods(tree: Tree) -> None:
    tree.write(
        {"src/shop/main.py": "import a as x\nclass C:\n    import b as x\n    x.f()\n    def m(self):\n        x.g()\n"}
    )
    assert names(tree) == ["b.f", "a.g"]


def test_names_that_lead_in_a_circle_end(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/main.py": "from .other import f\nx = y\ny = x\nf()\nx()\n",
            "src/shop/other.py": "from .main import f\n",
        }
    )
    assert len(names(tree)) == 2


def test_what_is_around_a_call_is_told(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/main.py": """
            def plain():
                a()
                async def coroutine(x=b()):
                    c()
                    def inner():
                        d()
                    e(lambda: f())
            g()
            """
        }
    )
    inside = {call.last: call.in_coroutine for call in calls(tree)}
    assert inside == {"a": False, "b": False, "c": True, "d": False, "e": True, "f": False, "g": False}
    functions = {call.last: getattr(call.function, "name", None) for call in calls(tree)}
    assert functions == {
        "a": "plain",
        "b": "plain",
        "c": "coroutine",
        "d": "inner",
        "e": "coroutine",
        "f": "coroutine",
        "g": None,
    }


def test_an_argument_is_found_by_keyword_and_by_position(tree: Tree) -> None:
    tree.write({"src/shop/main.py": "f(1, b=2)\nf(*x)\n"})
    first, second = calls(tree)
    assert first.argument("a", 0) is first.node.args[0]
    assert first.argument("b", 1) is first.node.keywords[0].value
    assert first.argument("c", 2) is None
    assert second.argument("a", 0) is None
