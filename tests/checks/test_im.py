"""IM: imports, names, files, what is declared and what is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.checks import load_config, run
from service.checks._declared import Declared

from ._project import APPLICATION, MAIN, Project


def test_every_failure_is_told_once_where_it_is(project: Project) -> None:
    project.write(
        {
            "src/shop/handlers.py": "kept = 1\n",
            "src/shop/a.py": "import json\nfrom .handlers import removed\n",
            "src/shop/b.py": "from . import a\n",  # only a consequence
            "src/shop/c.py": "\n\nimport no_such_distribution\n",
            "src/shop/d.py": "def make():\n    return undefined\n\nvalue = make()\n",
            "src/shop/sub/__init__.py": "",
            "src/shop/sub/e.py": "import sys\nsys.exit(3)\n",
            "src/shop/sub/__main__.py": "raise SystemExit('it ran')\n",
            "src/shop/f.py": "raise BaseExceptionGroup('several', [SystemExit()])\n",
            "src/shop/g.py": "class Refused(Exception): ...\nraise Refused('not ours')\n",
        }
    )
    found = {(finding.file, finding.line): finding for finding in project.findings("IM003")}
    assert set(found) == {
        ("src/shop/a.py", 2),
        ("src/shop/c.py", 3),
        ("src/shop/d.py", 2),
        ("src/shop/sub/e.py", 2),
        ("src/shop/f.py", 1),
        ("src/shop/g.py", 2),
    }
    first = found["src/shop/a.py", 2]
    assert "cannot import name 'removed'" in first.message
    assert first.subject == "shop.a"
    assert str(project.root) not in first.message
    assert "sys.exit(3)" in found["src/shop/sub/e.py", 2].message


def test_a_half_imported_model_is_not_told_again_as_a_table_defined_twice(project: Project) -> None:
    project.models(
        """
        class Order(Model):
            __tablename__ = "orders"
            id: Mapped[int] = mapped_column(primary_key=True)

        from .gone import nothing
        """
    )
    project.write({"src/shop/zebra.py": "from .models import Order\n"})
    [finding] = project.run("IM003").findings
    assert (finding.file, finding.line) == ("src/shop/models.py", project.line("src/shop/models.py", ".gone"))


def test_what_the_loader_of_features_says_is_told_where_it_was_called(project: Project) -> None:
    project.write(
        {
            "src/shop/loader.py": """
                class FeatureError(Exception): ...
                def load():
                    raise FeatureError("features/orders exposes no `feature`")
                """,
            "src/shop/main.py": MAIN + "from .loader import load\nload()\n",
        }
    )
    [finding] = project.findings("IM003")
    assert (finding.file, finding.line) == ("src/shop/main.py", project.line("src/shop/main.py", "load()"))
    assert "features/orders exposes no `feature`" in finding.message
    assert "(raised at src/shop/loader.py:4)" in finding.message


def test_the_line_is_that_of_the_first_cause(project: Project) -> None:
    project.write(
        {
            "src/shop/orders.py": "import shop\nimport gone_from_here\n",
            "src/shop/main.py": (
                "try:\n    from . import orders\nexcept ImportError as error:\n    raise RuntimeError(1) from error\n"
            ),
        }
    )
    [finding] = project.run("IM003").findings
    assert (finding.file, finding.line) == ("src/shop/orders.py", 2)


def test_what_imports_is_quiet(project: Project) -> None:
    project.write(
        {
            "src/shop/a.py": "import sys\nprint('noise')\nif __name__ == '__main__':\n    sys.exit(1)\n",
            "src/shop/b.py": "try:\n    import no_such_thing\nexcept ImportError:\n    no_such_thing = None\n",
            "src/shop/old-script.py": "raise RuntimeError('no module has this name')\n",
            "tests/test_x.py": "raise RuntimeError('not of the package')\n",
        }
    )
    assert project.findings("IM003") == []


def test_modules_cannot_write_into_the_report(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write({"src/shop/a.py": "print('noise')\n"}).findings("IM003")
    assert capsys.readouterr().out == ""


def test_a_package_of_that_name_from_elsewhere_is_not_judged(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    assert other.findings("IM003") == []
    report = run(project.root, select=["IM003"])
    assert [each.code for each in report.could_not_look] == ["IM003"]
    assert "is imported from" in report.could_not_look[0].reason


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
    "no __init__.py at the top": ({"src/shop/__init__.py": None}, "src/shop", "has no __init__.py"),
}


@pytest.mark.parametrize(("files", "file", "message"), IM004.values(), ids=IM004)
def test_names_in_each_others_way(
    project: Project, files: dict[str, str | bytes | None], file: str, message: str
) -> None:
    findings = project.write(files).findings("IM004")
    assert {finding.file for finding in findings} >= {file}
    assert any(message in finding.message for finding in findings if finding.file == file)
    if "deep" not in str(files):
        assert len(findings) == 1


def test_names_that_are_in_nobodys_way(project: Project) -> None:
    project.write(
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
    assert project.findings("IM004") == []


def test_migrations_inside_the_package_need_no_init(project: Project) -> None:
    project.write(
        {
            "pyproject.toml": APPLICATION + 'migrations = "src/shop/migrations/versions"',
            "src/shop/migrations/env.py": "",
            "src/shop/migrations/versions/0001.py": "",
        }
    )
    assert project.findings("IM004") == []


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
    project: Project, files: dict[str, str | bytes | None], file: str, line: int | None
) -> None:
    [finding] = project.write(files).findings("IM006")
    assert finding.file == file
    assert line is None or finding.line == line


def test_a_broken_file_of_the_package_is_told_by_one_guard(project: Project) -> None:
    project.write({"src/shop/x.py": "def f(:\n", "src/shop/y.py": "from . import x\n"})
    assert [finding.code for finding in project.run("IM").findings] == ["IM006"]


def test_files_that_compile_are_quiet(project: Project) -> None:
    project.write(
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
    assert project.findings("IM006") == []


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


def test_what_is_declared_is_read_wherever_it_stands(project: Project) -> None:
    project.write(
        {
            "pyproject.toml": APPLICATION + DEPENDENCIES,
            "requirements.txt": "k==5.1 \\\n  --hash=sha256:aa # why\n-r requirements/base.txt\n-e .\n./local\n".encode(
                "utf-16"
            ),
            "requirements/base.txt": b"\xef\xbb\xbfl>=1\n",
            "requirements-dev.txt": "m\n-c constraints.txt\ngit+https://host/n#egg=n\n",
        }
    )
    declared = Declared(load_config(project.root))
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
        assert declared.of(name)[0].place == ("pyproject.toml", project.line("pyproject.toml", text))
    assert declared.of("k")[0].place == ("requirements.txt", 1)
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
def test_what_a_command_names_is_looked_up(project: Project, command: str, message: str) -> None:
    project.write(
        {
            "Procfile": f"web: {command}\n",
            "src/shop/worker.py": "from celery import Celery\n\nshop = Celery('shop')\n",
            "src/shop/empty.py": "x = 1\n",
        }
    )
    findings = project.findings("IM005")
    assert [(each.file, each.line) for each in findings] == [("Procfile", 1)] * bool(message)
    assert all(message in each.message for each in findings)
