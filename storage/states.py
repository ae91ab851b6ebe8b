"""The states of a job; the ledger is their only writer."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is, in the words a person reads."""

    WAITING = "waiting"
    """For a person's approval (a fork's code)."""
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether the job will never change again."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
