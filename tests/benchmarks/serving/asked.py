"""What a run of the benchmark was asked to measure; handed to each part's process as JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from engines.generation.batching.settings import Precision


@dataclass(frozen=True)
class Asked:
    """The same for all parts of a run."""

    folder: str
    """Of the model all backends serve."""
    shape: str
    device: str
    seed: int
    requests: int
    exact_requests: int
    cancels: int
    hang_s: float
    """After which ours takes its engine for hung."""
    slo_s: float
    """The latency that 95 % of requests must keep."""
    trials: int = 7
    """Rates at which that is tried."""
    trial_s: float = 8.0
    precision: Precision | None = None
    """Of our weights; None for the device's usual one, which the others always have."""
    graphs: bool = False
    """Whether ours records its steps as CUDA graphs."""
    timeout_s: float = 3600.0
    """After which a part is given up."""

    def as_json(self) -> str:
        """For `read`."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """From `as_json`."""
        return cls(**json.loads(text))

    @property
    def cuda(self) -> bool:
        """Whether it runs on a CUDA device: then seconds are of the wall, not of the CPU."""
        return self.device == "cuda"
