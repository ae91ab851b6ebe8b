"""What an operator decides about a model that runs in this process."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "bfloat16", "float16", "int8", "int4"]


@dataclass(frozen=True)
class LocalSettings:
    """One model and the means it may use."""

    name: str
    """As the operator calls it."""
    source: str
    """A folder with a model in safetensors, or a hub id."""
    hub_allowed: bool = False
    """Whether `source` may be fetched; otherwise it must lie on this machine."""
    device: str = "cpu"
    """As torch names it."""
    precision: Precision | None = None
    """None for float32 on a CPU and bfloat16 elsewhere. int8 and int4 are of the linear layers'
    weights; the rest is then as with None."""
    memory_gb: float = 2.0
    """For weights, key-value cache and the work of one step together."""
    max_requests: int = 64
    """Written at the same time."""
    max_waiting: int = 256
    """Beyond those; more are refused."""
    cuda_graphs: bool = False
    """Record and replay decoding steps on CUDA. Off until it was measured there."""
    max_adapters: int = 8
    """LoRA adapters loaded at the same time."""
    threads: int = 1
    """Of torch in this process, on a CPU. Threads that wait for each other burn the cores that
    other workers need."""
    hang_s: float = 10.0
    """A step that takes longer than this has hung: the engine is started anew. (Steps are kept to
    about a second.)"""
