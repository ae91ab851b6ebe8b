"""Durations that may come: log-normal, independent, their mean what is planned."""

from math import erfc, sqrt

import numpy as np

from engines.planning.arrays import Floats, Network
from engines.planning.execution.policies import now_of, underway_of


def draw(network: Network, cv: float | Floats, count: int, seed: int) -> Floats:
    """Scenarios [count, n] of the tasks' durations at pace 1, of one cv or one each.

    Instant tasks stay instant. Of a task that is under way the whole length is given, and only
    what is expected to be left of it varies; one that has ended took what it took. The same seed
    gives the same random numbers whatever the cv.
    """
    normals = np.random.default_rng([0, seed]).standard_normal((count, network.n))
    return _durations(network, cv, normals)


def draw_spread(network: Network, cv: float | Floats, count: int, seed: int) -> Floats:
    """The same, evenly spread over each task's distribution (Latin hypercube sampling).

    For choosing among policies: the mean over them varies less than over independent ones. No
    seed gives the scenarios of `draw`.
    """
    generator = np.random.default_rng([1, seed])
    strata = generator.permuted(np.tile(np.arange(count), (network.n, 1)), axis=1).T
    uniform = (strata + generator.random((count, network.n))) / count
    return _durations(network, cv, normal_quantiles(uniform))


def cv_of(network: Network, cv: float | Floats) -> Floats:
    """One coefficient of variation a task, [n]."""
    return np.broadcast_to(np.asarray(cv, np.float64), (network.n,)).copy()


def normal_quantiles(uniform: Floats) -> Floats:
    """The standard normal distribution's quantiles at probabilities inside of (0, 1)."""
    grid = np.linspace(-8.0, 8.0, 4097)
    below = np.array([0.5 * erfc(-x / sqrt(2.0)) for x in grid])
    return np.interp(uniform, below, grid)


def _durations(network: Network, cv: float | Floats, normals: Floats) -> Floats:
    sigma = np.sqrt(np.log1p(cv_of(network, cv) ** 2))
    factors = np.exp(sigma * normals - sigma**2 / 2)
    is_underway = underway_of(network)
    rest = np.maximum(network.fixed_ends - now_of(network), 0)
    left = np.where(is_underway, rest, network.durations)
    taken = np.where(is_underway, network.fixed_ends - network.fixed_starts - left, 0)
    return np.ascontiguousarray(taken + left * factors)
