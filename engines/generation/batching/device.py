"""The memory of a CUDA device, which other processes use as well and torch keeps for itself."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from contextlib import suppress

import torch


def room_bytes(device: torch.device) -> int | None:
    """What can be allocated there now, with what torch keeps for the next who asks; None where it
    cannot be told.
    """
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def give_back(device: torch.device) -> None:
    """Let others have what torch keeps of freed memory."""
    if device.type == "cuda":
        # A device that is lost to this process takes nothing back, and needs nothing back.
        with suppress(RuntimeError):
            torch.cuda.empty_cache()
