"""Compose files are read as Compose merges them; one that cannot be read is a problem and hides no other."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hardened.config.table import load_config
from hardened.deployment.compose import Compose, substituted


def compose(root: Path, **files: str) -> Compose:
    """What a project with these files has; names have `__` for the dot before `yaml`."""
    (root / "pyproject.toml").write_text('[tool.hardening]\npackage = "shop"\n')
    for name, content in files.items():
        (root / f"{name.replace('__', '.')}.yaml").write_text(textwrap.dedent(content))
    return Compose(load_config(root))


def test_an_override_lies_over_the_file_key_by_key(tmp_path: Path) -> None:
    made = compose(
        tmp_path,
        compose="""
        services:
          api:
            image: api:1
            command: [serve, --quiet]
            environment: {A: 1, B: 2}
            ports: ["8000:8000", "9000:9000"]
            healthcheck: {test: [CMD, "true"], interval: 5s}
        """,
        compose__override="""
        services:
          api:
            command: [serve]
            environment: [B=3, "C=$${x}"]
            ports: ["8000:8000", "127.0.0.1:8001:8000"]
            healthcheck: {interval: 1s}
        """,
    )
    (api,) = made.services.values()
    assert api.get("command") == ["serve"]
    assert api.environment == {"A": "1", "B": "3", "C": "${x}"}
    assert [port.host for port in api.ports] == [(8000,), (9000,), (8001,)]
    assert api.get("healthcheck") == {"test": ["CMD", "true"], "interval": "1s"}
    assert str(api.location("healthcheck", "test")) == "compose.yaml:8"
    assert str(api.location("healthcheck", "interval")) == "compose.override.yaml:7"
    assert str(api.location("command")) == "compose.override.yaml:4"
    assert str(api.location("deploy")) == "compose.override.yaml:3"


def test_what_is_extended_lies_below_and_tags_take_away(tmp_path: Path) -> None:
    made = compose(
        tmp_path,
        common="""
        services:
          base: {extends: lowest, image: "base:1", restart: always}
          lowest: {environment: {A: 1}, ports: ["1:1"], expose: [7]}
        """,
        compose="""
        x-more: &more {environment: {B: 2}}
        services:
          api:
            <<: *more
            extends: {service: base, file: common.yaml}
            ports: !override ["2:2/udp"]
            restart: !reset null
            env_file: [{path: own.env}, missing.env]
        """,
    )
    (tmp_path / "own.env").write_text("export B=9\n# no\nC='three words here'\n")
    (api,) = made.services.values()
    assert api.environment == {"A": "1", "B": "2", "C": "three words here"}
    assert [(port.host, port.protocol) for port in api.ports] == [((2,), "udp")]
    assert api.restart == ""
    assert api.inside == {2, 7}
    assert str(api.location("image")) == "common.yaml:3"


def test_ports_are_read_in_both_syntaxes(tmp_path: Path) -> None:
    made = compose(
        tmp_path,
        compose="""
        services:
          api:
            ports:
              - 22:22
              - "[::1]:80-81:90-91"
              - "${IP:-127.0.0.1}:${PORT:-${OTHER:-5}}:6"
              - 3000
              - "${UNKNOWN}:7"
              - {target: 8, published: "9", protocol: udp, host_ip: 0.0.0.0}
        """,
    )
    told = [(port.ip, port.host, port.container, port.protocol, port.raw) for port in made.services["api"].ports]
    assert told == [
        ("", (22,), (22,), "tcp", "22"),
        ("::1", (80, 81), (90, 91), "tcp", "80-81"),
        ("127.0.0.1", (5,), (6,), "tcp", "${PORT:-${OTHER:-5}}"),
        ("", (), (3000,), "tcp", ""),
        ("", (), (7,), "tcp", "${UNKNOWN}"),
        ("", (9,), (8,), "udp", "9"),
    ]


def test_other_names_and_included_files(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "db.yaml").write_text("services: {db: {image: 'postgres:18.1'}}\n")
    (tmp_path / "docker-compose.yml").write_text("include: [more/db.yaml]\nservices: {api: {build: .}}\n")
    (tmp_path / "docker-compose.override.yml").write_text("services: {api: {scale: 3}}\n")
    made = compose(tmp_path)
    assert made.services.keys() == {"db", "api"}
    assert made.services["api"].copies == 3
    assert made.services["db"].image == "postgres"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("services: [", "expected the node content"),
        ("services: [a]", "its services are no mapping"),
        ("a: &a [*a]", "contains itself"),
        ("[" * 900, "nested too deep"),
        ("services: {a: {extends: a}}", "extends itself"),
        ("services: {a: {extends: b}, b: {extends: a}}", "extends itself"),
        ("services: {a: {extends: gone}}", "extends gone, which is not in compose.yaml"),
        ("services: {a: {extends: {service: a, file: gone.yaml}}}", "gone.yaml cannot be read"),
        ("include: [compose.yaml]", "includes itself"),
        ("a: 2020-99-99", "month must be in"),
        ("services: {a: {<<: 3}}", "is no mapping"),
        ("a: !!bool maybe", "maybe"),
        ("a: !!int ''", "cannot be read"),
        ("a: \0", "special characters are not allowed"),
        (f"a: &a [{'x, ' * 99}]\nb: &b [{'*a, ' * 99}]\nc: [{'*b, ' * 99}]", "aliases stand for more than"),
        (f"a: {'x' * 2_000_001}", "more than 2 MB"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, why: str) -> None:
    problems = compose(tmp_path, compose=text).problems
    assert "yaml" in problems[0]
    assert why in problems[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A:-1}", "1"),
        ("${A-x${B:-y}z}", "xyz"),
        ("$A-$$B", "-$B"),
        ("${A:?told}${B?}${C:+set}", ""),
        ("redis://${H:-redis}:${P:-6379}/0", "redis://redis:6379/0"),
    ],
)
def test_variables_are_filled_in_with_their_defaults(text: str, value: str) -> None:
    assert substituted(text) == value


def test_one_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    made = compose(
        tmp_path,
        compose="include: [gone.yaml, bad.yaml]\nservices: {api: {image: 'a:1'}, b: {extends: {file: bad.yaml, service: c}}}",
        compose__override="services: [",
        bad="services: {c: {image: 'c:1'",
    )
    assert {name: each.get("image") for name, each in made.services.items()} == {"api": "a:1", "b": None}
    assert [each.partition(" ")[0] for each in made.problems] == ["bad.yaml", "compose.override.yaml"]


@pytest.mark.parametrize(
    "service",
    [
        "{ports: [x, {}, {target: '٣'}, '99999999999:1', [1], null], expose: x}",
        "{environment: [1, null, {a: b}], env_file: [{}, 3, [x], '\\0']}",
        "{deploy: x, scale: [1], restart: {a: b}, profiles: x, networks: [1, {a: b}]}",
        "{volumes: [{}, x:y:z, 3], tmpfs: 3, healthcheck: x, build: [1], image: [1]}",
        "{build: {context: '\\0', dockerfile: {a: b}}, depends_on: [x], extends: 3}",
        "{? [a, b] : c, ? {a: b} : c}",
    ],
)
def test_odd_values_are_read_over(tmp_path: Path, service: str) -> None:
    api = compose(tmp_path, compose=f"services: {{api: {service}}}").services["api"]
    assert (api.copies, api.names >= {"api"}) == (1, True)
    assert all(each.container for each in api.ports)
    assert all(each.target for each in api.own_mounts(api.layers[0]))
    assert all(isinstance(each, str) for each in api.variables)
    assert isinstance(api.restart, str)


def test_bytes_of_other_encodings(tmp_path: Path) -> None:
    compose(tmp_path)
    for content in ("services: {api: {image: 'é:1'}}".encode("utf-16"), b"\xef\xbb\xbfservices: {api: {image: 'a:1'}}"):
        (tmp_path / "compose.yaml").write_bytes(content)
        assert Compose(load_config(tmp_path)).services.keys() == {"api"}
    (tmp_path / "compose.yaml").write_bytes(b"services: {api: {image: '\xff'}}")
    made = Compose(load_config(tmp_path))
    assert ("compose.yaml" in made.problems[0], made.services) == (True, {})
