"""People, their accounts on the platforms, their roles."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class PersonRow(Row, table=True):
    """A person, whatever platform they speak from."""

    __tablename__ = "people"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    created_at: datetime = Field(sa_type=UtcDateTime)


class AccountRow(Row, table=True):
    """A person's account on one platform."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("platform", "account"),)

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="people.id", index=True)
    platform: str
    account: str
    name: str
    linked_at: datetime = Field(sa_type=UtcDateTime)


class RoleRow(Row, table=True):
    """A tier that an administrator gave a person in one scope."""

    __tablename__ = "roles"

    person_id: int = Field(foreign_key="people.id", primary_key=True)
    scope: str = Field(primary_key=True)
    """"slack:T1", "discord:812", "github:owner/name", or "*" for everywhere."""
    tier: int
    granted_by: int = Field(foreign_key="people.id")
    granted_at: datetime = Field(sa_type=UtcDateTime)
    account: str | None = None
    """The one it was given to, as "github:7": it goes with that account when the link is undone."""


class LinkCodeRow(Row, table=True):
    """A one-use code that proves two accounts belong to one person; only its digest is kept."""

    __tablename__ = "link_codes"

    digest: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="people.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)
