"""Attention on CUDA in half precision: torch's flash attention over all requests at once.

A run is contiguous, so the kernel reads it where it lies: it is told where each request's keys
begin and how many there are, which is what it is told of a packed batch, with room to spare between
the requests. No page table: with one, torch 2.13 may split the keys of a request between thread
blocks and then writes wrong rows (github.com/pytorch/pytorch/issues/194167), and takes pages of
multiples of 256 tokens only.

The operator is the one under `torch.nn.attention.varlen.varlen_attn` (docs.pytorch.org). That
function adds a layer of dispatch and a kernel of its own to each call, 28 of them in a step of a
model of 28 layers.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch is typed in part.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from engines.generation.batching.attention import CacheShape, Part
from engines.generation.batching.uploads import host, upload

_HALF = (torch.float16, torch.bfloat16)
_LARGEST_HEAD = 256
_HEAD_STEP = 8
_AMPERE = (8, 0)


def flash_serves(shape: CacheShape) -> bool:
    """Whether flash attention takes keys and values of this kind on the device they are on."""
    return (
        flash_takes(shape)
        and torch.backends.cuda.is_flash_attention_available()
        and torch.cuda.get_device_capability(shape.device) >= _AMPERE
    )


def flash_takes(shape: CacheShape) -> bool:
    """Whether there is a kernel for keys and values of this kind."""
    head = shape.head_size
    fits = head <= _LARGEST_HEAD and head % _HEAD_STEP == 0
    return shape.device.type == "cuda" and shape.dtype in _HALF and fits


@dataclass(frozen=True)
class FlashLayout:
    """What a pass looks like to flash attention."""

    slots: Tensor
    """[tokens], int64: where each new key and value goes."""
    bounds: Tensor
    """[requests + 1], int32: of the requests among the packed tokens."""
    begins: Tensor
    """[requests + 1], int32: the first slot of each; the last number says nothing."""
    lengths: Tensor
    """[requests], int32: keys of each, the new ones included."""
    most_queries: int
    most_keys: int


Attention = Callable[[Tensor, Tensor, Tensor, FlashLayout, float], Tensor]
"""Of queries [tokens, heads, head size] over all keys and values [slots, key-value heads, head
size], with the scale of their products; [tokens, heads, head size]."""


def flash(query: Tensor, keys: Tensor, values: Tensor, layout: FlashLayout, scale: float) -> Tensor:
    """Causal attention, aligned to the last query and the last key of each request.

    Where each request has one query, it looks at all keys: without a mask the kernel takes the
    query heads that share a key-value head as that head's queries, and reads keys once.
    """
    heard: Tensor = torch.ops.aten._flash_attention_forward(
        query,
        keys,
        values,
        layout.bounds,
        layout.begins,
        layout.most_queries,
        layout.most_keys,
        dropout_p=0.0,
        is_causal=layout.most_queries > 1,
        return_debug_mask=False,
        scale=scale,
        seqused_k=layout.lengths,
    )[0]
    return heard


class FlashKeyValues:
    """Keys and values by slot: [slots, key-value heads, head size] for each layer."""

    def __init__(self, shape: CacheShape, *, slots: int, attention: Attention = flash) -> None:
        """Room for `slots` tokens, and one slot that is no one's.

        Args:
            shape: Of the model.
            slots: Of all runs.
            attention: With the meaning of `flash`.
        """
        self._slots = slots
        self._device = shape.device
        self._attention = attention
        size = (2, shape.layers, slots + 1, shape.heads, shape.head_size)
        self._pool = torch.zeros(size, dtype=shape.dtype, device=shape.device)
        # Of each layer, [slots, heads, head size] twice.
        self._layers = [
            (self._pool[0, layer], self._pool[1, layer]) for layer in range(shape.layers)
        ]

    @property
    def size_bytes(self) -> int:
        """Of memory held."""
        return self._pool.nbytes

    def drop(self) -> None:
        """Free them."""
        self._layers = []
        self._pool = self._pool.new_empty(0)

    def copy(self, source: int, target: int, count: int) -> None:
        """Copy the keys and values of `count` slots; the two may overlap."""
        found = self._pool.narrow(2, source, count)
        if abs(source - target) < count:
            found = found.clone()
        self._pool.narrow(2, target, count).copy_(found)

    def layout(self, parts: Sequence[Part]) -> FlashLayout:
        """See `KeyValues.layout`."""
        slots = _new_slots(parts)
        rows = len(parts)
        numbers = upload(_numbers(parts, self._slots, spare=0), torch.int32, self._device)
        return FlashLayout(
            slots=upload(slots, torch.long, self._device),
            bounds=numbers[: rows + 1],
            begins=numbers[rows + 1 : 2 * rows + 2],
            lengths=numbers[2 * rows + 2 :],
            most_queries=max(part.count for part in parts),
            most_keys=max(part.end for part in parts),
        )

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
        keys, values = self._layers[layer]
        keys.index_copy_(0, layout.slots, key[0].transpose(0, 1))
        values.index_copy_(0, layout.slots, value[0].transpose(0, 1))
        queries = query[0].transpose(0, 1).contiguous()
        return self._attention(queries, keys, values, layout, scale)[None]

    def frame(self, rows: int, most_keys: int) -> "FlashFrame":
        """For steps of up to `rows` requests that write one token each."""
        return FlashFrame(rows, most_keys, spare=self._slots, device=self._device)


class FlashFrame:
    """The layout of a step in which each request writes one token, in tensors that stay in place.

    Rows to spare write to, and read, the slot that is no one's.
    """

    def __init__(self, rows: int, most_keys: int, *, spare: int, device: torch.device) -> None:
        """No request is in it yet."""
        self._rows = rows
        self._spare = spare
        self._device = device
        self._slots = upload([spare] * rows, torch.long, device)
        self._numbers = upload(_numbers([], spare, spare=rows), torch.int32, device)
        self.layout = FlashLayout(
            slots=self._slots,
            bounds=self._numbers[: rows + 1],
            begins=self._numbers[rows + 1 : 2 * rows + 2],
            lengths=self._numbers[2 * rows + 2 :],
            most_queries=1,
            most_keys=most_keys,
        )

    def fill(self, parts: Sequence[Part]) -> None:
        """Make it the layout of these."""
        spare = self._rows - len(parts)
        slots = [*_new_slots(parts), *[self._spare] * spare]
        numbers = _numbers(parts, self._spare, spare=spare)
        self._slots.copy_(host(slots, torch.long, self._device), non_blocking=True)
        self._numbers.copy_(host(numbers, torch.int32, self._device), non_blocking=True)


def _new_slots(parts: Sequence[Part]) -> list[int]:
    slots: list[int] = []
    for part in parts:
        slots.extend(range(part.start + part.filled, part.start + part.end))
    return slots


def _numbers(parts: Sequence[Part], end: int, *, spare: int) -> list[int]:
    """Bounds, begins and lengths, one after the other; of `spare` more requests of one token in the
    slot `end`, too.
    """
    counts = [*(part.count for part in parts), *[1] * spare]
    begins = [*(part.start for part in parts), *[end] * spare]
    lengths = [*(part.end for part in parts), *[1] * spare]
    return [0, *accumulate(counts), *begins, end, *lengths]
