"""A clone of the template: its releases, and the questions, exclusions, rules and changelog of each version."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from .errors import LifecycleError
from .git import GitError, Repository

ADOPTED = "adopted"
"""An answer without a question, in services that adopted pieces: plain `copier update`, which knows no pieces, refuses there."""
DECISIONS = ("Will ask you", "May fail your checks (and how to answer)")
"""The headings of the changelog under which an owner has to act."""
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_CODE = re.compile(r"[A-Z]{2}\d{3}")
_RULES = ("src/hardened/rules", "template/src/{{ package }}/checks")
"""The folders of rules: since 0.5, and before it."""
_HOSTS = (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/"))


class Template:
    """A clone, with the tags that its list of releases names.

    `address` is read from; `recorded` is what services write down.

    Raises:
        LifecycleError: the address cannot be cloned.
    """

    def __init__(self, address: str, folder: Path, recorded: str) -> None:
        self.folder = folder
        self.address = recorded
        try:
            Repository(folder.parent).run("clone", "--quiet", "--no-checkout", "--", _git_address(address), str(folder))
        except GitError as error:
            advice = "if it has moved, run this with --template <its new address>"
            raise LifecycleError(f"the template cannot be had from {address} ({error}); {advice}") from None
        self.git = Repository(folder)
        # Why: a clone of a clone without tags has none.
        for row in tomllib.loads(self._read("HEAD", "releases.toml")).get("release", []):
            if not self.git.has_commit(f"refs/tags/{row['version']}") and self.git.has_commit(row["commit"]):
                self.git.run("tag", row["version"], row["commit"])

    def releases(self) -> list[str]:
        """List every release, oldest first."""
        matches = [(_RELEASE.fullmatch(tag), tag) for tag in self.git.text("tag", "--list").split()]
        return [tag for _, tag in sorted((tuple(map(int, match.groups())), tag) for match, tag in matches if match)]

    def newest(self) -> str:
        """Return the last release."""
        releases = self.releases()
        if not releases:
            raise LifecycleError(f"the template at {self.address} has no release: it lacks tags such as v1.0.0")
        return releases[-1]

    def require(self, version: str, reason: str) -> str:
        """Return this version, which must exist; `reason` continues the sentence of the error."""
        if version.startswith("-") or not self.git.has_commit(version):
            shallow = self.git.text("rev-parse", "--is-shallow-repository") == "true"
            advice = (
                "it is a shallow clone: fetch its whole history"
                if shallow
                else f"it has {', '.join(self.releases()) or 'none'}"
            )
            raise LifecycleError(f"the template at {self.address} has no version {version}, {reason}; {advice}")
        return version

    def contains(self, version: str, other: str) -> bool:
        """Return True where `version` is `other` or descends from it."""
        return self.git.succeeds("merge-base", "--is-ancestor", other, version)

    def questions(self, version: str) -> dict[str, Any]:
        """Return the visible questions of a version."""
        return {
            key: question
            for key, question in self._configuration(version).items()
            if not key.startswith("_") and not (isinstance(question, dict) and question.get("when") is False)
        }

    def excluded_from_update(self, version: str, answers: Mapping[str, Any]) -> list[str]:
        """Render the patterns of `_exclude` for an update: the paths that are the owner's."""
        environment = SandboxedEnvironment(undefined=StrictUndefined)
        context = {key: value for key, value in answers.items() if key != ADOPTED}
        try:
            rendered = [
                environment.from_string(str(each)).render({**context, "_copier_operation": "update"})
                for each in self._configuration(version).get("_exclude", [])
            ]
        except TemplateError as error:
            raise LifecycleError(
                f"the exclusions from updates in {version} of the template cannot be read: {error}"
            ) from None
        return [line for each in rendered for line in each.splitlines() if line.strip()]

    def rules(self, version: str) -> dict[str, str]:
        """Read the rules of a version: the first line of each rule's docstring, by code."""
        paths = self.git.names("ls-tree", "-r", "-z", "--name-only", version, "--", *_RULES)
        texts = self.git.texts(version, [path for path in paths if path.endswith(".py")])
        return dict(sorted(_rule_titles(texts.values())))

    def decisions(self, versions: Sequence[str], target: str) -> dict[str, dict[str, str]]:
        """Read the changelog's paragraphs on which owners have to act, by release and heading."""
        text = self._read(target, "CHANGELOG.md")
        found: dict[str, dict[str, str]] = {}
        for version in versions:
            section = re.search(rf"^## \[{re.escape(version[1:])}\].*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
            parts = re.split(r"^### (.+)$", section[0] if section else "", flags=re.MULTILINE)
            paragraphs = {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}
            found[version] = {title: paragraphs[title] for title in DECISIONS if title in paragraphs}
        return found

    def mentions(self, version: str, answer: str) -> bool:
        """Return True where the questionnaire of a version reads this answer."""
        return answer in self._read(version, "copier.yml")

    def _configuration(self, version: str) -> dict[str, Any]:
        read: dict[str, Any] = yaml.safe_load(self._read(version, "copier.yml")) or {}
        return read

    def _read(self, version: str, path: str) -> str:
        return self.git.texts(version, [path]).get(path, "")


def _git_address(address: str) -> str:
    """Translate Copier's short forms of an address."""
    for short, long in _HOSTS:
        if address.startswith(short):
            return f"{long}{address.removeprefix(short).removesuffix('.git')}.git"
    address = address.removeprefix("git+")
    return str(Path(address).expanduser()) if address.startswith("~") else address


def _rule_titles(sources: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in sources:
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and _CODE.fullmatch(node.name):
                yield node.name, (ast.get_docstring(node) or "").partition("\n")[0]
