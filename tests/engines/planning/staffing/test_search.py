"""The search for who does what and when."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engines.planning.arrays import Network, network_of
from engines.planning.bounds import lower_bound
from engines.planning.budget import Budget
from engines.planning.checking import violations
from engines.planning.staffing.goals import Goals, Held
from engines.planning.staffing.search import Found, Hint, Start, found_of, list_plan, replan, search
from engines.planning.types import Fixed, Person, Problem, Task
from tests.engines.planning.problems import staffed_problems
from tests.engines.planning.staffing.naive import Looks, each, placed, shortest, with_pins

ALONE = Goals(tardiness=0.0)


def team(*tasks: Task, people: int = 2) -> Network:
    return network_of(Problem(tasks, tuple(Person(f"p{i}") for i in range(people))))


def random_team(seed: int, tasks: int, people: int) -> Network:
    """Tasks of 1 to 20 ticks for two people each, maybe after one of the ten before it."""
    random = np.random.default_rng(seed)

    def task(i: int) -> Task:
        earlier = f"t{i - int(random.integers(1, min(i, 10) + 1))}" if i else ""
        able = random.choice(people, 2, replace=False)
        return Task(
            f"t{i}",
            int(random.integers(1, 21)),
            after=(earlier,) if earlier and random.random() < 0.5 else (),
            only=tuple(f"p{one}" for one in able),
        )

    return team(*(task(i) for i in range(tasks)), people=people)


@settings(max_examples=120, deadline=None)
@given(problem=with_pins(), seed=st.integers(0, 99))
def test_every_plan_keeps_the_rules(problem: Problem, seed: int) -> None:
    network = network_of(problem)
    goals = Goals(tardiness=2.0, balance=0.5)
    found = search(network, Looks(2), seed, goals, lower_bound=lower_bound(network))
    assert violations(problem, placed(problem, found)) == []
    assert found.makespan == found.ends.max()


@settings(max_examples=60, deadline=None)
@given(problem=staffed_problems(), seed=st.integers(0, 99))
def test_the_shortest_of_small_plans_is_found(problem: Problem, seed: int) -> None:
    network = network_of(problem)
    assume(network.n <= 5)
    best = shortest(network)
    assert lower_bound(network) <= best
    found = search(network, Looks(20), seed, ALONE, lower_bound=best)
    assert found.makespan == best


def test_a_deadline_is_kept_at_the_price_of_makespan() -> None:
    # Ann alone can do `a` and `b`; `b` goes first only for the deadline, and `c` follows `a`.
    people = (Person("ann", {"x": 1}), Person("bob"))
    tasks = (
        Task("a", 5, needs={"x": 1}),
        Task("b", 5, needs={"x": 1}, deadline=5, weight=3.0),
        Task("c", 5, after=("a",)),
    )
    network = network_of(Problem(tasks, people))
    assert search(network, Looks(3), 0, ALONE).makespan == 10
    found = search(network, Looks(3), 0, Goals())
    assert (found.makespan, found.ends[1], found.cost) == (15, 5, 15.0)
    assert search(network, Looks(3), 0, Goals(tardiness=0.1)).makespan == 10


def test_balance_shares_the_work_where_makespan_does_not() -> None:
    # `long` decides the makespan; one person could do all the others beside it.
    tasks = (Task("long", 12), *(Task(f"t{i}", 2) for i in range(6)))
    network = team(*tasks, people=3)
    found = search(network, Looks(3), 0, Goals(balance=1.0))
    loads = sorted(int(network.durations[found.people == p].sum()) for p in range(3))
    assert loads == [6, 6, 12]
    assert found.makespan == 12


def test_nothing_is_searched_once_the_bound_is_reached() -> None:
    network = team(Task("a", 3), Task("b", 3), Task("c", 6))
    found = search(network, Looks(0), 0, Goals(), lower_bound=6)
    assert (found.makespan, found.decodes) == (6, 1)
    assert search(network, Looks(9), 0, Goals(), lower_bound=6).decodes == 1


def test_same_seed_and_looks_give_the_same_plan() -> None:
    network = random_team(1, 60, 5)
    one, other = (search(network, Looks(5), 7, Goals()) for _ in range(2))
    assert same(one, other)
    assert one.decodes == other.decodes


def same(one: Found, other: Found) -> bool:
    return one.starts.tolist() == other.starts.tolist() and (
        one.people.tolist() == other.people.tolist()
    )


def test_the_budget_is_kept() -> None:
    network = random_team(2, 300, 8)
    search(network, Looks(1), 0, Goals())
    budget = Budget(0.05)
    search(network, budget, 0, Goals())
    assert budget.spent_s < 0.15


def test_more_looks_never_give_a_worse_plan() -> None:
    network = random_team(3, 80, 12)
    costs = [search(network, Looks(looks), 0, Goals()).cost for looks in (0, 1, 4, 16)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_a_hint_is_no_worse_for_being_searched() -> None:
    network = team(Task("a", 4), Task("b", 4, after=("a",)), Task("c", 8))
    hint = Hint(each(network, 1, 1, 0), each(network, 0, 4, 0))
    found = search(network, Looks(0), 0, Goals(), start=Start(hints=(hint,)))
    assert found.makespan == 8
    known = found_of(network, hint.starts, hint.people, Goals())
    assert (known.ends.tolist(), known.people.tolist()) == ([4, 8, 8], [1, 1, 0])


def test_a_prior_orders_the_list_policy() -> None:
    network = team(Task("a", 4), Task("b", 2), people=1)
    assert list_plan(network, np.array([1.0, 2.0])).starts.tolist() == [2, 0]
    assert list_plan(network, np.array([2.0, 1.0])).starts.tolist() == [0, 4]


def test_the_list_policy_leaves_work_with_who_held_it_for_a_small_delay() -> None:
    network = team(Task("a", 3), Task("b", 5))
    held = Held(each(network, 0, 0), each(network, 0, 3))
    priority = np.array([2.0, 1.0])
    # All end at 8 if both stay, at 5 if one goes to the other person.
    stays = list_plan(network, priority, Goals(moves=6.0), held)
    moves = list_plan(network, priority, Goals(moves=2.0), held)
    assert (stays.people.tolist(), moves.people.tolist()) == ([0, 0], [1, 0])


def test_people_keep_what_they_hold_when_nothing_is_won() -> None:
    network = random_team(4, 40, 4)
    before = search(network, Looks(30), 0, Goals())
    held = Held(before.people, before.starts)
    again = replan(network, held, Looks(20), 1, Goals(moves=1.0, shift=0.01))
    assert again.makespan <= before.makespan
    moved = int((again.people != before.people).sum())
    assert moved <= before.makespan - again.makespan
    listed = replan(network, held, Looks(0), 1, Goals(moves=1.0))
    assert listed.people.tolist() == before.people.tolist()


@settings(max_examples=60, deadline=None)
@given(problem=with_pins(), data=st.data())
def test_a_plan_after_any_event_keeps_the_rules(problem: Problem, data: st.DataObject) -> None:
    network = network_of(problem)
    anybody = st.integers(-1, network.people - 1)
    people = [data.draw(anybody) for _ in range(network.n)]
    starts = [data.draw(st.integers(-1, 30)) for _ in range(network.n)]
    held = Held(each(network, *people), each(network, *starts))
    found = replan(network, held, Looks(1), 0, Goals(moves=2.0, shift=0.1))
    assert violations(problem, placed(problem, found)) == []


def test_a_problem_in_which_all_is_fixed_has_its_plan() -> None:
    network = team(Task("a", 3, fixed=Fixed(1, 4, "p1")))
    found = search(network, Looks(1), 0, Goals())
    assert (found.makespan, found.people.tolist(), found.starts.tolist()) == (4, [1], [1])
