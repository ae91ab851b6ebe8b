"""What was read of the files of repositories, so that they can be searched."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class CodeRecordRow(Row, table=True):
    """One content, read in one manner for one owner. The large columns are the last ones: what
    stands before is read without them.
    """

    __tablename__ = "code_records"
    __table_args__ = (UniqueConstraint("scope", "blob", "manner"),)

    id: int | None = Field(default=None, primary_key=True)
    scope: str
    """Whose it is: a repository, or an installed distribution and its version."""
    blob: str
    """The content's `blob_id`."""
    manner: str
    """How it was read: language, version of the reader, digest of the model."""
    size_bytes: int
    """Of the two below together."""
    used_at: datetime = Field(sa_type=UtcDateTime, index=True)
    chunks: bytes
    vectors: bytes
