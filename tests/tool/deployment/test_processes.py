"""Processes of Dockerfiles, compose files, manifests and Procfiles, and what cannot be read among these."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardened.deployment.compose import command
from hardened.deployment.files import is_file, read_text, whole_number
from hardened.deployment.process import Process, option_values
from hardened.deployment.shell import Scripts, not_replaced, tells_the_group
from hardened.deployment.workers import beats, parallel, workers
from hardened.model import NOWHERE

from .._project import Tree


def process(text: str, **more: object) -> Process:
    return Process("procfile", "it", command(text), shell=False, location=NOWHERE, **more)  # type: ignore[arg-type]  # fields


@pytest.mark.parametrize(
    ("text", "kind", "queues"),
    [
        ("celery -A worker beat", "", None),
        ("celery -A worker flower", "", None),
        ("celery -A beat worker -Qa,b", "worker", ("a", "b")),
        ("python -m celery --app=shop worker --queues a --queues=b", "worker", ("a", "b")),
        ("sh -c 'cd /app && exec celery -A shop worker -Q a'", "worker", ("a",)),
        ("sh -c 'celery -A shop worker -Q \"a'", "worker", ('"a',)),
        ("/venv/bin/shop worker --queue=a -Q b", "worker", ("a", "b")),
        ("shop serve --workers 4", "", None),
        ("celery", "", None),
        ("celery worker -Q", "worker", ()),
    ],
)
def test_workers_and_beats(text: str, kind: str, queues: tuple[str, ...] | None) -> None:
    found = list(workers([process(text)], ["shop worker"]))
    assert [each.queues for each in found] == ([queues] if kind == "worker" else [])
    assert bool(list(beats([process(text)], ["shop worker"]))) == text.endswith(" beat")


@pytest.mark.parametrize(
    ("text", "environment", "copies"),
    [
        ("gunicorn shop:app --workers 4", {}, 4),
        ("uvicorn shop:app", {"WEB_CONCURRENCY": "3"}, 3),
        ("uvicorn shop:app", {"WEB_CONCURRENCY": "²"}, 1),
        ("uvicorn shop:app --workers 99999999999999999999", {}, 1),
        ("celery -A shop worker -c 4", {}, 0),
        ("python -m shop.clock", {}, 0),
    ],
)
def test_copies_of_a_web_process(text: str, environment: dict[str, str], copies: int) -> None:
    assert parallel(process(text, environment=environment), []) == copies


def test_commands_that_a_dockerfile_starts(tree: Tree) -> None:
    tree.write(
        {
            "Dockerfile": """
            FROM python:3.13 AS base
            ENTRYPOINT ["tini", "--"]
            RUN <<EOF
            CMD not this
            EOF
            # CMD nor this
            FROM base
            CMD uvicorn \\
              shop:app
            FROM base AS none
            ENTRYPOINT []
            CMD ["sh", "-c", "exec shop"]
            """
        }
    )
    found = tree.facts.processes
    assert [(each.name, each.words, each.shell, each.location.line) for each in found] == [
        ("CMD", ("sh", "-c", "exec shop"), True, 13)
    ]


def test_a_process_has_words(tree: Tree) -> None:
    tree.write(
        {
            "Dockerfile": "FROM x\nENTRYPOINT []\nCMD []\n",
            "Procfile": "web:\nworker: ''\n",
            "compose.yaml": "services: {api: {image: a, command: [], healthcheck: {test: [CMD]}}}",
            "pyproject.toml": (tree.root / "pyproject.toml").read_text() + "[project]\nscripts = 3\n",
        }
    )
    assert [each.words for each in tree.facts.processes] == [("",)]
    assert tree.report().could_not_look == ()


def test_files_that_cannot_be_read_are_problems_and_hide_no_others(tree: Tree) -> None:
    tree.settings('kubernetes = ["deploy/*.yaml"]')
    tree.write(
        {
            "compose.yaml": "services: {api: {image: 'a:latest', command: [serve]}}",
            "compose.override.yaml": "services: [",
            "deploy/a.yaml": "kind: [",
            "deploy/b.yaml": "kind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: b, image: b, command: [serve]}]}\n",
            "Dockerfile": "x" * 2_000_001,
            "Procfile": "web: serve\n",
        }
    )
    facts = tree.facts
    assert [(each.kind, each.name) for each in facts.processes] == [
        ("compose", "api"),
        ("procfile", "web"),
        ("kubernetes", "b"),
    ]
    assert facts.doubts["compose"].startswith("compose.override.yaml cannot be read")
    assert facts.doubts["cluster"].startswith("a.yaml cannot be read")
    assert "Dockerfile cannot be read: it has more than 2 MB" in facts.doubts["processes"]
    report = tree.report("CF002")
    assert {each.location.line for each in report.findings} == {1}
    (skipped,) = report.could_not_look
    assert "compose.override.yaml" in skipped.reason
    assert "a.yaml" not in skipped.reason
    reasons = {
        each.reason.partition(" ")[0]: each.code for each in tree.report("CF002", "CF005", "CF007").could_not_look
    }
    assert set(reasons) == {"compose.override.yaml", "a.yaml", "Dockerfile"}


@pytest.mark.parametrize(
    "text",
    [
        "kind: List\nitems: 3",
        "- 1\n- {kind: Pod}",
        "kind: Pod\nspec: {containers: [1, {env: [1, {name: A, value: [x]}], envFrom: [3], command: {a: b}, image: [1]}]}",
        "kind: Deployment\nspec: {replicas: x, strategy: 3, template: {spec: {containers: [{name: a, args: x}]}}}",
        "kind: HorizontalPodAutoscaler\nspec: x\n---\nkind: Deployment\nspec: {containers: [{name: a, args: [x]}]}",
        "kind: Service\nspec: {ports: [1, {port: x}], selector: {a: {b: c}}}\n---\nkind: ConfigMap\ndata: [x]",
        "kind: Pod\nspec: {containers: [{livenessProbe: {exec: {command: x}, httpGet: 3}}]}",
    ],
)
def test_odd_manifests_are_read_over(tree: Tree, text: str) -> None:
    tree.settings('kubernetes = ["deploy/*.yaml"]').write({"deploy/a.yaml": text, "compose.yaml": "services: {}"})
    assert tree.report("CF", "JB").could_not_look == ()


@pytest.mark.parametrize(
    ("script", "last"),
    [
        ("migrate && serve --workers 2", "serve --workers 2"),
        ("sleep 1; exec serve", ""),
        ("trap 'kill $child' TERM; serve & wait", ""),
        ("serve | tee log", "tee log"),
        ("A=1 serve", "serve"),
        ("'", ""),
        ("", ""),
    ],
)
def test_the_last_command_of_a_shell(script: str, last: str) -> None:
    assert not_replaced(script) == last


def test_scripts_that_keep_their_shell(tree: Tree) -> None:
    tree.write({"docker/start.sh": "#!/bin/sh\nmigrate\n\nserve \\\n  --port 1\n", "run": "#!/bin/bash\nexec serve\n"})
    scripts = Scripts(tree.root)
    assert str(scripts.started(("/start.sh",))) == "docker/start.sh:4"
    assert scripts.started(("sh", "./run")) is None
    assert scripts.started(("x" * 5000 + "/y",)) is None
    assert scripts.started(("/a\0b",)) is None


def test_what_tells_all_of_its_children() -> None:
    assert tells_the_group(("dumb-init", "--", "sh"))
    assert tells_the_group(("tini", "-g", "--", "sh"))
    assert not tells_the_group(("tini", "--", "sh"))
    assert not tells_the_group(())


def test_files_of_all_kinds(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "utf16").write_bytes("é".encode("utf-16"))
    assert not is_file(tmp_path / "loop")
    assert not is_file(tmp_path / ("x" * 5000))
    assert not is_file(Path("a\0b"))
    assert read_text(tmp_path / "utf16") == "é"


@pytest.mark.parametrize(("text", "number"), [(" 4 ", 4), (4, 4), ("²", None), ("1" * 5000, None), ("", None)])
def test_whole_numbers(text: object, number: int | None) -> None:
    assert whole_number(text) == number


def test_options_of_a_command_without_words_are_none() -> None:
    assert option_values([], "-c") == []
    assert option_values(["-c"], "-c") == [""]
