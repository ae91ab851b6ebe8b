"""Attention over contiguous runs: keys and values are read where they lie.

One forward pass takes the tokens of all requests packed into one row, [1, tokens]: first the
requests that write (one token each), then the parts of prompts. The linear layers see all of them
at once; attention is computed request by request, over the request's own run. Continuous batching
in transformers instead gathers all runs into one and masks a [tokens, all keys] attention, where
no flash attention is at hand.
"""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# torch is typed in part.

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from engines.generation.batching.uploads import upload

NAME = "gryphgen_runs"
"""In the registry of attention functions of transformers."""


@dataclass(frozen=True)
class CacheShape:
    """Sizes of a model that decide how its keys and values are kept."""

    layers: int
    heads: int
    """Of keys and values."""
    head_size: int
    dtype: torch.dtype
    device: torch.device

    @property
    def token_bytes(self) -> int:
        """Of the keys and values of one token."""
        return 2 * self.layers * self.heads * self.head_size * self.dtype.itemsize


@dataclass(frozen=True)
class Part:
    """What one request contributes to one forward pass."""

    start: int
    """First slot of its run."""
    filled: int
    """Tokens whose keys and values are there."""
    count: int
    """Tokens computed now."""

    @property
    def end(self) -> int:
        """Tokens whose keys and values are there afterwards."""
        return self.filled + self.count


class KeyValues(Protocol):
    """The keys and values of all requests, and attention over them."""

    def layout(self, parts: Sequence[Part]) -> Any:
        """What attention needs to know of a pass, computed once for all layers.

        Parts of one token come first, in the order of their runs.
        """
        ...

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, *, scale: float, layout: Any
    ) -> Tensor:
        """Store the new keys and values and attend to all of each request's.

        Args:
            layer: Of the decoder.
            query: [1, heads, tokens, head size].
            key: [1, key-value heads, tokens, head size].
            value: As `key`.
            scale: Of the products of queries and keys.
            layout: From `layout`.

        Returns:
            [1, tokens, heads, head size].
        """
        ...

    def copy(self, source: int, target: int, count: int) -> None:
        """Copy the keys and values of `count` slots; the two may overlap."""
        ...

    def drop(self) -> None:
        """Free them."""
        ...

    @property
    def size_bytes(self) -> int:
        """Of memory held."""
        ...


@dataclass(frozen=True)
class _Chunk:
    """A part of a prompt: where it is among the packed tokens and among the slots."""

    begin: int
    count: int
    start: int
    length: int
    mask: Tensor | None
    """[count, length], True where a query may look; None where plain causal."""


@dataclass(frozen=True)
class _Layout:
    slots: Tensor
    """[tokens]: where each new key and value goes."""
    pieces: list[int]
    """Cuts the arena into gap, run, gap, run, …, rest: one call makes the views of all runs."""
    chunks: tuple[_Chunk, ...]

    @property
    def writing(self) -> int:
        return len(self.pieces) // 2


class RunKeyValues:
    """Keys and values by head and slot: [1, key-value heads, slots, head size] for each layer."""

    def __init__(self, shape: CacheShape, *, slots: int) -> None:
        """Room for the keys and values of `slots` tokens."""
        size = (1, shape.heads, slots, shape.head_size)
        self._slots = slots
        self._keys = _zeros(size, shape)
        self._values = _zeros(size, shape)

    @property
    def size_bytes(self) -> int:
        """Of memory held."""
        return sum(tensor.nbytes for tensor in (*self._keys, *self._values))

    def drop(self) -> None:
        """Free them."""
        self._keys.clear()
        self._values.clear()

    def copy(self, source: int, target: int, count: int) -> None:
        """Copy the keys and values of `count` slots; the two may overlap."""
        for tensor in (*self._keys, *self._values):
            tensor[:, :, target : target + count] = tensor[:, :, source : source + count].clone()

    def layout(self, parts: Sequence[Part]) -> _Layout:
        """Where the parts' tokens go, the cuts for those of one token, the masks of the others."""
        slots: list[int] = []
        pieces: list[int] = []
        chunks: list[_Chunk] = []
        cut = 0
        for part in parts:
            if part.count == 1 and not chunks:
                pieces += (part.start - cut, part.end)
                cut = part.start + part.end
            else:
                mask = self._mask(part)
                chunks.append(_Chunk(len(slots), part.count, part.start, part.end, mask))
            slots.extend(range(part.start + part.filled, part.start + part.end))
        pieces.append(self._slots - cut)
        return _Layout(upload(slots, torch.long, self._keys[0].device), pieces, tuple(chunks))

    def attend(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scale: float,
        layout: _Layout,
    ) -> Tensor:
        """See `KeyValues.attend`."""
        keys, values = self._keys[layer], self._values[layer]
        keys.index_copy_(2, layout.slots, key)
        values.index_copy_(2, layout.slots, value)
        parts: list[Tensor] = []
        if layout.writing:
            parts.append(_next_tokens(query, keys, values, scale=scale, layout=layout))
        for chunk in layout.chunks:
            run = slice(chunk.start, chunk.start + chunk.length)
            heard = scaled_dot_product_attention(
                query[:, :, chunk.begin : chunk.begin + chunk.count],
                keys[:, :, run],
                values[:, :, run],
                attn_mask=chunk.mask,
                is_causal=chunk.mask is None,
                scale=scale,
                enable_gqa=True,
            )
            parts.append(heard.transpose(1, 2))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _mask(self, part: Part) -> Tensor | None:
        if part.filled == 0:
            return None
        allowed = torch.ones(part.count, part.end, dtype=torch.bool, device=self._keys[0].device)
        return allowed.tril(part.filled)


def _next_tokens(
    query: Tensor, keys: Tensor, values: Tensor, *, scale: float, layout: _Layout
) -> Tensor:
    """Attention of the requests that write, one query each; [1, requests, heads, head size].

    The query heads that share a key-value head are taken as that head's queries: keys and values
    are then read once, not once for each of them.
    """
    count = layout.writing
    _, heads, _, size = query.shape
    shared = keys.shape[1]
    queries = query[0, :, :count].transpose(0, 1).reshape(count, shared, heads // shared, size)
    runs = zip(
        queries.split(1),
        keys.split(layout.pieces, dim=2)[1::2],
        values.split(layout.pieces, dim=2)[1::2],
        strict=True,
    )
    heard = [scaled_dot_product_attention(q, k, v, scale=scale) for q, k, v in runs]
    return torch.cat(heard).view(1, count, heads, size)


def _zeros(size: tuple[int, ...], shape: CacheShape) -> list[Tensor]:
    return [torch.zeros(size, dtype=shape.dtype, device=shape.device) for _ in range(shape.layers)]
