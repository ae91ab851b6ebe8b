"""The one comment of a pull request that is only ever edited: in it each push's result replaces the
last one's, and under it stands who could review it.

Both are parts of their own, each ended by an invisible line that says whose it is and since when;
only a newer job takes a part over, and the other part is left as it stands. Jobs may speak at the
same time: within a gateway they take turns; what another gateway has overwritten meanwhile is seen
when a result is looked at again, and written again. Of two comments that were posted at once the
older one stays.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.face import JobView, Posted
from bot.github.client import GitHubClient
from bot.github.comments import Comments, Spot, posted_as
from bot.github.render import PARTS, made_ms, part_of
from bot.github.transport import Refused
from bot.github.wire import Comment

PAGES_MAX = 10
SETTLED_AFTER_S = 1.0
"""Whoever has read the comment before a result was written has written it by then."""
MOST_PLACES = 1_000
_GAP = "\n\n"
_MARKED = re.compile(rf"<!-- gryph:job=\S+ key=({'|'.join(PARTS)}):(\d+) -->")


@dataclass(frozen=True)
class _Part:
    """What one job says, and when it was made, in milliseconds."""

    text: str
    since_ms: int


@dataclass(frozen=True)
class _Standing:
    """Our comment as it is."""

    comment: Comment
    parts: Mapping[str, _Part]

    def with_part(self, name: str, body: str) -> str:
        """The whole of it with another part."""
        said = {**{each: part.text for each, part in self.parts.items()}, name: body}
        return _GAP.join(said[each] for each in PARTS if each in said)


class StickyComments:
    """One for each pull request."""

    def __init__(self, client: GitHubClient, comments: Comments) -> None:
        """Writes as the App's installation."""
        self._client = client
        self._comments = comments
        self._turns: dict[str, asyncio.Lock] = {}

    async def take_over(self, spot: Spot, view: JobView, body: str) -> Posted:
        """Show `body` in the comment that there is, or in a new one. Raises Busy, Undeliverable."""
        async with self._turn(spot):
            return await self._take_over(spot, view, body)

    async def edit(self, spot: Spot, view: JobView, comment: str, body: str) -> Posted:
        """Show `body`, unless a newer job speaks there by now. Raises Busy, Undeliverable."""
        async with self._turn(spot):
            standing = await self._read(spot, comment)
            if standing is None:
                return await self._take_over(spot, view, body)
            await self._write(spot, view, standing, body)
            return posted_as(spot, standing.comment)

    async def settle(self, spot: Spot, view: JobView, posted: Posted, body: str) -> None:
        """See after a moment whether a result still stands there, where another part is shown too.

        Raises Busy, Undeliverable.
        """
        await asyncio.sleep(SETTLED_AFTER_S)
        async with self._turn(spot):
            standing = await self._read(spot, posted.data["comment"])
            if standing is None or [*standing.parts] == [part_of(view)]:
                return
            part = standing.parts.get(part_of(view))
            if part is None or part.text != body.strip():
                await self._write(spot, view, standing, body)

    def _turn(self, spot: Spot) -> asyncio.Lock:
        """Only one of our jobs at a time writes there."""
        place = spot.listing.lower()
        if place not in self._turns:
            for idle in [name for name, lock in self._turns.items() if not lock.locked()]:
                if len(self._turns) < MOST_PLACES:
                    break
                del self._turns[idle]
            self._turns[place] = asyncio.Lock()
        return self._turns[place]

    async def _take_over(self, spot: Spot, view: JobView, body: str) -> Posted:
        standing = await self._find(spot)
        if standing is None:
            return await self._post(spot, view, body)
        await self._write(spot, view, standing, body)
        return posted_as(spot, standing.comment)

    async def _write(self, spot: Spot, view: JobView, standing: _Standing, body: str) -> None:
        part = standing.parts.get(part_of(view))
        if part is None or part.since_ms <= made_ms(view):
            whole = standing.with_part(part_of(view), body)
            await self._comments.edit(spot, str(standing.comment.id), whole)

    async def _post(self, spot: Spot, view: JobView, body: str) -> Posted:
        made = await self._comments.post(spot, body)
        first = await self._find(spot)
        if first is None or str(first.comment.id) == made.data["comment"]:
            return made
        await self._client.write(spot.reach, "DELETE", spot.address(made.data["comment"]), {})
        if part_of(view) not in first.parts:
            await self._write(spot, view, first, body)
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
    """None for a comment that is none of the kind: it does not end with a part."""
    body, at = (comment.body or "").rstrip(), 0
    parts: dict[str, _Part] = {}
    for found in _MARKED.finditer(body):
        parts[found[1]] = _Part(body[at : found.end()].strip(), int(found[2]))
        at = found.end()
    return _Standing(comment, parts) if parts and at == len(body) else None
