"""What we may ask of platforms: their rate limits, kept on our side so that we never run into them.

One layer for all platforms, counted in Redis for all gateways together. While Redis is away each
gateway goes on by itself within half of every budget (named degradation, counted).
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.face import Busy
from bot.limits import Bucket, Limits

LOCAL_SHARE = 0.5
"""Of a budget, for a gateway that cannot ask what the others use."""
REDIS_REST_S = 5.0
"""How long Redis is left alone after it did not answer: each question would cost a second."""
MOST_KEPT = 5_000
"""Buckets remembered in this process."""
_EVEN_BELOW_ZERO = -1e9
_ROUNDING = 1e-6
PATIENCE_S = 2.5
"""A shorter wait is waited for; a longer one is handed back to whoever called."""


class Spent(Busy):
    """Our own budget is used up, or the platform has asked to be left alone."""


@dataclass
class _Level:
    tokens: float
    at_s: float


class LocalBuckets:
    """The same buckets in this process' memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def wait_s(self, buckets: Sequence[Bucket]) -> float:
        """How long until all of them can give what they cost."""
        return max((self._wait_s(bucket) for bucket in buckets), default=0.0)

    def take(self, buckets: Sequence[Bucket]) -> None:
        """Take what they cost, also where there is less."""
        for bucket in buckets:
            self._level(bucket).tokens -= bucket.cost

    def drain(self, bucket: Bucket, wait_s: float) -> None:
        """Let it give nothing for `wait_s`."""
        level = self._level(bucket)
        level.tokens = min(level.tokens, -wait_s * bucket.per_s)

    def _wait_s(self, bucket: Bucket) -> float:
        missing = bucket.cost + bucket.spare - self._level(bucket).tokens
        return missing / bucket.per_s if missing > _ROUNDING else 0.0

    def _level(self, bucket: Bucket) -> _Level:
        now_s = self._clock()
        level = self._levels.setdefault(bucket.key, _Level(bucket.size, now_s))
        grown = level.tokens + (now_s - level.at_s) * bucket.per_s
        level.tokens, level.at_s = min(bucket.size, grown), now_s
        self._levels.move_to_end(bucket.key)
        if len(self._levels) > MOST_KEPT:
            self._levels.popitem(last=False)
        return level


def _nothing() -> None:
    """Nobody counts."""


class Budgets:
    """Spends for this gateway."""

    def __init__(
        self,
        limits: Limits | None,
        *,
        on_alone: Callable[[], None] = _nothing,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `limits` it stands alone, with whole budgets; `on_alone` is told of each time
        Redis should have been asked and could not.
        """
        self._limits = limits
        self._on_alone = on_alone
        self._patience_s = patience_s
        self._clock = clock
        self._local = LocalBuckets(clock)
        self._ask_again_at_s = clock()
        self._turns: OrderedDict[tuple[str, ...], asyncio.Lock] = OrderedDict()

    async def spend(self, buckets: Sequence[Bucket]) -> None:
        """Take what the buckets cost, after a short wait if need be.

        Raises:
            Spent: A longer wait is needed; nothing was taken.
        """
        patient_until_s = self._clock() + self._patience_s
        turn = self._turn_of(buckets)
        await self._until_first(turn, buckets)
        try:
            while (wait_s := await self._take(buckets)) > 0:
                if self._clock() + wait_s > patient_until_s:
                    raise _spent(buckets, wait_s)
                await asyncio.sleep(wait_s)
        finally:
            turn.release()

    def _turn_of(self, buckets: Sequence[Bucket]) -> asyncio.Lock:
        """Of those who wait for the same buckets one asks, and the others stand in line behind it:
        all would be told the same moment, and ask again at once.
        """
        key = tuple(bucket.key for bucket in buckets)
        turn = self._turns.setdefault(key, asyncio.Lock())
        self._turns.move_to_end(key)
        while len(self._turns) > MOST_KEPT:
            self._turns.popitem(last=False)
        return turn

    async def _until_first(self, turn: asyncio.Lock, buckets: Sequence[Bucket]) -> None:
        """Hold the turn. Raises Spent when that takes too long."""
        if not turn.locked():
            await turn.acquire()
            return
        try:
            async with asyncio.timeout(self._patience_s):
                await turn.acquire()
        except TimeoutError as error:
            raise _spent(buckets, self._patience_s) from error

    async def has_room(self, buckets: Sequence[Bucket]) -> bool:
        """Whether the buckets could give what they cost now; takes nothing."""
        looking = [replace(bucket, cost=0, spare=bucket.cost + bucket.spare) for bucket in buckets]
        return await self._take(looking) <= 0

    async def close(self, bucket: Bucket, wait_s: float) -> None:
        """The platform wants to be left alone for so long."""
        self._local.drain(bucket, wait_s)
        if self._asks_redis and not await self._shared.drain(bucket, wait_s):
            self._rest()

    async def charge(self, bucket: Bucket) -> None:
        """Take one token for what has happened already, also where there is none."""
        charged = replace(bucket, cost=1, spare=_EVEN_BELOW_ZERO)
        await self._take([charged])

    async def _take(self, buckets: Sequence[Bucket]) -> float:
        """0 when the tokens were taken, or the seconds to wait."""
        if self._limits is None:
            return self._take_locally(buckets)
        if self._asks_redis:
            verdict = await self._shared.take(buckets)
            if not verdict.is_open:
                if verdict.allowed:
                    self._local.take([_share(bucket) for bucket in buckets])
                return verdict.wait_s
            self._rest()
        self._on_alone()
        return self._take_locally([_share(bucket) for bucket in buckets])

    def _take_locally(self, buckets: Sequence[Bucket]) -> float:
        wait_s = self._local.wait_s(buckets)
        if wait_s <= 0:
            self._local.take(buckets)
        return wait_s

    @property
    def _shared(self) -> Limits:
        assert self._limits is not None
        return self._limits

    @property
    def _asks_redis(self) -> bool:
        return self._limits is not None and self._clock() >= self._ask_again_at_s

    def _rest(self) -> None:
        self._ask_again_at_s = self._clock() + REDIS_REST_S


def _spent(buckets: Sequence[Bucket], wait_s: float) -> Spent:
    names = ", ".join(bucket.what for bucket in buckets)
    return Spent(f"our budget is spent: {names}", retry_after_s=wait_s)


def _share(bucket: Bucket) -> Bucket:
    """Half of it, but never less than what one call costs."""
    size = max(bucket.size * LOCAL_SHARE, float(bucket.cost))
    spare = min(bucket.spare * LOCAL_SHARE, size - bucket.cost)
    return replace(bucket, size=size, per_s=bucket.per_s * LOCAL_SHARE, spare=spare)
