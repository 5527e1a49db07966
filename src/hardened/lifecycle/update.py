"""The update: the template's own difference between two versions, merged into a service by git.

Failure: `copier update` ends with 0 over conflicts, deletes a file of the template's in which the owner had worked,
loses an owner's edit of a file that the template renames, and overwrites files that git ignores.
Cost: a path that the owner deleted and the template goes on changing is a conflict at each change.

Nothing of the service is imported here, and nothing is written before git has merged.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from .errors import LifecycleError
from .findings import Checker, accepted_findings
from .git import HOOK_VARIABLES
from .merging import Merger
from .moves import find_moves
from .outcome import FindingsComparison, Outcome
from .rendering import Answers, remove_unreachable, render, rendered_files, take_over_line_endings
from .service import ANSWERS, Service
from .template import Template


@dataclass(frozen=True)
class UpdateOptions:
    """The options of one update.

    `template` is the template's new address, which is recorded; `clone` is read instead of it and is not recorded.
    """

    service: Path
    dry_run: bool = False
    only_compare: bool = False
    target: str | None = None
    data: tuple[str, ...] = ()
    template: str | None = None
    clone: str | None = None
    check: bool = True
    python: Path | None = None


def update(options: UpdateOptions) -> Outcome:
    """Update a service; a refusal is an outcome too."""
    outcome = Outcome(options.service.resolve().name)
    for name in HOOK_VARIABLES:
        # Why: Copier's git would follow the variables of a hook that runs this.
        os.environ.pop(name, None)
    try:
        if shutil.which("git") is None:
            raise LifecycleError("git is not installed, and it is what merges: install it")
        service = Service(options.service)
        with tempfile.TemporaryDirectory(prefix="update-", ignore_cleanup_errors=True) as scratch:
            if not options.only_compare:
                service.require_clean()
            step = _Update(service, options, Path(scratch).resolve(), outcome)
            if step.is_current():
                outcome.state = "current"
            elif options.only_compare:
                outcome.state = "behind"
            else:
                step.run()
    except LifecycleError as error:
        outcome.state, outcome.reason = "refused", str(error)
    return outcome


class _Update:
    """The step of one service from its version to another one."""

    def __init__(self, service: Service, options: UpdateOptions, scratch: Path, outcome: Outcome) -> None:
        self.service, self.options, self.scratch, self.outcome = service, options, scratch, outcome
        self.answers = service.answers()
        self.old = outcome.version = str(self.answers["_commit"])
        address = options.template or str(self.answers["_src_path"])
        self.template = Template(options.clone or address, scratch / "template", address)
        self.template.require(self.old, f"which {ANSWERS} names")
        self.new = self.template.require(options.target or self.template.newest(), "which was asked for")
        outcome.target = self.new
        outcome.behind = [
            each
            for each in self.template.releases()
            if self.template.contains(self.new, each) and not self.template.contains(self.old, each)
        ]

    def is_current(self) -> bool:
        """Return True where the service has the target; refuse a target that is older."""
        if not self.template.contains(self.old, self.new):
            return False
        if self.options.target and not self.template.contains(self.new, self.old):
            raise LifecycleError(
                f"{self.new} is older than {self.old}, which the service has: an update only goes forward"
            )
        return True

    def run(self) -> None:
        """Merge, and apply the merge unless it is a dry run."""
        merger = Merger(self.service, self.scratch, dry_run=self.options.dry_run)
        before, after = self._render()
        base = merger.commit_folder(before, f"template {self.old}")
        step = merger.commit_folder(after, f"template {self.old} -> {self.new}", base)
        head = merger.git.text("rev-parse", "HEAD^{tree}")
        merge = merger.merge(merger.commit_tree(head, "the service", base), step)

        outcome = self.outcome
        outcome.conflicts = merge.conflicts
        outcome.files = merger.changed_files(head, merge.tree)
        known = self.template.rules(self.old)
        outcome.new_rules = {code: title for code, title in self.template.rules(self.new).items() if code not in known}
        outcome.moves = find_moves(merger.git, base, step, merge.tree)
        project = f"{self.service.prefix}pyproject.toml"
        outcome.accepted = accepted_findings(merger.git.texts(merge.tree, [project]).get(project, ""))
        outcome.stale_lock = ("changed", project) in outcome.files and bool(
            self.service.git.text("ls-files", "--", "uv.lock")
        )
        outcome.decisions = self.template.decisions(outcome.behind, self.new)
        if self.options.check:
            outcome.check = Checker(self.service.folder, self.scratch, self.options.python).compare(
                partial(merger.export, head, "head"),
                None if merge.conflicts else partial(merger.export, merge.tree, "result"),
                outcome.new_rules,
            )
        else:
            outcome.check = FindingsComparison(reason="not asked: --no-check")
        if self.options.dry_run:
            outcome.state = "would conflict" if merge.conflicts else "would update"
            return
        merger.apply(step, merge)
        outcome.state = "conflicts" if merge.conflicts else "updated"

    def _render(self) -> tuple[Path, Path]:
        """Render both versions, reduced to what this service takes from them; return their folders."""
        given = self._given_answers()
        recorded = {key: value for key, value in self.answers.items() if not key.startswith("_")}
        before, after = self.scratch / "before", self.scratch / "after"
        inside = self.service.prefix
        old = render(self.template, self.old, recorded, before / inside)
        new = render(self.template, self.new, {**recorded, **given}, after / inside)
        self.outcome.questions = self._changed_answers(old, new, given)
        owned = [
            *self.template.excluded_from_update(self.old, old),
            *self.template.excluded_from_update(self.new, new),
        ]
        removed = remove_unreachable(self.service, owned, before, after, self.scratch)
        self.outcome.seeded, self.outcome.ignored = removed.seeded, removed.ignored
        if self.service.adopted_patterns is None:
            self._require_origin(before / inside)
        # Why: nobody edits the answers, and hand-edited ones must not conflict.
        shutil.copy(self.service.folder / ANSWERS, before / inside / ANSWERS)
        take_over_line_endings(self.service, before, after)
        return before, after

    def _given_answers(self) -> Answers:
        """Read the answers of `--data`, which must be to new questions."""
        questions = self.template.questions(self.new)
        given: Answers = {}
        for each in self.options.data:
            key, equals, value = each.partition("=")
            if not equals or key not in questions:
                raise LifecycleError(
                    f"--data {each} answers no question of {self.new}: it asks {', '.join(questions) or 'none'}"
                )
            given[key] = yaml.safe_load(value)
            if key in self.answers and self.answers[key] != given[key]:
                raise LifecycleError(
                    f"{key} is {self.answers[key]!r} already: an update answers new questions only; "
                    "what an old one decides is changed by hand"
                )
        return given

    def _changed_answers(self, old: Answers, new: Answers, given: Mapping[str, Any]) -> dict[str, str]:
        """Describe the questions that are new, gone, or answered otherwise now."""
        changed = {}
        for key in sorted({*old, *new}):
            if key not in old:
                default = "" if key in given else ", by default"
                question = str(self.template.questions(self.new).get(key, {}).get("help", "")).strip()
                changed[key] = f"{new[key]!r}{default} ({question})"
            elif key not in new:
                changed[key] = f"is asked no more; it was {old[key]!r}"
            elif old[key] != new[key]:
                changed[key] = f"was {old[key]!r}, which is no answer any more; now {new[key]!r}"
        return changed

    def _require_origin(self, before: Path) -> None:
        """Refuse where the service has less than half of the files that it should have been made with."""
        names = rendered_files(before)
        listed = set(self.service.git.names("ls-tree", "-r", "-z", "--name-only", "HEAD"))
        missing = [name for name in names if name not in listed]
        if len(missing) * 2 > len(names):
            raise LifecycleError(
                f"of {len(names)} files that {self.old} made with the answers here, {len(missing)} are "
                f"missing: {ANSWERS} is another service's or was edited; take it back from an earlier commit"
            )
