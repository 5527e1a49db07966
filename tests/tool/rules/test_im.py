"""IM: imports, names, files, declarations and entry points."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER

import pytest
from hardened.config.table import load_config
from hardened.knowledge.extras import FORMS
from hardened.model import Location
from hardened.packaging.declared import Declared, parsed
from hardened.packaging.entries import Modules
from hardened.packaging.environment import Environment
from hardened.records.deployment import Driver
from hardened.records.diagnostics import Diagnostic
from hardened.records.imports import Failure
from hardened.records.requirements import Requirement
from hardened.rules.im.im001 import IM001
from hardened.rules.im.im002 import IM002
from hardened.rules.im.im003 import IM003
from hardened.rules.im.im008 import IM008

from .._project import TABLE, Tree

NOTHING: dict[str, list[Diagnostic]] = {"IM001": []}


IM004 = {
    "a module beside a package": (
        {"src/shop/prompts.py": "", "src/shop/prompts/__init__.py": ""},
        "src/shop/prompts.py",
        "prompts/ hides the other",
    ),
    "a module beside a folder of modules": (
        {"src/shop/prompts.py": "", "src/shop/prompts/deep/x.py": ""},
        "src/shop/prompts.py",
        "prompts.py hides the other",
    ),
    "further down": (
        {"src/shop/sub/__init__.py": "", "src/shop/sub/x.py": "", "src/shop/sub/x/__init__.py": ""},
        "src/shop/sub/x.py",
        "x/ hides the other",
    ),
    "beside the package itself": ({"src/shop.py": ""}, "src/shop.py", "shop/ hides the other"),
    "a standard module": ({"src/logging.py": ""}, "src/logging.py", "logging of the standard library"),
    "a standard package": ({"src/email/__init__.py": ""}, "src/email", "email of the standard library"),
    "an installed package": ({"src/fastapi/__init__.py": ""}, "src/fastapi", "fastapi that is installed"),
    "an installed module": ({"src/typing_extensions.py": ""}, "src/typing_extensions.py", "that is installed"),
    "from the project's folder": ({"sqlalchemy.py": ""}, "sqlalchemy.py", "sqlalchemy that is installed"),
    "no __init__.py": ({"src/shop/orders/routes.py": ""}, "src/shop/orders", "has no __init__.py"),
    "no __init__.py in between": (
        {"src/shop/features/orders/__init__.py": ""},
        "src/shop/features",
        "has no __init__.py",
    ),
    "no __init__.py at the top": (
        {"src/shop/__init__.py": None, "src/shop/x.py": ""},
        "src/shop",
        "has no __init__.py",
    ),
}


@pytest.mark.parametrize(("files", "file", "message"), IM004.values(), ids=IM004)
def test_names_in_each_others_way(tree: Tree, files: dict[str, str | bytes | None], file: str, message: str) -> None:
    findings = tree.write(files).findings("IM004")
    assert {finding.location.file for finding in findings} >= {file}
    assert any(message in finding.message for finding in findings if finding.location.file == file)
    if "deep" not in str(files):
        assert len(findings) == 1


def test_names_that_are_in_nobodys_way(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/logging.py": "",
            "src/shop/email/__init__.py": "",
            "src/shop/fastapi.py": "",
            "src/shop/static.py": "",
            "src/shop/static/style.css": "",
            "src/shop/static/__pycache__/x.py": "",
            "src/shop/templates/mail.html": "",
            "src/shop/project-template/main.py": "",
            "src/shop/x.py": "",
            "src/shop/sub/__init__.py": "",
            "src/shop/sub/x/__init__.py": "",
            "tests/__init__.py": "",
            "tests/unit/test_x.py": "",
            "migrations/env.py": "",
            "migrations/versions/0001.py": "",
            "docs/conf.py": "",
            "noxfile.py": "",
            "logging/readme.md": "",
        }
    )
    assert tree.findings("IM004") == []


def test_migrations_inside_the_package_need_no_init(tree: Tree) -> None:
    tree.write(
        {
            "pyproject.toml": TABLE + 'migrations = "src/shop/migrations/versions"',
            "src/shop/migrations/env.py": "",
            "src/shop/migrations/versions/0001.py": "",
        }
    )
    assert tree.findings("IM004") == []


IM006 = {
    "half a comprehension": ({"src/shop/x.py": "a = 1\nb = [each for each in\n"}, "src/shop/x.py", 2),
    "in a test": ({"tests/unit/test_x.py": "def f(:\n    pass\n"}, "tests/unit/test_x.py", 1),
    "in a migration": ({"migrations/versions/0001.py": "\n\nrevision == = 1\n"}, "migrations/versions/0001.py", 3),
    "in env.py": ({"migrations/env.py": "import\n"}, "migrations/env.py", 1),
    "only found by compiling": ({"src/shop/x.py": "x = 1\nreturn x\n"}, "src/shop/x.py", 2),
    "beside the package": ({"src/other.py": "1 +\n"}, "src/other.py", 1),
    "indentation": ({"src/shop/x.py": "if True:\nx = 1\n"}, "src/shop/x.py", 2),
    "bytes that are no text": ({"src/shop/x.py": b"x = '\xff'\n"}, "src/shop/x.py", None),
    "a zero byte": ({"src/shop/x.py": b"x = 1\0\n"}, "src/shop/x.py", None),
}


@pytest.mark.parametrize(("files", "file", "line"), IM006.values(), ids=IM006)
def test_a_file_that_does_not_compile(
    tree: Tree, files: dict[str, str | bytes | None], file: str, line: int | None
) -> None:
    [finding] = tree.write(files).findings("IM006")
    assert finding.location.file == file
    assert line is None or finding.location.line == line


@pytest.mark.parametrize(
    ("name", "size", "lines"), [("a.{}.pyc", 0, []), ("a.{}-pytest-9.pyc", 0, []), ("a.{}.pyc", 1, [1])]
)
def test_a_file_that_is_compiled_already_is_not_compiled_again(
    tree: Tree, name: str, size: int, lines: list[int]
) -> None:
    tree.write({"tests/a.py": "return\n"})
    status = (tree.root / "tests/a.py").stat()
    header = struct.pack("<4sIII", MAGIC_NUMBER, 0, int(status.st_mtime), status.st_size + size)
    tree.write({f"tests/__pycache__/{name.format(sys.implementation.cache_tag)}": header})
    assert [line for _, line in tree.found("IM006")] == lines


def test_a_broken_file_of_the_package_is_told_by_one_guard(tree: Tree) -> None:
    tree.write({"src/shop/x.py": "def f(:\n", "src/shop/y.py": "from . import x\n"})
    assert [finding.code for finding in tree.report("IM").findings] == ["IM006"]


def test_files_that_compile_are_quiet(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/bom.py": b"\xef\xbb\xbfx = 1\n",
            "src/shop/latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
            "src/shop/warned.py": "x = '\\d'\ny = 1 is 1\n",
            "src/shop/new.py": "match 1:\n    case _:\n        pass\ntry:\n    pass\nexcept* ValueError:\n    pass\n",
            "src/shop/empty.py": "",
            "src/.venv/x.py": "def f(:",
            "src/venv/pyvenv.cfg": "",
            "src/venv/lib/x.py": "def f(:",
            "src/shop/template.py.txt": "def f(:",
            "build/x.py": "def f(:",
        }
    )
    assert tree.findings("IM006") == []


DEPENDENCIES = """
[project]
name = "shop"
dependencies = [
  "FastAPI[standard] >= 0.165, < 0.200 ; python_version >= '3.11'",
  "a.b_c",
  "d @ git+https://host/d@v1",
]
optional-dependencies.telemetry = ["e~=1.2"]
[dependency-groups]
dev = ["f>=9,<10", {include-group = "lint"}]
lint = ["g"]
[tool.poetry.dependencies]
python = "^3.11"
h = {version = "^2.1", extras = ["asyncio"]}
i = "*"
[tool.poetry.group.dev.dependencies]
j = "1.2"
"""


def test_what_is_declared_is_read_wherever_it_stands(tree: Tree) -> None:
    tree.write(
        {
            "pyproject.toml": TABLE + DEPENDENCIES,
            "requirements.txt": "k==5.1 \\\n  --hash=sha256:aa # why\n-r requirements/base.txt\n-e .\n./local\n".encode(
                "utf-16"
            ),
            "requirements/base.txt": b"\xef\xbb\xbfl>=1\n",
            "requirements-dev.txt": "m\n-c constraints.txt\ngit+https://host/n#egg=n\n",
        }
    )
    declared = Declared(load_config(tree.root), Environment(sys.path))
    found = {each.name: (each.kind, each.group, each.bounded) for each in declared.requirements}
    assert found == {
        "fastapi": ("service", "", True),
        "a-b-c": ("service", "", False),
        "d": ("service", "", True),
        "e": ("extra", "telemetry", True),
        "f": ("group", "dev", True),
        "g": ("group", "lint", False),
        "h": ("service", "", True),
        "i": ("service", "", False),
        "j": ("group", "dev", True),
        "k": ("service", "", True),
        "l": ("service", "", False),
        "m": ("group", "dev", False),
    }
    for name, text in (("fastapi", "FastAPI"), ("g", "lint ="), ("h", "h ="), ("e", "e~=1.2")):
        assert declared.of(name)[0].location == ("pyproject.toml", tree.line("pyproject.toml", text))
    assert declared.of("k")[0].location == ("requirements.txt", 1)
    assert declared.of("fastapi")[0].extras == {"standard"}
    assert {"email-validator", "starlette", "websockets"} <= declared.brought
    assert "f" not in declared.brought


STARTED = {
    "uvicorn shop.main:app": "",
    "uvicorn shop.main:other": "other",
    "/venv/bin/gunicorn -b unix:web.sock -k uvicorn.workers.UvicornWorker shop.main:app": "",
    "uv run gunicorn 'shop.main:make()'": "make",
    "celery -A shop.worker worker -Q one": "",
    "celery --app=shop.worker:queue worker": "queue",
    "celery -A shop.main.app beat": "",
    "celery -A shop.tasks worker": "shop.tasks",
    "celery -Ashop.empty worker": "no Celery application",
    "python -m celery -A shop.gone worker": "shop.gone",
    "python -u -m shop.main": "",
    "python -m shop": "no __main__.py",
    "python -m json.tool": "",
    "python -c 'import shop.gone'": "",
    "python src/shop/main.py": "",
    "python src/shop/gone.py": "no file",
    "sh -c 'sleep 1 && exec uvicorn shop.gone:app'": "shop.gone",
    "fastapi run -e shop.main:app": "",
    "arq shop.worker.Gone": "Gone",
    "hypercorn $APP": "",
    "uvicorn no_such_module_at_all:app": "no_such_module_at_all",
    "uvicorn main:app --app-dir src/shop": "",
}


@pytest.mark.parametrize(("command", "message"), STARTED.items(), ids=STARTED)
def test_what_a_command_names_is_looked_up(tree: Tree, command: str, message: str) -> None:
    tree.write(
        {
            "Procfile": f"web: {command}\n",
            "src/shop/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
            "src/shop/worker.py": "from celery import Celery\n\nshop = Celery('shop')\n",
            "src/shop/empty.py": "x = 1\n",
        }
    )
    findings = tree.findings("IM005")
    assert [(each.location.file, each.location.line) for each in findings] == [("Procfile", 1)] * bool(message)
    assert all(message in each.message for each in findings)


# On facts made by hand


def declared(tree: Tree, *lines: str) -> Declared:
    """Declarations of a requirement file of these lines, in an environment that has nothing."""
    return Declared(load_config(tree.write({"requirements.txt": "\n".join(lines)}).root), Environment())


def modules(tree: Tree) -> Modules:
    return Modules(tree.facts.source, (), "shop", Environment())


def diagnostic(rule: str, message: str, line: int) -> Diagnostic:
    return Diagnostic(rule, message, Location("src/shop/main.py", line))


@pytest.mark.parametrize("rule", ["DEP001", "DEP003", "DEP004"])
def test_an_import_of_what_is_not_declared_is_found(tree: Tree, rule: str) -> None:
    tree.write({"src/shop/main.py": "import shop\nimport boto3\n"})
    rows = [diagnostic(rule, "'boto3' imported", 2), diagnostic("DEP002", "'fastapi' unused", 1)]
    [finding] = IM001().check(tree.facts.source, declared(tree, "fastapi"), rows, (), NOTHING)
    assert (finding.location, finding.subject) == (Location("src/shop/main.py", 2), "boto3")


def test_imports_that_are_tried_or_declared_under_another_name_are_quiet(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/main.py": "try:\n    import boto3\nexcept ImportError:\n    boto3 = None\nimport yaml\nimport shop\n"
        }
    )
    rows = [diagnostic("DEP001", f"'{name}' imported", line) for name, line in (("boto3", 2), ("yaml", 5), ("shop", 6))]
    assert not [*IM001().check(tree.facts.source, declared(tree, "PyYAML"), rows, (), NOTHING)]


def test_an_import_by_name_of_what_is_not_declared_is_found(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/main.py": "import importlib\n\ndef f():\n    importlib.import_module('boto3')\n    __import__('json')\n"
        }
    )
    [finding] = IM001().check(tree.facts.source, declared(tree, "fastapi"), (), (), NOTHING)
    assert finding.location == Location("src/shop/main.py", 4)


def test_a_driver_of_an_address_is_to_be_declared(tree: Tree) -> None:
    driver = Driver("postgresql+asyncpg", ("asyncpg",), Location(".env.example", 3))
    [finding] = IM001().check(tree.facts.source, declared(tree, "sqlalchemy"), (), [driver], NOTHING)
    assert (finding.location, finding.hint) == (driver.location, "declare asyncpg")
    assert not [*IM001().check(tree.facts.source, declared(tree, "asyncpg<1"), (), [driver], NOTHING)]


def test_a_late_import_of_an_installed_package_is_found_and_that_of_the_own_is_not(tree: Tree) -> None:
    tree.write({"src/shop/main.py": "def f():\n    import boto3\n\ndef g():\n    from . import x\n    import json\n"})
    late = {"IM001": [diagnostic("PLC0415", "late", line) for line in (2, 5, 6)]}
    [finding] = IM001().check(tree.facts.source, declared(tree, "boto3"), (), (), late)
    assert finding.location.line == 2


def test_an_extra_is_told_once_and_not_where_it_is_declared(tree: Tree) -> None:
    uses = [("fastapi.Form", FORMS, Location("src/shop/main.py", line)) for line in (4, 9)]
    [finding] = IM002().check(declared(tree, "fastapi"), uses)
    assert (finding.location.line, finding.subject) == (4, "python-multipart")
    assert not [*IM002().check(declared(tree, "fastapi[standard]"), uses)]


def test_uses_that_need_an_extra_are_found_in_source(tree: Tree) -> None:
    tree.settings('[project]\nname = "shop"\ndependencies = ["fastapi<1", "uvicorn<1", "pydantic<3"]\n')
    tree.write(
        {
            "src/shop/main.py": "from pydantic import EmailStr\nfrom fastapi import APIRouter\nr = APIRouter()\n@r.websocket('/x')\ndef f(): ...\n"
        }
    )
    assert {(each[1].packages[0], each[2].line) for each in tree.facts.needs} == {
        ("email-validator", 1),
        ("websockets", 4),
    }


def test_a_late_import_of_what_the_project_does_not_have_is_found(tree: Tree) -> None:
    tree.write(
        {
            "src/shop/a.py": "kept = 1\n",
            "src/shop/main.py": """
            def f():
                from .a import kept, removed
                from . import gone
                try:
                    from .a import faster
                except ImportError:
                    pass
            """,
        }
    )
    found = [*IM003().check(tree.facts.source, modules(tree))]
    assert [(each.location.line, each.message.partition(" ")[0]) for each in found] == [
        (3, "shop.a.removed"),
        (4, "shop.gone"),
    ]


def test_modules_that_cannot_be_imported_are_told_where_they_fail(tree: Tree) -> None:
    failures = [
        Failure("shop.a", "no module named x", Location("src/shop/a.py", 2)),
        Failure("shop.b", "no version (CL002)", Location("src/shop/b.py", 1), "CL002"),
    ]
    [finding] = IM003().check(tree.facts.source, modules(tree), failures)
    assert (finding.subject, finding.location.line) == ("shop.a", 2)


def test_what_is_banned_is_found_by_import_and_by_declaration(tree: Tree) -> None:
    tree.settings('banned = ["passlib: use pwdlib", "a.b"]\n[project]\nname = "shop"\ndependencies = ["passlib<2"]\n')
    tree.write({"src/shop/main.py": "from passlib.hash import bcrypt\nimport a\nfrom a import b\nimport passlibrary\n"})
    assert tree.found("IM007") == [
        ("pyproject.toml", tree.line("pyproject.toml", "passlib<2")),
        ("src/shop/main.py", 1),
        ("src/shop/main.py", 3),
    ]
    assert tree.findings("IM007")[0].hint == "use pwdlib"


class Frameworks(Environment):
    """An environment with a FastAPI that takes any Starlette."""

    def has(self, name: str) -> bool:
        return name in ("fastapi", "celery")

    def requires(self, name: str) -> Iterator[str]:
        yield from {"fastapi": ["starlette>=0.46"], "celery": ["kombu>=5,<6"]}.get(name, [])


@pytest.mark.parametrize(
    ("lines", "subjects"),
    [
        (["fastapi<1"], ["starlette"]),
        (["fastapi<1", "starlette"], ["starlette"]),
        (["fastapi<1", "starlette<2"], []),
        (["celery<6"], []),
    ],
)
def test_what_a_framework_stands_on_has_a_bound(tree: Tree, lines: list[str], subjects: list[str]) -> None:
    tree.write({"requirements.txt": "\n".join(lines)})
    known = Declared(load_config(tree.root), Frameworks())
    assert [each.subject for each in IM008().check(known)] == subjects


def test_files_that_the_configuration_names_declare_as_well(tree: Tree) -> None:
    tree.settings('requirements = ["deps/*.txt", "deps/*.in"]')
    tree.write({"deps/a.txt": "a<2\n", "deps/b.in": "b\n", "deps/b.txt": "b==1\nb-core==1\n", "deps/c.in": "c\n"})
    declared = Declared(load_config(tree.root), Environment())
    assert [each.name for each in declared.needed] == ["a", "b", "b-core", "c"]


@pytest.mark.parametrize(
    ("text", "name", "bounded"),
    [
        ("fastapi", "fastapi", False),
        ("fastapi>=1", "fastapi", False),
        ("fastapi>=1,<2", "fastapi", True),
        ("Fast_API[all] ~= 1.2 ; python_version > '3'", "fast-api", True),
        ("x @ git+https://host/x@main", "x", False),
        ("x @ git+https://host/x@v1.2", "x", True),
        ("git+https://host/some.git", "some", False),
        ("./local", None, None),
        ("!!", None, None),
    ],
)
def test_a_requirement_is_read(text: str, name: str | None, bounded: bool | None) -> None:
    made: Requirement | None = parsed(text)
    assert (made and made.name, made and made.bounded) == (name, bounded)


def test_a_line_that_is_no_requirement_is_named_and_blinds_nothing(tree: Tree) -> None:
    tree.write({"requirements.txt": "fastapi\nboto3 = 1.2\nhttpx>=1,<2\n./local\ndist/x-1.whl\n"})
    report = tree.report("CL005", "IM008")
    assert [each.location.line for each in report.findings if each.code == "CL005"] == [1]
    assert {each.code for each in report.could_not_look} == {"CL005", "IM008"}
    [reason] = {each.reason for each in report.could_not_look if each.code == "CL005"}
    assert reason.startswith("requirements.txt:2: 'boto3 = 1.2' is no requirement")
