"""Leases: a role that one process at a time may hold, such as the leader's."""

from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlmodel import Session, col, delete, update

from storage.database import insert_if_absent
from storage.tables.trust import LeaseRow


def acquire(session: Session, name: str, owner: str, ttl_s: float, now: datetime) -> bool:
    """Take, renew, or inherit an expired lease; False while somebody else holds it."""
    until = now + timedelta(seconds=ttl_s)
    if insert_if_absent(session, LeaseRow, {"name": name, "owner": owner, "until": until}):
        return True
    taken = session.exec(
        update(LeaseRow)
        .where(
            col(LeaseRow.name) == name,
            or_(col(LeaseRow.owner) == owner, col(LeaseRow.until) <= now),
        )
        .values(owner=owner, until=until)
    )
    return taken.rowcount == 1


def release(session: Session, name: str, owner: str) -> bool:
    """Give a lease back at once; False when it is not the caller's (any more)."""
    gone = session.exec(
        delete(LeaseRow).where(col(LeaseRow.name) == name, col(LeaseRow.owner) == owner)
    )
    return gone.rowcount == 1


def release_all(session: Session, owner: str) -> None:
    """Give back every role of a process."""
    session.exec(delete(LeaseRow).where(col(LeaseRow.owner) == owner))
