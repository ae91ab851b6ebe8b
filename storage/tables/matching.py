"""Who was named for which task and what became of it; and when people are away."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class MatchRow(Row, table=True):
    """One person named for one task. Whoever is named after a refusal has a row of their own."""

    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("job_id", "target", "turn"),
        Index("ix_matches_target", "repository", "target"),
    )

    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="jobs.id")
    repository: str
    """In lower case, as hosts compare it."""
    target: str
    """"#12", "path:src/a.py" or "text:" and a digest."""
    named: str
    """What messages call it."""
    turn: int
    """Counts those who were named for it by this job, from 1."""
    number: int | None = None
    """Of the issue or pull request."""
    is_pull: bool = False
    mode: str
    """"author" or "reviewer": what somebody was looked for to be."""
    person_key: str
    """Who was named: the key of a history's `Person`; "login:ana" or "person:7" where no history
    tells of them."""
    name: str
    login: str | None = None
    """On the code host, where it is known."""
    second_key: str | None = None
    """Who was named beside them."""
    confidence: float
    """That they are the one, in [0, 1]; 0 where it was not said."""
    ranking: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    """Everybody who may be offered, in that order, as `storage.matches.Named`."""
    about: dict[str, Any] = Field(
        default_factory=dict[str, Any], sa_column=Column(JSON, nullable=False)
    )
    """What the task is about, as `storage.matches.About`, and whom its history knows besides
    `ranking`; empty where that was not kept."""
    state: str = Field(index=True)
    """See `storage.matches.MatchState`."""
    decided_by: int | None = Field(default=None, foreign_key="people.id", index=True)
    decided_login: str | None = None
    """Who did it on the code host, where it was done there."""
    reason: str = ""
    suggested_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    responded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the one who was named first did something about it."""
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the issue or pull request was closed."""


class AbsenceRow(Row, table=True):
    """Days on which somebody said that they are away."""

    __tablename__ = "absences"
    __table_args__ = (UniqueConstraint("person_id", "first", "last"),)

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="people.id", index=True)
    first: str
    """As ISO 8601 writes a date."""
    last: str
    """Inclusive."""
    zone: str = "UTC"
    """Whose days they are, as the IANA database names it."""
