"""The processes of the installation that are at work."""

from datetime import datetime

from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class ProcessRow(Row, table=True):
    """One running process; what it holds (jobs, events, deliveries, roles) names it as `owner`."""

    __tablename__ = "processes"

    owner: str = Field(primary_key=True)
    kind: str
    """"gateway" or "worker"."""
    machine: str
    """Where its process number means something: a host, or a container of it."""
    pid: int
    born: str
    """When the kernel started it, so that a number given out again is not taken for it."""
    beats: int
    """Grows while it lives."""
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
