"""RT002, for which the types are checked: it is asked for by its name, and says where it could not look."""

from __future__ import annotations

from ._service import Service


def test_it_runs_only_when_it_is_selected_by_its_whole_code(service: Service) -> None:
    service.replace("@/core/clients/_clients.py", "def breakers(", "def breaker_states(")
    assert service.check().codes == set()
    assert "RT002" in service.check("RT").not_applicable


def test_where_mypy_fails_it_says_that_it_could_not_look(service: Service) -> None:
    service.write("@/features/inbox/half.py", "def half(:\n")
    answer = service.check("RT002")
    assert answer.status == 2
    assert "could not look: RT002" in answer.notes
