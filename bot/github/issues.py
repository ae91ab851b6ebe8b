"""The open issues that are to be planned, as GitHub has them now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.face import Undeliverable
from bot.github.client import COMMENT, GitHubClient, Reach
from bot.github.transport import Refused
from bot.github.wire import IssueAnswer, IssueEvent, MilestoneAnswer
from handlers import IssueQuery, UserError
from jobs.requests import ClosedIssue, Issues, PlanIssue

PAGE, MOST = 100, 200
TITLE_MAX, BODY_MAX, LABELS_MAX = 200, 2_000, 20
"""Characters of an issue's title and body, and its labels."""
EVENT_PAGES, MOST_CLOSED = 3, 100
"""Pages of the repository's events that are looked through for closed issues, and how many of those
are learned from."""
CLOSED_BODY_MAX = 600
_OPEN, _ASSIGNED = "open", "assigned"


@dataclass(frozen=True)
class IssueReader:
    """Reads the issues of one repository."""

    client: GitHubClient
    repository: str

    async def read(self, query: IssueQuery) -> Issues:
        """See `bot.face.CodeHost.issues_of`."""
        try:
            if query.milestone is not None:
                issues = await self._of_milestone(query.milestone)
            else:
                issues = await self._of_numbers(query.numbers)
            return issues.model_copy(update={"closed": await self._closed()})
        except Undeliverable as refused:
            raise UserError(
                f"The issues of `{self.repository}` were not found, or this installation may not "
                "read them."
            ) from refused

    async def _of_numbers(self, numbers: Sequence[int]) -> Issues:
        found = [await self._numbered(number) for number in numbers]
        return _issues(", ".join(f"#{number}" for number in numbers), found, None)

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
                    f"Milestone {milestone.title} has more than {MOST} open issues; name some of "
                    "them by number."
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

    async def _closed(self) -> tuple[ClosedIssue, ...]:
        """The latest that were closed, of those that somebody was seen to be assigned to."""
        taken_up: dict[int, datetime] = {}
        closed: dict[int, IssueAnswer] = {}
        for page in range(1, EVENT_PAGES + 1):
            params = {"per_page": str(PAGE), "page": str(page)}
            answer = await self.client.get(self._reach, f"{self._root}/issues/events", params)
            events = answer.many(IssueEvent)
            for one in events:
                if one.issue is None or one.issue.pull_request is not None:
                    continue
                if one.event == _ASSIGNED:  # the newest come first
                    taken_up[one.issue.number] = one.created_at
                if one.issue.closed_at is not None:
                    closed[one.issue.number] = one.issue
            if len(events) < PAGE:
                break
        return tuple(
            _closed_issue(issue, taken_up[number], issue.closed_at)
            for number, issue in closed.items()
            if issue.closed_at is not None
            and taken_up.get(number, issue.closed_at) < issue.closed_at
        )[:MOST_CLOSED]

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


def _closed_issue(found: IssueAnswer, taken_up_at: datetime, closed_at: datetime) -> ClosedIssue:
    return ClosedIssue(
        body=(found.body or "")[:CLOSED_BODY_MAX],
        labels=tuple(label.name for label in found.labels[:LABELS_MAX]),
        taken_up_at=taken_up_at,
        closed_at=closed_at,
    )


def _issue(found: IssueAnswer) -> PlanIssue:
    return PlanIssue(
        number=found.number,
        title=found.title[:TITLE_MAX],
        body=(found.body or "")[:BODY_MAX],
        labels=tuple(label.name for label in found.labels[:LABELS_MAX]),
        assignees=tuple(user.login for user in found.assignees),
    )
