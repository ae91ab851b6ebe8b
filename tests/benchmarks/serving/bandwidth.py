"""What the device's memory gives: the roof over decoding."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

import time

import torch

from tests.benchmarks.serving.asked import Asked

_COPIED_BYTES = {"cpu": 1 << 27, "cuda": 1 << 31}
"""Many times what a cache holds."""
_COPIES = 10


def bandwidth(asked: Asked) -> float:
    """Bytes read and written per second by a copy within the device's memory; the best of ten."""
    source = torch.zeros(_COPIED_BYTES[asked.device], dtype=torch.uint8, device=asked.device)
    target = torch.zeros_like(source)
    seconds = [_seconds(source, target, asked) for _ in range(_COPIES)]
    moved = 2 * source.numel()
    if asked.cuda:
        del source, target  # what is measured next has the device to itself
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return moved / min(seconds)


def _seconds(source: torch.Tensor, target: torch.Tensor, asked: Asked) -> float:
    if asked.cuda:
        torch.cuda.synchronize()
    began = time.perf_counter()
    target.copy_(source)
    if asked.cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began
