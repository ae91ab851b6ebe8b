"""A code host of one repository, in memory."""

from dataclasses import dataclass, field

from bot.face import HostedFile, Remarks
from handlers import Invocation, IssueQuery, PullRequest, UserError
from jobs.requests import Issues, OpenWork, Wanted

HEAD = "c" * 40


@dataclass
class ScriptedHost:
    """See `bot.face.CodeHost`."""

    tasks: dict[int, Wanted] = field(default_factory=dict[int, Wanted])
    milestones: dict[str, Issues] = field(default_factory=dict[str, Issues])
    work: tuple[OpenWork, ...] = ()

    async def commit_of(self, repository: str, ref: str | None) -> str:
        """Each branch has a head of its own."""
        del repository
        return HEAD if ref is None else ref[0] * 40

    async def pull_of(self, repository: str, number: int) -> PullRequest:
        """There are none to be tested."""
        raise UserError(f"`{repository}#{number}` is no pull request.")

    async def issues_of(self, repository: str, query: IssueQuery) -> Issues:
        """Those of a milestone."""
        if query.milestone not in self.milestones:
            raise UserError(f"`{repository}` has no open milestone `{query.milestone}`.")
        return self.milestones[query.milestone or ""]

    async def task_of(self, repository: str, number: int) -> Wanted:
        """As it was scripted."""
        if number not in self.tasks:
            raise UserError(f"`{repository}#{number}` is not there.")
        return self.tasks[number]

    async def work_of(self, repository: str) -> tuple[OpenWork, ...]:
        """As it was scripted."""
        del repository
        return self.work

    async def parted(self, repository: str, ref: str | None, head: str) -> str:
        """Nothing ever parts."""
        del repository, ref
        return head

    async def file_of(self, repository: str, path: str, most_bytes: int) -> HostedFile | None:
        """There are no files."""
        del repository, path, most_bytes

    async def said_before(self, asked: Invocation) -> Remarks:
        """Nothing was."""
        del asked
        return Remarks()
