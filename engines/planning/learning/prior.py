"""The scorer as priorities for a search that knows no uncertainty."""

import numpy as np

from engines.planning.arrays import Floats, Network
from engines.planning.learning.bases import rule_base
from engines.planning.learning.case import case_of
from engines.planning.learning.scorer import Weights, load
from engines.planning.learning.simulation import executions


def prior(network: Network, weights: Weights | None = None) -> Floats:
    """Priorities `[n]`, lower first: when the scorer starts each task at expected durations.

    Raises:
        NoPolicy: The shipped scorer cannot be read.
    """
    case = case_of(network, rule_base(network, 0.0, seed=0), 0.0)
    planned = case.facts.planned[None].copy()
    starts = executions(case, load() if weights is None else weights, planned).starts[0]
    order = np.lexsort((case.steering.tasks[:, 0], starts))
    priority = np.empty(network.n)
    priority[order] = np.arange(network.n)
    return priority
