from datetime import UTC, datetime

import pytest

from engines.planning.reading.files import parse_team
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Fixed, Person, Task

START = datetime(2026, 12, 1, 9, tzinfo=UTC)


def plan(text: str) -> TeamPlan:
    return parse_team(text.encode(), "the message", START)


def tasks(text: str) -> tuple[Task, ...]:
    return plan(text).problem.tasks


def refusal(text: str) -> str:
    with pytest.raises(CannotPlan) as caught:
        plan(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_list_among_prose_is_a_plan() -> None:
    found = plan("""# Sprint 12
Here is what I think we do:
team: ana (backend:3, frontend:1), @bo (frontend:2, 50%, off 2026-12-24..2026-12-31)
- DB (2d)
* API (3d, backend:2) after DB @ana
1. [ ] Docs (1d..2d..5d) after API, DB due 2026-12-20 !2
2) Beta (milestone) after docs. not before 2026-12-10
Thanks!
""")
    assert found.problem.title == "Sprint 12"
    assert found.warnings == ()
    database, api, docs, beta = found.problem.tasks
    assert database == Task("DB", 960, 0.4)
    assert api == Task("API", 1440, 0.4, after=("DB",), needs={"backend": 2}, only=("ana",))
    assert (docs.after, docs.deadline, docs.weight) == (("API", "DB"), 14 * 480, 2.0)
    assert docs.cv == pytest.approx((5 - 1) / 6 / (14 / 6))
    assert (beta.duration, beta.after, beta.release) == (0, ("Docs",), 7 * 480)
    ana, bo = found.problem.people
    assert ana == Person("ana", {"backend": 3, "frontend": 1})
    assert (bo.pace, bo.absent) == (0.5, ((17 * 480, 23 * 480),))


def test_people_are_those_mentioned_where_no_line_names_a_team() -> None:
    found = plan("- A @ana !3 (1d)\n- B (1d) <@U123> @bo-b\n- C (1d)")
    assert [person.id for person in found.problem.people] == ["ana", "U123", "bo-b"]
    assert found.problem.tasks[0].weight == 3.0
    assert found.problem.tasks[1].only == ("U123", "bo-b")
    assert found.problem.tasks[2].only == ()


def test_titles_may_hold_parentheses_commas_and_the_word_and() -> None:
    found = tasks(
        "- Parse (v2), lex and lint (1d) @ana\n- **Docs** (1d)\n"
        "- [The `end`](https://x.example/1) (1d) after parse (v2), lex and lint and Docs\n"
    )
    assert [task.id for task in found] == ["Parse (v2), lex and lint", "Docs", "The `end`"]
    assert found[2].after == ("Parse (v2), lex and lint", "Docs")


def test_an_issues_number_in_front_is_a_tasks_id() -> None:
    first, second = tasks("- #11 Log in (1d) @ana\n- #12: Log out (1d) after #11\n")
    assert (first.id, first.title) == ("#11", "Log in")
    assert (second.id, second.title, second.after) == ("#12", "Log out", ("#11",))


def test_what_is_ticked_off_is_done() -> None:
    done, after = tasks("- [x] A\n- [ ] B (1d) after A @ana\n")
    assert done.fixed == Fixed(0, 0, None)
    assert after.after == ("A",)


def test_notes_below_an_item_are_read_over_with_a_warning() -> None:
    found = plan("- A (1d4h) @ana\n   - a note\n   - [ ] B (2h)\n")
    assert [(task.id, task.duration) for task in found.problem.tasks] == [("A", 720), ("B", 120)]
    assert found.warnings == ("line 2: `a note` has no estimate: read over",)


def test_settings_stand_at_the_heads_of_lines() -> None:
    found = plan(
        "start: 2026-12-07\ntimezone: Europe/Berlin\ndays: Mon-Thu\nhours: 9-12, 13:00-16:00\n"
        "holidays: 2026-12-08\n- A (1d) @ana"
    )
    assert found.day == 360
    assert found.say_when(360, end=False) == "Wed 9 Dec 09:00"


def test_whole_numbers_are_ticks() -> None:
    found = plan("- A (3) after B @ana\n- B (4)\n")
    assert [task.duration for task in found.problem.tasks] == [3, 4]
    assert found.working_time is None


WRONG = {
    "- A (3d) @ana\n- B (2d) affter A\n": (
        "line 2: task B: `affter A` is not understood; after the estimate stand `after A, B`, "
        "`due 2026-12-24`, `not before 2026-12-24`, `@login` and `!2`"
    ),
    "- A\n": "line 1: `A` has no estimate; write (3d) after its title, or (milestone)",
    "- A (3x) @ana": ("line 1: task A: `3x` is no amount of work; write 30m, 4h, 3d, 1d4h or 2w"),
    "- A (-3d) @ana": "line 1: task A: `-3d` is negative",
    "- A (0d) @ana": "line 1: task A: `0d` is no work at all; a milestone is `milestone`",
    "- A (9w..2d..3d) @ana": (
        "line 1: task A: the three estimates are not in ascending order: low, likely, high"
    ),
    "- A (3d)": (
        "the plan names nobody to do the work; add people, as `[[people]]` in TOML, a column "
        "`person` in CSV, or a line `team: ana, bo` in a list"
    ),
    "- A (3d) after B, C @ana\n- B (1d) after A": (
        "line 1: task A: unknown predecessor `C`; known: `A`, `B`"
    ),
    "- A (3d) after B @ana\n- B (1d) after A": (
        "line 1: task A: tasks wait for each other in a circle: A → B → A"
    ),
    "team: ana\n- A (1d) @anna": "line 2: task A: unknown person `anna`; is `ana` meant?",
    "team: ana (backend 3)\n- A (1d)": (
        "line 1: person ana: `backend 3` is no skill; write backend:2"
    ),
    "team: ana, (x)\n- A (1d)": (
        "line 1: team: `(x)` is not understood; write ana (backend:3, 50%), bo"
    ),
    "team: ana, ana\n- A (1d)": (
        "line 1: person ana: there is another person of that name (line 1)"
    ),
    "team: ana (150%)\n- A (1d)": (
        "line 1: person ana: a load is a share of the time from 0.05 to 1, not 1.5"
    ),
    "team: ana (backend:2)\n\n- A (1d, backend:3)": (
        "line 3: task A: nobody is able: it needs backend 3; ana, who is to do it, has 2"
    ),
    "- A (1d, backend) @ana": "line 1: task A: nobody has the skill `backend`",
    "- A (1d) @ana\n- A (1d)": "line 2: task A: there is another task of that name (line 1)",
    "- A (1d) @ana due 2026-12-40": ("line 1: task A: `2026-12-40` is no date; write 2026-12-24"),
    "- A (1d, x:y) @ana": "line 1: task A: `x:y` is no skill; write backend:2",
    "- A (1d, 2d) @ana": "line 1: task A: `2d` is no skill; write backend:2",
    "- (3d) @ana": "line 1: the task has no title",
    "start: soon\n- A (1d) @ana": "line 1: start: `soon` is no date; write 2026-12-24",
    "timezone: Europe/Berln\n- A (1d) @ana": (
        "line 1: timezone: `Europe/Berln` is no time zone; is `Europe/Berlin` meant?"
    ),
    "- " + "a" * 3000: "line 1: the line is longer than 2,000 characters",
    "- A (3) due 2026-12-20 @ana": ("line 1: task A: the estimate 3 has no unit; write 3d or 3h"),
}


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_wrong_list_is_refused_in_one_line_that_names_the_place(wrong: str) -> None:
    assert refusal(wrong) == WRONG[wrong]


def test_a_deadline_that_cannot_be_met_is_a_warning() -> None:
    assert plan("- A (3d) due 2026-12-02 @ana").warnings == (
        (
            "line 1: task A: the deadline 2026-12-02 cannot be met even with everyone free: "
            "Thu 3 Dec 17:00 at the earliest"
        ),
    )
