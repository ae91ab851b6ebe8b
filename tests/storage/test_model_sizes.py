"""How much a model takes, and in which precision it fits a card."""

import pytest

from storage.model_folders import ModelFacts
from storage.model_sizes import CACHED_TOKENS, Tier, largest_fitting, need, needs, tier
from storage.models import Precision


def facts(
    billions: float, kv_bytes: int, *, unquantized: float = 0.0, **more: int | str
) -> ModelFacts:
    return ModelFacts("x", int(billions * 1e9), int(unquantized * 1e9), kv_bytes, 32_768, **more)  # pyright: ignore[reportArgumentType]


SMALL = facts(0.5, 12_288)
MEDIUM = facts(1.54, 28_672, unquantized=0.23)
LARGE = facts(7.6, 57_344, unquantized=1.09)
HUGE = facts(14.8, 196_608, unquantized=1.56)


def test_memory_is_weights_cache_and_a_reserve() -> None:
    found = need(MEDIUM, Precision.BF16)
    assert found.weights == pytest.approx(3.08e9)
    assert found.cache == 28_672 * CACHED_TOKENS
    assert found.total_gb == pytest.approx(3.08 + 0.94 + 1.0, abs=0.01)


@pytest.mark.parametrize(
    ("precision", "weights"),
    [
        (Precision.FLOAT32, 4 * 1.54),
        (Precision.BF16, 2 * 1.54),
        (Precision.INT8, 1.31 + 2 * 0.23),
        (Precision.INT4, 1.31 * (0.5 + 4 / 128) + 2 * 0.23),
    ],
)
def test_embeddings_stay_in_16_bits_where_the_rest_is_quantized(
    precision: Precision, weights: float
) -> None:
    assert need(MEDIUM, precision).weights / 1e9 == pytest.approx(weights)


def test_on_a_cpu_what_is_not_quantized_takes_32_bits() -> None:
    found = need(MEDIUM, Precision.INT8, float_bytes=4)
    assert found.weights / 1e9 == pytest.approx(1.31 + 4 * 0.23)
    assert need(MEDIUM, Precision.BF16, float_bytes=4) == need(MEDIUM, Precision.BF16)


@pytest.mark.parametrize(
    ("model", "budget_gb", "precision"),
    [
        (SMALL, 16, Precision.BF16),
        (MEDIUM, 16, Precision.BF16),
        (MEDIUM, 4.5, Precision.INT8),
        (LARGE, 24, Precision.BF16),
        (LARGE, 16, Precision.INT8),
        (LARGE, 9, Precision.INT4),
        (HUGE, 18, Precision.INT4),
        (HUGE, 8, None),
    ],
)
def test_the_most_exact_precision_that_fits_is_suggested(
    model: ModelFacts, budget_gb: float, precision: Precision | None
) -> None:
    fitting = largest_fitting(model, budget_gb)
    assert (fitting and fitting.precision) == precision


def test_a_precision_that_was_asked_for_is_the_only_one_looked_at() -> None:
    assert largest_fitting(LARGE, 16, Precision.BF16) is None
    assert [each.precision for each in needs(LARGE, Precision.INT4)] == [Precision.INT4]


def test_weights_quantized_on_disk_take_what_their_files_do() -> None:
    packed = facts(7.6, 57_344, quantized="gptq", weight_bytes=5_000_000_000)
    (only,) = needs(packed)
    assert only.weights == 5e9


@pytest.mark.parametrize(
    ("model", "name"),
    [(SMALL, Tier.SMALL), (MEDIUM, Tier.MEDIUM), (LARGE, Tier.LARGE), (HUGE, Tier.HUGE)],
)
def test_a_tier_goes_by_parameters(model: ModelFacts, name: Tier) -> None:
    assert tier(model) is name
