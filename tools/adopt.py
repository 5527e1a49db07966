"""Brings a service that was not made here under the template, piece by piece, without changing a line of it.

Files that are there stay as they are; what is new is added and staged, so that `git reset --merge` takes it back. Each
run takes one piece more, the checks first; `nox -s update` keeps what was taken current. Exit status: 0 done, 1 refused.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = ".copier-answers.yml"
PIECES = {
    "checks": ("/src/<package>/checks/**", "/tools/**"),
    "tools": ("/bootstrap.py", "/noxfile.py", "/ruff.toml", "/.pre-commit-config.yaml", "/.github/workflows/**"),
    "core": ("/src/<package>/core/**", "/migrations/env.py", "/migrations/script.py.mako"),
    "tests": ("/tests/*.py",),
    "deploy": ("/Dockerfile", "/.dockerignore", "/compose.yaml", "/deploy/**"),
}
"""What a piece brings, in the order in which they are best taken."""
PASSED_OVER = {"tests", "docs", "examples", "migrations", "alembic", "node_modules", "build", "dist", "checks"}
BASES = {"DeclarativeBase", "SQLModel"}
ENGINES = {"create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config"}
SHAPE = ("core", "features", "main.py", "settings.py")
"""What the template's tests are about."""
TABLES = ("mypy", "deptry", "importlinter")
"""What the sessions of nox read in pyproject.toml, besides ruff's."""
Told = dict[str, str | list[str]]


def load_update() -> ModuleType:
    """The service's own update, which has all that it takes to read a template."""
    spec = importlib.util.spec_from_file_location("update", ROOT / "template" / "tools" / "update.py")
    if spec is None or spec.loader is None:
        raise ImportError("the template has no tools/update.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["update"] = module
    spec.loader.exec_module(module)
    return module


update = load_update()


def modules(folder: Path, source: Path) -> Iterator[tuple[str, ast.Module]]:
    """The modules below a package's folder that compile, by their dotted names."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        if PASSED_OVER & set(parts):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), tree


def find_package(folder: Path, wanted: str | None) -> tuple[str, str]:
    """The folder of the source and the name of the package in it."""
    found = []
    for source in ("src", "."):
        for init in sorted((folder / source).glob("*/__init__.py")):
            if init.parent.name not in PASSED_OVER and wanted in (None, init.parent.name):
                found.append((source, init.parent.name))
        if found:
            break
    if len(found) != 1:
        names = ", ".join(name for _, name in found) or "none"
        raise update.Refused(f"the package could not be told: found {names}; name it with --package")
    return found[0]


def look(folder: Path, source: str, package: str) -> Told:
    """What the guards are to look at, as far as source tells: keys of [tool.hardening]."""
    told: Told = {"package": package, "source": source}
    bases: list[tuple[str, str]] = []
    engines: list[str] = []
    for name, tree in modules(folder / source / package, folder / source):
        if any(isinstance(node, ast.Call) and _last(node.func) in ENGINES for node in ast.walk(tree)):
            engines.append(name)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and BASES & {_last(base) for base in node.bases}:
                bases.append((name, node.name))
            value, target = _assigned(node)
            if isinstance(value, ast.Call) and target:
                made = _last(value.func)
                if made == "FastAPI" or made in ("create_app", "create_server_app", "get_app", "get_application"):
                    told.setdefault("application", f"{name}:{target}")
                if made == "Celery":
                    told.setdefault("celery", f"{name}:{target}")
    if bases:
        told["metadata"] = f"{bases[0][0]}:{bases[0][1]}.metadata"
    for versions in sorted(folder.rglob("versions")):
        if (versions.parent / "env.py").is_file() and not {".venv", ".nox"} & set(versions.parts):
            told["migrations"] = versions.relative_to(folder).as_posix()
            break
    if len(engines) == 1:
        # Of several, somebody has to say which may.
        told["engines"] = engines
    return told


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _assigned(node: ast.stmt) -> tuple[ast.expr | None, str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    return (node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None), name


def left_out(folder: Path, piece: str, told: Told) -> dict[str, str]:
    """The patterns of a piece that would change what the service does already, and why."""
    project = _project(folder)
    left = {}
    if piece == "tools" and "ruff" in project.get("tool", {}):
        left["/ruff.toml"] = "with it, [tool.ruff] in your pyproject.toml would count no more"
    if piece == "core" and (own := told.get("migrations", "migrations/versions")) != "migrations/versions":
        why = f"your migrations are in {own}"
        left.update({pattern: why for pattern in PIECES["core"] if pattern.startswith("/migrations/")})
    return left


def refuse(folder: Path, piece: str, inside: Path, taken: Sequence[str]) -> None:
    """Refuse a piece that could not be what it is in a new service."""
    pattern = f"/src/{inside.name}/{piece}/**"
    if piece in ("checks", "core") and (inside / piece).exists() and pattern not in taken:
        where = (inside / piece).relative_to(folder).as_posix()
        raise update.Refused(f"{where} is yours, and two packages in one folder are none: rename it first")
    if piece == "tests":
        missing = [name for name in SHAPE if not (inside / name).exists()]
        if missing:
            raise update.Refused(
                f"the template's tests are about the template's shape, and {inside.name} has no {', '.join(missing)}: "
                "take --piece core, and the rest from a new service (docs/features.md), first"
            )
        if (folder / "tests" / "conftest.py").exists() and "/tests/*.py" not in taken:
            raise update.Refused(
                "tests/conftest.py is yours, and theirs is another: move your tests into a folder first"
            )


def still_needed(folder: Path, piece: str, rendered: Path) -> list[str]:
    """What a piece needs that the service does not say that it has; lines for people."""
    own, new = _project(folder), _project(rendered)
    project = own.get("project", {})
    declared = {_name(each): each for each in [*project.get("dependencies", ()), *_grouped(own)]}
    lines = []
    wanted, option = {
        "core": (new.get("project", {}).get("dependencies", []), ""),
        "tools": (new.get("dependency-groups", {}).get("dev", []), " --group dev"),
    }.get(piece, ([], ""))
    if missing := [each for each in wanted if _name(each) not in declared]:
        lines.append(f"needs: uv add{option} {' '.join(map(json.dumps, missing))}")
    lines += [
        f"declared otherwise than in a new service: {declared[_name(each)]}; there: {each}"
        for each in wanted
        if _name(each) in declared and declared[_name(each)] != each
    ]
    if piece == "tools":
        tables = [
            f"[tool.{each}]" for each in TABLES if each not in own.get("tool", {}) and each in new.get("tool", {})
        ]
        lines += [f"needs, from a new service's pyproject.toml: {', '.join(tables)}"] if tables else []
    if piece == "core":
        # The guards know the core by what is said of it there.
        said = new.get("tool", {}).get("hardening", {})
        lines += [
            f"needs, in [tool.hardening]: {key} = {json.dumps(value)}"
            for key, value in said.items()
            if ".core." in str(value) and key != "metadata" and own["tool"]["hardening"].get(key) != value
        ]
    if piece == "deploy":
        scripts = new.get("project", {}).get("scripts", {})
        lines += [
            f"needs: a script {each} in [project.scripts], with the commands serve, worker and migrate"
            for each in scripts
            if each not in project.get("scripts", {})
        ]
    if (python := project.get("requires-python")) and _allows_older(str(python)):
        lines.append(f"needs: requires-python >=3.11; yours is {python}")
    return lines


def _allows_older(python: str) -> bool:
    """Whether a Python before 3.11 will do; what cannot be read is for its owner to look at too."""
    try:
        allowed = SpecifierSet(python)
    except InvalidSpecifier:
        return True
    return any(allowed.contains(f"3.{minor}.{patch}") for minor in range(7, 11) for patch in (0, 99))


def _project(folder: Path) -> dict[str, Any]:
    path = folder / "pyproject.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _grouped(project: dict[str, Any]) -> Iterator[str]:
    groups = project.get("dependency-groups", {})
    extras = project.get("project", {}).get("optional-dependencies", {})
    for each in [*groups.values(), *extras.values()]:
        yield from (line for line in each if isinstance(line, str))


def _name(requirement: str) -> str:
    return canonicalize_name(re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0])


def add_tables(project: Path, told: Told, patterns: Sequence[str], piece: str) -> list[str]:
    """Add what is missing to the end of pyproject.toml; its own lines stay. What was added, for people."""
    text = project.read_text(encoding="utf-8") if project.is_file() else ""
    tool = tomllib.loads(text).get("tool", {})
    added = []
    more = "" if not text or text.endswith("\n") else "\n"
    if "hardening" not in tool:
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())
        more += f"\n# What the guards look at.\n[tool.hardening]\n{lines}"
        added.append("[tool.hardening]")
    if "template" not in tool:
        more += f"\n# What is taken from the template; an update brings nothing else.\n[tool.template]\ntake = {_list(patterns)}\n"
        added.append("[tool.template]")
    else:
        known = tool["template"].get("take", [])
        both = list(dict.fromkeys([*known, *patterns]))
        # One line, as it was written here.
        text, count = re.subn(r"^take = \[.*\]$", lambda _: f"take = {_list(both)}", text, flags=re.MULTILINE)
        if count != 1:
            raise update.Refused(
                f"`take` in [tool.template] is not in one line: add {_list(patterns)} to it for {piece}"
            )
        added.append("take")
    project.write_text(text + more, encoding="utf-8")
    return added


def _list(names: Sequence[str]) -> str:
    return json.dumps(list(names))


def adopt(folder: Path, piece: str, wanted: str | None, template: str) -> list[str]:
    """Take one piece; lines that say what was done."""
    service = update.Service(folder)
    service.ready()
    folder = service.folder
    source, package = find_package(folder, wanted)
    told = look(folder, source, package)
    refuse(folder, piece, folder / source / package, service.takes)
    left = left_out(folder, piece, told)
    patterns = [each.replace("<package>", package) for each in PIECES[piece] if each not in left]
    lines = [f"package {package} in {source}/"]
    with tempfile.TemporaryDirectory(prefix="adopt-") as name:
        scratch = Path(name).resolve()
        made = update.Template(template, scratch / "template", template)
        version = made.newest()
        answers: dict[str, object] = {"service_name": _title(package), "package": package, "example": False}
        if (folder / ANSWERS).is_file():
            recorded = service.answers()
            version = made.known(str(recorded["_commit"]), f"which {ANSWERS} names")
            answers = {key: value for key, value in recorded.items() if not key.startswith("_")}
        elif piece != "checks":
            raise update.Refused("begin with --piece checks: it writes down what the service is made from")
        if update.ADOPTED in made.git.ask("show", f"{version}:copier.yml"):
            answers[update.ADOPTED] = True
        made.render(version, answers, scratch / "rendered")
        chosen = {path: pattern for pattern in patterns for path in _matching(scratch / "rendered", pattern)}
        added, kept = [], []
        for path in [scratch / "rendered" / ANSWERS, *chosen]:
            inside = path.relative_to(scratch / "rendered").as_posix()
            # A flat layout keeps its own: git follows the checks that were moved.
            target = folder / (inside if source == "src" else inside.removeprefix("src/"))
            if target.exists():
                kept.append(target.relative_to(folder).as_posix())
                if path in chosen and chosen[path] not in service.takes:
                    # Never merged into, unless its owner takes this away.
                    patterns.append(f"!/{inside}")
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            added.append(target.relative_to(folder).as_posix())
        needed = still_needed(folder, piece, scratch / "rendered")
    tables = add_tables(folder / "pyproject.toml", told, patterns, piece)
    service.git.run("add", "--force", "--", *added, "pyproject.toml")
    lines += [f"{version} of the template, piece {piece}: {len(added)} files added"]
    lines += [f"yours, and left alone: {each}" for each in kept if each != ANSWERS]
    lines += [f"left out: {each.lstrip('/')}: {why}" for each, why in left.items()]
    lines += needed
    lines += [f"pyproject.toml: added {', '.join(tables)}"]
    missing = [key for key in ("application", "metadata", "migrations") if key not in told]
    lines += [f"not found, so not in [tool.hardening]: {', '.join(missing)}"] if missing and piece == "checks" else []
    lines += [f"{key} = {value}" for key, value in told.items()] if piece == "checks" else []
    lines.append(
        f"Next: python -m {package}.checks (in the service's environment); git commit. Undo: git reset --merge"
    )
    return lines


def _matching(rendered: Path, pattern: str) -> list[Path]:
    glob = pattern.lstrip("/")
    glob = f"{glob}/*" if glob.endswith("**") else glob
    return sorted(path for path in rendered.glob(glob) if path.is_file())


def _title(package: str) -> str:
    words = [word for word in package.split("_") if word]
    return " ".join(word.title() for word in words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Adopt; give the exit status."""
    parser = argparse.ArgumentParser(prog="adopt", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("service", type=Path, help="the folder of a service that was not made here")
    parser.add_argument("--piece", choices=list(PIECES), default="checks", help="what to take; the checks come first")
    parser.add_argument("--package", help="the name of its package, where there are several")
    parser.add_argument("--template", default=str(ROOT), help="the template's address; it is written down")
    options = parser.parse_args(arguments)
    try:
        lines = adopt(options.service, options.piece, options.package, options.template)
    except (update.Refused, update.GitError, tomllib.TOMLDecodeError) as error:
        sys.stderr.write(f"{options.service.name}: {error}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
