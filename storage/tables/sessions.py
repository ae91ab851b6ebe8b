"""Who is logged in on the web."""

from datetime import datetime

from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class WebSessionRow(Row, table=True):
    """One browser's login; of its secret only digests are kept."""

    __tablename__ = "web_sessions"

    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(unique=True)
    previous: str | None = Field(default=None, unique=True)
    """Digest of the secret before the last renewal."""
    person_id: int = Field(foreign_key="people.id", index=True)
    account: str
    """As the console's callers bear it: "web:github:583231"."""
    name: str
    csrf: str
    """What requests that change something have to show besides the cookie."""
    renewed_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    """Moves with each renewal, but never beyond `ends_at`."""
    ends_at: datetime = Field(sa_type=UtcDateTime)
