"""Rows that other rows need."""

from datetime import datetime

from sqlmodel import Session

from storage.ids import JobId, PersonId
from storage.states import JobState
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobRow


def add_job(session: Session, job: str, person: PersonId, now: datetime) -> JobId:
    """A queued job and the event that asked for it."""
    event = InboxRow(platform="console", payload={}, received_at=now, next_try_at=now)
    session.add(event)
    session.flush()
    assert event.id is not None
    session.add(
        JobRow(
            id=job,
            inbox_id=event.id,
            line_number=1,
            verb="test",
            line="test src/a.py",
            queue="cpu",
            request={},
            invocation={},
            person_id=person,
            state=JobState.QUEUED,
            created_at=now,
        )
    )
    session.flush()
    return JobId(job)
