"""What the accounts API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from ...core.http import Line, Prose

Password = Annotated[Prose, StringConstraints(min_length=12, max_length=200)]


class Body(BaseModel):
    """A request's body: a field that nobody reads is refused."""

    model_config = ConfigDict(extra="forbid")


class Login(Body):
    """Who wants to log in."""

    email: EmailStr
    password: Annotated[Prose, StringConstraints(max_length=200)]


class LoginView(BaseModel):
    """A new session; its token is shown this once."""

    token: str
    expires_at: datetime


class UserView(BaseModel):
    """A user, as they see themselves."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    name: str
    created_at: datetime


class UserChange(Body):
    """What a user may change of themselves."""

    name: Line


class PasswordChange(Body):
    """A new password, with the old one as proof."""

    current: Annotated[Prose, StringConstraints(max_length=200)]
    new: Password


class KeyRequest(Body):
    """A new API key."""

    name: Line
    days: int | None = Field(
        default=None, ge=1, le=3650, strict=True, description="How long it is valid; for ever if left out"
    )


class KeyView(BaseModel):
    """An API key, without the key."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyView(KeyView):
    """A new API key; the key is shown this once."""

    key: str
