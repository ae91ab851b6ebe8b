"""Whether a worker can make progress: its database, its broker, its isolation and its loop."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from storage.condition import Condition
from storage.heart import Heart
from storage.vitals import Vitals

REDIS_S = 0.5
LAG_S = 1.0
"""A loop that came round this late is too busy."""
PROMISE_S = 1.0
PARTS = ("database", "redis", "loop", "sandbox")
"""What may be in trouble."""


class WorkerHealth:
    """One worker's."""

    def __init__(self, heart: Heart, redis: "Redis", vitals: Vitals, *, is_isolated: bool) -> None:
        """`is_isolated`: whether this host can run foreign code."""
        self._heart = heart
        self._redis = redis
        self._vitals = vitals
        self._is_isolated = is_isolated

    async def condition(self) -> Condition:
        """How it is. Without its database or its broker a worker can do nothing."""
        stuck: dict[str, str] = {}
        degraded: dict[str, str] = {}
        if not self._heart.promise(PROMISE_S)():
            stuck["database"] = "has taken no heartbeat for a while"
        try:
            async with asyncio.timeout(REDIS_S):
                await self._redis.exists("gryph:health")
        except (RedisError, OSError) as error:
            stuck["redis"] = f"does not answer ({type(error).__name__}): no job is heard of"
        lag_s = self._vitals.loop_lag_s()
        if lag_s > LAG_S:
            degraded["loop"] = f"the event loop was {lag_s:.1f} s late"
        if not self._is_isolated:
            degraded["sandbox"] = "no isolation on this host: jobs that run code are refused"
        return Condition(stuck, degraded)
