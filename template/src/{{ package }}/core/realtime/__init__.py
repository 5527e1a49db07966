# Owned by the template.
"""Changes told to who is looking: topics of features, published after the commit, carried to open sockets (WS001)."""

from ._hub import Hub
from ._stream import Stream
from ._topics import Notice, Topic, publish, topics_by_name

__all__ = ["Hub", "Notice", "Stream", "Topic", "publish", "topics_by_name"]
