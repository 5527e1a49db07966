"""Calls that wait for an answer of another service."""

from __future__ import annotations

import re

_VERBS = "get|post|put|patch|delete|head|options|request"
HTTP_WAITS = re.compile(
    rf"(?:{_VERBS}|stream|request\.urlopen|request\.urlretrieve|urlopen)"
    rf"|(?:sessions\.)?(?:Client|AsyncClient|Session|session|ClientSession|PoolManager|HTTPS?ConnectionPool)\(\)"
    rf"\.(?:{_VERBS}|stream|send|urlopen|ws_connect)"
    rf"|ClientSession\(\)\.(?:{_VERBS})\(\)\.(?:json|text|read)"
    r"|AsyncClient\(\)\.stream\(\)\.(?:aread|aiter_\w+)|Client\(\)\.stream\(\)\.(?:read|iter_\w+)"
    r"|client\.HTTPS?Connection\(\)\.(?:request|getresponse)"
)
"""Names of an HTTP library's calls that wait for an answer, without the library's."""

REDIS_CALL = re.compile(
    r"(?:\w+\.)*(?:(?:Redis|StrictRedis|RedisCluster|Valkey|StrictValkey|ValkeyCluster)(?:\.from_url)?|from_url)\(\)"
    r"\.(?:(?:pipeline|lock|pubsub)\(\)\.)?\w+"
)
"""Names of calls on a client of Redis."""

CLIENT_CALL = re.compile(r"(?:\.\w+)+")
"""Names of calls on a client of any other library, without the client's."""

LOCAL = {"close", "aclose", "pipeline", "lock", "pubsub", "register_script", "client", "connection_pool", "copy"}
LOCAL |= {"with_options", "with_raw_response", "generate_presigned_url", "generate_presigned_post", "get_paginator"}
"""Methods of clients that reach nobody."""
