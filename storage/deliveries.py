"""What must still be said in threads, and by whom it is being said right now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import and_, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from storage.database import insert_if_absent
from storage.ids import JobId
from storage.states import JobState
from storage.tables.deliveries import DeliveryRow, PostedMessageRow
from storage.tables.drafts import DraftRow
from storage.tables.jobs import JobEventRow, JobRow

LEASE_S = 30.0
IDLE_S = 30.0
"""How often a delivery with nothing new to say is looked at, in case a bell was lost."""
ANYTHING = "anything"
"""As `tried` of a delivery of which nobody knows what was tried."""
GIVE_UP_AFTER = 150
"""Tries in a row that failed; with waits that grow to ten minutes this is about a day."""


@dataclass(frozen=True)
class Errand:
    """One delivery in the caller's hands, with the job as it is now."""

    delivery: DeliveryRow
    job: JobRow | None
    newest: JobEventRow | None
    """The job's newest event."""
    draft: DraftRow | None = None
    """What the job has written so far."""
    is_first_try: bool = False
    """Whether nobody has tried before to post what is to be posted next."""

    @property
    def is_behind(self) -> bool:
        """Whether the status message does not show what there is to be shown."""
        return self.job is not None and _is_behind(self.delivery, self.job, self.draft)

    @property
    def shown(self) -> dict[str, int]:
        """What `note` notes once the status message shows all of this."""
        newest = self.job.last_seq if self.job is not None else 0
        return {"shown_seq": newest, "shown_draft": _revision(self.draft)}


@dataclass(frozen=True)
class Message:
    """A message of ours on a platform."""

    key: str
    kind: str
    platform: str
    place: Mapping[str, Any]
    data: Mapping[str, Any]


def open_for_job(
    session: Session, job: JobId, platform: str, place: dict[str, Any], now: datetime
) -> None:
    """A new job's status message and result."""
    session.add(DeliveryRow(key=job, job_id=job, platform=platform, place=place, next_try_at=now))
    session.flush()


def open_answer(
    session: Session,
    key: str,
    platform: str,
    place: dict[str, Any],
    reply: dict[str, Any],
    now: datetime,
) -> None:
    """An answer that became no job; the same key twice is one answer."""
    values = {
        "key": key,
        "platform": platform,
        "place": place,
        "reply": reply,
        "next_try_at": now,
        "shown_seq": 0,
        "attempts": 0,
    }
    insert_if_absent(session, DeliveryRow, values)


def wake(session: Session, job: JobId, now: datetime) -> None:
    """Something new is to be said about the job; whoever holds the delivery keeps it."""
    session.connection().execute(
        update(DeliveryRow)
        .where(
            col(DeliveryRow.job_id) == job,
            col(DeliveryRow.finished_at).is_(None),
            col(DeliveryRow.lease_owner).is_(None),
            col(DeliveryRow.attempts) == 0,
        )
        .values(next_try_at=now)
    )


def due(session: Session, now: datetime, limit: int = 50) -> Sequence[str]:
    """Keys of deliveries that somebody should look at."""
    found = select(DeliveryRow.key).where(
        col(DeliveryRow.finished_at).is_(None), DeliveryRow.next_try_at <= now
    )
    return session.exec(found.order_by(col(DeliveryRow.next_try_at)).limit(limit)).all()


_NEWEST = and_(
    col(JobEventRow.job_id) == col(JobRow.id), col(JobEventRow.seq) == col(JobRow.last_seq)
)
_ERRAND = cast(
    "Select[DeliveryRow, JobRow | None, JobEventRow | None, DraftRow | None]",
    select(DeliveryRow, JobRow, JobEventRow, DraftRow)
    .outerjoin(JobRow, col(JobRow.id) == col(DeliveryRow.job_id))
    .outerjoin(JobEventRow, _NEWEST)
    .outerjoin(DraftRow, col(DraftRow.job_id) == col(JobRow.id)),
)
"""A delivery with its job, the job's newest event and its draft, where there are such."""


def take(session: Session, key: str, owner: str, now: datetime) -> Errand | None:
    """Hold a delivery for `LEASE_S`, unless it is finished, in other hands, or put off: a job's
    next event is no reason to come back earlier to a platform that asked for patience.
    """
    taken = session.connection().execute(
        update(DeliveryRow)
        .where(
            col(DeliveryRow.key) == key,
            col(DeliveryRow.finished_at).is_(None),
            or_(
                and_(col(DeliveryRow.lease_owner).is_(None), col(DeliveryRow.attempts) == 0),
                col(DeliveryRow.lease_owner) == owner,
                col(DeliveryRow.next_try_at) <= now,
            ),
        )
        .values(lease_owner=owner, next_try_at=now + timedelta(seconds=LEASE_S))
    )
    if taken.rowcount != 1:
        return None
    row, job, newest, draft = session.exec(_ERRAND.where(DeliveryRow.key == key)).one()
    post = _next_post(row, job)
    is_first_try = row.tried not in {post, ANYTHING}
    if post is not None and is_first_try:
        row.tried = post
        session.add(row)
        session.flush()
    return Errand(row, job, newest, draft, is_first_try)


def _next_post(row: DeliveryRow, job: JobRow | None) -> str | None:
    """What is to be posted next; None when the message that stands is only edited."""
    if job is None:
        return "answer"
    if row.status is None:
        return "status"
    return "result" if row.result is None and JobState(job.state).final else None


def doubt(session: Session) -> None:
    """Of a restored backup: what was posted after it was made is not in it."""
    session.connection().execute(
        update(DeliveryRow).where(col(DeliveryRow.finished_at).is_(None)).values(tried=ANYTHING)
    )


def untried(session: Session, errand: Errand, owner: str) -> None:
    """The first try ended before the platform was called, so the next one is the first again."""
    if errand.is_first_try:
        note(session, errand.delivery.key, owner, tried=None)


def posted(session: Session, row: DeliveryRow, message: Message, now: datetime) -> None:
    """Remember a message of ours, so that a reaction on it finds its job: the newest one, where
    several speak in one message after the other.
    """
    values = {
        "key": message.key,
        "job_id": row.job_id,
        "kind": message.kind,
        "platform": message.platform,
        "place": dict(message.place),
        "data": dict(message.data),
        "posted_at": now,
    }
    is_new = insert_if_absent(session, PostedMessageRow, values)
    if not is_new and message.kind == "status":
        session.connection().execute(
            update(PostedMessageRow)
            .where(col(PostedMessageRow.key) == message.key)
            .values(job_id=row.job_id)
        )


def note(session: Session, key: str, owner: str, **values: Any) -> bool:
    """Write what has been shown; False when the delivery is no longer the caller's."""
    changed = session.connection().execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.key) == key, col(DeliveryRow.lease_owner) == owner)
        .values(**values)
    )
    return changed.rowcount == 1


def let_go(session: Session, key: str, owner: str, now: datetime) -> None:
    """Everything so far is said; look again when woken."""
    found = session.exec(_ERRAND.where(DeliveryRow.key == key)).one_or_none()
    if found is None:
        return
    row, job, _, draft = found
    is_behind = job is not None and _is_behind(row, job, draft)
    note(
        session,
        key,
        owner,
        lease_owner=None,
        attempts=0,
        next_try_at=now + timedelta(seconds=0.0 if is_behind else IDLE_S),
    )


def _is_behind(row: DeliveryRow, job: JobRow, draft: DraftRow | None) -> bool:
    return row.shown_seq < job.last_seq or row.shown_draft != _revision(draft)


def _revision(draft: DraftRow | None) -> int:
    return 0 if draft is None else draft.revision


def free(session: Session, owner: str, at: datetime) -> int:
    """Let anybody take, from a time on, what a process held that is gone; how many."""
    freed = session.connection().execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.lease_owner) == owner, col(DeliveryRow.finished_at).is_(None))
        .values(next_try_at=at)
    )
    return freed.rowcount


def try_later(
    session: Session, row: DeliveryRow, owner: str, error: str, wait_s: float, now: datetime
) -> None:
    """The platform did not take it; give up after many tries, keeping the error."""
    attempts = row.attempts + 1
    finished = now if attempts >= GIVE_UP_AFTER else None
    note(
        session,
        row.key,
        owner,
        lease_owner=None,
        attempts=attempts,
        error=error[:500],
        finished_at=finished,
        next_try_at=now + timedelta(seconds=wait_s),
    )


def put_off(
    session: Session, row: DeliveryRow, owner: str, error: str, wait_s: float, now: datetime
) -> None:
    """The operator has to mend something first: wait however often it takes, keeping the error."""
    note(
        session,
        row.key,
        owner,
        lease_owner=None,
        attempts=min(row.attempts + 1, GIVE_UP_AFTER - 1),
        error=error[:500],
        next_try_at=now + timedelta(seconds=wait_s),
    )


def message_about(session: Session, key: str) -> PostedMessageRow | None:
    """Our message with this key."""
    return session.get(PostedMessageRow, key)


def recent_messages(
    session: Session, platform: str, since: datetime, limit: int, *, skipped: int = 0
) -> list[PostedMessageRow]:
    """Our messages about jobs on a platform since a time, newest first, without the newest few."""
    found = select(PostedMessageRow).where(
        PostedMessageRow.platform == platform,
        PostedMessageRow.posted_at >= since,
        col(PostedMessageRow.job_id).is_not(None),
    )
    newest_first = found.order_by(col(PostedMessageRow.posted_at).desc(), col(PostedMessageRow.key))
    return list(session.exec(newest_first.offset(skipped).limit(limit)).all())
