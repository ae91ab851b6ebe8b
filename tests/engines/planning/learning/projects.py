"""Small projects for the tests of what is learned."""

import numpy as np

from engines.planning.arrays import Network, network_of
from engines.planning.execution.policies import Policy, classic_rules, list_policy
from engines.planning.learning.instances import Shape, capacity_project, team_project
from engines.planning.types import Person, Problem, Task


def capacity_network(seed: int = 3, n: int = 20) -> Network:
    return network_of(capacity_project(Shape(n, strength=0.2), seed))


def team_network(seed: int = 3, n: int = 20) -> Network:
    return network_of(team_project(n, seed))


def first_rule(network: Network) -> Policy:
    return classic_rules(network)[0]


def fork() -> Network:
    """`key` opens six ticks of work beside `block`: with `key` first 7 ticks, else 13."""
    tasks = (
        Task("key", 1, demand=(1,)),
        Task("block", 6, demand=(1,)),
        Task("long", 6, after=("key",), demand=(0,)),
    )
    return network_of(Problem(tasks, capacities=(1,)))


def blocking_first(network: Network) -> Policy:
    return list_policy(network, "block first", np.array([1.0, 0.0, 2.0]))


def part_time_team() -> Network:
    """Two who are able, one of them away at first and slower."""
    people = (
        Person("ana", {"api": 1}),
        Person("bo", {"api": 1}, pace=0.5, absent=((0, 4), (9, 12))),
    )
    tasks = tuple(
        Task(f"t{i}", 2 + i % 3, needs={"api": 1}, after=after, release=release)
        for i, (after, release) in enumerate(
            [((), 0), ((), 0), (("t0",), 0), ((), 6), (("t1", "t2"), 0), ((), 0)]
        )
    )
    return network_of(Problem(tasks, people))
