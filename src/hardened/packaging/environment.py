"""Distributions of the project's own environment, read from its folders: nothing of them is imported."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

from ..knowledge.distributions import OTHER_NAMES, REQUIRES
from ..model import CouldNotLook, one_line


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
    def _distributions(self) -> dict[str, metadata.Distribution]:
        # By the folders' names: parsing the metadata of each distribution takes a hundred times as long.
        found: dict[str, metadata.Distribution] = {}
        for folder in map(Path, self.path):
            try:
                beside = sorted(each for each in folder.iterdir() if each.suffix in (".dist-info", ".egg-info"))
            except OSError:
                continue
            for each in beside:
                if each.is_dir():
                    found.setdefault(normal(each.stem.partition("-")[0]), metadata.PathDistribution(each))
        return found

    @cached_property
    def _by_module(self) -> dict[str, set[str]]:
        """The distributions that have each module at the top."""
        found: dict[str, set[str]] = {}
        for name, distribution in self._distributions.items():
            for module in _modules(distribution):
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
        distribution = self._distributions.get(normal(name))
        yield from (distribution.requires or ()) if distribution else REQUIRES.get(normal(name), ())

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


def _modules(distribution: metadata.Distribution) -> Iterator[str]:
    stated = (distribution.read_text("top_level.txt") or "").split()
    if stated:
        yield from stated
        return
    for line in (distribution.read_text("RECORD") or "").splitlines():
        first = line.partition(",")[0].strip('"').partition("/")
        if first[1] and first[0].isidentifier():
            yield first[0]
        elif not first[1] and (module := re.match(r"([A-Za-z_]\w*)(?:\.[\w-]+)?\.(?:py|so|pyd)$", first[0])):
            yield module[1]
