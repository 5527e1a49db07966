"""Widths of the whole numbers that expressions compute: `x << 12` has no bound, `x & 0xFF` has 8 bits."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .limits import EXPRESSIONS
from .nodes import walk
from .symbols import FUNCTIONS, Scope, SymbolTable
from .tree import Source

UNBOUNDED = math.inf
#: Bits of the seconds since 1970 until 2029. A sum with them is small, and 31 bits are enough until 2038.
SECONDS = 30.8

#: Bits of the results of functions, whatever their arguments are.
KNOWN = {"hash": 63, "ord": 21, "time.time": SECONDS, "time.time_ns": 61, "zlib.crc32": 32}
#: Functions whose result is as wide as their argument.
SAME = {"abs", "round", "float", "math.floor", "math.ceil", "math.trunc"}
#: Methods that return a text, or a value that came in as one.
TEXTS = {"group", "strip", "lstrip", "rstrip", "replace", "removeprefix", "removesuffix", "hexdigest", "hex", "decode"}
TEXTS |= {"get", "readline", "read", "read_text", "join", "partition", "split"}
GROWS = (ast.LShift, ast.Mult, ast.Pow)


@dataclass(frozen=True)
class _State:
    """State of a computation: the names and functions that are being evaluated."""

    names: dict[tuple[int, str], float | None] = field(default_factory=dict)
    functions: tuple[int, ...] = ()
    deep: int = 0


class Widths:
    """The widths of one module's expressions, and of what it calls in others."""

    def __init__(self) -> None:
        self._inside: dict[int, _Inside] = {}

    def of(self, names: SymbolTable, node: ast.AST) -> float | None:
        """The bits that a number may have, its sign apart: None where nothing is known, UNBOUNDED without a bound."""
        return self._width(names, node, _State())

    def grown(self, names: SymbolTable, node: ast.AugAssign) -> float | None:
        """The same for what `x <<= n` and its like leave behind."""
        return self._operation(names, ast.BinOp(node.target, node.op, node.value), _State())

    def _width(self, names: SymbolTable, node: ast.AST | None, state: _State) -> float | None:
        if node is None or state.deep > EXPRESSIONS:
            return None
        state = replace(state, deep=state.deep + 1)
        if isinstance(node, ast.Constant):
            number = isinstance(node.value, (int, float)) and math.isfinite(node.value)
            return abs(int(node.value)).bit_length() if number else None  # type: ignore[arg-type]  # as just asked
        if isinstance(node, (ast.NamedExpr, ast.Await)):
            return self._width(names, node.value, state)
        if isinstance(node, ast.UnaryOp):
            return 1 if isinstance(node.op, ast.Not) else self._width(names, node.operand, state)
        if isinstance(node, ast.BinOp):
            written = self._number(names, node)
            return self._operation(names, node, state) if written is None else abs(written).bit_length()
        if isinstance(node, ast.IfExp):
            return self._most(names, (node.body, node.orelse), state)
        if isinstance(node, ast.BoolOp):
            return self._most(names, node.values, state)
        if isinstance(node, ast.Compare):
            return 1
        if isinstance(node, ast.Attribute):
            # Nothing but a UUID has one.
            return 128 if node.attr == "int" else None
        if isinstance(node, ast.Call):
            return self._call(names, node, state)
        if isinstance(node, ast.Name):
            return self._name(names, node, state)
        return None

    def _most(self, names: SymbolTable, nodes: Iterable[ast.AST | None], state: _State) -> float | None:
        return max((width for each in nodes if (width := self._width(names, each, state)) is not None), default=None)

    def _operation(self, names: SymbolTable, node: ast.BinOp, state: _State) -> float | None:
        left, right = self._width(names, node.left, state), self._width(names, node.right, state)
        known = left is not None and right is not None
        amount = self._number(names, node.right)
        match node.op:
            case ast.LShift():
                return left + amount if left is not None and amount is not None else UNBOUNDED
            case ast.RShift():
                return left if left is None or amount is None else max(left - amount, 0)
            case ast.Pow():
                base = self._number(names, node.left)
                if amount is not None:
                    return left * amount if left is not None else None
                return UNBOUNDED if base is None or abs(base) > 1 else 1
            case ast.Mult():
                if UNBOUNDED in (left, right):
                    return UNBOUNDED
                return left + right if left is not None and right is not None else None
            case ast.Add() | ast.Sub():
                if UNBOUNDED in (left, right):
                    return UNBOUNDED
                if left is None or right is None:
                    return None
                return max(left, right) + math.log2(1 + 2 ** -abs(left - right))
            case ast.BitOr() | ast.BitXor():
                return max((each for each in (left, right) if each is not None), default=None)
            case ast.BitAnd():
                return min((each for each in (left, right) if each is not None and each < UNBOUNDED), default=None)
            case ast.Mod():
                return right if right is not None and right < UNBOUNDED else None
            case ast.FloorDiv() | ast.Div():
                if left is None or not known:
                    return None
                return left if amount is None else max(left - max(abs(amount).bit_length() - 1, 0), 0)
        return None

    # Calls

    def _call(self, names: SymbolTable, node: ast.Call, state: _State) -> float | None:
        name = names.meaning(node.func)
        written = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        first = node.args[0] if node.args else None
        if name in KNOWN:
            return KNOWN[name]
        if name in SAME:
            return self._width(names, first, state)
        if name == "int":
            return self._int(names, node, state)
        if name == "int.from_bytes":
            return self._bytes(names, node)
        if written == "timestamp":
            return SECONDS
        if name == "sum" and isinstance(first, (ast.GeneratorExp, ast.ListComp)):
            width = self._width(names, first.elt, state)
            return None if width is None else width + 20
        if name == "min":
            widths = [self._width(names, each, state) for each in node.args]
            if len(widths) > 1 and all(each == UNBOUNDED for each in widths):
                return UNBOUNDED
            return min((each for each in widths if each is not None and each < UNBOUNDED), default=None)
        if name == "functools.reduce" and first is not None:
            return self._given_by(names, first, state)
        return self._given_by(names, node.func, state)

    def _int(self, names: SymbolTable, node: ast.Call, state: _State) -> float | None:
        first = node.args[0] if node.args else None
        base = node.args[1] if len(node.args) > 1 else next((e.value for e in node.keywords if e.arg == "base"), None)
        if base is not None or _is_text(names, first):
            digits = self._sliced(names, first)
            each = math.log2(max(self._number(names, base) or 10, 2))
            return UNBOUNDED if digits is None else math.ceil(digits * each)
        if isinstance(first, ast.Name):
            texts = [value for _, value in names.given(first) if _is_text(names, value)]
            return UNBOUNDED if texts else self._width(names, first, state)
        return self._width(names, first, state)

    def _given_by(self, names: SymbolTable, node: ast.AST, state: _State) -> float | None:
        """The width of the result of a lambda or of one of the project's functions."""
        if isinstance(node, ast.Lambda):
            return self._width(names, node.body, state)
        found = names.definition(names.meaning(node))
        if found is None or id(found[1]) in state.functions or len(state.functions) > 4:
            return None
        other, function = found
        if not isinstance(function, FUNCTIONS):
            return None
        below = _State(functions=(*state.functions, id(function)))
        return self._most(other, self._within(other).returned.get(function, ()), below)

    # Names

    def _name(self, names: SymbolTable, node: ast.Name, state: _State) -> float | None:
        given = names.given(node)
        here = [value for other, value in given if other is names]
        if len(here) < len(given):
            # A name of another module: a constant, which nothing there changes.
            (other, value), *more = [pair for pair in given if pair[0] is not names]
            return None if more else self._width(other, _value(value), state)
        inside = self._within(names)
        scope = inside.scope(names, node, here)
        key = (id(scope), node.id)
        if key in state.names:
            return state.names[key]
        if node.id in inside.checked.get(scope, ()):
            return None
        steps = [each for each in (_value(value) for value in here) if each is not None]
        steps += inside.changed.get(scope, {}).get(node.id, [])
        current: float | None = None
        for step in sorted(steps, key=lambda each: (getattr(each, "lineno", 0), getattr(each, "col_offset", 0))):
            whole = ast.BinOp(step.target, step.op, step.value) if isinstance(step, ast.AugAssign) else step
            itself = _mentions(whole, node.id)
            grows = any(isinstance(each, ast.BinOp) and isinstance(each.op, GROWS) for each in walk(whole))
            before = UNBOUNDED if itself and grows and step in inside.repeated else current
            width = self._width(names, whole, replace(state, names={**state.names, key: before}))
            if itself or current is None:
                current = width
            elif width is not None:
                current = max(current, width)
        return current

    # Numbers that are written down

    def _number(self, names: SymbolTable, node: ast.AST | None, seen: frozenset[ast.AST] = frozenset()) -> int | None:
        """A whole number that is written down, also as a constant or as a sum of them."""
        if node is None or node in seen:
            return None
        seen |= {node}
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) is int else None
        if isinstance(node, ast.BinOp):
            left, right = self._number(names, node.left, seen), self._number(names, node.right, seen)
            if left is None or right is None:
                return None
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case ast.LShift() if 0 <= right <= 1024:
                    return left << right
                case ast.Pow() if 0 <= right <= 1024 and abs(left) <= 1024:
                    return int(left**right)
            return None
        given = names.given(node)
        changed = self._within(names).changed.values() if given else ()
        if any(getattr(node, "id", "") in each for each in changed):
            return None
        return self._number(given[0][0], _value(given[0][1]), seen) if len(given) == 1 else None

    def _sliced(self, names: SymbolTable, node: ast.AST | None) -> int | None:
        """The most characters or bytes that `x[:n]` can have."""
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
            return None
        start = self._number(names, node.slice.lower) if node.slice.lower else 0
        stop = self._number(names, node.slice.upper)
        if start is None or (node.slice.upper is not None and stop is None):
            return None
        if stop is None:
            return -start if start < 0 else None
        return stop - start if start >= 0 and stop >= 0 else None

    def _bytes(self, names: SymbolTable, node: ast.Call) -> float:
        """The bits of `int.from_bytes(x[:n])`."""
        first = node.args[0] if node.args else None
        amount = self._sliced(names, first)
        if amount is None:
            return UNBOUNDED
        signed = any(each.arg == "signed" and getattr(each.value, "value", False) is True for each in node.keywords)
        return 8 * amount - signed

    def _within(self, names: SymbolTable) -> _Inside:
        if id(names) not in self._inside:
            self._inside[id(names)] = _Inside(names)
        return self._inside[id(names)]


class _Inside:
    """Returned values, changes in place, loops and checks of a module's functions."""

    def __init__(self, names: SymbolTable) -> None:
        self.returned: dict[ast.AST, list[ast.expr]] = {}
        self.changed: dict[ast.AST | None, dict[str, list[ast.AST]]] = {}
        self.checked: dict[ast.AST | None, set[str]] = {}
        self.repeated: set[ast.AST] = set()
        for node, around in names:
            scope = around[-1] if around else None
            if isinstance(node, ast.Return) and node.value is not None and scope is not None:
                self.returned.setdefault(scope, []).append(node.value)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                self.changed.setdefault(scope, {}).setdefault(node.target.id, []).append(node)
            elif isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
                self.repeated.update(walk(node))
                self.repeated.update(each.value for each in walk(node) if isinstance(each, ast.Assign))
            elif isinstance(node, ast.Assert) or (
                isinstance(node, ast.If) and any(isinstance(each, (ast.Raise, ast.Return)) for each in node.body)
            ):
                self.checked.setdefault(scope, set()).update(_compared(node.test))

    @staticmethod
    def scope(names: SymbolTable, node: ast.Name, values: list[ast.AST]) -> Scope | None:
        """The function in which a name is bound; None for the module's own."""
        around = names.around(values[0]) if values else names.around(node)
        return around[-1] if around else None


def _value(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.AnnAssign):
        return node.value
    return node if isinstance(node, ast.expr) else None


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in walk(node))


def _compared(test: ast.expr) -> set[str]:
    """The names whose size a condition looks at."""
    found = set()
    for each in walk(test):
        if isinstance(each, ast.Compare) and any(
            isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.NotIn, ast.In)) for op in each.ops
        ):
            found |= {inner.id for inner in walk(each) if isinstance(inner, ast.Name)}
    return found


def _is_text(names: SymbolTable, node: ast.AST | None) -> bool:
    if isinstance(node, ast.arg):
        return names.instance(node.annotation) in ("str()", "bytes()")
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Subscript):
        inner = node.slice
        named = isinstance(inner, ast.Constant) and isinstance(inner.value, str)
        return named or (isinstance(inner, ast.Slice) and _is_text(names, node.value)) or _is_text(names, node.value)
    if isinstance(node, ast.Call):
        return (isinstance(node.func, ast.Attribute) and node.func.attr in TEXTS) or names.meaning(node.func) in (
            "str",
            "input",
            "format",
            "hex",
            "bin",
        )
    return False


def shifts(source: Source, attributes: set[str]) -> bool:
    """Report whether a function of the package reads all of these attributes, and shifts or calls one that does."""
    for names in source.own:
        for node, _ in names.nodes(*FUNCTIONS):
            inside = list(walk(node))
            read = {each.attr for each in inside if isinstance(each, ast.Attribute)}
            if attributes <= read and any(_is_shift(names, each) for each in inside):
                return True
    return False


def _is_shift(names: SymbolTable, node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and (found := names.definition(names.meaning(node.func))) is not None:
        return isinstance(found[1], FUNCTIONS) and any(_shifts_left(each) for each in walk(found[1]))
    return _shifts_left(node)


def _shifts_left(node: ast.AST) -> bool:
    return isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.LShift)
