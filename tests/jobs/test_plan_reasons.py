"""Why a task is said to lie elsewhere."""

from dataclasses import replace
from datetime import date

import pytest

from engines.planning.engine import moves_between
from engines.planning.types import Plan
from jobs.plan_happened import happened
from jobs.plan_kept import reading
from jobs.plan_reasons import Change
from jobs.requests import Adds, Away, Finished, Joins, Pins, PlanEvent, Takes
from tests.jobs.plans import HELD, MONDAY, held, plan_of


def reasons(plan: Plan, *events: PlanEvent) -> dict[str, str]:
    known = held()
    after = reading(happened(known, events, MONDAY), None).team
    change = Change(known.team, after, known.plan, plan, events)
    return {move.task: change.why(move) for move in moves_between(HELD, plan)}


_Place = tuple[int, int, str | None]


def moved(**tasks: _Place) -> Plan:
    """The held plan with some tasks elsewhere, and new ones."""
    lies: dict[str, _Place] = {
        "DB": (0, 2, "bo"),
        "API": (2, 5, "ana"),
        "Page": (2, 4, "bo"),
        "Launch": (5, 5, None),
    } | tasks
    return plan_of(*((name, a, b, who) for name, (a, b, who) in lies.items()))


@pytest.mark.parametrize(
    ("event", "plan", "told"),
    [
        (
            Takes(task="DB", amount="1d", late=True),
            moved(DB=(0, 3, "bo"), API=(3, 6, "ana")),
            {"DB": "1d late", "API": "waits for DB, Wed 9 Dec 17:00"},
        ),
        (Takes(task="Page", amount="3d"), moved(Page=(2, 5, "bo")), {"Page": "it takes 3d now"}),
        (
            Away(person="ana", first=date(2026, 12, 9), last=date(2026, 12, 9)),
            moved(API=(3, 6, "ana")),
            {"API": "ana is away until Thu 10 Dec 09:00"},
        ),
        (
            Adds(title="Hotfix", rest="(1d)"),
            moved(Hotfix=(2, 3, "bo"), Page=(3, 5, "bo")),
            {"Page": "bo does Hotfix until Wed 9 Dec 17:00"},
        ),
        (Pins(task="DB", person="ana"), moved(DB=(0, 2, "ana")), {"DB": "pinned to ana"}),
        (Finished(task="DB"), moved(DB=(0, 1, "bo")), {"DB": "it is done"}),
        (
            Takes(task="DB", amount="1d"),
            moved(DB=(0, 1, "bo"), API=(1, 4, "ana")),
            {"DB": "it takes 1d now", "API": "DB ends sooner"},
        ),
        (
            Joins(person="carl", skills="frontend:2"),
            moved(Page=(0, 2, "carl")),
            {"Page": "there is room sooner"},
        ),
        (
            Takes(task="DB", amount="3d"),
            moved(DB=(0, 3, "bo"), API=(3, 6, "carl"), Page=(3, 5, "ana")),
            {
                "DB": "it takes 3d now",
                "API": "waits for DB, Wed 9 Dec 17:00; ana does Page then",
                "Page": "bo does DB until Wed 9 Dec 17:00",
            },
        ),
    ],
)
def test_the_reason_is_what_kept_the_task_from_staying(
    event: PlanEvent, plan: Plan, told: dict[str, str]
) -> None:
    assert reasons(plan, event) == told


def test_a_task_that_had_not_begun_by_now_and_one_that_makes_room() -> None:
    known = held()
    later = reading(happened(known, [], MONDAY), None).team
    problem = replace(later.problem, now=1_000)
    after = replace(later, problem=problem)
    plan = moved(DB=(3, 5, "bo"), Page=(4, 6, "bo"))
    change = Change(known.team, after, known.plan, plan, ())
    moves = {move.task: change.why(move) for move in moves_between(HELD, plan)}
    assert moves["DB"] == "it had not begun by now"
    assert moves["Page"] == "bo does DB until Fri 11 Dec 17:00"
