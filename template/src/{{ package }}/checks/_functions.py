# Owned by the template.
"""Facts from source about functions: which function a call runs, and what each of them calls."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from ._findings import Place
from ._names import FUNCTIONS, Names, Scope, Use
from ._source import Source


@dataclass(frozen=True)
class Function:
    """A `def` of the project. `name` is its dotted name: of a method, with its class."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    names: Names
    within: tuple[Scope, ...]

    @property
    def place(self) -> Place:
        """The line of its `def`."""
        return Place(self.names.file.path, self.node.lineno)

    @property
    def is_coroutine(self) -> bool:
        """Whether the event loop runs it."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def decorators(self) -> list[str]:
        """What its decorators are, as far as that is known: "functools.lru_cache"; the last word where no more is."""
        found = []
        for each in self.node.decorator_list:
            called = each.func if isinstance(each, ast.Call) else each
            last = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            found.append(self.names.meaning(called) or f".{last}")
        return found


class Functions:
    """The functions of the package, found by name, by place and by call."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.named: dict[str, Function] = {}
        for names in source.own:
            for node, within in names:
                if isinstance(node, FUNCTIONS):
                    outer = [each.name for each in within if not isinstance(each, (ast.Lambda, ast.Module))]
                    name = ".".join((names.module, *outer, node.name))
                    self.named.setdefault(name, Function(name, node, names, within))

    @cached_property
    def uses(self) -> dict[ast.AST, list[Use]]:
        """What each function calls by itself, by its node."""
        found: dict[ast.AST, list[Use]] = {}
        for use in self.source.uses:
            inner = next((each for each in reversed(use.within) if isinstance(each, (*FUNCTIONS, ast.Lambda))), None)
            if inner is not None and inner is use.function:
                found.setdefault(inner, []).append(use)
        return found

    def called(self, use: Use) -> Function | None:
        """The function that a call runs, where that is one of the project's."""
        return self.named.get(self.name_of(use))

    @staticmethod
    def name_of(use: Use) -> str:
        """The dotted name of what is called; of a method on `self`, with its class."""
        func = use.node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id in ("self", "cls"):
            for depth, scope in reversed(list(enumerate(use.within))):
                if isinstance(scope, ast.ClassDef):
                    outer = [
                        each.name for each in use.within[: depth + 1] if not isinstance(each, (ast.Lambda, ast.Module))
                    ]
                    return ".".join((use.module, *outer, func.attr))
        return use.name.replace("()", "")

    def at(self, file: str | None, line: int | None) -> Function | None:
        """The function that begins on a line, its decorators included."""
        for each in self.named.values():
            first = min([each.node.lineno, *(decorator.lineno for decorator in each.node.decorator_list)])
            if each.names.file.path == file and line is not None and first <= line <= each.node.lineno:
                return each
        return None
