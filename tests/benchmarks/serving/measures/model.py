"""Makes the model that the other parts load, in a process that then lets go of the device."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

import os
from pathlib import Path
from typing import Any, cast

import torch

from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.shapes import make


def measure(asked: Asked) -> dict[str, Any]:
    """Bytes of its weights on disk, and what it was made on."""
    folder = make(asked.shape, Path(asked.folder), asked.device)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return {"bytes": size, "device": _device(asked)}


def _device(asked: Asked) -> str:
    if not asked.cuda:
        return f"the CPU, 1 thread of {os.cpu_count()}; float32; CPU seconds of each process"
    card: Any = cast(Any, torch.cuda).get_device_properties(0)
    return (
        f"{card.name}, {card.total_memory / 1e9:.0f} GB, compute capability "
        f"{card.major}.{card.minor}, CUDA {cast(Any, torch.version).cuda}; bfloat16; seconds of "
        "the wall"
    )
