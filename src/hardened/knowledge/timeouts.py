"""Limits of time that calls of the standard library take."""

from __future__ import annotations

TIMEOUT_POSITIONS: dict[str, int | None] = {
    "urlopen": 2,
    "create_connection": 1,
    "SMTP": 3,
    "SMTP_SSL": 5,
    "LMTP": None,
    "FTP": 4,
    "FTP_TLS": None,
    "IMAP4": 2,
    "IMAP4_SSL": None,
    "POP3": 2,
    "POP3_SSL": None,
    "HTTPConnection": 2,
    "HTTPSConnection": None,
}
"""The position of the timeout among the arguments, by the call; None where it has only a keyword."""
