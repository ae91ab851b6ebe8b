"""How long what a killed process held stays without anybody: read from SQL, not told by us."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from storage.clock import utc_now
from storage.database import Database
from storage.states import JobState
from storage.tables.deliveries import DeliveryRow
from storage.tables.inbox import InboxRow
from storage.tables.jobs import JobRow
from tests.acceptance.campaign.processes import now_s

LOOK_S = 0.2
GIVE_UP_S = 300.0
SETTLED = timedelta(seconds=20)
"""A freed message waits for less than this; who is let go after it was attended to, for longer."""


@dataclass(frozen=True)
class Held:
    """Something that lay in the hands of a process when it was killed."""

    kind: str
    key: str
    owner: str
    killed_at: datetime
    tries: int = 0
    """Of a job or an event: how often somebody had taken it."""


@dataclass
class Takeovers:
    """Watches what the killed held until somebody else has it, or it is over."""

    database: Database
    waits_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    never: list[Held] = field(default_factory=list[Held])

    async def watch(self, pid: int) -> None:
        """Follow everything that the process held; returns when all of it is taken up."""
        killed_s, killed_at = now_s(), utc_now()
        owner = f"{socket.gethostname()}:{pid}"
        held = await self._read(lambda s: _held_by(s, owner, killed_at))
        while held and now_s() - killed_s < GIVE_UP_S:
            await asyncio.sleep(LOOK_S)
            left = await self._left(held)
            for one in set(held) - set(left):
                self.waits_s.setdefault(one.kind, []).append(now_s() - killed_s)
            held = left
        self.never += held

    async def _left(self, held: list[Held]) -> list[Held]:
        return await self._read(lambda s: [one for one in held if not _is_taken_up(s, one)])

    async def _read(self, work: Callable[[Session], list[Held]]) -> list[Held]:
        while True:
            try:
                return await self.database.read(work)
            except SQLAlchemyError:
                await asyncio.sleep(LOOK_S)


def _held_by(session: Session, owner: str, at: datetime) -> list[Held]:
    def mine(rows: Iterable[tuple[str | int | None, str | None, int]], kind: str) -> list[Held]:
        return [Held(kind, str(key), holder or "", at, tries) for key, holder, tries in rows]

    jobs = select(JobRow.id, JobRow.lease_owner, JobRow.attempt).where(
        JobRow.state == JobState.RUNNING, col(JobRow.lease_owner).startswith(owner + ":")
    )
    deliveries = select(DeliveryRow.key, DeliveryRow.lease_owner, DeliveryRow.attempts).where(
        col(DeliveryRow.finished_at).is_(None),
        col(DeliveryRow.lease_owner).startswith(owner + ":"),
    )
    events = select(InboxRow.id, InboxRow.holder, InboxRow.attempts).where(
        col(InboxRow.handled_at).is_(None), col(InboxRow.holder).startswith(owner + ":")
    )
    return [
        *mine(session.exec(jobs), "job"),
        *mine(session.exec(deliveries), "delivery"),
        *mine(session.exec(events), "event"),
    ]


def _is_taken_up(session: Session, one: Held) -> bool:
    """Whether somebody else has, or has had, it in hand. Freed is not yet taken up."""
    if one.kind == "job":
        job = session.get_one(JobRow, one.key)
        return job.finished_at is not None or job.attempt > one.tries
    if one.kind == "event":
        event = session.get_one(InboxRow, int(one.key))
        return event.handled_at is not None or event.attempts > one.tries
    delivery = session.get_one(DeliveryRow, one.key)
    if delivery.finished_at is not None:
        return True
    if delivery.lease_owner is not None:
        return delivery.lease_owner != one.owner
    return delivery.attempts != one.tries or delivery.next_try_at > one.killed_at + SETTLED
