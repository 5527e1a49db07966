"""Small projects that are made to be judged."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from service.checks import Finding, Report, run  # noqa: E402

APPLICATION = """
[tool.hardening]
package = "shop"
application = "shop.main:app"
"""
DATABASE = f"""{APPLICATION}
metadata = "shop.models:Model.metadata"
authentication-tables = ["logins"]
users-table = "users"
"""
BASE = """
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, MetaData, String, Table, UniqueConstraint
from sqlalchemy import func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

class Model(DeclarativeBase):
    pass

class User(Model):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)

class Login(Model):
    __tablename__ = "logins"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
"""
MAIN = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/alive")
def alive() -> str:
    return "yes"
"""


def migration(revision: str, parent: object = None, more: str = "") -> str:
    return f"revision = {revision!r}\ndown_revision = {parent!r}\n{more}\n"


class Project:
    """A folder with a package `shop`; `files` are added to it, or taken away where they are None."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write({"pyproject.toml": APPLICATION, "src/shop/__init__.py": "", "src/shop/main.py": MAIN})

    def write(self, files: Mapping[str, str | bytes | None]) -> Project:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(textwrap.dedent(content), encoding="utf-8")
        return self

    def models(self, more: str) -> Project:
        """A project with tables, and a migration."""
        return self.write(
            {
                "pyproject.toml": DATABASE,
                "src/shop/models.py": BASE + textwrap.dedent(more),
                "src/shop/main.py": MAIN + "\nfrom . import models\n",
                "migrations/versions/0001.py": migration("0001"),
            }
        )

    def run(self, *select: str) -> Report:
        forget()
        return run(self.root, select=select)

    def findings(self, *select: str) -> list[Finding]:
        """The findings of a run that could look at everything, and to which each code that is selected applies."""
        report = self.run(*select)
        assert not report.could_not_look
        assert not [each for each in report.not_applicable if each.code in select]
        return list(report.findings)

    def line(self, name: str, text: str, nth: int = 0) -> int:
        """The number of the line of a file in which this text is."""
        lines = (self.root / name).read_text(encoding="utf-8").splitlines()
        return [number for number, line in enumerate(lines, 1) if text in line][nth]


def forget() -> None:
    """Let the next project have the package's name."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]
