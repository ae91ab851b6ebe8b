"""Holds what a job will work on as it was when the command was given.

A branch moves, a title is edited, a comment is rewritten: none of that reaches a job that was asked
for before. The commit is pinned here and the conversation copied into the request; a job never
reads either from the platform again.
"""

from bot.face import CodeHost, Remarks
from handlers import Invocation, Platform, PullRequest, UserError
from jobs.requests import JobRequest, Remark, Source, Talk, TestChanges

LOCAL = "local:"
TITLE_MAX, BODY_MAX, REMARK_MAX = 300, 20_000, 4_000
"""Characters."""
REMARKS_MAX = 50


class Trigger:
    """Pins and copies, once for each job."""

    def __init__(self, host: CodeHost | None) -> None:
        """Without a host, a branch is resolved by the worker, and there is no conversation."""
        self._host = host

    async def hold(self, request: JobRequest, asked: Invocation) -> JobRequest:
        """The request with its commit and its conversation; a repeated one keeps what it had.

        Raises:
            Busy: The host does not answer now.
            UserError: It has no such commit, or none that may run without an approval.
        """
        source = await self._pinned(request.source)
        talk = request.talk or await self._talk(asked)
        update: dict[str, object] = {"source": source, "talk": talk}
        if isinstance(request, TestChanges):
            update["base"] = await self._parted(request.base, source)
        return request.model_copy(update=update)

    async def pull_of(self, repository: str, number: int) -> PullRequest:
        """See `handlers.Context.pull_of`."""
        if self._host is None:
            raise UserError(f"I cannot look at `{repository}#{number}`: GitHub is not connected.")
        return await self._host.pull_of(repository, number)

    async def _parted(self, base: Source, source: Source) -> Source:
        """What the source is compared with: without a host, the worker finds out what it can."""
        if self._host is None or base.sha is not None or source.sha is None:
            return base
        sha = await self._host.parted(base.repository, base.ref, source.sha)
        return base.model_copy(update={"sha": sha})

    async def _pinned(self, source: Source) -> Source:
        if self._host is None or source.sha is not None or source.repository.startswith(LOCAL):
            return source
        sha = await self._host.commit_of(source.repository, source.ref)
        return source.model_copy(update={"sha": sha})

    async def _talk(self, asked: Invocation) -> Talk | None:
        topic = asked.topic
        if topic is None:
            return None
        said = Remarks()
        if self._host is not None and asked.place.platform is Platform.GITHUB:
            said = await self._host.said_before(asked)
        kept = said.remarks[-REMARKS_MAX:]
        return Talk(
            title=topic.title[:TITLE_MAX],
            body=topic.body[:BODY_MAX],
            author=topic.author,
            remarks=tuple(
                Remark(author=one.author, text=one.text[:REMARK_MAX], at=one.at) for one in kept
            ),
            left_out=said.left_out + len(said.remarks) - len(kept),
        )
