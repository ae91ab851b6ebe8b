"""Numbers of the host onto the device, without waiting for what the device is doing.

A plain `torch.tensor(values, device="cuda")` waits until the device has done all that was asked of
it: each one in a step is a gap in which it has nothing to do. From pinned memory the copy joins
the queue; torch gives that memory out again only once the copy is over.
"""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Sequence

import torch
from torch import Tensor


def upload(
    values: Sequence[int] | Sequence[float] | Sequence[Sequence[float]],
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """A tensor on the device; on a CPU it is there at once."""
    if device.type == "cpu":
        return torch.tensor(values, dtype=dtype)
    return host(values, dtype, device).to(device, non_blocking=True)


def host(
    values: Sequence[int] | Sequence[float] | Sequence[Sequence[float]],
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """A tensor of the host, in memory that the device reads from by itself where it is CUDA."""
    return torch.tensor(values, dtype=dtype, pin_memory=device.type == "cuda")
