# Owned by the template.
"""Running the guards: which of them, over what, and what becomes of their findings."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import clients, configuration, database, imports, jobs, routes, running, runs
from ._config import FILE, Acceptance, Config, ConfigError, load_config
from ._facts import Facts
from ._findings import CouldNotLook, DoesNotApply, Finding, Guard, Place, Refused
from ._source import words

#: Every guard there is, by name: one that nobody lists here cannot be lost in a folder.
GUARDS: tuple[type[Guard], ...] = (
    *database.GUARDS,
    *imports.GUARDS,
    *routes.GUARDS,
    *jobs.GUARDS,
    *clients.GUARDS,
    *configuration.GUARDS,
    *runs.GUARDS,
    *running.GUARDS,
)


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
    return tuple(guard.__name__ for guard in GUARDS)


def explain(code: str) -> str:
    """The whole story of a guard: what breaks, how it broke somebody, what to do."""
    if code not in codes():
        raise ValueError(f"{code!r} is no code; there are {', '.join(codes())}")
    return next(guard for guard in GUARDS if guard.__name__ == code).page().read_text(encoding="utf-8")


def run(root: Path, *, select: Collection[str] = ()) -> Report:
    """Judge the project in this folder. `select` names codes or families (`DB`); none means all.

    Imports the project's package into this process, writes nothing, and raises for nothing that the
    project does wrong; an unknown name in `select` is a ValueError.
    """
    guards = _chosen(select)
    try:
        config = load_config(root)
        _known(config.accepted)
    except ConfigError as error:
        return Report(could_not_look=(Skipped(FILE, str(error)),))
    facts = Facts(config)
    findings: dict[Finding, None] = {}
    absent: list[Skipped] = []
    blind: list[Skipped] = []
    with _keeping_everything():
        for guard in guards:
            code, facts.doubt = guard.__name__, ""
            if guard.only_selected and code not in select:
                absent.append(Skipped(code, guard.only_selected))
                continue
            try:
                for finding in guard().judge(facts):
                    findings[finding] = None
            except DoesNotApply as reason:
                absent.append(Skipped(code, str(reason)))
            except CouldNotLook as reason:
                blind.append(Skipped(code, str(reason)))
            except Exception as error:  # noqa: BLE001 - one guard's mistake must not silence the others
                blind.append(Skipped(code, words(f"the guard failed: {type(error).__name__}: {error}")))
            else:
                if facts.doubt:
                    blind.append(Skipped(code, facts.doubt))
    asked = tuple(guard.__name__ for guard in guards)
    for other in facts.refused:
        values = (getattr(other, name) for name in ("code", "message", "file", "line", "subject"))
        finding = Finding(*values)
        if finding.code in asked:
            findings[finding] = None
    kept, accepted, used = _sorted_out(findings, config.accepted)
    unasked = {guard.__name__ for guard in guards if guard.only_selected and guard.__name__ not in select}
    looked = set(asked).difference((each.code for each in blind), unasked)
    kept += [_stale(each) for each in config.accepted if each.code in looked and each not in used]
    kept.sort(key=lambda each: (each.file or "", each.line or 0, each.code, each.message))
    return Report(tuple(kept), tuple(accepted), tuple(absent), tuple(blind), asked)


def refuse(application: object, metadata: object, config: Config) -> None:
    """Raise Refused for an application that must not start; call it where one is built.

    Runs the guards that are cheap. One that cannot look does not stop the service: `check` says so.
    """
    from ._live import Live  # noqa: PLC0415 - a report over source alone has no use for it

    facts = Facts(config, Live(config, application, metadata))
    findings: list[Finding] = []
    for guard in GUARDS:
        if guard.at_start:
            with contextlib.suppress(DoesNotApply, CouldNotLook):
                findings += guard().judge(facts)
    kept, _, _ = _sorted_out(findings, config.accepted)
    if kept:
        raise Refused(tuple(kept), application)


def exit_status(report: Report) -> int:
    """0: nothing found. 1: findings. 2: no findings, but not everything could be looked at."""
    return 1 if report.findings else 2 if report.could_not_look else 0


def render(report: Report, format: str = "text") -> str:  # noqa: A002 - the name of the option
    """The report as `text`, `json` or `github`."""
    return FORMATS[format](report)


def _text(report: Report) -> str:
    lines = [f"{Place(each.file, each.line)}: {each.message}" for each in report.findings]
    blind = {each.code for each in report.could_not_look}
    summary = f"{len(report.findings)} finding{'s' * (len(report.findings) != 1)} from {len(set(report.codes) - blind)} guards"
    lines.append(f"{summary}, {len(report.accepted)} accepted with a reason")
    for what, skipped in (("not checked", report.not_applicable), ("could not look", report.could_not_look)):
        for reason in dict.fromkeys(each.reason for each in skipped):
            names = ", ".join(each.code for each in skipped if each.reason == reason)
            lines.append(f"{what}: {names}: {reason}")
    return "\n".join(lines) + "\n"


def _json(report: Report) -> str:
    names = ("code", "message", "file", "line")
    return json.dumps([{name: getattr(each, name) for name in names} for each in report.findings], indent=2) + "\n"


def _github(report: Report) -> str:
    def escaped(text: object, more: str = "") -> str:
        return "".join(f"%{ord(each):02X}" if each in "%\r\n" + more else each for each in str(text))

    lines = []
    for each in report.findings:
        values = {"file": each.file, "line": each.line, "title": each.code}
        place = ",".join(f"{key}={escaped(value, ':,')}" for key, value in values.items() if value)
        lines.append(f"::error {place}::{escaped(each.message)}")
    for kind, what, skipped in (
        ("notice", "not checked", report.not_applicable),
        ("error", "could not look", report.could_not_look),
    ):
        lines += [f"::{kind} title={escaped(s.code, ':,')}::{what}: {escaped(s.reason)}" for s in skipped]
    return "".join(f"{line}\n" for line in lines)


FORMATS: dict[str, Callable[[Report], str]] = {"text": _text, "json": _json, "github": _github}


def _chosen(select: Collection[str]) -> list[type[Guard]]:
    for name in select:
        if not name or not any(code.startswith(name) for code in codes()):
            raise ValueError(f"{name!r} is no guard; there are {', '.join(codes())}")
    return [guard for guard in GUARDS if not select or guard.__name__.startswith(tuple(select))]


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
            if each.code == finding.code and each.where in (finding.file, finding.subject):
                settled.append((finding, each.reason))
                used.add(each)
                break
        else:
            kept.append(finding)
    return kept, settled, used


def _stale(acceptance: Acceptance) -> Finding:
    message = f"accepted for {acceptance.where} ({words(acceptance.reason)}), where nothing is found any more"
    return Finding(
        acceptance.code, f"{message}; remove the entry ({acceptance.code})", FILE, acceptance.line, acceptance.where
    )


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
