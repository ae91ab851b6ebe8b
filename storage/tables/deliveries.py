"""What still has to be said, and which message of ours says what."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, text
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class DeliveryRow(Row, table=True):
    """A job's status message and result, or one answer that became no job."""

    __tablename__ = "deliveries"

    key: str = Field(primary_key=True)
    """The job id, or "answer:<inbox>:<line>"."""
    job_id: str | None = Field(default=None, foreign_key="jobs.id", unique=True)
    platform: str
    place: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    reply: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    """Of an answer; a job's reply is in the ledger."""
    status: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    """The posted status message, as `bot.face.Posted`."""
    shown_seq: int = 0
    """Newest job event that the status message shows."""
    shown_draft: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """Revision of the draft that it shows; 0 for none."""
    edited_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was last posted or edited."""
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    next_try_at: datetime = Field(sa_type=UtcDateTime, index=True)
    lease_owner: str | None = Field(default=None, index=True)
    attempts: int = 0
    tried: str | None = None
    """The newest message that somebody began to post ("status", "result", "answer"), whether or not
    it got there; what is posted for the first time need not be looked for."""
    error: str | None = None


class PostedMessageRow(Row, table=True):
    """A message of ours, so that a reaction on it finds the job it is about."""

    __tablename__ = "posted_messages"

    key: str = Field(primary_key=True)
    job_id: str | None = Field(default=None, foreign_key="jobs.id", index=True)
    kind: str
    """"status", "result" or "answer"."""
    platform: str
    place: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    data: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    posted_at: datetime = Field(sa_type=UtcDateTime, index=True)
