"""Our own comments: posted once, found again, edited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.face import Posted
from bot.fence import may_be_there
from bot.github.client import COMMENT, GitHubClient, Reach
from bot.github.place import Thread, thread_of
from bot.github.transport import Refused
from bot.github.wire import Comment
from handlers import Place

log = structlog.get_logger()

PAGE = 100


@dataclass(frozen=True)
class Spot:
    """Where comments of one conversation go."""

    repository: str
    thread: Thread
    installation: str | None

    @classmethod
    def of(cls, place: Place) -> "Spot":
        """Of a place on GitHub. Raises Undeliverable when it is none."""
        return cls(place.channel, thread_of(place), place.installation)

    @property
    def reach(self) -> Reach:
        """What writing there needs."""
        return Reach(self.repository, COMMENT, self.installation)

    @property
    def listing(self) -> str:
        """The path that lists the conversation's comments."""
        kind = "issues" if self.thread.review_comment is None else "pulls"
        return f"/repos/{self.repository}/{kind}/{self.thread.number}/comments"

    @property
    def posting(self) -> str:
        """The path that takes a new comment."""
        if self.thread.review_comment is None:
            return self.listing
        return f"{self.listing}/{self.thread.review_comment}/replies"

    def address(self, comment: str) -> str:
        """The path of one comment."""
        kind = "issues" if self.thread.review_comment is None else "pulls"
        return f"/repos/{self.repository}/{kind}/comments/{comment}"


@dataclass(frozen=True)
class Listed:
    """One page of a conversation."""

    ours: tuple[Comment, ...]
    is_last: bool


class Comments:
    """What we say in conversations."""

    def __init__(self, client: GitHubClient) -> None:
        """Writes as the App's installation."""
        self._client = client

    async def post(self, spot: Spot, body: str) -> Posted:
        """Post a new comment. Raises Busy, Undeliverable."""
        answer = await self._client.write(spot.reach, "POST", spot.posting, {"body": body})
        return posted_as(spot, answer.one(Comment))

    async def edit(self, spot: Spot, comment: str, body: str) -> Posted | None:
        """Change a comment of ours; None when somebody has deleted it.

        Raises Busy, Undeliverable.
        """
        path = spot.address(comment)
        try:
            answer = await self._client.write(spot.reach, "PATCH", path, {"body": body})
        except Refused as refused:
            if not refused.is_missing:
                raise
            log.info("github comment is gone", repository=spot.repository, comment=comment)
            return None
        return posted_as(spot, answer.one(Comment))

    async def find(self, spot: Spot, marker: str, since: datetime) -> Posted | None:
        """Our comment that ends with `marker`, among the hundred first changed after `since`.

        One call, and none on a first try. A GitHub that cannot list comments is taken to hold none.
        Raises Busy, Undeliverable.
        """
        if not may_be_there():
            return None
        params = {"since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": str(PAGE)}
        try:
            comments = (await self._client.get(spot.reach, spot.listing, params)).many(Comment)
        except Refused as refused:
            if not refused.is_missing:
                raise
            return None
        own = (each for each in comments if self._is_ours(each))
        ended = (each for each in own if (each.body or "").rstrip().endswith(marker))
        return next((posted_as(spot, each) for each in ended), None)

    async def listed(self, spot: Spot, page: int) -> Listed:
        """Our comments among a hundred, oldest first. Raises Busy, Undeliverable."""
        params = {"per_page": str(PAGE), "page": str(page)}
        try:
            found = (await self._client.get(spot.reach, spot.listing, params)).many(Comment)
        except Refused as refused:
            if not refused.is_missing:
                raise
            found = []
        ours = tuple(each for each in found if self._is_ours(each))
        return Listed(ours, is_last=len(found) < PAGE)

    def _is_ours(self, comment: Comment) -> bool:
        app, user = comment.performed_via_github_app, comment.user
        if app is not None and app.id is not None and str(app.id) != self._client.identity.app_id:
            return False
        return user is not None and user.type == "Bot"


def posted_as(spot: Spot, comment: Comment) -> Posted:
    """The comment as a message of ours."""
    data: Mapping[str, str] = {
        "comment": str(comment.id),
        "node": comment.node_id,
        "url": comment.html_url,
    }
    return Posted(f"github:{spot.repository}:{comment.id}", data)
