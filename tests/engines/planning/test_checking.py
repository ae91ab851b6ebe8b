"""The checker finds each way in which a plan can break its problem's rules."""

import pytest

from engines.planning.checking import violations
from engines.planning.types import Fixed, Person, Placed, Problem, Task

PEOPLE = (
    Person("ana", {"api": 2}, absent=((4, 6),)),
    Person("bo", {"api": 1, "web": 1}, pace=0.5),
)
TEAM = Problem(
    (
        Task("db", 3, needs={"api": 2}),
        Task("api", 3, needs={"api": 1}, after=("db",), release=3),
        Task("web", 2, needs={"web": 1}),
        Task("done", 0, after=("api", "web")),
    ),
    PEOPLE,
)
GOOD = (
    Placed("db", 0, 3, "ana"),
    Placed("api", 3, 8, "ana"),
    Placed("web", 0, 4, "bo"),
    Placed("done", 8, 8),
)


def _with(changed: Placed) -> tuple[Placed, ...]:
    return tuple(changed if one.task == changed.task else one for one in GOOD)


def test_a_plan_that_keeps_every_rule_breaks_none() -> None:
    assert violations(TEAM, GOOD) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (Placed("api", 2, 8, "ana"), "api starts at 2, before it may"),
        (Placed("done", 7, 7), "done starts at 7, before api ends"),
        (Placed("db", 0, 6, "bo"), "db is done by bo, who is not able to"),
        (Placed("api", 4, 9, "ana"), "api starts or ends while ana is absent"),
        (Placed("api", 3, 7, "ana"), "api gets 2 ticks of work in the place of 3"),
        (Placed("web", 0, 5, "bo"), "web gets 2.5 ticks of work in the place of 2"),
        (Placed("web", 0, 4, None), "web has nobody"),
        (Placed("web", 0, 4, "cy"), "web has nobody"),
        (Placed("done", 8, 9), "done takes 1 ticks in the place of 0"),
        (Placed("done", 8, 8, "bo"), "done needs nobody and has bo"),
        (Placed("api", 3, 9, "bo"), "bo does web and api at once, at 3"),
    ],
)
def test_each_broken_rule_is_named(changed: Placed, said: str) -> None:
    assert said in violations(TEAM, _with(changed))


def test_a_task_left_out_or_placed_twice_is_found() -> None:
    assert violations(TEAM, GOOD[:3]) == ["3 placed of 4; missing: done"]
    assert violations(TEAM, (*GOOD, GOOD[0])) == ["5 placed of 4; missing: "]


def test_fixed_work_may_not_move_or_change_hands() -> None:
    fixed = Task("a", 3, fixed=Fixed(1, 4, "ana"))
    problem = Problem((fixed,), (Person("ana"), Person("bo")), now=9)
    assert violations(problem, [Placed("a", 1, 4, "ana")]) == []
    assert violations(problem, [Placed("a", 2, 5, "ana")]) == ["a was moved though it is fixed"]
    assert violations(problem, [Placed("a", 1, 4, "bo")]) == ["a changed hands though it is fixed"]


def test_what_is_not_fixed_starts_from_now_on() -> None:
    problem = Problem((Task("a", 1),), (Person("ana"),), now=5)
    assert violations(problem, [Placed("a", 4, 5, "ana")]) == ["a starts at 4, before it may"]


def test_more_than_a_capacity_holds_is_found_at_the_first_tick() -> None:
    problem = Problem(
        (Task("a", 4, demand=(2, 0)), Task("b", 4, demand=(2, 1)), Task("c", 1, demand=(0, 1))),
        capacities=(3, 1),
    )
    apart = [Placed("a", 0, 4), Placed("b", 4, 8), Placed("c", 3, 4)]
    assert violations(problem, apart) == []
    together = [Placed("a", 0, 4), Placed("b", 3, 7), Placed("c", 3, 4)]
    assert violations(problem, together) == [
        "4 of 3 units of capacity 1 are taken at 3",
        "2 of 1 units of capacity 2 are taken at 3",
    ]
