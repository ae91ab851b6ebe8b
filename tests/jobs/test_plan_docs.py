"""What docs/planning.md says is understood."""

import re
import shlex
from pathlib import Path

import pytest

from engines.planning.reading.drafts import DraftPlan
from engines.planning.reading.files import parse_draft
from handlers.plan_events import events_of
from jobs.plan_issues import issues_to_plan
from jobs.requests import Issues, PlanIssue

PAGE = (Path(__file__).parents[2] / "docs" / "planning.md").read_text()
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SAID = re.findall(r"`([^`]+)`", PAGE.partition("| Said | Means |")[2].partition("\n\n")[0])


@pytest.mark.parametrize("block", BLOCKS, ids=["file", "list"])
def test_the_examples_are_plans(block: str) -> None:
    draft = parse_draft(block.encode(), "docs/planning.md")
    assert isinstance(draft, DraftPlan)
    assert draft.tasks
    assert draft.people
    assert draft.warnings == ()


@pytest.mark.parametrize("said", [one for one in SAID if not one.startswith("plan pin")])
def test_the_events_are_events(said: str) -> None:
    assert len(events_of(shlex.split(said))) == 1


def test_what_is_said_of_issues_holds() -> None:
    body = "- [ ] schema (4h)\nblocked by #7, depends on #8\nafter #9 and #10\nwaits for #11"
    several = [PlanIssue(number=n, title="A", assignees=("ana",)) for n in range(7, 12)]
    issue = PlanIssue(number=1, title="B", body=body, labels=("skill:backend:2", "p1"))
    task = issues_to_plan(Issues(named="v2", issues=(issue, *several)), "").draft.tasks[0]
    assert task.estimate == ("240m",)
    assert task.after == ("#7", "#8", "#9", "#10", "#11")
    assert (task.needs, task.weight) == ({"backend": 2}, 4.0)
