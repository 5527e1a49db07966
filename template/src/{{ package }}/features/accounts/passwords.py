"""Passwords, hashed with argon2 in a thread: a hash takes a fifth of a second of a processor."""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from ...core.jobs import in_thread


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("the password of nobody")


async def hash_password(password: str) -> str:
    """The hash to store."""
    return await in_thread(_hasher().hash, password)


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password is the one of this hash; as slow for an unknown user (None) as for a known one."""
    matches = await in_thread(lambda: _hasher().verify(password, stored or _nobodys_hash()))
    return matches and stored is not None
