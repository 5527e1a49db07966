"""The page docs/catalogue.md: each code, where it fires and how it is proven, made from the guards and the proofs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from service.checks._findings import AtRunTime, Guard

from .._template import ROOT
from ._proofs import Case, Kind

PAGE = ROOT / "docs" / "catalogue.md"
FAMILIES = {
    "DB": "Databases",
    "RT": "Routes",
    "JB": "Background jobs",
    "CL": "Clients of other services",
    "IM": "Imports, packages, entry points",
    "CF": "Configuration and deployment",
    "RN": "Runs and state",
    "WS": "Websockets",
}
HEAD = """\
# The catalogue

Each failure really happened to somebody. `check` names it by its code, `check --explain CODE` tells the whole story, which is also
the page behind each code here. This page is made from the guards and their proofs: `nox -s failures -- --update-snapshots tests/failures`.

*Fires*: **check** without a server, from source or from the application's own objects; **start** the service refuses to start with it; **tests**
the service's own tests look for it, on real servers, and name it when they fail. *Asked* are guards that run only when they are named
(`check --select CODE`), since they take longer than all others together.

*Proofs*, each on a rendered service, with the whole check and on the line: the failure **brought back** as it happened, in **disguise**, in
a feature written in a **hurry**, **look-alikes** that must stay silent, and the protection **taken away**, upon which the service's tests must fail by
the name of the failure.
"""


def marked() -> Counter[str]:
    """How many tests of the service look for each code."""
    found: Counter[str] = Counter()
    for path in (ROOT / "template" / "tests").rglob("*.py.jinja"):
        found.update(re.findall(r"failure\(code=\"([A-Z]{2}\d{3})\"\)", path.read_text(encoding="utf-8")))
    return found


def page(guards: Iterable[type[Guard]], cases: Iterable[Case]) -> str:
    """The page as it should be."""
    guards = list(guards)
    counted = Counter((case.code, case.kind) for case in cases)
    tests = marked()
    parts = [HEAD]
    for family, title in FAMILIES.items():
        own = sorted((guard for guard in guards if guard.__name__.startswith(family)), key=lambda each: each.__name__)
        if own:
            parts.append(f"## {title}\n\n{_table(own, counted, tests)}\n")
    assert sum(part.count("](failures/") for part in parts) == len(guards), "a family has no heading"
    total = Counter(case_kind for (_, case_kind), count in counted.items() for _ in range(count))
    sums = ", ".join(f"{total[kind]} {kind}" for kind in Kind)
    parts.append(f"{len(guards)} codes; {sum(total.values())} proofs: {sums}.\n")
    return "\n".join(parts)


def _table(guards: list[type[Guard]], counted: Counter[tuple[str, Kind]], tests: Counter[str]) -> str:
    lines = [
        "| code | what is wrong | fires | back | disguise | hurry | look-alike | taken away |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for guard in guards:
        code = guard.__name__
        title = (guard.__doc__ or "").partition("\n")[0].rstrip(".")
        numbers = " | ".join(str(counted[code, kind] or "") for kind in Kind)
        lines.append(f"| [{code}](failures/{code}.md) | {title} | {_fires(guard, tests[code])} | {numbers} |")
    return "\n".join(lines)


def _fires(guard: type[Guard], tests: int) -> str:
    check = "" if issubclass(guard, AtRunTime) else "asked" if guard.only_selected else "check"
    return ", ".join(filter(None, (check, "start" if guard.at_start else "", "tests" if tests else "")))
