"""What a repository holds and what was said in it; see `bot.face.CodeHost`."""

import re
from datetime import datetime
from urllib.parse import quote

from bot.face import HostedFile, Remarks, Undeliverable
from bot.github.client import COMMENT, READ, GitHubClient, Reach
from bot.github.issues import IssueReader
from bot.github.marker import MARKER
from bot.github.pulls import pull_request
from bot.github.tasks import TaskReader
from bot.github.transport import CONFLICT, UNPROCESSABLE, Refused
from bot.github.wire import Branch, Comparison, FileAnswer, GitRef, RepositoryAnswer, SpokenComment
from handlers import Invocation, IssueQuery, PullRequest, UserError
from jobs.requests import Issues, OpenWork, Remark, Wanted

PAGE, PAGES_MAX = 100, 3
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")
_UNREADABLE = "`{}` was not found, or this installation may not read it."
_ON_BRANCH = ("identical", "behind")
"""How a commit on a branch compares with the branch's head."""


class GitHubHost:
    """Reads as the App's installation."""

    def __init__(self, client: GitHubClient) -> None:
        """See `GitHubAuthority`."""
        self._client = client

    async def commit_of(self, repository: str, ref: str | None) -> str:
        """See `bot.face.CodeHost.commit_of`."""
        reach = Reach(repository, READ)
        try:
            default = await self._default_branch(reach)
            found = await self._named(reach, ref, default)
        except Undeliverable as refused:
            raise UserError(_UNREADABLE.format(repository)) from refused
        if found is None and ref is None:
            raise UserError(f"`{repository}` is empty: it has no commits yet.")
        if found is None:
            raise UserError(_missing(repository, ref or default))
        return found

    async def _named(self, reach: Reach, ref: str | None, default: str) -> str | None:
        if ref is None:
            return await self._ref(reach, "heads", default)
        if _SHA.fullmatch(ref.lower()):
            return await self._own_commit(reach, ref.lower(), default)
        return await self._ref(reach, "heads", ref) or await self._ref(reach, "tags", ref)

    async def _default_branch(self, reach: Reach) -> str:
        answer = await self._client.get(reach, f"/repos/{reach.repository}")
        return answer.one(RepositoryAnswer).default_branch

    async def _ref(self, reach: Reach, kind: str, name: str) -> str | None:
        """The commit of a branch ("heads") or tag; a pull request's refs are neither."""
        root = f"/repos/{reach.repository}/git"
        found = await self._one(reach, f"{root}/ref/{kind}/{quote(name)}")
        if found is None or found.ref != f"refs/{kind}/{name}":
            return None
        if found.object.type != "tag":
            return found.object.sha
        answer = await self._client.get(reach, f"{root}/tags/{found.object.sha}")
        return answer.one(GitRef).object.sha

    async def _one(self, reach: Reach, path: str) -> GitRef | None:
        try:
            return (await self._client.get(reach, path)).one(GitRef)
        except Refused as refused:
            if refused.is_missing or refused.status in (CONFLICT, UNPROCESSABLE):
                return None
            raise

    async def _own_commit(self, reach: Reach, sha: str, default: str) -> str | None:
        """The commit, if a branch of this repository holds it.

        GitHub hands out a fork's commits under the name of the repository it was forked from, so
        being there proves nothing.
        """
        root = f"/repos/{reach.repository}"
        compared = f"{root}/compare/{quote(default, safe='')}...{sha}"
        heads = f"{root}/commits/{sha}/branches-where-head"
        try:
            if (await self._client.get(reach, compared)).one(Comparison).status in _ON_BRANCH:
                return sha
            return sha if (await self._client.get(reach, heads)).many(Branch) else None
        except Refused as refused:
            if refused.is_missing or refused.status in (CONFLICT, UNPROCESSABLE):
                return None
            raise

    async def pull_of(self, repository: str, number: int) -> PullRequest:
        """See `bot.face.CodeHost.pull_of`."""
        try:
            found = await pull_request(self._client, Reach(repository, READ), number)
        except Undeliverable as refused:
            raise UserError(_UNREADABLE.format(repository)) from refused
        if found is None:
            raise UserError(f"`{repository}#{number}` is no pull request.")
        return found

    async def issues_of(self, repository: str, query: IssueQuery) -> Issues:
        """See `bot.face.CodeHost.issues_of`."""
        return await IssueReader(self._client, repository).read(query)

    async def task_of(self, repository: str, number: int) -> Wanted:
        """See `bot.face.CodeHost.task_of`."""
        return await TaskReader(self._client, repository).task(number)

    async def work_of(self, repository: str) -> tuple[OpenWork, ...]:
        """See `bot.face.CodeHost.work_of`."""
        return await TaskReader(self._client, repository).open_work()

    async def parted(self, repository: str, ref: str | None, head: str) -> str:
        """See `bot.face.CodeHost.parted`; what `ref` names is a commit of the repository's own
        before anything is compared, since GitHub would compare with a fork's too.
        """
        base = await self.commit_of(repository, ref)
        path = f"/repos/{repository}/compare/{base}...{head}"
        try:
            compared = (await self._client.get(Reach(repository, READ), path)).one(Comparison)
        except Refused as refused:
            if refused.is_missing or refused.status in (CONFLICT, UNPROCESSABLE):
                raise UserError(
                    f"`{head[:12]}` and `{ref or base[:12]}` have no history in common."
                ) from refused
            raise
        return compared.merge_base_commit.sha if compared.merge_base_commit else base

    async def file_of(self, repository: str, path: str, most_bytes: int) -> HostedFile | None:
        """See `bot.face.CodeHost.file_of`; no ref is named, so that no other branch can be."""
        reach = Reach(repository, READ)
        try:
            answer = await self._client.get(reach, f"/repos/{repository}/contents/{quote(path)}")
        except Refused as refused:
            if refused.is_missing:
                return None
            raise
        if answer.content.startswith(b"["):
            return HostedFile("folder", b"[a folder")
        found = answer.one(FileAnswer)
        if found.size > most_bytes:
            return HostedFile(found.sha, b" " * most_bytes)
        return HostedFile(found.sha, found.decoded[:most_bytes])

    async def said_before(self, asked: Invocation) -> Remarks:
        """See `bot.face.CodeHost.said_before`; the first three hundred comments at most."""
        topic, repository = asked.topic, asked.repository
        if topic is None or topic.said_at is None or repository is None or asked.number is None:
            return Remarks()
        reach = Reach(repository, COMMENT, asked.place.installation)
        path = f"/repos/{repository}/issues/{asked.number}/comments"
        found: list[SpokenComment] = []
        try:
            for page in range(1, PAGES_MAX + 1):
                params = {"per_page": str(PAGE), "page": str(page)}
                listed = (await self._client.get(reach, path, params)).many(SpokenComment)
                found += listed
                if len(listed) < PAGE:
                    break
        except Undeliverable:
            return Remarks()
        return remarks_of(found, topic.said_at, topic.message)


def remarks_of(found: list[SpokenComment], at: datetime, message: int | None) -> Remarks:
    """Those that stood there at `at`, as they were; the command itself is none of them."""
    there = [each for each in found if _is_earlier(each, at, message) and _is_a_persons(each)]
    unchanged = [each for each in there if not _is_changed(each, at)]
    remarks = tuple(
        Remark(
            author=each.user.login if each.user else "", text=each.body or "", at=each.created_at
        )
        for each in unchanged
    )
    return Remarks(remarks, len(there) - len(unchanged))


def _is_earlier(comment: SpokenComment, at: datetime, message: int | None) -> bool:
    """GitHub's times are whole seconds; within one, numbers tell."""
    if message is not None:
        return comment.id < message
    return comment.created_at <= at


def _is_changed(comment: SpokenComment, at: datetime) -> bool:
    """Whether it was edited when the command was given, or later; in doubt it was."""
    return comment.updated_at > comment.created_at and comment.updated_at >= at


def _is_a_persons(comment: SpokenComment) -> bool:
    return (comment.user is None or comment.user.type != "Bot") and MARKER not in (
        comment.body or ""
    )


def _missing(repository: str, ref: str) -> str:
    if _SHORT_SHA.fullmatch(ref.lower()):
        return f"`{repository}`: name a commit by its full sha."
    if _SHA.fullmatch(ref.lower()):
        return (
            f"Commit `{ref[:12]}` is on no branch of `{repository}`. If it is a fork's, ask in its "
            "pull request, where it can be approved."
        )
    return f"`{repository}` has no branch or tag `{ref}`."
