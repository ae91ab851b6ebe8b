"""Attention on CUDA in half precision: torch's own flash attention over all requests at once.

`torch.nn.attention.varlen.varlen_attn` reads keys and values through a page table
(docs.pytorch.org, "torch.nn.attention.varlen"). A run is a row of neighbouring pages, so a request
costs one row of the table and needs no other bookkeeping.
"""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

from engines.generation.batching.attention import CacheShape, Part

_HALF = (torch.float16, torch.bfloat16)
_LARGEST_HEAD = 256
_CAUSAL = (-1, 0)
"""A window: any distance back, none ahead; aligned to the last query and the last key."""


def flash_serves(shape: CacheShape) -> bool:
    """Whether flash attention takes keys and values of this kind."""
    on_cuda = shape.device.type == "cuda"
    return on_cuda and shape.dtype in _HALF and shape.head_size <= _LARGEST_HEAD


@dataclass(frozen=True)
class FlashLayout:
    """What a pass looks like to flash attention."""

    slots: Tensor
    """[tokens]: where each new key and value goes."""
    starts: Tensor
    """[requests + 1], int32: bounds of the requests among the packed tokens."""
    lengths: Tensor
    """[requests], int32: keys of each, the new ones included."""
    pages: Tensor
    """[requests, most pages], int32."""
    most_queries: int
    most_keys: int


class FlashKeyValues:
    """Keys and values by page: [pages, page, key-value heads, head size] for each layer."""

    def __init__(
        self,
        shape: CacheShape,
        *,
        blocks: int,
        block: int,
        attention: Callable[..., Any] = varlen_attn,
    ) -> None:
        """Room for `blocks` pages of `block` tokens, and one page that is no one's.

        Args:
            shape: Of the model.
            blocks: Pages.
            block: Tokens of a page, a multiple of 256.
            attention: With the meaning of `varlen_attn`.
        """
        size = (blocks + 1, block, shape.heads, shape.head_size)
        self.block = block
        self._spare = blocks
        self._device = shape.device
        self._attention = attention
        self._keys = [
            torch.zeros(size, dtype=shape.dtype, device=shape.device) for _ in range(shape.layers)
        ]
        self._values = [torch.zeros_like(keys) for keys in self._keys]

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
            slots = tensor.flatten(0, 1)
            slots[target : target + count] = slots[source : source + count].clone()

    def layout(self, parts: Sequence[Part]) -> FlashLayout:
        """See `KeyValues.layout`."""
        slots: list[int] = []
        starts = [0]
        for part in parts:
            slots.extend(range(part.start + part.filled, part.start + part.end))
            starts.append(len(slots))
        most = max(part.end for part in parts)
        return FlashLayout(
            slots=torch.tensor(slots, device=self._device),
            starts=self._int32(starts),
            lengths=self._int32([part.end for part in parts]),
            pages=self._pages(parts, -(-most // self.block)).to(self._device),
            most_queries=max(part.count for part in parts),
            most_keys=most,
        )

    def spare_layout(self, rows: int, columns: int) -> FlashLayout:
        """Of `rows` requests of one new token each and up to `columns` pages, for `fill`."""
        return FlashLayout(
            slots=torch.full((rows,), self._spare * self.block, device=self._device),
            starts=self._int32(list(range(rows + 1))),
            lengths=self._int32([1] * rows),
            pages=self._int32([[self._spare] * columns] * rows),
            most_queries=1,
            most_keys=columns * self.block,
        )

    def fill(self, layout: FlashLayout, parts: Sequence[Part]) -> None:
        """Make a layout from `spare_layout` that of these parts, in place; its other rows read and
        write the page that is no one's.
        """
        rows, columns = layout.pages.shape
        spare = rows - len(parts)
        slots = [part.start + part.filled for part in parts] + [self._spare * self.block] * spare
        lengths = [part.end for part in parts] + [1] * spare
        pages = torch.full((rows, columns), self._spare, dtype=torch.int32)
        pages[: len(parts)] = self._pages(parts, columns)
        layout.slots.copy_(torch.tensor(slots))
        layout.lengths.copy_(torch.tensor(lengths))
        layout.pages.copy_(pages)

    def _pages(self, parts: Sequence[Part], columns: int) -> Tensor:
        """[requests, columns]. Those beyond a request's own pages are not read: its length says
        where it ends.
        """
        first = torch.tensor([[part.start // self.block] for part in parts])
        return (first + torch.arange(columns)).clamp(max=self._spare).to(torch.int32)

    def attend(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scale: float,
        layout: FlashLayout,
    ) -> Tensor:
        """See `KeyValues.attend`."""
        keys, values = self._keys[layer], self._values[layer]
        keys.flatten(0, 1).index_copy_(0, layout.slots, key[0].transpose(0, 1))
        values.flatten(0, 1).index_copy_(0, layout.slots, value[0].transpose(0, 1))
        heard: Tensor = self._attention(
            query[0].transpose(0, 1).contiguous(),
            keys,
            values,
            layout.starts,
            None,
            layout.most_queries,
            layout.most_keys,
            scale=scale,
            window_size=_CAUSAL,
            enable_gqa=True,
            seqused_k=layout.lengths,
            block_table=layout.pages,
        )
        return heard[None]

    def _int32(self, values: list[int] | list[list[int]]) -> Tensor:
        return torch.tensor(values, dtype=torch.int32, device=self._device)
