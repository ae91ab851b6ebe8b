"""Events, claimed once under their delivery keys and kept until their effects are committed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.database import insert_if_absent, insert_returning
from storage.ids import InboxId
from storage.tables.inbox import InboxKeyRow, InboxRow

LEASE_S = 30.0
"""How long whoever took an event, or kept it, has for it before somebody else tries."""


class Duplicate(Exception):
    """One of the keys was claimed before; the transaction leaves nothing behind."""


class Superseded(Exception):
    """Somebody else has handled the event meanwhile; this attempt's effects must not count."""


@dataclass(frozen=True)
class Taken:
    """An event in work. `attempt` fences: only the newest taker may finish it."""

    id: InboxId
    platform: str
    payload: Mapping[str, Any]
    attempt: int


def claim(
    session: Session,
    platform: str,
    payload: dict[str, Any],
    keys: Sequence[str],
    now: datetime,
    *,
    holder: str | None,
) -> Taken:
    """Store the event, for its `holder` or, with None, for whoever looks next.

    Raises:
        Duplicate: A redelivery.
    """
    row = {
        "platform": platform,
        "payload": payload,
        "received_at": now,
        "attempts": 0 if holder is None else 1,
        "next_try_at": now if holder is None else now + timedelta(seconds=LEASE_S),
        "holder": holder,
    }
    inbox_id = InboxId(int(insert_returning(session, InboxRow, row, "RETURNING id") or 0))
    for key in keys:
        if not insert_if_absent(session, InboxKeyRow, {"key": key[:255], "inbox_id": inbox_id}):
            raise Duplicate(key)
    return Taken(inbox_id, platform, payload, 1)


def take_due(session: Session, now: datetime, limit: int = 20, *, holder: str) -> list[Taken]:
    """Events whose taker gave up or died, oldest first, now the holder's."""
    rows = session.exec(
        select(InboxRow)
        .where(col(InboxRow.handled_at).is_(None), col(InboxRow.next_try_at) <= now)
        .order_by(col(InboxRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    taken: list[Taken] = []
    for row in rows:
        row.attempts += 1
        row.next_try_at = now + timedelta(seconds=LEASE_S)
        row.holder = holder
        assert row.id is not None
        taken.append(Taken(InboxId(row.id), row.platform, row.payload, row.attempts))
    session.flush()
    return taken


def keep(session: Session, events: Collection[InboxId], holder: str, now: datetime) -> set[InboxId]:
    """Hold these events for another `LEASE_S`; those that are the holder's still."""
    kept = (
        update(InboxRow)
        .where(
            col(InboxRow.id).in_(events),
            col(InboxRow.holder) == holder,
            col(InboxRow.handled_at).is_(None),
        )
        .values(next_try_at=now + timedelta(seconds=LEASE_S))
        .returning(col(InboxRow.id))
    )
    return {InboxId(event) for event in session.connection().execute(kept).scalars() if event}


def traceparent_of(session: Session, event: InboxId) -> str | None:
    """The trace that the event belongs to, where there is one."""
    row = session.get(InboxRow, event)
    return None if row is None else row.payload.get("traceparent")


def finish(session: Session, taken: Taken, now: datetime, error: str | None = None) -> None:
    """Mark the event handled, in the transaction that holds its effects.

    Raises:
        Superseded: Another taker was quicker; roll back.
    """
    _change(session, taken, handled_at=now, error=error, holder=None)


def postpone(session: Session, taken: Taken, until: datetime, error: str) -> None:
    """Give the event back for a later try. Raises Superseded as `finish`."""
    _change(session, taken, next_try_at=until, error=error, holder=None)


def free(session: Session, holder: str, now: datetime) -> int:
    """Let anybody take, from now on, what a process held that is gone; how many events."""
    freed = session.connection().execute(
        update(InboxRow)
        .where(col(InboxRow.holder) == holder, col(InboxRow.handled_at).is_(None))
        .values(next_try_at=now, holder=None)
    )
    return freed.rowcount


def _change(session: Session, taken: Taken, **values: Any) -> None:
    changed = session.connection().execute(
        update(InboxRow)
        .where(
            col(InboxRow.id) == taken.id,
            col(InboxRow.attempts) == taken.attempt,
            col(InboxRow.handled_at).is_(None),
        )
        .values(**values)
    )
    if changed.rowcount != 1:
        raise Superseded(str(taken.id))
