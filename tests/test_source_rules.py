"""Rules of the template's own source: little Jinja, nothing that needs trust, nothing that a clone lacks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from ._template import ROOT, git

TEMPLATE = ROOT / "template"
SOURCE = TEMPLATE / "src" / "{{ package }}"
PACKAGE = "{{ package }}"


def tracked() -> list[str]:
    """The paths that git has or would take."""
    listed = git(ROOT, "-c", "core.quotePath=false", "ls-files", "--cached", "--others", "--exclude-standard")
    assert "copier.yml" in listed.splitlines()
    return listed.splitlines()


def python_files() -> dict[str, str]:
    """The template's Python, Jinja or not."""
    found = {
        path.relative_to(TEMPLATE).as_posix(): path.read_text(encoding="utf-8")
        for pattern in ("*.py", "*.py.jinja")
        for path in TEMPLATE.rglob(pattern)
        if ".nox" not in path.parts
    }
    assert len(found) > 40
    return found


def test_no_python_file_has_jinja_blocks() -> None:
    assert [path for path, text in python_files().items() if "{%" in text or "{#" in text] == []


def test_the_only_jinja_in_python_is_the_package_in_a_dotted_name_in_tests_and_migrations() -> None:
    allowed = re.compile(r"(?:(?<=from )|(?<=import )|(?<=\"))\{\{ package \}\}(?=\.[a-z]|[\" ])")
    used = 0
    for path, text in python_files().items():
        if not path.endswith(".jinja"):
            continue
        assert path.startswith("tests/") or path == "migrations/env.py.jinja", path
        used += len(allowed.findall(text))
        rest = allowed.sub("", text)
        assert "{{" not in rest, f"{path}: {rest[rest.index('{{') :][:60]}"
    assert used > 5


def test_source_is_verbatim_python_with_relative_imports() -> None:
    relative = 0
    for path in SOURCE.rglob("*"):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        if path.parent == SOURCE / "core" / "realtime" / "page":
            assert path.suffix in (".html", ".css", ".js"), path
            continue
        if path.parent == SOURCE / "checks" / "failures":
            assert re.fullmatch(r"[A-Z]{2}\d{3}\.md", path.name), path
            continue
        assert path.suffix == ".py" or path.name == "py.typed", path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                relative += 1
                depth = len(path.relative_to(SOURCE).parts)
                assert node.level <= depth, f"{path}:{node.lineno} reaches outside of the package"
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            inside = {"core", "checks", "features", "settings", "main", "service"}
            assert not inside & {name.partition(".")[0] for name in names}, f"{path} imports {names}: not relative"
    assert relative > 50


def test_verbatim_files_have_no_jinja_that_would_stay() -> None:
    left = [
        path
        for path in tracked()
        if path.startswith("template/") and not path.endswith((".jinja", ".mako"))
        if re.search(r"(?<!\$)\{\{ *(package|slug|service_name|description)", (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert left == []


@pytest.mark.parametrize("key", ["_tasks", "_migrations", "_jinja_extensions", "_skip_if_exists", "_external_data"])
def test_copying_and_updating_need_no_trust_and_lose_nothing(key: str) -> None:
    assert key not in yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))


def test_a_misspelt_name_in_a_template_is_an_error() -> None:
    settings = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    assert settings["_envops"] == {"undefined": "jinja2.StrictUndefined"}
    assert settings["_min_copier_version"] == "9.17.2"


def test_no_path_has_a_quote_or_a_condition() -> None:
    assert [path for path in tracked() if re.search(r"[\"'\\]|\{%", path)] == []


def test_no_lock_file_is_tracked() -> None:
    assert [path for path in tracked() if re.search(r"(^|/)(.*\.lock|pylock.*\.toml)$", path)] == []


def test_no_file_of_the_template_is_ignored_by_this_repository() -> None:
    ignored = git(ROOT, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "template")
    kept = [path for path in ignored.splitlines() if not re.search(r"__pycache__|\.nox|_cache|\.hypothesis", path)]
    assert kept == []


def test_no_path_of_a_machine_and_no_address_of_a_registry_is_written_down() -> None:
    word = re.compile(r"/(?:home|root|Users)/\w|https?://[^ ]*(?:/simple\b|pythonhosted)|index[-]url")
    bad = []
    for path in tracked():
        file = ROOT / path
        if file.is_file() and path != Path(__file__).relative_to(ROOT).as_posix():
            bad += [f"{path}: {found.group()}" for found in word.finditer(file.read_text(encoding="utf-8"))]
    assert bad == []


def test_the_root_has_the_templates_own_bootstrap_and_a_name_for_editors() -> None:
    assert (ROOT / "bootstrap.py").readlink() == Path("template/bootstrap.py")
    assert (ROOT / "service").readlink() == Path("template/src/{{ package }}")
