"""The documentation: its links lead somewhere, and its worked examples work in a service as rendered."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import unquote

import pytest
from hardened.config.table import Config
from hardened.run import declared_options

from ._template import PACKAGE, ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

BLOCK = re.compile(r"^```(?P<kind>\w*)(?: (?P<path>\S+))?\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)

FOREIGN = re.compile(r"VIRTUAL_ENV|UV_PROJECT_ENVIRONMENT|PYTHON\w*|PROJECT_ROOT|ENVIRONMENT|SECRET_KEY|DATABASE_\w+")
"""Variables of whoever runs the tests that would reach the service or its tools."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it names, and where it stands."""

    kind: str
    path: str | None
    content: str
    place: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    assert text.count("\n```") % 2 == 0, f"{page}: a block is not closed"
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(found["kind"], found["path"], found["content"], f"{page.relative_to(ROOT)}:{line}")


def carry_out(page: Path, folder: Path, *, commands: bool = True) -> int:
    """Do what a page says, in the folder of a service; returns how many blocks that were.

    A Python block is the file that it names; where the name has a star, it is the functions of the one file that
    matches. A `diff` is applied, `sh` is run. Other kinds are there to be read.
    """
    done = 0
    for block in blocks(page):
        if block.kind == "python":
            assert block.path, f"{block.place}: which file is this?"
            write(folder, block)
        elif block.kind == "diff":
            run(["git", "apply", "-"], folder, block.place, block.content)
        elif block.kind == "sh" and commands:
            run(["bash", "-euxo", "pipefail"], folder, block.place, block.content)
        else:
            continue
        done += 1
    return done


def write(folder: Path, block: Block) -> None:
    """Write a block into the file that it names."""
    path = str(block.path)
    if "*" not in path:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(block.content, encoding="utf-8")
        return
    found = list(folder.glob(path))
    assert len(found) == 1, f"{block.place}: {path} is {found}"
    head, line, _ = found[0].read_text(encoding="utf-8").partition("def upgrade()")
    assert line, f"{block.place}: {found[0]} has no `def upgrade()`"
    assert block.content.startswith(line), f"{block.place}: begin with `{line}`"
    found[0].write_text(head + block.content, encoding="utf-8")


def run(command: list[str], folder: Path, place: str, given: str = "") -> str:
    """What a command prints; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}
    environment |= {
        # uv is one of the tests' own dependencies.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]),
        "UV_PYTHON": sys.executable,
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{place}: {done.stdout}"
    return done.stdout


@pytest.fixture
def own_service(rendered: Callable[..., Path]) -> Iterator[Path]:
    """A service that the test may change.

    Beside pytest's own folder: whenever another pytest begins, other users lose their rights to that, and where root runs the
    tests, PostgreSQL's programs in this service's environment are another user's.
    """
    with tempfile.TemporaryDirectory(prefix="service-") as folder:
        yield shutil.copytree(rendered(), Path(folder, "inbox-demo"))


def test_every_relative_link_leads_somewhere() -> None:
    found, dead = 0, []
    for page in PAGES:
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            found += 1
            path, _, anchor = target.partition("#")
            file = page.parent / unquote(path) if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []
    assert found > 20


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_what_is_named_exists(rendered: Callable[..., Path]) -> None:
    service = rendered()
    settings = (service / ".env.example").read_text(encoding="utf-8")
    # What only tests are told, they name themselves, and what only containers are told, stands there.
    told = set(re.findall(r'"(TEST_[A-Z_]+)"', "".join(map(Path.read_text, service.glob("tests/*.py")))))
    told |= set(re.findall(r"\$\{([A-Z_]+):", (service / "compose.yaml").read_text(encoding="utf-8")))
    told |= set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', (service / "noxfile.py").read_text(encoding="utf-8")))
    words = {
        (page, word) for page in PAGES for word in re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text("utf-8")))
    }
    missing = {
        (page.name, word)
        for page, word in words
        if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", word) and word not in ("PROJECT_ROOT", "VIRTUAL_ENV")
        if f"{word}=" not in settings and word not in told
    }
    files = {(page, word) for page, word in words if re.fullmatch(r"(core|features|tests|migrations)/[\w./]+", word)}
    missing |= {
        (page.name, word)
        for page, word in files
        if not any((folder / word).exists() for folder in (service / "src" / PACKAGE, service, ROOT))
    }
    assert missing == set()
    assert len(files) > 10


def test_the_worked_examples_work(own_service: Path) -> None:
    assert carry_out(ROOT / "docs" / "start.md", own_service, commands=False) == 1
    assert carry_out(ROOT / "docs" / "features.md", own_service) > 15
    served = run(
        ["uv", "run", "python", "-c", "from inbox_demo.main import app; print(*app.openapi()['paths'])"],
        own_service,
        "start.md",
    )
    assert {"/hello", "/notes"} <= set(served.split())
    told = run(["uv", "run", "inbox-demo", "--help"], own_service, "every page")
    commands = {name for page in PAGES for name in re.findall(r"uv run inbox-demo ([a-z-]+)", page.read_text("utf-8"))}
    assert {name for name in commands if f" {name} " not in told} == set()
    assert len(commands) > 5


def test_every_key_of_the_configuration_is_told() -> None:
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    told = {
        key for row in re.findall(r"^\| (`.+?) \|", page, re.MULTILINE) for key in re.findall(r"`([a-z][a-z-]*)`", row)
    }
    names = {field.name for field in fields(Config)} - {"root", "options", "assumptions"}
    assert told == {name.replace("_", "-") for name in names.union(declared_options())}
