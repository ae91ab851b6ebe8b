"""A neural ranker, which sees the candidates of a question together, and earlier tasks of theirs.

Kernels weigh each earlier task by its age, its likeness and whose it was, all at once; what a
kernel's tasks weigh in all is shared out among the people whose they were, so that it is a measure
like the others. The candidates then attend to each other twice (pooling by attention over a set,
Lee et al. 2019): the same share of a file means one thing beside a rival and another alone.
"""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from engines.matching.ranking.shown import PRECEDENT_NAMES, Shown
from engines.matching.state.table import Floats

_FAR = 5.0
"""Standard deviations beyond which a measure says no more."""
_LEAST = 0.01
"""Of a share, below which its logarithm says no more."""
_SPREAD = 4.0
"""Brings shares to the spread of what is standardized."""
_OUT = -1e9
_DROPOUT = 0.2


@dataclass(frozen=True)
class Shape:
    """How large a network is."""

    measures: int
    width: int = 64
    kernels: int = 16
    heads: int = 4
    inner: int = 32
    """Width in which earlier tasks are weighed."""


class Batch(NamedTuple):
    """Questions of like size, filled up to the largest."""

    measures: Tensor
    """(questions, candidates, measures)."""
    present: Tensor
    """(questions, candidates) Whether there is one."""
    precedents: Tensor
    """(questions, precedents, measures of one)."""
    rows: Tensor
    """(questions, precedents) Whose it was."""
    spoken: Tensor
    """(questions, precedents) Whether there is one."""


class Scale(nn.Module):
    """Standardizes columns."""

    def __init__(self, size: int) -> None:
        """Leaves them as they are until it is told what is usual."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    @override
    def forward(self, values: Tensor) -> Tensor:
        """(…, size)"""
        return ((values - self.mean) / self.deviation).clamp(-_FAR, _FAR)

    def fit(self, values: Tensor) -> None:
        """Learn what is usual from (n, size)."""
        self.mean = values.mean(0)
        self.deviation = values.std(0) + _LEAST


class Network(nn.Module):
    """Has no weights of its own for any person, so people who are new need no training."""

    def __init__(self, shape: Shape) -> None:
        """Weights by torch's own random state."""
        super().__init__()
        width, inner = shape.width, shape.inner
        self.kernels = shape.kernels
        self.plain, self.logarithm = Scale(shape.measures), Scale(shape.measures)
        self.precedent = Scale(len(PRECEDENT_NAMES))
        self.weigh = nn.ModuleList(
            [nn.Linear(len(PRECEDENT_NAMES), inner), nn.Linear(inner, inner)]
        )
        self.kernel = nn.Linear(inner, shape.kernels)
        inputs = 2 * (shape.measures + shape.kernels)
        self.enter = nn.Linear(inputs, width)
        self.attend = nn.ModuleList(nn.Linear(width, shape.heads) for _ in range(2))
        self.mix = nn.ModuleList(nn.Linear((1 + shape.heads) * width, width) for _ in range(2))
        self.leave, self.straight = nn.Linear(width, 1), nn.Linear(inputs, 1)
        self.dropout = nn.Dropout(_DROPOUT)
        for last in (self.leave, self.straight):
            nn.init.zeros_(last.weight)

    @override
    def forward(self, batch: Batch) -> Tensor:
        """(questions, candidates) Scores, whose softmax is the belief in each."""
        seen = torch.cat(
            [
                self.plain(batch.measures),
                self.logarithm(logarithm(batch.measures)),
                *self._spoken_for(batch),
            ],
            dim=-1,
        )
        seen = self.dropout(seen)
        state = functional.silu(self.enter(seen))
        for attend, mix in zip(self.attend, self.mix, strict=True):
            weights = attend(state).masked_fill(~batch.present[..., None], _OUT).softmax(1)
            others = torch.einsum("qnh,qnw->qhw", weights, state).flatten(1)[:, None]
            beside = torch.cat([state, others.expand(-1, state.shape[1], -1)], dim=-1)
            state = state + functional.silu(mix(self.dropout(beside)))
        scores = self.leave(state) + self.straight(seen)
        return scores.squeeze(-1).masked_fill(~batch.present, _OUT)

    def scores(self, shown: Shown) -> Floats:
        """(candidates,) Of one question."""
        torch.set_num_threads(1)
        with torch.inference_mode():
            return self(batch_of([shown]))[0].numpy().astype(np.float64)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """As it is kept in a file."""
        return {name: tensor.numpy().copy() for name, tensor in self.state_dict().items()}

    def _spoken_for(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(questions, candidates, kernels) each: shares of what speaks for somebody, and their
        logarithms.
        """
        state = self.precedent(batch.precedents)
        first, second = self.weigh
        state = functional.silu(first(state))
        state = state + functional.silu(second(state))
        weights = self.kernel(state).masked_fill(~batch.spoken[..., None], _OUT).softmax(1)
        weights = weights * batch.spoken[..., None]
        people = batch.rows[..., None].expand(-1, -1, self.kernels)
        empty = torch.zeros(*batch.present.shape, self.kernels)
        shares = empty.scatter_add(1, people, weights)
        return shares * _SPREAD, logarithm(shares) + _SPREAD


def network_of(arrays: Mapping[str, NDArray[np.generic]]) -> Network:
    """A network from what `arrays` gave."""
    kernels, inner = arrays["kernel.weight"].shape
    width, inputs = arrays["enter.weight"].shape
    heads = len(arrays["attend.0.bias"])
    network = Network(Shape(inputs // 2 - kernels, width, kernels, heads, inner))
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return network.eval()


def batch_of(questions: Sequence[Shown]) -> Batch:
    """Questions side by side."""
    count = len(questions)
    candidates = max(len(one.matrix) for one in questions)
    precedents = max(1, *(len(one.precedents.rows) for one in questions))
    measures = np.zeros((count, candidates, questions[0].matrix.shape[1]), np.float32)
    present = np.zeros((count, candidates), bool)
    spoken = np.zeros((count, precedents), bool)
    rows = np.zeros((count, precedents), np.int64)
    of_precedents = np.zeros((count, precedents, len(PRECEDENT_NAMES)), np.float32)
    for at, one in enumerate(questions):
        here, earlier = len(one.matrix), len(one.precedents.rows)
        measures[at, :here], present[at, :here] = one.matrix, True
        of_precedents[at, :earlier], rows[at, :earlier] = (
            one.precedents.measures,
            one.precedents.rows,
        )
        spoken[at, :earlier] = True
    arrays = (measures, present, of_precedents, rows, spoken)
    return Batch(*(torch.from_numpy(array) for array in arrays))


def logarithm(shares: Tensor) -> Tensor:
    """Of measures, which are seldom below 0."""
    return torch.log(shares.clamp_min(0.0) + _LEAST)
