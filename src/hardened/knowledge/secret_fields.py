"""Names of fields of a response that hold a secret."""

from __future__ import annotations

import re

_SECRETS = {"password", "passwd", "pwd", "passphrase", "secret", "token", "passcode"}
_KEYS = {"api", "private", "secret", "access", "signing", "encryption", "license"}
_HASHED = {"password", "passwd", "pwd", "pw", "token", "secret", "pin"}
_HARMLESS = {"next", "previous", "page", "cursor", "continuation", "sync", "csrf"}
_JOINED = {"apikey", "secretkey", "privatekey", "accesstoken", "refreshtoken"}


def is_secret_field(name: str) -> bool:
    """Decide by its name: `api_key`, `hashed_password`, `reset_token`; not `token_type`, `next_token`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")
    last, before = words[-1], words[:-1]
    if last in _SECRETS:
        return last != "token" or not _HARMLESS.intersection(before)
    if "_".join(words) in _JOINED:
        return True
    if last == "key" and before and before[-1] in _KEYS:
        return True
    return last in ("hash", "hashed", "digest") and bool(_HASHED.intersection(before))
