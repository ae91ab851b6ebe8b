"""A task for which somebody is looked for, as GitHub has it now, and who has how much to do."""

from collections import Counter
from dataclasses import dataclass

from bot.face import Undeliverable
from bot.github.client import COMMENT, GitHubClient, Reach
from bot.github.issues import BODY_MAX, LABELS_MAX, TITLE_MAX
from bot.github.wire import ChangedFile, IssueAnswer, PullAnswer, PullCommit
from handlers import UserError
from jobs.requests import OpenWork, Wanted

PAGE, FILE_PAGES, WORK_PAGES = 100, 3, 3
"""Files of a pull request that are read, and open issues and pull requests that are counted, in
hundreds."""
_OPEN = "open"


@dataclass(frozen=True)
class TaskReader:
    """Reads of one repository."""

    client: GitHubClient
    repository: str

    async def task(self, number: int) -> Wanted:
        """See `bot.face.CodeHost.task_of`."""
        try:
            answer = await self.client.get(self._reach, f"{self._root}/issues/{number}")
            found = answer.one(IssueAnswer)
            author = found.user.login if found.user else ""
            is_pull = found.pull_request is not None
            files = await self._files(number) if is_pull else []
            pull = await self._pull(number) if is_pull else None
            signed = await self._signed(number, author) if is_pull else None
        except Undeliverable as refused:
            raise UserError(
                f"`{self.repository}#{number}` is not there, or this installation may not read it."
            ) from refused
        return Wanted(
            named=f"#{number}",
            number=number,
            title=found.title[:TITLE_MAX],
            text=(found.body or "")[:BODY_MAX],
            labels=tuple(label.name for label in found.labels[:LABELS_MAX]),
            files=tuple(dict.fromkeys(each.known_as for each in files)),
            more_files=max(0, pull.changed_files - len(files)) if pull else 0,
            author=author,
            signed=signed,
            assignees=tuple(user.login for user in found.assignees),
            asked_reviewers=tuple(user.login for user in pull.requested_reviewers) if pull else (),
            is_pull=is_pull,
            is_open=found.state == _OPEN,
        )

    async def open_work(self) -> tuple[OpenWork, ...]:
        """See `bot.face.CodeHost.work_of`."""
        try:
            counted = await self._assigned() + await self._to_review()
        except Undeliverable:
            return ()
        return tuple(OpenWork(login=login, tasks=tasks) for login, tasks in sorted(counted.items()))

    async def _files(self, number: int) -> list[ChangedFile]:
        found: list[ChangedFile] = []
        for page in range(1, FILE_PAGES + 1):
            params = {"per_page": str(PAGE), "page": str(page)}
            path = f"{self._root}/pulls/{number}/files"
            listed = (await self.client.get(self._reach, path, params)).many(ChangedFile)
            found += listed
            if len(listed) < PAGE:
                break
        return found

    async def _pull(self, number: int) -> PullAnswer:
        answer = await self.client.get(self._reach, f"{self._root}/pulls/{number}")
        return answer.one(PullAnswer)

    async def _signed(self, number: int, author: str) -> tuple[str, str] | None:
        """How the author signs, by the commits that GitHub takes for theirs."""
        path = f"{self._root}/pulls/{number}/commits"
        listed = await self.client.get(self._reach, path, {"per_page": str(PAGE)})
        for one in listed.many(PullCommit):
            by, signed = one.author, one.commit.author
            if by is not None and signed is not None and by.login == author:
                return signed.name, signed.email
        return None

    async def _assigned(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for page in range(1, WORK_PAGES + 1):
            params = {"state": _OPEN, "assignee": "*", "per_page": str(PAGE), "page": str(page)}
            answer = await self.client.get(self._reach, f"{self._root}/issues", params)
            listed = answer.many(IssueAnswer)
            counted.update(user.login for one in listed for user in one.assignees)
            if len(listed) < PAGE:
                break
        return counted

    async def _to_review(self) -> Counter[str]:
        params = {"state": _OPEN, "per_page": str(PAGE)}
        answer = await self.client.get(self._reach, f"{self._root}/pulls", params)
        waiting = answer.many(PullAnswer)
        return Counter(user.login for one in waiting for user in one.requested_reviewers)

    @property
    def _reach(self) -> Reach:
        return Reach(self.repository, COMMENT)

    @property
    def _root(self) -> str:
        return f"/repos/{self.repository}"
