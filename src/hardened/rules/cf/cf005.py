"""CF005: a secret that everybody can read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...deployment.compose import substituted
from ...deployment.yaml import Mapping
from ...knowledge.secret_names import is_literal_secret, is_secret_name, password_in
from ...model import CouldNotLook, Finding, Location, Rule
from ...project import Project
from ...source.symbols import SymbolTable
from ...source.tree import literal

if TYPE_CHECKING:
    from ...runtime.settings import Default


_LOCAL = re.compile(r"local|test|testing|dev|develop|development|ci")
_ENVIRONMENT = re.compile(r"(?:\w+_)?(?:ENV|ENVIRONMENT|STAGE)")


class CF005(Rule):
    """A secret that everybody can read.

    What counts: a secret of the class that `settings` names whose default it takes in production (tried, offline: its own
    validation is given strong values for all else); a secret written out in the source, as a value, an argument or the
    default of a variable of the environment; and in compose files and manifests, in a variable, an address, a ConfigMap or a
    Secret. Quiet are references (`${NAME:?}`, `secretKeyRef`, `..._FILE`), what is empty, a value that the settings refuse
    in production, and compose files whose services all run as local or test.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        known: frozenset[str] = frozenset()
        classes: frozenset[tuple[str, str]] = frozenset()
        problem = ""
        defaults: tuple[Default, ...] = ()
        if project.config.settings:
            try:
                settings = project.settings
            except CouldNotLook as reason:
                problem = str(reason)
            else:
                known, classes, defaults = settings.known, settings.classes, settings.defaults
                problem = settings.problem if defaults else ""
        for default in defaults:
            if default.accepted:
                yield self.finding(
                    f"{default.name.upper()} has a default that anybody can read and is taken in {default.accepted}; "
                    "refuse it there, or have no default",
                    default.location,
                    default.name,
                )
        for names in project.source.own:
            for name, location in _written_secrets(names, known, classes):
                yield self.finding(
                    f"{name} is a secret that is written out in the source; take it from the settings",
                    location,
                    name,
                )
        yield from self._compose(project)
        yield from self._cluster(project)
        if problem:
            raise CouldNotLook(problem)

    def _compose(self, project: Project) -> Iterator[Finding]:
        services = list(project.compose.services.values())
        built = [each.environment for each in services if each.is_built]
        stages = [value for each in built for name, value in each.items() if _ENVIRONMENT.fullmatch(name)]
        if len(stages) >= len(built) > 0 and all(_LOCAL.fullmatch(each.lower()) for each in stages):
            return
        seen: set[Location] = set()
        for service in services:
            for variable in service.variables.values():
                if variable.from_file or variable.location in seen:
                    continue
                if _is_secret(variable.name, variable.value, variable.raw):
                    seen.add(variable.location)
                    yield self._told(variable.name, service.name, variable.location, "${" + variable.name + ":?}")

    def _cluster(self, project: Project) -> Iterator[Finding]:
        root = project.config.root
        for container in project.cluster.containers():
            env = container.content.get("env")
            for each in env if isinstance(env, list) else ():
                name, value = str(each.get("name")), str(each.get("value") or "")
                if _is_secret(name, value, value):
                    location = Location.of(root, container.path, each.line_of("value"))
                    yield self._told(name, container.name, location, "secretKeyRef")
        for content, path in project.cluster.of_kind("ConfigMap", "Secret"):
            for table in ("data", "stringData"):
                data = content.get(table)
                if not isinstance(data, Mapping) or "sops" in content:
                    continue
                for name, value in data.items():
                    if _is_secret(name, str(value or ""), str(value or "")):
                        location = Location.of(root, path, data.line_of(name))
                        yield self._told(
                            name, str(content.get("kind")), location, "a Secret that is made outside of here"
                        )

    def _told(self, name: str, where: str, location: Location, instead: str) -> Finding:
        return self.finding(f"{name} of {where} is a secret that is written out here; write {instead}", location, name)


def _is_secret(name: str, value: str, raw: str) -> bool:
    """Whether a variable's value is a secret, or an address with one, and no reference to one."""
    if password_in(value):
        # What the references in it give, and would be empty, is not known.
        return bool(password_in(substituted(raw, "<?>").replace("$(", "<?>")))
    return is_secret_name(name) and "://" not in value and is_literal_secret(name, value)


def _written_secrets(
    names: SymbolTable, known: frozenset[str], classes: frozenset[tuple[str, str]]
) -> Iterator[tuple[str, Location]]:
    """Each secret that is written out in a module, with what it is called."""

    def is_secret(name: str, node: ast.AST | None) -> bool:
        value = literal(node) if isinstance(node, ast.expr) else ...
        value = value.decode(errors="replace") if isinstance(value, bytes) else value
        return isinstance(value, str) and value not in known and is_secret_name(name) and is_literal_secret(name, value)

    for node, within in names:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            inner = within[-1] if within and isinstance(within[-1], ast.ClassDef) else None
            if inner and ((names.file.path, inner.name) in classes or _is_enum(names, inner)):
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                name = getattr(target, "id", getattr(target, "attr", ""))
                value = node.value
                if isinstance(value, ast.Call) and names.meaning(value.func).endswith(("SecretStr", "SecretBytes")):
                    value = value.args[0] if value.args else value
                if is_secret(name, value):
                    yield name, Location(names.file.path, node.lineno)
    for use in names.uses():
        for each in use.node.keywords:
            if each.arg and is_secret(each.arg, each.value):
                yield each.arg, Location(names.file.path, each.value.lineno)
        variable = literal(use.argument("key", 0))
        if use.name in ("os.getenv", "os.environ.get") or (use.last == "config" and use.name.startswith("decouple.")):
            if isinstance(variable, str) and is_secret(variable, use.argument("default", 1)):
                yield variable, use.location
        elif use.name in ("jwt.encode", "jwt.decode", "jose.jwt.encode", "jose.jwt.decode") and is_secret(
            "signing_key", use.argument("key", 1)
        ):
            yield "the key of a token", use.location


def _is_enum(names: SymbolTable, node: ast.ClassDef) -> bool:
    return any(names.meaning(base).rpartition(".")[2].endswith(("Enum", "Flag")) for base in node.bases)
