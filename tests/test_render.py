"""What is rendered: whole, clean, and nothing of a part that was not chosen."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ._template import PACKAGE, ROOT, VARIANTS, files, git, owned_by_git

SNAPSHOTS = ROOT / "tests" / "snapshots"


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_files_of_each_variant_are_known(
    variant: str, rendered: Callable[..., Path], pytestconfig: pytest.Config
) -> None:
    made = "".join(f"{path}\n" for path in files(rendered(**VARIANTS[variant])))
    snapshot = SNAPSHOTS / f"{variant}.txt"
    if pytestconfig.getoption("--update-snapshots"):
        snapshot.write_text(made, encoding="utf-8")
    assert made == snapshot.read_text(encoding="utf-8"), "if it should be so: nox -s tests -- --update-snapshots"


def test_there_is_a_snapshot_for_each_variant_and_no_other() -> None:
    assert {path.name for path in SNAPSHOTS.iterdir()} == {f"{variant}.txt" for variant in VARIANTS}


def test_no_jinja_is_left(variant: Path) -> None:
    left = {
        path: found
        for path, content in files(variant).items()
        # `${{ }}` is the workflows' own.
        if (found := re.findall(r"(?<!\$)\{\{.*|\{%.*|\{#.*", content.decode())) or "{{" in path
    }
    assert left == {}


def test_every_file_is_text_that_ends_with_one_newline(variant: Path) -> None:
    def is_clean(content: str) -> bool:
        return content.endswith("\n") and not content.endswith("\n\n") and not re.search(r"[ \t\r]+\n", content)

    bad = [path for path, content in files(variant).items() if content and not is_clean(content.decode())]
    assert bad == []


def test_every_file_can_be_read_by_its_tool(variant: Path) -> None:
    read = 0
    for path, content in files(variant).items():
        match Path(path).suffix:
            case ".py":
                ast.parse(content.decode(), path)
            case ".toml":
                tomllib.loads(content.decode())
            case ".yml" | ".yaml":
                assert all(yaml.safe_load_all(content))
            case ".json":
                json.loads(content)
            case _:
                continue
        read += 1
    assert read > 40


def test_nothing_that_git_ignores_is_rendered(variant: Path, tmp_path: Path) -> None:
    paths = files(variant)
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_bytes(paths[".gitignore"])
    names = "\n".join([*paths, ".env", "var/service.db"])
    asked = subprocess.run(
        ["git", "check-ignore", "--stdin"], cwd=tmp_path, input=names, capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == [".env", "var/service.db"]


def test_no_lock_file_is_rendered_and_the_owner_may_commit_their_own(variant: Path) -> None:
    assert [path for path in files(variant) if path.endswith((".lock", "pylock.toml"))] == []
    assert "uv.lock" not in (variant / ".gitignore").read_text(encoding="utf-8")


def test_without_the_example_nothing_speaks_of_it(rendered: Callable[..., Path]) -> None:
    word = re.compile(rb"\b(inbox(?!.demo|.Demo)|exports?|captures?)\b(?! default)", re.IGNORECASE)

    def speaks(folder: Path) -> dict[str, list[bytes]]:
        found = {path: word.findall(path.encode() + b"\n" + content) for path, content in files(folder).items()}
        return {path: words for path, words in found.items() if words}

    assert len(speaks(rendered())) > 10
    assert speaks(rendered(service_name="Mail", description="A service.", example=False)) == {}


def test_the_answers_reach_every_place(rendered: Callable[..., Path]) -> None:
    folder = rendered(
        service_name="Night Orders", package="orders", description="Orders at night.", image="registry.test/shop/orders"
    )
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == "night-orders"
    assert project["project"]["scripts"] == {"night-orders": "orders.cli:main"}
    assert project["project"]["description"] == "Orders at night."
    compose = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    built = {name: each["image"] for name, each in compose["services"].items() if "build" in each}
    assert built == dict.fromkeys(("migrate", "api", "worker"), "registry.test/shop/orders:${TAG:-local}")
    cluster = yaml.safe_load((folder / "deploy" / "kubernetes" / "kustomization.yaml").read_text(encoding="utf-8"))
    assert cluster["images"] == [{"name": "night-orders", "newName": "registry.test/shop/orders", "newTag": "0.1.0"}]
    assert (folder / "src" / "orders" / "main.py").is_file()
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# Night Orders\n\nOrders at night.\n")
    default = re.compile("inbox.demo", re.IGNORECASE)
    left = [path for path, content in files(folder).items() if default.search(f"{path}\n{content.decode()}")]
    assert left == []


@pytest.mark.parametrize(
    ("description", "markdown"),
    [
        ("Says \"yes\" to 'all' \\ of it", "Says \"yes\" to 'all' \\\\ of it"),
        ("Ein- und Ausgänge 🙂 受信箱", "Ein- und Ausgänge 🙂 受信箱"),
        ("A {{ 7 * 7 }} {% raw %} {# x #}", "A {{ 7 \\* 7 }} {% raw %} {# x #}"),
        ("Uses <b>, *stars*, `ticks`, [x](y) and a_b", r"Uses \<b\>, \*stars\*, \`ticks\`, \[x\](y) and a\_b"),
    ],
)
def test_any_description_makes_a_valid_project_and_readme(
    description: str, markdown: str, rendered: Callable[..., Path]
) -> None:
    folder = rendered(description=description)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["description"] == description
    assert yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))["description"] == description
    assert (folder / "README.md").read_text(encoding="utf-8").split("\n\n")[1] == markdown


def test_a_rendered_service_can_be_committed_whole(variant: Path, tmp_path: Path) -> None:
    for path, content in files(variant).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    owned_by_git(tmp_path)
    assert git(tmp_path, "ls-files").splitlines() == sorted(files(variant))


def test_the_example_of_an_environment_has_each_setting_and_no_other(variant: Path) -> None:
    source = (variant / "src" / PACKAGE / "core" / "settings.py").read_text(encoding="utf-8")
    (core,) = (
        each for each in ast.parse(source).body if isinstance(each, ast.ClassDef) and each.name == "CoreSettings"
    )
    fields = {
        each.target.id.upper()
        for each in core.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    example = (variant / ".env.example").read_text(encoding="utf-8")
    assert "SECRET_KEY" in fields
    assert set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) == fields


def test_the_example_of_an_environment_holds_no_secret(variant: Path) -> None:
    example = (variant / ".env.example").read_text(encoding="utf-8")
    values = re.findall(r"^(?:# )?[A-Z_]*(?:SECRET|KEY|PASSWORD|TOKEN)[A-Z_]*=(.*)$", example, re.MULTILINE)
    assert values
    assert set(values) == {""}
