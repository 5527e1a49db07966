"""The questions: what they default to, and that each refusal says what to type instead."""

from __future__ import annotations

import json
import keyword
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import jinja2
import pytest
import yaml

from ._template import ROOT

Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    """Answers the questions and gives back all of them, in a template that has nothing but the questions."""
    template = tmp_path / "questions"
    (template / "template").mkdir(parents=True)
    shutil.copy(ROOT / "copier.yml", template)
    shutil.copytree(ROOT / "includes", template / "includes")
    names = "service_name", "slug", "package", "description", "image", "example"
    shown = ", ".join(f'"{name}": {name}' for name in names)
    (template / "template" / "answers.json.jinja").write_text("{{ {" + shown + "} | to_json }}", encoding="utf-8")

    def ask(**data: Any) -> dict[str, Any]:
        target = tmp_path / "answered"
        copier.run_copy(str(template), target, data=data, defaults=True, quiet=True, overwrite=True)
        answers: dict[str, Any] = json.loads((target / "answers.json").read_text(encoding="utf-8"))
        return answers

    return ask


def refusal(answer: Answer, **data: Any) -> str:
    """What the person reads, without the question's name."""
    with pytest.raises(ValueError, match="Validation error") as caught:
        answer(**data)
    return str(caught.value).partition(": ")[2]


def test_five_questions_are_asked() -> None:
    questions = {
        name: details
        for name, details in yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8")).items()
        if not name.startswith("_")
    }
    asked = [name for name, details in questions.items() if details.get("when") is not False]
    assert asked == ["service_name", "package", "description", "image", "example"]
    assert [name for name in questions if name not in asked] == ["slug"]


def test_every_question_has_a_default_and_names_come_from_the_service_name(answer: Answer) -> None:
    assert answer() == {
        "service_name": "Inbox Demo",
        "slug": "inbox-demo",
        "package": "inbox_demo",
        "description": "Texts in, a tidy inbox out.",
        "image": "inbox-demo",
        "example": True,
    }
    assert answer(service_name="Orders - 2 Go")["slug"] == "orders-2-go"
    assert answer(service_name="Orders - 2 Go")["package"] == "orders_2_go"


def test_the_package_may_be_another_than_the_name_suggests(answer: Answer) -> None:
    answers = answer(service_name="Inbox Demo", package="mail")
    assert (answers["slug"], answers["package"]) == ("inbox-demo", "mail")


REFUSED_PACKAGES = {
    "class": "class is a Python keyword: type another name, such as class_service",
    "json": "json is a module of the standard library: type another name, such as json_service",
    "sqlalchemy": "sqlalchemy is a package that the service uses: type another name, such as sqlalchemy_service",
    "celery": "celery is a package that the service uses: type another name, such as celery_service",
    "tests": "tests is a folder or file of the service: type another name, such as tests_service",
    "migrations": "migrations is a folder or file of the service: type another name, such as migrations_service",
    "inbox-demo": "such as inbox_demo",
    "2fast": "such as fast",
    "Inbox": "such as inbox",
    "_inbox": "such as inbox",
    "in box": "such as in_box",
    "in.box": "such as in_box",
    "eingänge": "such as eing_nge",
    "受信箱": "such as inbox_demo",
    "": "such as inbox_demo",
    "inbox\n": "such as inbox",
    "{{ inbox }}": "such as inbox",
    "../inbox": "such as inbox",
    "a" * 26: f"has 26 characters and PostgreSQL would cut the names made of it: type at most 25, such as {'a' * 25}",
}


@pytest.mark.parametrize("package", REFUSED_PACKAGES)
def test_a_package_that_cannot_be_is_refused_with_one_that_can(package: str, answer: Answer) -> None:
    message = refusal(answer, package=package)
    assert message.endswith(REFUSED_PACKAGES[package])
    suggested = re.split(", such as ", message)[1]
    assert answer(package=suggested)["package"] == suggested


REFUSED_NAMES = {
    "Test": "the package would be called test, which is a module of the standard library: "
    "type another name, such as Test Service",
    "Yield": "the package would be called yield, which is a Python keyword: type another name, such as Yield Service",
    "Pydantic Settings": "which is a package that the service uses: type another name, such as Pydantic Settings Service",
    "Migrations": "which is a folder or file of the service: type another name, such as Migrations Service",
    "3D Prints": "such as D Prints",
    "Bob's Inbox": "such as Bob S Inbox",
    'The "Inbox"': "such as The Inbox",
    "In\\box": "such as In Box",
    "In\nbox": "such as In Box",
    "Inbox\n": "such as Inbox",
    "{{ inbox }}": "such as Inbox",
    "Eingänge": "such as Eing Nge",
    "受信箱": "such as Inbox Demo",
    "": "such as Inbox Demo",
    " Inbox": "such as Inbox",
    "Inbox -": "such as Inbox",
    "--help": "such as Help Service" if "help" in sys.stdlib_module_names else "such as Help",
    "Customer Notification Service": "which has 29 characters, and PostgreSQL would cut the names made of it: "
    "type at most 25, such as Customer Notification Ser",
}


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_a_name_that_makes_no_command_or_package_is_refused_with_one_that_does(name: str, answer: Answer) -> None:
    message = refusal(answer, service_name=name)
    assert message.endswith(REFUSED_NAMES[name])
    suggested = re.split(", such as ", message)[1]
    assert answer(service_name=suggested)["service_name"] == suggested


@pytest.mark.parametrize("text", ["two\nlines", "a tab\tstop", "\x00", "a\x7f", "a\u2028b", "a\udcff"])
def test_a_description_of_more_than_one_line_of_text_is_refused(text: str, answer: Answer) -> None:
    assert refusal(answer, description=text).endswith("has a line break or a control character: type one line of text")


@pytest.mark.parametrize("text", ["", " ", "# a heading", "- a list", "3. a list", "> a quote", "<b>", "|", "---"])
def test_a_description_that_begins_with_markup_is_refused(text: str, answer: Answer) -> None:
    assert "does not begin with a letter: type one sentence, such as" in refusal(answer, description=text)


@pytest.mark.parametrize("text", ["Ein- und Ausgänge", "受信箱", 'It\'s {{ 7 * 7 }} "quoted" \\ {% raw %} 🙂'])
def test_any_other_description_is_taken_as_it_is(text: str, answer: Answer) -> None:
    assert answer(description=text)["description"] == text


@pytest.mark.parametrize(
    "name", ["a", "team/inbox-demo", "registry.example.org:5000/team/in_box/a--b.c", "localhost:5000/inbox"]
)
def test_an_image_may_lie_in_a_registry(name: str, answer: Answer) -> None:
    assert answer(image=name)["image"] == name


REFUSED_IMAGES = {
    "registry.example.org/inbox:1.2": "leave out :1.2, as in registry.example.org/inbox",
    "localhost:5000/inbox:1.2": "leave out :1.2, as in localhost:5000/inbox",
    f"inbox@sha256:{'0' * 64}": f"leave out @sha256:{'0' * 64}, as in inbox",
    "Inbox": '"Inbox" is no name of an image',
    "https://registry.example.org/inbox": "is no name of an image",
    "inbox\n": "is no name of an image",
    "in box": "is no name of an image",
    "registry.example.org/": "is no name of an image",
    "": '"" is no name of an image',
    "{{ inbox }}": "is no name of an image",
    "a" * 201: "type at most 200",
}


@pytest.mark.parametrize("name", REFUSED_IMAGES)
def test_what_names_no_image_is_refused_with_what_to_type(name: str, answer: Answer) -> None:
    assert REFUSED_IMAGES[name] in refusal(answer, image=name)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("package=json", "json is a module of the standard library: type another name, such as json_service"),
        ("service_name=Json", "the package would be called json, which is a module of the standard library"),
    ],
)
def test_a_refusal_holds_for_data_on_the_command_line(data: str, said: str, template: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--data", data, str(template), "made"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert said in done.stderr
    assert not (tmp_path / "made").exists()


def lists() -> jinja2.environment.TemplateModule:
    """What includes/names.jinja has."""
    extensions = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT), extensions=extensions, autoescape=False)  # noqa: S701 - no HTML
    return environment.get_template("includes/names.jinja").module


def test_the_lists_of_names_hold_all_that_this_python_has() -> None:
    listed = lists()
    assert sorted(listed.keywords) == sorted(each for each in keyword.kwlist if each.islower())  # type: ignore[attr-defined]
    missing = {each for each in sys.stdlib_module_names if re.fullmatch("[a-z][a-z0-9_]*", each)}
    missing -= set(listed.standard_library)  # type: ignore[attr-defined]
    assert missing == set()


def test_the_lists_of_names_hold_each_dependency(rendered: Callable[..., Path]) -> None:
    project = tomllib.loads((rendered() / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {re.split(r"[\[<>=]", each)[0].replace("-", "_") for each in requirements}
    assert {"fastapi", "sqlalchemy", "pytest"} <= names
    assert names - set(lists().dependencies) == set()  # type: ignore[attr-defined]
