"""Distributions that a library needs for a part of itself, and does not bring."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """A part of a library that needs another distribution: any of `packages` will do."""

    what: str
    packages: tuple[str, ...]
    advice: str


EMAIL = Need("checks addresses with email-validator", ("email-validator",), '"email-validator" or "pydantic[email]"')
FORMS = Need("reads forms with python-multipart", ("python-multipart",), '"python-multipart"')
JINJA = Need("renders with jinja2", ("jinja2",), '"jinja2"')
SIGNED = Need("signs with itsdangerous", ("itsdangerous",), '"itsdangerous"')
GREENLET = Need("runs on greenlet", ("greenlet",), '"sqlalchemy[asyncio]"')
ARGON2 = Need("hashes with argon2-cffi", ("argon2-cffi",), '"pwdlib[argon2]"')
BCRYPT = Need("hashes with bcrypt", ("bcrypt",), '"pwdlib[bcrypt]"')
YAML = Need("reads with PyYAML", ("pyyaml",), '"pyyaml"')
ORJSON = Need("writes with orjson", ("orjson",), '"orjson"')
UJSON = Need("writes with ujson", ("ujson",), '"ujson"')
PHONES = Need("checks numbers with phonenumbers", ("phonenumbers",), '"pydantic-extra-types[phonenumbers]"')
HTTP2 = Need("speaks HTTP/2 with h2", ("h2",), '"httpx2[http2]"')
SOCKETS = Need("is served by uvicorn with websockets or wsproto", ("websockets", "wsproto"), '"uvicorn[standard]"')
CRYPTOGRAPHY = Need("signs with cryptography", ("cryptography",), '"pyjwt[crypto]"')

NEEDS: dict[str, Need] = {
    "pydantic.EmailStr": EMAIL,
    "pydantic.NameEmail": EMAIL,
    "pydantic.validate_email": EMAIL,
    "pydantic.networks.EmailStr": EMAIL,
    "pydantic.networks.NameEmail": EMAIL,
    "pydantic.networks.validate_email": EMAIL,
    "fastapi.Form": FORMS,
    "fastapi.File": FORMS,
    "fastapi.UploadFile": FORMS,
    "fastapi.param_functions.Form": FORMS,
    "fastapi.param_functions.File": FORMS,
    "fastapi.security.OAuth2PasswordRequestForm": FORMS,
    "fastapi.security.OAuth2PasswordRequestFormStrict": FORMS,
    "fastapi.security.oauth2.OAuth2PasswordRequestForm": FORMS,
    "fastapi.templating.Jinja2Templates": JINJA,
    "starlette.templating.Jinja2Templates": JINJA,
    "starlette.middleware.sessions.SessionMiddleware": SIGNED,
    "sqlalchemy.ext.asyncio": GREENLET,
    "pwdlib.hashers.argon2": ARGON2,
    "pwdlib.PasswordHash.recommended": ARGON2,
    "pwdlib.hashers.bcrypt": BCRYPT,
    "pydantic_settings.YamlConfigSettingsSource": YAML,
    "fastapi.responses.ORJSONResponse": ORJSON,
    "fastapi.responses.UJSONResponse": UJSON,
    "pydantic_extra_types.phone_numbers": PHONES,
}
"""By the dotted name in source; a name below one of these counts as well."""
