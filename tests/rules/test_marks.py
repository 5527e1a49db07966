"""The service's own tests name the failures that are back, and those alone, in whichever process they run."""

from __future__ import annotations

import pytest

from ._service import Service, told_codes

TESTS = """
import pytest


@pytest.mark.failure(code="DB001")
def test_that_fails():
    assert False


@pytest.mark.failure(code="DB002")
def test_that_passes():
    pass


@pytest.mark.failure(code="DB004")
@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.failure(code="DB005"))])
def test_one_of_whose_cases_fails(number):
    assert number == 1


@pytest.fixture
def broken():
    raise RuntimeError


@pytest.mark.failure(code="JB001")
def test_whose_fixture_fails(broken):
    pass


@pytest.mark.failure(code="JB002")
@pytest.mark.skip(reason="not here")
def test_that_is_skipped():
    assert False


@pytest.mark.failure(code="JB003")
@pytest.mark.xfail(strict=True)
def test_that_fails_as_expected():
    assert False


def test_that_guards_nothing():
    assert False
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["this process", "another process"])
def test_a_marked_test_that_fails_is_named_and_no_other(service: Service, arguments: tuple[str, ...]) -> None:
    service.write("tests/test_marked.py", TESTS)
    told = service.pytest("--quiet", *arguments, "tests/test_marked.py")
    assert told.returncode == 1, told.stdout
    assert told_codes(told.stdout) == {"DB001", "DB004", "DB005", "JB001"}
    assert "DB001 is back: tests/test_marked.py::test_that_fails;" in told.stdout
    assert "DB005 is back: tests/test_marked.py::test_one_of_whose_cases_fails[2];" in told.stdout
    assert "DB005 is back: tests/test_marked.py::test_one_of_whose_cases_fails[1];" not in told.stdout


def test_the_tests_of_one_failure_can_be_run_alone(service: Service) -> None:
    service.write("tests/test_marked.py", TESTS)
    told = service.pytest("--quiet", "-m", "failure(code='DB002')", "tests/test_marked.py")
    assert (told.returncode, told_codes(told.stdout)) == (0, set()), told.stdout
    assert "1 passed, 7 deselected" in told.stdout


def test_where_nothing_fails_nothing_is_said_to_be_back(service: Service) -> None:
    told = service.pytest("--quiet", "tests/test_breaker.py", "-k", "opens_after_five")
    assert (told.returncode, "is back" in told.stdout) == (0, False), told.stdout
