# Owned by the template.
"""Errors of jobs: raised by a job itself, by its row's state, by a lease that is gone."""

__all__ = ["JobStateError", "LeaseLostError", "PermanentError", "UnknownJobKindError"]


class PermanentError(Exception):
    """Raised by a job that would fail in the same way again: it fails at once, with this message for its owner."""


class UnknownJobKindError(Exception):
    """A job names a kind that no feature has."""


class JobStateError(Exception):
    """The request does not go with the state that the job is in."""


class LeaseLostError(Exception):
    """Another worker took the job over, so nothing that this attempt did may be kept."""
