"""JB009: an error that is swallowed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from ...model import Finding, Location, Rule
from ...records.diagnostics import Diagnostic
from ...source.symbols import CallSite
from ...source.tree import Source


class JB009(Rule):
    """An error that is swallowed.

    Errors have one way up: to the boundary of the request or the job, where they are logged and recorded. Ruff finds
    `except:` (E722), `except Exception` that neither logs nor raises (BLE001), and `pass` or `continue` as the whole
    answer (S110, S112); `contextlib.suppress(Exception)` is found besides.

    Quiet are: a narrow `except` or `suppress`, one that logs the exception or raises, and a `noqa` with a reason.
    """

    def check(self, source: Source, lint: Mapping[str, Sequence[Diagnostic]] | None = None) -> Iterator[Finding]:
        lines: set[Location] = set()
        for call in source.uses:
            if call.name == "contextlib.suppress" and (wide := _wide(source, call)):
                lines.add(call.location)
                yield self.finding(
                    f"suppress({wide}) swallows whatever goes wrong",
                    call.location,
                    hint="name the errors that are meant",
                )
        for each in (lint or {}).get("JB009", ()):
            if each.location not in lines:
                lines.add(each.location)
                message = each.message.rstrip(".")
                yield self.finding(
                    f"{message[:1].lower()}{message[1:]} ({each.rule}): what goes wrong here vanishes",
                    each.location,
                    hint="name the errors that are meant, or log and raise",
                )


def _wide(source: Source, call: CallSite) -> str:
    """The argument of `suppress` that stands for every exception; "" where there is none."""
    names = source.names(call.location.file or "")
    given = [each.value if isinstance(each, ast.Starred) else each for each in call.node.args]
    flat = [one for each in given for one in (each.elts if isinstance(each, (ast.Tuple, ast.List)) else [each])]
    everything = ("Exception", "BaseException")
    return next((ast.unparse(each) for each in flat if names and names.meaning(each) in everything), "")
