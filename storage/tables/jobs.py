"""The ledger: jobs, what happened to them, and what must still be told to the queue."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class JobRow(Row, table=True):
    """One job, from the command that asked for it to its reply."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("inbox_id", "line_number"),
        # Counts and orders the line without touching a row.
        Index("ix_jobs_line", "state", "queue", "person_id", "repository"),
    )

    id: str = Field(primary_key=True, max_length=7)
    inbox_id: int = Field(foreign_key="inbox.id")
    line_number: int
    verb: str = Field(index=True)
    line: str
    queue: str = Field(index=True)
    request: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    invocation: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    """The invocation that asked, so that permission can be checked again at start."""
    person_id: int = Field(foreign_key="people.id", index=True)
    repository: str | None = Field(default=None, index=True)
    number: int | None = None
    head_sha: str | None = None
    retry_of: str | None = None
    urgency: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """Its class in the line; see `storage.states.Urgency`."""

    state: str = Field(index=True)
    last_seq: int = 0
    """Number of its newest event."""
    attempt: int = 0
    """Counts starts; also the fencing token: only the newest attempt may write."""
    lease_owner: str | None = Field(default=None, index=True)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    cleared_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the gateway last checked the caller's permission for this job."""
    cancel_requested_by: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reply: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    failure: str | None = None
    """Kind of failure, for metrics and retries: "user", "crash", "timeout", "lost", …"""


class JobEventRow(Row, table=True):
    """One change in a job's life; `seq` counts from 1 within the job."""

    __tablename__ = "job_events"

    job_id: str = Field(foreign_key="jobs.id", primary_key=True)
    seq: int = Field(primary_key=True)
    state: str
    at: datetime = Field(sa_type=UtcDateTime)
    text: str = ""
    done: float | None = None


class OutboxRow(Row, table=True):
    """A bell to ring in the queue: this job may start.

    The row stays until a worker leases the job, so that a bell the queue lost is rung again.
    """

    __tablename__ = "outbox"

    job_id: str = Field(foreign_key="jobs.id", primary_key=True)
    not_before: datetime = Field(sa_type=UtcDateTime, index=True)
    attempts: int = 0
