"""One run: selects rules, gives each the facts that it names, and sorts what they find."""

from __future__ import annotations

import contextlib
import gc
import inspect
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from . import __version__
from .config.acceptances import Acceptance, accept
from .config.baseline import Entry, compare
from .config.discovery import FILE
from .config.errors import ConfigError
from .config.table import Config, closest, load_config, require_codes
from .model import CouldNotLook, DoesNotApply, Finding, Location, NotConfigured, Rule, Severity, one_line
from .project import NOT_IMPORTED, Project
from .report import Report, RuleSummary, Skipped
from .rules import RULES

CODES: tuple[str, ...] = tuple(rule.__name__ for rule in RULES)
"""The code of every rule."""
_REASON = 1000
"""The longest reason that is reported whole."""


def check(
    root: Path,
    *,
    select: Collection[str] = (),
    python: str | None = None,
    imports: bool = True,
    baseline: Counter[Entry] | None = None,
    rules: Collection[type[Rule]] = RULES,
) -> Report:
    """Judge the project in a folder.

    Writes nothing, and raises for nothing that the project does wrong: what cannot be looked at is in the report.

    Args:
        root: the project's folder.
        select: codes or families (`DB`); none means all.
        python: the project's interpreter; None searches for it.
        imports: False leaves out the facts for which the project would be imported.
        baseline: the findings that are known already.
        rules: the rules there are.

    Raises:
        ValueError: `select` has a name that no code begins with.
    """
    chosen = choose(select, rules)
    summaries = tuple(
        RuleSummary(
            each.__name__,
            each.title(),
            each.page(),
            each.since,
            each.severity,
            each.confidence,
            each.common_subjects,
        )
        for each in chosen
    )
    try:
        config = load_config(root, declared_options(rules))
        require_codes(config, [*CODES, *(rule.__name__ for rule in rules)])
        newer = _newer(config.defaults, chosen)
    except ConfigError as error:
        return Report(could_not_look=(Skipped(FILE, str(error)),))
    outcome = _Outcome(select)
    with _no_collection(), Project(config, python=python, imports=imports) as project:
        project.begin(name for rule in chosen if not outcome.leaves_out(rule) for name in _parameters(rule))
        for rule in chosen:
            outcome.ask(rule, project)
    findings = [replace(each, severity=Severity.WARNING) if each.code in newer else each for each in outcome.findings]
    still_open, accepted = accept(findings, config.accepted)
    looked = outcome.looked
    used = {entry for _, entry in accepted}
    unused = [_unused(each) for each in config.accepted if each.code in looked and each not in used]
    new, known, gone = compare(still_open, baseline or Counter(), looked)
    new += unused
    new.sort(key=lambda each: (each.location.file or "", each.location.line or 0, each.code, each.message))
    return Report(
        findings=tuple(new),
        accepted=tuple((finding, entry.reason) for finding, entry in accepted),
        known=tuple(known),
        gone=tuple(gone),
        unused=frozenset(unused),
        not_applicable=tuple(outcome.not_applicable),
        could_not_look=tuple(outcome.could_not_look),
        notes=config.assumptions,
        rules=summaries,
    )


def choose(select: Collection[str], rules: Iterable[type[Rule]] = RULES) -> tuple[type[Rule], ...]:
    """The rules of these codes or families; all of them where there is none.

    Raises:
        ValueError: there is no such code or family.
    """
    known = {rule.__name__: rule for rule in rules}
    for name in select:
        if not name or not any(code.startswith(name) for code in known):
            raise ValueError(f"{name!r} is no rule; {closest(name.upper(), known)}")
    return tuple(rule for code, rule in known.items() if not select or code.startswith(tuple(select)))


def explain(code: str) -> str:
    """The page of a rule: what breaks, how it broke somebody, what to do.

    Raises:
        ValueError: there is no such code.
    """
    rule = next((each for each in RULES if each.__name__ == code), None)
    if rule is None:
        raise ValueError(f"{code!r} is no code; {closest(code.upper(), CODES)}")
    return rule.page().read_text(encoding="utf-8")


def configured(rule: type[Rule], config: Config) -> Rule:
    """The rule, with the values of the keys that it declares."""
    return rule(**{name: config.options[name] for name in rule.options() if name in config.options})


class _Outcome:
    """The answers of the rules, collected while they run."""

    def __init__(self, select: Collection[str]) -> None:
        self.findings: dict[Finding, None] = {}
        self.not_applicable: list[Skipped] = []
        self.could_not_look: list[Skipped] = []
        self._select = select
        self._judged: set[str] = set()

    @property
    def looked(self) -> frozenset[str]:
        """The codes whose silence means that there is nothing."""
        return frozenset(self._judged.difference(each.code for each in self.could_not_look))

    def leaves_out(self, rule: type[Rule]) -> bool:
        """Return whether a rule runs only where it is selected, and is not."""
        return bool(rule.only_selected) and rule.__name__ not in self._select

    def ask(self, rule: type[Rule], project: Project) -> None:
        code = rule.__name__
        if self.leaves_out(rule):
            self.not_applicable.append(Skipped(code, rule.only_selected))
            return
        self._judged.add(code)
        needed: dict[str, object] = {}
        try:
            needed, missing = _facts(rule, project)
            # The rule judges only a part of the project then.
            self.could_not_look += [
                Skipped(code, one_line(each, _REASON)) for each in missing if isinstance(each, CouldNotLook)
            ]
            if any(str(each) == NOT_IMPORTED for each in missing):
                self._judged.discard(code)
            for finding in configured(rule, project.config).check(**needed):
                self.findings[_encodable(finding)] = None
        except DoesNotApply as reason:
            if str(reason) == NOT_IMPORTED:
                self._judged.discard(code)
            # There may be something to judge in what a fact lacks.
            if isinstance(reason, NotConfigured) or not self._doubt(code, project, needed):
                self.not_applicable.append(Skipped(code, one_line(reason, _REASON)))
        except CouldNotLook as reason:
            self.could_not_look.append(Skipped(code, one_line(reason, _REASON)))
        except Exception as error:  # noqa: BLE001 - one rule's mistake must not silence the others
            self.could_not_look.append(Skipped(code, one_line(f"the rule failed: {type(error).__name__}: {error}")))
        else:
            self._doubt(code, project, needed)

    def _doubt(self, code: str, project: Project, needed: Iterable[str]) -> bool:
        """Keep the reasons why the facts of a rule are incomplete; report whether there is one."""
        doubts = dict.fromkeys(doubt for name in needed for doubt in project.doubts.get(name, "").splitlines())
        self.could_not_look += [Skipped(code, one_line(doubt, _REASON)) for doubt in doubts]
        return bool(doubts)


def _encodable(finding: Finding) -> Finding:
    """The finding, with escapes for what cannot be encoded: names of files need not be texts."""
    texts = (finding.message, finding.hint, finding.subject, finding.location.file or "")
    if all(text.isascii() for text in texts):
        return finding
    message, hint, subject, file = (text.encode("utf-8", "backslashreplace").decode() for text in texts)
    location = Location(file or None, finding.location.line)
    return replace(finding, message=message, hint=hint, subject=subject, location=location)


def _facts(rule: type[Rule], project: Project) -> tuple[dict[str, object], list[DoesNotApply | CouldNotLook]]:
    """The facts that a rule names as parameters of `check`, and the reasons why optional ones are None."""
    found: dict[str, object] = {}
    missing: list[DoesNotApply | CouldNotLook] = []
    for name, parameter in _parameters(rule).items():
        try:
            found[name] = project.fact(name)
        except (DoesNotApply, CouldNotLook) as reason:
            if parameter.default is parameter.empty:
                raise
            found[name] = None
            missing.append(reason)
    return found, missing


def _parameters(rule: type[Rule]) -> Mapping[str, inspect.Parameter]:
    """The parameters of `check` without `self`."""
    return dict(list(inspect.signature(rule.check).parameters.items())[1:])


def declared_options(rules: Iterable[type[Rule]] = RULES) -> Mapping[str, object]:
    """The defaults of the keys that rules declare."""
    return {name: default for rule in rules for name, default in rule.options().items()}


def _newer(defaults: str, rules: Iterable[type[Rule]]) -> frozenset[str]:
    """The codes of the rules that came after the release whose defaults the owner wants.

    Raises:
        ConfigError: the release is newer than the tool.
    """
    if not defaults:
        return frozenset()
    if _release(defaults) > _release(__version__):
        raise ConfigError(f"defaults is {defaults!r}; this is the tool of {__version__}, install one of {defaults}")
    return frozenset(rule.__name__ for rule in rules if _release(rule.since) > _release(defaults))


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _unused(acceptance: Acceptance) -> Finding:
    message = f"accepted for {acceptance.where} ({one_line(acceptance.reason)}), where nothing is found any more"
    return Finding(
        acceptance.code, message, "remove the entry", Location(FILE, acceptance.line), subject=acceptance.where
    )


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Collect no garbage: trees and facts live to the end, and to look through them took a third of a run."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
