"""Plans keep every rule, whatever the problem; what is proven is so; replanning moves little."""

from hypothesis import HealthCheck, given, settings

from engines.planning.arrays import network_of
from engines.planning.bounds import lower_bound
from engines.planning.budget import Budget
from engines.planning.checking import violations
from engines.planning.engine import make_plan, replan, unassignable
from engines.planning.exact import shorter
from engines.planning.types import Person, Problem, Task
from tests.engines.planning.problems import problems

CPU_S = 0.003
EXAMPLES = 300
"""In the suite; `python -m tests.benchmarks.planning --measure random` makes it 10,000."""


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems)
def test_no_plan_breaks_a_rule_of_its_problem(problem: Problem) -> None:
    plan = make_plan(problem, cpu_s=CPU_S, seed=1)
    assert violations(problem, plan.placed) == []
    assert plan.lower_bound <= plan.makespan == max(one.end for one in plan.placed)
    again = replan(problem, plan, cpu_s=CPU_S, seed=1)
    assert violations(problem, again.plan.placed) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems)
def test_no_plan_is_below_the_bounds(problem: Problem) -> None:
    network = network_of(problem)
    plan = make_plan(problem, cpu_s=CPU_S, seed=1)
    answer = shorter(network, plan.makespan + 1, 0, Budget(5), 1)
    assert lower_bound(network) <= answer.lower_bound <= plan.makespan


def test_a_small_problem_is_proven() -> None:
    tasks = tuple(Task(f"t{i}", 2 + i % 3, needs={"api": 1}) for i in range(6))
    problem = Problem(tasks, (Person("ana", {"api": 2}), Person("bo", {"api": 1})))
    plan = make_plan(problem, cpu_s=1.0, seed=1)
    assert (plan.makespan, plan.lower_bound, plan.proven) == (9, 9, True)


def test_what_nobody_can_do_is_told_with_what_is_missing() -> None:
    problem = Problem(
        (
            Task("a", 3, needs={"api": 3}),
            Task("b", 3, needs={"ops": 0}),
            Task("c", 3, needs={"api": 2}, only=("bo",)),
            Task("milestone", 0, needs={"ops": 9}),
            Task("d", 3),
        ),
        (Person("ana", {"api": 2}), Person("bo", {"api": 1})),
    )
    assert unassignable(problem) == {
        "a": "it needs api 3; the best is ana with 2",
        "b": "it needs ops 0; none has it",
        "c": "it needs api 2; bo, who is to do it, has 1",
    }


def test_nothing_changes_hands_where_nothing_happened() -> None:
    tasks = tuple(Task(f"t{i}", 3 + i % 4, needs={"api": i % 2}) for i in range(12))
    problem = Problem(tasks, (Person("ana", {"api": 1}), Person("bo", {"api": 1})))
    plan = make_plan(problem, cpu_s=0.3, seed=1)
    assert replan(problem, plan, cpu_s=0.1, seed=1).moves == ()
