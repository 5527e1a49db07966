"""Rules on facts of which some are made by hand."""

from __future__ import annotations

import inspect

from hardened.model import Finding, Rule
from hardened.run import configured

from .._project import Tree

Place = tuple[str | None, int | None]


def judged(rule: type[Rule], tree: Tree, **facts: object) -> list[Finding]:
    """The findings of a rule: these facts, and the others as the tree's files give them."""
    project = tree.facts
    for name, parameter in list(inspect.signature(rule.check).parameters.items())[1:]:
        if name not in facts and parameter.default is parameter.empty:
            facts[name] = project.fact(name)
    return list(configured(rule, project.config).check(**facts))


def places(findings: list[Finding]) -> list[Place]:
    """The files and lines of findings."""
    return [(each.location.file, each.location.line) for each in findings]
