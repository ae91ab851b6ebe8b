"""Whether the gateway makes progress: what `/readyz` answers, and what it is made of.

Ready means that what is accepted is also handled, rung and delivered. What only delays work
(Redis down: events are kept and run later) is a degradation: said, counted, and still ready. So is
a platform that refuses our token or cannot be connected with: the other faces still work, every
gateway has the same token, and none would get on by being taken out of service or started again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Generic, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from bot.metrics import since_s
from storage.backlog import Backlog, look
from storage.clock import utc_now
from storage.condition import Condition
from storage.database import Database
from storage.vitals import Vitals

T = TypeVar("T")

ANSWER_S = 2.0
"""How long the database may take over a write before it counts as not writable."""
REDIS_S = 0.5
FRESH_S = 1.0
"""A look this recent is not repeated: asking for health must cost next to nothing."""
LAG_S = 1.0
"""A loop that came round this late is too busy."""
LEADERLESS_S = 30.0
"""A start, or a leader's death, leaves an installation without one for half as long."""
PARTS = (
    *("database", "events", "bells", "deliveries", "leader"),
    *("redis", "workers", "loop", "tokens", "uplinks"),
)
"""What may be in trouble."""


class Fresh(Generic[T]):
    """Remembers an answer for a second and asks once, however many want to know."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._turn = asyncio.Lock()
        self._known: tuple[float, T] | None = None

    async def get(self) -> T:
        """The answer; what `ask` raises."""
        async with self._turn:
            if self._known is None or time.monotonic() - self._known[0] > FRESH_S:
                answer = await self._ask()
                self._known = time.monotonic(), answer
            return self._known[1]


class Health:
    """One gateway's."""

    def __init__(
        self,
        database: Database,
        redis: "Redis",
        vitals: Vitals,
        outside: Callable[[], Mapping[str, str]] = dict,
        *,
        stuck_after_s: float,
    ) -> None:
        """`outside` tells by part what is wrong between us and the platforms; `stuck_after_s`: how
        long work may lie untouched before this is no progress.
        """
        self._outside = outside
        self._database = database
        self._redis = redis
        self._vitals = vitals
        self._stuck_after_s = stuck_after_s
        self._backlog = Fresh(self._look)
        self._condition = Fresh(self._examine)

    async def backlog(self) -> Backlog:
        """What waits. Raises TimeoutError or SQLAlchemyError when the database does not say."""
        return await self._backlog.get()

    async def condition(self) -> Condition:
        """How we are."""
        return await self._condition.get()

    async def _look(self) -> Backlog:
        async with asyncio.timeout(ANSWER_S):
            return await self._database.read(lambda s: look(s, utc_now()))

    async def _examine(self) -> Condition:
        degraded = {**await self._broker_trouble(), **self._outside()}
        lag_s = self._vitals.loop_lag_s()
        if lag_s > LAG_S:
            degraded["loop"] = f"the event loop was {lag_s:.1f} s late"
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._database.write(_touch)
            backlog = await self.backlog()
        except (TimeoutError, SQLAlchemyError) as error:
            return Condition({"database": f"takes no write: {type(error).__name__}"}, degraded)
        if not backlog.processes.get("worker"):
            degraded["workers"] = "none is at work: jobs are kept and start later"
        return Condition(self._stuck(backlog, utc_now()), degraded)

    async def _broker_trouble(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(REDIS_S):
                await self._redis.exists("gryph:health")
        except (RedisError, OSError) as error:
            what = type(error).__name__
            return {"redis": f"does not answer ({what}): jobs are kept and start later"}
        return {}

    def _stuck(self, backlog: Backlog, now: datetime) -> dict[str, str]:
        """Parts whose work lies untouched while none of it gets done."""
        found: dict[str, str] = {}
        waited = {
            "events": _unless_done(backlog.event_untried_at, backlog.event_handled_at, now),
            "bells": since_s(backlog.ring_due_at, now),
            "deliveries": _unless_done(
                min((each.oldest_at for each in backlog.overdue), default=None),
                backlog.delivered_at,
                now,
            ),
        }
        for part, waited_s in waited.items():
            if waited_s > self._stuck_after_s:
                found[part] = f"nothing has been done for {waited_s:.0f} s although some are due"
        has_leader = backlog.leader_until is not None and backlog.leader_until > now
        if not has_leader and min(_gone_s(backlog, now), self._vitals.age_s) > LEADERLESS_S:
            found["leader"] = "no gateway leads: lost jobs and missed webhooks are not looked for"
        return found


def _touch(session: Session) -> None:
    """A write that changes nothing; a read-only or locked database refuses it all the same."""
    session.connection().execute(text("UPDATE leases SET owner = owner WHERE name = ''"))


def _unless_done(oldest_at: datetime | None, done_at: datetime | None, now: datetime) -> float:
    """How long the oldest has waited with nothing done since: a long line that moves is none."""
    waited_s = since_s(oldest_at, now)
    return waited_s if done_at is None else min(waited_s, since_s(done_at, now))


def _gone_s(backlog: Backlog, now: datetime) -> float:
    """How long the last leader's lease has been over."""
    return float("inf") if backlog.leader_until is None else since_s(backlog.leader_until, now)
