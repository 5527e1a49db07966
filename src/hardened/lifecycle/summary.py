"""The summary of an update for the owner, as text that is Markdown too."""

from __future__ import annotations

from collections.abc import Sequence

from .merging import CHANGES
from .outcome import Move, Outcome

UNDO = "git reset --merge"


def summary(outcome: Outcome) -> str:
    """Write the summary."""
    step = f"template {outcome.version} -> {outcome.target}"
    match outcome.state:
        case "refused":
            return f"{outcome.service}: {outcome.reason}\n"
        case "current":
            return f"{outcome.service}: nothing to do, the template is at {outcome.version}\n"
        case "behind":
            return f"{outcome.service}: behind, {step} ({_join(outcome.behind)})\n"
    by = f" ({len(outcome.behind)} releases: {_join(outcome.behind)})" if len(outcome.behind) > 1 else ""
    kinds = [kind for kind, _ in outcome.files]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(CHANGES.values()) if kind in kinds)
    conflicts = [f"`{each.path}`: {each.cause}; {each.resolution}" for each in outcome.conflicts]
    parts = [
        f"{outcome.service}: {step}{by}\nFiles: {counts or 'none'}. Conflicts: {len(conflicts) or 'none'}.",
        _block("Conflicts", conflicts),
        _block("Questions", [f"{key}: {answer}" for key, answer in outcome.questions.items()]),
        _block("New rules", [f"{code}: {title}" for code, title in outcome.new_rules.items()]),
        _block("Moved", [_move(each) for each in outcome.moves]),
        _check(outcome),
        *(
            f"{title}, {version}:\n\n{body}"
            for version, headings in outcome.decisions.items()
            for title, body in headings.items()
        ),
        _block("Yours, so not touched; new services have it otherwise", [f"`{name}`" for name in outcome.seeded]),
        _block("Not delivered, since git ignores it here", [f"`{name}`" for name in outcome.ignored]),
        _block("Files", [f"{kind}: `{name}`" for kind, name in outcome.files]),
        _next_step(outcome),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _next_step(outcome: Outcome) -> str:
    if outcome.state == "updated":
        lock = "uv lock; git add uv.lock; " if outcome.stale_lock else ""
        commit = f'nox; git commit -m "Template {outcome.target}"'
        return f"Next: look at it (git diff --cached); {lock}{commit}. Undo: {UNDO}"
    if outcome.state == "conflicts":
        return f"Next: settle each conflict as it says, run nox, git commit. Undo all of it: {UNDO}"
    return "Nothing was changed: --dry-run"


def _block(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {line}" for line in lines)]) if lines else ""


def _join(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _move(move: Move) -> str:
    now = f"is `{move.new_path}`" if move.new_path else "is gone"
    until = f"; the old name goes with {move.removed_in}" if move.removed_in else ""
    imports = (
        f"change the imports in {_join([f'`{each}`' for each in move.imports])}"
        if move.imports
        else "no import of it found"
    )
    return f"`{move.path}` {now}{until}; {imports}"


def _check(outcome: Outcome) -> str:
    check = outcome.check
    counts = [
        f"{len(found)} finding{'s' * (len(found) != 1)} {when}"
        for when, found in (("before", check.before), ("after", check.after))
        if found is not None
    ]
    title = f"Check: {', '.join(counts)}{'; ' * bool(counts and check.reason)}{check.reason}"
    rows = [f"{each['file'] or 'somewhere'}:{each['line'] or 0}: {each['message']}" for each in check.new]
    return _block(f"{title}; new", rows) or title
