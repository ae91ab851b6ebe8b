from engines.planning.artifacts.marks import critical_in, days_off, lateness, stretches
from engines.planning.team import TeamPlan
from engines.planning.types import Person, Placed, Plan, Problem, Task


def plan(*placed: Placed) -> Plan:
    return Plan(placed, max(one.end for one in placed), 0, 0.0)


def test_critical_is_what_the_end_hangs_on_by_precedence() -> None:
    tasks = (Task("A", 4), Task("B", 2), Task("C", 3, after=("A", "B")))
    problem = Problem(tasks, (Person("ana"), Person("bo")))
    found = plan(Placed("A", 0, 4, "ana"), Placed("B", 0, 2, "bo"), Placed("C", 4, 7, "bo"))
    assert critical_in(problem, found) == {"A", "C"}


def test_critical_is_what_the_end_hangs_on_in_the_same_hands() -> None:
    problem = Problem((Task("A", 4), Task("B", 2), Task("C", 1)), (Person("ana"), Person("bo")))
    found = plan(Placed("A", 0, 4, "ana"), Placed("B", 4, 6, "ana"), Placed("C", 0, 1, "bo"))
    assert critical_in(problem, found) == {"A", "B"}


def test_a_gap_that_is_absence_does_not_break_the_chain() -> None:
    tasks = (Task("A", 4), Task("B", 2, after=("A",)))
    away = Problem(tasks, (Person("ana", absent=((4, 9),)),))
    found = plan(Placed("A", 0, 4, "ana"), Placed("B", 9, 11, "ana"))
    assert critical_in(away, found) == {"A", "B"}
    there = Problem(tasks, (Person("ana"),))
    assert critical_in(there, found) == {"B"}


def test_critical_is_what_holds_the_capacity_that_is_waited_for() -> None:
    tasks = (Task("A", 4, demand=(2, 0)), Task("B", 2, demand=(1, 0)), Task("C", 4, demand=(0, 1)))
    problem = Problem(tasks, capacities=(2, 1))
    found = plan(Placed("A", 0, 4), Placed("B", 4, 6), Placed("C", 0, 4))
    assert critical_in(problem, found) == {"A", "B"}


def test_lateness_is_counted_from_the_deadline() -> None:
    tasks = (Task("A", 4, deadline=3), Task("B", 2, deadline=2), Task("C", 9))
    found = plan(Placed("A", 0, 4, "a"), Placed("B", 0, 2, "b"), Placed("C", 0, 9, "c"))
    assert lateness(Problem(tasks), found) == {"A": 1}


def test_days_off_are_whole_days() -> None:
    people = (Person("ana", absent=((0, 120), (600, 1200), (1800, 1920))),)
    problem = Problem((Task("A", 4),), people)
    assert days_off(TeamPlan(problem, day=480), "ana") == ((600, 1200),)
    assert days_off(TeamPlan(problem), "ana") == people[0].absent
    assert days_off(TeamPlan(problem), None) == ()


def test_stretches_are_the_presence_within_a_span() -> None:
    absent = ((0, 2), (5, 6), (10, 20))
    assert stretches(2, 12, absent) == [(2, 5), (6, 10)]
    assert stretches(3, 4, absent) == [(3, 4)]
    assert stretches(4, 4, absent) == []
