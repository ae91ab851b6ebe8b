"""The states of a job, whose only writer is the ledger, and how urgent jobs are."""

from enum import IntEnum, StrEnum


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


class Urgency(IntEnum):
    """The class of a job in its line, most urgent first."""

    PERSON = 0
    """Somebody asked for it and waits."""
    BACKGROUND = 1
    """Nobody looks out for it: it was scheduled, or is one of many."""
