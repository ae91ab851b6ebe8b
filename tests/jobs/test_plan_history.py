"""Estimates as a repository's closed issues came out."""

from datetime import UTC, datetime, timedelta

from engines.planning.calendars import Hours
from jobs.plan_history import learned_from
from jobs.plan_issues import issues_to_plan
from jobs.requests import ClosedIssue, Issues, PlanIssue

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


def closed(days: float, said: str = "", *labels: str) -> ClosedIssue:
    """Taken up on a Monday morning, closed after so many days."""
    return ClosedIssue(
        body=said, labels=labels, taken_up_at=MONDAY, closed_at=MONDAY + timedelta(days=days)
    )


def test_with_nothing_to_learn_from_estimates_are_left_as_they_are() -> None:
    learned = learned_from([], Hours(), UTC)
    assert learned.estimate(1, "3d", []) is None
    assert learned.estimate(2, "", []) is None
    assert (learned.corrected, learned.typical) == ([], [])


def test_estimates_grow_as_those_of_closed_issues_did_in_working_time() -> None:
    # Monday 9:00 to Wednesday 17:00 are three days of work where one was estimated.
    learned = learned_from([closed(2 + 8 / 24, "Estimate: 1d")] * 40, Hours(), UTC)
    factor = learned.history.factor
    assert factor is not None
    assert 2.5 < factor < 3.3
    found = learned.estimate(7, "2d", [])
    assert found is not None
    assert found[0].startswith(("5d", "6d"))
    assert learned.corrected == [7]


def test_an_issue_without_an_estimate_is_taken_for_as_long_as_its_like() -> None:
    past = [closed(2 + 8 / 24, "", "ui")] * 20 + [closed(8 / 24, "", "docs")] * 20
    learned = learned_from(past, Hours(), UTC)
    ui, docs = (learned.estimate(1, "", [label]) for label in ("ui", "docs"))
    assert ui is not None
    assert docs is not None
    assert ui[0] > docs[0]
    assert learned.typical == [1, 1]


def test_what_was_learned_is_told() -> None:
    issues = Issues(
        named="v2",
        issues=(
            PlanIssue(number=1, title="A", body="Estimate: 1d", assignees=("ana",)),
            PlanIssue(number=2, title="B", assignees=("ana",)),
        ),
        closed=(closed(2 + 8 / 24, "Estimate: 1d"),) * 12,
    )
    found = issues_to_plan(issues, "")
    assert all(task.uncertainty is not None for task in found.draft.tasks)
    assert found.notes[0].startswith("Estimates are taken times 2.")
    assert "12 closed issues" in found.notes[0]
    assert found.notes[1] == (
        "Without an estimate, and taken for as long as such issues took (12 closed ones): #2."
    )
