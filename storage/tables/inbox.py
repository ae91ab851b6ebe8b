"""Events as they arrived, each claimed once."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class InboxRow(Row, table=True):
    """One verified event; kept until its effects are committed, then for the retention time."""

    __tablename__ = "inbox"

    id: int | None = Field(default=None, primary_key=True)
    platform: str
    payload: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    received_at: datetime = Field(sa_type=UtcDateTime)
    handled_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    attempts: int = 0
    next_try_at: datetime = Field(sa_type=UtcDateTime, index=True)
    """Nobody else takes the row before this; a taker moves it into the future."""
    holder: str | None = Field(default=None, index=True)
    """The process that has it in work or in memory until then."""
    error: str | None = None


class InboxKeyRow(Row, table=True):
    """A delivery key that was seen; its uniqueness is what makes a redelivery harmless."""

    __tablename__ = "inbox_keys"

    key: str = Field(primary_key=True, max_length=255)
    inbox_id: int = Field(foreign_key="inbox.id", index=True)
