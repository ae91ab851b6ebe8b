"""Logins on the web: short-lived, renewed while in use, ended by logout.

The browser holds the secret, the row its digest. A renewal replaces the secret; the one before it
counts a little longer, for requests that were under way. Shown after that, it was copied: the
session ends.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select, update

from storage.ids import PersonId
from storage.tables.sessions import WebSessionRow

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)
RENEWED_AFTER = timedelta(minutes=10)
GRACE = timedelta(seconds=30)


@dataclass(frozen=True)
class WebSession:
    """A login that counts."""

    person: PersonId
    account: str
    name: str
    csrf: str
    expires_at: datetime


def begin(session: Session, person: PersonId, account: str, name: str, now: datetime) -> str:
    """A new login; returns the secret that the browser shows from now on."""
    secret = secrets.token_urlsafe(32)
    session.add(
        WebSessionRow(
            digest=_digest(secret),
            person_id=person,
            account=account,
            name=name,
            csrf=secrets.token_urlsafe(32),
            renewed_at=now,
            expires_at=now + IDLE,
            ends_at=now + LONGEST,
        )
    )
    session.flush()
    return secret


def find(session: Session, secret: str, now: datetime) -> WebSession | None:
    """Who shows this secret, if it counts (any more)."""
    row = _row(session, secret)
    if row is None or not _counts(row, secret, now):
        return None
    return WebSession(PersonId(row.person_id), row.account, row.name, row.csrf, row.expires_at)


def is_renewal_due(session: Session, secret: str, now: datetime) -> bool:
    """Whether `renew` has something to do."""
    row = _row(session, secret)
    if row is None:
        return False
    is_newest = row.digest == _digest(secret)
    return not _counts(row, secret, now) or (is_newest and now - row.renewed_at >= RENEWED_AFTER)


def renew(session: Session, secret: str, now: datetime) -> str | None:
    """The session is in use: put off its end, and now and then replace the secret.

    Returns the new secret, or None while the old one stays. A session whose replaced secret is
    shown after its grace ends here.
    """
    row = _row(session, secret)
    if row is None:
        return None
    if not _counts(row, secret, now):
        _delete(session, row)
        return None
    if row.digest != _digest(secret) or now - row.renewed_at < RENEWED_AFTER:
        return None
    fresh = secrets.token_urlsafe(32)
    renewed = session.exec(
        update(WebSessionRow)
        .where(col(WebSessionRow.id) == row.id, col(WebSessionRow.digest) == row.digest)
        .values(
            digest=_digest(fresh),
            previous=row.digest,
            renewed_at=now,
            expires_at=min(now + IDLE, row.ends_at),
        )
    )
    session.expire_all()
    return fresh if renewed.rowcount == 1 else None  # else another request was faster


def end(session: Session, secret: str) -> WebSession | None:
    """Log out; returns who it was."""
    row = _row(session, secret)
    if row is None:
        return None
    _delete(session, row)
    return WebSession(PersonId(row.person_id), row.account, row.name, row.csrf, row.expires_at)


def sweep(session: Session, now: datetime) -> int:
    """Forget what has expired; how many."""
    return session.exec(delete(WebSessionRow).where(col(WebSessionRow.expires_at) <= now)).rowcount


def _row(session: Session, secret: str) -> WebSessionRow | None:
    digest = _digest(secret)
    found = select(WebSessionRow).where(
        (col(WebSessionRow.digest) == digest) | (col(WebSessionRow.previous) == digest)
    )
    return session.exec(found).one_or_none()


def _counts(row: WebSessionRow, secret: str, now: datetime) -> bool:
    if now >= row.expires_at:
        return False
    return row.digest == _digest(secret) or now - row.renewed_at <= GRACE


def _delete(session: Session, row: WebSessionRow) -> None:
    session.exec(delete(WebSessionRow).where(col(WebSessionRow.id) == row.id))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
