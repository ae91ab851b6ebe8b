"""Discord's limits for one bot, kept on our side: 50 calls a second, and 10,000 refused ones in ten
minutes, which would be answered with a ban. discord.py keeps the limits of single routes.
https://docs.discord.com/developers/topics/rate-limits
"""

from dataclasses import replace
from http import HTTPStatus

import discord

from bot.budgets import Budgets
from bot.limits import Bucket

CALLS_A_SECOND = 45
BURST_SHARE = 1 / 3
MOST_PROGRESS = 0.5
"""The share of calls that edits of running jobs may use; the rest is for what must be said."""
TEN_MINUTES_S = 600.0
MOST_REFUSED, REFUSED_AT_ONCE = 2_000, 500
_REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}


class Pace:
    """What the bot may still call, for all gateways together."""

    def __init__(self, budgets: Budgets | None, calls_per_second: int = CALLS_A_SECOND) -> None:
        """Every call counts, whatever its route."""
        self._budgets = budgets or Budgets(None)
        burst = max(1, int(calls_per_second * BURST_SHARE))
        self._calls = Bucket.within("discord:calls", calls_per_second, 1.0, burst)
        self._refused = Bucket(
            "discord:refused",
            "calls that Discord refuses",
            REFUSED_AT_ONCE,
            (MOST_REFUSED - REFUSED_AT_ONCE) / TEN_MINUTES_S,
            cost=0,
            spare=1,
        )

    async def call(self, calls: int) -> None:
        """Count calls. Raises Busy when there have been too many, or too many refused ones."""
        await self._budgets.spend([replace(self._calls, cost=calls), self._refused])

    async def has_room_for_progress(self) -> bool:
        """Whether an edit that could as well be left out would still leave enough room."""
        spared = replace(self._calls, spare=self._calls.size * MOST_PROGRESS)
        return await self._budgets.has_room([spared, self._refused])

    async def refused(self, error: discord.HTTPException) -> None:
        """Count what Discord counts as an invalid request."""
        if error.status in _REFUSALS:
            await self._budgets.charge(self._refused)
