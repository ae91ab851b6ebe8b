"""The ledger of jobs: the truth about what was asked, what runs and what came of it.

Every change of a job's state goes through here, in a transaction the caller commits, together
with the event that tells of it. A worker holds a job by a lease with a fencing token: the attempt
number. A write that carries an older attempt is refused.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, update
from sqlmodel import Session, col, delete, select

from storage import deliveries, drafts
from storage.drafts import Draft
from storage.ids import InboxId, JobId, PersonId, new_job_id
from storage.states import JobState, Urgency
from storage.tables.jobs import JobEventRow, JobRow, OutboxRow

LEASE_S = 15.0
BEAT_S = 5.0
CLEARANCE_S = 60.0
"""A permission check older than this is made again before the job starts."""
MAX_ATTEMPTS = 3
"""Starts before a job is given up; those that a worker handed back do not count."""
HANDED_BACK = "handed back by a worker that is restarting"
STOPPING = "stopping, as asked"
RING_AGAIN_S = (10.0, 20.0, 40.0, 60.0)
"""How long to wait for a worker before the queue is told again, growing with each bell."""


class LostLease(Exception):
    """The job was given to someone else or ended meanwhile; stop, and write nothing."""


class Refusal(StrEnum):
    """Why a worker may not start a job."""

    NOT_QUEUED = "not queued"
    STALE_CLEARANCE = "stale clearance"


@dataclass(frozen=True)
class NewJob:
    """What a job is made of."""

    inbox_id: InboxId
    line_number: int
    verb: str
    line: str
    queue: str
    request: Mapping[str, Any]
    invocation: Mapping[str, Any]
    person: PersonId
    platform: str
    place: Mapping[str, Any]
    repository: str | None = None
    number: int | None = None
    head_sha: str | None = None
    retry_of: JobId | None = None
    urgency: Urgency = Urgency.PERSON
    waits_for: str | None = None
    """What a person has to do before it may be queued; None queues it at once."""


@dataclass(frozen=True)
class Leased:
    """A job in a worker's hands."""

    job: JobId
    attempt: int
    verb: str
    request: Mapping[str, Any]
    repository: str | None
    traceparent: str | None
    tries: int
    """Starts so far that count, this one included."""
    queued_at: datetime
    """When it was last put into the line."""


@dataclass(frozen=True)
class Ring:
    """A job whose queue should hear of it."""

    job: JobId
    queue: str
    created_at: datetime
    invocation: Mapping[str, Any]
    repository: str | None


def create(session: Session, new: NewJob, now: datetime) -> JobRow:
    """Write the job, its first event, its delivery and, unless it waits, its bell."""
    job_id = new_job_id()
    while session.get(JobRow, job_id) is not None:
        job_id = new_job_id()
    state = JobState.WAITING if new.waits_for else JobState.QUEUED
    row = JobRow(
        id=job_id,
        inbox_id=new.inbox_id,
        line_number=new.line_number,
        verb=new.verb,
        line=new.line,
        queue=new.queue,
        request=dict(new.request),
        invocation=dict(new.invocation),
        person_id=new.person,
        repository=new.repository,
        number=new.number,
        head_sha=new.head_sha,
        retry_of=new.retry_of,
        urgency=new.urgency,
        state=state,
        created_at=now,
        cleared_at=now,
    )
    session.add(row)
    session.flush()
    _tell(session, row, state, new.waits_for or "", now)
    deliveries.open_for_job(session, job_id, new.platform, dict(new.place), now)
    if state is JobState.QUEUED:
        session.add(OutboxRow(job_id=job_id, not_before=now))
    session.flush()
    return row


def get(session: Session, job: JobId) -> JobRow | None:
    """The job as it is now."""
    return session.get(JobRow, job)


def events_after(session: Session, job: JobId, seq: int) -> Sequence[JobEventRow]:
    """Its events with a higher number, in order."""
    found = select(JobEventRow).where(JobEventRow.job_id == job, JobEventRow.seq > seq)
    return session.exec(found.order_by(col(JobEventRow.seq))).all()


def due_rings(
    session: Session, now: datetime, jobs: Collection[JobId] | None = None, limit: int = 200
) -> list[Ring]:
    """Jobs whose bell is due (those among `jobs` only, where given), held for the caller: each
    comes back later if no worker came.
    """
    due = col(OutboxRow.not_before) <= now
    rows = session.exec(
        select(OutboxRow, JobRow)
        .join(JobRow, col(JobRow.id) == col(OutboxRow.job_id))
        .where(due if jobs is None else and_(due, col(OutboxRow.job_id).in_(jobs)))
        .order_by(col(OutboxRow.not_before))
        .limit(limit)
        .with_for_update(skip_locked=True, of=OutboxRow)
    ).all()
    rings: list[Ring] = []
    for bell, job in rows:
        wait_s = RING_AGAIN_S[min(bell.attempts, len(RING_AGAIN_S) - 1)]
        bell.attempts += 1
        bell.not_before = now + timedelta(seconds=wait_s)
        rings.append(Ring(JobId(job.id), job.queue, job.created_at, job.invocation, job.repository))
    session.flush()
    return rings


def ring_later(session: Session, job: JobId, at: datetime) -> None:
    """Tell the queue at `at` instead of when the backoff says."""
    bell = session.get(OutboxRow, job)
    if bell is not None:
        bell.not_before = at
        session.flush()


def ring_again(session: Session, now: datetime) -> None:
    """Tell the queue of every job once more that it was told of: who heard it is gone. Nobody else
    in the line would be told of while the first wait for their next bell.
    """
    session.connection().execute(
        update(OutboxRow)
        .where(col(OutboxRow.attempts) > 0, col(OutboxRow.not_before) > now)
        .values(not_before=now, attempts=1)
    )


def clear(session: Session, job: JobId, now: datetime) -> None:
    """Note that the caller's permission was checked just now."""
    row = _locked(session, job)
    if row is not None and row.state == JobState.QUEUED:
        row.cleared_at = now
        session.flush()


def lease(session: Session, job: JobId, owner: str, now: datetime) -> Leased | Refusal:
    """Give the job to a worker, or say why not.

    A job whose clearance is stale goes back to the gateway, at once, for a new check.
    """
    row = _locked(session, job)
    if row is None or row.state != JobState.QUEUED:
        return Refusal.NOT_QUEUED
    if row.cleared_at is None or now - row.cleared_at > timedelta(seconds=CLEARANCE_S):
        ring_later(session, job, now)
        return Refusal.STALE_CLEARANCE
    queued = session.get_one(JobEventRow, (job, row.last_seq))
    row.attempt += 1
    row.lease_owner = owner
    row.lease_until = now + timedelta(seconds=LEASE_S)
    row.started_at = row.started_at or now
    row.state = JobState.RUNNING
    _silence(session, job)
    _tell(session, row, JobState.RUNNING, "", now)
    return Leased(
        job=job,
        attempt=row.attempt,
        verb=row.verb,
        request=row.request,
        repository=row.repository,
        traceparent=row.invocation.get("traceparent"),
        tries=_tries(session, row),
        queued_at=queued.at,
    )


def beat(session: Session, job: JobId, attempt: int, now: datetime) -> bool:
    """Extend the lease; True when somebody asked to cancel. Raises LostLease."""
    extended = session.connection().execute(
        update(JobRow)
        .where(*_is_held(job, attempt))
        .values(lease_until=now + timedelta(seconds=LEASE_S))
        .returning(col(JobRow.cancel_requested_by))
    )
    return _the_one(extended.all(), job) is not None


def stops_wanted(session: Session, attempts: Mapping[JobId, int]) -> list[JobId]:
    """Which of these running attempts should stop: cancelled, or no longer those that count."""
    is_wanted = col(JobRow.cancel_requested_by).is_(None)
    found = select(JobRow.id, JobRow.attempt).where(col(JobRow.id).in_(attempts), is_wanted)
    going_on = dict(session.exec(found).all())
    return [job for job, attempt in attempts.items() if going_on.get(job) != attempt]


def report(session: Session, leased: Leased, text: str, done: float | None, now: datetime) -> None:
    """Tell how far a running job is, unless it is being stopped. Raises LostLease."""
    row = _held(session, leased.job, leased.attempt)
    if row.cancel_requested_by is None:
        _tell(session, row, JobState.RUNNING, text, now, done)


def draft(session: Session, leased: Leased, written: Draft, now: datetime) -> None:
    """Keep what a running job has written so far over what it wrote before, unless it is being
    stopped. Raises LostLease.
    """
    # Many jobs do this each second: the whole row is not read for it.
    held = select(JobRow.cancel_requested_by).where(*_is_held(leased.job, leased.attempt))
    found = session.connection().execute(held.with_for_update())
    if _the_one(found.all(), leased.job) is None:
        drafts.keep(session, leased.job, replace(written, text=_storable(written.text)))
        deliveries.wake(session, leased.job, now)


def finish(session: Session, leased: Leased, ending: "Ending", now: datetime) -> None:
    """Write how the job ended, once. Raises LostLease."""
    row = _held(session, leased.job, leased.attempt)
    _end(session, row, ending, now)


@dataclass(frozen=True)
class Ending:
    """A job's last word."""

    state: JobState
    text: str
    reply: Mapping[str, Any]
    failure: str | None = None


def again(session: Session, leased: Leased, text: str, wait_s: float, now: datetime) -> None:
    """Hand a running job back to be started again after `wait_s`. Raises LostLease."""
    row = _held(session, leased.job, leased.attempt)
    _requeue(session, row, text, wait_s, now)


def hand_back(session: Session, leased: Leased, now: datetime) -> None:
    """A worker that shuts down returns its job untouched: the attempt does not count."""
    row = _held(session, leased.job, leased.attempt)
    _requeue(session, row, HANDED_BACK, 0.0, now)


def request_cancel(
    session: Session, job: JobId, by: str, reply: Mapping[str, Any], now: datetime
) -> JobState:
    """Cancel a job that has not started, or ask its worker to stop.

    Returns the state before. `reply` is what the thread gets when no worker says more.
    """
    row = _locked(session, job)
    assert row is not None
    before = JobState(row.state)
    if before in (JobState.WAITING, JobState.QUEUED):
        _end(session, row, Ending(JobState.CANCELLED, f"by {by}", reply), now)
    elif before is JobState.RUNNING and row.cancel_requested_by is None:
        row.cancel_requested_by = by
        row.reply = dict(reply)
        _tell(session, row, JobState.RUNNING, STOPPING, now)
    return before


def release(session: Session, job: JobId, text: str, now: datetime) -> None:
    """Queue a job that waited for a person; who asked for it is checked again before it starts."""
    row = _locked(session, job)
    if row is not None and row.state == JobState.WAITING:
        row.state = JobState.QUEUED
        row.cleared_at = None
        session.add(OutboxRow(job_id=job, not_before=now))
        _tell(session, row, JobState.QUEUED, text, now)


def reject(session: Session, job: JobId, ending: Ending, now: datetime) -> None:
    """End a job that may no longer start (permission was withdrawn, approval died)."""
    row = _locked(session, job)
    if row is not None and row.state in (JobState.QUEUED, JobState.WAITING):
        _end(session, row, ending, now)


def unfinished(session: Session, repository: str, number: int) -> Sequence[JobRow]:
    """Jobs of a pull request that may still change."""
    final = [state for state in JobState if state.final]
    found = select(JobRow).where(
        JobRow.repository == repository,
        JobRow.number == number,
        col(JobRow.state).not_in(final),
    )
    return session.exec(found.order_by(col(JobRow.created_at))).all()


def waiting_for(session: Session, repository: str, number: int) -> Sequence[JobRow]:
    """Jobs of a pull request that wait for approval."""
    found = select(JobRow).where(
        JobRow.repository == repository,
        JobRow.number == number,
        JobRow.state == JobState.WAITING,
    )
    return session.exec(found.order_by(col(JobRow.created_at))).all()


def reap(session: Session, lost: Mapping[str, Any], now: datetime) -> list[JobId]:
    """Re-queue running jobs whose worker fell silent; end those that lost too many workers.

    `lost` is the reply for the latter. Returns the jobs that changed.
    """
    return _start_again(session, col(JobRow.lease_until) < now, lost, now)


def reap_owner(
    session: Session, owner: str, lost: Mapping[str, Any] | None, now: datetime
) -> list[JobId]:
    """The same for the jobs of a worker that is known to be gone, at once; without `lost` they
    start again however often.
    """
    return _start_again(session, col(JobRow.lease_owner) == owner, lost, now)


def _start_again(
    session: Session, which: ColumnElement[bool], lost: Mapping[str, Any] | None, now: datetime
) -> list[JobId]:
    rows = session.exec(
        select(JobRow)
        .where(JobRow.state == JobState.RUNNING, which)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        tries = _tries(session, row)
        if lost is not None and tries >= MAX_ATTEMPTS and row.cancel_requested_by is None:
            text = f"its worker was lost {tries} times"
            _end(session, row, Ending(JobState.FAILED, text, lost, "lost"), now)
        else:
            _requeue(session, row, "its worker was lost; starting again", 0.0, now)
    return [JobId(row.id) for row in rows]


def _tries(session: Session, row: JobRow) -> int:
    """Starts that count. The attempt itself is a fencing token and only ever grows."""
    handed_back = select(func.count()).where(
        col(JobEventRow.job_id) == row.id,
        col(JobEventRow.state) == JobState.QUEUED,
        col(JobEventRow.text) == HANDED_BACK,
    )
    return row.attempt - session.exec(handed_back).one()


def _requeue(session: Session, row: JobRow, text: str, wait_s: float, now: datetime) -> None:
    """Back into the line, unless somebody has asked to cancel it: then this is the end."""
    if row.cancel_requested_by is not None:
        text = f"by {row.cancel_requested_by}"
        _end(session, row, Ending(JobState.CANCELLED, text, row.reply or {}), now)
        return
    row.state = JobState.QUEUED
    row.lease_owner = None
    row.lease_until = None
    session.add(OutboxRow(job_id=row.id, not_before=now + timedelta(seconds=wait_s)))
    drafts.drop(session, JobId(row.id))
    _tell(session, row, JobState.QUEUED, text, now)


def _end(session: Session, row: JobRow, ending: Ending, now: datetime) -> None:
    row.state = ending.state
    row.finished_at = now
    row.lease_owner = None
    row.lease_until = None
    row.reply = dict(ending.reply)
    row.failure = ending.failure
    _silence(session, JobId(row.id))
    drafts.drop(session, JobId(row.id))
    _tell(session, row, ending.state, ending.text, now)


def _silence(session: Session, job: JobId) -> None:
    session.exec(delete(OutboxRow).where(col(OutboxRow.job_id) == job))


def _tell(
    session: Session,
    row: JobRow,
    state: JobState,
    text: str,
    now: datetime,
    done: float | None = None,
) -> None:
    row.last_seq += 1
    event = JobEventRow(
        job_id=row.id, seq=row.last_seq, state=state, at=now, text=_storable(text), done=done
    )
    session.add(event)
    session.flush()
    deliveries.wake(session, JobId(row.id), now)


def _storable(text: str) -> str:
    """Without what a database refuses: half characters of undecodable file names, and NUL."""
    return text.encode(errors="replace").decode().replace("\0", "")


def _locked(session: Session, job: JobId) -> JobRow | None:
    return session.exec(select(JobRow).where(JobRow.id == job).with_for_update()).one_or_none()


def _held(session: Session, job: JobId, attempt: int) -> JobRow:
    row = _locked(session, job)
    if row is None or row.state != JobState.RUNNING or row.attempt != attempt:
        raise LostLease(job)
    return row


def _is_held(job: JobId, attempt: int) -> tuple[ColumnElement[bool], ...]:
    return (
        col(JobRow.id) == job,
        col(JobRow.state) == JobState.RUNNING,
        col(JobRow.attempt) == attempt,
    )


def _the_one(found: Sequence[Row[tuple[str | None]]], job: JobId) -> str | None:
    """The value of the one row. Raises LostLease where there is none."""
    if not found:
        raise LostLease(job)
    ((value,),) = found
    return value
