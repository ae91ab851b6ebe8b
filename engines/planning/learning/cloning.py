"""The scorer cloned from a teacher who looks ahead: it takes what the teacher expects least of."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from engines.planning.learning.network import Scorer
from engines.planning.learning.scorer import Weights
from engines.planning.learning.teaching import SEEN, Tape, batches

PERCENT = 100.0


@dataclass(frozen=True)
class Cloning:
    """How the scorer is cloned."""

    epochs: int = 25
    batch: int = 512
    rate: float = 1e-3
    calm: float = 0.0
    """Weight of the entropy, in percent of the bound."""


def clone(weights: Weights, tape: Tape, how: Cloning, seed: int) -> Iterator[tuple[Weights, float]]:
    """After each epoch the scorer and its regret, in percent of the bound over the base's.

    The loss is the teacher's expected loss under the scorer's softmax, so that an error weighs as
    much as it costs; imitating the teacher's choice alone would weigh ties like blunders.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    scorer = Scorer(weights)
    steps = how.epochs * max(1, -(-int(tape.length[0]) // how.batch))
    optimizer = torch.optim.Adam(scorer.parameters(), lr=how.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(how.epochs):
        total, seen = 0.0, 0
        for chosen in batches(tape, how.batch, rng):
            loss, regret = _loss(scorer, tape, chosen, how.calm)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += regret * len(chosen)
            seen += len(chosen)
        yield scorer.weights(), total / max(seen, 1)


def _loss(
    scorer: Scorer, tape: Tape, chosen: np.ndarray, calm: float
) -> tuple[torch.Tensor, float]:
    rows = torch.from_numpy(tape.rows[chosen])
    losses = torch.from_numpy(tape.losses[chosen]) * PERCENT
    counts = torch.from_numpy(tape.counts[chosen])
    is_candidate = torch.arange(SEEN).unsqueeze(0) < counts.unsqueeze(1)
    chances = torch.log_softmax(scorer(rows, is_candidate), dim=1)
    shares = chances.exp()
    expected = (shares * losses).sum(1)
    entropy = -(shares * chances.clamp(min=-50.0)).sum(1)
    return (expected - calm * entropy).mean(), float(expected.mean().detach())
