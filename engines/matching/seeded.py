"""Torch's random state is the process's: who begins from a seed must not share it."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock

import torch

_alone = Lock()


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Chance begins from the seed while the block lasts, in no other thread that asks for it, and
    goes on as it was afterwards.
    """
    with _alone, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
