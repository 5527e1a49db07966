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


def look(folder: Path, source: str, package: str) -> dict[str, str]:
    """What the guards are to look at, as far as source tells: keys of [tool.hardening]."""
    told = {"package": package, "source": source}
    bases: list[tuple[str, str]] = []
    for name, tree in modules(folder / source / package, folder / source):
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
    return told


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _assigned(node: ast.stmt) -> tuple[ast.expr | None, str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    return (node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None), name


def add_tables(project: Path, told: dict[str, str], patterns: Sequence[str], piece: str) -> list[str]:
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
    patterns = [each.replace("<package>", package) for each in PIECES[piece]]
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
        made.render(version, answers, scratch / "rendered")
        chosen = [path for pattern in patterns for path in _matching(scratch / "rendered", pattern)]
        added, kept = [], []
        for path in [scratch / "rendered" / ANSWERS, *chosen]:
            inside = path.relative_to(scratch / "rendered").as_posix()
            # A flat layout keeps its own: git follows the checks that were moved.
            target = folder / (inside if source == "src" else inside.removeprefix("src/"))
            if target.exists():
                kept.append(target.relative_to(folder).as_posix())
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            added.append(target.relative_to(folder).as_posix())
    tables = add_tables(folder / "pyproject.toml", told, patterns, piece)
    service.git.run("add", "--force", "--", *added, "pyproject.toml")
    lines += [f"{version} of the template, piece {piece}: {len(added)} files added"]
    lines += [f"yours, and left alone: {each}" for each in kept if each != ANSWERS]
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
