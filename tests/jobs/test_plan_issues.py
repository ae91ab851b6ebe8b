"""Issues as tasks."""

from datetime import date

import pytest

from engines.planning.reading.assembly import assembled
from engines.planning.reading.drafts import DraftTask
from engines.planning.types import CannotPlan
from jobs.plan_issues import GUESS, issues_to_plan
from jobs.requests import Issues, PlanIssue
from tests.jobs.plans import MONDAY


def issues(*several: PlanIssue, due: date | None = None) -> Issues:
    return Issues(named="Milestone v2", issues=several, due=due)


def one(body: str = "", *labels: str) -> DraftTask:
    issue = PlanIssue(number=1, title="A", body=body, labels=labels, assignees=("ana",))
    return issues_to_plan(issues(issue), "").draft.tasks[0]


@pytest.mark.parametrize(
    ("body", "labels", "estimate"),
    [
        ("Estimate: 3d", (), "3d"),
        ("Some text.\n\n**Estimate:** 1d 4h\nmore", (), "1d 4h"),
        ("- effort = 4h", (), "4h"),
        ("", ("estimate: 2d",), "2d"),
        ("Estimate: 3d", ("size/1d",), "1d"),
        ("- [ ] schema (4h)\n- [x] spike (2d)\n- [ ] endpoint (1d)", (), "720m"),
        ("- [ ] schema (4h)\n- [ ] endpoint", (), GUESS),
        ("Estimate: a lot", ("size: L",), GUESS),
        ("", (), GUESS),
    ],
)
def test_estimates_come_from_labels_lines_and_task_lists(
    body: str, labels: tuple[str, ...], estimate: str
) -> None:
    assert one(body, *labels).estimate == (estimate,)


def test_labels_tell_skills_and_priority() -> None:
    task = one("", "skill:backend:2", "skill: QA", "p1", "bug")
    assert (task.needs, task.weight) == ({"backend": 2, "QA": 1}, 4.0)


def test_lines_tell_the_order_and_what_lies_outside_is_not_waited_for() -> None:
    several = (
        PlanIssue(number=1, title="DB", assignees=("ana",)),
        PlanIssue(number=2, title="API", body="Blocked by #1, #7 and #2.", assignees=("bo",)),
        PlanIssue(number=3, title="Page", body="depends on: #2\nsee #1", assignees=("bo",)),
    )
    found = issues_to_plan(issues(*several), "")
    assert [task.after for task in found.draft.tasks] == [(), ("#1",), ("#2",)]
    assert "Not waited for, since they are closed or not among these issues: #7." in found.notes


def test_the_milestone_itself_is_what_is_due() -> None:
    several = (
        PlanIssue(number=1, title="DB", body="Estimate: 2d", assignees=("ana",)),
        PlanIssue(number=2, title="API", body="Estimate: 1d\nafter #1", assignees=("bo",)),
    )
    draft = issues_to_plan(issues(*several, due=date(2026, 12, 14)), "").draft
    team = assembled(draft, MONDAY)
    last = team.problem.tasks[-1]
    assert (last.duration, last.after, last.name) == (0, ("#1", "#2"), "Milestone v2")
    assert team.problem.tasks[0].name == "#1 DB"
    assert last.deadline is not None


def test_who_is_assigned_has_the_skills_of_their_issues() -> None:
    several = (
        PlanIssue(number=1, title="DB", labels=("skill:backend:2",), assignees=("ana",)),
        PlanIssue(number=2, title="API", labels=("skill:backend:3",), assignees=("ana", "bo")),
        PlanIssue(number=3, title="Open"),
    )
    found = issues_to_plan(issues(*several), "")
    assert {p.id: p.skills for p in found.draft.people} == {
        "ana": {"backend": 3},
        "bo": {"backend": 3},
    }
    assert found.draft.tasks[2].only == ()
    assert any("The people are those who are assigned" in note for note in found.notes)


def test_the_message_names_the_people_and_the_calendar() -> None:
    issue = PlanIssue(number=1, title="DB", body="Estimate: 2d", assignees=("zoe",))
    said = "start: 2026-12-07\nteam: ana (backend:2), bo (50%)\n- Party (1h) after #1"
    found = issues_to_plan(issues(issue), said)
    assert [p.id for p in found.draft.people] == ["ana", "bo", "zoe"]
    assert [t.id for t in found.draft.tasks] == ["#1", "Party"]
    assert found.draft.start == date(2026, 12, 7)
    assert not any("assigned" in note for note in found.notes)


def test_with_nobody_there_it_is_said_how_to_name_people() -> None:
    with pytest.raises(CannotPlan, match=r"nobody is assigned.*`team: ana"):
        issues_to_plan(issues(PlanIssue(number=1, title="DB")), "")


def test_guesses_are_told() -> None:
    several = (PlanIssue(number=n, title="A", assignees=("ana",)) for n in range(1, 25))
    note = issues_to_plan(issues(*several), "").notes[0]
    assert note.startswith("Without an estimate, and taken for 2d each: #1, #2,")
    assert "#20 …" in note
