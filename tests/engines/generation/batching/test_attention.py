"""Both stores of keys and values against attention written out by hand."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from engines.generation.batching.attention import CacheShape, KeyValues, Part, RunKeyValues
from engines.generation.batching.flash import FlashKeyValues, flash_serves

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
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    starts: Tensor,
    _: None,
    most_queries: int,
    most_keys: int,
    **given: Any,
) -> Tensor:
    """What torch's documentation says of `varlen_attn` with a page table."""
    assert given["window_size"] == (-1, 0)
    assert given["enable_gqa"]
    heard: list[Tensor] = []
    for at, length in enumerate(given["seqused_k"].tolist()):
        table = given["block_table"][at].long()
        begin, end = int(starts[at]), int(starts[at + 1])
        assert end - begin <= most_queries
        assert length <= most_keys
        run_keys, run_values = (pool[table].flatten(0, 1)[:length] for pool in (keys, values))
        heard.append(naive(query[begin:end], run_keys, run_values, given["scale"]))
    return torch.cat(heard)


STORES: list[KeyValues] = [
    RunKeyValues(SHAPE, slots=8 * BLOCK),
    FlashKeyValues(SHAPE, blocks=8, block=BLOCK, attention=naive_varlen),
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


def test_flash_is_for_half_precision_on_cuda() -> None:
    cuda = torch.device("cuda")
    assert flash_serves(CacheShape(1, 1, 128, torch.bfloat16, cuda))
    assert not flash_serves(CacheShape(1, 1, 128, torch.float32, cuda))
    assert not flash_serves(CacheShape(1, 1, 512, torch.bfloat16, cuda))
    assert not flash_serves(SHAPE)


def test_stores_know_their_size_and_can_be_emptied() -> None:
    store = RunKeyValues(SHAPE, slots=10)
    assert store.size_bytes == 10 * SHAPE.token_bytes == 10 * 2 * 2 * SHARED * SIZE * 4
    store.drop()
    assert store.size_bytes == 0
