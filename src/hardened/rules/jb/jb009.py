"""JB009: an error that is swallowed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Location, Rule
from ...project import Project

if TYPE_CHECKING:
    pass


class JB009(Rule):
    """An error that is swallowed.

    Errors have one way up: to the boundary of the request or the job, where they are logged and recorded. Ruff finds
    `except:` (E722), `except Exception` that neither logs nor raises (BLE001), and `pass` or `continue` as the whole
    answer (S110, S112); `contextlib.suppress(Exception)` is found besides.

    Quiet are: a narrow `except` or `suppress`, one that logs the exception or raises, and a `noqa` with a reason.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        lines: set[Location] = set()
        for use in project.source.uses:
            if use.name != "contextlib.suppress":
                continue
            names = project.source.names(use.location.file or "")
            given = [each.value if isinstance(each, ast.Starred) else each for each in use.node.args]
            flat = [one for each in given for one in (each.elts if isinstance(each, (ast.Tuple, ast.List)) else [each])]
            wide = [each for each in flat if names and names.meaning(each) in ("Exception", "BaseException")]
            if wide:
                lines.add(use.location)
                yield self.finding(
                    f"suppress({ast.unparse(wide[0])}) swallows whatever goes wrong; name the errors that are meant",
                    use.location,
                )
        for each in project.lint["JB009"]:
            if each.location not in lines:
                lines.add(each.location)
                message = each.message.rstrip(".")
                yield self.finding(
                    f"{message[:1].lower()}{message[1:]} ({each.rule}): what goes wrong here vanishes; name the errors "
                    "that are meant, or log and raise",
                    each.location,
                )
