"""The issues that are to be planned, as GitHub tells them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from handlers import IssueQuery, UserError
from jobs.requests import ClosedIssue, Issues, PlanIssue
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.world import Milestone


async def read(here: Town, query: IssueQuery) -> Issues:
    assert here.face.host is not None
    return await here.face.host.issues_of(REPOSITORY, query)


async def opened(here: Town, title: str, *, milestone: int | None = None) -> int:
    number = await here.github.people.open_issue(here.repo, "ann", f"Estimate: {len(title)}d")
    one = here.repo.issues[number]
    one.title, one.milestone = title, milestone
    return number


async def test_open_issues_of_a_milestone_by_its_number_or_title(here: Town) -> None:
    due = datetime(2026, 12, 18, tzinfo=UTC)
    here.repo.milestones = {3: Milestone(3, "Version 2", due), 4: Milestone(4, "Later")}
    first = await opened(here, "DB", milestone=3)
    second = await opened(here, "API", milestone=3)
    here.repo.issues[second].labels = ["skill:backend", "bug"]
    here.repo.issues[second].assignees = ["ann", "bob"]
    here.repo.issues[await opened(here, "Old", milestone=3)].state = "closed"
    await opened(here, "Other", milestone=4)
    await opened(here, "None")
    for name in ("3", "version 2"):
        assert await read(here, IssueQuery(milestone=name)) == Issues(
            named="Milestone Version 2",
            issues=(
                PlanIssue(
                    number=second,
                    title="API",
                    body="Estimate: 3d",
                    labels=("skill:backend", "bug"),
                    assignees=("ann", "bob"),
                ),
                PlanIssue(number=first, title="DB", body="Estimate: 2d"),
            ),
            due=date(2026, 12, 18),
        )


async def test_a_pull_request_is_no_issue_to_plan(here: Town) -> None:
    here.repo.milestones = {1: Milestone(1, "v1")}
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    here.repo.issues[number].milestone = 1
    assert (await read(here, IssueQuery(milestone="1"))).issues == ()
    assert (await read(here, IssueQuery(numbers=(number,)))).issues == ()


async def test_issues_by_their_numbers_in_that_order(here: Town) -> None:
    first, second = await opened(here, "A"), await opened(here, "BC")
    found = await read(here, IssueQuery(numbers=(second, first)))
    assert [one.number for one in found.issues] == [second, first]
    assert found.named == f"#{second}, #{first}"


async def test_more_issues_than_a_page_holds_are_all_read_up_to_a_bound(here: Town) -> None:
    here.repo.milestones = {1: Milestone(1, "v1")}
    made = here.github.world
    for number in range(1, 131):
        made.talk(here.repo, number, made.account("ann"), f"T{number}", "")
        here.repo.issues[number].milestone = 1
    assert len((await read(here, IssueQuery(milestone="1"))).issues) == 130
    for number in range(131, 231):
        made.talk(here.repo, number, made.account("ann"), f"T{number}", "")
        here.repo.issues[number].milestone = 1
    with pytest.raises(UserError, match="more than 200 open issues"):
        await read(here, IssueQuery(milestone="1"))


async def test_what_is_not_there_is_told_with_what_is(here: Town) -> None:
    here.repo.milestones = {3: Milestone(3, "Version 2")}
    with pytest.raises(UserError, match=r"no open milestone `9`. It has 3 \(Version 2\)"):
        await read(here, IssueQuery(milestone="9"))
    with pytest.raises(UserError, match="#99` is not there"):
        await read(here, IssueQuery(numbers=(99,)))


async def test_closed_issues_tell_from_when_to_when_they_were_worked_on(here: Town) -> None:
    monday = datetime(2026, 11, 2, 9, tzinfo=UTC)
    first, second = await opened(here, "A"), await opened(here, "BC")
    for number in (await opened(here, "Old"), await opened(here, "Nobody's")):
        here.repo.issues[number].state = "closed"
        here.repo.issues[number].closed_at = monday + timedelta(days=number)
    done = here.repo.issues[first + 2]
    done.assigned_at, done.labels = monday, ["skill:backend"]
    here.repo.issues[second].assigned_at = monday  # and still open
    found = await read(here, IssueQuery(numbers=(first,)))
    assert found.closed == (
        ClosedIssue(
            body="Estimate: 3d",
            labels=("skill:backend",),
            taken_up_at=monday,
            closed_at=monday + timedelta(days=first + 2),
        ),
    )
