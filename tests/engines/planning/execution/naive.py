"""An execution event by event, as slowly as it can be read, and random policies."""

from dataclasses import dataclass, field

import numpy as np

from engines.planning.arrays import Floats, Network, network_of
from engines.planning.execution.policies import (
    NOBODY,
    Policy,
    consistent_order,
    instant_of,
    list_policy,
    underway_of,
)
from engines.planning.types import Person, Problem

SAME = 1e-9


def random_policy(network: Network, seed: int) -> Policy:
    """A list with leads, arcs, and, where people work, preferred ones."""
    rng = np.random.default_rng(seed)
    keys = rng.random(network.n)
    order = list_policy(network, "", keys).order
    pairs = [(i, j) for at, i in enumerate(order) for j in order[at + 1 :] if rng.random() < 0.1]
    arcs = np.array(sorted(set(pairs)), np.int64).reshape(-1, 2)
    preferred = np.full(network.n, NOBODY, np.int64)
    for task in range(network.n):
        able = network.able[network.able_first[task] : network.able_first[task + 1]]
        if len(able) and rng.random() < 0.6:
            preferred[task] = rng.choice(able)
    tolerance = rng.choice([0.0, 1.0, 4.0, np.inf], network.n)
    return Policy(
        "random",
        consistent_order(network, keys, arcs),
        rng.choice([0, 1, 3, network.n], network.n),
        arcs,
        preferred,
        np.where(preferred == NOBODY, 0.0, tolerance),
    )


@dataclass
class Run:
    """One execution under way."""

    problem: Problem
    network: Network
    policy: Policy
    durations: Floats  # [n]
    cv: float
    now: float = 0.0
    starts: dict[int, float] = field(default_factory=dict[int, float])
    ends: dict[int, float] = field(default_factory=dict[int, float])
    people: dict[int, int] = field(default_factory=dict[int, int])
    expected: dict[int, float] = field(default_factory=dict[int, float])
    wakes: dict[int, float] = field(default_factory=dict[int, float])
    done: set[int] = field(default_factory=set[int])

    def waits_for(self, task: int) -> set[int]:
        network = self.network
        first, last = network.predecessors_first[task], network.predecessors_first[task + 1]
        arcs = {int(i) for i, j in self.policy.arcs if j == task}
        return {int(i) for i in network.predecessors[first:last]} | arcs

    def pace(self, task: int, person: int) -> float:
        """Ticks of presence a tick of planned duration takes."""
        network = self.network
        for k in range(network.able_first[task], network.able_first[task + 1]):
            if network.able[k] == person:
                return float(network.able_durations[k] / network.durations[task])
        raise AssertionError

    def able(self, task: int) -> list[int]:
        network = self.network
        return [
            int(p) for p in network.able[network.able_first[task] : network.able_first[task + 1]]
        ]

    def busy(self) -> dict[int, int]:
        return {self.people[i]: i for i in self.starts if i not in self.done and i in self.people}

    def free_at(self, person: int) -> float:
        """When somebody is expected to be free."""
        task = self.busy().get(person)
        if task is None:
            return self.now
        floor = self.cv * self.network.durations[task]
        if underway_of(self.network)[task]:
            floor = self.cv * (self.network.fixed_ends[task] - self.network.fixed_starts[task])
        return max(self.expected[person], self.now + floor)

    def choice(self, task: int) -> int | None:
        """Who starts the task now."""
        able = self.able(task)
        if all(person in self.busy() for person in able):
            return None
        ranked: list[tuple[float, float, int, int]] = []
        for k, person in enumerate(able):
            begins = there(self.problem.people[person], self.free_at(person))
            ticks = self.pace(task, person) * self.network.durations[task]
            end = worked(self.problem.people[person], begins, ticks)
            if person != self.policy.preferred[task]:
                end += self.policy.tolerance[task]
            ranked.append((end, begins, k, person))
        _, begins, _, person = min(ranked)
        if person in self.busy():
            return None
        if begins > self.now:
            self.wakes[person] = begins
            return None
        return person

    def fits(self, task: int) -> bool:
        taken = sum(
            (self.network.demands[i] for i in self.starts if i not in self.done),
            np.zeros(len(self.network.capacities), np.int64),
        )
        return bool((taken + self.network.demands[task] <= self.network.capacities).all())


def there(person: Person, when: float) -> float:
    """The first time from `when` that somebody is there."""
    for start, end in person.absent:
        if start <= when < end:
            when = end
    return when


def worked(person: Person, start: float, ticks: float) -> float:
    """When somebody has been there for so many ticks."""
    for away, back in person.absent:
        if back <= start:
            continue
        if start + ticks <= away:
            break
        ticks -= max(0.0, away - start)
        start = back
    return start + ticks


def execute(problem: Problem, policy: Policy, durations: Floats, cv: float) -> Run:
    """Execute durations [n]."""
    network = network_of(problem)
    run = Run(problem, network, policy, durations, cv, now=float(network.releases.min()))
    for task in np.flatnonzero(underway_of(network)):
        _resume(run, int(task))
    while len(run.done) < network.n:
        _finish(run)
        _start(run)
        coming = [run.ends[i] for i in run.starts if i not in run.done]
        coming += [float(r) for r in network.releases if r > run.now]
        coming += run.wakes.values()
        if not coming:
            break
        run.now = min(coming)
        run.wakes = {p: when for p, when in run.wakes.items() if when > run.now + SAME}
    return run


def _resume(run: Run, task: int) -> None:
    run.starts[task] = float(run.network.fixed_starts[task])
    run.ends[task] = run.starts[task] + run.durations[task]
    person = int(run.network.fixed_people[task])
    if person != NOBODY:
        run.people[task] = person
        run.expected[person] = float(run.network.fixed_ends[task])


def _finish(run: Run) -> None:
    """End what is due, and instant tasks as they come up."""
    run.done |= {i for i in run.starts if run.ends[i] <= run.now + SAME}
    instant = instant_of(run.network)
    while True:
        ready = [i for i in _ready(run) if instant[i]]
        if not ready:
            return
        for task in ready:
            run.starts[task] = run.ends[task] = run.now
            run.done.add(task)


def _ready(run: Run) -> list[int]:
    return [
        int(i)
        for i in run.policy.order
        if i not in run.starts
        and run.waits_for(int(i)) <= run.done
        and run.network.releases[i] <= run.now + SAME
    ]


def _start(run: Run) -> None:
    instant, order = instant_of(run.network), [int(i) for i in run.policy.order]
    for task in _ready(run):
        unstarted = [at for at, i in enumerate(order) if i not in run.starts and not instant[i]]
        if order.index(task) - min(unstarted) > run.policy.lead[task]:
            continue
        duration = float(run.durations[task])
        if not run.problem.is_staffed:
            if run.fits(task):
                run.starts[task], run.ends[task] = run.now, run.now + duration
            continue
        person = run.choice(task)
        if person is not None:
            one, pace = run.problem.people[person], run.pace(task, person)
            run.expected[person] = worked(one, run.now, pace * run.network.durations[task])
            run.starts[task] = run.now
            run.ends[task] = worked(one, run.now, pace * duration)
            run.people[task] = person
