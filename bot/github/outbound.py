"""What we say on GitHub: for each job one comment, edited from its first state to its result, and
one check run where it is about a pull request. Edits send no e-mail.
"""

import asyncio
from datetime import timedelta

from bot.face import ArtifactReader, Busy, JobView, Posted
from bot.fence import may_be_there
from bot.github.blocks import Fitted, Page
from bot.github.checks import Checks
from bot.github.client import GitHubClient
from bot.github.comments import Comments, Spot
from bot.github.marker import marker
from bot.github.render import (
    REVIEWERS,
    Whole,
    part_of,
    render_answer,
    render_check,
    render_check_result,
    render_result,
    render_status,
    status_marker,
)
from bot.github.reviews import Reviews
from bot.github.sticky import StickyComments
from bot.settings import GatewaySettings
from bot.whole_answer import whole_answer
from handlers import Place
from jobs.messages import Action, Actions, Reply
from storage.clock import utc_now
from storage.ids import JobId
from storage.states import JobState

LOOK_BACK = timedelta(minutes=2)
"""How far GitHub's clock may be behind ours."""
ANSWERS_LOOK_BACK = timedelta(hours=6)


class GitHubOutbound:
    """Posts and edits comments and check runs; see `bot.face.Outbound`."""

    edit_interval_s = 6.0
    result_replaces_status = True

    def __init__(
        self, settings: GatewaySettings, client: GitHubClient, artifacts: ArtifactReader
    ) -> None:
        """`settings.public_url` decides whether GitHub can fetch our pictures."""
        self._client = client
        self._comments = Comments(client)
        self._checks = Checks(client)
        self._reviews = Reviews(client)
        self._sticky = StickyComments(client, self._comments)
        self._artifacts = artifacts
        is_public = (settings.public_url or "").startswith("https://")
        self._page = Page(artifacts.link, shows_pictures=is_public)

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:  # noqa: ARG002
        """Post the job's comment, and its check run on a pull request."""
        spot = Spot.of(place)
        if _speaks_once(view):
            return Posted(f"github:{spot.repository}:{view.job}:unsaid")
        known = None if view.is_push else await self._find(spot, view)
        if view.is_push:
            posted = await self._sticky.take_over(spot, view, render_status(view))
        else:
            posted = known or await self._comments.post(spot, render_status(view))
        look_first = known is not None or (view.is_push and may_be_there())
        try:
            check = await self._checks.start(
                spot, view, _linked(render_check(view), posted), look_first=look_first
            )
        except Busy:
            check = None  # the result looks for it, and makes it where it is missing
        return _with_check(posted, check)

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        """Show the job's present state, unless that would use up our share of writes."""
        spot = Spot.of(place)
        if _speaks_once(view):
            return
        if not view.state.final and not await self._client.has_room_for_progress(spot.reach):
            return
        await self._edit(spot, status, view, render_status(view))
        check = status.data.get("check")
        if check and not view.state.final:
            await self._checks.show(spot, check, _linked(render_check(view), status))

    async def post_result(
        self,
        place: Place,
        status: Posted,
        view: JobView,
        reply: Reply,
        *,
        key: str,  # noqa: ARG002
    ) -> Posted:
        """Put the result into the job's comment, complete its check run, and say on the lines of
        the pull request what belongs to them.
        """
        spot = Spot.of(place)
        if _speaks_once(view) and not _names_somebody(view, reply):
            return status
        body = await self._result(view, reply)
        posted = await self._edit(spot, status, view, body)
        if posted is None:
            posted = await self._post_again(spot, view, body)
        if view.is_push:
            await self._sticky.settle(spot, view, posted, body)
        if _speaks_once(view):
            return posted
        result = await asyncio.to_thread(render_check_result, view, reply, self._page)
        check = status.data.get("check")
        if check:
            await self._checks.show(spot, check, _linked(result, posted))
        else:
            check = await self._checks.start(spot, view, _linked(result, posted), look_first=True)
        if view.state is JobState.SUCCEEDED:
            await self._reviews.post(spot, view, reply.remarks)
        return _with_check(posted, check)

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """Answer a message that became no job, in a comment of its own."""
        spot = Spot.of(place)
        since = utc_now() - ANSWERS_LOOK_BACK
        known = await self._comments.find(spot, marker(key), since)
        if known is not None:
            return known
        fitted = await asyncio.to_thread(render_answer, reply, self._page, key=key)
        if not fitted.is_whole:
            whole = await self._keep(None, "answer.md", reply)
            fitted = await asyncio.to_thread(render_answer, reply, self._page, key=key, whole=whole)
        return await self._comments.post(spot, fitted.text)

    async def _result(self, view: JobView, reply: Reply) -> str:
        fitted: Fitted = await asyncio.to_thread(render_result, view, reply, self._page)
        if not fitted.is_whole:
            whole = await self._keep(view.job, f"{view.job}.md", reply)
            fitted = await asyncio.to_thread(render_result, view, reply, self._page, whole)
        return fitted.text

    async def _keep(self, job: JobId | None, name: str, reply: Reply) -> Whole:
        source = await asyncio.to_thread(whole_answer, reply, self._artifacts.link)
        artifact = await self._artifacts.keep(job, name, source.encode())
        return Whole(name, self._artifacts.link(artifact), len(source))

    async def _post_again(self, spot: Spot, view: JobView, body: str) -> Posted:
        """Somebody deleted the job's comment; its result is still owed."""
        return await self._find(spot, view) or await self._comments.post(spot, body)

    async def _edit(self, spot: Spot, status: Posted, view: JobView, body: str) -> Posted | None:
        comment = status.data.get("comment")
        if comment is None:
            return await self._sticky.take_over(spot, view, body)
        if view.is_push:
            return await self._sticky.edit(spot, view, comment, body)
        return await self._comments.edit(spot, comment, body)

    async def _find(self, spot: Spot, view: JobView) -> Posted | None:
        since = view.created_at - LOOK_BACK
        return await self._comments.find(spot, status_marker(view.job), since)


def _speaks_once(view: JobView) -> bool:
    """Who could review a pull request is told once it is known, and where it is: nobody asked."""
    return view.is_push and part_of(view) == REVIEWERS


def _names_somebody(view: JobView, reply: Reply) -> bool:
    """Whether there is anything to decide about."""
    choices = (
        each
        for block in reply.blocks
        if isinstance(block, Actions)
        for each in block.actions
        if isinstance(each, Action) and each.verb == view.verb
    )
    return view.state is JobState.SUCCEEDED and next(choices, None) is not None


def _linked(check: dict[str, object], posted: Posted) -> dict[str, object]:
    address = posted.data.get("url", "")
    return {**check, "details_url": address} if address.startswith("http") else check


def _with_check(posted: Posted, check: str | None) -> Posted:
    data = {**posted.data, "check": check} if check else posted.data
    return Posted(posted.key, data)
