"""RT002, for which the types are checked: an attribute that is gone is named in the route that was left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ._service import Environment, Service, Spot


@pytest.fixture(scope="module")
def checked(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Service], list[Spot]]:
    """What `check --select RT002` names; the types are looked at from the beginning only once."""
    cache = {"MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy"))}

    def check(service: Service) -> list[Spot]:
        answer = service.check("--select=RT002", environment=cache)
        assert "could not look" not in answer.notes, answer.notes
        assert all(each.message.endswith("(RT002)") for each in answer.findings)
        return [each.spot for each in answer.findings]

    return check


def renamed(service: Service) -> None:
    service.replace("@/core/clients/_clients.py", "def breakers(", "def breaker_states(")


def test_a_service_as_rendered_is_silent(service: Service, checked: Callable[[Service], list[Spot]]) -> None:
    assert checked(service) == []


def test_a_renamed_method_is_named_in_the_route_that_was_left_behind(
    service: Service, checked: Callable[[Service], list[Spot]]
) -> None:
    renamed(service)
    left = [
        service.at("@/core/http/_health.py", "clients.breakers()"),
        service.at("@/core/runtime.py", "clients.breakers()"),
    ]
    assert checked(service) == left


def test_a_renamed_column_is_named_in_a_statement_and_in_a_view(
    service: Service, checked: Callable[[Service], list[Spot]]
) -> None:
    service.replace("@/features/inbox/models.py", "    title: Mapped[str]", "    heading: Mapped[str]")
    service.append(
        "@/features/inbox/routes.py",
        """

        @inbox.get("/{item_id}/title")
        async def title_of(item_id: RowId, session: Session, user: CurrentUser) -> str:
            return (await find_owned(session, Item, item_id, user, what="item")).title
        """,
    )
    assert service.at("@/features/inbox/routes.py", ".title") in checked(service)


def test_a_field_that_a_request_never_had_is_named(service: Service, checked: Callable[[Service], list[Spot]]) -> None:
    service.append(
        "@/features/inbox/routes.py",
        """

        def shout(body: RawCapture) -> str:
            return body.content.upper()
        """,
    )
    assert checked(service) == [service.at("@/features/inbox/routes.py", "body.content")]


def test_names_that_modules_lack_and_other_mistakes_of_types_are_not_its(
    service: Service, checked: Callable[[Service], list[Spot]]
) -> None:
    service.append(
        "@/features/inbox/routes.py",
        """

        def wrong(body: RawCapture) -> int:
            from .models import NoSuchThing  # noqa: PLC0415

            return body.text
        """,
    )
    assert checked(service) == []


def test_it_runs_only_when_it_is_selected_by_its_whole_code(service: Service) -> None:
    renamed(service)
    assert service.check().codes == set()
    told = service.run("from inbox_demo.checks.__main__ import main; sys.exit(main(['--select=RT']))")
    assert "not checked: RT002" in told["output"]


def test_where_mypy_fails_it_says_that_it_could_not_look(service: Service) -> None:
    service.replace("pyproject.toml", 'plugins = ["pydantic.mypy"]', 'plugins = ["gone"]')
    answer = service.check("--select=RT002")
    assert answer.status == 2
    assert "could not look: RT002" in answer.notes
