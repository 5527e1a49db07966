"""A fleet of generated services of every release, with different answers and edits, and some broken: time by size.

python benchmarks/fleet.py [--sizes 10,25,50,100] [--guards none|own|shared] [--since v0.2.0]

With `own`, each service's guards run in an environment that is made for it; with `shared`, all in one. uv has to be there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from updating import ENVIRONMENT, IDENTITY, NOW, git, make, releases, tagged

ANSWERS = ".copier-answers.yml"


def main() -> int:
    """Make the services once, update copies of the first so many, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", default="10,25,50,100")
    parser.add_argument("--guards", choices=["none", "own", "shared"], default="none")
    parser.add_argument("--since", default="v0.1.0", help="the oldest release to make services of")
    given = parser.parse_args()
    sizes = sorted(map(int, given.sizes.split(",")))
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        names = _services(folder, sizes[-1], given.since)
        options = {"none": ["--no-check"], "own": []}.get(given.guards) or _shared(folder, given.guards)
        print(f"| services | seconds | seconds each | processor seconds each | outcome |\n|{'---|' * 5}")
        for size in sizes:
            copies = folder / f"fleet-{size}"
            copies.mkdir()
            for each in names[:size]:
                shutil.copytree(folder / "services" / each, copies / each, symlinks=True)
            print(_row(size, [*options, *(str(copies / each) for each in names[:size])]), flush=True)
            shutil.rmtree(copies)
    return 0


def _shared(folder: Path, guards: str) -> list[str]:
    """The option for one environment with what a new service needs, which is made here; none for other ways."""
    if guards != "shared":
        return []
    made = folder / "new"
    make(folder / "template", made, NOW)
    command = ["uv", "sync", "--quiet", "--no-install-project", "--no-default-groups", "--group=dev"]
    own = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder / "environment")}
    own.pop("VIRTUAL_ENV", None)
    subprocess.run([*command, f"--python={sys.executable}"], cwd=made, env=own, check=True)
    return [f"--python={folder / 'environment' / 'bin' / 'python'}"]


def _row(size: int, folders: list[str]) -> str:
    command = [sys.executable, "-m", "hardened", "fleet", "--format=json", *folders]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command, env={**os.environ, **IDENTITY, **ENVIRONMENT}, stdout=subprocess.PIPE, text=True, check=False
    )
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = json.loads(done.stdout)
    states = Counter(each["state"] for each in rows)
    asked = [each["check"] for each in rows if each["check"]["before"] is not None]
    states["asked before"] = len(asked)
    states["asked after"] = sum(each["after"] is not None for each in asked)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"| {size} | {took:.1f} | {took / size:.2f} | {used / size:.2f} | {told} |"


def _services(folder: Path, count: int, since: str) -> list[str]:
    """Services of all kinds, so mixed that each beginning of the list has some of each."""
    template = tagged(folder / "template")
    kinds: list[Path] = []
    versions = [version for version, _ in releases()]
    for version in versions[versions.index(since) :]:
        for number, answers in enumerate(
            ({}, {"example": False}, {"service_name": "Night Orders", "description": "Orders."})
        ):
            kinds.append(folder / "kinds" / f"{version}-{number}")
            make(template, kinds[-1], version, **answers)
    names = []
    for number in range(count):
        name = f"service-{number:03}"
        made = folder / "services" / name
        shutil.copytree(kinds[number % len(kinds)], made, symlinks=True)
        _edit(made, number)
        names.append(name)
    return names


def _edit(service: Path, number: int) -> None:
    """What its owner did: a feature of their own, and an edit of one of six kinds."""
    (package,) = (path.parent for path in service.glob("src/*/core"))
    own = package / "features" / f"own_{number}"
    own.mkdir()
    (own / "__init__.py").write_text("from ...core.features import Feature\n\nfeature = Feature()\n", encoding="utf-8")
    match number % 10:
        case 1:
            _append(package / "core" / "logs.py", "\n\n# Ours.\n")
        case 2:
            _append(service / "ruff.toml", "\n# Ours.\n")
        case 3:
            (service / "tests" / "test_logs.py").rename(service / "tests" / "test_our_logs.py")
        case 4:
            (package / "core" / "settings.py").unlink()
        case 5:
            (service / "noxfile.py").write_text("# Ours.\n", encoding="utf-8")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "ours")
    match number % 25:
        case 21:
            _append(service / "noxfile.py", "# Not committed.\n")
        case 22:
            shutil.rmtree(service / ".git")
        case 23:
            (service / ANSWERS).write_text("_commit: [", encoding="utf-8")
            git(service, "commit", "--quiet", "--all", "--message", "broken")
        case 24:
            text = (service / ANSWERS).read_text(encoding="utf-8")
            (service / ANSWERS).write_text(text.replace("_commit: v0", "_commit: v77"), encoding="utf-8")
            git(service, "commit", "--quiet", "--all", "--message", "broken")


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
