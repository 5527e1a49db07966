"""Distributions of the ecosystem: their modules, and what they require."""

from __future__ import annotations

OTHER_NAMES = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dns": "dnspython",
    "git": "gitpython",
    "jwt": "pyjwt",
    "pkg_resources": "setuptools",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""The distribution of a module that goes by another name, for those that are not installed."""

REQUIRES: dict[str, tuple[str, ...]] = {
    "fastapi": (
        "starlette",
        "pydantic",
        *(
            f'{name}; extra == "{extra}"'
            for extra in ("standard", "all")
            for name in ("httpx", "jinja2", "python-multipart", "email-validator", "uvicorn[standard]")
        ),
        'itsdangerous; extra == "all"',
        'orjson; extra == "all"',
        'ujson; extra == "all"',
        'pyyaml; extra == "all"',
    ),
    "starlette": tuple(f'{name}; extra == "full"' for name in ("itsdangerous", "jinja2", "python-multipart", "httpx")),
    "pydantic": ('email-validator; extra == "email"',),
    "uvicorn": tuple(
        f'{name}; extra == "standard"'
        for name in ("httptools", "python-dotenv", "pyyaml", "uvloop", "watchfiles", "websockets")
    ),
    "celery": ("kombu", "amqp", 'kombu[redis]; extra == "redis"'),
    "kombu": ("amqp", 'redis; extra == "redis"'),
    "sqlmodel": ("sqlalchemy", "pydantic"),
    "fastapi-users": ("fastapi", "email-validator", "python-multipart", "pyjwt[crypto]", "pwdlib[argon2,bcrypt]"),
    "pyjwt": ('cryptography; extra == "crypto"',),
    "pwdlib": ('argon2-cffi; extra == "argon2"', 'bcrypt; extra == "bcrypt"'),
}
"""Requirements of widespread distributions, for a project whose environment is not there."""
