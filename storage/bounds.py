"""How many jobs may wait: in each line for each class of urgency, and how many of those may be one
person's or one repository's.

Counted in the transaction that adds the job, after `hold`: whoever else would add one waits until
it ends, so no bound is ever exceeded by a new job, however many gateways there are. Jobs that were
taken before and come back into the line (a lost worker's, an approved one) are not counted again:
by those a line may be longer than its bound.

What waits for a person's approval is in no line, so it fills none; shares hold for it by itself.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, case, false, func, text
from sqlmodel import Session, col, select

from storage.ids import JobId
from storage.ledger import NewJob
from storage.states import JobState
from storage.tables.jobs import JobRow

_HOLD = text("SELECT pg_advisory_xact_lock(hashtext('gryph.line'))")


class Bound(StrEnum):
    """What can be full."""

    LINE = "line"
    PERSON = "person"
    REPOSITORY = "repository"


@dataclass(frozen=True)
class Bounds:
    """The most jobs that may wait; in all, a person's, and a repository's."""

    line: int = 500
    person: int = 20
    repository: int = 100
    """More than one person's, so that nobody keeps the others of a repository out."""


@dataclass(frozen=True)
class Full:
    """Why there is no room for a job."""

    bound: Bound
    most: int
    jobs: tuple[JobId, ...]
    """Those that fill it, in the order in which they were asked for."""
    own: JobId | None
    """The newest of them that the person who wants another one has asked for."""


def hold(session: Session) -> None:
    """Let nobody else add jobs until this transaction ends; before anything is counted.

    SQLite has one writer anyway. Who stops in the middle holds it for `IDLE_MS` at most.
    """
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(_HOLD)


def full(session: Session, bounds: Bounds, new: NewJob) -> Full | None:
    """What is full, so that the job cannot be taken; None where there is room."""
    theirs, same = col(JobRow.person_id) == new.person, _same_repository(new)
    number, own, repository = session.exec(
        select(func.count(), _sum(theirs), _sum(same)).where(*_beside(new))
    ).one()
    if own >= bounds.person:
        return _full(session, new, (Bound.PERSON, bounds.person), theirs)
    if repository >= bounds.repository:
        return _full(session, new, (Bound.REPOSITORY, bounds.repository), same)
    if number >= bounds.line and new.waits_for is None:
        return _full(session, new, (Bound.LINE, bounds.line))
    return None


def _beside(new: NewJob) -> tuple[ColumnElement[bool], ...]:
    """The jobs it would wait among."""
    state = JobState.QUEUED if new.waits_for is None else JobState.WAITING
    return (
        col(JobRow.state) == state,
        col(JobRow.queue) == new.queue,
        col(JobRow.urgency) == new.urgency,
    )


def _same_repository(new: NewJob) -> ColumnElement[bool]:
    return false() if new.repository is None else col(JobRow.repository) == new.repository


def _sum(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((which, 1), else_=0)), 0)


def _full(
    session: Session, new: NewJob, what: tuple[Bound, int], *among: ColumnElement[bool]
) -> Full:
    rows = session.exec(
        select(JobRow.id, JobRow.person_id)
        .where(*_beside(new), *among)
        .order_by(col(JobRow.created_at), col(JobRow.id))
    ).all()
    own = next((JobId(job) for job, person in reversed(rows) if person == new.person), None)
    bound, most = what
    return Full(bound, most, tuple(JobId(job) for job, _ in rows), own)
