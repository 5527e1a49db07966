"""Ports of well-known servers."""

from __future__ import annotations

PORTS = {
    "postgres": 5432,
    "postgresql": 5432,
    "postgis": 5432,
    "timescaledb": 5432,
    "pgvector": 5432,
    "timescaledb-ha": 5432,
}
PORTS |= {"redis": 6379, "valkey": 6379, "keydb": 6379, "redis-stack": 6379, "redis-stack-server": 6379}
PORTS |= {"rabbitmq": 5672, "mysql": 3306, "mariadb": 3306, "mongo": 27017, "memcached": 11211, "nats": 4222}
"""By the name of an image: the port that it listens on inside of its container."""
SCHEMES = {
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "amqp": 5672,
    "mysql": 3306,
    "mariadb": 3306,
    "mongodb": 27017,
}
"""By the scheme of an address: the port that it means where it names none."""
