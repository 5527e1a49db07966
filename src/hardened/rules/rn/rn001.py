"""RN001: a moment, an identifier or a random number that is taken once and shared by all that follow."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Location, Rule
from ...source.call_graph import CallGraph
from ...source.nodes import last_of
from ...source.shared_values import SharedValue, SharedValues, Sharing


class RN001(Rule):
    """A moment, an identifier or a random number that is taken once and shared by all that follow.

    Found are calls of a clock (not of a monotonic one), for a UUID or for a random number, also through a function of the
    project that only returns the result of such a call, where they run once: in a default argument; in the body of a class,
    so in the default of a column or field; in a module under the name of a run; in the constructor of an object that lives
    as long as the application (one that is made in a module, by a cached function, for `app.state`, or by such an object).
    In the functions that requests and jobs reach, found are assignments of such a value to an attribute of such an object,
    and of any value to one of a module or of `request.app.state`.

    Quiet are: callables (`default=utc_now`, `default_factory`), objects of a request, a value that is set once behind
    `is None`, counters, and names of the process's own values (`instance_id`) or of its knowledge of others (`last_seen`,
    `expires_at`).
    """

    def check(self, call_graph: CallGraph) -> Iterator[Finding]:
        seen: set[Location] = set()
        for each in SharedValues(call_graph).all():
            if each.location not in seen:
                seen.add(each.location)
                message, hint = _texts(each)
                yield self.finding(message, each.location, each.subject, hint=hint)


def _texts(value: SharedValue) -> tuple[str, str]:
    """The message and the hint."""
    call, name = f"{value.source}()", value.subject
    match value.sharing:
        case Sharing.DEFAULT:
            message = f"{call} is called once, when {name} is defined, and each call of it has that value"
            return message, "make None the default and call it inside"
        case Sharing.MODULE:
            message = f"{name} is what {call} gave when the module was imported, for every run of the process"
            return message, "call it at the start of each run"
        case Sharing.FIELD:
            plain = last_of(value.source)
            message = f"{name} is what {call} gave when the class was made, for every object of it"
            return message, f"name the function without calling it (default={plain}, default_factory=...)"
        case Sharing.CONSTRUCTOR:
            attribute = f"self.{name.partition('.')[2]}"
            message = (
                f"{value.within} lives as long as the application (made at {value.made_at}), and {attribute} is what "
            )
            return f"{message}{call} gave when it was made", "take it at the start of each run and hand it on"
        case Sharing.ASSIGNMENT:
            put = f"what {call} gives" if value.source else "a value"
            message = f"{value.within}() puts {put} on {name}, which all requests and jobs of the process share"
            return message, "hand it on as an argument, or make an object for each run"
