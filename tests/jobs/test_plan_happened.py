"""Events, put into the plan as it was written."""

from datetime import date, datetime, timedelta

import pytest

from engines.planning.reading.assembly import assembled
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask
from engines.planning.types import CannotPlan, Fixed
from jobs.plan_happened import happened
from jobs.requests import Adds, Away, Finished, Joins, Pins, PlanEvent, Takes
from tests.jobs.plans import DAY, MONDAY, draft_of, held

TUESDAY_NOON = MONDAY + timedelta(days=1, hours=3)


def after(*events: PlanEvent, at: datetime = TUESDAY_NOON) -> DraftPlan:
    return happened(held(), events, at)


def task(draft: DraftPlan, name: str) -> DraftTask:
    return next(one for one in draft.tasks if one.id == name)


def person(draft: DraftPlan, name: str) -> DraftPerson:
    return next(one for one in draft.people if one.id == name)


def test_now_is_when_it_was_said_and_no_sooner_than_the_start() -> None:
    assert after().now == TUESDAY_NOON
    assert after(at=MONDAY - timedelta(days=5)).now == MONDAY.replace(hour=0)


def test_days_away_are_days_off() -> None:
    draft = after(Away(person="Ana", first=date(2026, 12, 9), last=date(2026, 12, 10)))
    assert person(draft, "ana").off == ((date(2026, 12, 9), date(2026, 12, 10)),)


def test_two_sick_days_are_the_next_two_working_days() -> None:
    friday = MONDAY + timedelta(days=4, hours=1)
    draft = after(Away(person="bo", amount="2d"), at=friday)
    assert person(draft, "bo").off == ((date(2026, 12, 11), date(2026, 12, 14)),)
    evening = friday.replace(hour=17)
    draft = after(Away(person="bo", amount="4h"), at=evening)
    assert person(draft, "bo").off == ((date(2026, 12, 14), date(2026, 12, 14)),)


def test_a_task_takes_another_time_or_longer() -> None:
    assert task(after(Takes(task="api", amount="5d")), "API").estimate == ("5d",)
    assert task(after(Takes(task="API", amount="4h", late=True)), "API").estimate == ("3d 4h",)


def test_each_of_three_estimates_grows() -> None:
    known = held("start: 2026-12-07\nteam: ana\n- API (1d..2d..4d)\n")
    draft = happened(known, [Takes(task="API", amount="1d", late=True)], MONDAY)
    assert task(draft, "API").estimate == ("2d", "3d", "5d")


def test_what_is_done_lies_where_it_was_and_ended_when_that_is_said() -> None:
    problem = assembled(after(Finished(task="DB")), None).problem
    assert problem.tasks[0].fixed == Fixed(0, DAY + 180, "bo")
    said = Finished(task="DB", on=date(2026, 12, 7))
    assert assembled(after(said), None).problem.tasks[0].fixed == Fixed(0, DAY, "bo")


def test_an_end_in_the_future_is_now() -> None:
    draft = after(Finished(task="DB", on=date(2026, 12, 9)))
    problem = assembled(draft, None).problem
    assert (problem.tasks[0].fixed, problem.now) == (Fixed(0, 3 * DAY, "bo"), 3 * DAY)


def test_what_ends_before_it_was_to_start_began_when_it_ended_at_the_latest() -> None:
    problem = assembled(after(Finished(task="Page")), None).problem
    fixed = problem.tasks[2].fixed
    assert fixed is not None
    assert fixed.start <= fixed.end == DAY + 180


def test_somebody_joins_or_learns() -> None:
    draft = after(Joins(person="carl", skills="backend:3, ops"), Joins(person="BO", skills="ops:2"))
    assert person(draft, "carl").skills == {"backend": 3, "ops": 1}
    assert person(draft, "bo").skills == {"backend": 2, "frontend": 1, "ops": 2}


def test_a_new_task_may_wait_for_one_that_is_there() -> None:
    draft = after(Adds(title="Hot fix", rest="(1d, backend:2) after db due 2026-12-09 @bo"))
    new = task(draft, "Hot fix")
    assert (new.estimate, new.needs, new.after, new.only, new.deadline) == (
        ("1d",),
        {"backend": 2},
        ("DB",),
        ("bo",),
        date(2026, 12, 9),
    )


def test_a_pinned_task_is_for_one_person() -> None:
    assert task(after(Pins(task="API", person="ANA")), "API").only == ("ana",)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Away(person="anna", amount="1d"), "nobody called `anna`; is `ana` meant?"),
        (Takes(task="AP", amount="1d"), "no task `AP`; is `API` meant?"),
        (Takes(task="Launch", amount="1d", late=True), "is a milestone"),
        (Pins(task="API", person="zoe"), "nobody called `zoe`"),
        (Adds(title="db", rest="(1d)"), "there is a task"),
        (Adds(title="X", rest="(1d) after Y"), "no task `Y`"),
        (Joins(person="carl", skills="c:d"), "is no skill"),
    ],
)
def test_what_cannot_be_is_told(event: PlanEvent, told: str) -> None:
    with pytest.raises(CannotPlan, match=told.replace("?", r"\?")):
        after(event)


def test_what_is_done_takes_no_longer() -> None:
    with pytest.raises(CannotPlan, match="is done"):
        after(Finished(task="DB"), Takes(task="DB", amount="1d", late=True))


def test_a_plan_in_bare_numbers_knows_no_days() -> None:
    text = b"id,estimate,person\na,3,ana\n"
    assert draft_of(text.decode()).people
    bare = held(text.decode())
    for event in (Takes(task="a", amount="1d"), Away(person="ana", amount="1d")):
        with pytest.raises(CannotPlan, match=r"bare numbers|calendar"):
            happened(bare, [event], MONDAY)
