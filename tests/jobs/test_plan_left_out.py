"""What nobody is able to do, and what waits for it."""

from dataclasses import replace

from engines.planning.reading.assembly import assembled
from jobs.plan_left_out import LeftOut, plannable
from tests.jobs.plans import MONDAY, draft_of

TEXT = """\
team: ana (backend:3), bo (frontend:1)
- DB (2d, backend:2)
- Pen test (1d, security:3) after DB
- Sign-off (1d) after Pen test
- Launch (milestone) after Sign-off
- Page (2d, frontend:2) @bo
- [x] Old (1d, cobol)
"""


def test_what_nobody_can_do_is_left_out_with_what_waits_for_it() -> None:
    draft, left_out = plannable(draft_of(TEXT))
    assert [task.id for task in draft.tasks] == ["DB", "Old"]
    assert left_out.unable == {
        "Pen test": "it needs security 3; none has it",
        "Page": "it needs frontend 2; bo, who is to do it, has 1",
    }
    assert left_out.waiting == {"Sign-off": "Pen test", "Launch": "Pen test"}
    assert len(assembled(draft, MONDAY).problem.tasks) == 2


def test_a_plan_that_can_be_done_stays_as_it_is() -> None:
    draft = draft_of("team: ana\n- A (1d)\n- B (milestone) after A\n")
    assert plannable(draft) == (draft, LeftOut())


def test_an_unknown_person_and_nobody_at_all_are_other_matters() -> None:
    draft = draft_of("team: ana\n- A (1d) @zoe\n")
    assert plannable(draft) == (draft, LeftOut())
    alone = replace(draft, people=())
    assert plannable(alone) == (alone, LeftOut())
