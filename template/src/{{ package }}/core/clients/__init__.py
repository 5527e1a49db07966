# Owned by the template.
"""Other people's services: each is reached through one client with one pool for each process (CL001…CL005)."""

from ._redis import SharedRedis

__all__ = ["SharedRedis"]
