"""The audit log: append-only, each line's HMAC-SHA256 covering the line before it.

The key lies outside the database, so whoever can write to the tables cannot forge the chain. A
log cut short at its end is still a chain: `storage/anchors.py` notes its head outside.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import JSON, bindparam, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.database import UtcDateTime
from storage.files import read_or_create
from storage.tables.trust import AuditRow

_KEY_BYTES = 32
_KEY = re.compile(rb"[0-9a-f]{64}\s*")
_GENESIS = "0" * 64
"""Stands for the line before the first."""
_PAGE = 1000


@dataclass(frozen=True)
class Entry:
    """Who did what to what. `detail` is JSON-able and holds no secret."""

    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Verdict:
    """What verifying the whole log found."""

    ok: bool
    rows: int
    """How many lines are good, from the first one on."""
    first_bad_seq: int | None
    """Where the first line is missing, or does not fit the key or the line before it."""
    head: str
    """The MAC of the last good line, to be noted elsewhere."""
    heads: Mapping[int, str] = field(default_factory=dict[int, str])
    """The MACs of the good lines that were asked for, by number; 0 stands before the first."""


class Head(NamedTuple):
    """Where the log ends."""

    seq: int
    mac: str


class _Line(NamedTuple):
    seq: int
    at: datetime
    entry: Entry


def load_key(home: Path) -> bytes:
    """The key in `<home>/keys/audit.key`, made on first use.

    Raises:
        ValueError: The file holds no key.
    """
    path = home / "keys" / "audit.key"
    spelled = read_or_create(path, _new_key)
    if not _KEY.fullmatch(spelled):
        raise ValueError(f"{path} holds no key of {_KEY_BYTES} bytes in hex")
    return bytes.fromhex(spelled.decode())


def append(session: Session, key: bytes, entry: Entry, at: datetime) -> int:
    """Add a line and return its number; numbers have no gaps.

    On PostgreSQL others who append wait until this transaction ends: append late in it. Whoever
    waited finds the number taken and tries the next; each round, one of those who wait gets on.
    """
    while True:
        last = session.connection().execute(_NEWEST).one_or_none()
        seq, before = (1, _GENESIS) if last is None else (last.seq + 1, last.mac)
        mac = _mac(key, before, _Line(seq, at, entry))
        row = {"seq": seq, "at": at, "mac": mac, **vars(entry), "detail": dict(entry.detail)}
        if session.connection().execute(_INSERT, row).one_or_none() is not None:
            return seq


def head(session: Session) -> Head:
    """The newest line as it stands there, unverified."""
    last = session.connection().execute(_NEWEST).one_or_none()
    return Head(0, _GENESIS) if last is None else Head(last.seq, last.mac)


def verify(session: Session, key: bytes, heads_of: Collection[int] = ()) -> Verdict:
    """Recompute the chain from its first line to its last, noting the heads at some lines."""
    rows, mac = 0, _GENESIS
    heads = {0: _GENESIS} if 0 in heads_of else {}
    while page := session.exec(_after(rows or None)).all():
        for row in page:
            entry = Entry(row.actor, row.action, row.subject, row.detail)
            expected = _mac(key, mac, _Line(row.seq, row.at, entry))
            if row.seq != rows + 1 or not hmac.compare_digest(expected, row.mac):
                return Verdict(ok=False, rows=rows, first_bad_seq=rows + 1, head=mac, heads=heads)
            rows, mac = row.seq, row.mac
            if rows in heads_of:
                heads[rows] = mac
        session.expunge_all()
    return Verdict(ok=True, rows=rows, first_bad_seq=None, head=mac, heads=heads)


_NEWEST = select(AuditRow.seq, AuditRow.mac).order_by(col(AuditRow.seq).desc()).limit(1)
_INSERT = text(
    # As text, because SQLAlchemy compiles an insert with ON CONFLICT anew each time.
    "INSERT INTO audit (seq, at, actor, action, subject, detail, mac) "
    "VALUES (:seq, :at, :actor, :action, :subject, :detail, :mac) "
    "ON CONFLICT DO NOTHING RETURNING seq"
).bindparams(bindparam("at", type_=UtcDateTime), bindparam("detail", type_=JSON))


def _after(seq: int | None) -> SelectOfScalar[AuditRow]:
    found = select(AuditRow)
    if seq is not None:  # at first there may be a line 0 that somebody invented
        found = found.where(AuditRow.seq > seq)
    return found.order_by(col(AuditRow.seq)).limit(_PAGE)


def _new_key() -> bytes:
    return secrets.token_bytes(_KEY_BYTES).hex().encode()


def _mac(key: bytes, before: str, line: _Line) -> str:
    entry = line.entry
    covered = [
        before,
        line.seq,
        line.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.subject,
        # As it will be read back: JSON knows neither tuples nor keys that are numbers.
        json.loads(json.dumps(dict(entry.detail))),
    ]
    message = json.dumps(covered, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()
