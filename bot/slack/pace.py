"""Slack's rate limits, kept on our side: a message a second in a channel, and for each method its
tier (Tier 3 is 50 calls a minute). https://docs.slack.dev/apis/web-api/rate-limits
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.budgets import Budgets
from bot.limits import Bucket

MINUTE_S = 60.0
BURST_SHARE = 1 / 5
"""Of a minute's calls: what may be called at once."""
MOST_PROGRESS = 0.5
"""The share of edits that running jobs may use; the rest is for what must be said."""
TIER_4 = 2
"""Its methods may be called twice as often as those of Tier 3, at least."""
_POST, _EDIT = "chat.postMessage", "chat.update"
_TIER_4 = {"users.info", "files.getUploadURLExternal", "files.completeUploadExternal"}


class Pace:
    """What one workspace may still be asked, for all gateways together."""

    def __init__(
        self, budgets: Budgets | None, posts_per_minute: int, calls_per_minute: int
    ) -> None:
        """Posts are counted in each channel, other calls for each method."""
        self._budgets = budgets or Budgets(None)
        self._posts_per_minute = posts_per_minute
        self._calls_per_minute = calls_per_minute

    async def call(self, method: str, args: Mapping[str, Any]) -> None:
        """Count a call. Raises Busy when there have been too many."""
        await self._budgets.spend([self._bucket(method, args)])

    async def upload(self, channel: str, files: int) -> None:
        """Count an upload, which ends in one message. Raises Busy when there have been too many."""
        begun = replace(self._of_method("files.getUploadURLExternal"), cost=files)
        ended = self._of_method("files.completeUploadExternal")
        await self._budgets.spend([begun, ended, self._of_channel(channel)])

    async def has_room_for_progress(self) -> bool:
        """Whether an edit that could as well be left out would still leave enough room."""
        bucket = self._of_method(_EDIT)
        return await self._budgets.has_room([replace(bucket, spare=bucket.size * MOST_PROGRESS)])

    async def close_for(self, method: str, args: Mapping[str, Any], wait_s: float) -> None:
        """Slack asked to wait with such calls."""
        await self._budgets.close(self._bucket(method, args), wait_s)

    def _bucket(self, method: str, args: Mapping[str, Any]) -> Bucket:
        return (
            self._of_channel(str(args["channel"])) if method == _POST else self._of_method(method)
        )

    def _of_channel(self, channel: str) -> Bucket:
        key = f"slack:{channel}:posts"
        return Bucket(key, key, 1, self._posts_per_minute / MINUTE_S)

    def _of_method(self, method: str) -> Bucket:
        most = self._calls_per_minute * (TIER_4 if method in _TIER_4 else 1)
        burst = max(1, int(most * BURST_SHARE))
        return Bucket.within(f"slack:{method}", most, MINUTE_S, burst)
