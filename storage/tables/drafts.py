"""What running jobs have written so far."""

from sqlmodel import Field

from storage.tables.row import Row


class DraftRow(Row, table=True):
    """The end of one job's draft; written over, and gone when the job no longer runs."""

    __tablename__ = "drafts"

    job_id: str = Field(foreign_key="jobs.id", primary_key=True)
    revision: int
    """Grows with each version, from 1 in each attempt."""
    text: str
    """Markdown, bounded by `storage.drafts.KEPT`; not yet without secrets."""
    length: int
    """Characters written so far, those before `text` included."""
