"""The one comment of a pull request in which each push's result replaces the last one's.

Jobs of two pushes may speak at the same time, over two gateways: a comment says whose it is and
since when, and only a newer job takes it over. Of two that were posted at once the older one stays.
"""

import re
from dataclasses import dataclass

from bot.face import JobView, Posted
from bot.github.client import GitHubClient
from bot.github.comments import Comments, Spot, posted_as
from bot.github.render import STICKY_KEY, made_ms
from bot.github.transport import Refused
from bot.github.wire import Comment

PAGES_MAX = 10
_MARKED = re.compile(rf"<!-- gryph:job=\S+ key={STICKY_KEY}:(\d+) -->\s*$")


@dataclass(frozen=True)
class _Standing:
    """Our comment as it is, and when the job was made that speaks in it, in milliseconds."""

    comment: Comment
    since_ms: int


class StickyComments:
    """One for each pull request."""

    def __init__(self, client: GitHubClient, comments: Comments) -> None:
        """Writes as the App's installation."""
        self._client = client
        self._comments = comments

    async def take_over(self, spot: Spot, view: JobView, body: str) -> Posted:
        """Show `body` in the comment that there is, or in a new one. Raises Busy, Undeliverable."""
        standing = await self._find(spot)
        if standing is None:
            return await self._post(spot, body)
        await self._write(spot, view, standing, body)
        return posted_as(spot, standing.comment)

    async def edit(self, spot: Spot, view: JobView, comment: str, body: str) -> Posted:
        """Show `body`, unless a newer job speaks there by now. Raises Busy, Undeliverable."""
        standing = await self._read(spot, comment)
        if standing is None:
            return await self.take_over(spot, view, body)
        await self._write(spot, view, standing, body)
        return posted_as(spot, standing.comment)

    async def _write(self, spot: Spot, view: JobView, standing: _Standing, body: str) -> None:
        if standing.since_ms <= made_ms(view):
            await self._comments.edit(spot, str(standing.comment.id), body)

    async def _post(self, spot: Spot, body: str) -> Posted:
        made = await self._comments.post(spot, body)
        first = await self._find(spot)
        if first is None or str(first.comment.id) == made.data["comment"]:
            return made
        await self._client.write(spot.reach, "DELETE", spot.address(made.data["comment"]), {})
        return posted_as(spot, first.comment)

    async def _find(self, spot: Spot) -> _Standing | None:
        for page in range(1, PAGES_MAX + 1):
            listed = await self._comments.listed(spot, page)
            for comment in listed.ours:
                if standing := _standing(comment):
                    return standing
            if listed.is_last:
                break
        return None

    async def _read(self, spot: Spot, comment: str) -> _Standing | None:
        try:
            answer = await self._client.get(spot.reach, spot.address(comment))
        except Refused as refused:
            if refused.is_missing:
                return None
            raise
        return _standing(answer.one(Comment))


def _standing(comment: Comment) -> _Standing | None:
    found = _MARKED.search(comment.body or "")
    return _Standing(comment, int(found[1])) if found else None
