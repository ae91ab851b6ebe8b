"""The console's own threads: conversations, their messages, and who spoke with which token."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class ConsoleConversationRow(Row, table=True):
    """One thread; its row is locked by every write to it, so that changes have one order."""

    __tablename__ = "console_conversations"

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)
    """The account that began it."""
    change: int = 0
    """Number of its newest change; a reader resumes from the last one it saw."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)


class ConsoleMessageRow(Row, table=True):
    """One message of a thread, a person's or ours."""

    __tablename__ = "console_messages"
    __table_args__ = (Index("ix_console_messages_thread", "conversation", "change"),)

    id: int | None = Field(default=None, primary_key=True)
    conversation: str = Field(foreign_key="console_conversations.id")
    key: str = Field(unique=True, max_length=255)
    """The delivery key: the same key twice is one message."""
    kind: str
    """"person", "status", "result" or "answer"."""
    about: int | None = None
    """The person's message that ours is about."""
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    version: int = 1
    """Grows with each edit."""
    created_change: int
    """The conversation's change that made it: its place in the thread."""
    change: int
    """The conversation's change that last touched it."""
    tier: int | None = None
    """Of a person's message: what the token it was sent with allowed."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ConsoleClientRow(Row, table=True):
    """Until when an account has held a token of this tier."""

    __tablename__ = "console_clients"

    account: str = Field(primary_key=True)
    tier: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    token_expires_at: datetime = Field(sa_type=UtcDateTime)
