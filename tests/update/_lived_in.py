"""A service that somebody lives in: what an owner does to it in a year, each edit with a mark that must not get lost."""

from __future__ import annotations

import functools
import re
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .._template import PACKAGE, commit, git

FENCE = "# Yours: add below this line.\n"
SOURCE = f"src/{PACKAGE}"


@dataclass(frozen=True)
class Owner:
    """Who edits the service in this folder."""

    folder: Path

    def read(self, name: str) -> str:
        """A file; `@/` is the package."""
        return self.path(name).read_text(encoding="utf-8")

    def path(self, name: str) -> Path:
        """Where it is."""
        return self.folder / name.replace("@/", f"{SOURCE}/")

    def write(self, name: str, content: str) -> None:
        """Write a file."""
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")

    def append(self, name: str, content: str) -> None:
        """Add to its end."""
        self.path(name).write_text(self.read(name) + textwrap.dedent(content), encoding="utf-8")

    def replace(self, name: str, old: str, new: str, *, nth: int = 0) -> None:
        """Change a text."""
        head, *rest = self.read(name).split(old)
        assert len(rest) > nth, f"{old!r} is not in {name}"
        self.path(name).write_text(old.join([head, *rest[:nth]]) + new + old.join(rest[nth:]), encoding="utf-8")

    def below_the_fence(self, name: str, line: str, *, nth: int = 0) -> None:
        """Add a line where the owner's half begins."""
        self.replace(name, FENCE, f"{FENCE}{line}\n", nth=nth)

    def move(self, old: str, new: str) -> None:
        """Rename a file."""
        self.path(old).rename(self.path(new))

    def delete(self, name: str) -> None:
        """Delete a folder."""
        shutil.rmtree(self.path(name))


Edit = Callable[[Owner], None]
OLDEST = "v0.1.0"
EDITS: dict[str, Edit] = {}
"""By their marks."""
SINCE: dict[str, str] = {}
"""The release that first has what is edited, by the marks."""


def edit(function: Edit, since: str = OLDEST) -> Edit:
    """An edit; its name is the mark that it leaves somewhere."""
    mark = f"mine_{function.__name__}"
    EDITS[mark], SINCE[mark] = function, since
    return function


def edit_since(version: str) -> Callable[[Edit], Edit]:
    """An edit of what this release is the first to have."""
    return functools.partial(edit, since=version)


# Dependencies and tools


@edit
def dependency_below(owner: Owner) -> None:
    owner.below_the_fence("pyproject.toml", '  "anyio>=4,<5", # mine_dependency_below')


@edit
def dependency_above(owner: Owner) -> None:
    # Against the advice: in the middle of the template's half.
    owner.replace(
        "pyproject.toml",
        '  "email-validator',
        '  "annotated-types>=0.7,<1", # mine_dependency_above\n  "email-validator',
    )


@edit
def development_below(owner: Owner) -> None:
    owner.below_the_fence("pyproject.toml", '  "trio>=0.30,<1", # mine_development_below', nth=1)


@edit
def table_of_a_tool(owner: Owner) -> None:
    owner.append("pyproject.toml", '\n[tool.deploy]\nregion = "mine_table_of_a_tool"\n')


@edit
def version_of_the_project(owner: Owner) -> None:
    owner.replace("pyproject.toml", 'version = "0.1.0"', 'version = "1.4.0" # mine_version_of_the_project')


@edit
def rule_of_lint(owner: Owner) -> None:
    owner.replace(
        "ruff.toml", '"migrations/**"', '"scripts/**" = ["INP001", "T201"] # mine_rule_of_lint\n"migrations/**"'
    )


@edit
def hook(owner: Owner) -> None:
    owner.append(
        ".pre-commit-config.yaml",
        "      - id: mine_hook\n        name: mine\n        language: system\n        entry: uv run true\n",
    )


@edit
def session_of_nox(owner: Owner) -> None:
    owner.append(
        "noxfile.py",
        '''

        @nox.session(default=False)
        def mine_session_of_nox(session: nox.Session) -> None:
            """Ours."""
            session.log("deployed")
        ''',
    )


@edit
def lock_file(owner: Owner) -> None:
    owner.write("uv.lock", "version = 1\n# mine_lock_file\n")


# Settings and what is never committed


@edit
def field_of_settings(owner: Owner) -> None:
    owner.append("@/settings.py", '\n    mine_field_of_settings: str = ""\n')


@edit
def example_of_a_setting(owner: Owner) -> None:
    owner.append(".env.example", "# MINE_FIELD_OF_SETTINGS= mine_example_of_a_setting\n")


@edit
def ignored_folder(owner: Owner) -> None:
    owner.append(".gitignore", "mine_ignored_folder/\n")


@edit
def secret(owner: Owner) -> None:
    owner.write(".env", "SECRET_KEY=mine_secret-0123456789-0123456789-0123456789\n")


@edit
def database_file(owner: Owner) -> None:
    owner.write("var/rows.txt", "mine_database_file\n")


# Features of their own


@edit
def feature(owner: Owner) -> None:
    owner.write(
        "@/features/weather/__init__.py",
        '''
        """Weather: mine_feature."""

        from ...core.features import Feature
        from .jobs import look_up
        from .routes import places

        feature = Feature(routers=(places,), jobs=(look_up,))
        ''',
    )


@edit
def model(owner: Owner) -> None:
    owner.write(
        "@/features/weather/models.py",
        '''
        """Places: mine_model."""

        from __future__ import annotations

        from sqlalchemy import String
        from sqlalchemy.orm import Mapped, mapped_column

        from ...core.database import Model, user_reference


        class Place(Model):
            """A place, and how it was there."""

            __tablename__ = "places"

            id: Mapped[int] = mapped_column(primary_key=True)
            owner_id: Mapped[int] = user_reference()
            name: Mapped[str] = mapped_column(String(200))
            sky: Mapped[str | None] = mapped_column(String(200))
        ''',
    )


@edit
def routes(owner: Owner) -> None:
    owner.write(
        "@/features/weather/routes.py",
        '''
        """Routes: mine_routes."""

        from __future__ import annotations

        from uuid import UUID

        from pydantic import BaseModel, ConfigDict

        from ...core.http import CurrentUser, Line, Router, Session
        from ...core.jobs import enqueue
        from .jobs import Where, look_up
        from .models import Place

        places = Router("/places", tags=["weather"])


        class NewPlace(BaseModel):
            """A place to look at."""

            model_config = ConfigDict(extra="forbid")

            name: Line


        class Accepted(BaseModel):
            """The job that looks."""

            place_id: int
            job_id: UUID


        @places.post("", status_code=202)
        async def add_place(body: NewPlace, session: Session, user: CurrentUser) -> Accepted:
            """Look at a place."""
            place = Place(owner_id=user.user_id, name=body.name)
            session.add(place)
            await session.flush()
            job = await enqueue(session, look_up, Where(place_id=place.id), owner_id=user.user_id)
            return Accepted(place_id=place.id, job_id=job.id)
        ''',
    )


@edit
def job(owner: Owner) -> None:
    owner.write(
        "@/features/weather/jobs.py",
        '''
        """Jobs: mine_job."""

        from __future__ import annotations

        import anyio
        from pydantic import BaseModel

        from ...core.http import Id
        from ...core.jobs import JobPayload, PermanentError, Run, job
        from .models import Place


        class Where(JobPayload):
            """Which place."""

            place_id: Id


        class Sky(BaseModel):
            """How it is there."""

            sky: str


        @job("weather.look_up", timeout=60)
        async def look_up(run: Run, payload: Where) -> Sky:
            """Look at the sky."""
            await anyio.lowlevel.checkpoint()
            place = await run.session.get(Place, payload.place_id)
            if place is None:
                raise PermanentError(f"place {payload.place_id} is gone")
            place.sky = "blue"
            return Sky(sky=place.sky)
        ''',
    )


@edit
def migration(owner: Owner) -> None:
    owner.write(
        "migrations/versions/0003_places.py",
        '''
        """Places: mine_migration."""

        from __future__ import annotations

        import sqlalchemy as sa
        from alembic import op

        revision: str = "0003"
        down_revision: str | None = "0002"
        branch_labels: str | None = None
        depends_on: str | None = None

        BIG_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


        def upgrade() -> None:
            """Apply."""
            op.create_table(
                "places",
                sa.Column("id", BIG_INTEGER, nullable=False),
                sa.Column("owner_id", BIG_INTEGER, nullable=False),
                sa.Column("name", sa.String(length=200), nullable=False),
                sa.Column("sky", sa.String(length=200), nullable=True),
                sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_places_owner_id_users", ondelete="CASCADE"),
                sa.PrimaryKeyConstraint("id", name="pk_places"),
            )
            op.create_index("ix_places_owner_id", "places", ["owner_id"])


        def downgrade() -> None:
            """Take back."""
            op.drop_table("places")
        ''',
    )


@edit
def tests_of_the_feature(owner: Owner) -> None:
    owner.write("tests/features/weather/__init__.py", "")
    owner.write(
        "tests/features/weather/rows.py",
        '''
        """What the tests of the whole API need to know: mine_tests_of_the_feature."""

        from ...api import Maker

        ROWS: dict[str, Maker] = {}
        BODIES = {"POST /places": {"name": "Oslo"}}
        ''',
    )
    owner.write(
        "tests/features/weather/test_weather.py",
        '''
        """Weather, from outside."""

        from ...support import RunningService


        def test_a_place_is_looked_at(service: RunningService) -> None:
            anna = service.person()
            accepted = anna.client.post("/places", json={"name": "Oslo"}).json()
            assert anna.wait_for_job(accepted["job_id"])["result"] == {"sky": "blue"}
        ''',
    )


@edit
def test_of_their_own(owner: Owner) -> None:
    owner.write("tests/test_mine.py", '"""mine_test_of_their_own."""\n\n\ndef test_mine() -> None:\n    assert True\n')


@edit
def command(owner: Owner) -> None:
    owner.append("@/cli.py", "\n# mine_command\n")


@edit
def application(owner: Owner) -> None:
    owner.replace("@/main.py", "\napp = ", "\n# mine_application\napp = ")


@edit
def example_that_is_edited(owner: Owner) -> None:
    owner.append("@/features/inbox/models.py", "\n\n# mine_example_that_is_edited\n")


@edit
def accounts(owner: Owner) -> None:
    owner.append("@/features/accounts/service.py", "\n\n# mine_accounts\n")


@edit
def seeded_migration(owner: Owner) -> None:
    owner.append("migrations/versions/0002_example.py", "\n# mine_seeded_migration\n")


@edit
def module_that_is_renamed(owner: Owner) -> None:
    owner.move("@/features/inbox/refining.py", "@/features/inbox/cutting.py")
    owner.append("@/features/inbox/cutting.py", "\n# mine_module_that_is_renamed\n")
    for name in ("@/features/inbox/jobs.py", "tests/features/inbox/test_inbox.py"):
        text = re.sub(r"\brefining import", "cutting import", owner.read(name))
        owner.path(name).write_text(text, encoding="utf-8")


@edit
def example_that_is_deleted(owner: Owner) -> None:
    owner.delete("@/features/exports")
    owner.delete("tests/features/exports")
    owner.write("docs/exports.md", "mine_example_that_is_deleted: nobody wanted it\n")


# What is the template's, edited against the advice


@edit
def core_at_its_end(owner: Owner) -> None:
    owner.append("@/core/logs.py", '\n\ndef mine_core_at_its_end() -> None:\n    """Ours."""\n')


@edit
def core_in_its_middle(owner: Owner) -> None:
    text = owner.read("@/core/http/_paging.py")
    found = re.search(r"\n\n\n(?=class |async def |def )", text)
    assert found
    owner.path("@/core/http/_paging.py").write_text(
        f"{text[: found.start()]}\n\n\n# mine_core_in_its_middle{text[found.start() + 2 :]}", encoding="utf-8"
    )


@edit
def core_in_other_formatting(owner: Owner) -> None:
    text = owner.read("@/core/identity.py").replace("\n    ", "\n  ")
    owner.path("@/core/identity.py").write_text(f"{text}\n# mine_core_in_other_formatting\n", encoding="utf-8")


@edit
def test_that_is_renamed(owner: Owner) -> None:
    owner.move("tests/test_logs.py", "tests/test_our_logs.py")
    owner.append("tests/test_our_logs.py", "\n\n# mine_test_that_is_renamed\n")


@edit
def environment_of_migrations(owner: Owner) -> None:
    owner.append("migrations/env.py", "\n# mine_environment_of_migrations\n")


@edit
def job_of_ci(owner: Owner) -> None:
    owner.append(
        ".github/workflows/ci.yml",
        "  mine_job_of_ci:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo deployed\n",
    )


@edit
def workflow(owner: Owner) -> None:
    owner.write(".github/workflows/deploy.yml", "# mine_workflow\nname: Deploy\non: workflow_dispatch\njobs: {}\n")


# The rest of a project


@edit
def readme(owner: Owner) -> None:
    owner.write("README.md", "# Ours\n\nmine_readme\n")


@edit
def service_of_compose(owner: Owner) -> None:
    service = "  mine_service_of_compose:\n    image: smtp:1.0\n"
    if owner.path("compose.yaml").exists():
        owner.append("compose.yaml", service)
    else:
        owner.write("compose.override.yaml", f"services:\n{service}")


@edit
def image_of_their_own(owner: Owner) -> None:
    owner.write("deploy/mine/Dockerfile", "# mine_image_of_their_own\nFROM scratch\n")


@edit
def runbook(owner: Owner) -> None:
    owner.write("docs/runbook.md", "mine_runbook\n")


@edit
def script(owner: Owner) -> None:
    owner.write("scripts/seed.py", '"""mine_script."""\n\nprint("seeded")\n')


# What older releases do not have


@edit_since("v0.2.0")
def compose_below(owner: Owner) -> None:
    owner.below_the_fence("compose.yaml", "  mine_compose_below:\n    image: smtp:1.0\n    restart: unless-stopped")


@edit_since("v0.2.0")
def queue(owner: Owner) -> None:
    owner.replace("@/features/weather/__init__.py", "jobs=(look_up,)", 'jobs=(look_up,), queues=("mine_queue",)')
    owner.replace("@/features/weather/jobs.py", "timeout=60", 'timeout=60, queue="mine_queue"')


@edit_since("v0.2.0")
def acceptance(owner: Owner) -> None:
    owner.replace(
        "pyproject.toml",
        'measured on 2026-11-20"\n',
        """measured on 2026-11-20"
[[tool.hardening.accepted]]
code = "IM004"
where = "scripts"
reason = "mine_acceptance: run by hand alone"
""",
    )


@edit_since("v0.3.0")
def public_route(owner: Owner) -> None:
    # Before 0.4 there was no place for it but the template's half; the preset's list stands in the tool.
    if (listed := '"POST /sessions"]') in owner.read("pyproject.toml"):
        owner.replace("pyproject.toml", listed, '"POST /sessions", "GET /mine_public_route"]')
    else:
        owner.below_the_fence("pyproject.toml", 'public-routes = ["GET /mine_public_route"]', nth=2)
    owner.write(
        "@/features/skies/__init__.py",
        '''
        """The sky over the office, for everybody."""

        from ...core.features import Feature
        from ...core.http import Router

        skies = Router("/mine_public_route", tags=["weather"], public=True)


        @skies.get("")
        async def sky() -> str:
            """How it is."""
            return "blue"


        feature = Feature(routers=(skies,))
        ''',
    )


def live_in(folder: Path, *versions: str) -> set[str]:
    """Do all of it that these releases are the first to have, a commit for each; the marks."""
    owner = Owner(folder)
    done = {mark for mark in EDITS if SINCE[mark] in versions}
    for mark, function in EDITS.items():
        if mark in done:
            function(owner)
            commit(folder, mark)
    return done


def marks(folder: Path, wanted: set[str]) -> set[str]:
    """The marks that stand somewhere in the folder, git's own apart, what it ignores included."""
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file() and ".git" not in path.relative_to(folder).parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            found |= {mark for mark in wanted if mark in text}
    return found


def settle(folder: Path, conflicts: list[str]) -> None:
    """Settle conflicts as a patient owner would: the template's Python, both halves of everything else."""
    for name in conflicts:
        path = folder / name
        if not path.exists():
            git(folder, "rm", "--quiet", "--cached", name)
        elif name.endswith(".py"):
            stages = {line.split()[2] for line in git(folder, "ls-files", "--unmerged", "--", name).splitlines()}
            git(folder, "checkout", "--theirs" if "3" in stages else "--ours", "--", name)
        else:
            text = re.sub(r"^(<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|).*\n", "", path.read_text(), flags=re.MULTILINE)
            path.write_text(text)
    git(folder, "add", "--all")
