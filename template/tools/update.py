# Owned by the template.
# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.19.1,<10", "jinja2>=3.1.6,<4", "pyyaml>=6.0.3,<7"]
# ///
"""Brings what the template has learned since: its own difference between two versions, merged by git; `nox -s update`.

Failure: `copier update` ends with 0 over conflicts, deletes what the template deleted even where the owner had worked
in it, loses what the owner had written into a file that the template renames, and writes over files that git ignores.
Here the old and the new rendering become two commits beside the work tree, and git merges the step between them.
Price: a path that you deleted and the template goes on changing is a conflict at each change.

Nothing of the service is imported, and before git has merged nothing is written. Exit status: 0 done or nothing to do,
1 conflicts or refused, 2 behind (`--check` alone).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import yaml
from copier import Settings, run_copy
from jinja2 import StrictUndefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment

ANSWERS = ".copier-answers.yml"
ADOPTED = "adopted"
"""An answer to no question, of services that took pieces: for it `copier update` refuses, which knows of no pieces."""
RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
CODE = re.compile(r"[A-Z]{2}\d{3}")
TOMBSTONE = re.compile(r'^"""Tombstone: moved to `([^`]+)`; this name goes with ([\w.]+)\."""$', re.MULTILINE)
OLDEST_GIT = (2, 38)
"""The first whose `merge-tree` merges without a work tree."""
ASKED = ("Will ask you", "May fail your checks (and how to answer)")
"""What of the changelog an owner has to act on."""
BUSY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisection",
}
# What the person's own configuration says of merging must not change what arrives.
MERGING = ("merge.renames=true", "merge.directoryRenames=conflict", "rerere.enabled=false", "core.quotePath=false")
CHANGES = {"A": "new", "M": "changed", "D": "deleted", "R": "renamed", "T": "changed"}
UNDO = "git reset --merge"
GIT_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_COMMON_DIR")


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """Why nothing was done, in one line that says what to do."""


@dataclass(frozen=True)
class Conflict:
    """A path that git could not merge."""

    path: str
    what: str
    answer: str


@dataclass(frozen=True)
class Check:
    """What the guards find before and after; `told` says why they were not asked, or not both times."""

    before: list[dict[str, Any]] | None = None
    after: list[dict[str, Any]] | None = None
    told: str = ""

    @property
    def new(self) -> list[dict[str, Any]]:
        """What is found only afterwards, wherever its line has moved to."""
        known = {(each["code"], each["message"]) for each in self.before or ()}
        return [each for each in self.after or () if (each["code"], each["message"]) not in known]


@dataclass
class Moved:
    """A file of the template's that has another name now, or none."""

    path: str
    to: str
    """What it is now; empty where it is gone."""
    until: str
    """The release with which the old name goes; empty where it went."""
    used: list[str]
    """Where the service still imports it by its old name: `file:line`."""


@dataclass
class Outcome:
    """What an update did or would do, for people and, as JSON, for a fleet."""

    service: str
    version: str = ""
    target: str = ""
    behind: list[str] = field(default_factory=list)
    state: str = "refused"
    """refused, current, behind, would update, would conflict, updated or conflicts."""
    told: str = ""
    files: list[tuple[str, str]] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    guards: dict[str, str] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)
    yours: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    check: Check = field(default_factory=Check)
    accepted: list[dict[str, str]] = field(default_factory=list)
    lock: bool = False
    """Whether a lock file is committed, which has to follow what pyproject.toml says now."""
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    """What the changelog tells owners to decide, by release and heading."""

    @property
    def status(self) -> int:
        """The exit status."""
        return {"behind": 2, "refused": 1, "conflicts": 1, "would conflict": 1}.get(self.state, 0)


class Repository:
    """Git in a folder, deaf to variables of a hook that it may be run from."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        # Whoever runs this on a server may have no name, and no commit of theirs is made.
        for role in ("AUTHOR", "COMMITTER"):
            self._environment |= {f"GIT_{role}_NAME": "template", f"GIT_{role}_EMAIL": "template@localhost"}
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_ASKPASS"):
            if name in os.environ:
                self._environment[name] = os.environ[name]
        self._environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **variables}

    def run(self, *arguments: str, given: bytes = b"", allowed: tuple[int, ...] = (0,)) -> bytes:
        """What git prints, as it is."""
        options = [word for each in MERGING for word in ("-c", each)]
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=self.folder,
            env=self._environment,
            input=given,
            capture_output=True,
            check=False,
        )
        if done.returncode not in allowed:
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise GitError(f"git {arguments[0]}: {said[-1] if said else done.returncode}")
        return done.stdout

    def ask(self, *arguments: str) -> str:
        """What git prints, as one text."""
        return self.run(*arguments).decode(errors="replace").strip()

    def names(self, *arguments: str, given: Sequence[str] = (), allowed: tuple[int, ...] = (0,)) -> list[str]:
        """What git prints with NULs between."""
        told = self.run(*arguments, given="".join(f"{each}\0" for each in given).encode(), allowed=allowed)
        return [each for each in told.decode(errors="surrogateescape").split("\0") if each]

    def has(self, reference: str) -> bool:
        """Whether this names a commit here."""
        try:
            self.run("rev-parse", "--quiet", "--verify", reference + "^{commit}")
        except GitError:
            return False
        return True

    def blobs(self, tree: str, below: str) -> dict[str, str]:
        """The texts of a tree below a folder, by path."""
        paths = self.names("ls-tree", "-r", "-z", "--name-only", tree, "--", below)
        return {path: self.run("cat-file", "blob", f"{tree}:{path}").decode(errors="replace") for path in paths}


class GitError(Exception):
    """Git's own word."""


class Service:
    """The service's folder: what it was told, and whether it can be updated at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if not self.folder.is_dir():
            raise Refused(f"{folder} is no folder")
        self.git = Repository(self.folder)
        found = re.search(r"(\d+)\.(\d+)", self.git.ask("version"))
        if found and (int(found[1]), int(found[2])) < OLDEST_GIT:
            raise Refused(
                f"this is git {found[0]}, and 2.38 or newer is needed: install it, or run `uvx copier update`"
            )
        try:
            self.prefix = self.git.ask("rev-parse", "--show-prefix")
            self.directory = Path(self.git.ask("rev-parse", "--absolute-git-dir"))
        except GitError:
            raise Refused(
                f"{self.folder} is in no git repository: what an update changes could not be taken back; "
                "run `git init`, and commit everything"
            ) from None

    def ready(self) -> None:
        """Refuse whatever would mix the owner's own changes with the update's."""
        if not self.git.has("HEAD"):
            raise Refused("the repository has no commit yet: commit everything first")
        for name, what in BUSY.items():
            if (self.directory / name).exists():
                raise Refused(f"{what} is in progress: finish or abort it first (git status says how)")
        try:
            self.git.run("symbolic-ref", "--quiet", "HEAD")
        except GitError:
            raise Refused(
                "HEAD is on no branch, where a commit is easily lost: run `git switch -c update` first"
            ) from None
        changed = self.git.names("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", ".")
        changed += [f"M  {name}" for name in self.git.names("diff", "--cached", "--name-only", "-z")]
        if changed:
            some = ", ".join(sorted({each[3:] for each in changed})[:3])
            raise Refused(f"not committed: {some}{' and more' * (len(changed) > 3)}; commit or stash it first")

    @cached_property
    def takes(self) -> list[str]:
        """The patterns of what a service takes that has not all of the template's shape: `take` in [tool.template]."""
        try:
            project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))
            return [str(each) for each in project["tool"]["template"]["take"]]
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
            return []

    def answers(self) -> dict[str, Any]:
        """The recorded answers; `_commit` and `_src_path` are texts."""
        path = self.folder / ANSWERS
        if not path.is_file():
            raise Refused(
                f"{self.folder} has no {ANSWERS}, so it is not known what it was made from: take it back "
                f"with `git log -- {ANSWERS}` and `git checkout <commit> -- {ANSWERS}`; a service that never had "
                "one is for `nox -s adopt` in the template"
            )
        mend = f"take the last good one back with `git log -- {ANSWERS}` and `git checkout <commit> -- {ANSWERS}`"
        try:
            answers = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            where = getattr(error, "problem_mark", None)
            line = f", line {where.line + 1}" if where else ""
            raise Refused(f"{ANSWERS} is no YAML{line}; {mend}") from None
        if not isinstance(answers, dict):
            raise Refused(f"{ANSWERS} holds no answers; {mend}")
        for key, what in (("_src_path", "the template's address"), ("_commit", "its version")):
            if not isinstance(answers.get(key), str) or not answers[key]:
                raise Refused(f"{ANSWERS} has no {key}, {what}; {mend}")
        return answers


class Template:
    """A clone of the template, with the tags that its list of releases knows."""

    def __init__(self, address: str, folder: Path, recorded: str) -> None:
        self.folder = folder
        above = Repository(folder.parent)
        try:
            above.run("clone", "--quiet", "--no-checkout", "--", _expanded(address), str(folder))
        except GitError as error:
            advice = "if it has moved, run this with --template <its new address>"
            raise Refused(f"the template cannot be had from {address} ({error}); {advice}") from None
        self.address = recorded
        self.git = Repository(folder)
        # Tags do not always travel with a clone.
        for row in tomllib.loads(self._read("HEAD", "releases.toml")).get("release", []):
            if not self.git.has(f"refs/tags/{row['version']}") and self.git.has(row["commit"]):
                self.git.run("tag", row["version"], row["commit"])

    def releases(self) -> list[str]:
        """Every release, oldest first."""
        found = [(RELEASE.fullmatch(tag), tag) for tag in self.git.ask("tag", "--list").split()]
        return [tag for _, tag in sorted((tuple(map(int, match.groups())), tag) for match, tag in found if match)]

    def newest(self) -> str:
        """The last release."""
        if not self.releases():
            raise Refused(f"the template at {self.address} has no release: it lacks tags such as v1.0.0")
        return self.releases()[-1]

    def known(self, version: str, why: str) -> str:
        """This version, which must be there."""
        if version.startswith("-") or not self.git.has(version):
            shallow = self.git.ask("rev-parse", "--is-shallow-repository") == "true"
            advice = "it is a shallow clone: fetch its whole history" if shallow else "it has " + _list(self.releases())
            raise Refused(f"the template at {self.address} has no version {version}, {why}; {advice}")
        return version

    def contains(self, one: str, other: str) -> bool:
        """Whether a version has everything that another has."""
        try:
            self.git.run("merge-base", "--is-ancestor", other, one)
        except GitError:
            return False
        return True

    def questions(self, version: str) -> dict[str, Any]:
        """What a version asks."""
        asked = self._configuration(version)
        return {key: each for key, each in asked.items() if not key.startswith("_") and _is_asked(each)}

    def yours(self, version: str, answers: Mapping[str, Any]) -> list[str]:
        """The patterns of paths that an update must leave alone: what Copier excludes from one."""
        environment = SandboxedEnvironment(undefined=StrictUndefined)
        patterns: list[str] = []
        try:
            for each in self._configuration(version).get("_exclude", []):
                known = {key: value for key, value in answers.items() if key != ADOPTED}
                rendered = environment.from_string(str(each)).render({**known, "_copier_operation": "update"})
                patterns += [line for line in rendered.splitlines() if line.strip()]
        except TemplateError as error:
            raise Refused(f"what {version} of the template excludes from updates cannot be read: {error}") from None
        return patterns

    def changelog(self, versions: Sequence[str], target: str) -> dict[str, dict[str, str]]:
        """What owners have to act on, by release and heading."""
        text = self._read(target, "CHANGELOG.md")
        told: dict[str, dict[str, str]] = {}
        for version in versions:
            section = re.search(rf"^## \[{re.escape(version[1:])}\].*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
            parts = re.split(r"^### (.+)$", section[0] if section else "", flags=re.MULTILINE)
            headings = {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}
            told[version] = {title: headings[title] for title in ASKED if title in headings}
        return told

    def render(self, version: str, answers: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Make a service of this version in a folder; its answers."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run_copy(
                    str(self.folder),
                    folder,
                    data=dict(answers),
                    vcs_ref=version,
                    settings=Settings(),
                    answers_file=ANSWERS,
                    defaults=True,
                    overwrite=True,
                    quiet=True,
                )
        except Exception as error:
            # Copier's own messages are of many classes.
            raise Refused(
                f"{version} of the template cannot be rendered with the answers here: {_words(error)}"
            ) from None
        file = folder / ANSWERS
        text = file.read_text(encoding="utf-8")
        address = yaml.safe_dump({"_src_path": self.address}, width=10_000, allow_unicode=True)
        file.write_text(re.sub(r"^_src_path: .*\n", lambda _: address, text, flags=re.MULTILINE), encoding="utf-8")
        rendered: dict[str, Any] = yaml.safe_load(text)
        return {key: value for key, value in rendered.items() if not key.startswith("_")}

    def _configuration(self, version: str) -> dict[str, Any]:
        read: dict[str, Any] = yaml.safe_load(self._read(version, "copier.yml")) or {}
        return read

    def _read(self, version: str, path: str) -> str:
        try:
            return self.git.run("cat-file", "blob", f"{version}:{path}").decode()
        except GitError:
            return ""


class Update:
    """One update of one service, from the answers to git's merge."""

    def __init__(self, service: Service, options: argparse.Namespace, scratch: Path, outcome: Outcome) -> None:
        self.service, self.options, self.scratch, self.outcome = service, options, scratch, outcome
        self.answers = service.answers()
        self.old = outcome.version = str(self.answers["_commit"])
        address = options.template or str(self.answers["_src_path"])
        self.template = Template(options.source or address, scratch / "template", address)
        self.template.known(self.old, f"which {ANSWERS} names")
        self.new = self.template.known(options.to or self.template.newest(), "which was asked for")
        outcome.target = self.new
        outcome.behind = [
            each
            for each in self.template.releases()
            if self.template.contains(self.new, each) and not self.template.contains(self.old, each)
        ]
        self.git = service.git

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        if not self.template.contains(self.old, self.new):
            return False
        if self.options.to and not self.template.contains(self.new, self.old):
            raise Refused(f"{self.new} is older than {self.old}, which the service has: an update only goes forward")
        return True

    def run(self) -> None:
        """Merge, or show what merging would give."""
        given = self._given()
        old_answers = {key: value for key, value in self.answers.items() if not key.startswith("_")}
        before, after = self.scratch / "before", self.scratch / "after"
        # Where nothing may be written, what git makes goes elsewhere.
        objects = {}
        if self.options.dry_run:
            (self.scratch / "objects").mkdir()
            theirs = self.git.ask("rev-parse", "--path-format=absolute", "--git-path", "objects")
            objects = {
                "GIT_OBJECT_DIRECTORY": str(self.scratch / "objects"),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": theirs,
            }
        self.objects = objects
        self.git = Repository(self.service.folder, **objects)
        inside = self.service.prefix
        made = self.template.render(self.old, old_answers, before / inside)
        now = self.template.render(self.new, {**old_answers, **given}, after / inside)
        self._told_answers(made, now, given)
        self._leave(self.template.yours(self.old, made) + self.template.yours(self.new, now), before, after)
        if not self.service.takes:
            self._has_been_made_by(before)
        # Nobody edits it, and a hand-edited one must not stand in the way.
        shutil.copy(self.service.folder / ANSWERS, before / inside / ANSWERS)
        self._take_line_endings(before, after)

        base = self._commit(self._tree(before), f"template {self.old}")
        step = self._commit(self._tree(after), f"template {self.old} -> {self.new}", base)
        head = self.git.ask("rev-parse", "HEAD^{tree}")
        ours = self._commit(head, "the service", base)
        result = self._merge(ours, step)
        self._tell_files(head, result)
        checks = f"{inside}src/{now.get('package', '')}/checks"
        known = _guards(self.git.blobs(base, checks))
        self.outcome.guards = {
            code: title for code, title in _guards(self.git.blobs(step, checks)).items() if code not in known
        }
        self._tell_moved(base, step, result)
        project = ("changed", f"{inside}pyproject.toml")
        self.outcome.lock = project in self.outcome.files and bool(self.git.ask("ls-files", "--", "uv.lock"))
        self.outcome.asked = self.template.changelog(self.outcome.behind, self.new)
        self._check(head, result, str(now.get("package", "")))
        conflicts = bool(self.outcome.conflicts)
        if self.options.dry_run:
            self.outcome.state = "would conflict" if conflicts else "would update"
            return
        self._apply(step, result)
        self.outcome.state = "conflicts" if conflicts else "updated"

    def _given(self) -> dict[str, Any]:
        """The answers of `--data`, to questions that were not answered before."""
        asked = self.template.questions(self.new)
        given: dict[str, Any] = {}
        for each in self.options.data:
            key, equals, value = each.partition("=")
            if not equals or key not in asked:
                raise Refused(f"--data {each} answers no question of {self.new}: it asks {_list(asked)}")
            given[key] = yaml.safe_load(value)
            if key in self.answers and self.answers[key] != given[key]:
                raise Refused(
                    f"{key} is {self.answers[key]!r} already: an update answers new questions only; "
                    "what an old one decides is changed by hand"
                )
        return given

    def _told_answers(self, made: Mapping[str, Any], now: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        for key in sorted({*made, *now}):
            if key not in made:
                default = "" if key in given else ", by default"
                help_ = str(self.template.questions(self.new).get(key, {}).get("help", "")).strip()
                self.outcome.questions[key] = f"{now[key]!r}{default} ({help_})"
            elif key not in now:
                self.outcome.questions[key] = f"is asked no more; it was {made[key]!r}"
            elif made[key] != now[key]:
                self.outcome.questions[key] = f"was {made[key]!r}, which is no answer any more; now {now[key]!r}"

    def _leave(self, patterns: Sequence[str], *folders: Path) -> None:
        """Take what is the owner's, and what git ignores in the service, out of both renderings."""
        inside = self.service.prefix
        excluded = self.scratch / "excluded"
        excluded.write_text("".join(f"{each}\n" for each in patterns), encoding="utf-8")
        chosen = self.scratch / "chosen"
        chosen.write_text("".join(f"{each}\n" for each in self.service.takes), encoding="utf-8")
        seeds: list[dict[str, bytes]] = []
        ignored: set[str] = set()
        for folder in folders:
            here = Repository(
                folder / inside,
                GIT_DIR=str(self.scratch / "template" / ".git"),
                GIT_WORK_TREE=str(folder / inside),
                GIT_INDEX_FILE=str(self.scratch / "no-index"),
            )
            found = here.names("ls-files", "--others", "--ignored", f"--exclude-from={excluded}", "-z")
            seeds.append({name: (folder / inside / name).read_bytes() for name in found})
            if self.service.takes:
                taken = here.names("ls-files", "--others", "--ignored", f"--exclude-from={chosen}", "-z")
                found += [name for name in here.names("ls-files", "--others", "-z") if name not in {*taken, ANSWERS}]
                seeds[-1] = {name: content for name, content in seeds[-1].items() if name in taken}
            for name in set(found):
                (folder / inside / name).unlink()
            # Failure: git takes a file that it ignores for expendable, and `.env` was overwritten.
            rest = [path.relative_to(folder / inside).as_posix() for path in _files(folder / inside)]
            hidden = self.git.names("check-ignore", "--stdin", "-z", given=rest, allowed=(0, 1))
            for name in hidden:
                (folder / inside / name).unlink()
            ignored.update(hidden)
        before, after = seeds
        self.outcome.yours = sorted(name for name in after if before.get(name) != after[name])
        self.outcome.ignored = sorted(ignored)

    def _has_been_made_by(self, before: Path) -> None:
        """Refuse where the service has not even half of what it should have been made with."""
        inside = before / self.service.prefix
        names = [path.relative_to(inside).as_posix() for path in _files(inside)]
        there = [name for name in names if (self.service.folder / name).exists()]
        if len(there) * 2 < len(names):
            raise Refused(
                f"of {len(names)} files that {self.old} made with the answers here, {len(names) - len(there)} are "
                f"missing: {ANSWERS} is another service's or was edited; take it back from an earlier commit"
            )

    def _take_line_endings(self, *folders: Path) -> None:
        """Where a file stands in the service with Windows' line endings, both renderings get them too.

        Failure: without it each line of the file differs from the template's, and all of it is one conflict.
        """
        listed = self.service.git.names("ls-files", "--eol", "-z", "--", ".")
        windows = {name for each in listed for meta, _, name in [each.partition("\t")] if meta.startswith("i/crlf")}
        for folder in folders:
            for name in windows:
                path = folder / self.service.prefix / name
                if path.is_file():
                    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def _tree(self, folder: Path) -> str:
        """The folder as a tree in the service's repository."""
        index = self.scratch / f"{folder.name}.index"
        git = Repository(
            folder,
            GIT_DIR=str(self.service.directory),
            GIT_WORK_TREE=str(folder),
            GIT_INDEX_FILE=str(index),
            **self.objects,
        )
        git.run("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "add", "--all", "--force", ".")
        return git.ask("write-tree")

    def _commit(self, tree: str, message: str, *parents: str) -> str:
        return self.git.ask("commit-tree", tree, "-m", message, *(word for each in parents for word in ("-p", each)))

    def _merge(self, ours: str, step: str) -> str:
        """The tree that merging gives, with git's marks in it where both sides changed the same."""
        told = self.git.run("merge-tree", "--write-tree", "--messages", "-z", ours, step, allowed=(0, 1))
        tree, *rest = told.decode(errors="surrogateescape").split("\0")
        stages: dict[str, set[str]] = {}
        while rest and rest[0]:
            meta, _, path = rest.pop(0).partition("\t")
            stages.setdefault(path, set()).add(meta.split()[2])
        rest = rest[1:]
        kinds: dict[str, tuple[str, str]] = {}
        while rest and rest[0]:
            count = int(rest[0])
            paths, kind, message = rest[1 : 1 + count], rest[1 + count], rest[2 + count]
            rest = rest[3 + count :]
            if kind.startswith("CONFLICT"):
                for path in paths:
                    kinds.setdefault(path, (kind, " ".join(message.split())))
        for path in sorted(stages):
            kind, message = kinds.get(path, ("", ""))
            self.outcome.conflicts.append(_conflict(path, stages[path], kind, message))
        return tree

    def _tell_files(self, head: str, result: str) -> None:
        parts = self.git.names("diff-tree", "-r", "-z", "--name-status", "-M", head, result)
        while parts:
            kind = parts.pop(0)[0]
            name = parts.pop(0)
            if kind in "RC":
                name = f"{name} -> {parts.pop(0)}"
            self.outcome.files.append((CHANGES.get(kind, "changed"), name))

    def _tell_moved(self, base: str, step: str, result: str) -> None:
        """What has another name, or none any more, and who still imports the old one."""
        parts = self.git.names("diff-tree", "-r", "-z", "--name-status", "-M", base, step, "--", "*.py")
        moved: list[tuple[Moved, bool]] = []
        changed = set()
        while parts:
            kind, path = parts.pop(0)[0], parts.pop(0)
            changed.add(path)
            if kind in "DR":
                moved.append((Moved(path, parts.pop(0) if kind == "R" else "", "", []), False))
        listed = self.git.names("grep", "-zlE", '^"""Tombstone: ', step, "--", "*.py", allowed=(0, 1))
        for path in (each.removeprefix(f"{step}:") for each in listed):
            stone = TOMBSTONE.search(self.git.run("cat-file", "blob", f"{step}:{path}").decode(errors="replace"))
            if stone is not None:
                # Told when it comes, and again as long as somebody does not follow.
                moved.append((Moved(path, stone[1], stone[2], []), path in changed))
        for each, is_news in moved:
            each.used = self._imports_of(each.path, result)
            if is_news or each.used:
                self.outcome.moved.append(each)

    def _imports_of(self, path: str, tree: str) -> list[str]:
        """Each `file:line` that imports the module that a path of the template is."""
        module, found = _module(path), []
        last = module.rpartition(".")[2]
        for each in self.git.names("grep", "-zlwIF", last, tree, "--", "*.py", allowed=(0, 1)):
            file = each.removeprefix(f"{tree}:")
            text = self.git.run("cat-file", "blob", f"{tree}:{file}").decode(errors="replace")
            lines = _imports(text, file).get(module, []) if file != path else []
            found += [f"{file}:{line}" for line in lines]
        return found

    def _check(self, head: str, result: str, package: str) -> None:
        """Ask the guards before and after, in copies, so that neither answers nor installs into the service."""
        try:
            blob = self.git.run("cat-file", "blob", f"{result}:{self.service.prefix}pyproject.toml")
            project = blob.decode(errors="replace")
            table = tomllib.loads(project).get("tool", {}).get("hardening", {})
            self.outcome.accepted = [{key: str(value) for key, value in each.items()} for each in table["accepted"]]
        except (GitError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
            self.outcome.accepted = []
        if self.options.no_check:
            self.outcome.check = Check(told="not asked: --no-check")
            return
        guards = Guards(self.service.folder, package, self.scratch, self.options.python)
        before = after = None
        try:
            before = guards.ask(self._export(head, "head"))
            if self.outcome.conflicts:
                told = "after: not asked, since there are conflicts to settle first"
            else:
                told = ""
                after = guards.ask(self._export(result, "result"))
        except CouldNotAskError as error:
            told = f"{'after' if before is not None else 'before'}: {error}"
        self.outcome.check = Check(before, after, told)

    def _export(self, tree: str, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        git = Repository(
            folder,
            GIT_DIR=str(self.service.directory),
            GIT_WORK_TREE=str(folder),
            GIT_INDEX_FILE=str(self.scratch / f"{name}.index"),
            **self.objects,
        )
        git.run("read-tree", tree)
        git.run("checkout-index", "--all", "--quiet")
        return folder / self.service.prefix

    def _apply(self, step: str, result: str) -> None:
        """Let git do to the work tree what was foreseen, and take it back where it does something else."""
        # Once more: asking the guards took a while, in which somebody may have gone on working.
        self.service.ready()
        try:
            self.git.run("cherry-pick", "--no-commit", "--allow-empty", step)
            told = "" if self.git.ask("write-tree") == result else "git merged otherwise than was foreseen"
        except GitError as error:
            told = "" if self.outcome.conflicts else str(error)
        if told:
            self.git.run("reset", "--quiet", "--merge", "HEAD")
            raise Refused(f"{told}; everything is as it was")


class CouldNotAskError(Exception):
    """Why the guards gave no answer."""


class Guards:
    """The service's own `checks`, asked in an environment of what it says it needs."""

    def __init__(self, service: Path, package: str, scratch: Path, python: Path | None) -> None:
        self._service, self._package, self._scratch, self._python = service, package, scratch, python

    def ask(self, folder: Path) -> list[dict[str, Any]]:
        """What the guards find in this copy."""
        secrets = self._service / ".env"
        if secrets.is_file():
            # A link: what is secret is not copied to elsewhere.
            (folder / ".env").symlink_to(secrets)
        python = self._python or self._installed(folder)
        command = [str(python), "-m", f"{self._package}.checks", "--format=json", f"--root={folder}"]
        done = self._run(command, folder, PYTHONPATH=str(folder / "src"), PROJECT_ROOT=str(folder))
        try:
            rows: list[dict[str, Any]] = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise CouldNotAskError(f"the checks ended with {done.returncode}: {_line(done.stderr)}") from None
        blind = re.findall(r"^could not look: (.+)$", done.stderr, re.MULTILINE)
        rows += [{"code": each[:5], "message": f"could not look: {each}", "file": None, "line": None} for each in blind]
        return rows

    def _installed(self, folder: Path) -> Path:
        uv = shutil.which("uv")
        if uv is None:
            raise CouldNotAskError("uv is not here to install the service with: run `nox -s check` yourself")
        environment = self._scratch / "environment"
        command = [uv, "sync", "--quiet", "--no-default-groups", "--group=dev", f"--python={sys.executable}"]
        done = self._run(command, folder, UV_PROJECT_ENVIRONMENT=str(environment))
        if done.returncode != 0:
            raise CouldNotAskError(f"the service could not be installed: {_line(done.stderr)}")
        return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @staticmethod
    def _run(command: Sequence[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
        return subprocess.run(
            command,
            cwd=folder,
            env={**kept, **variables},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


def _expanded(address: str) -> str:
    """An address as git reads it; Copier has some of its own."""
    for short, long in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if address.startswith(short):
            return f"{long}{address.removeprefix(short).removesuffix('.git')}.git"
    address = address.removeprefix("git+")
    return str(Path(address).expanduser()) if address.startswith("~") else address


def _is_asked(question: object) -> bool:
    return not (isinstance(question, dict) and question.get("when") is False)


def _list(names: Mapping[str, Any] | Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _line(said: str) -> str:
    """The last line of what a program said."""
    return _words((said.strip().splitlines() or ["nothing"])[-1])


def _words(error: object, limit: int = 300) -> str:
    """An error on one line, cut where it gets long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _module(path: str) -> str:
    """The dotted name of a module below `src`, or below the root."""
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[parts.index("src") + 1 :] if "src" in parts else parts)


def _imports(text: str, path: str) -> dict[str, list[int]]:
    """The modules, and names of modules, that a file imports, by their whole names, and on which lines."""
    found: dict[str, list[int]] = {}
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return found  # marks of a conflict, or a newer Python than this one
    for node in nodes:
        if isinstance(node, ast.Import):
            names = {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = _module(path).split(".")[: -node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            names = {module, *(f"{module}.{each.name}" for each in node.names)}
        else:
            continue
        for name in names:
            found.setdefault(name, []).append(node.lineno)
    return found


def _guards(sources: Mapping[str, str]) -> dict[str, str]:
    """The guards that these files define, by code: what each looks for."""
    found: dict[str, str] = {}
    for path, text in sources.items():
        if not path.endswith(".py"):
            continue
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and CODE.fullmatch(node.name):
                found[node.name] = (ast.get_docstring(node) or "").partition("\n")[0]
    return dict(sorted(found.items()))


def _conflict(path: str, stages: set[str], kind: str, message: str) -> Conflict:
    """What happened to a path, and what its owner can do."""
    if {"2", "3"} <= stages:
        both = "both sides added it" if "1" not in stages else "both sides changed the same lines"
        return Conflict(path, both, f"choose between the marks, then git add {path}")
    if "2" in stages and "delete" in kind:
        what = "the template deleted it, and you had changed it"
        return Conflict(path, what, f"keep yours: git add {path}; let it go: git rm {path}")
    if "3" in stages and "delete" in kind:
        what = "you deleted it, and the template changed it"
        return Conflict(path, what, f"leave it deleted: git rm {path}; take the template's: git add {path}")
    return Conflict(path, message or "git could not merge it", f"settle it, then git add {path} or git rm {path}")


def told(outcome: Outcome) -> str:
    """The summary for the owner; it is Markdown too."""
    step = f"template {outcome.version} -> {outcome.target}"
    if outcome.state == "refused":
        return f"{outcome.service}: {outcome.told}\n"
    if outcome.state == "current":
        return f"{outcome.service}: nothing to do, the template is at {outcome.version}\n"
    if outcome.state == "behind":
        return f"{outcome.service}: behind, {step} ({_list(outcome.behind)})\n"
    by = f" ({len(outcome.behind)} releases: {_list(outcome.behind)})" if len(outcome.behind) > 1 else ""
    kinds = [kind for kind, _ in outcome.files]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(CHANGES.values()) if kind in kinds)
    conflicts = [f"`{each.path}`: {each.what}; {each.answer}" for each in outcome.conflicts]
    parts = [
        f"{outcome.service}: {step}{by}\nFiles: {counts or 'none'}. Conflicts: {len(conflicts) or 'none'}.",
        _block("Conflicts", conflicts),
        _block("Questions", [f"{key}: {answer}" for key, answer in outcome.questions.items()]),
        _block("New guards", [f"{code}: {title}" for code, title in outcome.guards.items()]),
        _block("Moved", [_told_moved(each) for each in outcome.moved]),
        _told_check(outcome),
        *(
            f"{title}, {version}:\n\n{body}"
            for version, headings in outcome.asked.items()
            for title, body in headings.items()
        ),
        _block("Yours, so not touched; new services have it otherwise", [f"`{n}`" for n in outcome.yours]),
        _block("Not delivered, since git ignores it here", [f"`{name}`" for name in outcome.ignored]),
        _block("Files", [f"{kind}: `{name}`" for kind, name in outcome.files]),
    ]
    if outcome.state == "updated":
        lock = "uv lock; git add uv.lock; " if outcome.lock else ""
        parts.append(
            f'Next: look at it (git diff --cached); {lock}nox; git commit -m "Template {outcome.target}". Undo: {UNDO}'
        )
    elif outcome.state == "conflicts":
        parts.append(f"Next: settle each conflict as it says, run nox, git commit. Undo all of it: {UNDO}")
    else:
        parts.append("Nothing was changed: --dry-run")
    return "\n\n".join(filter(None, parts)) + "\n"


def _block(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {line}" for line in lines)]).strip() if lines else ""


def _told_moved(moved: Moved) -> str:
    now = f"is `{moved.to}`" if moved.to else "is gone"
    until = f"; the old name goes with {moved.until}" if moved.until else ""
    used = (
        f"change the imports in {_list([f'`{each}`' for each in moved.used])}"
        if moved.used
        else "no import of it found"
    )
    return f"`{moved.path}` {now}{until}; {used}"


def _told_check(outcome: Outcome) -> str:
    check = outcome.check
    counts = [
        f"{len(found)} finding{'s' * (len(found) != 1)} {when}"
        for when, found in (("before", check.before), ("after", check.after))
        if found is not None
    ]
    title = f"Check: {', '.join(counts)}{'; ' * bool(counts and check.told)}{check.told}"
    rows = [f"{each['file'] or 'somewhere'}:{each['line'] or 0}: {each['message']}" for each in check.new]
    return _block(f"{title}; new", rows) or title


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Not argparse's own 2, which means behind."""
        self.exit(1, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Update the service in a folder; give the exit status."""
    description = (__doc__ or "").partition("\n")[0]
    parser = _Parser(prog="update", description=description)
    parser.add_argument("service", type=Path, nargs="?", default=Path(), help="the service's folder; else this one")
    parser.add_argument("--dry-run", action="store_true", help="show the same, change nothing")
    parser.add_argument("--check", action="store_true", help="only say whether there is something; 2 when behind")
    parser.add_argument("--to", metavar="VERSION", help="a version of the template; else its newest release")
    parser.add_argument("--data", metavar="QUESTION=ANSWER", action="append", default=[], help="answers a new question")
    parser.add_argument("--template", metavar="ADDRESS", help="where the template is now; it is written down")
    parser.add_argument("--source", metavar="CLONE", help="read the template from here, and write down nothing of it")
    parser.add_argument("--no-check", action="store_true", help="do not ask the guards before and after")
    parser.add_argument("--python", type=Path, help="ask the guards with this interpreter, and install nothing")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write the summary there too")
    options = parser.parse_args(arguments)
    for name in GIT_PLACES:
        # Set where a hook of git runs this; Copier's git would follow it.
        os.environ.pop(name, None)
    outcome = update(options)
    shown = told(outcome)
    if options.summary:
        options.summary.write_text(shown, encoding="utf-8")
    if options.format == "json":
        shown = json.dumps({**asdict(outcome), "new_findings": outcome.check.new, "status": outcome.status}) + "\n"
    (sys.stderr if outcome.state == "refused" and options.format == "text" else sys.stdout).write(shown)
    return outcome.status


def update(options: argparse.Namespace) -> Outcome:
    """Do what the options say, and say what was done."""
    outcome = Outcome(options.service.resolve().name)
    try:
        if shutil.which("git") is None:
            raise Refused("git is not installed, and it is what merges: install it")
        service = Service(options.service)
        with tempfile.TemporaryDirectory(prefix="update-", ignore_cleanup_errors=True) as scratch:
            if not options.check:
                service.ready()
            step = Update(service, options, Path(scratch).resolve(), outcome)
            if step.is_current:
                outcome.state = "current"
            elif options.check:
                outcome.state = "behind"
            else:
                step.run()
    except (Refused, GitError) as error:
        outcome.state, outcome.told = "refused", str(error)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
