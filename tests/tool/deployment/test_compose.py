"""Compose files are read as Compose merges them, and what is no YAML is named."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from ._project import ROOT

sys.path.insert(0, str(ROOT))

from service.checks import load_config
from service.checks._compose import Compose, substituted
from service.checks._findings import CouldNotLook


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
    assert str(api.place("healthcheck", "test")) == "compose.yaml:8"
    assert str(api.place("healthcheck", "interval")) == "compose.override.yaml:7"
    assert str(api.place("command")) == "compose.override.yaml:4"
    assert str(api.place("deploy")) == "compose.override.yaml:3"


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
    assert str(api.place("image")) == "common.yaml:3"


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
        ("[" * 3000, "nested too deep"),
        ("services: {a: {extends: a}}", "extends itself"),
        ("services: {a: {extends: b}, b: {extends: a}}", "extends itself"),
        ("services: {a: {extends: gone}}", "extends gone, which is not in compose.yaml"),
        ("services: {a: {extends: {service: a, file: gone.yaml}}}", "gone.yaml cannot be read"),
        ("include: [compose.yaml]", "includes itself"),
        ("a: 2020-99-99", "month must be in"),
        ("services: {a: {<<: 3}}", "is no mapping"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(CouldNotLook, match="yaml") as told:
        compose(tmp_path, compose=text)
    assert why in str(told.value)


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
