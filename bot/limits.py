"""Token buckets in Redis, taken atomically by one script: what people may ask for, and what we may
ask of platforms (`bot.budgets`), counted for all gateways together.

For people they fail open: with Redis down a command runs and the omission is counted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

# KEYS: buckets. ARGV: now is Redis' own; per bucket capacity, refill per second, cost, and what is
# to be left. Either every bucket gives its tokens or none does. A bucket that was drained holds
# less than nothing, and keeps even those waiting who take nothing from it.
# Returns {wait_ms, left per bucket …}.
_TAKE = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local wait, left = 0, {}
for i, key in ipairs(KEYS) do
  local capacity, rate = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local wanted = tonumber(ARGV[4 * i - 1]) + tonumber(ARGV[4 * i])
  local state = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = tonumber(state[1]) or capacity
  local at = tonumber(state[2]) or now
  tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
  left[i] = tokens
  if tokens < wanted then wait = math.max(wait, (wanted - tokens) / rate) end
end
if wait == 0 then
  for i, key in ipairs(KEYS) do
    local capacity, rate = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
    left[i] = left[i] - tonumber(ARGV[4 * i - 1])
    redis.call('HSET', key, 'tokens', left[i], 'at', now)
    redis.call('PEXPIRE', key, math.ceil((capacity - left[i]) / rate * 1000) + 1000)
  end
end
local out = { math.ceil(wait * 1000) }
for i, tokens in ipairs(left) do out[i + 1] = math.floor(tokens) end
return out
"""

# KEYS: a bucket. ARGV: capacity, refill per second, and the tokens it is to hold at most.
_DRAIN = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local capacity, rate, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(state[1]) or capacity
local at = tonumber(state[2]) or now
tokens = math.min(most, tokens + math.max(0, now - at) * rate)
redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) / rate * 1000) + 1000)
return 0
"""

HOUR_S = 3600.0
ANSWER_S = 1.0
"""How long a command waits for Redis before it goes on uncounted."""


@dataclass(frozen=True)
class Bucket:
    """One limit, and how much of it something costs."""

    key: str
    """Whose limit it is."""
    what: str
    """The same for a person who reads of it."""
    size: float
    """Tokens it holds when nothing was taken for long."""
    per_s: float
    """Tokens that come back each second."""
    cost: int = 1
    spare: float = 0.0
    """Tokens that are to be left when the cost is taken."""

    @classmethod
    def hourly(cls, key: str, what: str, most: int) -> "Bucket":
        """What is meant for people: `most` at once, and as many more in each hour."""
        return cls(key, what, most, most / HOUR_S)

    @classmethod
    def within(cls, key: str, most: int, span_s: float, burst: int) -> "Bucket":
        """What a platform counts: never more than `most` in any `span_s`, `burst` of them at
        once.
        """
        return cls(key, key, burst, (most - burst) / span_s)


@dataclass(frozen=True)
class Verdict:
    """Whether a command may go on, and what is left in each bucket."""

    allowed: bool
    wait_s: float
    left: tuple[int, ...]
    is_open: bool = False
    """Redis did not answer: nothing was counted."""


class Limits:
    """Takes tokens."""

    def __init__(self, redis: "Redis") -> None:
        """Nothing is asked before the first `take`."""
        self._take = redis.register_script(_TAKE)
        self._drain = redis.register_script(_DRAIN)

    async def take(self, buckets: Sequence[Bucket], *, cost: int | None = None) -> Verdict:
        """Take what each bucket's cost is (or `cost` of each; 0 only looks), or nothing at all."""
        arguments: list[float] = []
        for bucket in buckets:
            wanted = bucket.cost if cost is None else cost
            arguments += [bucket.size, bucket.per_s, wanted, bucket.spare]
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._take(  # pyright: ignore[reportUnknownVariableType]
                    keys=[_key(bucket) for bucket in buckets], args=arguments
                )
        except (RedisError, OSError):
            full = tuple(int(bucket.size) for bucket in buckets)
            return Verdict(allowed=True, wait_s=0.0, left=full, is_open=True)
        wait_ms, *left = cast("list[int]", answer)
        return Verdict(allowed=wait_ms == 0, wait_s=wait_ms / 1000, left=tuple(left))

    async def drain(self, bucket: Bucket, wait_s: float) -> bool:
        """Let a bucket give nothing for `wait_s`; False when Redis did not answer."""
        arguments = [bucket.size, bucket.per_s, -wait_s * bucket.per_s]
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._drain(keys=[_key(bucket)], args=arguments)
        except (RedisError, OSError):
            return False
        return True


def _key(bucket: Bucket) -> str:
    return f"gryph:rate:{bucket.key}"
