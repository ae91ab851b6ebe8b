"""The dispatch, decision by decision, beside a naive account of what may be done."""

import numpy as np
import pytest

from engines.planning.arrays import Network
from engines.planning.execution.dispatch import makespans as base_makespans
from engines.planning.execution.dispatch import run
from engines.planning.execution.policies import activity_based
from engines.planning.execution.right_shift import right_shift_policy
from engines.planning.execution.scenarios import draw
from engines.planning.learning.case import Case, case_of
from engines.planning.learning.decisions import (
    BASE,
    COUNT,
    MAY_WAIT,
    Singles,
    act,
    new_desk,
    open_up,
)
from engines.planning.learning.environment import Dispatch, Episode
from engines.planning.learning.features import WIDTH
from engines.planning.learning.lookahead import Foresight
from engines.planning.learning.scorer import base_weights
from engines.planning.learning.simulation import executions, makespans
from tests.engines.planning.learning.projects import (
    capacity_network,
    first_rule,
    part_time_team,
    team_network,
)

NETWORKS = {
    "capacities": capacity_network(),
    "team": team_network(),
    "part time": part_time_team(),
}


@pytest.fixture(params=list(NETWORKS))
def network(request: pytest.FixtureRequest) -> Network:
    return NETWORKS[request.param]


def case(network: Network) -> Case:
    return case_of(network, first_rule(network), 0.6)


Begun = dict[int, tuple[float, int]]
"""Ends and people of the tasks that were picked."""


def ended_by_hand(network: Network, begun: Begun, now: float) -> set[int]:
    """What has ended; instant tasks do when all before them has."""
    ended = {task for task, (end, _) in begun.items() if end <= now + 1e-9}
    for task in network.order:
        first, last = network.predecessors_first[task], network.predecessors_first[task + 1]
        if network.durations[task] == 0 and ended.issuperset(network.predecessors[first:last]):
            ended.add(int(task))
    return ended


def startable_by_hand(network: Network, begun: Begun, now: float) -> set[tuple[int, int]]:
    """Every (task, person) pair whose start keeps all rules."""
    ended = ended_by_hand(network, begun, now)
    runs = [task for task in begun if task not in ended]
    busy = {begun[task][1] for task in runs}
    pairs: set[tuple[int, int]] = set()
    for task in range(network.n):
        first, last = network.predecessors_first[task], network.predecessors_first[task + 1]
        is_free = ended.issuperset(network.predecessors[first:last])
        if task in begun or task in ended or not is_free or network.releases[task] > now:
            continue
        if not network.people:
            used = network.demands[runs].sum(0) + network.demands[task]
            pairs |= {(task, -1)} if (used <= network.capacities).all() else set()
            continue
        for at in range(network.able_first[task], network.able_first[task + 1]):
            person = int(network.able[at])
            if person not in busy and not is_away(network, person, now):
                pairs.add((task, person))
    return pairs


def is_away(network: Network, person: int, now: float) -> bool:
    span = slice(network.absent_first[person], network.absent_first[person + 1])
    return bool(((network.absent_from[span] <= now) & (now < network.absent_until[span])).any())


def test_the_candidates_are_exactly_what_may_start_whatever_was_picked(network: Network) -> None:
    rng = np.random.default_rng(0)
    for durations in draw(network, 0.6, 5, 1):
        desk = new_desk(case(network), WIDTH)
        is_open, begun = open_up(case(network), desk, durations), Begun()
        while is_open:
            count = int(desk.marks[COUNT])
            found = [(int(desk.tasks[k]), int(desk.people[k])) for k in range(count)]
            assert set(found) == startable_by_hand(network, begun, float(desk.state.clock[0]))
            options = count + int(desk.marks[MAY_WAIT])
            assert 0 <= desk.marks[BASE] < options
            pick = int(rng.integers(options))
            is_open = act(case(network), desk, pick, durations)
            if pick < count:
                task, person = found[pick]
                begun[task] = (float(desk.state.times[task, 1]), person)
        assert len(begun) == (network.durations > 0).sum()


def test_who_always_waits_where_they_may_still_ends(network: Network) -> None:
    durations = draw(network, 0.6, 1, 2)[0]
    desk = new_desk(case(network), WIDTH)
    is_open = open_up(case(network), desk, durations)
    decisions = 0
    while is_open:
        pick = int(desk.marks[COUNT]) if desk.marks[MAY_WAIT] else 0
        is_open = act(case(network), desk, pick, durations)
        decisions += 1
        assert decisions < 20 * network.n
    assert (desk.state.is_placed[1:] == 1).all()


def test_a_scorer_that_has_learned_nothing_and_sees_no_future_does_what_the_base_does(
    network: Network,
) -> None:
    durations = draw(network, 0.6, 20, 3)
    policies = [first_rule(network), activity_based(first_rule(network))]
    if not network.people:
        starts = run(network, policies[0], network.durations[None].astype(np.float64)).starts[0]
        policies.append(right_shift_policy(network, starts.astype(np.int64), None))
    for policy in policies:
        expected = base_makespans(network, policy, durations, cv=0.6)
        found = makespans(case_of(network, policy, 0.6), base_weights(), durations, Foresight(0))
        np.testing.assert_allclose(found, expected)


def test_an_execution_keeps_precedence_and_capacities() -> None:
    network = capacity_network()
    durations = draw(network, 0.6, 5, 4)
    done = executions(case(network), base_weights(), durations)
    for starts, ends in zip(done.starts, done.ends, strict=True):
        for task in range(network.n):
            first, last = network.predecessors_first[task], network.predecessors_first[task + 1]
            before = network.predecessors[first:last]
            assert starts[task] >= ends[before].max(initial=0.0) - 1e-9
            runs = (starts <= starts[task]) & (ends > starts[task] + 1e-9)
            assert (network.demands[runs].sum(0) <= network.capacities).all()


def episodes(network: Network) -> Dispatch:
    def episode(rng: np.random.Generator) -> Episode:
        return Episode(case(network), draw(network, 0.6, 1, int(rng.integers(1000)))[0])

    return Dispatch(episode)


def finish(environment: Dispatch, rng: np.random.Generator) -> tuple[float, dict[str, float]]:
    total, is_over, info = 0.0, False, {}
    while not is_over:
        action = int(rng.choice(np.flatnonzero(environment.action_masks())))
        _, reward, is_over, _, info = environment.step(action)
        total += reward
    return total, info


def test_rewards_add_up_to_what_was_saved_against_the_base(network: Network) -> None:
    environment, rng = episodes(network), np.random.default_rng(5)
    rows, _ = environment.reset(seed=1)
    bound = float(environment.case.size[0])
    first_outlook = float(environment.desk.outlook[0])
    assert environment.observation_space.contains(rows)
    total, info = finish(environment, rng)
    saved = info["anchor"] - info["makespan"] + first_outlook - bound
    assert total == pytest.approx(saved / bound)


def test_following_the_base_saves_nothing() -> None:
    environment = episodes(capacity_network())
    environment.reset(seed=2)
    is_over, info = False, {}
    while not is_over:
        _, _, is_over, _, info = environment.step(int(environment.desk.marks[BASE]))
    assert info["makespan"] == pytest.approx(info["anchor"])


def test_a_seed_makes_episodes_reproducible(network: Network) -> None:
    def course(seed: int) -> list[Singles]:
        environment = episodes(network)
        rows, _ = environment.reset(seed=seed)
        return [rows, *(environment.step(0)[0] for _ in range(5))]

    for one, other in zip(course(3), course(3), strict=True):
        np.testing.assert_array_equal(one, other)
