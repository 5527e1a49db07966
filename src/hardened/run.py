"""Running the guards: which of them, over what, and what becomes of their findings."""

from __future__ import annotations

import contextlib
import gc
import inspect
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .config.table import FILE, Acceptance, ConfigError, load_config
from .model import CouldNotLook, DoesNotApply, Finding, Location, Rule, one_line
from .project import Project
from .rules import RULES


@dataclass(frozen=True)
class Skipped:
    """A guard that gave no judgement, and why."""

    code: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What one run found."""

    findings: tuple[Finding, ...] = ()
    accepted: tuple[tuple[Finding, str], ...] = ()  # with the reason
    not_applicable: tuple[Skipped, ...] = ()
    could_not_look: tuple[Skipped, ...] = ()
    codes: tuple[str, ...] = ()  # the guards that were asked


def codes() -> tuple[str, ...]:
    """The code of every guard."""
    return tuple(rule.__name__ for rule in RULES)


def explain(code: str) -> str:
    """The whole story of a guard: what breaks, how it broke somebody, what to do."""
    if code not in codes():
        raise ValueError(f"{code!r} is no code; there are {', '.join(codes())}")
    return next(rule for rule in RULES if rule.__name__ == code).page().read_text(encoding="utf-8")


def run(root: Path, *, select: Collection[str] = ()) -> Report:
    """Judge the project in this folder. `select` names codes or families (`DB`); none means all.

    Imports the project's package into this process, writes nothing, and raises for nothing that the
    project does wrong; an unknown name in `select` is a ValueError.
    """
    rules = _chosen(select)
    try:
        config = load_config(root)
        _known(config.accepted)
    except ConfigError as error:
        return Report(could_not_look=(Skipped(FILE, str(error)),))
    project = Project(config)
    findings: dict[Finding, None] = {}
    absent: list[Skipped] = []
    blind: list[Skipped] = []
    with _keeping_everything():
        for rule in rules:
            code = rule.__name__
            if rule.only_selected and code not in select:
                absent.append(Skipped(code, rule.only_selected))
                continue
            try:
                needed = _facts(rule, project)
                for finding in rule().check(**needed):
                    findings[finding] = None
            except DoesNotApply as reason:
                absent.append(Skipped(code, str(reason)))
            except CouldNotLook as reason:
                blind.append(Skipped(code, str(reason)))
            except Exception as error:  # noqa: BLE001 - one rule's mistake must not silence the others
                blind.append(Skipped(code, one_line(f"the rule failed: {type(error).__name__}: {error}")))
            else:
                blind += [Skipped(code, project.doubts[name]) for name in needed if name in project.doubts]
    asked = tuple(rule.__name__ for rule in rules)
    kept, accepted, used = _sorted_out(findings, config.accepted)
    unasked = {rule.__name__ for rule in rules if rule.only_selected and rule.__name__ not in select}
    looked = set(asked).difference((each.code for each in blind), unasked)
    kept += [_stale(each) for each in config.accepted if each.code in looked and each not in used]
    kept.sort(key=lambda each: (each.location.file or "", each.location.line or 0, each.code, each.message))
    return Report(tuple(kept), tuple(accepted), tuple(absent), tuple(blind), asked)


def _facts(rule: type[Rule], project: Project) -> dict[str, object]:
    """The facts that a rule names as parameters of `check`; None for an optional one that is not to be had."""
    found: dict[str, object] = {}
    for name, parameter in list(inspect.signature(rule.check).parameters.items())[1:]:
        try:
            found[name] = project.fact(name)
        except (DoesNotApply, CouldNotLook):
            if parameter.default is parameter.empty:
                raise
            found[name] = None
    return found


def exit_status(report: Report) -> int:
    """0: nothing found. 1: findings. 2: no findings, but not everything could be looked at."""
    return 1 if report.findings else 2 if report.could_not_look else 0


def render(report: Report, format: str = "text") -> str:  # noqa: A002 - the name of the option
    """The report as `text`, `json` or `github`."""
    return FORMATS[format](report)


def _text(report: Report) -> str:
    lines = [f"{each.location}: {_told(each)}" for each in report.findings]
    blind = {each.code for each in report.could_not_look}
    summary = f"{len(report.findings)} finding{'s' * (len(report.findings) != 1)} from {len(set(report.codes) - blind)} guards"
    lines.append(f"{summary}, {len(report.accepted)} accepted with a reason")
    for what, skipped in (("not checked", report.not_applicable), ("could not look", report.could_not_look)):
        for reason in dict.fromkeys(each.reason for each in skipped):
            names = ", ".join(each.code for each in skipped if each.reason == reason)
            lines.append(f"{what}: {names}: {reason}")
    return "\n".join(lines) + "\n"


def _json(report: Report) -> str:
    rows = [
        {"code": each.code, "message": _told(each), "file": each.location.file, "line": each.location.line}
        for each in report.findings
    ]
    return json.dumps(rows, indent=2) + "\n"


def _told(finding: Finding) -> str:
    return f"{'; '.join(filter(None, (finding.message, finding.hint)))} ({finding.code})"


def _github(report: Report) -> str:
    def escaped(text: object, more: str = "") -> str:
        return "".join(f"%{ord(each):02X}" if each in "%\r\n" + more else each for each in str(text))

    lines = []
    for each in report.findings:
        values = {"file": each.location.file, "line": each.location.line, "title": each.code}
        location = ",".join(f"{key}={escaped(value, ':,')}" for key, value in values.items() if value)
        lines.append(f"::error {location}::{escaped(_told(each))}")
    for kind, what, skipped in (
        ("notice", "not checked", report.not_applicable),
        ("error", "could not look", report.could_not_look),
    ):
        lines += [f"::{kind} title={escaped(s.code, ':,')}::{what}: {escaped(s.reason)}" for s in skipped]
    return "".join(f"{line}\n" for line in lines)


FORMATS: dict[str, Callable[[Report], str]] = {"text": _text, "json": _json, "github": _github}


def _chosen(select: Collection[str]) -> list[type[Rule]]:
    for name in select:
        if not name or not any(code.startswith(name) for code in codes()):
            raise ValueError(f"{name!r} is no guard; there are {', '.join(codes())}")
    return [rule for rule in RULES if not select or rule.__name__.startswith(tuple(select))]


def _known(accepted: Iterable[Acceptance]) -> None:
    for each in accepted:
        if each.code not in codes():
            raise ConfigError(f"accepted has the code {each.code}; the guards are {', '.join(codes())}")


def _sorted_out(
    findings: Iterable[Finding], accepted: Sequence[Acceptance]
) -> tuple[list[Finding], list[tuple[Finding, str]], set[Acceptance]]:
    """What stays a finding, what is accepted and why, and which acceptances were of use."""
    kept, settled, used = [], [], set()
    for finding in findings:
        for each in accepted:
            if each.code == finding.code and each.where in (finding.location.file, finding.subject):
                settled.append((finding, each.reason))
                used.add(each)
                break
        else:
            kept.append(finding)
    return kept, settled, used


def _stale(acceptance: Acceptance) -> Finding:
    message = f"accepted for {acceptance.where} ({one_line(acceptance.reason)}), where nothing is found any more"
    location = Location(FILE, acceptance.line)
    return Finding(acceptance.code, message, "remove the entry", location, acceptance.where)


@contextlib.contextmanager
def _keeping_everything() -> Iterator[None]:
    """Let no garbage be collected: trees and facts live to the end, and to look through them took a third of a run."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
