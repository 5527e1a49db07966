"""CF005: a secret that everybody can read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from ...config.table import Config
from ...deployment.compose import Compose, substituted
from ...deployment.kubernetes import Cluster
from ...knowledge.secret_names import is_literal_secret, is_secret_name, password_in
from ...model import Confidence, CouldNotLook, Finding, Location, Rule
from ...records.settings import KnownSecrets, SettingsFacts
from ...source.symbols import SymbolTable
from ...source.tree import Source, literal

_LOCAL = re.compile(r"local|test|testing|dev|develop|development|ci")
_ENVIRONMENT = re.compile(r"(?:\w+_)?(?:ENV|ENVIRONMENT|STAGE)")


class CF005(Rule):
    """A secret that everybody can read.

    What counts: a secret of the class that `settings` names whose default it takes in production (tried, offline: its own
    validation is given strong values for all else); a secret written out in the source, as a value, an argument or the
    default of a variable of the environment; and in compose files and manifests, in a variable, an address, a ConfigMap or a
    Secret. Quiet are references (`${NAME:?}`, `secretKeyRef`, `..._FILE`), what is empty, a value that the settings refuse
    in production, and compose files whose services all run as local or test. Where `settings` is named and was not imported,
    a secret in the source is a possible finding: the class may refuse it.
    """

    def check(
        self,
        config: Config,
        source: Source,
        compose: Compose,
        cluster: Cluster,
        settings: SettingsFacts | None = None,
    ) -> Iterator[Finding]:
        is_known = settings is not None or not config.settings
        settings = settings or SettingsFacts()
        yield from self._defaults(settings)
        for finding in self._source(source, settings):
            yield finding if is_known else replace(finding, confidence=Confidence.POSSIBLE)
        yield from self._compose(compose)
        yield from self._cluster(cluster)
        if settings.problem and settings.defaults:
            raise CouldNotLook(settings.problem)

    def _defaults(self, settings: SettingsFacts) -> Iterator[Finding]:
        for default in settings.defaults:
            if default.accepted:
                yield self.finding(
                    f"{default.name.upper()} has a default that anybody can read and is taken in {default.accepted}",
                    default.location,
                    default.name,
                    hint="refuse it there, or have no default",
                )

    def _source(self, source: Source, settings: SettingsFacts) -> Iterator[Finding]:
        for names in source.own:
            for name, location in _written_secrets(names, settings.known, settings.classes):
                message = f"{name} is a secret that is written out in the source"
                yield self.finding(message, location, name, hint="take it from the settings")

    def _compose(self, compose: Compose) -> Iterator[Finding]:
        services = list(compose.services.values())
        built = [each.environment for each in services if each.is_built]
        stages = [value for each in built for name, value in each.items() if _ENVIRONMENT.fullmatch(name)]
        if len(stages) >= len(built) > 0 and all(_LOCAL.fullmatch(each.lower()) for each in stages):
            return
        seen: set[Location] = set()
        for service in services:
            for each in service.variables.values():
                if each.from_file or each.location in seen:
                    continue
                if _is_secret(each.name, each.value, each.raw):
                    seen.add(each.location)
                    yield self._written_out(each.name, service.name, each.location, "${" + each.name + ":?}")

    def _cluster(self, cluster: Cluster) -> Iterator[Finding]:
        for container, name, value, location in cluster.environments():
            if _is_secret(name, value, value):
                yield self._written_out(name, container, location, "secretKeyRef")
        for kind, name, value, location in cluster.data("ConfigMap", "Secret"):
            if _is_secret(name, value, value):
                yield self._written_out(name, kind, location, "a Secret that is made outside of here")

    def _written_out(self, name: str, where: str, location: Location, instead: str) -> Finding:
        message = f"{name} of {where} is a secret that is written out here"
        return self.finding(message, location, name, hint=f"write {instead}")


def _is_secret(name: str, value: str, raw: str) -> bool:
    """Report whether a variable's value is a secret, or an address with one, and no reference to one."""
    if password_in(value):
        # What the references in it give, and would be empty, is not known.
        return bool(password_in(substituted(raw, "<?>").replace("$(", "<?>")))
    return is_secret_name(name) and "://" not in value and is_literal_secret(name, value)


def _written_secrets(
    names: SymbolTable, known: KnownSecrets, classes: frozenset[tuple[str, str]]
) -> Iterator[tuple[str, Location]]:
    """Each secret that is written out in a module, with its name."""

    def is_secret(name: str, node: ast.AST | None) -> bool:
        if not is_secret_name(name):
            return False
        value = literal(node) if isinstance(node, ast.expr) else ...
        value = value.decode(errors="replace") if isinstance(value, bytes) else value
        return isinstance(value, str) and is_literal_secret(name, value) and value not in known

    for node, within in names.nodes(ast.Assign, ast.AnnAssign):
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
        if use.name in ("os.getenv", "os.environ.get") or (use.last == "config" and use.name.startswith("decouple.")):
            variable = literal(use.argument("key", 0))
            if isinstance(variable, str) and is_secret(variable, use.argument("default", 1)):
                yield variable, use.location
        elif use.name in ("jwt.encode", "jwt.decode", "jose.jwt.encode", "jose.jwt.decode") and is_secret(
            "signing_key", use.argument("key", 1)
        ):
            yield "the key of a token", use.location


def _is_enum(names: SymbolTable, node: ast.ClassDef) -> bool:
    return any(names.meaning(base).rpartition(".")[2].endswith(("Enum", "Flag")) for base in node.bases)
