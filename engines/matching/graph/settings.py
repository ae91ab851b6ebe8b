"""What a graph network consists of, and how much of a history it sees."""

from dataclasses import dataclass
from enum import StrEnum

DAY_S = 86_400
HALF_LIVES_DAYS = (30.0, 180.0, float("inf"))
"""Every edge is weighed three times: by what was done lately, this half year, and ever."""


class Encoder(StrEnum):
    """How the nodes' states are made of their neighbours'."""

    SAGE = "sage"
    """Means, weighed by count and age (Hamilton et al. 2017)."""
    GATV2 = "gatv2"
    """Attention to the neighbour's state and the edge's weights (Brody et al. 2022)."""
    RGCN = "rgcn"
    """Means over relations, each split by the edges' age (Schlichtkrull et al. 2018)."""


@dataclass(frozen=True, slots=True)
class GraphConfig:
    """Of two equal ones the networks are equal, seed included, after the same history."""

    encoder: Encoder = Encoder.SAGE
    width: int = 32
    """Of a node's state."""
    slots: int = 64
    """Candidates, most active first, who are told from each other."""
    layers: int = 2
    """Steps along edges, at least 2: from people to code to the task."""
    block: int = 24
    """Tasks between two snapshots; a hundredth of the history where that is more."""
    steps: int = 3
    """Of the optimizer after each block."""
    memory: int = 16
    """Snapshots whose questions are practised."""
    rate: float = 3e-3
    inertia: float = 0.1
    """Share of the newest weights in the moving average that answers."""
    seed: int = 1
    window_days: int = 3 * 365
    developers: int = 300
    files: int = 4_000
    tasks: int = 500
    skills: int = 600
