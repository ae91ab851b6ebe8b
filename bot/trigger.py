"""Holds what a job will work on as it was when the command was given.

A branch moves, a title is edited, a comment is rewritten: none of that reaches a job that was asked
for before. The commit is pinned here and the conversation copied into the request; a job never
reads either from the platform again.
"""

from collections.abc import Mapping

from bot.face import Face, Remarks
from bot.overhearing import Overhearing, talk_of
from handlers import Invocation, IssueQuery, Platform, PullRequest, UserError
from jobs.requests import Issues, JobRequest, OpenWork, Source, Talk, TestChanges, Wanted

LOCAL = "local:"


class Trigger:
    """Pins and copies, once for each job."""

    def __init__(self, faces: Mapping[Platform, Face]) -> None:
        """Without a host, a branch is resolved by the worker."""
        hosting = faces.get(Platform.GITHUB)
        self._host = None if hosting is None else hosting.host
        self._chats = Overhearing(faces)

    async def hold(self, request: JobRequest, asked: Invocation) -> JobRequest:
        """The request with its commit and its conversation; a repeated one keeps what it had.

        Raises:
            Busy: The host does not answer now.
            UserError: It has no such commit, or none that may run without an approval.
        """
        source = await self._pinned(request.source)
        talk = request.talk or await self._talk(asked, is_read=request.reads_talk)
        update: dict[str, object] = {"source": source, "talk": talk}
        if isinstance(request, TestChanges):
            update["base"] = await self._parted(request.base, source)
        return request.model_copy(update=update)

    async def pull_of(self, repository: str, number: int) -> PullRequest:
        """See `handlers.Context.pull_of`."""
        if self._host is None:
            raise UserError(f"I cannot look at `{repository}#{number}`: GitHub is not connected.")
        return await self._host.pull_of(repository, number)

    async def issues_of(self, repository: str, query: IssueQuery) -> Issues:
        """See `handlers.Context.issues_of`."""
        if repository.startswith(LOCAL) or self._host is None:
            why = "is a folder" if repository.startswith(LOCAL) else "is not connected at GitHub"
            raise UserError(f"`{repository}` {why}, so it has no issues that I could read.")
        return await self._host.issues_of(repository, query)

    async def task_of(self, repository: str, number: int) -> Wanted:
        """See `handlers.Context.task_of`."""
        if repository.startswith(LOCAL) or self._host is None:
            why = "is a folder" if repository.startswith(LOCAL) else "is not connected at GitHub"
            raise UserError(
                f"`{repository}` {why}, so I cannot look at its #{number}: name a file, or say in "
                "quotes what is to be done."
            )
        return await self._host.task_of(repository, number)

    async def work_of(self, repository: str) -> tuple[OpenWork, ...]:
        """See `handlers.Context.work_of`."""
        if repository.startswith(LOCAL) or self._host is None:
            return ()
        return await self._host.work_of(repository)

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

    async def _talk(self, asked: Invocation, *, is_read: bool) -> Talk | None:
        if asked.topic is None:
            return await self._chats.talk(asked) if is_read else None
        said = Remarks()
        if self._host is not None and asked.place.platform is Platform.GITHUB:
            said = await self._host.said_before(asked)
        return await talk_of(said, asked.topic, with_snippets=is_read)
