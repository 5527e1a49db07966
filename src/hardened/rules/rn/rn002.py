"""RN002: a call that holds up the event loop, and with it every request of the process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Location, Rule
from ...project import Project
from ...source.call_graph import Function
from ...source.symbols import CallSite
from ...source.walks import is_generator
from ._shared import _CONSTRUCTORS, _lint

if TYPE_CHECKING:
    pass


class RN002(Rule):
    """A call that holds up the event loop, and with it every request of the process.

    What counts, in an `async def`: what ruff's ASYNC rules find, where no `noqa` stands; and what they do not see: a call of a
    blocking library (requests, sync httpx, sqlite3, psycopg, sync redis and SQLAlchemy, boto3, smtplib, ...), of subprocess, of
    `time.sleep` or a file under any name, and a plain `def` of the project that does one of these and is called directly.
    Quiet are `await in_thread(...)`, `asyncio.to_thread`, a plain `def` that is a route, a dependency or a job, and scripts.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        functions = project.call_graph
        seen: set[Location] = set()
        found, blind = _lint(project, "RN002")
        for each in found:
            seen.add(each.location)
            yield self.finding(
                f"{each.message.rstrip('.')} ({each.rule}): the event loop waits for it; {_ADVICE}",
                each.location,
                each.rule,
            )
        for use in project.source.uses:
            if not use.in_coroutine or use.location in seen:
                continue
            function = functions.called(use)
            told, message = _blocking(use), ""
            if told:
                message = f"{told}() holds up the event loop; {_ADVICE}"
            elif function is not None and not function.is_coroutine and (below := _blocks(function)):
                told, message = (
                    function.node.name,
                    f"{function.node.name}() calls {below}, which holds up the event loop; {_ADVICE}",
                )
            if told and not _has_noqa(project, use):
                seen.add(use.location)
                yield self.finding(message, use.location, told)
        if blind:
            raise blind


_ADVICE = "await its asynchronous kind, or run it in a thread"
_NAMES = re.compile(
    r"requests\.(?:get|post|put|patch|delete|head|options|request)"
    r"|requests\.(?:sessions\.)?[sS]ession\(\)\.(?:get|post|put|patch|delete|head|options|request|send)"
    r"|(?:sqlite3|psycopg2|pymysql|MySQLdb|pyodbc|smtplib|ftplib|imaplib|paramiko|ldap3|boto3)"
    r"\.(?:connect|client|resource|SMTP\w*|IMAP4\w*|FTP\w*|\w+\(\)\.(?!.*\bclose$).+)"
    r"|pymongo\.(?:\w+\.)*MongoClient\(\)\..+"
    r"|(?:httpx|httpx2)\.(?:get|post|put|patch|delete|head|options|request|stream)"
    r"|(?:httpx|httpx2)\.Client\(\)\.(?:get|post|put|patch|delete|head|options|request|stream|send)"
    r"|psycopg\.(?:connect|Connection\.connect)|psycopg(?:\.Connection)?\.?(?:connect)?\(\)\.\w+(?:\(\)\.\w+)*"
    r"|(?:redis|valkey)\.(?:Redis|StrictRedis|from_url|Redis\.from_url|RedisCluster)\(\)\.(?!pipeline$|lock$|close$)\w+"
    r"|(?:redis|valkey)\.(?:client\.)?Redis\(\)\.(?!pipeline$|lock$|close$)\w+"
    r"|sqlalchemy\.(?:orm\.)?(?:\w+\.)*(?:Session|Connection)\(\)\.(?:execute|scalars|scalar|get|commit|flush|refresh|query)"
    r"|sqlalchemy\.orm\.(?:\w+\.)?sessionmaker\(\)\(\)\.(?:execute|scalars|scalar|get|commit|flush|refresh|query)"
    r"|sqlalchemy\.create_engine\(\)\.(?:connect|begin)(?:\(\)\.execute)?"
    r"|subprocess\.(?:run|call|check_call|check_output|getoutput|getstatusoutput|Popen)"
    r"|time\.sleep|os\.(?:system|popen|wait|waitpid)|urllib\.request\.(?:urlopen|urlretrieve)|socket\.(?:create_connection|getaddrinfo|gethostbyname)"
    r"|open|io\.open|input|builtins\.(?:open|input)|pathlib\.Path\(\)\.(?:read_text|read_bytes|write_text|write_bytes|open)"
    r"|shutil\.(?:copy\w*|move|rmtree|make_archive)|bcrypt\.(?:hashpw|checkpw|kdf)|hashlib\.(?:pbkdf2_hmac|scrypt)|concurrent\.futures\.wait"
)


def _blocking(use: CallSite) -> str:
    """What a call blocks in; "" where it does not."""
    name = use.name
    return name.replace("()", "") if _NAMES.fullmatch(name) else ""


def _blocks(function: Function) -> str:
    """The first call in a plain function that blocks, itself or one level below."""
    if function.node.name in _CONSTRUCTORS or is_generator(function.node):
        return ""
    for use in function.calls:
        if told := _blocking(use):
            return told
    return ""


def _has_noqa(project: Project, use: CallSite) -> bool:
    """Whether the line says that ruff is not to say so."""
    path = project.config.root / (use.location.file or "")
    lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    line = lines[use.node.lineno - 1] if use.node.lineno <= len(lines) else ""
    return re.search(r"#\s*noqa(?:\s*$|:.*\bASYNC)", line) is not None
