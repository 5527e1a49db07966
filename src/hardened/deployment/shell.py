"""Shells: does the last command take the shell's place, or is it a child that no signal reaches?"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from ..model import Location
from .files import is_file, read_text
from .process import shell_script, started

_OPERATORS = {";", "&&", "||", "|", "&", "(", ")", ";;"}
_ENDS = re.compile(r"(fi|done|esac|\}|;;|else|then|\*\)|\w+\))(\s*;)?")
_SHELL = re.compile(rb"#!.*\b(sh|bash|dash|ash|zsh|ksh)\b")


def tells_the_group(words: tuple[str, ...]) -> bool:
    """Report whether an init process passes signals on to all children of the command: dumb-init, `tini -g`."""
    name = words[0].rpartition("/")[2] if words else ""
    options = [each for each in words[1:] if each.startswith("-")]
    return (name == "dumb-init" and "--single-child" not in options and "-c" not in options[:1]) or (
        name in ("tini", "docker-init") and "-g" in options[:3]
    )


def not_replaced(script: str) -> str:
    """The last command of a script, where the shell stays as its parent; "" where it does not."""
    if re.search(r"\btrap\b.*\b(TERM|15)\b", script):
        return ""
    lexer = shlex.shlex(script.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    pipe = False
    try:
        for each in lexer:
            if each in _OPERATORS:
                pipe = pipe or each == "|"
                commands.append([])
            else:
                commands[-1].append(each)
    except ValueError:
        return ""
    last = next((words for words in reversed(commands) if words), [])
    while last and re.fullmatch(r"\w+=.*", last[0]):
        last = last[1:]
    return "" if not last or (last[0] == "exec" and not pipe) else " ".join(last)[:60]


class Scripts:
    """The project's scripts, found from the paths that they have in an image."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def started(self, words: tuple[str, ...]) -> Location | None:
        """The last command of the script that is started, where the shell stays as its parent."""
        inner = started(words)
        if shell_script(words) == "":
            inner = tuple(word for word in inner[1:] if not word.startswith("-"))
        path = self._find(inner[0]) if inner else None
        if path is None:
            return None
        try:
            line = _last(read_text(path))
        except OSError:
            return None
        return None if line is None else Location.of(self.root, path, line)

    def _find(self, name: str) -> Path | None:
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        if not parts or ("/" not in name and "." not in name):
            return None
        tried = [self.root.joinpath(*parts[start:]) for start in range(len(parts))]
        # Where images are put together, scripts lie in one of a few folders.
        tried += [
            self.root / folder / parts[-1]
            for folder in ("scripts", "docker", "deploy", "bin", "compose", "ops", "infra")
        ]
        return next((path for path in tried if is_file(path) and _is_script(path)), None)


def _is_script(path: Path) -> bool:
    if path.suffix in (".py", ".sh"):
        return path.suffix == ".sh"
    try:
        return _SHELL.match(path.read_bytes()[:80]) is not None
    except OSError:
        return False


def _last(text: str) -> int | None:
    """The line of the last command, where that is no `exec`."""
    if re.search(r"^\s*trap\b.*\b(TERM|SIGTERM|15)\b", text, re.MULTILINE):
        return None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    joined: list[tuple[int, str]] = []
    going = False
    for number, line in lines:
        if going:
            begun, before = joined.pop()
            joined.append((begun, f"{before.removesuffix(chr(92))} {line}"))
        elif line and not line.startswith("#"):
            joined.append((number, line))
        else:
            continue
        going = line.endswith("\\")
    while joined and _ENDS.fullmatch(joined[-1][1]):
        joined.pop()
    if not joined:
        return None
    number, last = joined[-1]
    called = re.match(r"(\w+)(\s+\"?\$@\"?)?$", last)
    if called and (
        body := re.search(rf"^(?:function\s+)?{called[1]}" + r"\s*\(\)\s*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    ):
        inner = _last(body[1])
        return None if inner is None else text[: body.start(1)].count("\n") + inner
    return number if not_replaced(last) else None
