"""Rate limits: token buckets in Redis, taken atomically by one script.

They fail open: with Redis down a command runs and the omission is counted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

# KEYS: buckets. ARGV: now is Redis' own; per bucket capacity and refill per second; last, cost.
# Either every bucket gives a token or none does. Returns {wait_ms, left per bucket …}.
_TAKE = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local cost = tonumber(ARGV[#ARGV])
local wait, left = 0, {}
for i, key in ipairs(KEYS) do
  local capacity, rate = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local state = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = tonumber(state[1]) or capacity
  local at = tonumber(state[2]) or now
  tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
  left[i] = tokens
  if tokens < cost then wait = math.max(wait, (cost - tokens) / rate) end
end
if wait == 0 then
  for i, key in ipairs(KEYS) do
    local capacity, rate = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    left[i] = left[i] - cost
    redis.call('HSET', key, 'tokens', left[i], 'at', now)
    redis.call('PEXPIRE', key, math.ceil(capacity / rate * 1000) + 1000)
  end
end
local out = { math.ceil(wait * 1000) }
for i, tokens in ipairs(left) do out[i + 1] = math.floor(tokens) end
return out
"""

HOUR_S = 3600.0
ANSWER_S = 1.0
"""How long a command waits for Redis before it goes on uncounted."""


@dataclass(frozen=True)
class Bucket:
    """One limit: `key` names whose, `what` says it to a person, `per_hour` is size and refill."""

    key: str
    what: str
    per_hour: int


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

    async def take(self, buckets: Sequence[Bucket], *, cost: int = 1) -> Verdict:
        """Take one token from every bucket, or from none; `cost` 0 only looks."""
        arguments: list[float | int] = []
        for bucket in buckets:
            arguments += [bucket.per_hour, bucket.per_hour / HOUR_S]
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._take(  # pyright: ignore[reportUnknownVariableType]
                    keys=[f"gryph:rate:{bucket.key}" for bucket in buckets],
                    args=[*arguments, cost],
                )
        except (RedisError, OSError):
            full = tuple(bucket.per_hour for bucket in buckets)
            return Verdict(allowed=True, wait_s=0.0, left=full, is_open=True)
        wait_ms, *left = cast("list[int]", answer)
        return Verdict(allowed=wait_ms == 0, wait_s=wait_ms / 1000, left=tuple(left))
