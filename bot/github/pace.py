"""GitHub's limits on writing, kept on our side so that we do not run into them.

GitHub allows 80 requests that write content a minute and 500 an hour, and 900 points a minute
where a read is one and a write five. Ours are lower, since other things write under the same
installation too: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from dataclasses import dataclass, replace

from bot.budgets import Budgets, Spent
from bot.github.transport import Limited
from bot.limits import HOUR_S, Bucket

MINUTE_S = 60.0
BURST_SHARE = 1 / 3
"""Of a minute's, or an hour's, writes: what may be written at once."""
POINTS_A_MINUTE, READ_POINTS, WRITE_POINTS = 800, 1, 5
MOST_PROGRESS = 0.5
"""The share that edits of running jobs may use; the rest is for what must be said."""


@dataclass(frozen=True)
class Allowance:
    """What one installation may write."""

    per_minute: int = 60
    per_hour: int = 400


class Pace:
    """What one installation may still do, for all gateways together."""

    def __init__(self, budgets: Budgets, installation: str, allowance: Allowance) -> None:
        """`installation` names the budget."""
        key, minute, hour = f"github:{installation}", allowance.per_minute, allowance.per_hour
        self._budgets = budgets
        self._minute = Bucket.within(f"{key}:minute", minute, MINUTE_S, _burst(minute))
        self._hour = Bucket.within(f"{key}:hour", hour, HOUR_S, _burst(hour))
        self._points = Bucket.within(
            f"{key}:points", POINTS_A_MINUTE, MINUTE_S, _burst(POINTS_A_MINUTE)
        )
        self._closed = Bucket(f"{key}:closed", f"{key}: GitHub asked to wait", 1, 1, cost=0)

    async def read(self) -> None:
        """Count one read. Raises Limited after too many, or while GitHub wants to be left alone."""
        await self._spend([self._closed, replace(self._points, cost=READ_POINTS)])

    async def write(self) -> None:
        """Count one write. Raises Limited as `read` does."""
        points = replace(self._points, cost=WRITE_POINTS)
        await self._spend([self._closed, points, self._minute, self._hour])

    async def close_for(self, wait_s: float) -> None:
        """GitHub asked to wait."""
        await self._budgets.close(self._closed, wait_s)

    async def has_room_for_progress(self) -> bool:
        """Whether an edit that could as well be left out would still leave enough room."""
        spared = [
            replace(bucket, spare=bucket.size * MOST_PROGRESS)
            for bucket in (self._minute, self._hour, self._points)
        ]
        return await self._budgets.has_room([self._closed, *spared])

    async def _spend(self, buckets: list[Bucket]) -> None:
        try:
            await self._budgets.spend(buckets)
        except Spent as spent:
            raise Limited(str(spent), retry_after_s=spent.retry_after_s) from spent


def _burst(most: int) -> int:
    return max(1, int(most * BURST_SHARE))
