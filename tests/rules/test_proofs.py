"""Each failure is brought back, disguised, written in a hurry and imitated: its rule goes off, and it alone."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hardened.model import AtRunTime
from hardened.rules import RULES

from .._template import VARIANTS
from ._matrix import AT_START, PAGE, page
from ._proofs import CASES, Case, Kind
from ._service import Environment, Service, Spot, told_codes

for module in sorted(Path(__file__).parent.glob("proof_*.py")):
    importlib.import_module(f"{__package__}.{module.stem}")

JUDGED = [case for case in CASES if case.kind is not Kind.UNPROTECTED]
UNPROTECTED = [case for case in CASES if case.kind is Kind.UNPROTECTED]
AT_RUN_TIME = {rule.__name__ for rule in RULES if issubclass(rule, AtRunTime)}
SELECTED = {rule.__name__ for rule in RULES if rule.only_selected}
CODES = [rule.__name__ for rule in RULES]


@pytest.mark.parametrize("answers", VARIANTS.values(), ids=VARIANTS)
def test_a_service_as_rendered_is_silent(
    answers: dict[str, object], rendered: Callable[..., Path], environment: Environment, tmp_path: Path
) -> None:
    answer = Service(rendered(**answers), tmp_path / "service", environment).check()
    assert (answer.findings, answer.status) == ([], 0), answer.notes


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.name)
def test_proof(case: Case, service: Service, tmp_path_factory: pytest.TempPathFactory) -> None:
    expected = case.change(service)
    # What takes long is asked for by its name, and looks at all types from the beginning only once.
    chosen = [case.code] if case.code in SELECTED else []
    kept = {"MYPY_CACHE_DIR": str(tmp_path_factory.getbasetemp() / "mypy")} if chosen else {}
    answer = service.check(*chosen, environment={**kept, **dict(case.environment)})
    assert "could not look" not in answer.notes or answer.findings, answer.notes
    others = [each for each in answer.findings if each.code != case.code and each.code not in case.also]
    assert others == [], "rules of other failures go off as well"
    own = [each for each in answer.findings if each.code == case.code]
    if case.kind is Kind.LOOK_ALIKE:
        assert own == []
        return
    spots = [expected] if isinstance(expected, Spot) else list(expected or ())
    assert spots, "the case names no line at which the rule must point"
    assert sorted(each.spot for each in own) == sorted(spots), own
    assert all(each.message.endswith(f"({case.code})") for each in own)
    assert answer.status == 1
    # The service looks at its own objects when it starts, and at no migration.
    if case.code in AT_START and any(each.file.startswith("src/") for each in spots):
        assert f"({case.code})" in service.start(), "the service starts with it"


@pytest.mark.parametrize("case", UNPROTECTED, ids=lambda case: case.name)
def test_without_its_protection_the_services_tests_fail_by_the_name_of_the_failure(
    case: Case, service: Service
) -> None:
    case.change(service)
    chosen = f"failure(code='{case.code}') and not slow and not soak"
    told = service.pytest("-m", chosen, "--quiet", "--exitfirst", *case.arguments, *case.tests)
    if told.returncode == 0 and re.search(r"^\d+ skipped", told.stdout, re.MULTILINE):
        pytest.skip(f"the service's tests need what is not on this machine: {told.stdout}")
    # A service that is broken altogether would prove nothing: it is a test that fails, not what is made for it.
    assert told.returncode == 1, told.stdout
    assert re.search(r"^1 failed", told.stdout, re.MULTILINE), told.stdout
    assert case.code in told_codes(told.stdout), told.stdout


def test_each_code_has_its_proofs() -> None:
    counted = Counter((case.code, case.kind) for case in CASES)
    least = {Kind.BACK: 1, Kind.DISGUISE: 3, Kind.HURRIED: 1, Kind.LOOK_ALIKE: 1}
    lacking = [
        f"{code}: {counted[code, kind]} of {number} {kind}"
        for code in CODES
        for kind, number in ({Kind.UNPROTECTED: 2} if code in AT_RUN_TIME else least).items()
        if counted[code, kind] < number
    ]
    assert lacking == []
    assert {case.code for case in CASES} == set(CODES)


def test_the_page_of_the_catalogue_is_what_guards_and_proofs_say(request: pytest.FixtureRequest) -> None:
    expected = page(RULES, CASES)
    if request.config.getoption("update_snapshots"):
        PAGE.write_text(expected, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == expected, "make it anew, see its first lines, and look at the difference"
    rows = [line.split(" | ") for line in expected.splitlines() if line.startswith("| [")]
    assert len(rows) == len(CODES)
    assert [row[0] for row in rows if not row[2]] == [], "it fires nowhere"
