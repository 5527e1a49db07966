"""What rendering costs against Copier's own time for as many plain files of the same sizes."""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from pathlib import Path

from copier import run_copy
from results import Comparison, Goal

GOAL = Goal(most=1.5)
ROOT = Path(__file__).resolve().parent.parent


def measure(rounds: int) -> list[Comparison]:
    """Both outside of any repository, so that git's time is in neither."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        ours, plain, made = folder / "ours", folder / "plain", folder / "made"
        ours.mkdir()
        shutil.copy(ROOT / "copier.yml", ours)
        for part in ("includes", "template"):
            shutil.copytree(ROOT / part, ours / part, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        _render(ours, made)
        count = _plain_template(made, plain)
        rendered, copied = [], []
        for each in range(rounds):
            print(f"  round {each + 1} of {rounds}, {count} files", flush=True)
            rendered.append(_render(ours, made))
            copied.append(_render(plain, made))
    name = f"the service, {count} files"
    return [Comparison(name, " s", rendered, f"{count} plain files", copied, GOAL)]


def _render(template: Path, folder: Path) -> float:
    """The processor time of one rendering into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    before = _used()
    run_copy(str(template), folder, data={"service_name": "Inbox Demo"}, defaults=True, quiet=True)
    return _used() - before


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _plain_template(rendered: Path, plain: Path) -> int:
    """A template of as many files of the same sizes in the same folders, without a question; how many."""
    files = [path for path in rendered.rglob("*") if path.is_file()]
    for path in files:
        twin = plain / "template" / path.relative_to(rendered)
        twin.parent.mkdir(parents=True, exist_ok=True)
        twin.write_bytes(b"x" * path.stat().st_size)
    (plain / "copier.yml").write_text("_subdirectory: template\n", encoding="utf-8")
    return len(files)
