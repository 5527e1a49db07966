"""Names and values of secrets that stand where everybody can read them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

SECRET_NAME = re.compile(
    r"(?:^|_)(?:secret|secret_?key|password|passwd|pass|passphrase|pwd|(?:api|private|signing|encryption|jwt|auth|access|master|hmac)_?key"
    r"|(?:auth|access|api|bearer|bot|refresh|session|metrics|admin|webhook|service)_?token|token|jwt_?secret|client_?secret)"
    r"(?:_(?:previous|old|current|default))?$"
)
"""The end of a name, in lower case and with underscores, that stands for a secret."""
_VOCABULARY = {
    "access",
    "refresh",
    "session",
    "token",
    "password",
    "key",
    "api",
    "secret",
    "bearer",
    "auth",
    "csrf",
    "id",
    "reset",
    "header",
    "cookie",
    "x",
}
_PLACEHOLDER = re.compile(r"\$[\w({]|\{\{|<[^>]*>|^%\(|^\*+$|^/|^vault:|^arn:|^op://|^ssm:")


def is_secret_name(name: str) -> bool:
    """Return whether a variable of this name holds a secret, and not the place of one (`..._FILE`) or its form."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return SECRET_NAME.search(words) is not None


def is_literal_secret(name: str, value: str) -> bool:
    """Return whether a value is a secret, and no reference to one, path, name or sentence."""
    if not value or _PLACEHOLDER.search(value) or re.search(r"\s", value):
        return False
    # `PASSWORD = "password"` and `HEADER_TOKEN = "x-api-key"` are names of things: of a kind of grant, of a header.
    parts = re.findall(r"[a-z0-9]+", value.lower())
    return "".join(parts) != re.sub(r"[\W_]", "", name).lower() and (
        len(parts) < 2 or not _VOCABULARY.issuperset(parts)
    )


def password_in(value: str) -> str:
    """The password that stands in an address; "" where there is none or a reference to one."""
    if "://" not in value:
        return ""
    try:
        password = urlsplit(value.strip()).password or ""
    except ValueError:
        return ""
    return "" if _PLACEHOLDER.search(password) else password
