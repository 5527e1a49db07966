"""`[tool.hardening]`: keys, presets, the project's folder and its package."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hardened.config.discovery import find_package, find_root
from hardened.config.errors import ConfigError
from hardened.config.presets import load_preset, names
from hardened.config.table import Config, load_config
from hardened.run import declared_options

TABLE = '[tool.hardening]\npackage = "shop"\n'
PRESET = '[project]\nname = "corner-shop"\n' + TABLE + 'preset = "hardened-fastapi"\n'
ACCEPTED = """
[[tool.hardening.accepted]]
code = "DB005"
where = "orders.user_id"
reason = "Nobody deletes users."
"""


def write(root: Path, text: str, *files: str) -> Path:
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return files_in(root, *files)


def files_in(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool]\nhardening = 3", "hardening is 3; it must be a table: [tool.hardening]"),
        ("[tool.hardening\n", "pyproject.toml cannot be read: "),
        ('[tool.hardening]\npakage = "x"', "pakage is no key of [tool.hardening]; did you mean package? there are "),
        (
            TABLE + 'worker_commands = ["y"]',
            "worker_commands is no key of [tool.hardening]; did you mean worker-commands? ",
        ),
        (TABLE + 'root = "y"', "root is no key"),
        (TABLE + 'assumptions = ["y"]', "assumptions is no key"),
        ("[tool.hardening]\npackage = 3", "package is 3; it must be a text"),
        ('[tool.hardening]\npackage = ""', "package is ''; it must be a text"),
        ('[tool.hardening]\npackage = "../shop"', "package is '../shop'; it must be a name that can be imported"),
        (TABLE + 'source = "a\\u0000"', "source is 'a\\x00'; it must be a folder"),
        (TABLE + 'application = "x.main"', "application is 'x.main'; it must be of the form"),
        (TABLE + 'authentication-tables = "y"', "authentication-tables is 'y'; it must be a list"),
        (TABLE + "authentication-tables = [1]", "authentication-tables is [1]"),
        (TABLE + "limit = true", "limit is True; it must be a whole number"),
        (TABLE + "strict = 1", "strict is 1; it must be true or false"),
        (TABLE + 'defaults = "newest"', "defaults is 'newest'; it must be a release of the tool"),
        (TABLE + 'preset = "django"', "preset is 'django'; there is hardened-fastapi"),
        (TABLE + 'accepted = "y"', "accepted is 'y'; it must be tables"),
        (TABLE + "accepted = [3]", "accepted has an entry 3"),
        (TABLE + 'yours = "y"', "yours is 'y'; it must be a table: [tool.hardening.yours]"),
        (TABLE + '[tool.hardening.yours]\npublic = ["y"]', "public is no key"),
        (
            TABLE + '[[tool.hardening.yours.accepted]]\ncode = "DB005"',
            "accepted stands in [tool.hardening.yours]; write [[tool.hardening.accepted]]",
        ),
        (TABLE + ACCEPTED.replace("reason", "because"), "accepted has an entry"),
        (TABLE + ACCEPTED.replace("Nobody deletes users.", "  "), "with no reason; write one"),
        (TABLE + ACCEPTED.replace("reason", "# "), "with no reason; write one"),
        (TABLE + ACCEPTED.replace('"DB005"', "5"), "with no code; write one"),
    ],
)
def test_a_table_that_cannot_be_followed_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_config(write(tmp_path, text), {"limit": 3, "strict": False})
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(ConfigError, match=re.escape("pyproject.toml cannot be read: ")):
        load_config(tmp_path)


def test_keys_are_read(tmp_path: Path) -> None:
    text = TABLE + 'source = "lib"\nauthentication-tables = ["logins"]\ncompose = ["c.yaml"]\nlimit = 5\n' + ACCEPTED
    config = load_config(write(tmp_path, text), {"limit": 3, "strict": False})
    assert (config.root, config.package, config.source) == (tmp_path, "shop", "lib")
    assert (config.authentication_tables, config.compose) == (("logins",), ("c.yaml",))
    assert config.options == {"limit": 5}
    [accepted] = config.accepted
    assert (accepted.code, accepted.where, accepted.reason, accepted.line) == (
        "DB005",
        "orders.user_id",
        "Nobody deletes users.",
        8,
    )


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "\ufeff" + TABLE)).document["tool"]["hardening"] == {"package": "shop"}


def test_the_owners_table_of_earlier_services_adds_lists_and_replaces_texts(tmp_path: Path) -> None:
    yours = """
application = "shop.main:app"
authentication-tables = ["logins"]
[tool.hardening.yours]
application = "shop.served:app"
authentication-tables = ["tokens"]
documents = ["handbook/*.md"]
"""
    config = load_config(write(tmp_path, TABLE + yours))
    assert config.application == "shop.served:app"
    assert config.authentication_tables == ("logins", "tokens")
    assert config.documents == (*Config(tmp_path).documents, "handbook/*.md")


@pytest.mark.parametrize("pattern", ["/etc/*.yaml", "**x/*"])
def test_a_pattern_that_is_none_is_one_clear_line(tmp_path: Path, pattern: str) -> None:
    config = load_config(write(tmp_path, TABLE + f'compose = ["{pattern}"]\n'))
    with pytest.raises(ConfigError, match=r"compose has .*; it must be a pattern below the project's folder"):
        config.paths("compose")


# Presets


def test_a_preset_has_the_names_of_the_core_in_this_service(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, PRESET), declared_options())
    assert config.application == "shop.main:app"
    assert config.worker_commands == ("corner-shop worker",)
    assert not [value for value in vars(config).values() if "{package}" in repr(value) or "{slug}" in repr(value)]


def test_the_command_is_the_packages_name_where_the_project_has_none(tmp_path: Path) -> None:
    text = '[tool.hardening]\npackage = "corner_shop"\npreset = "hardened-fastapi"\n'
    assert load_config(write(tmp_path, text), declared_options()).worker_commands == ("corner-shop worker",)


def test_the_owners_keys_extend_the_lists_of_a_preset_and_replace_its_texts(tmp_path: Path) -> None:
    more = 'public-routes = ["GET /status"]\nusers-table = "people"\nprocfiles = ["Procfile.dev"]\n'
    yours = '[tool.hardening.yours]\npublic-routes = ["GET /old"]\n'
    config = load_config(write(tmp_path, PRESET + more + yours), declared_options())
    routes = config.options["public_routes"]
    assert isinstance(routes, tuple)
    assert routes[-2:] == ("GET /status", "GET /old")
    assert "GET /health/*" in routes
    assert config.options["users_table"] == "people"
    assert config.procfiles == ("Procfile", "Procfile.dev")


def test_without_a_preset_a_list_takes_the_place_of_the_default(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, TABLE + 'procfiles = ["Procfile.dev"]\n')).procfiles == ("Procfile.dev",)


def test_the_preset_names_what_the_core_of_this_version_has() -> None:
    package = Path(__file__).parents[2] / "template" / "src" / "{{ package }}"
    preset = load_preset("hardened-fastapi", "shop", "shop")
    values = [each for value in preset.values() for each in (value if isinstance(value, list) else [value])]
    names = [each for each in values if re.match(r"shop\.", each)]
    assert len(names) > 15
    for name in names:
        parts = re.split("[.:]", name)[1:]
        path = package
        while parts and ((path / parts[0]).is_dir() or (path / f"{parts[0]}.py").is_file()):
            path /= parts.pop(0)
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        assert not parts or re.search(rf"\b{parts[0]}\b", file.read_text(encoding="utf-8")), name


def test_every_preset_can_be_loaded(tmp_path: Path) -> None:
    for name in names():
        assert load_config(write(tmp_path, TABLE + f'preset = "{name}"\n'), declared_options()).preset == name


# The project's folder


def test_the_nearest_configured_folder_is_the_project(tmp_path: Path) -> None:
    write(tmp_path, TABLE, "src/shop/main.py")
    (tmp_path / "src" / "shop" / "pyproject.toml").write_text("[project]\nname = 'inner'\n", encoding="utf-8")
    assert find_root(tmp_path / "src" / "shop") == tmp_path


def test_a_broken_table_is_found_too(tmp_path: Path) -> None:
    write(tmp_path, "[tool.hardening\n", "src/shop/main.py")
    assert find_root(tmp_path / "src") == tmp_path


def test_a_project_without_the_table_is_the_nearest_with_a_pyproject(tmp_path: Path) -> None:
    write(tmp_path, "[project]\nname = 'shop'\n", "src/shop/main.py")
    assert find_root(tmp_path / "src") == tmp_path


def test_a_folder_without_any_is_its_own_project_and_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    write(tmp_path, TABLE, "inner/.git/HEAD", "inner/app/main.py")
    assert find_root(tmp_path / "inner" / "app") == tmp_path / "inner" / "app"


# Its package


@pytest.mark.parametrize(
    ("files", "document", "found"),
    [
        (("src/shop/__init__.py", "tests/__init__.py"), {}, ("src", "shop")),
        (("shop/__init__.py", "tests/__init__.py", "migrations/env.py"), {}, (".", "shop")),
        (("app/main.py",), {}, (".", "app")),
        (("a/__init__.py", "my_shop/main.py"), {"project": {"name": "My-Shop"}}, (".", "my_shop")),
        (("a/__init__.py", "b/__init__.py"), {"tool": {"poetry": {"name": "b"}}}, (".", "b")),
        (
            ("a/__init__.py", "b/__init__.py"),
            {"project": {"name": "b"}, "tool": {"uv": {"build-backend": {"module-name": "a"}}}},
            (".", "a"),
        ),
        (("a/__init__.py", "b/x.py"), {}, (".", "a")),
        (("app/__init__.py", "b/__init__.py"), {}, (".", "app")),
        (("shop/__init__.py", "envs/pyvenv.cfg", "envs/x.py", ".hidden/x.py", "no-name/x.py"), {}, (".", "shop")),
    ],
)
def test_a_package_is_found(
    tmp_path: Path, files: tuple[str, ...], document: dict[str, object], found: tuple[str, str]
) -> None:
    assert find_package(files_in(tmp_path, *files), document) == found


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "has no package, in src/ or beside it"),
        (("a/__init__.py", "b/__init__.py"), "several packages (a, b); name one"),
    ],
)
def test_a_package_that_cannot_be_told_is_one_clear_line(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(files_in(tmp_path, *files))


def test_what_was_assumed_is_one_line(tmp_path: Path) -> None:
    config = load_config(files_in(tmp_path, "src/shop/__init__.py"))
    assert config.assumptions == ("no `package` in [tool.hardening] of pyproject.toml: assumed `src/shop`",)
    assert (config.package, config.source, config.text, config.document) == ("shop", "src", "", {})


def test_a_named_package_beside_src_is_found_there(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, TABLE, "shop/__init__.py"))
    assert (config.source, config.assumptions) == (".", ())


# Values of any kind

_KEYS = sorted({*(each.name for each in fields(Config)), *declared_options()})
_VALUES = (
    "3",
    "true",
    '""',
    '"x"',
    "[]",
    '["x"]',
    '[""]',
    "[3, []]",
    "{}",
    "1.5",
    "nan",
    "2020-01-01",
    '"\\u0000"',
    '"../.."',
    "[[{}]]",
)


@pytest.mark.parametrize("value", _VALUES)
def test_no_value_of_any_key_is_more_than_one_clear_line(tmp_path: Path, value: str) -> None:
    refused = []
    for key in (name.replace("_", "-") for name in _KEYS):
        table = TABLE if key != "package" else "[tool.hardening]\n"
        try:
            load_config(write(tmp_path, f"{table}{key} = {value}\n"), declared_options())
        except ConfigError as error:
            refused.append(str(error))
    assert refused
    assert all(re.fullmatch(r"[\w-]+ (is|has|stands) .*", message) for message in refused)
