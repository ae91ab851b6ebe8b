"""Forgets what is older than people wanted it kept, a few hundred rows at a time.

Never forgotten: people and their roles, approvals, secrets, wishes and the audit log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, SQLModel, col, delete, select

from storage import artifacts, availability, sessions, vault
from storage.database import Database
from storage.tables import (
    ArtifactRow,
    CheckoutGrantRow,
    ConsoleConversationRow,
    ConsoleMessageRow,
    DeliveryRow,
    DraftRow,
    FeedbackRow,
    InboxKeyRow,
    InboxRow,
    JobEventRow,
    JobRow,
    MatchRow,
    OutboxRow,
    PostedMessageRow,
)

AT_ONCE = 200
"""Rows in one transaction, so that nobody waits long for it."""


@dataclass(frozen=True)
class Kept:
    """For how long."""

    events: timedelta
    """An event, and that it was seen: GitHub redelivers for three days, Slack for one."""
    artifacts: timedelta
    jobs: timedelta
    """A finished job with its messages, votes, whom it named, and threads in the console."""


async def forget(database: Database, kept: Kept, now: datetime) -> int:
    """Delete everything older; how many rows that others hang on."""
    await database.write(lambda s: vault.drop_expired_grants(s, now))
    await database.write(lambda s: sessions.sweep(s, now))
    await database.write(lambda s: availability.forget_absences(s, now - kept.events))
    count = await database.write(lambda s: artifacts.expire(s, now - kept.artifacts))
    count += await _all(database, jobs, now - kept.jobs)
    count += await _all(database, events, now - kept.events)
    count += await _all(database, answers, now - kept.events)
    return count + await _all(database, conversations, now - kept.jobs)


async def _all(
    database: Database, some: Callable[[Session, datetime], int], before: datetime
) -> int:
    count = 0
    while removed := await database.write(lambda s: some(s, before)):
        count += removed
    return count


def jobs(session: Session, before: datetime) -> int:
    """Forget some jobs that ended before a time, with all that hangs on them; how many."""
    found = select(JobRow.id).where(col(JobRow.finished_at) < before)
    ids = session.exec(found.limit(AT_ONCE)).all()
    hanging = (JobEventRow, OutboxRow, DraftRow, FeedbackRow, CheckoutGrantRow, ArtifactRow)
    for table in (*hanging, MatchRow, PostedMessageRow):
        session.exec(delete(table).where(col(table.job_id).in_(ids)))
    session.exec(delete(DeliveryRow).where(col(DeliveryRow.job_id).in_(ids)))
    return _remove(session, JobRow, ids)


def events(session: Session, before: datetime) -> int:
    """Forget some events handled before a time that no kept job came of; how many."""
    made_a_job = select(JobRow.id).where(col(JobRow.inbox_id) == col(InboxRow.id)).exists()
    found = select(InboxRow.id).where(col(InboxRow.handled_at) < before, ~made_a_job)
    ids = session.exec(found.limit(AT_ONCE)).all()
    session.exec(delete(InboxKeyRow).where(col(InboxKeyRow.inbox_id).in_(ids)))
    return _remove(session, InboxRow, ids)


def answers(session: Session, before: datetime) -> int:
    """Forget some answers given before a time, and which messages they were; how many rows."""
    said = select(DeliveryRow.key).where(
        col(DeliveryRow.job_id).is_(None), col(DeliveryRow.finished_at) < before
    )
    shown = select(PostedMessageRow.key).where(
        col(PostedMessageRow.job_id).is_(None), col(PostedMessageRow.posted_at) < before
    )
    keys = session.exec(said.limit(AT_ONCE)).all()
    messages = session.exec(shown.limit(AT_ONCE)).all()
    return _remove(session, DeliveryRow, keys) + _remove(session, PostedMessageRow, messages)


def conversations(session: Session, before: datetime) -> int:
    """Forget some threads of the console in which nothing happened since a time; how many."""
    found = select(ConsoleConversationRow.id).where(col(ConsoleConversationRow.updated_at) < before)
    ids = session.exec(found.limit(AT_ONCE)).all()
    session.exec(delete(ConsoleMessageRow).where(col(ConsoleMessageRow.conversation).in_(ids)))
    return _remove(session, ConsoleConversationRow, ids)


def _remove(session: Session, table: type[SQLModel], keys: Sequence[object]) -> int:
    (key,) = table.__table__.primary_key.columns  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    return session.exec(delete(table).where(key.in_(keys))).rowcount  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
