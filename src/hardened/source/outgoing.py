"""Calls of other services: makers of clients, connections, waits and their limits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ..knowledge.clients import BROKERS, CLIENTS, CONNECTS, HTTP, ON_REDIS, REQUESTS, SHARED
from ..knowledge.timeouts import TIMEOUT_POSITIONS
from ..knowledge.waits import CLIENT_CALL, HTTP_WAITS, LOCAL, REDIS_CALL
from ..model import Location
from .call_graph import CallGraph
from .nodes import last_of, walk
from .symbols import CallSite, SymbolTable


def _is(name: str, table: dict[str, set[str]]) -> bool:
    root, _, rest = name.partition(".")
    if root not in table or not rest:
        return False
    last = last_of(rest)
    if last == "from_url":
        return _is(name.removesuffix(".from_url"), table) or rest.count(".") <= 1
    # A client that a library's own session makes is one; a method of a client is none.
    return last in table[root] and ("()" not in rest or rest.startswith(("Session()", "session", "GraphDatabase")))


def makes_client(use: CallSite, name: str) -> bool:
    """Return whether a call makes a client with connections of its own."""
    # Where a pool is made on the spot, it is the pool that counts.
    shares = any(not isinstance(use.argument(each), (ast.Constant, type(None))) for each in SHARED)
    return _is(name, CLIENTS) and not shares


def asks(use: CallSite, name: str) -> bool:
    """Return whether a call sends a request over HTTP, or makes a client that does."""
    return "()" not in name and _is(name, HTTP) and use.argument("transport") is None


def connects(use: CallSite, name: str) -> bool:
    """Return whether a call connects at once."""
    root, _, rest = name.partition(".")
    if root == "psycopg_pool":
        opened = use.argument("open")
        return rest == "ConnectionPool" and not (isinstance(opened, ast.Constant) and opened.value is False)
    if root in ("smtplib", "ftplib", "imaplib", "poplib"):
        # Without a host they wait for connect().
        return rest in CONNECTS[root] and bool(use.argument("host", 0) or root == "imaplib")
    if root in ("redis", "valkey") and "asyncio" not in rest:
        return "()" in rest and last_of(rest) in ON_REDIS
    if root in ("psycopg", "psycopg2", "paramiko"):
        return last_of(rest) == "connect"
    if root in ("requests", "httpx", "httpx2") and rest.startswith(("Session().", "session().", "Client().")):
        return last_of(rest) in REQUESTS
    return _is(name, CONNECTS) and "()" not in rest


def waits(use: CallSite, name: str) -> bool:
    """Return whether a call waits for the answer of another service."""
    root, _, rest = name.partition(".")
    last = last_of(rest)
    if root in ("httpx", "httpx2", "requests", "aiohttp", "urllib", "urllib3", "http"):
        return HTTP_WAITS.fullmatch(rest) is not None and use.argument("transport") is None
    if root in ("redis", "valkey", "aioredis"):
        return REDIS_CALL.fullmatch(rest) is not None and last not in LOCAL
    if root in ("smtplib", "ftplib", "imaplib", "poplib", "paramiko"):
        return connects(use, name) or re.fullmatch(r"\w+\(\)\.(?:send\w*|login)", rest) is not None
    if root == "aiosmtplib":
        return rest in ("send", "SMTP().connect", "SMTP().send_message")
    if root in CLIENTS and root not in BROKERS:
        made, _, asked = rest.partition("()")
        return last_of(made) in CLIENTS[root] and CLIENT_CALL.fullmatch(asked) is not None and last not in LOCAL
    return False


class EndlessCall(NamedTuple):
    """A call of another service without a limit of time."""

    what: str
    location: Location


class Timeouts:
    """Calls of other services, and the limits of time that they have."""

    def __init__(self, functions: CallGraph) -> None:
        self._functions = functions
        self._source = functions.source
        self._limited: dict[str, set[int]] = {}

    def missing(self) -> Iterator[EndlessCall]:
        """Yield each call without a limit."""
        for use in self._source.uses:
            name = self._functions.name_of(use)
            name = self._by_partial(use) if name in ("", "functools.partial()") else name
            if name and (what := self._without(use, name)):
                yield EndlessCall(what, use.location)

    @cached_property
    def _default(self) -> bool:
        """The package sets a limit for all sockets."""
        return any(
            use.name == "socket.setdefaulttimeout" and not self._none(use, use.argument("", 0))
            for use in self._source.uses
        )

    def _without(self, use: CallSite, name: str) -> str:
        root, _, rest = name.partition(".")
        last = last_of(rest)
        if any(each.arg is None for each in use.node.keywords):
            return ""  # **options may have one
        check = {
            "requests": self._requests,
            "httpx": self._httpx,
            "httpx2": self._httpx,
            "aiohttp": self._aiohttp,
            "urllib": self._positional,
            "urllib3": self._urllib3,
            "socket": self._positional,
            "smtplib": self._positional,
            "ftplib": self._positional,
            "imaplib": self._positional,
            "poplib": self._positional,
            "http": self._positional,
            "asyncio": self._stream,
            "botocore": self._botocore,
            "paramiko": self._paramiko,
        }.get(root)
        return check(use, root, rest, last) if check else ""

    def _requests(self, use: CallSite, root: str, rest: str, last: str) -> str:
        session = rest.startswith(("Session().", "session().", "sessions.Session()."))
        plain = rest in REQUESTS or rest.startswith("api.")
        if last not in REQUESTS or not (session or plain) or self._has(use):
            return ""
        return "" if session and self._session_has(use) else f"requests.{last}()"

    def _session_has(self, use: CallSite) -> bool:
        """Return whether the sessions of a module get a timeout by an adapter, or by a replaced `request`."""
        names = self._names(use)
        tree = names.file.tree if names else None
        for node in walk(tree) if tree else ():
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "mount" and len(node.args) > 1:
                adapter = node.args[1]
                made = names.meaning(adapter) if names else ""
                if not made.startswith("requests.") and not made.startswith("urllib3."):
                    return True
            if isinstance(node, ast.Assign) and any(
                getattr(each, "attr", "") in ("request", "send") for each in node.targets
            ):
                return True
        return False

    def _httpx(self, use: CallSite, root: str, rest: str, last: str) -> str:
        made = rest in HTTP["httpx"]
        asked = "()" in rest and last in REQUESTS | {"stream", "send"}
        value = use.argument("timeout")
        if not (made or asked) or value is None or not self._none(use, value):
            return ""
        if last in ("AsyncClient", "Client") and self._module_limits(use):
            return ""
        return "" if id(use.node) in self._limits(use) else f"{use.name or use.last}(timeout=None)"

    def _aiohttp(self, use: CallSite, root: str, rest: str, last: str) -> str:
        if rest != "ClientSession" and rest != "request":
            return ""
        value = use.argument("timeout")
        if value is not None and not self._none(use, value):
            return ""
        if id(use.node) in self._limits(use) or (rest == "ClientSession" and self._module_limits(use)):
            return ""
        return f"aiohttp.{last}()"

    def _urllib3(self, use: CallSite, root: str, rest: str, last: str) -> str:
        if rest == "request" and not self._has(use):
            return "urllib3.request()"
        if rest != "PoolManager" or self._has(use):
            return ""
        asked = [each for each in self._source.calls_of(use.module) if each.name.startswith("urllib3.PoolManager().")]
        return "" if asked and all(self._has(each) for each in asked) else "urllib3.PoolManager()"

    def _positional(self, use: CallSite, root: str, rest: str, last: str) -> str:
        if (
            last not in TIMEOUT_POSITIONS
            or "()" in rest
            or (root in ("smtplib", "ftplib") and use.argument("host", 0) is None)
        ):
            return ""
        value = use.argument("timeout", TIMEOUT_POSITIONS[last])
        starred = any(isinstance(each, ast.Starred) for each in use.node.args)
        limited = starred or (value is not None and not self._none(use, value)) or self._default
        return "" if limited else f"{root}.{rest}()"

    def _stream(self, use: CallSite, root: str, rest: str, last: str) -> str:
        opens = rest in ("open_connection", "open_unix_connection")
        return "" if not opens or id(use.node) in self._limits(use) else f"asyncio.{last}()"

    def _botocore(self, use: CallSite, root: str, rest: str, last: str) -> str:
        values = [use.argument(each) for each in ("read_timeout", "connect_timeout")]
        endless = last == "Config" and any(value is not None and self._none(use, value) for value in values)
        return "botocore.config.Config() with a timeout of None" if endless else ""

    def _paramiko(self, use: CallSite, root: str, rest: str, last: str) -> str:
        return "" if rest != "SSHClient().connect" or self._has(use) or self._default else "paramiko's connect()"

    # What they look at

    def _names(self, use: CallSite) -> SymbolTable | None:
        return self._source.names(use.location.file or "")

    def _has(self, use: CallSite) -> bool:
        value = use.argument("timeout")
        return value is not None and not self._none(use, value)

    def _none(self, use: CallSite, node: ast.expr | None, seen: frozenset[str] = frozenset()) -> bool:
        """Return whether a value is None, or a timeout of None: written out, or under a name of this module."""
        if isinstance(node, ast.Constant):
            return node.value is None
        if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
            named = getattr(node.func, "attr", getattr(node.func, "id", ""))
            return named == "Timeout" and self._none(use, node.args[0], seen)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "ClientTimeout":
            given = [each for each in node.keywords if each.arg in ("total", "sock_read")]
            return bool(given) and all(self._none(use, each.value, seen) for each in given)
        names = self._names(use)
        if isinstance(node, ast.Name) and names and names.file.tree and node.id not in seen:
            values = [
                each.value
                for each in names.file.tree.body
                if isinstance(each, (ast.Assign, ast.AnnAssign))
                for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
                if isinstance(target, ast.Name) and target.id == node.id and each.value is not None
            ]
            return bool(values) and all(self._none(use, each, seen | {node.id}) for each in values)
        return False

    def _limits(self, use: CallSite) -> set[int]:
        """The nodes of a module that run under `asyncio.timeout`, `wait_for` and their like."""
        path = use.location.file or ""
        if path not in self._limited:
            names, found = self._names(use), set()
            for node in walk(names.file.tree) if names and names.file.tree else ():
                if isinstance(node, (ast.With, ast.AsyncWith)):
                    limits = any(self._is_limit(names, use, each.context_expr) for each in node.items if names)
                    found |= {id(each) for one in node.body for each in walk(one)} if limits else set()
                elif isinstance(node, ast.Call) and names and names.meaning(node.func) == "asyncio.wait_for":
                    found |= {id(each) for each in walk(node)}
            self._limited[path] = found
        return self._limited[path]

    def _is_limit(self, names: SymbolTable, use: CallSite, node: ast.expr) -> bool:
        name = names.meaning(node.func) if isinstance(node, ast.Call) else ""
        limits = ("timeout", "timeout_at", "fail_after", "move_on_after", "fail_at", "move_on_at")
        root, _, last = name.partition(".")
        if root not in ("asyncio", "anyio", "trio", "async_timeout") or last_of(last) not in limits:
            return False
        return (
            isinstance(node, ast.Call)
            and bool(node.args or node.keywords)
            and not self._none(use, (node.args or [node.keywords[0].value])[0])
        )

    def _module_limits(self, use: CallSite) -> bool:
        """Return whether the requests in a client's module run under a limit, or have their own."""
        inside = self._limits(use)
        asked = [
            each
            for each in self._source.calls_of(use.module)
            if each.last in REQUESTS | {"send", "stream", "ws_connect"}
            and each.node is not use.node
            and isinstance(each.node.func, ast.Attribute)
        ]
        kept = [each for each in asked if id(each.node) in inside or self._has(each)]
        direct = [each for each in asked if each.name.partition(".")[0] in ("httpx", "httpx2", "aiohttp")]
        return bool(kept) and all(each in kept for each in direct)

    def _by_partial(self, use: CallSite) -> str:
        """The meaning of a name that `functools.partial` made without a timeout."""
        names = self._names(use)
        if not isinstance(use.node.func, ast.Name) or names is None or names.file.tree is None:
            return ""
        for scope in (*reversed(use.within), names.file.tree):
            for value in names.bindings(scope, use.node.func.id):
                if isinstance(value, ast.Call) and names.meaning(value.func) == "functools.partial" and value.args:
                    given = {each.arg: each.value for each in value.keywords}
                    if None not in given and ("timeout" not in given or self._none(use, given["timeout"])):
                        return names.meaning(value.args[0])
        return ""
