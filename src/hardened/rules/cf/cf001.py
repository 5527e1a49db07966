"""CF001: a file of settings that is looked for in the folder somebody happens to be in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...model import Finding, Location, Rule
from ...records.settings import SettingsFacts
from ...source.symbols import CallSite, SymbolTable
from ...source.tree import Source, literal

_ENV_FILE = re.compile(r"(?:.*/)?\.env(?:\.(?!example$|sample$|template$|dist$)[\w-]+)*")


class CF001(Rule):
    """A file of settings that is looked for in the folder somebody happens to be in.

    What counts: `env_file` of pydantic-settings (in `SettingsConfigDict`, `class Config`, a class's own line, a call), the
    path of python-dotenv, environs, python-decouple and Starlette, and `Path(".env")` or `open(".env")`, where the path is
    relative or made from the working directory; `load_dotenv()` and `read_env()` without any; and the class that `settings`
    names, as it is once imported. Quiet are paths made from `__file__` or from a function of the project.
    """

    def check(self, source: Source, settings: SettingsFacts | None = None) -> Iterator[Finding]:
        seen: set[Location] = set()
        for names in [names for path in source.files if _is_read(source, path) and (names := source.names(path))]:
            for path, location in _env_files(names):
                if location not in seen:
                    seen.add(location)
                    yield self._relative(path, location)
        for path, location in settings.relative if settings else ():
            # The line of the class's configuration may be the one above.
            if not any(location.file == each.file for each in seen):
                yield self._relative(path, location)

    def _relative(self, path: str, location: Location) -> Finding:
        return self.finding(
            f"{path} is looked for in the folder that the process was started in, so a command from elsewhere has other "
            "settings",
            location,
            path,
            hint="make its path from __file__ or from the project's root",
        )


def _is_read(source: Source, path: str) -> bool:
    """Report whether a file is of the package, or the environment of the migrations."""
    absolute = source.root / path
    is_environment = absolute.is_relative_to(source.versions.parent) and absolute.name == "env.py"
    return is_environment or absolute.is_relative_to(source.package)


def _env_files(names: SymbolTable) -> Iterator[tuple[str, Location]]:
    """Each file of settings whose path depends on the working directory."""
    anchored: set[int] = set()
    for node, within in names.nodes(ast.BinOp, ast.ClassDef, ast.Assign, ast.AnnAssign):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            anchored.add(id(node.right))
        elif isinstance(node, ast.ClassDef):
            for each in node.keywords:
                if each.arg == "env_file" and (path := _depends(names, each.value)):
                    yield path, Location(names.file.path, node.lineno)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and within and isinstance(within[-1], ast.ClassDef):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = getattr(target, "id", "")
            if name == "env_file" and within[-1].name == "Config" and (path := _depends(names, node.value)):
                yield path, Location(names.file.path, node.lineno)
            if name == "model_config" and isinstance(node.value, ast.Dict):
                for key, value in zip(node.value.keys, node.value.values, strict=True):
                    if literal(key) == "env_file" and (path := _depends(names, value)):
                        yield path, Location(names.file.path, value.lineno)
    for use in names.uses():
        if id(use.node) not in anchored and (path := _env_file(names, use)):
            yield path, use.location


def _env_file(names: SymbolTable, use: CallSite) -> str:
    """The file of settings that a call reads, where its path depends on the working directory."""
    for keyword in ("env_file", "_env_file", "dotenv_path"):
        if (given := use.argument(keyword)) is not None:
            return _depends(names, given)
    root, first = use.name.partition(".")[0], use.node.args[0] if use.node.args else None
    if root == "dotenv" and use.last in ("load_dotenv", "dotenv_values"):
        if use.argument("stream") is not None:
            return ""
        return f"the file of {use.last}()" if first is None else _depends(names, first)
    if use.last == "read_env" and root in ("environs", "environ", ""):
        first = first or use.argument("path")
        return "the file of read_env()" if first is None else _depends(names, first)
    if use.name in ("decouple.RepositoryEnv", "starlette.config.Config"):
        return _depends(names, first)
    if use.name in ("pathlib.Path", "open", "io.open") or use.name.startswith("os.path."):
        path = _depends(names, first)
        return path if _ENV_FILE.fullmatch(path) else ""
    return ""


def _depends(names: SymbolTable, node: ast.AST | None, seen: frozenset[ast.AST] = frozenset()) -> str:
    """The path that this gives, where it depends on the working directory; "" where not, and where nobody can tell."""
    node, names = names.written(node)
    if node is None or node in seen:
        return ""
    seen |= {node}
    if isinstance(node, ast.Constant):
        value = node.value
        return value if isinstance(value, str) and value and not value.startswith(("/", "~")) else ""
    if isinstance(node, ast.JoinedStr):
        first = literal(node.values[0]) if node.values else ...
        return f"{first}..." if isinstance(first, str) and not first.startswith(("/", "~")) else ""
    if isinstance(node, (ast.Tuple, ast.List)):
        return next((path for each in node.elts if (path := _depends(names, each, seen))), "")
    if isinstance(node, ast.BinOp):
        left, right = _depends(names, node.left, seen), literal(node.right)
        return f"{left}/{right if isinstance(right, str) else '...'}" if left else ""
    if isinstance(node, ast.IfExp):
        return _depends(names, node.body, seen) or _depends(names, node.orelse, seen)
    if isinstance(node, ast.BoolOp):
        return next((path for each in node.values if (path := _depends(names, each, seen))), "")
    return _depends_call(names, node, seen) if isinstance(node, ast.Call) else ""


def _depends_call(names: SymbolTable, node: ast.Call, seen: frozenset[ast.AST]) -> str:
    name, first = names.meaning(node.func), node.args[0] if node.args else None
    if name in ("pathlib.Path.cwd", "os.getcwd"):
        return "the working directory"
    if name == "dotenv.find_dotenv":
        return ".env" if any(each.arg == "usecwd" for each in node.keywords) else ""
    if name in ("pathlib.Path", "pathlib.PurePath", "str", "os.fspath", "os.path.join", "os.path.abspath"):
        parts = [str(literal(each)) for each in node.args[1:]]
        path = _depends(names, first, seen)
        return "/".join([path, *parts]) if path else ""
    if name in ("os.getenv", "os.environ.get") and len(node.args) > 1:
        return _depends(names, node.args[1], seen)
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr in ("resolve", "absolute", "expanduser", "joinpath", "as_posix"):
        return _depends(names, func.value, seen)
    return ""
