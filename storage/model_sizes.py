"""How much memory a model takes on a card, in which precision it fits, and of which tier it is.

GB are 10^9 bytes throughout: a card sold with 16 GB has a little more, which its driver takes.
"""

from dataclasses import dataclass
from enum import StrEnum

from storage.model_folders import ModelFacts
from storage.models import Precision

GB = 1e9
CACHED_TOKENS = 32_768
"""Room in the key-value cache that is asked for: 64 requests of 512 tokens at the same time."""
RESERVE_BYTES = GB
"""For the device's own context, activations and what fragmentation costs."""
_BYTES = {Precision.FLOAT32: 4.0, Precision.BF16: 2.0, Precision.INT8: 1.0, Precision.INT4: 0.5}
_SCALE_BYTES = {Precision.INT4: 4 / 128}
"""For each weight: a scale and a zero point in 16 bits for every 128 of them."""
INTEGERS = (Precision.INT8, Precision.INT4)
ON_GPU = (Precision.BF16, Precision.INT8, Precision.INT4)
"""The largest, and most exact, first."""


class Tier(StrEnum):
    """A model's size, and with it what can be asked of one card; see docs/models.md."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    HUGE = "huge"


_TIERS = ((1e9, Tier.SMALL), (4e9, Tier.MEDIUM), (10e9, Tier.LARGE))
"""Up to how many parameters."""


@dataclass(frozen=True)
class Need:
    """What a model takes in one precision, in bytes."""

    precision: Precision
    weights: float
    cache: float
    reserve: float = RESERVE_BYTES

    @property
    def total_gb(self) -> float:
        """All of it."""
        return (self.weights + self.cache + self.reserve) / GB


def tier(facts: ModelFacts) -> Tier:
    """The tier of a model, by its parameters."""
    return next((name for most, name in _TIERS if facts.parameters <= most), Tier.HUGE)


def need(facts: ModelFacts, precision: Precision, *, float_bytes: float = 2.0) -> Need:
    """What the model takes in a precision (not `AUTO`).

    Weights that are quantized on disk stay as they are, whatever the precision.

    Args:
        facts: Of the model.
        precision: Of its weights.
        float_bytes: Of a weight that int8 and int4 leave a float.
    """
    if facts.quantized and facts.weight_bytes is not None:
        weights = float(facts.weight_bytes)
    else:
        whole = float_bytes if precision in INTEGERS else _BYTES[precision]
        matrices = facts.parameters - facts.unquantized
        packed = _BYTES[precision] + _SCALE_BYTES.get(precision, 0.0)
        weights = matrices * packed + facts.unquantized * whole
    cache = facts.kv_bytes_per_token * min(CACHED_TOKENS, 64 * facts.context_tokens)
    return Need(precision, weights, float(cache))


def needs(facts: ModelFacts, precision: Precision = Precision.AUTO) -> tuple[Need, ...]:
    """What it takes in that precision, or in each that a GPU has."""
    each = ON_GPU if precision is Precision.AUTO else (precision,)
    return tuple(need(facts, one) for one in (each[:1] if facts.quantized else each))


def largest_fitting(
    facts: ModelFacts, budget_gb: float, precision: Precision = Precision.AUTO
) -> Need | None:
    """The most exact that fits the budget; None where none does."""
    found = (each for each in needs(facts, precision) if each.total_gb <= budget_gb)
    return next(found, None)
