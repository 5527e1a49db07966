"""Statements in source: values that are written to columns, and the targets of conflicts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..model import NOWHERE, Location
from ..records.tables import Column, Mapped, Table
from .call_graph import last_word
from .limits import CHAIN
from .nodes import last_of, walk
from .symbols import CallSite, SymbolTable
from .tree import Source
from .widths import Widths

CONFLICTS = {"on_conflict_do_update", "on_conflict_do_nothing"}
#: Names of rows without a type.
ROWS = {"row", "record", "obj", "instance", "entity"}
_ON_CONFLICT = re.compile(r"\bon\s+conflict\b", re.IGNORECASE)


@dataclass(frozen=True)
class Write:
    """A column of a plain integer type that is given a number that may be wider."""

    table: str
    column: Column
    width: float
    location: Location


@dataclass(frozen=True)
class Upsert:
    """A conflict target: the columns it names, or a constraint, and whether it names some of the rows."""

    table: Table
    columns: tuple[str, ...] = ()
    constraint: str = ""
    partial: bool = False
    location: Location = NOWHERE
    historic: bool = False  # of a migration: the key may be one that was there at the time


@dataclass(frozen=True)
class Text:
    """A text in the source, `?` where only running it tells, and whether a migration says it."""

    content: str
    location: Location
    historic: bool = False


class Statements:
    """The package's statements on these tables and mapped classes."""

    def __init__(
        self, source: Source, mapped: Iterable[Mapped], tables: Iterable[Table], upserts: Iterable[str] = ()
    ) -> None:
        self._source = source
        self._widths = Widths()
        self._classes = {each.name: each for each in mapped}
        self._tables = {each.name: each for each in tables}
        self._upserts = frozenset(upserts)

    @cached_property
    def _plain(self) -> set[str]:
        """The names of columns of a plain integer type, and of the attributes that stand for them."""
        found = {each.name for table in self._tables.values() for each in table.columns if each.bits}
        return found | {
            key for each in self._classes.values() for key, column in each.attributes.items() if column.bits
        }

    # Values that are written

    def writes(self) -> Iterator[Write]:
        """Each write of a number that is known to be too wide for its column, or to have no bound."""
        if not self._plain:
            return
        for names in self._source.own:
            for node, _ in names:
                for table, column, value in self._written(names, node):
                    width = value if isinstance(value, float) else self._widths.of(names, value)
                    if width is not None and width > column.bits > 0:
                        line = getattr(node, "lineno", None) if isinstance(value, float) else value.lineno
                        yield Write(table, column, width, Location(names.file.path, line))

    def _written(self, names: SymbolTable, node: ast.AST) -> Iterator[tuple[str, Column, ast.expr | float]]:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and (found := self._attribute(names, target)):
                    yield (*found, node.value)
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Attribute) and (found := self._attribute(names, node.target)):
                yield (*found, float(self._widths.grown(names, node) or 0))
        elif isinstance(node, ast.Call):
            yield from self._called(names, node)

    def _called(self, names: SymbolTable, node: ast.Call) -> Iterator[tuple[str, Column, ast.expr]]:
        name = names.meaning(node.func)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        pairs = [pair for each in given for pair in _pairs(names, each)]
        words = {keyword.arg for keyword in node.keywords}
        words |= {names.text(key) or getattr(key, "attr", None) for key, _ in pairs}
        if name not in ("setattr", "object.__setattr__") and self._plain.isdisjoint(words):
            return
        if name in ("setattr", "object.__setattr__") and len(node.args) == 3:
            target, text = node.args[0], names.text(node.args[1])
            written = self._attribute(names, ast.Attribute(target, text, ast.Store())) if text else None
            if written is not None:
                yield (*written, node.args[2])
            return
        owner: Mapped | Table | None = self._classes.get(name)
        if owner is None and isinstance(node.func, ast.Attribute):
            owner = self._statement(names, node.func.value)
        if owner is None:
            mentioned = [
                found for each in node.args if (found := self._owner(names, each) or self._statement(names, each))
            ]
            owner = mentioned[0] if len(mentioned) == 1 else None
        if owner is None:
            return
        columns = self._columns(owner)
        table = owner.table if isinstance(owner, Mapped) else owner.name
        for keyword in node.keywords:
            if keyword.arg in columns:
                yield table, columns[keyword.arg], keyword.value
        for key, value in pairs:
            column = self._column(names, key, columns)
            if column is not None:
                yield table, column, value

    def _attribute(self, names: SymbolTable, target: ast.Attribute) -> tuple[str, Column] | None:
        """The column that an assignment to an attribute writes."""
        base = target.value
        meaning = names.meaning(base)
        owners = [self._classes[meaning[:-2]]] if meaning.endswith("()") and meaning[:-2] in self._classes else []
        if not owners and isinstance(base, ast.Name):
            for other, value in names.given(base):
                owners += self._mentioned(other, value)
        if not owners and not (isinstance(base, ast.Name) and base.id in ("self", "cls")) and not meaning:
            # Nothing tells what it is but its own name, as `row` and `order` do.
            written = last_of(ast.unparse(base)).lower()
            owners = [each for each in self._classes.values() if target.attr in each.attributes]
            owners = [each for each in owners if written in ROWS or written in last_of(each.name).lower()]
        owners = [each for each in owners if target.attr in each.attributes]
        if len({each.table for each in owners}) != 1:
            return None
        return owners[0].table, owners[0].attributes[target.attr]

    def _mentioned(self, names: SymbolTable, node: ast.AST) -> list[Mapped]:
        """The mapped classes that an expression is about, such as `await session.get(Order, 1)`."""
        if not isinstance(node, ast.expr):
            return []
        found = {
            name: self._classes[name]
            for each in walk(node)
            if isinstance(each, (ast.Name, ast.Attribute)) and (name := names.meaning(each)) in self._classes
        }
        return list(found.values())

    def _owner(self, names: SymbolTable, node: ast.AST, deep: int = 0) -> Mapped | Table | None:
        """The mapped class or table that an expression is."""
        found = self._classes.get(names.meaning(node))
        if found is not None or deep > CHAIN:
            return found
        if isinstance(node, ast.Attribute) and node.attr == "__table__":
            return self._owner(names, node.value, deep + 1)
        for other, value in names.given(node):
            if isinstance(value, ast.Call) and other.meaning(value.func).endswith(".Table") and value.args:
                return self._tables.get(other.text(value.args[0]) or "")
            if isinstance(value, (ast.Attribute, ast.Name)):
                return self._owner(other, value, deep + 1)
        return None

    def _statement(self, names: SymbolTable, node: ast.AST, seen: set[ast.AST] | None = None) -> Mapped | Table | None:
        """The mapped class or table of a statement such as `insert(Order).values(...)`."""
        seen = set() if seen is None else seen
        if node in seen:
            return None
        seen.add(node)
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self._statement(names, node.value, seen)
        if isinstance(node, ast.Call):
            base = node.func.value if isinstance(node.func, ast.Attribute) else None
            last = last_of(names.meaning(node.func)) or last_word(node.func)
            if last in ("insert", "update", "Insert", "Update"):
                for each in (*node.args[:1], *(key.value for key in node.keywords), base):
                    if each is not None and (found := self._owner(names, each)):
                        return found
            return self._statement(names, base, seen) if base is not None else None
        for other, value in names.given(node):
            if isinstance(value, ast.expr) and (found := self._statement(other, value, seen)):
                return found
        return None

    def _columns(self, owner: Mapped | Table) -> dict[str, Column]:
        if isinstance(owner, Mapped):
            table = self._tables.get(owner.table)
            return {**({each.name: each for each in table.columns} if table else {}), **owner.attributes}
        return {each.name: each for each in owner.columns}

    def _column(self, names: SymbolTable, node: ast.AST | None, columns: dict[str, Column]) -> Column | None:
        """The column that a key of a dictionary or an element of a target names: a text, `Order.x`, `table.c.x`."""
        if node is None:
            return None
        text = names.text(node)
        if text is not None:
            return columns.get(text)
        if isinstance(node, ast.Attribute) and node.attr in ("name", "key") and isinstance(node.value, ast.Attribute):
            return self._column(names, node.value, columns)
        if isinstance(node, ast.Attribute):
            base = node.value
            base = base.value if isinstance(base, ast.Attribute) and base.attr in ("c", "columns") else base
            if self._owner(names, base) is not None:
                return columns.get(node.attr)
        return None

    # Conflict targets

    def upserts(self) -> Iterator[Upsert]:
        """Each conflict target that is written out: in calls, in SQL, and in calls of the functions that `upserts` names."""
        known = {names.file.path: names for names in self._source.own}
        for use in self._source.uses:
            names = known[use.location.file or ""]
            if use.last in CONFLICTS:
                yield from self._target(names, use)
            elif use.name in self._upserts:
                yield from self._helped(names, use)
        for text in self.texts:
            yield from self._sql(text)

    def _target(self, names: SymbolTable, use: CallSite) -> Iterator[Upsert]:
        receiver = use.node.func.value if isinstance(use.node.func, ast.Attribute) else None
        if isinstance(use.node.func, ast.Call) and use.node.func.args:
            receiver = use.node.func.args[0]  # getattr(statement, "on_conflict_do_update")
        owner = self._statement(names, receiver) if receiver is not None else None
        table = self._tables.get(owner.table) if isinstance(owner, Mapped) else owner
        if owner is None or table is None:
            return
        partial = use.argument("index_where") is not None
        constraint = names.text(use.argument("constraint"))
        if constraint is not None:
            yield Upsert(table, (), constraint, partial, use.location)
        columns = self._listed(names, use.argument("index_elements"), self._columns(owner))
        if columns:
            yield Upsert(table, columns, "", partial, use.location)

    def _helped(self, names: SymbolTable, use: CallSite) -> Iterator[Upsert]:
        arguments = (*use.node.args, *(each.value for each in use.node.keywords))
        owner = next((found for each in arguments if (found := self._owner(names, each))), None)
        table = self._tables.get(owner.table) if isinstance(owner, Mapped) else owner
        if owner is not None and table is not None:
            columns = self._listed(names, use.argument("key"), self._columns(owner))
            if columns:
                yield Upsert(table, columns, "", partial=False, location=use.location)

    def _listed(self, names: SymbolTable, node: ast.AST | None, columns: dict[str, Column]) -> tuple[str, ...]:
        """The columns of a target; none where one of them is no plain column, or only running it tells."""
        if isinstance(node, ast.Name):
            given = names.given(node)
            return self._listed(*given[0], columns) if len(given) == 1 else ()
        if isinstance(node, ast.AnnAssign):
            return self._listed(names, node.value, columns)
        if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return ()
        found = []
        for each in node.elts:
            column = self._column(names, each, columns)
            text = names.text(each)
            if column is None and (text is None or not text.isidentifier()):
                return ()
            found.append(column.name if column else str(text))
        return tuple(found)

    def _sql(self, text: Text) -> Iterator[Upsert]:
        for statement in re.split(r"\binsert\b", text.content, flags=re.IGNORECASE)[1:]:
            into = re.match(r'(?:\s+or\s+\w+)?\s+into\s+(?:["`\[]?\w+["`\]]?\.)?["`\[]?(\w+)', statement, re.IGNORECASE)
            conflict = _ON_CONFLICT.search(statement)
            if into is None or conflict is None or into[1] not in self._tables:
                continue
            table, rest = self._tables[into[1]], statement[conflict.end() :]
            if named := re.match(r'\s+on\s+constraint\s+"?(\w+)', rest, re.IGNORECASE):
                yield Upsert(table, (), named[1], partial=False, location=text.location, historic=text.historic)
            elif listed := re.match(r"\s*\(([^()]*)\)\s*(where\b)?", rest, re.IGNORECASE):
                columns = tuple(each.strip().strip('"`[]') for each in listed[1].split(","))
                if all(each.isidentifier() for each in columns):
                    yield Upsert(table, columns, "", bool(listed[2]), text.location, text.historic)

    @cached_property
    def texts(self) -> list[Text]:
        """Each SQL text of the package and the migrations with a conflict clause; docstrings are none."""
        files = {names.file.path: names for names in self._source.own}
        here = self._source.versions
        for path in self._source.files:
            if (self._source.root / path).is_relative_to(here) and (names := self._source.names(path)):
                files[path] = names
        found = []
        for path, names in files.items():
            historic = (self._source.root / path).is_relative_to(here)
            parts: set[int] = set()
            for node, _ in names.nodes(ast.Expr, ast.Constant, ast.JoinedStr, ast.BinOp):
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    parts.add(id(node.value))
                if id(node) in parts or not isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
                    continue
                text = self._text(names, node)
                if text is not None and _ON_CONFLICT.search(text):
                    parts.update(map(id, walk(node)))
                    found.append(Text(text, Location(path, node.lineno), historic))
        return found

    def _text(self, names: SymbolTable, node: ast.AST) -> str | None:
        """A text, with the names of tables that it takes from their classes."""
        if isinstance(node, ast.JoinedStr):
            return "".join(self._text(names, each) or "?" for each in node.values)
        inner = node.value if isinstance(node, ast.FormattedValue) else node
        if isinstance(inner, ast.Attribute) and inner.attr in ("__tablename__", "__table__"):
            owner = self._owner(names, inner.value)
            return owner.table if isinstance(owner, Mapped) else None
        return names.text(inner)

    def historic_keys(self) -> set[frozenset[str]]:
        """The columns of each key that a migration ever made, and of none in particular."""
        found: set[frozenset[str]] = set()
        folder = self._source.versions
        paths = [path for path in self._source.files if (self._source.root / path).is_relative_to(folder)]
        for names in filter(None, map(self._source.names, paths)):
            for use in names.uses():
                listed: list[ast.expr] = []
                if use.last in ("UniqueConstraint", "PrimaryKeyConstraint"):
                    listed = use.node.args
                elif use.last in ("create_unique_constraint", "create_primary_key") or use.argument("unique"):
                    several = [each for each in use.node.args if isinstance(each, (ast.List, ast.Tuple))]
                    listed = several[0].elts if several else use.node.args[:1]
                elif use.argument("primary_key"):
                    listed = use.node.args[:1]
                found.add(frozenset(text for each in listed if (text := names.text(each))))
        return found


def _pairs(
    names: SymbolTable, node: ast.AST, seen: frozenset[ast.AST] = frozenset()
) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The keys and values of a dictionary, of a list of them, or of what a name is given."""
    if node in seen:
        return
    seen |= {node}
    if isinstance(node, ast.Dict):
        yield from ((key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None)
    elif isinstance(node, (ast.List, ast.Tuple)):
        for each in node.elts:
            yield from _pairs(names, each, seen)
    elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        yield from _pairs(names, node.elt, seen)
    else:
        for other, value in names.given(node):
            # A value of another module would be worked out with the wrong names.
            if other is names and isinstance(value, (ast.Dict, ast.List, ast.ListComp)):
                yield from _pairs(names, value, seen)
