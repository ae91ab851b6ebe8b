"""What waits, and for how long: a look at the whole installation for metrics and readiness.

Every query reads only what is not over yet, by an index, so that a look costs the same however
long the history has grown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sql
from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.presence import GONE_S
from storage.states import JobState
from storage.tables.deliveries import DeliveryRow
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobRow, OutboxRow
from storage.tables.processes import ProcessRow
from storage.tables.trust import LeaseRow

OVERDUE_S = 10.0
"""A delivery that nobody has looked at for so long after it was due is overdue; each is due again
when a holder's lease ends, so a slow platform alone makes none."""


@dataclass(frozen=True)
class Waiting:
    """Jobs of one verb in one queue and state."""

    state: JobState
    queue: str
    verb: str
    count: int
    oldest_at: datetime
    """When the oldest was asked for."""


@dataclass(frozen=True)
class Overdue:
    """Deliveries of a platform that nobody looks at."""

    platform: str
    count: int
    oldest_at: datetime


@dataclass(frozen=True)
class Backlog:
    """One look. Times are None where there is nothing of the kind."""

    jobs: tuple[Waiting, ...]
    events: int
    """Accepted and not handled yet."""
    event_oldest_at: datetime | None
    event_untried_at: datetime | None
    """The oldest one that no try has put off: nobody has come to it."""
    event_handled_at: datetime | None
    """When one was last handled."""
    rings: int
    ring_due_at: datetime | None
    """When the bell that waits longest was due."""
    overdue: tuple[Overdue, ...]
    delivered_at: datetime | None
    """When a delivery was last finished."""
    leader_until: datetime | None
    processes: Mapping[str, int]
    """Alive, by kind ("gateway", "worker")."""
    put_off: Mapping[str, int]
    """Deliveries that their platform did not take at the last try, by platform."""

    def oldest_by_queue(self) -> Mapping[str, datetime]:
        """When the oldest queued job of each queue was asked for."""
        oldest: dict[str, datetime] = {}
        for waiting in self.jobs:
            if waiting.state is JobState.QUEUED:
                known = oldest.get(waiting.queue, waiting.oldest_at)
                oldest[waiting.queue] = min(known, waiting.oldest_at)
        return oldest


def look(session: Session, now: datetime) -> Backlog:
    """The backlog now."""
    events, event_oldest_at = session.exec(
        select(func.count(), func.min(InboxRow.received_at)).where(
            col(InboxRow.handled_at).is_(None)
        )
    ).one()
    rings, ring_due_at = session.exec(select(func.count(), func.min(OutboxRow.not_before))).one()
    leader = session.get(LeaseRow, "leader")
    return Backlog(
        jobs=_jobs(session),
        events=events,
        event_oldest_at=event_oldest_at,
        event_untried_at=session.exec(
            select(func.min(InboxRow.received_at)).where(
                col(InboxRow.handled_at).is_(None), col(InboxRow.error).is_(None)
            )
        ).one(),
        event_handled_at=session.exec(select(func.max(InboxRow.handled_at))).one(),
        rings=rings,
        ring_due_at=ring_due_at,
        overdue=_overdue(session, now),
        delivered_at=session.exec(select(func.max(DeliveryRow.finished_at))).one(),
        leader_until=leader.until if leader is not None else None,
        processes=_processes(session, now),
        put_off=_put_off(session),
    )


def _processes(session: Session, now: datetime) -> Mapping[str, int]:
    alive = sql.select(col(ProcessRow.kind), func.count()).where(
        col(ProcessRow.seen_at) > now - timedelta(seconds=GONE_S)
    )
    rows = session.connection().execute(alive.group_by(col(ProcessRow.kind))).tuples()
    return dict(row for row in rows)


def _jobs(session: Session) -> tuple[Waiting, ...]:
    state, queue, verb = col(JobRow.state), col(JobRow.queue), col(JobRow.verb)
    open_states = (JobState.WAITING, JobState.QUEUED, JobState.RUNNING)
    counted = (
        sql.select(state, queue, verb, func.count(), func.min(col(JobRow.created_at)))
        .where(state.in_(open_states))
        .group_by(state, queue, verb)
    )
    rows = session.connection().execute(counted).tuples()
    return tuple(
        Waiting(JobState(in_state), in_queue, of_verb, count, oldest_at)
        for in_state, in_queue, of_verb, count, oldest_at in rows
    )


def _overdue(session: Session, now: datetime) -> tuple[Overdue, ...]:
    platform, due_at = col(DeliveryRow.platform), col(DeliveryRow.next_try_at)
    counted = (
        sql.select(platform, func.count(), func.min(due_at))
        .where(
            col(DeliveryRow.finished_at).is_(None),
            due_at < now - timedelta(seconds=OVERDUE_S),
        )
        .group_by(platform)
    )
    return tuple(Overdue(*row) for row in session.connection().execute(counted).tuples())


def _put_off(session: Session) -> Mapping[str, int]:
    platform = col(DeliveryRow.platform)
    counted = (
        sql.select(platform, func.count())
        .where(col(DeliveryRow.finished_at).is_(None), col(DeliveryRow.attempts) > 0)
        .group_by(platform)
    )
    rows = session.connection().execute(counted).tuples()
    return dict(row for row in rows)
