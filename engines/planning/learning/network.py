"""The scorer as a torch module, for training; its arithmetic is `scorer.score`'s."""

from typing import Any

import numpy as np
import torch
from torch import nn
from typing_extensions import override

from engines.planning.learning.scorer import Weights

OUT = -1e9
"""The score of what is no candidate."""


class Scorer(nn.Module):
    """Scores `[b, k]` of candidates `[b, k, d]`."""

    def __init__(self, weights: Weights) -> None:
        """Starts from `weights`."""
        super().__init__()
        for name, value in weights._asdict().items():
            self.register_parameter(name, nn.Parameter(torch.tensor(value)))

    def layers(self, rows: torch.Tensor, is_candidate: torch.Tensor) -> torch.Tensor:
        """The second hidden layer, `[b, k, h]`; `is_candidate` is `[b, k]`."""
        weights: Any = self
        hidden = torch.relu(rows @ weights.first + weights.first_bias)
        there = is_candidate.unsqueeze(-1).to(rows.dtype)
        mean = (hidden * there).sum(1) / there.sum(1).clamp(min=1.0)
        context = mean @ weights.pooled + weights.second_bias
        return torch.relu(hidden @ weights.second + context.unsqueeze(1))

    def scores(
        self, rows: torch.Tensor, layer: torch.Tensor, is_candidate: torch.Tensor
    ) -> torch.Tensor:
        """Scores `[b, k]` from the second layer."""
        weights: Any = self
        scores = layer @ weights.last + rows @ weights.linear
        return scores.masked_fill(~is_candidate, OUT)

    @override
    def forward(self, rows: torch.Tensor, is_candidate: torch.Tensor) -> torch.Tensor:
        """Scores `[b, k]`."""
        return self.scores(rows, self.layers(rows, is_candidate), is_candidate)

    def weights(self) -> Weights:
        """What has been learned, for the compiled scorer."""
        state = {name: value.detach().numpy() for name, value in self.named_parameters()}
        return Weights(**{k: np.array(v, np.float32) for k, v in state.items()})
