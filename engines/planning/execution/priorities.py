"""Lists from a few weighted measures of each task, the weights fitted to scenarios.

A list has as many degrees of freedom as there are tasks, and a search over lists fits the
scenarios it sees; a handful of weights does not (cross-entropy method: Rubinstein 1999). Beside the
measures of the classic rules there are two that scenarios give: when a task starts and ends on
average under a rule, and when it does in the project turned around, which is a tail that knows of
the capacities and of variation.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.execution.dispatch import run
from engines.planning.execution.policies import list_policy, reach_of, tails_of

Judge = Callable[[Floats], float]
"""The mean makespan of the list by these keys, the smallest first."""
SAMPLED = 24
KEPT = 6
FIRST_SPREAD, LAST_SPREAD = 0.5, 0.02
STEP = 0.7
"""Of the way to the best ones' mean and spread."""
PASSES = 2
"""Times that the project is turned around and back."""


def measures_of(network: Network, starts: Ints, scenarios: Floats) -> Floats:
    """Measures [n, m], each of mean 0 and spread 1 over the tasks, small for what is urgent."""
    reach = reach_of(network)
    work = network.durations.astype(np.float64)
    if len(network.capacities):
        shares = network.demands / np.maximum(network.capacities, 1)
        load = shares.sum(axis=1) * work
    else:
        load = work
    tails = tails_of(network)
    columns = [
        -tails,
        -(tails - work),
        -reach.sum(axis=1),
        -(reach @ load + load),
        -load,
        -work,
        starts,
        *_both_ways(network, scenarios, -tails),
    ]
    table = np.stack([np.asarray(one, np.float64) for one in columns], axis=1)
    spread = table.std(axis=0)
    return (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _both_ways(network: Network, scenarios: Floats, keys: Floats) -> list[Floats]:
    """Mean ends in the project turned around, negative, and mean starts as it is."""
    turned = turned_around(network)
    backward, forward = keys, keys
    for _ in range(PASSES):
        there = run(network, list_policy(network, "", backward), scenarios)
        forward = -there.ends.mean(axis=0)
        back = run(turned, list_policy(turned, "", forward), scenarios)
        backward = -back.ends.mean(axis=0)
    return [backward, -forward]


def turned_around(network: Network) -> Network:
    """The project from its end to its beginning, nothing released late or fixed."""
    n = network.n
    return replace(
        network,
        predecessors_first=network.successors_first,
        predecessors=network.successors,
        successors_first=network.predecessors_first,
        successors=network.predecessors,
        order=network.order[::-1].copy(),
        releases=np.zeros(n, np.int64),
        fixed_starts=np.full(n, -1, np.int64),
        fixed_ends=np.full(n, -1, np.int64),
        absent_from=network.absent_from[:0],
        absent_until=network.absent_until[:0],
        absent_first=np.zeros_like(network.absent_first),
    )


def fitted_keys(
    measures: Floats, judge: Judge, generator: np.random.Generator, is_over: Callable[[], bool]
) -> Floats:
    """The keys [n] of the best weights that were found until the time was over."""
    width = measures.shape[1]
    centre, spread = np.full(width, 1 / width), np.full(width, FIRST_SPREAD)
    best, best_mean = measures @ centre, np.inf
    while spread.max() > LAST_SPREAD and not is_over():
        tried = centre + spread * generator.standard_normal((SAMPLED, width))
        means = np.array([judge(measures @ weights) for weights in tried])
        order = np.argsort(means, kind="stable")
        if means[order[0]] < best_mean:
            best, best_mean = measures @ tried[order[0]], float(means[order[0]])
        elite = tried[order[:KEPT]]
        centre += STEP * (elite.mean(axis=0) - centre)
        spread += STEP * (elite.std(axis=0) - spread)
    return best
