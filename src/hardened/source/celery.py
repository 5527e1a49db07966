"""Uses of Celery in source: applications, tasks, settings, and the names under which messages are sent."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..model import Location
from .symbols import FUNCTIONS, CallSite, Scope, SymbolTable
from .tree import Source, assigned, literal

APPLICATIONS = {"celery.Celery", "celery.app.Celery", "celery.app.base.Celery"}
TASKS = {"celery.shared_task", "celery.app.shared_task", "celery.task.task", "celery.decorators.task"}
SENDS = {"delay", "apply_async", "send_task"}


@dataclass(frozen=True)
class Definition:
    """A function that a decorator or a call makes a task or a job, and the line where that begins."""

    name: str
    location: Location
    node: ast.FunctionDef | ast.AsyncFunctionDef
    module: str
    maker: ast.expr


@dataclass(frozen=True)
class Written:
    """A line that gives a name a value."""

    location: Location
    given: ast.expr | None

    @cached_property
    def value(self) -> object:
        return literal(self.given)


def dotted(module: str, within: Iterable[Scope]) -> str:
    """The dotted name of the innermost of these scopes."""
    return ".".join((module, *(each.name for each in within if isinstance(each, (*FUNCTIONS, ast.ClassDef)))))


def named(name: str, among: Iterable[str]) -> bool:
    """Report whether a name is one of these, or of a module below that gives it on: `a.b._c.f` is `a.b.f`."""
    for each in among:
        module, _, last = each.rpartition(".")
        if name == each or (name.startswith(f"{module}.") and name.rpartition(".")[2] == last):
            return True
    return False


class CelerySource:
    """The uses of Celery in a package.

    Attributes:
        classes: the dotted names of Celery's application and of classes made from it.
        makers: the functions that make an application.
        with_celery: the modules that import Celery or kombu.
        tasks: the tasks.
        task_names: their dotted names.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.classes = set(APPLICATIONS)
        self._defined: list[tuple[SymbolTable, ast.FunctionDef | ast.AsyncFunctionDef, tuple[Scope, ...]]] = []
        for names in source.own:
            self._defined += [(names, *found) for found in names.nodes(ast.FunctionDef)]
            self._defined += [(names, *found) for found in names.nodes(ast.AsyncFunctionDef)]
        bases = [
            (dotted(names.module, (*within, node)), names.meaning(base))
            for names in source.own
            for node, within in names.nodes(ast.ClassDef)
            for base in node.bases
        ]
        while more := {mine for mine, base in bases if base in self.classes} - self.classes:
            self.classes |= more
        self.makers = {dotted(use.module, use.within) for use in self.applications}
        for names, node, within in self._defined:
            if names.instance(node.returns).removesuffix("()") in self.classes:
                self.makers.add(dotted(names.module, (*within, node)))
        self.with_celery = {each.module for each in source.imports if each.top in ("celery", "kombu")}
        self.tasks = [each for each in self._definitions() if self._makes_task(each)]
        self.task_names = {each.name for each in self.tasks}

    # Applications

    @property
    def applications(self) -> list[CallSite]:
        """The calls that make a Celery application."""
        return [use for use in self.source.uses if use.name in self.classes]

    def maker(self, address: str) -> CallSite | None:
        """The call that makes the application at this address, as far as calls lead there."""
        around: dict[str, list[CallSite]] = {}
        for use in self.source.uses:
            around.setdefault(dotted(use.module, use.within), []).append(use)
        pending, seen = [address.partition(":")[0]], set()
        while pending:
            here = pending.pop(0)
            if here in seen:
                continue
            seen.add(here)
            for use in around.get(here, ()):
                if use.name in self.classes:
                    return use
                pending.append(use.name)
        return None

    # Tasks and jobs

    def _definitions(self) -> Iterator[Definition]:
        for names, node, within in self._defined:
            mine = dotted(names.module, (*within, node))
            for each in node.decorator_list:
                yield Definition(
                    mine, Location(names.file.path, node.decorator_list[0].lineno), node, names.module, each
                )
        functions = {dotted(names.module, (*within, node)): (names, node) for names, node, within in self._defined}
        for use in self.source.uses:
            # `app.task(function)`, not above the function.
            for argument in use.node.args[:1]:
                mine = self._names(use).meaning(argument) if use.last in ("task", "shared_task") else ""
                if mine in functions:
                    yield Definition(mine, use.location, functions[mine][1], use.module, use.node)

    def _names(self, use: CallSite) -> SymbolTable:
        names = self.source.names(use.location.file or "")
        assert names is not None, "a file with a call in it compiles"  # noqa: S101 - for the type checker
        return names

    def _makes_task(self, definition: Definition) -> bool:
        names = self.source.names(definition.location.file or "")
        maker = definition.maker.func if isinstance(definition.maker, ast.Call) else definition.maker
        name = names.meaning(maker) if names else ""
        if name in TASKS:
            return True
        last = name.rpartition(".")[2] or (maker.attr if isinstance(maker, ast.Attribute) else "")
        base = name.rpartition(".")[0]
        if last != "task" or not isinstance(maker, ast.Attribute):
            return False
        if base.removesuffix("()") in self.classes or base in ("celery.current_app", "celery.app.app_or_default()"):
            return True
        return self._made(base) or (not base and definition.module in self.with_celery)

    def _made(self, base: str) -> bool:
        """Report whether a dotted name is of an application that one of the project's own functions makes."""
        return base.endswith("()") and base.removesuffix("()") in self.makers

    def jobs(self, decorators: Iterable[str]) -> list[Definition]:
        """The functions that one of these decorators makes jobs."""
        wanted = tuple(decorators)
        found = []
        for each in self._definitions():
            names = self.source.names(each.location.file or "")
            maker = each.maker.func if isinstance(each.maker, ast.Call) else each.maker
            if names and named(names.meaning(maker), wanted):
                found.append(each)
        return found

    # What is sent

    def is_task(self, name: str) -> bool:
        """Report whether a dotted name is of a task, or of something made from it: `x.tasks.add.s().set`."""
        while name:
            if name.removesuffix("()") in self.task_names:
                return True
            name = name.rpartition(".")[0]
        return False

    def sends(self, use: CallSite) -> bool:
        """Report whether a call puts a Celery task into a queue."""
        if use.last not in SENDS:
            return False
        base = use.name.rpartition(".")[0]
        if base.partition(".")[0] in ("celery", "kombu") or self.is_task(base):
            return True
        if base:
            return self._made(base)  # a pool of processes has an apply_async as well, and others a send_task
        return use.module in self.with_celery or use.last == "send_task"

    def text(self, names: SymbolTable, node: ast.expr | None) -> str | None:
        """The text of an expression, constants of the project's modules included; None where only running it tells."""
        found = names.text(node)
        if found is None and isinstance(node, ast.Attribute):
            file = self.source.modules.get(names.meaning(node.value))
            other = self.source.names(file.path) if file else None
            if other is not None and file is not None and file.tree is not None:
                found = other.text(assigned(file.tree.body).get(node.attr))
        return None if found is None or "?" in found else found

    def sent(self) -> Iterator[tuple[str, Location]]:
        """The names under which messages are sent to a worker, and the lines."""
        for use in self.source.uses:
            if use.last in ("send_task", "signature", "Signature") and (
                use.last == "send_task" or use.name.startswith("celery.")
            ):
                name = self.text(self._names(use), use.argument("name", 0) or use.argument("task", 0))
                if name is not None:
                    yield name, use.location

    def queues(self) -> tuple[dict[str, Location], bool]:
        """The queues that calls name, with their lines; True where a call names one that only running it tells."""
        found: dict[str, Location] = {}
        open_ended = False
        for use in self.source.uses:
            sending = self.sends(use) or (
                use.last in ("set", "apply_async") and self.is_task(use.name.rpartition(".")[0])
            )
            if sending and any(each.arg is None for each in use.node.keywords):
                open_ended = True
            value = use.argument("queue")
            if not sending or value is None:
                continue
            name = self.text(self._names(use), value)
            if name is None:
                open_ended = open_ended or literal(value) is not None
            else:
                found.setdefault(name, use.location)
        return found, open_ended

    # Settings

    @cached_property
    def settings(self) -> dict[str, list[Written]]:
        """The values that names are given, wherever they may be settings: arguments, keys, attributes and constants."""
        found: dict[str, list[Written]] = {}
        for names in self.source.own:
            for node, within in names.nodes(ast.keyword, ast.Dict, ast.Assign, ast.AnnAssign):
                for name, line, value in _given(node, within):
                    found.setdefault(name, []).append(Written(Location(names.file.path, line), value))
        return found

    def location(self, name: str, value: object = ..., *, also: Iterable[str] = ()) -> Location | None:
        """The line at which a setting is given a value; None where no line does."""
        found = [written for key in (name, *also) for written in self.settings.get(key, ())]
        exact = [written for written in found if written.value == value and value is not ...]
        computed = [written for written in found if written.value is ...]
        return next((written.location for written in (*exact, *computed, *found)), None)


def _given(node: ast.AST, within: tuple[Scope, ...]) -> Iterator[tuple[str, int, ast.expr | None]]:
    """The names that a node gives a value, each with its line."""
    if isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.lineno, node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, key.lineno, value
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Attribute):
                yield target.attr, node.lineno, node.value
            elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                yield str(target.slice.value), node.lineno, node.value
            elif isinstance(target, ast.Name) and all(isinstance(each, ast.ClassDef) for each in within):
                yield target.id, node.lineno, node.value
