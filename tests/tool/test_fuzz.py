"""Mutated sources and odd files: every rule over source still answers, and no rule fails."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hardened.report import Report
from hardened.rules import RULES

from ._project import Tree

SEED = 20261128
FILES = 40
SAMPLES = Path(__file__).parents[2] / "src" / "hardened" / "source"
WORDS = (
    "await ",
    "async ",
    "lambda: ",
    "*",
    "**",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "=",
    ".x",
    "@",
    "not ",
    "x := ",
    "1",
    "'a'",
    "f'{x}'",
)
SERVICE = """
import functools, httpx, requests
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session

router = APIRouter()
seen: dict[str, int] = {}
x = y = x

class Base: version = "v1"
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int]
    def __init__(self, timeout: "int | None" = 3, *args: object, **more: object) -> None:
        self.timeout = timeout

@functools.cache
def cached(x, y=[*seen]): return x if x else cached(y)

@router.get("/{a}")
async def one(a: str, session: Session = Depends(lambda: None)) -> list[str]:
    seen[a] = len(seen)
    try:
        client = httpx.Client(timeout=None)
        requests.get(f"http://{a}/{'x' * 3}", **{"timeout": None})
        match session.scalar(select(Item).where(Item.id == int(a))):
            case {"a": [1, *rest], **others} if (b := rest): return b
            case Item(id=3) | None: pass
    except* (ValueError, OSError) as error:
        raise HTTPException(500, str(error))
    finally:
        del seen[a]
    return [each async for each in session if cached(each) for z in each]
"""

ODD: dict[str, bytes] = {
    "bom.py": b"\xef\xbb\xbfx = 1\n",
    "utf16.py": "x = 1\n".encode("utf-16"),
    "zero.py": b"x = 1\0\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "unknown_coding.py": b"# -*- coding: no-such-thing -*-\nx = 1\n",
    "bytes.py": b"\xff\xfe\x00\x01",
    "mac.py": b"x = 1\ry = 2\r",
    "sets.py": b"NAMES = {{'a': 1}, [2]}\n__tablename__ = {[]: 1}\nclass A(B):\n    __tablename__ = {{}}\n",
    "deep.py": b"x = " + b"(" * 150 + b"1" + b")" * 150 + b"\n",
    "sum.py": b"x = " + b" + ".join([b"a"] * 2500) + b"\n",
    "chain.py": b"x = a" + b".b()" * 900 + b"\n",
    "deeper.py": b"x = " + b"-" * 20_000 + b"1\n",
    "doubling.py": b"\n".join(
        [
            b"a0 = 'x'",
            *(f"a{n} = f'{{a{n - 1}}}{{a{n - 1}}}'".encode() for n in range(1, 60)),
            b"import requests",
            b"requests.get(a59)",
        ]
    ),
    "circle.py": b"from .circle import x\nfrom .bom import *\nx = y\ny = x.z\nz = z()\nclass A(A): ...\nclass B(C): ...\nclass C(B): ...\n",
    "broken.py": b"def f(:\n",
    "empty.py": b"",
    "annotations.py": b"def f(a: 'b[', c: '\\0', d: 'd', e: '(' * 3) -> 'x:y': a.b()\nx: 'x' = x\n",
    "notebook.ipynb": b'{"cells": [{"cell_type": "code", "source": ["import numpy"]}]}',
}


def examined(report: Report) -> set[str]:
    """The codes of the rules that judged the project; a rule that failed is an error."""
    failed = [each for each in report.could_not_look if "Error" in each.reason or "failed" in each.reason]
    assert failed == []
    silent = {each.code for each in (*report.not_applicable, *report.could_not_look)}
    return {rule.__name__ for rule in RULES} - silent


def mutated(text: str, chance: random.Random) -> str:
    """The text with a few characters, words or lines removed, doubled or exchanged."""
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        number = chance.randrange(len(lines))
        line = lines[number]
        place = chance.randrange(len(line) + 1)
        match chance.randrange(6):
            case 0:
                lines[number] = line[:place] + line[place + chance.randint(1, 4) :]
            case 1:
                lines[number] = line[:place] + chance.choice(WORDS) + line[place:]
            case 2:
                del lines[number]
            case 3:
                lines.insert(number, chance.choice(lines))
            case 4:
                lines[number] = line.lstrip() if chance.random() < 0.5 else f"    {line}"
            case _:
                words = line.split()
                chance.shuffle(words)
                lines[number] = line[: len(line) - len(line.lstrip())] + " ".join(words)
        if not lines:
            break
    return "\n".join(lines) + "\n"


def test_mutated_sources_crash_no_rule(tree: Tree) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same mutations each time
    samples = [SERVICE, SERVICE, *(path.read_text("utf-8") for path in sorted(SAMPLES.glob("*.py"))[:4])]
    texts = {f"src/shop/m{n}.py": mutated(chance.choice(samples), chance) for n in range(FILES)}
    tree.settings(
        'outgoing = ["shop.m0"]\nclient-base = "shop.m1:Base"\n[project]\nname = "shop"\ndependencies = ["fastapi"]\n'
    )
    tree.write({**texts, "tests/test_m.py": mutated(SERVICE, chance), "src/shop/plain.py": SERVICE})
    report = tree.report()
    assert {"CL004", "CL007", "CL008", "IM002", "IM006", "DB012", "RN001", "CF001"} <= examined(report)
    # What is not broken is judged as if it stood alone, whatever stands around it.
    assert {"CL007", "CL008"} <= {each.code for each in report.findings if each.location.file == "src/shop/plain.py"}
    readable = [names for names in tree.facts.source.own if names.file.tree]
    assert len(readable) > FILES // 4, "the mutations leave too little that compiles"


def test_odd_files_blind_nothing_but_themselves(tree: Tree) -> None:
    folders = ("src/shop", "tests", "migrations/versions")
    tree.write({f"{folder}/{name}": content for folder in folders for name, content in ODD.items()})
    tree.write({"migrations/env.py": "", "migrations/versions/a.py": "revision = 'a'\ndown_revision = None\n"})
    tree.write({"src/shop/plain.py": SERVICE, "src/shop/data.py": b"ROWS = [\n" + b"    1,\n" * 300_000 + b"]\n"})
    package = tree.root / "src" / "shop"
    (package / "loop.py").symlink_to("loop.py")
    (package / "gone.py").symlink_to("nowhere.py")
    (package / "around").symlink_to(package, target_is_directory=True)
    (package / "folder.py").mkdir()
    (tree.root / "requirements.txt").write_bytes("fastapi==1\n!! what\n-r requirements.txt\n".encode("utf-16"))
    assert "CL006" in examined(tree.report("CL006"))
    report = tree.report()
    assert {"CL004", "CL005", "CL007", "CL008", "IM002", "DB010", "DB012", "RN001"} <= examined(report)
    assert {"CL007", "CL008"} <= {each.code for each in report.findings if each.location.file == "src/shop/plain.py"}
    broken = {each.location.file for each in report.findings if each.code == "IM006"}
    names = ("broken", "bytes", "deeper", "unknown_coding", "utf16", "zero")
    assert broken == {f"{folder}/{name}.py" for folder in folders for name in names}
    left_out = " ".join(each.reason for each in report.could_not_look if each.code == "IM006")
    assert all(f"src/shop/{name}.py" in left_out for name in ("data", "sum", "chain", "loop", "nowhere")), left_out


def test_a_file_that_vanishes_is_left_out(tree: Tree) -> None:
    tree.write({"src/shop/a.py": "x = 1\n", "src/shop/b.py": "y = 1\n"})
    source = tree.facts.source
    assert "src/shop/a.py" in source.files
    (tree.root / "src/shop/a.py").unlink()
    assert [names.module for names in source.own] == ["shop", "shop.b"]
    assert [(each.path, each.left_out) for each in source.leaves_out()] == [
        ("src/shop/a.py", "cannot be read: No such file or directory")
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_left_out(tree: Tree) -> None:
    tree.write({"src/shop/a.py": "x = 1\n"})
    (tree.root / "src/shop/a.py").chmod(0)
    assert [each.path for each in tree.facts.source.leaves_out()] == ["src/shop/a.py"]
