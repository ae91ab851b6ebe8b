"""How the next token of each request is chosen from its row of logits."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch is typed in part.

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.generation.batching.uploads import upload
from engines.generation.types import Sampling

_ROWS_AT_ONCE = 16
"""Drawing takes some ten float64 of memory for each logit of a row."""
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Pick:
    """How one row is sampled."""

    row: int
    sampling: Sampling
    seed: int
    position: int
    """Tokens written before this one."""


def choose(logits: Tensor, picks: Sequence[Pick]) -> list[int]:
    """One token for each row: the likeliest, except in the rows that are sampled.

    What is drawn in a row depends on its logits, seed and position only: not on its neighbours, and
    not on what was drawn before, so that a request can be taken up again in its middle.

    Args:
        logits: [rows, vocabulary], float32.
        picks: The rows that are sampled; the others are greedy.
    """
    tokens = logits.argmax(dim=-1)
    for at in range(0, len(picks), _ROWS_AT_ONCE):
        some = picks[at : at + _ROWS_AT_ONCE]
        rows = upload([pick.row for pick in some], torch.long, logits.device)
        tokens[rows] = _drawn(logits[rows], some)
    return [int(token) for token in tokens.tolist()]


def _drawn(logits: Tensor, picks: Sequence[Pick]) -> Tensor:
    vocabulary = logits.shape[-1]
    asked = [
        (
            pick.sampling.temperature,
            pick.sampling.top_p,
            float(pick.sampling.top_k or vocabulary),
            uniform(pick.seed, pick.position),
        )
        for pick in picks
    ]
    heat, top_p, top_k, chance = upload(asked, torch.float64, logits.device).split(1, dim=1)
    ordered, ids = (logits.double() / heat).softmax(dim=-1).sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    rank = torch.arange(vocabulary, device=logits.device)[None, :]
    # The likeliest token always stays: nothing is before it.
    kept = ordered.masked_fill((rank >= top_k) | ((before >= top_p) & (rank > 0)), 0.0)
    reached = kept.cumsum(dim=-1)
    place = torch.searchsorted(reached, chance * reached[:, -1:], right=True)
    # Never below 0, whatever the logits are: an index outside takes a CUDA device from the process.
    last = ((kept > 0).sum(dim=-1, keepdim=True) - 1).clamp_(min=0)
    return ids.gather(-1, torch.minimum(place, last)).squeeze(-1)


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1) that depends on both, by SplitMix64 (Steele, Lea, Flood 2014)."""
    state = (seed * 0x9E3779B97F4A7C15 + (position + 1) * 0xD1B54A32D192ED03) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) / (1 << 53)
