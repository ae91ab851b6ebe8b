"""The open issues that are to be planned, as GitHub has them now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.face import Undeliverable
from bot.github.client import COMMENT, GitHubClient, Reach
from bot.github.transport import Refused
from bot.github.wire import IssueAnswer, MilestoneAnswer
from handlers import IssueQuery, UserError
from jobs.requests import Issues, PlanIssue

PAGE, MOST = 100, 200
TITLE_MAX, BODY_MAX, LABELS_MAX = 200, 2_000, 20
"""Characters of an issue's title and body, and its labels."""
_OPEN = "open"


@dataclass(frozen=True)
class IssueReader:
    """Reads the issues of one repository."""

    client: GitHubClient
    repository: str

    async def read(self, query: IssueQuery) -> Issues:
        """See `bot.face.CodeHost.issues_of`."""
        try:
            if query.milestone is not None:
                return await self._of_milestone(query.milestone)
            found = [await self._numbered(number) for number in query.numbers]
        except Undeliverable as refused:
            raise UserError(
                f"The issues of `{self.repository}` were not found, or this installation may not "
                "read them."
            ) from refused
        names = ", ".join(f"#{number}" for number in query.numbers)
        return _issues(names, found, None)

    async def _of_milestone(self, named: str) -> Issues:
        milestone = await self._milestone(named)
        found: list[IssueAnswer] = []
        for page in range(1, MOST // PAGE + 2):
            params = {
                "milestone": str(milestone.number),
                "state": _OPEN,
                "per_page": str(PAGE),
                "page": str(page),
            }
            listed = await self.client.get(self._reach, f"{self._root}/issues", params)
            found += listed.many(IssueAnswer)
            if len(found) > MOST:
                raise UserError(
                    f"Milestone {milestone.title} has more than {MOST} open issues; plan a part."
                )
            if len(found) < page * PAGE:
                break
        due = None if milestone.due_on is None else milestone.due_on.date()
        return _issues(f"Milestone {milestone.title}", found, due)

    async def _milestone(self, named: str) -> MilestoneAnswer:
        """The one with this title, or else this number; of the open ones."""
        params = {"state": _OPEN, "per_page": str(PAGE)}
        listed = await self.client.get(self._reach, f"{self._root}/milestones", params)
        known = listed.many(MilestoneAnswer)
        titled = [each for each in known if each.title.casefold() == named.casefold()]
        found = titled or [each for each in known if str(each.number) == named]
        if not found:
            titles = ", ".join(f"{each.number} ({each.title})" for each in known[:10])
            raise UserError(
                f"`{self.repository}` has no open milestone `{named}`."
                + (f" It has {titles}." if titles else "")
            )
        return found[0]

    async def _numbered(self, number: int) -> IssueAnswer:
        try:
            answer = await self.client.get(self._reach, f"{self._root}/issues/{number}")
        except Refused as refused:
            if refused.is_missing:
                raise UserError(f"`{self.repository}#{number}` is not there.") from refused
            raise
        return answer.one(IssueAnswer)

    @property
    def _reach(self) -> Reach:
        return Reach(self.repository, COMMENT)

    @property
    def _root(self) -> str:
        return f"/repos/{self.repository}"


def _issues(named: str, found: Sequence[IssueAnswer], due: date | None) -> Issues:
    """Those that are open; pull requests, which GitHub lists among them, are none."""
    kept = [each for each in found if each.state == _OPEN and each.pull_request is None]
    return Issues(named=named, issues=tuple(map(_issue, kept)), due=due)


def _issue(found: IssueAnswer) -> PlanIssue:
    return PlanIssue(
        number=found.number,
        title=found.title[:TITLE_MAX],
        body=(found.body or "")[:BODY_MAX],
        labels=tuple(label.name for label in found.labels[:LABELS_MAX]),
        assignees=tuple(user.login for user in found.assignees),
    )
