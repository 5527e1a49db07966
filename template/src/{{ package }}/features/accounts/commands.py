"""The commands of accounts; `commands` lists them."""

from __future__ import annotations

from typing import Annotated

import typer
from email_validator import EmailNotValidError, validate_email

from ...core.database import unit_of_work
from ...core.runtime import Runtime
from ...core.terminal import CommandError, say
from .service import add_key, add_user, find_user


async def create_user(
    runtime: Runtime,
    email: Annotated[str, typer.Argument(help="The address they log in with.")],
    name: Annotated[str, typer.Option(help="Their name; the address if left out.")] = "",
    password: Annotated[
        str | None,
        typer.Option(help="At least 12 characters; without one they can only use API keys.", envvar="USER_PASSWORD"),
    ] = None,
) -> None:
    """Add a user."""
    address = _address(email)
    if password is not None and not 12 <= len(password) <= 200:
        raise CommandError(f"the password has {len(password)} characters: use 12 to 200")
    if len(name) > 200 or "\x00" in name:
        raise CommandError("the name is longer than 200 characters or holds a NUL")
    async with unit_of_work(runtime.database) as session:
        if await find_user(session, address) is not None:
            raise CommandError(f"there is a user {address} already")
        user = await add_user(session, email=address, name=name or address, password=password)
    say(f"user {user.id} {user.email} created")


async def create_key(
    runtime: Runtime,
    email: Annotated[str, typer.Argument(help="The user that the key acts for.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Annotated[int | None, typer.Option(help="How long it is valid.", min=1, max=3650)] = None,
) -> None:
    """Make an API key and print it, this once."""
    async with unit_of_work(runtime.database) as session:
        user = await find_user(session, _address(email))
        if user is None:
            raise CommandError(f"there is no user {email}: add one with create-user {email}")
        _, key = await add_key(session, runtime.settings, owner_id=user.id, name=name[:200], days=days)
    say(key)


commands = (create_user, create_key)


def _address(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise CommandError(f"{email!r} is no email address: {error}") from None
