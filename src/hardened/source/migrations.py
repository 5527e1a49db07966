"""References in migrations that are read and not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..config.table import Config
from ..model import Location
from ..records.migrations import Migrated
from .files import File
from .nodes import child_nodes, last_of
from .symbols import FUNCTIONS, SymbolTable
from .tree import migration_of

_TABLE = r'(?:"?\w+"?\.)?"?(\w+)"?'
_OF = re.compile(
    rf"\b(?:ALTER\s+TABLE|CREATE\s+TABLE)\s+(?:(?:ONLY|IF\s+(?:NOT\s+)?EXISTS)\s+)*{_TABLE}", re.IGNORECASE
)
_REFERS = re.compile(rf"\bREFERENCES\s+{_TABLE}", re.IGNORECASE)
_NAMED = re.compile(rf"\bCONSTRAINT\s+{_TABLE}\s+FOREIGN\s+KEY", re.IGNORECASE)
_KEYS = re.compile(r'\bFOREIGN\s+KEY\s*\(\s*"?(\w+)"?', re.IGNORECASE)
_DROPS = re.compile(rf"\bDROP\s+(CONSTRAINT|COLUMN|TABLE)\s+(?:IF\s+EXISTS\s+)?{_TABLE}", re.IGNORECASE)


@dataclass(frozen=True)
class _Drop:
    kind: str
    table: str
    name: str

    def takes(self, made: Migrated) -> bool:
        """Report whether it drops a reference."""
        if self.kind == "TABLE":
            return self.name in (made.table, made.target)
        if self.table and made.table and self.table != made.table:
            return False
        if self.kind == "COLUMN":
            return self.name == made.column
        # A constraint without a name of its own is dropped by one that the database or a convention gave it.
        return not self.name or (self.name == made.constraint if made.constraint else made.column in self.name)


def references(config: Config) -> Sequence[Migrated]:
    """The foreign keys to authentication tables that are there once every migration has run.

    Files are parsed only where one of them has such a table's name and speaks of foreign keys.
    """
    targets = {last_of(each) for each in config.authentication_tables}
    folder = config.root / config.migrations
    paths = [each for each in sorted(folder.glob("*.py")) if not each.name.startswith(("__init__", "."))]
    word = re.compile(rf"\b({'|'.join(map(re.escape, sorted(targets)))})\b")
    if not targets or not any(_may_refer(each.read_text("utf-8", errors="replace"), word) for each in paths):
        return ()
    made: list[Migrated] = []
    for names in _in_order(config, paths):
        for said in _Migration(names).walk(names.file.tree, _Within()):
            if isinstance(said, Migrated):
                made.append(said)
            else:
                made = [each for each in made if not said.takes(each)]
    return [each for each in made if each.target in targets]


def _may_refer(text: str, word: re.Pattern[str]) -> bool:
    return re.search(r"foreign.?key|references", text, re.IGNORECASE) is not None and word.search(text) is not None


def _in_order(config: Config, paths: Sequence[Path]) -> Iterator[SymbolTable]:
    """The migrations in the order in which they run, else in that of their files."""
    pending: list[tuple[str, tuple[str, ...], SymbolTable]] = []
    for path in paths:
        location = Location.of(config.root, path)
        file = File(location.file or "", path)
        if file.tree is not None:
            migration = migration_of(file, location)
            pending.append(
                (
                    migration.revision,
                    (*migration.parents, *migration.depends_on),
                    SymbolTable(file, path.stem, package=False),
                )
            )
    known, done = {revision for revision, _, _ in pending}, set[str]()
    while pending:
        ready = [each for each in pending if not (set(each[1]) & known) - done] or pending[:1]
        for each in ready:
            done.add(each[0])
            yield each[2]
        pending = [each for each in pending if each not in ready]


@dataclass(frozen=True)
class _Within:
    """Context of a call: its table and column, and the tables of batches by their names."""

    table: str = ""
    column: str = ""
    batches: Mapping[str, str] = field(default_factory=dict)


class _Migration:
    """Reads one file; what `downgrade` does is left out."""

    def __init__(self, names: SymbolTable) -> None:
        self.names = names

    def walk(self, node: ast.AST | None, within: _Within) -> Iterator[Migrated | _Drop]:
        """The references and drops, in the order of the source."""
        if node is None or (isinstance(node, FUNCTIONS) and node.name == "downgrade"):
            return
        if isinstance(node, (ast.With, ast.AsyncWith)):
            batches = dict(within.batches)
            for item in node.items:
                call, name = item.context_expr, item.optional_vars
                if (
                    isinstance(call, ast.Call)
                    and self._last(call) == "batch_alter_table"
                    and isinstance(name, ast.Name)
                ):
                    batches[name.id] = self._text(call, "table_name", 0)
            within = replace(within, batches=batches)
        elif isinstance(node, ast.Call):
            within = self._around(node, within)
            yield from self._call(node, within)
        for child in child_nodes(node):
            yield from self.walk(child, within)

    def _around(self, call: ast.Call, within: _Within) -> _Within:
        last, batch = self._last(call), self._batch(call, within)
        if last in ("create_table", "Table"):
            return replace(within, table=self._text(call, "table_name", 0))
        if last == "add_column":
            return replace(within, table=self._text(call, "table_name", 0) if batch is None else batch)
        if last in ("Column", "mapped_column"):
            return replace(within, column=self._text(call, "name", 0))
        return within

    def _call(self, call: ast.Call, within: _Within) -> Iterator[Migrated | _Drop]:
        last, batch = self._last(call), self._batch(call, within)
        first = 0 if batch is not None else 1
        location = Location(self.names.file.path, call.lineno)
        if last == "create_foreign_key":
            table = batch if batch is not None else self._text(call, "source_table", 1)
            column = self._first(call, "local_cols", 2 + first)
            target = self._text(call, "referent_table", 1 + first)
            yield Migrated(table, column, target, self._text(call, "constraint_name", 0), location)
        elif last in ("ForeignKey", "ForeignKeyConstraint"):
            several = last == "ForeignKeyConstraint"
            target = self._first(call, "refcolumns", 1) if several else self._text(call, "column", 0)
            column = self._first(call, "columns", 0) if several else within.column
            table, _, _ = target.rpartition(".")
            yield Migrated(within.table, column, last_of(table), self._text(call, "name", -1), location)
        elif last == "drop_constraint":
            table = batch if batch is not None else self._text(call, "table_name", 1)
            yield _Drop("CONSTRAINT", table, self._text(call, "constraint_name", 0))
        elif last == "drop_column":
            table = batch if batch is not None else self._text(call, "table_name", 0)
            yield _Drop("COLUMN", table, self._text(call, "column_name", first))
        elif last == "drop_table":
            yield _Drop("TABLE", "", self._text(call, "table_name", 0))
        elif last in ("execute", "text", "exec_driver_sql", "DDL"):
            yield from self._sql(self._text(call, "sqltext", 0), location)

    def _sql(self, text: str, location: Location) -> Iterator[Migrated | _Drop]:
        table = _named(_OF, text)
        for kind, name in _DROPS.findall(text):
            yield _Drop(kind.upper(), table, name)
        for target in _REFERS.findall(text):
            yield Migrated(table, _named(_KEYS, text), target, _named(_NAMED, text), location)

    def _last(self, call: ast.Call) -> str:
        written = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        return last_of(self.names.meaning(call.func)) or written

    @staticmethod
    def _batch(call: ast.Call, within: _Within) -> str | None:
        """The table of the batch that something is done in; None outside of one."""
        base = call.func.value if isinstance(call.func, ast.Attribute) else None
        return within.batches.get(base.id) if isinstance(base, ast.Name) else None

    def _text(self, call: ast.Call, keyword: str, position: int) -> str:
        return self.names.text(_argument(call, keyword, position)) or ""

    def _first(self, call: ast.Call, keyword: str, position: int) -> str:
        node = _argument(call, keyword, position)
        return (self.names.text(node.elts[0]) or "") if isinstance(node, (ast.List, ast.Tuple)) and node.elts else ""


def _argument(call: ast.Call, keyword: str, position: int) -> ast.expr | None:
    named = {each.arg: each.value for each in call.keywords}
    if keyword in named or position < 0:
        return named.get(keyword)
    return call.args[position] if len(call.args) > position else None


def _named(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
