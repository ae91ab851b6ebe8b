"""What people thought of results."""

from datetime import datetime

from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class FeedbackRow(Row, table=True):
    """One person's vote on one job's result; a new one replaces it."""

    __tablename__ = "feedback"

    job_id: str = Field(foreign_key="jobs.id", primary_key=True)
    person_id: int = Field(foreign_key="people.id", primary_key=True)
    artifact_id: str | None = None
    value: int
    """+1 or -1; 0 for one that was taken back."""
    source: str
    """"reaction:+1", "button", "command"."""
    comment: str = ""
    at: datetime = Field(sa_type=UtcDateTime)
