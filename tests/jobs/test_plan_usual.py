"""A repository's own people."""

import pytest

from engines.planning.types import CannotPlan
from jobs.plan_issues import issues_to_plan
from jobs.plan_usual import usual_of, with_usual
from jobs.requests import Issues, PlanIssue
from tests.jobs.plans import draft_of

USUAL = "team: ana (backend:3), bo (50%)\ntimezone: Europe/Berlin\n"


def test_a_list_that_names_only_logins_is_for_the_repositorys_people() -> None:
    draft = with_usual(draft_of("- A (1d) @Ana\n- B (1d) @zoe\n"), usual_of(USUAL))
    assert [(p.id, p.skills, p.load) for p in draft.people] == [
        ("ana", {"backend": 3}, 1.0),
        ("bo", {}, 0.5),
        ("zoe", {}, 1.0),
    ]
    assert str(draft.zone) == "Europe/Berlin"


def test_a_list_that_says_what_its_people_can_is_for_them() -> None:
    own = draft_of("team: ana (qa)\ntimezone: UTC\n- A (1d)\n")
    assert with_usual(own, usual_of(USUAL)) == own


def test_issues_are_for_the_repositorys_people_and_those_assigned() -> None:
    issues = Issues(named="v2", issues=(PlanIssue(number=1, title="A", assignees=("zoe",)),))
    found = issues_to_plan(issues, "", USUAL)
    assert [p.id for p in found.draft.people] == ["ana", "bo", "zoe"]
    told = issues_to_plan(issues, "team: carl", USUAL)
    assert [p.id for p in told.draft.people] == ["carl", "zoe"]


def test_nothing_usual_changes_nothing_and_a_slip_names_the_file() -> None:
    draft = draft_of()
    assert with_usual(draft, usual_of("")) == draft
    with pytest.raises(CannotPlan, match=r"\.gryph\.toml.*time zone"):
        usual_of("timezone: Europe/Berlinn\n")
