"""Distributions of the project's own environment, read from its folders: nothing of them is imported."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from importlib.machinery import PathFinder
from pathlib import Path

from ..knowledge.distributions import OTHER_NAMES, REQUIRES
from ..model import CouldNotLook, one_line

_REQUIRES_DIST = re.compile(r"^Requires-Dist:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)


def search_path(python: str) -> tuple[str, ...]:
    """The folders in which an interpreter looks for modules.

    Raises:
        CouldNotLook: the interpreter cannot be started.
    """
    if python == sys.executable:
        return tuple(each for each in sys.path if each)
    command = [python, "-c", r"import sys; print('\n'.join(sys.path[1:]))"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise CouldNotLook(one_line(f"{python} cannot be started: {error}")) from error
    return tuple(done.stdout.splitlines())


def normal(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


class Environment:
    """The distributions and modules in the folders that an interpreter looks through; without a path, nothing is known."""

    def __init__(self, path: Sequence[str] = ()) -> None:
        self.path = tuple(path)
        self.installed_in = tuple(each for each in path if Path(each).name in ("site-packages", "dist-packages"))

    @cached_property
    def _distributions(self) -> dict[str, Path]:
        """The folder with the metadata of each, by the names of the folders: no file of them is opened."""
        found: dict[str, Path] = {}
        for folder in map(Path, self.path):
            try:
                beside = sorted(each for each in folder.iterdir() if each.suffix in (".dist-info", ".egg-info"))
            except OSError:
                continue
            for each in beside:
                if each.is_dir():
                    found.setdefault(normal(each.stem.partition("-")[0]), each)
        return found

    @cached_property
    def _by_module(self) -> dict[str, set[str]]:
        """The distributions that have each module at the top."""
        found: dict[str, set[str]] = {}
        for name, folder in self._distributions.items():
            for module in _modules(folder):
                found.setdefault(module, set()).add(name)
        return found

    def has(self, name: str) -> bool:
        """Return whether a distribution is installed."""
        return normal(name) in self._distributions

    def distributions_of(self, module: str) -> set[str]:
        """The distributions that bring a module, by the normalised names."""
        top = module.partition(".")[0]
        return self._by_module.get(top, set()) | ({OTHER_NAMES[top]} if top in OTHER_NAMES else set())

    def requires(self, name: str) -> Iterator[str]:
        """The requirements that a distribution states; those of widespread ones are known where it is not installed."""
        folder = self._distributions.get(normal(name))
        yield from _requires(folder) if folder else REQUIRES.get(normal(name), ())

    def has_module(self, name: str) -> bool:
        """Return whether a module at the top may be there, of the standard library or of any folder."""
        return not self.path or name in sys.stdlib_module_names or self._found(name, self.path)

    def has_installed_module(self, name: str) -> bool:
        """Return whether a distribution, and not the project, has a module of this name at the top."""
        return self._found(name, self.installed_in)

    @staticmethod
    @cache
    def _found(name: str, path: tuple[str, ...]) -> bool:
        try:
            spec = PathFinder.find_spec(name, path)
        except (ImportError, ValueError, OSError):
            return False
        return spec is not None and spec.origin is not None and Path(spec.origin).exists()


def _requires(folder: Path) -> Iterable[str]:
    """The requirements of a distribution. Why: `importlib.metadata` parses the whole description, as a mail."""
    if folder.suffix == ".dist-info":
        headers = _text(folder / "METADATA").partition("\n\n")[0]
        return [" ".join(each.split()) for each in _REQUIRES_DIST.findall(headers)]
    from importlib.metadata import PathDistribution  # noqa: PLC0415 - hardly any distribution is installed like this

    return PathDistribution(folder).requires or ()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _modules(folder: Path) -> Iterator[str]:
    stated = _text(folder / "top_level.txt").split()
    if stated:
        yield from stated
        return
    for line in _text(folder / "RECORD").splitlines():
        first = line.partition(",")[0].strip('"').partition("/")
        if first[1] and first[0].isidentifier():
            yield first[0]
        elif not first[1] and (module := re.match(r"([A-Za-z_]\w*)(?:\.[\w-]+)?\.(?:py|so|pyd)$", first[0])):
            yield module[1]
