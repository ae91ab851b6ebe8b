"""Files that jobs produced."""

from datetime import datetime

from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class ArtifactRow(Row, table=True):
    """Where an artifact's bytes are and what they are; the bytes lie under their digest."""

    __tablename__ = "artifacts"

    id: str = Field(primary_key=True)
    job_id: str | None = Field(default=None, foreign_key="jobs.id", index=True)
    name: str
    media_type: str
    size_bytes: int
    digest: str = Field(index=True)
    """SHA-256, hex."""
    role: str = ""
    """"apply" for files that Apply writes; `path` says where."""
    path: str | None = None
    replaces: str | None = None
    """The `blob_id` of the content that Apply may write over; None where nothing may be there."""
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
