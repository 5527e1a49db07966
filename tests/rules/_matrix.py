"""The page docs/catalogue.md: each code, where it fires and how it is proven, made from the rules and the proofs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from hardened.model import AtRunTime, Rule

from .._template import ROOT
from ._proofs import Case, Kind

PAGE = ROOT / "docs" / "catalogue.md"
# Refused by the service itself when it starts: `core/startup.py`.
AT_START = {"RT001", "DB002"}
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

Each failure really happened to somebody. `hardened check` names it by its code, `hardened explain CODE` prints the whole story, which is
also the page behind each code here. This page is made from the rules and their proofs: `nox -s rules -- --update-snapshots tests/rules`.

*Fires*: **check** without a server, from source or from the application's own objects; **start** the service refuses to start with it; **tests**
the service's own tests look for it, on real servers, and name it when they fail. *Asked* are rules that run only when they are named
(`hardened check --select CODE`).

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


def page(rules: Iterable[type[Rule]], cases: Iterable[Case]) -> str:
    """The page as it should be."""
    rules = list(rules)
    counted = Counter((case.code, case.kind) for case in cases)
    tests = marked()
    parts = [HEAD]
    for family, title in FAMILIES.items():
        own = sorted((rule for rule in rules if rule.__name__.startswith(family)), key=lambda each: each.__name__)
        if own:
            parts.append(f"## {title}\n\n{_table(own, counted, tests)}\n")
    assert sum(part.count("](../src/hardened/rules/") for part in parts) == len(rules), "a family has no heading"
    total = Counter(case_kind for (_, case_kind), count in counted.items() for _ in range(count))
    sums = ", ".join(f"{total[kind]} {kind}" for kind in Kind)
    parts.append(f"{len(rules)} codes; {sum(total.values())} proofs: {sums}.\n")
    return "\n".join(parts)


def _table(rules: list[type[Rule]], counted: Counter[tuple[str, Kind]], tests: Counter[str]) -> str:
    lines = [
        "| code | what is wrong | fires | back | disguise | hurry | look-alike | taken away |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rule in rules:
        code = rule.__name__
        link = f"../src/hardened/rules/{code[:2].lower()}/{code.lower()}.md"
        numbers = " | ".join(str(counted[code, kind] or "") for kind in Kind)
        lines.append(f"| [{code}]({link}) | {rule.title()} | {_fires(rule, tests[code])} | {numbers} |")
    return "\n".join(lines)


def _fires(rule: type[Rule], tests: int) -> str:
    check = "" if issubclass(rule, AtRunTime) else "asked" if rule.only_selected else "check"
    return ", ".join(filter(None, (check, "start" if rule.__name__ in AT_START else "", "tests" if tests else "")))
