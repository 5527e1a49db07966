"""Call graph: the functions that calls run, and what a request, a job and an import lead to."""

from __future__ import annotations

from hardened.source.call_graph import CallGraph

from .._project import Tree


def graph(tree: Tree, text: str, **more: str) -> CallGraph:
    """The call graph of `shop.main`, and of further modules."""
    tree.write({"src/shop/main.py": text, **{f"src/shop/{name}.py": each for name, each in more.items()}})
    return tree.facts.call_graph


def requested(found: CallGraph) -> set[str]:
    return {each.node.name for each in found.in_requests}


ROUTER = "from fastapi import APIRouter, Depends\nrouter = APIRouter()\n"


def test_a_request_leads_through_calls_references_and_inherited_methods(tree: Tree) -> None:
    found = graph(
        tree,
        ROUTER
        + """
from asyncio import to_thread
from .base import Base

class Service(Base): ...

def by_reference(): ...
def provider(): ...
def unused(): ...

@router.get("/")
async def endpoint(given=Depends(provider)):
    Service().inherited()
    await to_thread(by_reference)
""",
        base="class Base:\n    def inherited(self):\n        self.further()\n    def further(self): ...\n",
    )
    assert requested(found) == {"endpoint", "provider", "by_reference", "inherited", "further"}


def test_jobs_and_what_a_memo_keeps_are_told_apart(tree: Tree) -> None:
    found = graph(
        tree,
        "import functools\nfrom celery import shared_task\n@functools.cache\ndef kept(): inner()\ndef inner(): ...\n"
        "@shared_task\ndef job(): kept()\n",
    )
    assert {each.node.name: what for each, what in found.in_requests.items()} == {"job": "a job"}


def test_what_an_import_runs_leaves_out_scripts_and_lambdas(tree: Tree) -> None:
    found = graph(
        tree,
        "def a(): b()\ndef b(): ...\ndef c(): ...\na()\nd = lambda: c()\nif __name__ == '__main__':\n    c()\n",
    )
    assert {each.node.name for each in found.at_import} == {"a", "b"}
    assert found.only_at_start(found.by_name["shop.main.b"])


def test_values_are_followed_into_functions_by_their_parameters(tree: Tree) -> None:
    found = graph(
        tree,
        "from asyncio import to_thread\n"
        "def start(key, other):\n    again = key\n    for part in again: middle(other, wanted=part)\n    to_thread(last, key)\n"
        "def middle(x, wanted): last(str(wanted))\n"
        "def last(y): ...\n",
    )
    start = found.by_name["shop.main.start"]
    reached = {(function.node.name, names) for function, names, _ in found.reached(start, ["key"])}
    assert reached == {
        ("start", frozenset({"key", "again", "part"})),
        ("middle", frozenset({"wanted"})),
        ("last", frozenset({"y"})),
    }


def test_functions_that_call_each_other_end(tree: Tree) -> None:
    found = graph(tree, ROUTER + "@router.get('/')\ndef a(x): b(x)\ndef b(x): a(x)\n")
    start = found.by_name["shop.main.a"]
    assert [function.node.name for function, *_ in found.reached(start, ["x"])] == ["a", "b"]


def test_a_long_chain_is_followed_to_its_end(tree: Tree) -> None:
    links = "\n".join(f"def f{n}(x): f{n + 1}(x)" for n in range(60))
    found = graph(tree, f"{links}\ndef f60(x): ...\n")
    reached = [function.node.name for function, *_ in found.reached(found.by_name["shop.main.f0"], ["x"])]
    assert reached[-1] == "f60"
    assert not found.source.resolution.cut_short


def test_a_chain_beyond_the_limit_is_named(tree: Tree) -> None:
    links = "\n".join(f"def f{n}(x): f{n + 1}(x)" for n in range(120))
    tree.write({"src/shop/main.py": f"{links}\ndef f120(x): ...\n"})
    facts = tree.facts
    found = facts.call_graph
    assert len(list(found.reached(found.by_name["shop.main.f0"], ["x"]))) < 120
    assert "shop.main.f100" in facts.doubts["call_graph"]


def test_names_are_followed_through_long_chains_and_circles_of_modules(tree: Tree) -> None:
    links = "\n".join(f"a{n + 1} = a{n}" for n in range(60))
    found = graph(
        tree,
        f"import sqlite3\na0 = sqlite3.connect\n{links}\na60('x')\nfrom .other import f\nf()\n",
        other="from .main import f, a60\na60('y')\ntry:\n    from sqlite3 import register as f\nexcept ImportError: ...\n",
    )
    names = {call.name for call in found.source.uses}
    assert names == {"sqlite3.connect", "sqlite3.register"}


def test_the_answer_to_a_name_does_not_depend_on_what_was_asked_before(tree: Tree) -> None:
    texts = ("x()\ny()\n", "y()\nx()\n")
    for asked in texts:
        found = graph(tree, f"import a\nx = y\nx = a.b\ny = x\n{asked}")
        assert [call.name for call in found.source.uses] == ["a.b", "a.b"]
