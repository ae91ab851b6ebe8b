"""Whether attention on this device is what attention is, and what a call of it costs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch is typed in part.

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from engines.generation.batching.attention import CacheShape, KeyValues, Part, RunKeyValues
from engines.generation.batching.flash import FlashKeyValues, FlashLayout, flash
from tests.benchmarks.serving.asked import Asked

_BLOCK, _CALLS = 16, 20


@dataclass(frozen=True)
class Case:
    """Requests of one step of a model."""

    name: str
    heads: int
    shared: int
    """Heads of keys and values."""
    size: int
    parts: Sequence[tuple[int, int]]
    """Keys that are there, and new ones, of each request."""


CASES = (
    Case("one long request decodes", 12, 2, 128, [(3000, 1)]),
    Case("32 requests decode", 12, 2, 128, [(37 * at + 5, 1) for at in range(32)]),
    Case("requests decode, a key-value head for each head", 8, 8, 64, [(700, 1), (3, 1)]),
    Case("prompts", 12, 2, 128, [(0, 300), (0, 17), (0, 129)]),
    Case("prompts behind a prefix", 12, 2, 128, [(210, 90), (256, 2), (1500, 400)]),
    Case("some decode, some read", 12, 2, 128, [(900, 1), (3, 1), (210, 90), (0, 64)]),
    Case("small heads", 4, 2, 32, [(20, 1), (0, 33)]),
    Case("the largest heads", 8, 4, 256, [(500, 1), (10, 40)]),
)


def measure(asked: Asked) -> dict[str, Any]:
    """For each case the largest error, beside that of the same numbers rounded, and microseconds.

    On a CPU the kernel is stood in for: it is the case's own code that runs then.
    """
    return {case.name: _tried(case, asked) for case in CASES}


def packed(
    query: Tensor, keys: Tensor, values: Tensor, layout: FlashLayout, scale: float
) -> Tensor:
    """What `flash` computes, request by request."""
    heard = list[Tensor]()
    bounds: list[int] = layout.bounds.tolist()
    begins: list[int] = layout.begins.tolist()
    lengths: list[int] = layout.lengths.tolist()
    for at, length in enumerate(lengths):
        mine = query[bounds[at] : bounds[at + 1]].transpose(0, 1)
        theirs = slice(begins[at], begins[at] + length)
        seen = torch.ones(mine.shape[1], length, dtype=torch.bool, device=query.device)
        heard.append(
            scaled_dot_product_attention(
                mine,
                keys[theirs].transpose(0, 1),
                values[theirs].transpose(0, 1),
                attn_mask=seen.tril(length - mine.shape[1]),
                scale=scale,
                enable_gqa=True,
            ).transpose(0, 1)
        )
    return torch.cat(heard)


def _tried(case: Case, asked: Asked) -> dict[str, float]:
    device = torch.device(asked.device)
    half = torch.bfloat16 if asked.cuda else torch.float32
    parts = _parts(case)
    exact, ours = (
        CacheShape(1, case.shared, case.size, dtype, device) for dtype in (torch.float32, half)
    )
    slots = parts[-1].start + parts[-1].end + _BLOCK
    right = RunKeyValues(exact, slots=slots)
    tried = FlashKeyValues(ours, slots=slots, attention=flash if asked.cuda else packed)
    with torch.inference_mode():
        before = [Part(part.start, 0, part.filled) for part in parts if part.filled]
        if before:
            _attended(right, case, before, torch.float32, asked)
            _attended(tried, case, before, half, asked)
        wanted = _attended(right, case, parts, torch.float32, asked)
        found = _attended(tried, case, parts, half, asked)
        error = (found.float() - wanted).abs().max().item()
        rounding = (wanted.to(half).float() - wanted).abs().max().item()
        return {
            "error": error,
            "rounding": rounding,
            "us": _microseconds(tried, case, parts, half, asked),
        }


def _parts(case: Case) -> list[Part]:
    parts, start = list[Part](), 0
    for filled, count in case.parts:
        parts.append(Part(start, filled, count))
        start += -(-(filled + count + 1) // _BLOCK) * _BLOCK
    return parts


def _new(case: Case, count: int, dtype: torch.dtype, asked: Asked) -> list[Tensor]:
    """Query, key and value, rounded to bfloat16 whatever their type, as in a model."""
    chance = torch.Generator().manual_seed(asked.seed + count)
    heads = (case.heads, case.shared, case.shared)
    return [
        torch.randn(1, count, each, case.size, generator=chance)
        .to(torch.bfloat16)
        .to(asked.device, dtype)
        .transpose(1, 2)
        for each in heads
    ]


def _attended(
    store: KeyValues, case: Case, parts: Sequence[Part], dtype: torch.dtype, asked: Asked
) -> Tensor:
    query, key, value = _new(case, sum(part.count for part in parts), dtype, asked)
    layout = store.layout(parts)
    return store.attend(0, query, key, value, scale=case.size**-0.5, layout=layout)


def _microseconds(
    store: FlashKeyValues, case: Case, parts: Sequence[Part], dtype: torch.dtype, asked: Asked
) -> float:
    query, key, value = _new(case, sum(part.count for part in parts), dtype, asked)
    layout = store.layout(parts)
    seconds = list[float]()
    for _ in range(_CALLS if asked.cuda else 1):
        began = time.perf_counter()
        store.attend(0, query, key, value, scale=case.size**-0.5, layout=layout)
        if asked.cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return min(seconds) * 1e6
