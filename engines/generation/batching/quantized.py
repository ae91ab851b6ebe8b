"""Weights in 8 and 4 bits: linear layers that are quantized when a model is loaded.

Only weights are quantized, each to the nearest level; what they are multiplied with stays a float.

- int8: a scale for each output, `w = scale * q`. Its product is the usual one, of weights made
  floats for it: as exact as theirs, and the same on every device.
- int4: a scale and a zero for each group of inputs of an output, `w = scale * (q - 8) + zero`, as
  torch's own kernels take it, which read the packed integers (pytorch/pytorch, `int4mm.cu` and
  `int4mm_kernel.cpp`). They compute in bfloat16.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch's operators are not typed.

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from typing_extensions import override

GROUPS = (128, 64, 32)
"""Inputs that share a scale in int4: the first of these that divides them."""
INT4_OUTPUTS = 16
"""Outputs of a layer in int4 are a multiple of this."""
_TILE_INPUTS = 16
_MOST_TILES = 8
"""On CUDA an int4 kernel takes so many inputs a tile, and so many tiles together."""
_INT8_MOST = 127
_INT4_LEVELS = 15
_INT4_MIDDLE = 8
_LEAST_SCALE = 2.0**-100
"""Of weights that are all the same: no number to divide by, and one that bfloat16 has."""

_kernels: Any = torch.ops.aten


@dataclass(frozen=True)
class Levels:
    """A quantized matrix before it is packed."""

    levels: Tensor
    """[out, in], int32: -127 to 127 in 8 bits, 0 to 15 in 4."""
    scales: Tensor
    """[out, groups]: float32 in 8 bits, with one group; bfloat16 in 4."""
    zeros: Tensor | None = None
    """As `scales`, in 4 bits."""

    def unpacked(self) -> Tensor:
        """The weights it stands for, [out, in], float32."""
        out, groups = self.scales.shape
        grouped = self.levels.float().view(out, groups, -1)
        scales = self.scales.float()[..., None]
        if self.zeros is None:
            return (grouped * scales).view(out, -1)
        return ((grouped - _INT4_MIDDLE) * scales + self.zeros.float()[..., None]).view(out, -1)


def to_int8(weight: Tensor) -> Levels:
    """Quantize a matrix, [out, in]."""
    wide = weight.float()
    scales = (wide.abs().amax(1, keepdim=True) / _INT8_MOST).clamp_(min=_LEAST_SCALE)
    return Levels((wide / scales).round_().int(), scales)


def to_int4(weight: Tensor) -> Levels:
    """Quantize a matrix, [out, in], whose inputs one of `GROUPS` divides.

    The levels are those of the scales and zeros as rounded to bfloat16.
    """
    out, inputs = weight.shape
    grouped = weight.float().view(out, -1, group_of(inputs))
    low, high = grouped.aminmax(dim=2, keepdim=True)
    scales = ((high - low) / _INT4_LEVELS).clamp_(min=_LEAST_SCALE).bfloat16()
    zeros = (low + _INT4_MIDDLE * scales.float()).bfloat16()
    levels = (grouped - zeros.float()).div_(scales.float()).add_(_INT4_MIDDLE)
    levels = levels.round_().clamp_(0, _INT4_LEVELS).int().view(out, inputs)
    return Levels(levels, scales.squeeze(2), zeros.squeeze(2))


def group_of(inputs: int) -> int:
    """Inputs that share a scale in int4; 0 where none of `GROUPS` divides them."""
    return next((size for size in GROUPS if inputs % size == 0), 0)


class QuantizedLinear(nn.Linear):
    """A linear layer whose `weight` holds integers, packed for the device that it is on."""

    unpacked: int
    """Weights that are made floats for one product."""

    def __init__(self, layer: nn.Linear, packed: Tensor, scales: Tensor) -> None:
        """In the place of `layer`, with its bias."""
        super().__init__(layer.in_features, layer.out_features, bias=False, device="meta")
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.scales = nn.Parameter(scales, requires_grad=False)
        self.bias = layer.bias

    @override
    def forward(self, input: Tensor) -> Tensor:
        """[..., in] to [..., out], in the type that came."""
        product = self._product(input.reshape(-1, self.in_features)).to(input.dtype)
        product = product.view(*input.shape[:-1], self.out_features)
        bias = cast("Tensor | None", self.bias)
        return product if bias is None else product + bias

    def _product(self, rows: Tensor) -> Tensor:
        """[rows, in] to [rows, out]."""
        raise NotImplementedError


class Int8Linear(QuantizedLinear):
    """8 bits: `weight` is [out, in], int8, and `scales` [out]."""

    def __init__(self, layer: nn.Linear, found: Levels) -> None:
        """Of `to_int8`."""
        super().__init__(layer, found.levels.to(torch.int8), found.scales.flatten())
        self.unpacked = self.weight.numel()

    @override
    def _product(self, rows: Tensor) -> Tensor:
        return linear(rows, self.weight.to(rows.dtype)) * self.scales


@dataclass(frozen=True)
class Int4Kernel:
    """Torch's operators for one kind of device."""

    pack: Callable[[Tensor, int], Tensor]
    """Levels, [out, in], and the size of a group, to what `multiply` reads."""
    multiply: Callable[[Tensor, Tensor, int, Tensor], Tensor]
    """Rows in bfloat16, what was packed, the size of a group, scales and zeros, to [rows, out]."""


class Int4Linear(QuantizedLinear):
    """4 bits: `weight` is as the kernel packs it, `scales` [groups, out, scale and zero]."""

    def __init__(self, layer: nn.Linear, found: Levels, kernel: Int4Kernel) -> None:
        """Of `to_int4`, with outputs that are a multiple of `INT4_OUTPUTS`."""
        assert found.zeros is not None
        group = group_of(layer.in_features)
        scales = torch.stack((found.scales, found.zeros), dim=2).transpose(0, 1).contiguous()
        super().__init__(layer, kernel.pack(found.levels, group), scales)
        self.unpacked = 0
        self._group = group
        self._multiply = kernel.multiply

    @override
    def _product(self, rows: Tensor) -> Tensor:
        return self._multiply(rows.bfloat16(), self.weight, self._group, self.scales)


def _pack_for_cpu(levels: Tensor, _group: int) -> Tensor:
    return _kernels._convert_weight_to_int4pack_for_cpu(levels, 1)


def _pack_for_cuda(levels: Tensor, group: int) -> Tensor:
    pairs = (levels[:, ::2] << 4 | levels[:, 1::2]).to(torch.uint8)
    tiles = min(_MOST_TILES, group // _TILE_INPUTS)
    return _kernels._convert_weight_to_int4pack(pairs, tiles)


INT4_ON_CPU = Int4Kernel(_pack_for_cpu, _kernels._weight_int4pack_mm_for_cpu)
INT4_ON_CUDA = Int4Kernel(_pack_for_cuda, _kernels._weight_int4pack_mm)
