"""What becomes of findings: configuration, acceptance, formats, exit status, refusal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Column, ForeignKey, MetaData, Table

from service.checks import (
    Config,
    ConfigError,
    Finding,
    Refused,
    Report,
    Skipped,
    codes,
    exit_status,
    explain,
    find_root,
    load_config,
    refuse,
    render,
)
from service.checks._findings import Place, belongs
from service.checks._run import GUARDS

from ._project import APPLICATION, DATABASE, MAIN, ROOT, Project, migration

UNINDEXED = """
class Order(Model):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    other_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
"""
ACCEPTED = """
[[tool.hardening.accepted]]
code = "DB005"
where = "orders.user_id"
reason = "Nobody deletes users."
"""


OF_ANY_PROJECT = ("DB002", "DB005", "DB008", "IM003", "IM004", "IM006", "RT001")
"""Guards that judge the smallest of projects, in the order in which they run."""


def complete(project: Project, more: str = "") -> Project:
    """A project in which nothing is wrong."""
    return project.models(more)


def test_a_sound_project_has_no_findings(project: Project) -> None:
    report = complete(project).run(*OF_ANY_PROJECT)
    assert (report.findings, report.accepted, report.not_applicable, report.could_not_look) == ((), (), (), ())
    assert report.codes == OF_ANY_PROJECT
    assert exit_status(report) == 0
    assert render(report) == f"0 findings from {len(OF_ANY_PROJECT)} guards, 0 accepted with a reason\n"


def test_one_run_tells_everything_although_the_application_cannot_be_imported(project: Project) -> None:
    complete(project, UNINDEXED).write(
        {
            "src/shop/main.py": MAIN + "from . import models\nfrom .models import Gone\n",
            "src/shop/cli.py": "import no_such_distribution\n",
            "src/shop/prompts.py": "",
            "src/shop/prompts/__init__.py": "",
            "tests/test_x.py": "def f(:\n",
            "migrations/versions/0002.py": migration("0002", "0001"),
            "migrations/versions/0003.py": migration("0003", "0001"),
        }
    )
    report = project.run(*OF_ANY_PROJECT)
    assert [(each.code, each.file) for each in report.findings] == [
        ("DB008", "migrations/versions/0003.py"),
        ("IM003", "src/shop/cli.py"),
        ("IM003", "src/shop/main.py"),
        ("DB005", "src/shop/models.py"),
        ("DB005", "src/shop/models.py"),
        ("IM004", "src/shop/prompts.py"),
        ("IM006", "tests/test_x.py"),
    ]
    assert exit_status(report) == 1
    assert {each.code for each in report.could_not_look} == {"RT001", "DB002", "DB005", "DB008"}
    last = render(report).splitlines()[-1]
    assert last.startswith("could not look: DB002, DB005, DB008, RT001: the application shop.main:app cannot be")
    assert f"src/shop/main.py:{project.line('src/shop/main.py', 'Gone')}" in report.could_not_look[-1].reason


def test_a_run_writes_nothing_and_leaves_the_path_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    complete(project, UNINDEXED)

    def tree() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in project.root.rglob("*")}

    before, path = tree(), list(sys.path)
    assert project.run().findings
    assert tree() == before
    assert sys.path == path
    assert sys.dont_write_bytecode is False


# Configuration


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "pyproject.toml has no table [tool.hardening]"),
        ("[tool]\nhardening = 3", "pyproject.toml has no table [tool.hardening]"),
        ("[tool.hardening\n", "pyproject.toml cannot be read: "),
        ("[tool.hardening]\n", "package is missing"),
        ('[tool.hardening]\npakage = "x"', "pakage is no key of [tool.hardening]; it has package, "),
        ('[tool.hardening]\npackage = "x"\nusers_table = "y"', "users_table is no key"),
        ('[tool.hardening]\npackage = "x"\nroot = "y"', "root is no key"),
        ("[tool.hardening]\npackage = 3", "package is 3; it must be a text"),
        ('[tool.hardening]\npackage = ""', "package is ''; it must be a text"),
        ('[tool.hardening]\npackage = "x"\napplication = "x.main"', "application is 'x.main'; it must be of the form"),
        (
            '[tool.hardening]\npackage = "x"\nauthentication-tables = "y"',
            "authentication-tables is 'y'; it must be a list",
        ),
        ('[tool.hardening]\npackage = "x"\nauthentication-tables = [1]', "authentication-tables is [1]"),
        ('[tool.hardening]\npackage = "x"\naccepted = "y"', "accepted is 'y'; it must be tables"),
        ('[tool.hardening]\npackage = "x"\naccepted = [3]', "accepted has an entry 3"),
        ('[tool.hardening]\npackage = "x"\nyours = "y"', "yours is 'y'; it must be a table: [tool.hardening.yours]"),
        ('[tool.hardening]\npackage = "x"\n[tool.hardening.yours]\npublic = ["y"]', "public is no key"),
        ('[tool.hardening]\npackage = "x"\n[tool.hardening.yours]\nroot = "y"', "root is no key"),
        (
            '[tool.hardening]\npackage = "x"\n[[tool.hardening.yours.accepted]]\ncode = "DB005"',
            "accepted stands in [tool.hardening.yours]; write [[tool.hardening.accepted]]",
        ),
        (APPLICATION + ACCEPTED.replace("reason", "because"), "accepted has an entry"),
        (APPLICATION + ACCEPTED.replace("Nobody deletes users.", "  "), "with no reason; write one"),
        (APPLICATION + ACCEPTED.replace("reason", "# "), "with no reason; write one"),
        (APPLICATION + ACCEPTED.replace('"DB005"', "5"), "with no code; write one"),
        (APPLICATION + ACCEPTED.replace("DB005", "DB999"), "accepted has the code DB999; the guards are "),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_one_clear_line(project: Project, text: str, message: str) -> None:
    report = project.write({"pyproject.toml": text}).run()
    assert exit_status(report) == 2
    [skipped] = report.could_not_look
    assert skipped.code == "pyproject.toml"
    assert message in skipped.reason
    assert len(render(report).splitlines()) == 2


def test_a_package_that_is_not_there_is_no_answer(project: Project) -> None:
    report = project.write({"pyproject.toml": '[tool.hardening]\npackage = "stop"'}).run()
    assert exit_status(report) == 2
    assert {"DB003", "DB008", "IM003", "RT001"} <= {each.code for each in report.could_not_look}
    assert "src/stop is no folder; correct `package` or `source`" in report.could_not_look[0].reason


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        DATABASE + 'source = "lib"\nmigrations = "versions"\n' + ACCEPTED, encoding="utf-8"
    )
    config = load_config(tmp_path)
    assert (config.root, config.package, config.source, config.migrations) == (tmp_path, "shop", "lib", "versions")
    assert (config.application, config.metadata) == ("shop.main:app", "shop.models:Model.metadata")
    assert (config.users_table, config.authentication_tables) == ("users", ("logins",))
    [accepted] = config.accepted
    assert (accepted.code, accepted.where, accepted.reason) == ("DB005", "orders.user_id", "Nobody deletes users.")


def test_what_the_owner_lists_is_added_and_a_text_of_theirs_counts(tmp_path: Path) -> None:
    yours = """
[tool.hardening.yours]
application = "shop.served:app"
authentication-tables = ["tokens"]
public-routes = ["GET /status"]
documents = ["handbook/*.md"]
"""
    (tmp_path / "pyproject.toml").write_text(DATABASE + yours + ACCEPTED, encoding="utf-8")
    config = load_config(tmp_path)
    assert (config.package, config.application) == ("shop", "shop.served:app")
    assert config.authentication_tables == ("logins", "tokens")
    assert config.public_routes == ("GET /status",)
    assert config.documents == (*Config(tmp_path).documents, "handbook/*.md")
    assert [each.reason for each in config.accepted] == ["Nobody deletes users."]


def test_the_root_is_found_from_below(project: Project) -> None:
    project.write({"src/shop/pyproject.toml": "[project]\nname = 'inner'\n"})
    assert find_root(project.root / "src" / "shop" / "main.py") == project.root
    assert find_root(Path("/")) is None
    with pytest.raises(ConfigError):
        load_config(project.root / "src")


def test_a_flat_layout_leaves_other_peoples_code_alone(project: Project) -> None:
    project.write(
        {
            "pyproject.toml": '[tool.hardening]\npackage = "flat_shop"\nsource = "."\n',
            "flat_shop/__init__.py": "",
            "flat_shop/x.py": "import no_such_distribution\n",
            "env/pyvenv.cfg": "",
            "env/lib/broken.py": "def f(:",
            "node_modules/broken.py": "def f(:",
        }
    )
    assert [(each.code, each.file) for each in project.findings("IM")] == [("IM003", "flat_shop/x.py")]


# Acceptance


def test_an_accepted_finding_is_counted_and_not_told(project: Project) -> None:
    complete(project, UNINDEXED).write({"pyproject.toml": DATABASE + ACCEPTED})
    report = project.run()
    assert [each.subject for each in report.findings] == ["orders.other_id"]
    assert [(each.subject, reason) for each, reason in report.accepted] == [("orders.user_id", "Nobody deletes users.")]
    assert "1 accepted" in render(report)


def test_a_file_accepts_all_that_is_found_in_it_under_that_code(project: Project) -> None:
    accepted = ACCEPTED.replace("orders.user_id", "src/shop/models.py")
    complete(project, UNINDEXED).write({"pyproject.toml": DATABASE + accepted})
    report = project.run()
    assert exit_status(report) == 0
    assert len(report.accepted) == 2


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("DB002", "orders.user_id"),
        ("DB005", "orders"),
        ("DB005", "orders.user"),
        ("DB005", "models.py"),
        ("DB005", "src/shop/models.py:22"),
        ("DB005", "orders.*"),
    ],
)
def test_an_acceptance_that_matches_nothing_is_a_finding(project: Project, code: str, where: str) -> None:
    accepted = ACCEPTED.replace("orders.user_id", where).replace("DB005", code)
    complete(project, UNINDEXED).write({"pyproject.toml": DATABASE + accepted})
    findings = project.findings(*OF_ANY_PROJECT)
    assert len(findings) == 3
    [stale] = [finding for finding in findings if finding.file == "pyproject.toml"]
    assert (stale.code, stale.line) == (code, project.line("pyproject.toml", "[[tool"))
    assert where in stale.message
    assert "remove the entry" in stale.message


def test_an_acceptance_is_not_stale_when_its_guard_did_not_look(project: Project) -> None:
    complete(project).write({"pyproject.toml": DATABASE + ACCEPTED})
    assert project.run("RT").findings == ()
    project.write({"src/shop/main.py": "from . import gone\n"})
    report = project.run("DB005")
    assert report.findings == ()
    assert exit_status(report) == 2


# Selection, explanation, formats


def test_codes_and_families_can_be_selected(project: Project) -> None:
    complete(project)
    assert project.run("RT001", "IM").codes == (
        "IM001",
        "IM002",
        "IM003",
        "IM004",
        "IM005",
        "IM006",
        "IM007",
        "IM008",
        "RT001",
    )
    for name in ("XX", "", "rt001", "RT0011"):
        with pytest.raises(ValueError, match="is no guard; there are DB001"):
            project.run(name)


@pytest.mark.parametrize("code", codes())
def test_each_guard_tells_its_story(code: str) -> None:
    (guard,) = (each for each in GUARDS if each.__name__ == code)
    title, *rest = explain(code).splitlines()
    told = (guard.__doc__ or "").partition("\n")[0].rstrip(".")
    assert title.lower() == f"# {code}: {told}".lower()
    assert [line for line in rest if line.startswith("#")] == [
        "## What happened",
        "## See it in your service",
        "## What the template does",
        "## Fix an existing service",
        "## Accept it",
    ]
    assert code in "\n".join(rest)
    assert max(map(len, rest)) <= 120


def sample(project: Project) -> Project:
    return project.write(
        {
            "pyproject.toml": '[tool.hardening]\npackage = "shop"\n',
            "src/shop/a.py": "raise ValueError('100% wrong,\\nand: more')\n",
            "src/shop/b/x.py": "",
        }
    )


def test_text(project: Project) -> None:
    assert render(sample(project).run("IM003", "IM004", "IM006", "RT001")).splitlines() == [
        "src/shop/a.py:1: shop.a cannot be imported: ValueError: 100% wrong, and: more; "
        "correct this line or what it needs (IM003)",
        "src/shop/b: b/ holds modules and has no __init__.py; add an empty one (IM004)",
        "2 findings from 4 guards, 0 accepted with a reason",
        "not checked: RT001: no `application` in [tool.hardening]",
    ]


def test_json(project: Project) -> None:
    first, second = json.loads(render(sample(project).run("IM003", "IM004"), "json"))
    assert list(first) == ["code", "message", "file", "line"]
    assert (first["code"], first["file"], first["line"]) == ("IM003", "src/shop/a.py", 1)
    assert (second["code"], second["file"], second["line"]) == ("IM004", "src/shop/b", None)


def test_github() -> None:
    report = Report(
        (Finding("IM003", "100% wrong,\nand: more", "src/a,b:c.py", 1), Finding("IM004", "x")),
        not_applicable=(Skipped("RT001", "no\nreason"),),
        could_not_look=(Skipped("DB005", "gone"),),
    )
    assert render(report, "github").splitlines() == [
        "::error file=src/a%2Cb%3Ac.py,line=1,title=IM003::100%25 wrong,%0Aand: more",
        "::error title=IM004::x",
        "::notice title=RT001::not checked: no%0Areason",
        "::error title=DB005::could not look: gone",
    ]


# When the application is built


@pytest.fixture
def collided() -> FastAPI:
    application = FastAPI()
    application.get("/x")(lambda: 1)
    application.get("/x")(lambda: 2)
    return application


def test_an_application_with_a_collision_is_refused(collided: FastAPI) -> None:
    metadata = MetaData()
    Table("users", metadata, Column("id", primary_key=True))
    Table("logins", metadata, Column("id", primary_key=True))
    Table("orders", metadata, Column("made_by", ForeignKey("logins.id")))
    with pytest.raises(Refused) as caught:
        refuse(collided, metadata, Config(ROOT, authentication_tables=("logins",)))
    assert [finding.code for finding in caught.value.findings] == ["DB002", "DB005", "RT001"]
    assert caught.value.application is collided
    assert f"{Path(__file__).relative_to(ROOT)}:" in str(caught.value)
    assert "GET /x" in str(caught.value)


def test_what_is_accepted_or_cannot_be_judged_does_not_stop_a_service(collided: FastAPI, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        APPLICATION + ACCEPTED.replace("DB005", "RT001").replace("orders.user_id", "GET /x"), encoding="utf-8"
    )
    refuse(collided, None, load_config(tmp_path))
    refuse(FastAPI(), MetaData(), Config(ROOT))
    with pytest.raises(Refused):
        refuse(collided, None, Config(ROOT))


REFUSING = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from service.checks import load_config, refuse
from . import models

def create_app():
    from fastapi import FastAPI
    app = FastAPI()

    @app.get("/x")
    def one(): ...

    @app.get("/x")
    def two(): ...

    @app.get("/y")
    def y(): ...

    refuse(app, models.Model.metadata, load_config(Path(__file__).parents[2]))
    return app
"""


def test_a_run_unpacks_a_refusal_and_goes_on(project: Project) -> None:
    complete(project, UNINDEXED).write(
        {
            "src/shop/application.py": REFUSING.format(root=str(ROOT)),
            "src/shop/main.py": "from .application import create_app\napp = create_app()\n",
            "src/shop/worker.py": "from . import main\n",
            "src/shop/orphan.py": (
                "from .models import *\nfrom .models import Model\nclass Lost(Model):\n"
                "    __tablename__ = 'lost'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            ),
        }
    )
    report = project.run(*OF_ANY_PROJECT)
    assert [(each.code, each.file) for each in report.findings] == [
        ("RT001", "src/shop/application.py"),
        ("DB005", "src/shop/models.py"),
        ("DB005", "src/shop/models.py"),
        ("DB008", "src/shop/orphan.py"),
    ]
    assert not report.could_not_look
    assert [each.code for each in project.run("DB008").findings] == ["DB008"]


def test_a_refusal_of_another_application_is_told_too(project: Project) -> None:
    complete(project).write(
        {
            "src/shop/application.py": REFUSING.format(root=str(ROOT)),
            "src/shop/second.py": "from .application import create_app\napp = create_app()\n",
        }
    )
    assert [(each.code, each.file) for each in project.findings(*OF_ANY_PROJECT)] == [
        ("RT001", "src/shop/application.py")
    ]


def test_refusing_costs_little() -> None:
    application = FastAPI(openapi_url=None)
    for number in range(300):
        application.add_api_route(f"/things{number}/{{id}}", lambda: None)
    start = time.perf_counter()
    refuse(application, MetaData(), Config(ROOT))
    assert time.perf_counter() - start < 1.0


# The command


def command(project: Project, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(project.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "shop.checks", *arguments],
        cwd=cwd or project.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def installed(project: Project) -> Project:
    """The project with its own copy of the guards."""
    shutil.copytree(
        ROOT / "service" / "checks", project.root / "src/shop/checks", ignore=shutil.ignore_patterns("__py*")
    )
    return complete(project)


def test_the_command_answers_with_its_exit_status(installed: Project, tmp_path: Path) -> None:
    sound = command(installed)
    assert (sound.returncode, sound.stderr) == (0, "")
    assert sound.stdout.startswith("0 findings")

    installed.write({"src/shop/orphan.py": "print('noise')\nfrom .main import gone\n"})
    elsewhere = command(installed, "--format=json", cwd=Path("/"))
    assert elsewhere.returncode == 1
    assert [each["code"] for each in json.loads(elsewhere.stdout)] == ["IM003"]
    assert command(installed, "--select", "RT001,DB").returncode == 0

    installed.write({"src/shop/orphan.py": "", "src/shop/hiding.py": "", "src/shop/hiding/x/__init__.py": ""})
    hidden = command(installed, "--format=json")
    assert {each["code"] for each in json.loads(hidden.stdout)} == {"IM004"}
    assert hidden.stderr == ""

    installed.write({"src/shop/main.py": "import gone\n"})
    blind = command(installed, "--select=RT001", "--format=json")
    assert (blind.returncode, json.loads(blind.stdout)) == (2, [])
    assert "could not look: RT001: the application shop.main:app cannot be imported" in blind.stderr


def test_the_command_works_when_nothing_else_can_be_imported(installed: Project) -> None:
    for path in installed.root.joinpath("src/shop").glob("*.py"):
        if path.name != "__init__.py":
            path.write_text("def f(:\n", encoding="utf-8")
    answer = command(installed, "--format=github")
    assert answer.returncode == 1
    assert answer.stdout.count("::error file=src/shop/") == 2
    assert answer.stdout.count("title=IM006") == 2


def test_the_command_explains_and_says_what_it_was_given(installed: Project, tmp_path: Path) -> None:
    story = command(installed, "--explain", "RT001")
    assert (story.returncode, story.stdout) == (0, explain("RT001") + "\n")
    for arguments in (["--select=XX"], ["--explain=XX"], ["--format=xml"]):
        wrong = command(installed, *arguments)
        assert wrong.returncode == 2
        assert wrong.stdout == ""
    installed.write({"pyproject.toml": "[tool.hardening]\npakage = 1\n"})
    wrong = command(installed)
    assert wrong.returncode == 2
    assert "pakage is no key" in wrong.stdout


def test_guards_cost_no_import_until_they_look() -> None:
    code = (
        "import sys, service.checks\n"
        "assert not {'fastapi', 'starlette', 'sqlalchemy'} & set(sys.modules) - before, sys.modules"
    )
    subprocess.run([sys.executable, "-c", f"import sys; before = set(sys.modules)\n{code}"], cwd=ROOT, check=True)


def test_what_is_installed_into_an_environment_inside_of_the_project_is_not_the_projects(tmp_path: Path) -> None:
    own = tmp_path / "src" / "shop" / "main.py"
    installed = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "celery" / "app.py"
    assert str(Place.of(tmp_path, own, 3)) == "src/shop/main.py:3"
    assert str(Place.of(tmp_path, installed)) == installed.as_posix()
    assert (belongs(tmp_path, own), belongs(tmp_path, installed)) == (True, False)
