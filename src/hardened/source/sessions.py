"""Sessions, connections and transactions in source: which expressions are some, which calls begin and end them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ..knowledge.databases import LIBRARIES, POOLED, POOLS, TAKES_SQL
from ..model import Location
from .call_graph import last_word
from .nodes import last_of, walk
from .symbols import FUNCTIONS, SymbolTable
from .tree import Source
from .walks import own_nodes

#: Methods that end or begin a transaction. A savepoint is part of one.
ENDS = {"commit", "rollback", "begin"}
READS = {"read_only", "readonly"}
#: Origins that leave it to the name of a variable, besides the project's own.
_UNTYPED = {"self", "getattr", "next", "typing"}
_FACTORY_WORDS = {"local", "factory", "maker", "scope", "context", "manager"}
_CREATES = re.compile(r"\s*(CREATE|DROP)\s+(UNLOGGED\s+)?TABLE\b(\s+IF\s+(NOT\s+)?EXISTS)?\s*\S*", re.IGNORECASE)
_ENDS_SQL = re.compile(
    r"\s*(COMMIT|ROLLBACK|ABORT|END|BEGIN|START\s+TRANSACTION)"
    r"(?:\s+(?:WORK|TRANSACTION|IMMEDIATE|DEFERRED|EXCLUSIVE|CONCURRENT|AND\s+(?:NO\s+)?CHAIN))*\s*;?\s*",
    re.IGNORECASE,
)


class Role(StrEnum):
    """The part that an object plays for the database."""

    NONE = ""
    FACTORY = "factory"
    SESSION = "session"
    ENGINE = "engine"
    CONNECTION = "connection"
    POOLED = "connection of a driver's pool"
    TRANSACTION = "transaction"
    OTHER = "another object of the library"


class Resource(NamedTuple):
    """The role of an expression. It is certain where a type or an origin says so, and not where only a name does."""

    role: Role = Role.NONE
    certain: bool = True

    @property
    def is_session(self) -> bool:
        """Report whether it takes a connection with its first statement."""
        return self.role is Role.SESSION

    @property
    def is_connection(self) -> bool:
        """Report whether it is a connection from the beginning."""
        return self.role in (Role.CONNECTION, Role.POOLED)


_NAMED = {
    **dict.fromkeys(("session", "sess", "db", "conn", "connection"), Role.SESSION),
    **dict.fromkeys(("database", "tx", "txn", "trans", "transaction", "uow"), Role.TRANSACTION),
    "engine": Role.ENGINE,
}
"""Roles by the last word of a name. A `conn` is called as a session is."""

_OPENED = {Role.ENGINE: Role.CONNECTION, Role.FACTORY: Role.SESSION}
"""Roles of what `connect()` and `begin()` return."""


@dataclass(frozen=True)
class End:
    """A transaction that is begun or ended by hand: the method, the expression, and the module."""

    how: str
    name: str
    location: Location
    module: str


class Sessions:
    """The package's use of sessions and connections."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._package = source.config.package.partition(".")[0]

    def ends(self) -> Iterator[End]:
        """Each transaction that is begun or ended by hand, however the function got there."""
        for names in self._source.own:
            for node, _ in names.nodes(ast.Attribute, ast.Call):
                if isinstance(node, ast.Attribute) and node.attr in ENDS and isinstance(node.ctx, ast.Load):
                    if self.is_transactional(names, node.value):
                        yield End(node.attr, ast.unparse(node), Location(names.file.path, node.lineno), names.module)
                elif isinstance(node, ast.Call):
                    yield from self._by_name(names, node, Location(names.file.path, node.lineno))

    def _by_name(self, names: SymbolTable, node: ast.Call, location: Location) -> Iterator[End]:
        name = names.meaning(node.func)
        if name == "getattr" and len(node.args) > 1:
            how = names.text(node.args[1])
            if how in ENDS and self.is_transactional(names, node.args[0]):
                yield End(how, ast.unparse(node), location, names.module)
        last = last_of(name) or last_word(node.func)
        text = names.text(node.args[0]) if last in TAKES_SQL and node.args else None
        if text and (statement := _ENDS_SQL.fullmatch(text)):
            how = "begin" if statement[1].upper()[:1] in "BS" else "commit"
            yield End(how, repr(text.strip()), location, names.module)

    def is_transactional(self, names: SymbolTable, node: ast.AST) -> bool:
        """Report whether an expression is an object of the library that has transactions."""
        role, certain = self.resource(names, node)
        return role not in (Role.NONE, Role.POOLED) and (certain or role is not Role.FACTORY)

    # Roles of expressions

    def resource(self, names: SymbolTable, node: ast.AST) -> Resource:
        """The role of an expression: by its origin or type, else by its name."""
        if isinstance(node, ast.Await):
            return self.resource(names, node.value)
        meaning = names.meaning(node)
        if _is_savepoint(names, node, meaning):
            return Resource()
        if role := _role(meaning):
            return Resource(role)
        root = meaning.partition(".")[0].replace("()", "")
        if meaning and root not in LIBRARIES:
            origin = self.origin(names, meaning)
            if origin:
                return Resource(_role(origin))
            if root not in {self._package, *_UNTYPED} and not meaning.startswith("collections.abc.Callable"):
                return Resource()
        return self._named(names, node)

    def _named(self, names: SymbolTable, node: ast.AST) -> Resource:
        """The role that the name of an expression suggests."""
        called = node.func if isinstance(node, ast.Call) else node
        word = last_word(called)
        if isinstance(node, ast.Call) and word == "next" and node.args:
            return self.resource(names, node.args[0])
        if isinstance(called, ast.Attribute) and called is not node and word in ("connect", "begin"):
            owner = self.resource(names, called.value)
            return Resource(_OPENED.get(owner.role, Role.NONE), owner.role is Role.ENGINE)
        words = [each.lower() for each in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", word)]
        plain = [each for each in words if each not in _FACTORY_WORDS][-1:]
        last = "".join(plain).removeprefix("get").removeprefix("async")
        for suffix in _FACTORY_WORDS:
            last = last.removesuffix(suffix)
        role = _NAMED.get(last, Role.NONE)
        is_factory = role is Role.SESSION and words[-1] != last and called is node
        return Resource(Role.FACTORY if is_factory else role, certain=False)

    def origin(self, names: SymbolTable, meaning: str, seen: frozenset[str] = frozenset()) -> str:
        """The name in a library of a thing of the project: `Run().session` is annotated, `Db` has a base, a method returns one."""
        if _role(meaning) or meaning in seen or not meaning:
            return meaning if _role(meaning) else ""
        seen |= {meaning}
        found = names.definition(meaning)
        if found is None:
            owner, _, attribute = meaning.removesuffix("()").rpartition(".")
            above = names.definition(owner)
            if above is None or not isinstance(above[1], ast.ClassDef):
                return ""
            return self.origin(above[0], self._annotated(*above, attribute), seen)
        other, node = found
        if isinstance(node, ast.ClassDef):
            kinds = (self.origin(other, other.meaning(base), seen) for base in node.bases)
            return next((f"{each}()" for each in kinds if each), "")
        if isinstance(node, FUNCTIONS) and node.returns is not None:
            given = node.returns
            if isinstance(given, ast.Subscript) and re.search(
                r"Iterator|Generator|ContextManager", ast.unparse(given.value)
            ):
                given = given.slice.elts[0] if isinstance(given.slice, ast.Tuple) else given.slice
            return self.origin(other, other.instance(given), seen)
        return ""

    @staticmethod
    def _annotated(names: SymbolTable, owner: ast.AST, attribute: str) -> str:
        """The meaning of a class's attribute, by its annotation or by what `__init__` assigns to it."""
        for node in walk(owner):
            if isinstance(node, ast.AnnAssign):
                if last_word(node.target) == attribute:
                    return names.instance(node.annotation)
            elif isinstance(node, ast.Assign):
                for each in node.targets:
                    if isinstance(each, ast.Attribute) and each.attr == attribute:
                        return names.meaning(node.value)
        return ""

    # Dependencies and tables

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
            for node, _ in names.nodes(ast.Attribute, ast.Call):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    if self._makes(names, node.value, node.attr):
                        yield ast.unparse(node), Location(names.file.path, node.lineno)
                elif isinstance(node, ast.Call) and node.args:
                    name, location = names.meaning(node.func), Location(names.file.path, node.lineno)
                    if name == "getattr" and len(node.args) > 1:
                        if self._makes(names, node.args[0], names.text(node.args[1]) or ""):
                            yield ast.unparse(node), location
                    elif (last_of(name) or last_word(node.func)) in TAKES_SQL and (
                        made := _CREATES.match(names.text(node.args[0]) or "")
                    ):
                        yield " ".join(made[0].split()), location

    def _makes(self, names: SymbolTable, base: ast.AST, attribute: str) -> bool:
        if attribute in ("create_all", "drop_all"):
            meaning = names.meaning(base)
            words = last_of(meaning), last_of(ast.unparse(base))
            known = meaning.partition(".")[0] in LIBRARIES
            return known or any(re.search(r"(^|_)(metadata|db)$", each, re.IGNORECASE) for each in words)
        return attribute in ("create", "drop") and isinstance(base, ast.Attribute) and base.attr == "__table__"

    # Transactions that end when a block is left

    def commits_late(self, names: SymbolTable, function: ast.AST) -> bool:
        """Report whether a function with a `yield` commits after it: by hand, or by leaving a block that commits."""
        yields = [node for node in own_nodes(function) if isinstance(node, (ast.Yield, ast.YieldFrom))]
        if not yields:
            return False
        for node in own_nodes(function):
            if isinstance(node, (ast.With, ast.AsyncWith)):
                around = any(each in yields for each in walk(node))
                if around and any(self._commits(names, item.context_expr, set()) for item in node.items):
                    return True
            elif isinstance(node, ast.Call) and node.lineno > yields[0].lineno and self._commits(names, node, set()):
                return True
        return False

    def _commits(self, names: SymbolTable, node: ast.AST, seen: set[ast.AST]) -> bool:
        """Report whether a call, or leaving the block of its context manager, commits."""
        if node in seen:
            return False
        seen.add(node)
        if isinstance(node, ast.Name):
            return any(self._commits(other, value, seen) for other, value in names.given(node))
        if not isinstance(node, ast.Call):
            return False
        # A transaction that only reads has nothing to commit.
        if any(each.arg in READS and getattr(each.value, "value", False) is True for each in node.keywords):
            return False
        func = node.func
        owner = func.value if isinstance(func, ast.Attribute) and func.attr in ("commit", "begin") else None
        if owner is not None and self.is_transactional(names, owner):
            return True
        found = names.definition(names.meaning(func))
        if found is None or found[1] in seen:
            return False
        other, definition = found
        seen.add(definition)
        if isinstance(definition, ast.ClassDef):
            bodies = [each for each in definition.body if getattr(each, "name", "") in ("__exit__", "__aexit__")]
        else:
            bodies = [definition] if isinstance(definition, FUNCTIONS) else []
        calls = (each for body in bodies for each in own_nodes(body) if isinstance(each, ast.Call))
        return any(self._commits(other, each, seen) for each in calls)


def _is_savepoint(names: SymbolTable, node: ast.AST, meaning: str) -> bool:
    if "begin_nested()" in meaning:
        return True
    values = [value for _, value in names.given(node) if isinstance(value, ast.expr)]
    return any(last_word(each) == "begin_nested" for value in values for each in walk(value))


def _role(origin: str) -> Role:
    """The role of a library's name: "sqlalchemy.orm.sessionmaker()()" is a session."""
    root = origin.partition(".")[0].replace("()", "")
    owner, _, last = origin.rpartition(".")
    word, calls = last.replace("()", ""), last.count("()")
    if root in POOLS:
        return Role.POOLED if calls and word in POOLED else Role.NONE
    if root not in LIBRARIES:
        return Role.NONE
    if word in ("connect", "begin") and calls:
        return _OPENED.get(_role(owner), Role.TRANSACTION)
    if word.endswith(("Session", "scoped_session")) and calls:
        return Role.SESSION
    if word.lower().endswith("sessionmaker"):
        return Role.SESSION if calls > 1 else Role.FACTORY
    if word.lower().endswith("engine") and calls:
        return Role.ENGINE
    if word.endswith("Connection") and calls:
        return Role.CONNECTION
    if word == "session" and owner.endswith("SQLAlchemy()"):
        return Role.SESSION
    return Role.OTHER
