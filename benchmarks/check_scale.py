"""Processor time and memory of `check` over trees of 10,000, 100,000 and 500,000 lines, source alone.

    python benchmarks/check_scale.py [lines ...]

Each size runs in a process of its own. Linear is a cost for each line that stays the same; what the linters of their own
processes take is told apart.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = (10_000, 100_000, 500_000)
LIMITS = {100_000: (15.0, 600)}  # seconds of processor time, MiB

FEATURE = '''"""Orders of kind {n}."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from ..core import Model, clients, get_session
from ..f{previous} import service as before

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/orders-{n}")
Session = Annotated[AsyncSession, Depends(get_session)]
LIMITS = {{"page": 100, "name": 50}}


class Order{n}(Model):
    __tablename__ = "orders_{n}"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(50))


class OrderIn{n}(BaseModel):
    name: str = Field(max_length=50)
    amount: int = 1


class Client{n}:
    def __init__(self, base: str, timeout: float = 5) -> None:
        self._timeout = timeout
        self._http = httpx.AsyncClient(base_url=base, timeout=timeout)

    async def fetch(self, order: Order{n}) -> dict[str, str]:
        response = await self._http.get(f"/orders/{{order.id}}", timeout=self._timeout)
        response.raise_for_status()
        return {{"name": response.json()["name"], "at": datetime.now(UTC).isoformat()}}


def name_of(order: Order{n}, *, long: bool = False) -> str:
    if long:
        return f"{{order.name}} of {{order.customer_id}}"
    return order.name.strip().lower().replace(" ", "-")


async def find(session: AsyncSession, order_id: int) -> Order{n}:
    found = await session.scalar(select(Order{n}).where(Order{n}.id == order_id))
    if found is None:
        raise HTTPException(404)
    return found


async def store(session: AsyncSession, given: OrderIn{n}) -> Order{n}:
    made = Order{n}(name=given.name[: LIMITS["name"]], customer_id=given.amount)
    session.add(made)
    await session.flush()
    return made


@router.get("/{{order_id}}")
async def one(order_id: int, session: Session) -> dict[str, str]:
    order = await find(session, order_id)
    logger.info("order %s", name_of(order))
    return {{"name": name_of(order, long=True)}}


@router.post("/")
async def create(given: OrderIn{n}, session: Session) -> dict[str, int]:
    made = await store(session, given)
    try:
        await before.find(session, made.id)
    except HTTPException:
        logger.warning("none before %s", made.id)
    return {{"id": made.id}}


@router.get("/")
async def several(session: Session, limit: int = 10) -> list[dict[str, str]]:
    rows = (await session.scalars(select(Order{n}).order_by(Order{n}.id).limit(limit))).all()
    names = [name_of(each) for each in rows]
    await asyncio.sleep(0)
    return [{{"name": each}} for each in names if each]
'''
CORE = '''"""Parts that features share."""

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

engine = create_async_engine("sqlite+aiosqlite://")
sessions = async_sessionmaker(engine)
clients: dict[str, object] = {}


class Model(DeclarativeBase):
    pass


async def get_session():
    async with sessions() as session:
        yield session
        await session.commit()
'''
TEST = '''"""Tests of orders of kind {n}."""

from unittest.mock import create_autospec

from shop.f{n}.service import Client{n}, name_of


def test_name_of() -> None:
    client = create_autospec(Client{n})
    assert client.fetch is not None
    assert name_of
'''


def make(root: Path, lines: int) -> int:
    """Write a project of at least so many lines, and return how many there are."""
    package = root / "src" / "shop"
    package.mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "pyproject.toml").write_text(
        '[project]\nname = "shop"\ndependencies = ["fastapi<1", "sqlalchemy<3", "httpx<1", "starlette<2"]\n'
        '[tool.hardening]\npackage = "shop"\n'
    )
    (package / "__init__.py").touch()
    (package / "core.py").write_text(CORE)
    written = number = 0
    while written < lines:
        folder = package / f"f{number}"
        folder.mkdir()
        (folder / "__init__.py").touch()
        text = FEATURE.format(n=number, previous=max(0, number - 1))
        test = TEST.format(n=number)
        (folder / "service.py").write_text(text)
        (root / "tests" / f"test_f{number}.py").write_text(test)
        written += text.count("\n") + test.count("\n")
        number += 1
    return written


def measure(root: Path) -> dict[str, float]:
    """Check a project in this process, and return the seconds and MiB."""
    from hardened.run import check  # noqa: PLC0415 - the import counts, as in a run

    report = check(root, python=sys.executable, imports=False)
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    failed = [each for each in report.could_not_look if "the rule failed" in each.reason or "Error" in each.reason]
    return {
        "own": own.ru_utime + own.ru_stime,
        "linters": others.ru_utime + others.ru_stime,
        "mib": own.ru_maxrss / 1024,
        "findings": len(report.findings),
        "failed": len(failed),
    }


def main(sizes: list[int]) -> int:
    status = 0
    print(f"{'lines':>9} {'own s':>8} {'linters s':>10} {'MiB':>6} {'ms/1000 lines':>14}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            lines = make(Path(folder), size)
            done = subprocess.run(
                [sys.executable, __file__, "--measure", folder], capture_output=True, text=True, check=True
            )
        told = json.loads(done.stdout)
        print(
            f"{lines:>9} {told['own']:>8.1f} {told['linters']:>10.1f} {told['mib']:>6.0f} {told['own'] / lines * 1e6:>14.0f}"
        )
        seconds, mib = LIMITS.get(size, (float("inf"), float("inf")))
        if told["own"] > seconds or told["mib"] > mib or told["failed"]:
            print(f"over the limit of {seconds} s and {mib} MiB, or {told['failed']} rules failed", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        sys.exit(main([int(each) for each in sys.argv[1:]] or list(SIZES)))
