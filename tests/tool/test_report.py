"""The report in its formats."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hardened import __version__
from hardened.config.acceptances import Acceptance
from hardened.model import Confidence, Finding, Location, Severity
from hardened.report import FORMATS, Report, RuleSummary, Skipped, record, render
from hardened.report.document import SCHEMA, Document, schema
from hardened.rules import RULES

UNINDEXED = Finding(
    "DB005", "orders.user_id has no index", "add one", Location("src/shop/models.py", 3), "orders.user_id"
)
BROKEN = Finding("IM003", "100% wrong", "", Location("src/a,b:c d.py", 1))
LATE = Finding("IM004", "late", severity=Severity.WARNING)
PERHAPS = Finding("RT004", "perhaps", "look", Location("src/x.py"), confidence=Confidence.POSSIBLE)
UNUSED = Finding("RT001", "accepted for GET /x", "remove the entry", Location("pyproject.toml", 9), "GET /x")


def summaries(*codes: str) -> tuple[RuleSummary, ...]:
    return tuple(RuleSummary(r.__name__, r.title(), r.page(), r.since) for r in RULES if r.__name__ in codes)


REPORT = Report(
    findings=(UNINDEXED, BROKEN, LATE, PERHAPS, UNUSED),
    accepted=((Finding("DB002", "kept", location=Location("src/y.py", 4)), "since 2020"),),
    known=(Finding("DB007", "old", location=Location("src/z.py", 5)),),
    gone=("DB007 src/w.py: older",),
    unused=frozenset({UNUSED}),
    not_applicable=(Skipped("JB001", "no celery"), Skipped("JB002", "no celery")),
    could_not_look=(
        Skipped("RT005", "cannot import"),
        Skipped("RT006", "cannot import"),
        Skipped("RT006", "cannot import"),
    ),
    notes=("assumed `shop`",),
    rules=summaries("DB002", "DB005", "DB007", "IM003", "IM004", "RT001", "RT004", "RT005", "RT006", "JB001", "JB002"),
)


def test_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PAGES", "https://docs.example/rules/")
    assert render(REPORT).splitlines() == [
        "src/shop/models.py:3: orders.user_id has no index; add one (DB005)",
        "src/a,b:c d.py:1: 100% wrong (IM003)",
        "somewhere: warning: late (IM004)",
        "src/x.py: possible: perhaps; look (RT004)",
        "pyproject.toml:9: accepted for GET /x; remove the entry (RT001)",
        "",
        "DB005: hardened explain DB005, or https://docs.example/rules/db/db005.md",
        "IM003: hardened explain IM003, or https://docs.example/rules/im/im003.md",
        "IM004: hardened explain IM004, or https://docs.example/rules/im/im004.md",
        "RT001: hardened explain RT001, or https://docs.example/rules/rt/rt001.md",
        "RT004: hardened explain RT004, or https://docs.example/rules/rt/rt004.md",
        "A finding that has to stay is accepted in pyproject.toml, with its reason:",
        "[[tool.hardening.accepted]]",
        'code = "DB005"',
        'where = "orders.user_id"',
        'reason = ""',
        "[[tool.hardening.accepted]]",
        'code = "IM003"',
        'where = "src/a,b:c d.py"',
        'reason = ""',
        "[[tool.hardening.accepted]]",
        'code = "RT004"',
        'where = "src/x.py"',
        'reason = ""',
        "",
        "assumed `shop`",
        "5 findings from 7 rules, 2 of them only shown, 1 in the baseline, 1 accepted with a reason",
        "no finding matches 1 entry of the baseline any more; write it again:",
        "  DB007 src/w.py: older",
        "not checked: JB001, JB002: no celery",
        "could not look: RT005, RT006: cannot import",
    ]


def test_text_names_the_pages_in_one_line_where_they_have_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PAGES", "")
    assert "The whole story of each: hardened explain DB005, IM003, IM004, RT001, RT004" in render(REPORT).splitlines()


def test_text_of_nothing_is_one_line() -> None:
    assert render(Report(rules=summaries("DB005"))) == "0 findings from 1 rule, 0 accepted with a reason\n"


def test_what_is_printed_for_an_acceptance_is_toml_that_matches_the_finding() -> None:
    finding = Finding("DB005", "x", subject='orders."ü😀"\n\\')
    lines = render(Report(findings=(finding,))).splitlines()
    start = lines.index("[[tool.hardening.accepted]]")
    [entry] = tomllib.loads("\n".join(lines[start : start + 4]))["tool"]["hardening"]["accepted"]
    assert entry == {"code": "DB005", "where": finding.subject, "reason": ""}


def test_many_acceptances_are_cut_and_the_baseline_is_named() -> None:
    findings = tuple(Finding("DB005", "x", subject=f"orders.{number}") for number in range(20))
    text = render(Report(findings=findings))
    assert text.count("[[tool.hardening.accepted]]") == 3
    assert "and 17 more in the same way; for many at once: --write-baseline FILE" in text


@pytest.mark.parametrize("pages", ["", "https://docs.example/rules/"])
def test_the_address_of_each_page_is_that_of_its_file(monkeypatch: pytest.MonkeyPatch, pages: str) -> None:
    monkeypatch.setattr(record, "PAGES", pages)
    [rule] = summaries("DB005")
    assert rule.url == (f"{pages}db/db005.md" if pages else rule.page.as_uri())
    assert rule.page.is_file()


def test_github() -> None:
    assert render(REPORT, "github").splitlines() == [
        "::error file=src/shop/models.py,line=3,title=DB005::orders.user_id has no index; add one (DB005)",
        "::error file=src/a%2Cb%3Ac d.py,line=1,title=IM003::100%25 wrong (IM003)",
        "::warning title=IM004::late (IM004)",
        "::notice file=src/x.py,title=RT004::perhaps; look (RT004)",
        "::error file=pyproject.toml,line=9,title=RT001::accepted for GET /x; remove the entry (RT001)",
        "::error title=RT005%2C RT006::could not look: cannot import",
        "::notice title=hardened::assumed `shop`",
    ]


def test_json_has_what_the_schema_says() -> None:
    text = render(REPORT, "json")
    read = msgspec.json.decode(text, type=Document)
    assert json.loads(msgspec.json.encode(read)) == json.loads(text)
    assert (read.version, read.tool.version, read.status) == (1, __version__, 1)
    first = read.findings[0]
    assert (first.code, first.severity, first.confidence, first.fails) == ("DB005", "error", "certain", True)
    assert (first.message, first.hint) == ("orders.user_id has no index", "add one")
    assert (first.file, first.line, first.subject) == ("src/shop/models.py", 3, "orders.user_id")
    assert first.url.endswith("/db/db005.md")
    assert [each.fails for each in read.findings] == [True, True, False, False, True]
    assert [(each.finding.code, each.reason) for each in read.accepted] == [("DB002", "since 2020")]
    assert [each.code for each in read.baseline.known] == ["DB007"]
    assert [(each.reason, each.codes) for each in read.could_not_look] == [("cannot import", ["RT005", "RT006"])]
    assert len(read.rules) == len(REPORT.rules)


def test_the_schema_that_is_shipped_is_the_one_of_the_classes() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "write schema() into report/schema.json"


def test_the_schema_describes_what_is_written() -> None:
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]

    def valid(value: Any, form: dict[str, Any]) -> bool:
        if "$ref" in form:
            return valid(value, definitions[form["$ref"].rpartition("/")[2]])
        if "anyOf" in form:
            return any(valid(value, each) for each in form["anyOf"])
        if "enum" in form:
            return value in form["enum"]
        kinds: dict[str, type] = {
            "array": list, "boolean": bool, "integer": int, "null": type(None), "object": dict, "string": str
        }  # fmt: skip
        if not isinstance(value, kinds[form["type"]]):
            return False
        if isinstance(value, list):
            return all(valid(each, form["items"]) for each in value)
        if isinstance(value, dict):
            return set(form["required"]) <= set(value) and all(
                valid(each, form["properties"][key]) for key, each in value.items()
            )
        return True

    assert valid(json.loads(render(REPORT, "json")), definitions["Document"])


def test_sarif_has_what_the_standard_requires() -> None:
    log = json.loads(render(REPORT, "sarif"))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("hardened", __version__)
    assert len({rule["id"] for rule in driver["rules"]}) == len(REPORT.rules)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"].startswith(f"# {rule['id']}: ")
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
    for result in run["results"]:
        assert result["message"]["text"]
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        [location] = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert artifact["uriBaseId"] == "%SRCROOT%"
        assert not artifact["uri"].startswith("/")
        assert location["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    [notification] = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "could not look: RT005, RT006: cannot import"


def test_sarif_weighs_places_and_suppresses_results() -> None:
    results = json.loads(render(REPORT, "sarif"))["runs"][0]["results"]
    by_rule = {each["ruleId"]: each for each in results}
    levels = {code: by_rule[code]["level"] for code in ("DB005", "IM004", "RT004")}
    assert levels == {"DB005": "error", "IM004": "warning", "RT004": "note"}
    uris = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results]
    assert uris[:3] == ["src/shop/models.py", "src/a%2Cb%3Ac%20d.py", "pyproject.toml"]
    assert by_rule["DB002"]["suppressions"] == [{"kind": "external", "justification": "since 2020"}]
    states = {code: by_rule[code]["baselineState"] for code in ("DB005", "DB007", "DB002")}
    assert states == {"DB005": "new", "DB007": "unchanged", "DB002": "unchanged"}
    assert len(by_rule["DB005"]["partialFingerprints"]["hardened/v1"]) == 32


def test_sarif_links_the_pages_only_where_others_can_open_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule() -> dict[str, Any]:
        made: dict[str, Any] = json.loads(render(REPORT, "sarif"))["runs"][0]["tool"]["driver"]["rules"][0]
        return made

    monkeypatch.setattr(record, "PAGES", "")
    assert "helpUri" not in rule()
    monkeypatch.setattr(record, "PAGES", "https://docs.example/rules/")
    assert rule()["helpUri"] == "https://docs.example/rules/db/db002.md"


def test_a_file_outside_of_the_project_is_an_absolute_address(tmp_path: Path) -> None:
    finding = Finding("IM003", "x", location=Location((tmp_path / "a b.py").as_posix(), 1))
    [result] = json.loads(render(Report(findings=(finding,)), "sarif"))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": (tmp_path / "a b.py").as_uri()}


@pytest.mark.parametrize("format", list(FORMATS))
def test_each_format_takes_the_empty_report(format: str) -> None:  # noqa: A002 - as above
    assert render(Report(), format).endswith("\n") or format == "github"


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (Report(), 0),
        (Report(findings=(LATE, PERHAPS), known=(UNINDEXED,)), 0),
        (Report(findings=(LATE,), could_not_look=(Skipped("RT001", "x"),)), 2),
        (Report(findings=(UNINDEXED,), could_not_look=(Skipped("RT001", "x"),)), 1),
    ],
)
def test_the_exit_status(report: Report, status: int) -> None:
    assert report.status == status


def test_an_acceptance_of_a_librarys_name_is_for_one_file() -> None:
    finding = Finding("RN002", "requests.get() holds up the event loop", "", Location("a.py", 3), "requests.get")
    rule = RuleSummary("RN002", "A call that blocks", Path("rn002.md"), common_subjects=True)
    shown = render(Report(findings=(finding,), rules=(rule,)))
    assert 'where = "a.py: requests.get"' in shown
    entry = Acceptance("RN002", "a.py: requests.get", "measured")
    assert entry.matches(finding)
    assert not entry.matches(replace(finding, location=Location("b.py", 3)))
