"""RT002, for which the types are checked: it is asked for by its name."""

from __future__ import annotations

from ._service import Service


def test_it_runs_only_when_it_is_selected_by_its_whole_code(service: Service) -> None:
    service.replace("@/core/clients/_clients.py", "def breakers(", "def breaker_states(")
    assert service.check().codes == set()
    assert "RT002" in service.check("RT").not_applicable


def test_a_file_that_does_not_compile_keeps_it_from_no_other(service: Service) -> None:
    service.replace("@/core/clients/_clients.py", "def breakers(", "def breaker_states(")
    service.write("@/features/inbox/half.py", "def half(:\n")
    assert service.check("RT002").codes == {"RT002"}
