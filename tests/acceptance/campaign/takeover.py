"""How long what a killed process held stays without anybody: read from SQL, not told by us."""

import asyncio
import socket
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from storage.database import Database
from tests.acceptance.campaign.processes import now_s

LOOK_S = 0.2
GIVE_UP_S = 300.0
_HELD = {
    "job": "SELECT id, lease_owner FROM jobs WHERE state = 'running' AND {mine}",
    "delivery": "SELECT key, lease_owner FROM deliveries WHERE finished_at IS NULL AND {mine}",
}
_MINE = "(lease_owner = :owner OR lease_owner LIKE :prefix)"
_NOW = {
    "job": "SELECT lease_owner, finished_at FROM jobs WHERE id = :key",
    "delivery": "SELECT lease_owner, finished_at FROM deliveries WHERE key = :key",
    "event": "SELECT lease_owner, handled_at FROM inbox WHERE id = :key",
}


@dataclass(frozen=True)
class Held:
    """Something that lay in the hands of a process when it was killed."""

    kind: str
    key: str
    owner: str
    killed_at: float


@dataclass
class Takeovers:
    """Watches what the killed held until somebody else has it, or it is over."""

    database: Database
    waits_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    slowest: list[tuple[float, Held]] = field(default_factory=list[tuple[float, Held]])
    never: list[Held] = field(default_factory=list[Held])
    kills: int = 0

    async def watch(self, pid: int) -> None:
        """Follow everything that the process held; returns when all of it is taken up."""
        self.kills += 1
        killed_at = now_s()
        held = await self._held(pid, killed_at)
        while held and now_s() - killed_at < GIVE_UP_S:
            await asyncio.sleep(LOOK_S)
            left = await self._left(held)
            for one in set(held) - set(left):
                self._over(one, now_s() - killed_at)
            held = left
        self.never += held

    async def _left(self, held: list[Held]) -> list[Held]:
        def look(session: Session) -> list[Held]:
            return [one for one in held if _same(session, one)]

        try:
            return await self.database.read(look)
        except SQLAlchemyError:
            return held

    def _over(self, one: Held, wait_s: float) -> None:
        self.waits_s.setdefault(one.kind, []).append(wait_s)
        self.slowest = sorted([*self.slowest, (wait_s, one)], key=lambda e: -e[0])[:10]

    async def _held(self, pid: int, killed_at: float) -> list[Held]:
        while True:
            try:
                return await self.database.read(lambda s: _held_by(s, pid, killed_at))
            except SQLAlchemyError:
                await asyncio.sleep(LOOK_S)


def _held_by(session: Session, pid: int, killed_at: float) -> list[Held]:
    owner = f"{socket.gethostname()}:{pid}"
    found: list[Held] = []
    for kind, query in held_queries(session).items():
        rows = session.connection().execute(
            text(query.format(mine=_MINE)), {"owner": owner, "prefix": f"{owner}:%"}
        )
        found += [Held(kind, str(key), str(holder), killed_at) for key, holder in rows]
    return found


def held_queries(session: Session) -> dict[str, str]:
    """What can be asked; the inbox too, where it names who holds an event."""
    columns = session.connection().execute(text("SELECT * FROM inbox LIMIT 0")).keys()
    if "lease_owner" not in columns:
        return _HELD
    return {
        **_HELD,
        "event": "SELECT id, lease_owner FROM inbox WHERE handled_at IS NULL AND {mine}",
    }


def _same(session: Session, one: Held) -> bool:
    """Whether it still lies with the dead."""
    key: object = int(one.key) if one.kind == "event" else one.key
    row = session.connection().execute(text(_NOW[one.kind]), {"key": key}).one_or_none()
    return row is not None and row[1] is None and row[0] == one.owner
