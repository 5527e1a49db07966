"""A run: which rules are asked, what they are given, and what becomes of their findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pytest
from hardened.config.baseline import Entry
from hardened.config.table import Config
from hardened.model import Confidence, CouldNotLook, DoesNotApply, Finding, Location, Rule, Severity, option
from hardened.project import IMPORTED, NOT_IMPORTED, Project
from hardened.report import FORMATS, Report, Skipped, render
from hardened.rules import RULES
from hardened.run import CODES, check, choose, explain

TABLE = '[tool.hardening]\npackage = "shop"\n'
ACCEPTED = """
[[tool.hardening.accepted]]
code = "XA001"
where = "orders.user_id"
reason = "Nobody deletes users."
"""


class XA001(Rule):
    """Each column that is declared is a finding."""

    columns: tuple[str, ...] = option(default=("orders.user_id", "orders.other_id"), help="columns to find")

    def check(self) -> Iterator[Finding]:
        for line, name in enumerate(self.columns, 1):
            yield self.finding(f"{name} has no index", Location("src/shop/models.py", line), name, hint="add one")


class XA002(Rule):
    """Another release brought it."""

    since = "0.5"

    def check(self) -> Iterator[Finding]:
        yield self.finding("new")


class XB001(Rule):
    """It fails."""

    def check(self) -> Iterator[Finding]:
        yield self.finding("found before")
        raise ZeroDivisionError("by\nzero")


class XB002(Rule):
    """It has nothing to judge."""

    def check(self) -> Iterator[Finding]:
        raise DoesNotApply("no columns")


class XB003(Rule):
    """It needs the application."""

    def check(self, routes: Sequence[object]) -> Iterator[Finding]:
        yield self.finding(f"{len(routes)} routes")


class XB004(Rule):
    """It can do without the application."""

    def check(self, source: object, routes: Sequence[object] | None = None) -> Iterator[Finding]:
        yield self.finding(f"routes: {routes}, source: {type(source).__name__}")


class XB005(Rule):
    """It takes a minute."""

    only_selected = "takes a minute"

    def check(self) -> Iterator[Finding]:
        yield self.finding("found")


class XB006(Rule):
    """It guesses."""

    confidence: ClassVar[Confidence] = Confidence.POSSIBLE

    def check(self) -> Iterator[Finding]:
        yield self.finding("perhaps")


def project(root: Path, more: str = "") -> Path:
    (root / "src" / "shop").mkdir(parents=True)
    (root / "src" / "shop" / "__init__.py").touch()
    (root / "pyproject.toml").write_text(TABLE + more, encoding="utf-8")
    return root


def messages(report: Report) -> list[str]:
    return [each.message for each in report.findings]


def test_every_rule_is_registered_once_under_its_code_and_has_a_page() -> None:
    assert sorted(CODES) == list(CODES)
    assert len(set(CODES)) == len(CODES)
    folder = Path(__file__, "../../../src/hardened/rules").resolve()
    assert {rule.page().stem.upper() for rule in RULES} == {
        path.stem.upper() for path in folder.glob("*/[a-z]*[0-9].py")
    }


@pytest.mark.parametrize("rule", RULES, ids=CODES)
def test_each_page_tells_the_same_story_as_the_rule(rule: type[Rule]) -> None:
    code = rule.__name__
    title, *rest = explain(code).splitlines()
    assert title.lower() == f"# {code}: {rule.title()}".lower()
    assert [line for line in rest if line.startswith("#")] == [
        "## What happened",
        "## See it in your service",
        "## What the template does",
        "## Fix an existing service",
        "## Accept it",
    ]
    assert code in "\n".join(rest)
    assert max(map(len, rest)) <= 120


def test_codes_and_families_are_selected() -> None:
    rules = (XA001, XA002, XB001)
    assert choose((), rules) == rules
    assert choose(("XA",), rules) == (XA001, XA002)
    assert choose(("XB001", "XA002"), rules) == (XA002, XB001)


@pytest.mark.parametrize("name", ["Y", "", "xa001", "XA0011"])
def test_a_selection_of_nothing_is_an_error_that_lists_the_codes(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name!r} is no rule; .*there are .*XB001"):
        choose((name,), (XA001, XB001))


def test_an_unknown_code_is_an_error_with_the_closest_one_first() -> None:
    with pytest.raises(ValueError, match="'rt001' is no code; did you mean RT001"):
        explain("rt001")


def test_findings_come_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    report = check(project(tmp_path), rules=(XA002, XA001))
    assert messages(report) == ["new", "orders.user_id has no index", "orders.other_id has no index"]
    assert report.status == 1
    assert report.codes == ("XA002", "XA001")


def test_a_rule_that_fails_silences_no_other_and_keeps_what_it_found(tmp_path: Path) -> None:
    report = check(project(tmp_path), rules=(XB001, XA002))
    assert sorted(messages(report)) == ["found before", "new"]
    assert report.could_not_look == (Skipped("XB001", "the rule failed: ZeroDivisionError: by zero"),)


def test_a_rule_without_anything_to_judge_says_why(tmp_path: Path) -> None:
    report = check(project(tmp_path), rules=(XB002,))
    assert (report.not_applicable, report.status) == ((Skipped("XB002", "no columns"),), 0)


def test_a_rule_that_is_only_selected_runs_by_its_whole_code(tmp_path: Path) -> None:
    project(tmp_path)
    assert check(tmp_path, rules=(XB005,)).not_applicable == (Skipped("XB005", "takes a minute"),)
    assert check(tmp_path, rules=(XB005,), select=("XB",)).findings == ()
    assert messages(check(tmp_path, rules=(XB005,), select=("XB005",))) == ["found"]


def test_a_fact_that_fails_blinds_what_needs_it_and_halves_what_can_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Project) -> None:
        raise CouldNotLook("the application cannot be imported")

    monkeypatch.setattr(Project, "routes", property(broken))
    report = check(project(tmp_path), rules=(XB003, XB004))
    reason = "the application cannot be imported"
    assert report.could_not_look == (Skipped("XB003", reason), Skipped("XB004", reason))
    assert messages(report) == ["routes: None, source: Source"]


def test_a_fact_whose_reader_fails_is_a_reason_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Project, "routes", property(lambda _: 1 / 0))
    report = check(project(tmp_path), rules=(XB003,))
    assert report.could_not_look == (Skipped("XB003", "routes: ZeroDivisionError: division by zero"),)


def test_a_fact_that_may_be_incomplete_is_reported_with_the_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubtful(facts: Project) -> tuple[()]:
        facts.doubts["routes"] = "a router is made at run time"
        return ()

    monkeypatch.setattr(Project, "routes", property(doubtful))
    report = check(project(tmp_path), rules=(XB003,))
    assert messages(report) == ["0 routes"]
    assert report.could_not_look == (Skipped("XB003", "a router is made at run time"),)


def test_nothing_to_judge_in_half_of_a_fact_is_a_doubt(tmp_path: Path) -> None:
    root = project(tmp_path, ACCEPTED.replace("XA001", "CF007"))
    assert [each.code for each in check(root, select=("CF007",)).not_applicable] == ["CF007"]
    (root / "compose.yaml").write_text("services: [", encoding="utf-8")
    report = check(root, select=("CF007",))
    assert (report.findings, report.not_applicable) == ((), ())
    assert "compose.yaml cannot be read" in report.could_not_look[0].reason


def test_without_import_the_facts_of_the_running_application_are_absent(tmp_path: Path) -> None:
    report = check(project(tmp_path), rules=(XB003, XB004), imports=False)
    assert report.not_applicable == (Skipped("XB003", NOT_IMPORTED),)
    assert messages(report) == ["routes: None, source: Source"]


def test_the_facts_that_need_an_import_are_known_by_their_names(tmp_path: Path) -> None:
    facts = Project(Config(project(tmp_path), package="shop"), imports=False)

    def is_absent(name: str) -> bool:
        try:
            facts.fact(name)
        except (DoesNotApply, CouldNotLook) as reason:
            return str(reason) == NOT_IMPORTED
        return False

    names = [name for name, kind in vars(Project).items() if isinstance(kind, (property, cached_property))]
    assert {name for name in names if name[0] != "_" and is_absent(name)} == IMPORTED


class _Probe:
    """A probe that only keeps whether it is at work."""

    seen: ClassVar[list[str]] = []

    def __init__(self, *_: object) -> None:
        self.seen.append("begins")

    def end(self) -> None:
        self.seen.append("ends")


@pytest.mark.parametrize(
    ("rules", "imports", "seen"),
    [
        ((XB002, XB004), True, ["begins", "XB002", "ends"]),
        ((XB002,), True, ["XB002"]),
        ((XB002, XB004), False, ["XB002"]),
    ],
)
def test_the_probe_begins_before_the_rules_and_only_where_one_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: Sequence[type[Rule]], imports: bool, seen: list[str]
) -> None:
    def noted(_: Rule) -> Iterator[Finding]:
        _Probe.seen.append("XB002")
        yield from ()

    monkeypatch.setattr(_Probe, "seen", [])
    monkeypatch.setattr("hardened.runtime.client.Probe", _Probe)
    monkeypatch.setattr(XB002, "check", noted)
    check(project(tmp_path), rules=rules, imports=imports)
    assert _Probe.seen == seen


# Severity, confidence, defaults


def test_a_possible_finding_is_shown_and_does_not_fail(tmp_path: Path) -> None:
    report = check(project(tmp_path), rules=(XB006,))
    assert (messages(report), report.status) == (["perhaps"], 0)


def test_a_rule_newer_than_the_defaults_warns(tmp_path: Path) -> None:
    report = check(project(tmp_path, 'defaults = "0.4"\n'), rules=(XA002,))
    assert ([each.severity for each in report.findings], report.status) == ([Severity.WARNING], 0)


@pytest.mark.parametrize("more", ["", 'defaults = "0.5"\n'])
def test_a_rule_that_the_defaults_have_fails(tmp_path: Path, more: str) -> None:
    assert check(project(tmp_path, more), rules=(XA002,)).status == 1


def test_defaults_of_a_later_release_are_refused(tmp_path: Path) -> None:
    [skipped] = check(project(tmp_path, 'defaults = "7.0"\n'), rules=(XA002,)).could_not_look
    assert skipped.reason.startswith("defaults is '7.0'; this is the tool of 0.5")


# Options


def test_a_key_that_a_rule_declares_is_read_into_its_field(tmp_path: Path) -> None:
    report = check(project(tmp_path, 'columns = ["a.b"]\n'), rules=(XA001,))
    assert messages(report) == ["a.b has no index"]


def test_a_key_that_no_selected_rule_declares_is_known_all_the_same(tmp_path: Path) -> None:
    report = check(project(tmp_path, 'columns = ["a.b"]\n'), rules=(XA001, XA002), select=("XA002",))
    assert messages(report) == ["new"]


def test_an_option_is_a_typed_field_of_the_rule() -> None:
    assert [each.subject for each in XA001(columns=("x.y",)).check()] == ["x.y"]
    assert XA001.options() == {"columns": ("orders.user_id", "orders.other_id")}
    assert XA002.options() == {}


# Acceptance


def test_an_accepted_finding_is_counted_with_its_reason(tmp_path: Path) -> None:
    report = check(project(tmp_path, ACCEPTED), rules=(XA001,))
    assert [each.subject for each in report.findings] == ["orders.other_id"]
    assert [(each.subject, reason) for each, reason in report.accepted] == [("orders.user_id", "Nobody deletes users.")]


def test_a_file_accepts_all_that_is_found_in_it_under_that_code(tmp_path: Path) -> None:
    report = check(project(tmp_path, ACCEPTED.replace("orders.user_id", "src/shop/models.py")), rules=(XA001,))
    assert (report.status, len(report.accepted)) == (0, 2)


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("XA002", "orders.user_id"),
        ("XA001", "orders"),
        ("XA001", "models.py"),
        ("XA001", "src/shop/models.py:1"),
        ("XA001", "orders.*"),
        ("XB002", "orders.user_id"),
    ],
)
def test_an_acceptance_that_matches_nothing_is_a_finding_at_its_line(tmp_path: Path, code: str, where: str) -> None:
    accepted = ACCEPTED.replace("orders.user_id", where).replace("XA001", code)
    report = check(project(tmp_path, accepted), rules=(XA001, XA002, XB002))
    [unused] = report.unused
    assert unused in report.findings
    assert (unused.code, unused.location, unused.hint) == (code, Location("pyproject.toml", 4), "remove the entry")
    assert f"accepted for {where} (Nobody deletes users.)" in unused.message


@pytest.mark.parametrize("select", [("XA002",), ("XB001",)])
def test_an_acceptance_is_not_unused_while_its_rule_is_not_asked_or_could_not_look(
    tmp_path: Path, select: tuple[str, ...]
) -> None:
    accepted = ACCEPTED + ACCEPTED.replace("XA001", "XB001")
    assert not check(project(tmp_path, accepted), rules=(XA001, XA002, XB001), select=select).unused


@pytest.mark.parametrize("rule", [XB003, XB004])
def test_an_acceptance_is_not_unused_where_the_project_is_not_imported(tmp_path: Path, rule: type[Rule]) -> None:
    accepted = ACCEPTED.replace("XA001", rule.__name__)
    assert not check(project(tmp_path, accepted), rules=(rule,), imports=False).unused


def test_an_acceptance_of_an_unknown_code_is_one_clear_line(tmp_path: Path) -> None:
    report = check(project(tmp_path, ACCEPTED.replace("XA001", "DB055")), rules=(XA001,))
    [skipped] = report.could_not_look
    assert skipped.code == "pyproject.toml"
    assert skipped.reason.startswith("accepted has the code DB055; did you mean DB005")
    assert report.status == 2


# Baseline


def test_only_what_the_baseline_does_not_have_fails(tmp_path: Path) -> None:
    project(tmp_path)
    first = check(tmp_path, rules=(XA001,))
    baseline = Counter(Entry.of(each) for each in first.findings)
    again = check(tmp_path, rules=(XA001, XA002), baseline=baseline)
    assert (messages(again), again.known) == (["new"], first.findings)
    assert check(tmp_path, rules=(XA001,), baseline=baseline).status == 0


def test_an_entry_of_the_baseline_that_matches_nothing_any_more_is_named(tmp_path: Path) -> None:
    baseline = Counter([Entry("XA002", "src/shop/a.py", "old"), Entry("XB001", "", "not asked")])
    assert check(project(tmp_path), rules=(XA002,), baseline=baseline).gone == ("XA002 src/shop/a.py: old",)


# The project


def test_a_run_writes_nothing(tmp_path: Path) -> None:
    project(tmp_path)

    def tree() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    before = tree()
    check(tmp_path, rules=(XA001, XB004))
    assert tree() == before


def test_the_name_of_a_file_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    class XC001(Rule):
        """A file."""

        def check(self) -> Iterator[Finding]:
            yield self.finding("b\udcfe", Location("a\udcff.py"))
            raise CouldNotLook("c\udcfd")

    report = check(project(tmp_path), rules=(XC001,))
    [finding] = report.findings
    assert (finding.message, finding.location.file) == ("b\\udcfe", "a\\udcff.py")
    assert report.could_not_look == (Skipped("XC001", "c\\udcfd"),)
    for name in FORMATS:
        assert render(Report(report.findings, could_not_look=report.could_not_look), name).encode()


def test_a_configuration_that_cannot_be_followed_is_the_whole_report(tmp_path: Path) -> None:
    report = check(project(tmp_path, "pakage = 3"), rules=(XA001,))
    assert report.could_not_look[0].reason.startswith("pakage is no key of [tool.hardening]; did you mean package?")
    assert (report.findings, report.status) == ((), 2)


def test_a_package_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hardening]\npackage = "stop"\n', encoding="utf-8")
    report = check(tmp_path, rules=(XB004,), imports=False)
    assert "src/stop is no folder; correct `package` or `source`" in report.could_not_look[0].reason


def test_the_package_is_derived_where_nothing_names_it(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "main.py").touch()
    report = check(tmp_path, rules=(XB004,), imports=False)
    assert report.notes == ("no `package` in [tool.hardening] of pyproject.toml: assumed `shop`",)
    assert messages(report) == ["routes: None, source: Source"]


def test_the_facade_takes_a_configuration_made_by_hand(tmp_path: Path) -> None:
    facts = Project(Config(tmp_path, package="shop"), imports=False)
    assert facts.fact("config") is facts.config
    with pytest.raises(DoesNotApply, match=NOT_IMPORTED):
        facts.fact("routes")
