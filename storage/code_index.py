"""What was read of repositories' files, kept by content for the next search. All of it can be made
again: it is bounded by its size, and what was not used for longest goes first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from sqlalchemy import func, update
from sqlmodel import Session, col, delete, select

from storage.database import insert_if_absent
from storage.tables.code_index import CodeRecordRow

T = TypeVar("T")

_AT_ONCE = 200
"""Rows named in one statement, or removed in one transaction."""
_USE_NOTED_AFTER = timedelta(hours=1)
"""A use is noted when the last one was noted so long ago: a search seldom writes."""


@dataclass(frozen=True)
class CodeKey:
    """A content by its `blob_id`, and how it was read."""

    blob: str
    manner: str


@dataclass(frozen=True)
class CodeRecord:
    """What was read of it: bytes that only their reader understands."""

    chunks: bytes
    vectors: bytes


@dataclass(frozen=True)
class Taken:
    """Records that are there, and the numbers of those whose use is to be noted."""

    records: Mapping[CodeKey, CodeRecord]
    to_note: tuple[int, ...]


def take(session: Session, scope: str, keys: Sequence[CodeKey], now: datetime) -> Taken:
    """Those of the records of a scope that are there."""
    wanted = frozenset(keys)
    records: dict[CodeKey, CodeRecord] = {}
    to_note: list[int] = []
    for some in _batched(sorted({key.blob for key in keys})):
        found = select(CodeRecordRow).where(CodeRecordRow.scope == scope)
        for row in session.exec(found.where(col(CodeRecordRow.blob).in_(some))):
            key = CodeKey(row.blob, row.manner)
            if key not in wanted or row.id is None:
                continue
            records[key] = CodeRecord(row.chunks, row.vectors)
            if row.used_at < now - _USE_NOTED_AFTER:
                to_note.append(row.id)
    return Taken(records, tuple(to_note))


def note_use(session: Session, rows: Sequence[int], now: datetime) -> None:
    """Note that records were used now."""
    for some in _batched(rows):
        of_them = col(CodeRecordRow.id).in_(some)
        session.exec(update(CodeRecordRow).where(of_them).values(used_at=now))


def put(session: Session, scope: str, records: Mapping[CodeKey, CodeRecord], now: datetime) -> None:
    """Keep records of a scope; one that is there stays."""
    for key, record in records.items():
        row = {
            "scope": scope,
            "blob": key.blob,
            "manner": key.manner,
            "size_bytes": len(record.chunks) + len(record.vectors),
            "used_at": now,
            "chunks": record.chunks,
            "vectors": record.vectors,
        }
        insert_if_absent(session, CodeRecordRow, row)


def forget(session: Session, scope: str) -> int:
    """Forget everything of a scope; how many records."""
    return session.exec(delete(CodeRecordRow).where(col(CodeRecordRow.scope) == scope)).rowcount


def total_bytes(session: Session) -> int:
    """Of all records together."""
    return session.exec(select(func.coalesce(func.sum(CodeRecordRow.size_bytes), 0))).one()


def trim(session: Session, most_bytes: int) -> int:
    """Forget some of what was not used for longest, if all is larger than it may be; how many.

    Call it until it is none: each call is one short transaction.
    """
    excess = total_bytes(session) - most_bytes
    oldest = select(CodeRecordRow.id, CodeRecordRow.size_bytes).order_by(
        col(CodeRecordRow.used_at), col(CodeRecordRow.id)
    )
    removed: list[int | None] = []
    for row, size in session.exec(oldest.limit(_AT_ONCE)).all():
        if excess <= 0:
            break
        removed.append(row)
        excess -= size
    return session.exec(delete(CodeRecordRow).where(col(CodeRecordRow.id).in_(removed))).rowcount


def _batched(items: Sequence[T]) -> Iterator[list[T]]:
    waiting = iter(items)
    while some := list(islice(waiting, _AT_ONCE)):
        yield some
