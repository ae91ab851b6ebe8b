"""Both stores of keys and values against attention written out by hand."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch is typed in part.

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from engines.generation.batching.attention import CacheShape, KeyValues, Part, RunKeyValues
from engines.generation.batching.flash import FlashKeyValues, FlashLayout, flash_takes

HEADS, SHARED, SIZE, BLOCK = 4, 2, 8, 16
"""Of queries, of keys and values; of a head; tokens of a page."""
SHAPE = CacheShape(
    layers=2, heads=SHARED, head_size=SIZE, dtype=torch.float32, device=torch.device("cpu")
)


def naive(query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """Causal attention of the last queries: [q, heads, size] over [k, shared, size]."""
    heard = torch.zeros_like(query)
    for at in range(query.shape[0]):
        seen = keys.shape[0] - query.shape[0] + at + 1
        for head in range(HEADS):
            shared = head // (HEADS // SHARED)
            weights = (keys[:seen, shared] @ query[at, head] * scale).softmax(0)
            heard[at, head] = weights @ values[:seen, shared]
    return heard


def naive_varlen(
    query: Tensor, keys: Tensor, values: Tensor, layout: FlashLayout, scale: float
) -> Tensor:
    """What torch's documentation says of `varlen_attn`, request by request."""
    heard: list[Tensor] = []
    assert all(each.dtype == torch.int32 for each in (layout.bounds, layout.begins, layout.lengths))
    bounds, begins = layout.bounds.tolist(), layout.begins.tolist()
    assert len(bounds) == len(begins) == len(layout.lengths) + 1
    assert bounds[-1] == len(query)
    for at, length in enumerate(layout.lengths.tolist()):
        assert bounds[at + 1] - bounds[at] <= layout.most_queries
        assert length <= layout.most_keys
        run = slice(begins[at], begins[at] + length)
        heard.append(naive(query[bounds[at] : bounds[at + 1]], keys[run], values[run], scale))
    return torch.cat(heard)


STORES: list[KeyValues] = [
    RunKeyValues(SHAPE, slots=8 * BLOCK),
    FlashKeyValues(SHAPE, slots=8 * BLOCK, attention=naive_varlen),
]


def packed(count: int, heads: int, seed: int) -> Tensor:
    """[1, heads, tokens, size], laid out as a model's projections are."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, count, heads, SIZE, generator=generator).transpose(1, 2)


def attended(store: KeyValues, layer: int, parts: Sequence[Part], seed: int) -> tuple[Tensor, ...]:
    count = sum(part.count for part in parts)
    query, key, value = (
        packed(count, heads, seed + at) for at, heads in enumerate((HEADS, SHARED, SHARED))
    )
    layout = store.layout(parts)
    heard = store.attend(layer, query, key, value, scale=0.3, layout=layout)
    return heard, query, key, value


@pytest.mark.parametrize("store", STORES, ids=["runs", "flash"])
def test_each_request_attends_to_its_own_run_only(store: KeyValues) -> None:
    first, second = Part(5 * BLOCK, 0, 20), Part(0, 0, 33)
    prompts, query, key, value = attended(store, 1, [first, second], seed=1)
    rows = (slice(0, 20), slice(20, 53))
    for row in rows:
        wanted = naive(
            query[0, :, row].transpose(0, 1),
            key[0, :, row].transpose(0, 1),
            value[0, :, row].transpose(0, 1),
            0.3,
        )
        torch.testing.assert_close(prompts[0, row], wanted)
    # One token of each, then another part of a prompt, all in one pass.
    third = Part(3 * BLOCK, 0, 4)
    parts = [Part(0, 33, 1), Part(5 * BLOCK, 20, 1), third]
    heard, query2, key2, value2 = attended(store, 1, parts, seed=7)
    for at, row in enumerate(reversed(rows)):
        wanted = naive(
            query2[0, :, at : at + 1].transpose(0, 1),
            torch.cat((key[0, :, row], key2[0, :, at : at + 1]), 1).transpose(0, 1),
            torch.cat((value[0, :, row], value2[0, :, at : at + 1]), 1).transpose(0, 1),
            0.3,
        )
        torch.testing.assert_close(heard[0, at : at + 1], wanted)


@pytest.mark.parametrize("store", STORES, ids=["runs", "flash"])
def test_a_prompt_in_two_parts_over_a_copied_prefix_is_as_in_one(store: KeyValues) -> None:
    whole, *_ = attended(store, 0, [Part(0, 0, 24)], seed=3)
    store.copy(0, 4 * BLOCK, 10)
    query, key, value = (
        packed(24, heads, 3 + at)[:, :, 10:] for at, heads in enumerate((HEADS, SHARED, SHARED))
    )
    layout = store.layout([Part(4 * BLOCK, 10, 14)])
    rest = store.attend(0, query, key, value, scale=0.3, layout=layout)
    torch.testing.assert_close(rest, whole[:, 10:])


@pytest.mark.parametrize("store", STORES, ids=["runs", "flash"])
@pytest.mark.parametrize("target", [3, 40])
def test_keys_and_values_are_copied_whole_where_the_two_overlap_as_well(
    store: KeyValues, target: int
) -> None:
    heard, query, *_ = attended(store, 0, [Part(0, 0, 24)], seed=5)
    store.copy(0, target, 23)
    key, value = (packed(24, SHARED, 6 + at)[:, :, 23:] for at in range(2))
    layout = store.layout([Part(target, 23, 1)])
    last = store.attend(0, query[:, :, 23:], key, value, scale=0.3, layout=layout)
    torch.testing.assert_close(last, heard[:, 23:])


def test_flash_is_for_half_precision_on_cuda() -> None:
    cuda = torch.device("cuda")
    assert flash_takes(CacheShape(1, 1, 128, torch.bfloat16, cuda))
    assert not flash_takes(CacheShape(1, 1, 128, torch.float32, cuda))
    assert not flash_takes(CacheShape(1, 1, 512, torch.bfloat16, cuda))
    assert not flash_takes(CacheShape(1, 1, 100, torch.bfloat16, cuda))
    assert not flash_takes(SHAPE)


def test_stores_know_their_size_and_can_be_emptied() -> None:
    store = RunKeyValues(SHAPE, slots=10)
    assert store.size_bytes == 10 * SHAPE.token_bytes == 10 * 2 * 2 * SHARED * SIZE * 4
    store.drop()
    assert store.size_bytes == 0
