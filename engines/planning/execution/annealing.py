"""Simulated annealing over policies, candidates raced on common scenarios.

A candidate is run on one scenario after another beside the policy it was made from, and given up
as soon as it is clearly worse, so that most die after few of them (racing: Maron and Moore 1994).
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.chance import below, share
from engines.planning.compiled import compiled
from engines.planning.execution.dispatch import execute
from engines.planning.execution.events import Facts, State, Steering, new_state
from engines.planning.execution.moves import change, copy_steering

BLOCK = 8
"""Scenarios between two looks at a race."""
CLEAR = 1.0
"""Standard errors by which a candidate that is given up lies behind."""
MOST_CHANGES = 2
"""In one trial."""


class Walk(NamedTuple):
    """Where a search stands: policies, and their makespans on the scenarios of its stage, [S]."""

    here: Steering
    tried: Steering
    best: Steering
    here_found: Floats
    tried_found: Floats
    means: Floats  # [2], of here and of the best
    own: Ints  # [n], successors by precedence
    weights: Ints  # [4], see `change`
    chance: Ints


@compiled
def anneal(facts: Facts, walk: Walk, durations: Floats, trials: int, warmth: float) -> None:
    """So many trials on durations [S, n]; a mean worse by `warmth` ticks is accepted on average."""
    state = new_state(facts)
    for _ in range(trials):
        copy_steering(walk.here, walk.tried)
        changes = 1 + below(walk.chance, MOST_CHANGES)
        changed = False
        for _ in range(changes):
            changed |= change(facts, walk.tried, walk.own, walk.weights, walk.chance)
        if not changed:
            continue
        slack = -warmth * np.log(1.0 - share(walk.chance))
        if _race(facts, walk, state, durations, slack):
            copy_steering(walk.tried, walk.here)
            walk.here_found[:] = walk.tried_found
            walk.means[0] = walk.here_found.mean()
            if walk.means[0] < walk.means[1]:
                walk.means[1] = walk.means[0]
                copy_steering(walk.here, walk.best)


@compiled
def _race(facts: Facts, walk: Walk, state: State, durations: Floats, slack: float) -> bool:
    """Whether the candidate's mean is at most `slack` above that of where the walk stands."""
    count = len(durations)
    first = below(walk.chance, count)
    total, squares = 0.0, 0.0
    for k in range(count):
        s = (first + k) % count
        found = execute(facts, walk.tried, state, durations[s])
        walk.tried_found[s] = found
        worse = found - walk.here_found[s]
        total += worse
        squares += worse * worse
        if (k + 1) % BLOCK == 0:
            seen = k + 1
            mean = total / seen
            error = np.sqrt(max(0.0, squares / seen - mean * mean) / seen)
            if mean - CLEAR * error > slack:
                return False
    return total / count <= slack
