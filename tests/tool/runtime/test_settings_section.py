"""The probe's sections of the class of settings and of the models that jobs are given."""

from __future__ import annotations

import enum
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hardened.records.settings import Model, SettingsFacts
from hardened.runtime.probe._world import Unreadable
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from ._project import probe
from ._section import answer, section, world

HERE = Path(__file__)


class Environment(enum.Enum):
    LOCAL = "local"
    PRODUCTION = "production"


class Base(BaseModel):
    model_config = ConfigDict(env_file=(".env", "/etc/shop.env"))  # type: ignore[typeddict-unknown-key]  # pydantic-settings' own

    environment: Environment = Environment.LOCAL
    secret_key: SecretStr = SecretStr("change-me")
    pool_size: int = 5


class Settings(Base):
    """Made only with variables of the environment, which nobody has here."""

    broker_url: str
    since: int
    search_url: str = "https://admin:letmein@search:9200"
    webhook_token: str = "hook-token-of-ours"  # noqa: S105 - what the section is about
    title: str = "shop"
    is_open: bool = True

    @field_validator("broker_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        assert value.startswith("amqp://")
        return value

    @model_validator(mode="after")
    def _is_strong(self) -> Settings:
        if self.environment is Environment.PRODUCTION and self.secret_key.get_secret_value() == "change-me":
            raise ValueError("SECRET_KEY is weak")
        return self


class Picky(BaseModel):
    api_key: str = "k"

    @model_validator(mode="after")
    def _refuses(self) -> Picky:
        raise ValueError("never")


def line(text: str) -> int:
    return next(n for n, each in enumerate(HERE.read_text().splitlines(), 1) if text in each)


def facts(tmp_path: Path, settings: object) -> SettingsFacts:
    return section("settings", SettingsFacts, world(tmp_path, HERE.parent, settings=settings))


def test_a_class_that_needs_variables_is_judged_without_them(tmp_path: Path) -> None:
    found = facts(tmp_path, Settings)
    accepted = {each.name: (each.accepted, each.location.line) for each in found.defaults}
    assert accepted == {
        "secret_key": ("", line("secret_key: SecretStr")),
        "search_url": ("production", line("search_url: str")),
        "webhook_token": ("production", line("webhook_token: str")),
    }
    assert found.problem == ""
    assert found.numbers == {"pool_size": 5}
    assert [(file, location.line) for file, location in found.relative] == [(".env", line("model_config ="))]
    assert found.classes == {(HERE.name, "Settings"), (HERE.name, "Base")}


def test_no_secret_leaves_the_probe_and_all_are_recognised(tmp_path: Path) -> None:
    made = world(tmp_path, HERE.parent, settings=Settings)
    told = json.dumps(answer("settings", made))
    assert not any(each in told for each in ("change-me", "letmein", "hook-token"))
    known = facts(tmp_path, Settings).known
    assert "change-me" in known
    assert "hook-token-of-ours" in known
    assert "something else" not in known
    assert facts(tmp_path, Settings).known.salt != known.salt


def test_a_class_that_refuses_everything_says_so(tmp_path: Path) -> None:
    found = facts(tmp_path, Picky)
    assert "could be made to try its defaults" in found.problem
    assert [each.accepted for each in found.defaults] == [""]


def test_an_object_stands_for_its_class_and_others_are_a_reason(tmp_path: Path) -> None:
    assert facts(tmp_path, Base()).numbers == {"pool_size": 5}
    with pytest.raises(Unreadable, match="the settings are a dict"):
        answer("settings", world(tmp_path, HERE.parent, settings={}))


def test_a_module_that_makes_its_settings_and_lacks_a_variable(tmp_path: Path) -> None:
    settings = """
        from pydantic import BaseModel

        class Settings(BaseModel):
            broker_url: str
            api_key: str = "k3y"

        settings = Settings()
        """
    files = {"settings.py": settings, "main.py": "from .settings import settings\n"}
    found = probe(tmp_path, files, settings="shop.settings:Settings").section("settings", SettingsFacts)
    assert [str(each.location) for each in found.defaults] == ["src/shop/settings.py:5"]


class Line(BaseModel):
    texts: tuple[str, ...]


class Payload(BaseModel):
    anything: Any
    options: dict[str, Any]
    more: list[str]
    batch: Line | None = None
    some: Annotated[list[str], Field(min_length=1)]
    none_is_fine: list[str] = []
    counts: dict[str, int]
    kind: Literal["a", "b"]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Closed(Open):
    name: str


def test_fields_that_take_too_much(tmp_path: Path) -> None:
    found = section("payloads", tuple[Model, ...], world(tmp_path, HERE.parent))
    models = {name: each for each in found for name in each.names}
    payload = models[f"{Payload.__module__}.Payload"]
    assert {(each.name, each.problem, each.location.line) for each in payload.open_fields} == {
        ("Payload.anything", "is Any, which takes anything", line("anything: Any")),
        ("Payload.options", "is dict[str, Any], which takes anything", line("options: dict")),
        ("Payload.more", "may be an empty list", line("more: list")),
    }
    assert payload.models == (f"{Line.__module__}.Line",)
    assert [each.name for each in models[f"{Line.__module__}.Line"].open_fields] == ["Line.texts"]
    closed = models[f"{Closed.__module__}.Closed"].open_fields
    assert [(each.name, each.location.line) for each in closed] == [("Closed", line('extra="allow"'))]


def test_a_project_without_pydantic_has_no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pydantic")
    assert answer("payloads", world(tmp_path, HERE.parent)) == []
