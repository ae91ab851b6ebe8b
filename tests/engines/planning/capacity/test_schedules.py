"""Compiled schedules against plain ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.planning.arrays import network_of
from engines.planning.capacity.packed import pack
from engines.planning.capacity.priorities import Rule, priorities
from engines.planning.capacity.schedules import (
    by_start,
    justify,
    list_schedule,
    parallel_schedule,
    place_forward,
    room_of,
    sequence_of,
)
from engines.planning.types import Fixed, Problem, Task
from tests.engines.planning.capacity.reference import (
    Shape,
    placed_in_turn,
    project,
    violations,
)

SHAPES = st.builds(
    Shape,
    tasks=st.integers(1, 25),
    capacities=st.sampled_from([0, 1, 4, 40]),
    units=st.sampled_from([6, 9, 1_000_000]),
    releases=st.booleans(),
    fixed=st.sampled_from([0, 0, 1, 3]),
)
SEEDS = st.integers(0, 10**6)


def ranked(problem: Problem, seed: int) -> list[int]:
    """Random priorities: each task's position in a random order."""
    return np.random.default_rng(seed).permutation(len(problem.tasks)).tolist()


def taken_in_turn(problem: Problem, ranks: list[int]) -> list[int]:
    """Of the free tasks whose predecessors are in, always the one of the lowest rank."""
    index = {task.id: i for i, task in enumerate(problem.tasks)}
    taken = [i for i, task in enumerate(problem.tasks) if task.fixed]
    while len(taken) < len(problem.tasks):
        ready = [
            i
            for i, task in enumerate(problem.tasks)
            if i not in taken and all(index[one] in taken for one in task.after)
        ]
        taken.append(min(ready, key=lambda i: ranks[i]))
    return taken


@given(SEEDS, SHAPES)
@settings(max_examples=150, deadline=None)
def test_serial_scheme_is_the_plain_one(seed: int, shape: Shape) -> None:
    problem = project(seed, shape)
    ranks = ranked(problem, seed)
    starts = list_schedule(network_of(problem), np.array(ranks))
    assert starts.tolist() == placed_in_turn(problem, taken_in_turn(problem, ranks)).tolist()
    assert violations(problem, starts) == []


@given(SEEDS, SHAPES)
@settings(max_examples=100, deadline=None)
def test_parallel_scheme_leaves_nothing_waiting_that_fits(seed: int, shape: Shape) -> None:
    problem = project(seed, shape)
    ranks = ranked(problem, seed)
    starts = parallel_schedule(network_of(problem), np.array(ranks))
    assert violations(problem, starts) == []
    by_time = sorted(range(len(ranks)), key=lambda i: (starts[i], i))
    again = placed_in_turn(problem, by_time)
    assert again.tolist() == starts.tolist()


@given(SEEDS, SHAPES)
@settings(max_examples=100, deadline=None)
def test_justified_schedule_is_feasible_and_never_longer(seed: int, shape: Shape) -> None:
    problem = project(seed, shape)
    network = network_of(problem)
    packed, numbering = pack(network)
    m = len(packed.durations)
    values = np.random.default_rng(seed).random(m)
    sequence, starts, room = np.zeros(m, np.int64), np.zeros(m, np.int64), room_of(packed)
    sequence_of(packed, values, sequence)
    before = place_forward(packed, sequence, room, starts)
    for _ in range(3):
        after = justify(packed, room, before, starts)
        assert after <= before
        placed = network.fixed_starts.copy()
        placed[numbering.tasks] = starts * numbering.unit
        assert violations(problem, placed) == []
        before = after


def test_sequence_read_off_a_schedule_makes_it_again() -> None:
    problem = project(3, Shape(tasks=25))
    packed, _ = pack(network_of(problem))
    starts, sequence, room = np.zeros(25, np.int64), np.arange(25), room_of(packed)
    makespan = place_forward(packed, sequence, room, starts)
    before = starts.copy()
    by_start(starts, room, sequence)
    assert place_forward(packed, sequence, room, starts) == makespan
    assert starts.tolist() == before.tolist()


def test_packed_words_answer_as_the_capacities_do() -> None:
    problem = project(5, Shape(tasks=9, capacities=40, units=1_000))
    packed, _ = pack(network_of(problem))
    assert len(packed.guards) > 1
    for one in range(9):
        for other in range(9):
            left = packed.free[:, 0] - packed.demands[:, one]
            fits = all(((left - packed.demands[:, other]) & packed.guards) == packed.guards)
            pairs = zip(problem.tasks[one].demand, problem.tasks[other].demand, strict=True)
            assert fits == all(a + b <= 1_000 for a, b in pairs)


def test_fixed_work_stays_and_what_it_takes_is_gone() -> None:
    done = Task("done", 4, demand=(1,), fixed=Fixed(0, 4))
    under_way = Task("under way", 5, demand=(1,), fixed=Fixed(4, 12))
    next_one = Task("next", 2, demand=(1,), after=("done",))
    last = Task("last", 1, after=("under way",))
    problem = Problem((last, next_one, under_way, done), capacities=(1,), now=5)
    for make in (list_schedule, parallel_schedule):
        assert make(network_of(problem), np.zeros(4)).tolist() == [12, 12, 4, 0]


def test_more_fixed_work_than_there_is_room_for_blocks_and_breaks_nothing() -> None:
    fixed = [Task(str(i), 3, demand=(2, 0), fixed=Fixed(0, 3)) for i in range(3)]
    problem = Problem((*fixed, Task("free", 1, demand=(1, 5))), capacities=(3, 5))
    assert list_schedule(network_of(problem), np.zeros(4)).tolist() == [0, 0, 0, 3]


def test_times_share_their_divisor() -> None:
    tasks = (Task("a", 480, demand=(1,)), Task("b", 960, demand=(1,), release=240))
    network = network_of(Problem(tasks, capacities=(1,)))
    assert pack(network)[1].unit == 240
    assert list_schedule(network, np.array([1, 0])).tolist() == [1200, 240]


@pytest.mark.parametrize("make", [list_schedule, parallel_schedule])
def test_nothing_to_do_is_an_empty_schedule(make: type) -> None:
    assert make(network_of(Problem(())), np.zeros(0)).tolist() == []


def test_rules_of_a_small_network() -> None:
    tasks = (
        Task("a", 3),
        Task("b", 2, after=("a",)),
        Task("c", 4, after=("a",)),
        Task("d", 1, after=("b", "c")),
    )
    network = network_of(Problem(tasks))
    expected = {
        Rule.LFT: [3, 7, 7, 8],
        Rule.LST: [0, 5, 3, 7],
        Rule.EST: [0, 3, 3, 7],
        Rule.SLK: [0, 2, 0, 0],
        Rule.MTS: [-3, -1, -1, 0],
        Rule.MIS: [-2, -1, -1, 0],
        Rule.GRPW: [-9, -3, -5, -1],
        Rule.SPT: [3, 2, 4, 1],
        Rule.LPT: [-3, -2, -4, -1],
    }
    assert {rule: priorities(network, rule).tolist() for rule in Rule} == expected
