"""The routes of accounts: oneself, logging in and out, and one's API keys."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from ...core.database import unit_of_work, utc_now
from ...core.http import (
    CurrentUser,
    Page,
    PageQuery,
    Problem,
    Request,
    Router,
    RowId,
    Session,
    conflict,
    find_owned,
    owned,
    page_of,
    runtime_of,
    secret_response,
    unauthorized,
)
from ...core.realtime import publish
from .models import ApiKey, Credential, LoginSession, User
from .passwords import hash_password, verify_password
from .schemas import KeyRequest, KeyView, Login, LoginView, NewKeyView, PasswordChange, UserChange, UserView
from .service import account, add_key, find_user, show_user
from .tokens import SESSION_PREFIX, digest_of, new_token

SESSION_LIFETIME = timedelta(days=14)
MOST_KEYS = 100

users = Router("/users", tags=["accounts"])
sessions = Router("/sessions", tags=["accounts"], public=True)
keys = Router("/api-keys", tags=["accounts"])


@users.get("/me")
async def show_me(session: Session, user: CurrentUser) -> UserView:
    """Oneself."""
    return await show_user(session, user)


@users.patch("/me")
async def change_me(change: UserChange, session: Session, user: CurrentUser) -> UserView:
    """Change one's name."""
    row = await session.get_one(User, user.user_id)
    row.name = change.name
    publish(session, account.name, owner_id=user.user_id)
    return UserView.model_validate(row)


@users.put("/me/password", status_code=204)
async def change_password(change: PasswordChange, session: Session, user: CurrentUser) -> None:
    """Change one's password, which ends all one's sessions."""
    row = await session.get(Credential, user.user_id)
    if not await verify_password(change.current, None if row is None else row.password_hash) or row is None:
        raise Problem(403, "the current password is not right")
    row.password_hash = await hash_password(change.new)
    await session.execute(delete(LoginSession).where(LoginSession.owner_id == user.user_id))


@sessions.post("", status_code=201)
@secret_response
async def log_in(login: Login, request: Request, session: Session) -> LoginView:
    """Log in with address and password; the token goes into `Authorization: Bearer <token>`."""
    runtime = runtime_of(request)
    # Read apart: the request's own transaction must not be open while a hash is computed.
    async with unit_of_work(runtime.database, read_only=True) as reading:
        person = await find_user(reading, login.email)
        credential = None if person is None else await reading.get(Credential, person.id)
    right = await verify_password(login.password, None if credential is None else credential.password_hash)
    if person is None or not right or not person.is_active:
        raise unauthorized("the address or the password is not right")
    token = new_token(SESSION_PREFIX)
    expires_at = utc_now() + SESSION_LIFETIME
    digest = digest_of(token, runtime.settings)
    session.add(LoginSession(owner_id=person.id, digest=digest, expires_at=expires_at))
    return LoginView(token=token, expires_at=expires_at)


@users.delete("/me/sessions", status_code=204)
async def log_out(session: Session, user: CurrentUser) -> None:
    """End all one's sessions."""
    await session.execute(delete(LoginSession).where(LoginSession.owner_id == user.user_id))


@keys.get("")
async def list_keys(session: Session, user: CurrentUser, query: PageQuery) -> Page[KeyView]:
    """One's API keys, the newest first; revoked ones too."""
    rows = owned(ApiKey, user)
    return await page_of(session, rows, ApiKey.id, limit=query.limit, after=query.after, view=KeyView.model_validate)


@keys.post("", status_code=201)
@secret_response
async def create_key(body: KeyRequest, request: Request, session: Session, user: CurrentUser) -> NewKeyView:
    """Make an API key. It is shown this once."""
    valid = await session.scalars(
        select(ApiKey.id).where(ApiKey.owner_id == user.user_id, ApiKey.revoked_at.is_(None)).limit(MOST_KEYS)
    )
    if len(valid.all()) >= MOST_KEYS:
        raise conflict(f"there are {MOST_KEYS} keys already: revoke one first")
    row, key = await add_key(
        session, runtime_of(request).settings, owner_id=user.user_id, name=body.name, days=body.days
    )
    return NewKeyView(**KeyView.model_validate(row).model_dump(), key=key)


@keys.delete("/{key_id}", status_code=204)
async def revoke_key(key_id: RowId, session: Session, user: CurrentUser) -> None:
    """Revoke an API key; it stops working with this request's end."""
    row = await find_owned(session, ApiKey, key_id, user, what="API key")
    row.revoked_at = row.revoked_at or utc_now()
