# Owned by the template.
"""Background jobs: one row for each is the outbox, the status, the guard against a second run and the metrics."""

from ._context import Run
from ._counts import JobCount, count_jobs
from ._errors import JobStateError, PermanentError, UnknownJobKindError
from ._kinds import DEFAULT_QUEUE, JobKind, JobPayload, JobRegistry, job
from ._models import Job, JobChunk, JobState, Schedule
from ._queue import delete_finished, enqueue, request_cancel, retry
from ._reconciler import Reconciler
from ._relay import Relay
from ._run import InlineDispatcher, in_thread, run_job
from ._views import JobView, jobs_topic

__all__ = [
    "DEFAULT_QUEUE",
    "InlineDispatcher",
    "Job",
    "JobChunk",
    "JobCount",
    "JobKind",
    "JobPayload",
    "JobRegistry",
    "JobState",
    "JobStateError",
    "JobView",
    "PermanentError",
    "Reconciler",
    "Relay",
    "Run",
    "Schedule",
    "UnknownJobKindError",
    "count_jobs",
    "delete_finished",
    "enqueue",
    "in_thread",
    "job",
    "jobs_topic",
    "request_cancel",
    "retry",
    "run_job",
]
