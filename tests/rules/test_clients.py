"""What tells of a client's failure before the check does: the type checker, and the service that does not start."""

from __future__ import annotations

from ._service import Service


def test_a_cache_without_a_time_to_live_and_a_stand_in_with_a_misspelt_method_are_type_errors(service: Service) -> None:
    service.write(
        "tests/test_types.py",
        '''
        """What the type checker is to refuse."""

        from datetime import timedelta
        from typing import Protocol

        from inbox_demo.core.clients import Answer, Cached

        ENDS = Cached("tests.towns", str, timedelta(minutes=1))
        NEVER = Cached("tests.towns", str)


        class Drafts(Protocol):
            """What is asked for drafts."""

            async def drafts(self, text: str) -> Answer[list[str]]: ...


        class Right:
            """Has it."""

            async def drafts(self, text: str) -> Answer[list[str]]:
                return Answer([text])


        class Misspelt:
            """Has something like it."""

            async def draft(self, text: str) -> Answer[list[str]]:
                return Answer([text])


        ASKED: tuple[Drafts, Drafts] = Right(), Misspelt()
        ''',
    )
    told = service.command("mypy", "--cache-dir=/dev/null", "tests/test_types.py").stdout
    wrong = {line.partition(": error:")[0]: line for line in told.splitlines() if ": error:" in line}
    never, misspelt = (service.at("tests/test_types.py", text) for text in ("NEVER =", "ASKED:"))
    assert set(wrong) == {f"tests/test_types.py:{spot.line}" for spot in (never, misspelt)}, told
    assert '"ttl"' in wrong[f"tests/test_types.py:{never.line}"]


def test_a_service_with_a_client_that_states_no_version_does_not_start(service: Service) -> None:
    service.replace("@/features/inbox/summariser.py", '    version = "v1"\n', "")
    assert "(CL002)" in service.start()


def test_a_limit_of_the_settings_is_reported_beside_a_client_that_connects(service: Service) -> None:
    service.write(
        "@/features/inbox/memory.py", "import urllib3\n\nurllib3.request('GET', 'http://127.0.0.1:1', retries=3)\n"
    )
    service.replace(
        "@/settings.py", 'outside local when it is weak."""', 'outside local."""\n\n    patience_seconds: float = 3.0'
    )
    answer = service.check("CL001", "CL003", "CL008", "IM003")
    told = {(each.code, each.spot.file.rpartition("/")[2]) for each in answer.findings}
    expected = {("CL001", "memory.py"), ("CL003", "memory.py"), ("CL008", "memory.py"), ("CL003", "settings.py")}
    assert told == expected, answer.findings
