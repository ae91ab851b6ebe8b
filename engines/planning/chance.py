"""Random numbers inside of kernels: Marsaglia's xorshift (2003), 64 bits of state."""

import numpy as np

from engines.planning.arrays import Ints
from engines.planning.compiled import compiled

_LOW_57 = (1 << 57) - 1
_SCALE = 1.0 / (1 << 32)


def seeded(seed: int) -> Ints:
    """A state [1]; every seed has its own."""
    return np.random.default_rng(seed).integers(1, 1 << 62, 1, np.int64)


@compiled
def drawn(state: Ints) -> int:
    """The next 32 bits."""
    bits = state[0]
    bits ^= bits << 13
    bits ^= (bits >> 7) & _LOW_57
    bits ^= bits << 17
    state[0] = bits
    return (bits >> 31) & 0xFFFFFFFF


@compiled
def below(state: Ints, limit: int) -> int:
    """A number from 0 up to, without, the limit."""
    return (drawn(state) * limit) >> 32


@compiled
def share(state: Ints) -> float:
    """A number from 0 up to, without, 1."""
    return drawn(state) * _SCALE
