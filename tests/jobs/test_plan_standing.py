"""What is taken for done and for under way when a plan is made anew."""

from dataclasses import replace

from engines.planning.types import Fixed, Person, Problem, Task
from jobs.plan_standing import as_it_stands
from tests.jobs.plans import plan_of

A = Task("a", 960)
B = Task("b", 960, after=("a",))
C = Task("c", 480)
PEOPLE = (Person("ana"), Person("bo"))
HELD = plan_of(("a", 0, 2, "ana"), ("b", 2, 4, "ana"), ("c", 1, 2, "bo"))


def fixed(problem: Problem, *changed: str) -> dict[str, Fixed | None]:
    standing = as_it_stands(problem, HELD, frozenset(changed))
    return {task.id: task.fixed for task in standing.problem.tasks}


def at(now: int, *tasks: Task) -> Problem:
    return Problem(tasks or (A, B, C), PEOPLE, now=now)


def test_before_the_start_nothing_has_begun() -> None:
    assert set(fixed(at(0)).values()) == {None}


def test_what_was_to_end_is_done_and_what_was_to_start_is_under_way() -> None:
    standing = as_it_stands(at(600), HELD, frozenset())
    assert (standing.assumed, standing.under_way) == (0, 2)
    assert fixed(at(1_100)) == {
        "a": Fixed(0, 960, "ana"),
        "b": Fixed(960, 1_920, "ana"),
        "c": Fixed(480, 960, "bo"),
    }


def test_a_task_under_way_that_takes_longer_ends_later_and_what_waits_has_not_begun() -> None:
    longer = replace(A, duration=1_440)
    assert fixed(at(1_100, longer, B, C), "a") == {
        "a": Fixed(0, 1_440, "ana"),
        "b": None,
        "c": Fixed(480, 960, "bo"),
    }


def test_who_is_still_busy_has_begun_nothing_else() -> None:
    free = replace(B, after=())
    assert fixed(at(1_100, replace(A, duration=1_440), free, C), "a")["b"] is None


def test_who_is_away_now_waits_with_what_they_had_begun() -> None:
    away = replace(PEOPLE[0], absent=((500, 1_000),))
    assert fixed(replace(at(600), people=(away, PEOPLE[1])))["a"] == Fixed(0, 1_460, "ana")


def test_who_was_away_at_the_start_had_not_begun() -> None:
    away = replace(PEOPLE[0], absent=((0, 480),))
    assert fixed(replace(at(600), people=(away, PEOPLE[1])))["a"] is None


def test_what_is_for_somebody_else_now_is_open_again() -> None:
    assert fixed(at(600, replace(A, only=("bo",)), B, C))["a"] is None


def test_what_was_told_counts_more_than_the_plan() -> None:
    told = replace(A, fixed=Fixed(0, 400, "bo"))
    assert fixed(at(1_100, told, B, C))["a"] == Fixed(0, 400, "bo")
