"""Facts from source about sessions: who begins and ends transactions, what commits when it is left, who makes tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Location
from .symbols import FUNCTIONS, SymbolTable
from .tree import Source
from .walks import own_nodes

#: What ends or begins a transaction. A savepoint is part of one.
ENDS = {"commit", "rollback", "begin"}
SESSION = re.compile(
    r"(^|_)(session|sess|db|database|conn|connection|engine|tx|txn|trans|transaction|uow)(maker)?$", re.IGNORECASE
)
READS = {"read_only", "readonly"}
#: What takes SQL as a text.
SPEAKS = {"text", "execute", "exec_driver_sql", "scalar", "scalars", "executescript", "DDL"}
LIBRARIES = {"sqlalchemy", "sqlmodel", "flask_sqlalchemy", "sqlalchemy_utils"}
_MAKES = re.compile(r"\s*(CREATE|DROP)\s+(UNLOGGED\s+)?TABLE\b(\s+IF\s+(NOT\s+)?EXISTS)?\s*\S*", re.IGNORECASE)


@dataclass(frozen=True)
class End:
    """A transaction that is begun or ended by hand: how, and in which module."""

    how: str
    name: str
    location: Location
    module: str


class Sessions:
    """What the source does with sessions and connections."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def ends(self) -> Iterator[End]:
        """Each transaction that is begun or ended by hand, however the function got there."""
        for names in self._source.own:
            for node, _ in names:
                if isinstance(node, ast.Attribute) and node.attr in ENDS and isinstance(node.ctx, ast.Load):
                    if self.is_session(names, node.value):
                        yield End(node.attr, ast.unparse(node), Location(names.file.path, node.lineno), names.module)
                elif isinstance(node, ast.Call):
                    yield from self._by_name(names, node, Location(names.file.path, node.lineno))

    def _by_name(self, names: SymbolTable, node: ast.Call, location: Location) -> Iterator[End]:
        name = names.meaning(node.func)
        if name == "getattr" and len(node.args) > 1:
            how = names.text(node.args[1])
            if how in ENDS and self.is_session(names, node.args[0]):
                yield End(how, ast.unparse(node), location, names.module)
        last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
        if last in SPEAKS and node.args and (text := names.text(node.args[0])):
            said = re.fullmatch(
                r"\s*(COMMIT|ROLLBACK|ABORT|END|BEGIN|START\s+TRANSACTION)"
                r"(?:\s+(?:WORK|TRANSACTION|IMMEDIATE|DEFERRED|EXCLUSIVE|CONCURRENT|AND\s+(?:NO\s+)?CHAIN))*\s*;?\s*",
                text,
                re.IGNORECASE,
            )
            if said:
                yield End(
                    "begin" if said[1].upper()[:1] in "BS" else "commit", repr(text.strip()), location, names.module
                )

    def is_session(self, names: SymbolTable, node: ast.AST) -> bool:
        """Whether an expression is a session, a connection, an engine or a transaction, as far as can be told."""
        meaning = names.meaning(node)
        root = meaning.partition(".")[0]
        if "begin_nested()" in meaning or self._is_savepoint(names, node):
            return False
        if root in LIBRARIES:
            return True
        if meaning and root != self._source.config.package.partition(".")[0] and root not in ("getattr", "self"):
            return False
        kind = self.kind_of(names, meaning) if meaning else ""
        if kind:
            return kind.partition(".")[0] in LIBRARIES
        inner = node.value if isinstance(node, ast.Await) else node
        inner = inner.func if isinstance(inner, ast.Call) else inner
        written = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        return SESSION.search(written) is not None

    @staticmethod
    def _is_savepoint(names: SymbolTable, node: ast.AST) -> bool:
        return any(
            "begin_nested" in ast.unparse(value) for _, value in names.given(node) if isinstance(value, ast.expr)
        )

    def kind_of(self, names: SymbolTable, meaning: str, deep: int = 0) -> str:
        """What of a library something of the project is: `Run().session` is annotated, `Db` has a base, a method gives one."""
        if deep > 4 or not meaning:
            return ""
        if meaning.partition(".")[0] in LIBRARIES:
            return meaning
        found = names.definition(meaning)
        if found is None:
            owner, _, attribute = meaning.removesuffix("()").rpartition(".")
            above = names.definition(owner)
            if above is None or not isinstance(above[1], ast.ClassDef):
                return ""
            return self.kind_of(above[0], self._annotated(*above, attribute), deep + 1)
        other, node = found
        if isinstance(node, ast.ClassDef):
            kinds = (self.kind_of(other, other.meaning(base), deep + 1) for base in node.bases)
            return next((each for each in kinds if each), "")
        if isinstance(node, FUNCTIONS) and node.returns is not None:
            given = node.returns
            if isinstance(given, ast.Subscript) and re.search(
                r"Iterator|Generator|ContextManager", ast.unparse(given.value)
            ):
                given = given.slice.elts[0] if isinstance(given.slice, ast.Tuple) else given.slice
            return self.kind_of(other, other.instance(given), deep + 1)
        return ""

    @staticmethod
    def _annotated(names: SymbolTable, owner: ast.AST, attribute: str) -> str:
        """What an attribute of a class is, by its annotation or by what `__init__` is given for it."""
        for node in ast.walk(owner):
            if isinstance(node, ast.AnnAssign):
                target = node.target
                written = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
                if written == attribute:
                    return names.instance(node.annotation)
            elif isinstance(node, ast.Assign):
                for each in node.targets:
                    if isinstance(each, ast.Attribute) and each.attr == attribute:
                        return names.meaning(node.value)
        return ""

    # What dependencies and tables are made of

    def dependencies(self) -> Iterator[tuple[SymbolTable, ast.AST, Location]]:
        """Each function of the project that a `Depends` without `scope="function"` names, and where it does."""
        known = {names.file.path: names for names in self._source.own}
        for use in self._source.uses:
            if use.last not in ("Depends", "Security") or not use.name.startswith("fastapi."):
                continue
            names = known[use.location.file or ""]
            scope, argument = use.argument("scope"), use.argument("dependency", 0)
            # A scope that is computed is judged in the running application.
            if argument is None or (scope is not None and names.text(scope) != "request"):
                continue
            found = names.definition(names.meaning(argument))
            if found is not None and isinstance(found[1], FUNCTIONS):
                yield *found, use.location

    def made_tables(self) -> Iterator[tuple[str, Location]]:
        """Each place that makes or drops tables."""
        for names in self._source.own:
            for node, _ in names:
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    if self._makes(names, node.value, node.attr):
                        yield ast.unparse(node), Location(names.file.path, node.lineno)
                elif isinstance(node, ast.Call) and node.args:
                    name, location = names.meaning(node.func), Location(names.file.path, node.lineno)
                    if name == "getattr" and len(node.args) > 1:
                        if self._makes(names, node.args[0], names.text(node.args[1]) or ""):
                            yield ast.unparse(node), location
                    elif (name.rpartition(".")[2] or getattr(node.func, "attr", "")) in SPEAKS:
                        said = _MAKES.match(names.text(node.args[0]) or "")
                        if said:
                            yield " ".join(said[0].split()), location

    def _makes(self, names: SymbolTable, base: ast.AST, attribute: str) -> bool:
        if attribute in ("create_all", "drop_all"):
            meaning = names.meaning(base)
            words = meaning.rpartition(".")[2], ast.unparse(base).rpartition(".")[2]
            known = meaning.partition(".")[0] in LIBRARIES
            return known or any(re.search(r"(^|_)(metadata|db)$", each, re.IGNORECASE) for each in words)
        return attribute in ("create", "drop") and isinstance(base, ast.Attribute) and base.attr == "__table__"

    # What ends a transaction when it is left

    def commits_late(self, names: SymbolTable, function: ast.AST) -> bool:
        """Whether a function with a `yield` commits after it: by hand, or by leaving what commits when it is left."""
        yields = [node for node in own_nodes(function) if isinstance(node, (ast.Yield, ast.YieldFrom))]
        if not yields:
            return False
        for node in own_nodes(function):
            if isinstance(node, (ast.With, ast.AsyncWith)):
                around = any(each in yields for each in ast.walk(node))
                if around and any(self._commits(names, item.context_expr, 0) for item in node.items):
                    return True
            elif isinstance(node, ast.Call) and node.lineno > yields[0].lineno and self._commits(names, node, 0):
                return True
        return False

    def _commits(self, names: SymbolTable, node: ast.AST, deep: int) -> bool:
        """Whether calling this, or leaving the context that it is, commits."""
        if isinstance(node, ast.Name):
            return any(self._commits(other, value, deep) for other, value in names.given(node) if value is not node)
        if not isinstance(node, ast.Call) or deep > 4:
            return False
        # What only reads has nothing to commit.
        if any(each.arg in READS and getattr(each.value, "value", False) is True for each in node.keywords):
            return False
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr in ("commit", "begin") and self.is_session(names, func.value):
            return True
        found = names.definition(names.meaning(func))
        if found is None:
            return False
        other, definition = found
        if isinstance(definition, ast.ClassDef):
            bodies = [each for each in definition.body if getattr(each, "name", "") in ("__exit__", "__aexit__")]
        else:
            bodies = [definition] if isinstance(definition, FUNCTIONS) else []
        return any(
            isinstance(each, ast.Call) and self._commits(other, each, deep + 1)
            for body in bodies
            for each in own_nodes(body)
        )
