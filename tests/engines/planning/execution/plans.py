"""Plans to execute: what a rule's dispatch makes of the planned durations."""

import numpy as np

from engines.planning.arrays import Floats, Ints, network_of
from engines.planning.execution.dispatch import run
from engines.planning.execution.policies import list_policy, underway_of
from engines.planning.types import Person, Placed, Problem, Task


def planned(problem: Problem) -> Floats:
    """The durations that were planned, of work under way its whole length, as one scenario."""
    network = network_of(problem)
    spans = network.fixed_ends - network.fixed_starts
    return np.where(underway_of(network), spans, network.durations).astype(np.float64)[None, :]


def plan_of(problem: Problem) -> tuple[Ints, Ints | None]:
    """Starts and people of a plan that keeps every rule, by the tasks' own order."""
    network = network_of(problem)
    policy = list_policy(network, "", np.arange(network.n, dtype=np.float64))
    executed = run(network, policy, planned(problem), cv=0.0)
    people = None if executed.people is None else executed.people[0]
    return executed.starts[0].astype(np.int64), people


def placed(problem: Problem) -> tuple[Placed, ...]:
    """The same plan, as a plan."""
    network = network_of(problem)
    policy = list_policy(network, "", np.arange(network.n, dtype=np.float64))
    executed = run(network, policy, planned(problem), cv=0.0)
    starts, people = plan_of(problem)
    return tuple(
        Placed(
            task.id,
            int(starts[i]),
            round(executed.ends[0, i]),
            None if people is None or people[i] < 0 else problem.people[int(people[i])].id,
        )
        for i, task in enumerate(problem.tasks)
    )


def project(seed: int, tasks: int = 12, *, staffed: bool = False) -> Problem:
    """A random project of two capacities, or of three people with two skills."""
    rng = np.random.default_rng(seed)
    people = (Person("a", {"x": 1}), Person("b", {"y": 1}), Person("c", {"x": 1, "y": 1}))
    made = [
        Task(
            f"t{i}",
            int(rng.integers(1, 9)),
            after=tuple(f"t{k}" for k in range(i) if rng.random() < 1.5 / tasks),
            needs={str(rng.choice(["x", "y"])): 1} if staffed else {},
            demand=() if staffed else (int(rng.integers(0, 4)), int(rng.integers(1, 4))),
        )
        for i in range(tasks)
    ]
    return Problem(tuple(made), people if staffed else (), () if staffed else (5, 4))
