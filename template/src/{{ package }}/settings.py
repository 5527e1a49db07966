"""The service's own settings: add a field, and it is read from the environment and from `.env`."""

from .core.settings import CoreSettings


class Settings(CoreSettings):
    """Core's settings and yours. A field of type `SecretStr` is refused outside local when it is weak."""
