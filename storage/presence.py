"""Who is at work: every process says so every two seconds, and what a dead one held is freed.

A lease alone has to outlast the longest call that somebody may make under it; a process that died
would keep everything it held for as long. So a process is watched by itself. On its own machine
the kernel tells that it is gone; elsewhere it is gone when its beats have not grown for `GONE_S`
by the watcher's own clock, so that clocks need not agree.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, delete, select

from storage import deliveries, inbox, leases, ledger
from storage.database import insert_if_absent
from storage.ids import JobId
from storage.tables.processes import ProcessRow

BEAT_S = 2.0
GONE_S = 10.0
"""A process whose beats have not grown for this long is gone."""
OWN_MARGIN_S = 2.0
"""A process stops acting under what it holds this much before others may take it for gone."""
SETTLE_S = 5.0
"""How long a platform may still be at work on the last call of a process that died."""


@dataclass(frozen=True)
class Identity:
    """A process, as others see it."""

    owner: str
    kind: str
    machine: str
    pid: int
    born: str

    @classmethod
    def mine(cls, kind: str) -> "Identity":
        """This process'."""
        pid = os.getpid()
        owner = f"{socket.gethostname()}:{pid}:{secrets.token_hex(3)}"
        return cls(owner, kind, _machine(), pid, born(pid) or "")


@dataclass(frozen=True)
class Freed:
    """What a process that is gone had held."""

    owner: str
    kind: str
    jobs: Sequence[JobId]
    events: int
    deliveries: int


def beat(session: Session, identity: Identity, now: datetime) -> None:
    """Say that the process is at work."""
    values = {
        "owner": identity.owner,
        "kind": identity.kind,
        "machine": identity.machine,
        "pid": identity.pid,
        "born": identity.born,
        "beats": 1,
        "started_at": now,
        "seen_at": now,
    }
    if not insert_if_absent(session, ProcessRow, values):
        session.connection().execute(
            update(ProcessRow)
            .where(col(ProcessRow.owner) == identity.owner)
            .values(beats=ProcessRow.beats + 1, seen_at=now)
        )


def at_work(session: Session) -> Sequence[ProcessRow]:
    """Every process that has not said good-bye, dead ones not yet found out included."""
    return session.exec(select(ProcessRow).order_by(col(ProcessRow.started_at))).all()


def free(
    session: Session,
    owner: str,
    lost: Mapping[str, Any] | None,
    now: datetime,
    *,
    settle_s: float = 0.0,
) -> Freed | None:
    """Take from a process all it holds, and forget it; None when somebody else has done so.

    Its jobs start again, its events are handled by whoever looks next, and after `settle_s` its
    deliveries too; bells it may have heard, or was about to ring, are rung again. `lost` is the
    reply of a job that lost too many workers; None starts it again however often.
    """
    row = session.get(ProcessRow, owner)
    gone = session.exec(delete(ProcessRow).where(col(ProcessRow.owner) == owner))
    if row is None or gone.rowcount != 1:
        return None
    leases.release_all(session, owner)
    ledger.ring_again(session, now)
    return Freed(
        owner=owner,
        kind=row.kind,
        jobs=ledger.reap_owner(session, owner, lost, now),
        events=inbox.free(session, owner, now),
        deliveries=deliveries.free(session, owner, now + timedelta(seconds=settle_s)),
    )


def leave(session: Session, owner: str, now: datetime) -> None:
    """Good-bye: what the process still holds is anybody's, what it was saying after `SETTLE_S`:
    a platform goes on with a call whose caller does not wait for the answer any more.
    """
    free(session, owner, None, now, settle_s=SETTLE_S)


class Watcher:
    """Tells which of the others are gone."""

    def __init__(self, mine: Identity, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds and goes on while the process is stopped."""
        self._mine = mine
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at = -GONE_S

    def gone(self, rows: Sequence[ProcessRow]) -> list[str]:
        """The owners among `rows` that are gone; to be asked once a beat.

        After a pause of our own (stopped, or no database) everybody else may have been kept from
        beating too: then only what the kernel says counts, and the watch begins anew.
        """
        now = self._clock()
        if now - self._looked_at > 2 * BEAT_S:
            self._seen.clear()
        self._looked_at = now
        others = {row.owner: row for row in rows if row.owner != self._mine.owner}
        seen = self._seen
        self._seen = {
            owner: seen[owner] if seen.get(owner, (-1, 0.0))[0] == row.beats else (row.beats, now)
            for owner, row in others.items()
        }
        return [
            owner
            for owner, row in others.items()
            if self._is_dead(row) or now - self._seen[owner][1] > GONE_S
        ]

    def _is_dead(self, row: ProcessRow) -> bool:
        return row.machine == self._mine.machine and born(row.pid) != row.born


def born(pid: int) -> str | None:
    """The clock ticks from the host's start to the process', None when there is none (any more).

    See proc_pid_stat(5), field 22; a zombie counts as gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


def _machine() -> str:
    """The host since its last start, and the numbering of processes within it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
