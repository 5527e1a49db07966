"""Rendering of a template's version, reduced to what an update may touch in one service."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from copier import Settings, run_copy

from .errors import LifecycleError
from .git import Repository
from .service import ANSWERS, Service
from .template import Template

Answers = dict[str, Any]
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Removed:
    """The paths that were taken out of two renderings."""

    seeded: list[str]
    """The owner's paths that the new version renders otherwise than the old one."""
    ignored: list[str]


def render(template: Template, version: str, answers: Mapping[str, Any], folder: Path) -> Answers:
    """Render a version into a folder; return its answers, defaults included.

    Raises:
        LifecycleError: Copier refuses the template or the answers.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_copy(
                str(template.folder),
                folder,
                data=dict(answers),
                vcs_ref=version,
                settings=Settings(),
                answers_file=ANSWERS,
                defaults=True,
                overwrite=True,
                quiet=True,
            )
    except Exception as error:  # noqa: BLE001 - Copier's own errors have no common class
        raise LifecycleError(
            f"{version} of the template cannot be rendered with the answers here: {_one_line(error)}"
        ) from None
    file = folder / ANSWERS
    text = file.read_text(encoding="utf-8")
    address = yaml.safe_dump({"_src_path": template.address}, width=10_000, allow_unicode=True)
    file.write_text(re.sub(r"^_src_path: .*\n", lambda _: address, text, flags=re.MULTILINE), encoding="utf-8")
    rendered: Answers = yaml.safe_load(text)
    return {key: value for key, value in rendered.items() if not key.startswith("_")}


def remove_unreachable(service: Service, owned: Sequence[str], before: Path, after: Path, scratch: Path) -> Removed:
    """Delete the owner's paths, the ignored ones and those that were not adopted from both renderings.

    Why: git takes a file that it ignores for expendable, and `.env` was overwritten.
    """
    adopted = service.adopted_patterns
    empty = scratch / "empty.git"
    Repository(scratch).run("init", "--quiet", "--bare", str(empty))
    seeds: list[dict[str, bytes]] = []
    ignored: set[str] = set()
    for folder in (before / service.prefix, after / service.prefix):
        git = Repository(folder, GIT_DIR=str(empty), GIT_WORK_TREE=str(folder))
        seeded = _matching(git, owned, scratch)
        removed = set(seeded)
        if adopted is not None:
            taken = {*_matching(git, adopted, scratch), ANSWERS}
            removed |= set(git.names("ls-files", "--others", "-z")) - taken
            seeded = [name for name in seeded if name in taken]
        seeds.append({name: (folder / name).read_bytes() for name in seeded})
        for name in removed:
            (folder / name).unlink()
        rest = rendered_files(folder)
        hidden = service.git.names("check-ignore", "--stdin", "-z", stdin=rest, statuses=(0, 1))
        for name in hidden:
            (folder / name).unlink()
        ignored.update(hidden)
    old, new = seeds
    return Removed(sorted(name for name in new if old.get(name) != new[name]), sorted(ignored))


def take_over_line_endings(service: Service, *folders: Path) -> None:
    """Give both renderings Windows' line endings where the service's file has them.

    Why: otherwise each line of the file differs from the template's, and all of it is one conflict.
    """
    listed = service.git.names("ls-files", "--eol", "-z", "--", ".")
    windows = {name for each in listed for state, _, name in [each.partition("\t")] if state.startswith("i/crlf")}
    for folder in folders:
        for name in windows:
            path = folder / service.prefix / name
            if path.is_file():
                path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def rendered_files(folder: Path) -> list[str]:
    """List the files below a folder by their relative paths."""
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _matching(git: Repository, patterns: Sequence[str], scratch: Path) -> list[str]:
    """List the files that match patterns of .gitignore's syntax."""
    file = scratch / "patterns"
    file.write_text("".join(f"{each}\n" for each in patterns), encoding="utf-8")
    return git.names("ls-files", "--others", "--ignored", f"--exclude-from={file}", "-z")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 1]}…"
