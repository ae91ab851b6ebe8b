"""A whole model quantized, layer by layer and on its device: which layers, and whether it works.

The linear layers are quantized; embeddings, the output layer, norms and biases stay floats.
`storage/model_folders.py` counts them the same way, to predict what a model will take.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch is typed in part.

from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from engines.generation.batching.quantized import (
    GROUPS,
    INT4_ON_CPU,
    INT4_ON_CUDA,
    INT4_OUTPUTS,
    Int4Linear,
    Int8Linear,
    Levels,
    QuantizedLinear,
    group_of,
    to_int4,
    to_int8,
)

Integers = Literal["int8", "int4"]

_MATRIX = 2
"""Dimensions of a weight that is worth quantizing."""
_TRIED_ROWS = 16
_MOST_ERROR = 0.03
"""Of a kernel's products, relative: bfloat16 rounds to some tenths of a per cent, and a layout
that is read wrongly is wrong by all of it."""


class NotQuantizable(Exception):
    """The model cannot be quantized here; the message says why."""


@torch.no_grad()
def quantize(
    model: nn.Module, kind: Integers, *, head: nn.Module, device: torch.device, rest: torch.dtype
) -> None:
    """Put quantized layers in the place of a model's linear layers, and all of it on the device.

    The device holds no more of it on the way than what is quantized already and one layer's floats.

    Args:
        model: Wherever it lies; changed in place.
        kind: Of the weights.
        head: Its output layer.
        device: Where it will be used: the layers are packed for it.
        rest: Type of what stays a float.

    Raises:
        NotQuantizable: It has matrices outside linear layers (fused experts), or layers of sizes
            that int4 does not take; or a kernel computes something else on this device.
    """
    names = _refuse_or_name(model, head, kind)
    tried: set[tuple[int, int]] = set()
    for module in model.modules():
        for weight in module.parameters(recurse=False):
            if not isinstance(module, nn.Linear) or module is head or weight is module.bias:
                weight.data = weight.data.to(device, rest)
    for name in names:
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        made, found = _quantized(layer, kind, device)
        if (size := (made.out_features, made.in_features)) not in tried:
            tried.add(size)
            _try(made, found)
        model.set_submodule(name, made)
    model.to(device)  # the buffers, in the type they have


def _quantized(
    layer: nn.Linear, kind: Integers, device: torch.device
) -> tuple[QuantizedLinear, Levels]:
    weight = layer.weight.to(device)
    if kind == "int8":
        found = to_int8(weight)
        return Int8Linear(layer, found), found
    found = to_int4(weight)
    return Int4Linear(layer, found, INT4_ON_CPU if device.type == "cpu" else INT4_ON_CUDA), found


def _refuse_or_name(model: nn.Module, head: nn.Module, kind: Integers) -> list[str]:
    """The linear layers to quantize, by name."""
    names: list[str] = []
    for name, module in model.named_modules():
        if module is head or isinstance(module, nn.Embedding):
            continue
        if isinstance(module, nn.Linear):
            _refuse_sizes(name, module, kind)
            names.append(name)
            continue
        for own, weight in module.named_parameters(recurse=False):
            if weight.dim() >= _MATRIX:
                raise NotQuantizable(f"{name}.{own} is no weight of a linear layer")
    return names


def _refuse_sizes(name: str, layer: nn.Linear, kind: Integers) -> None:
    if kind == "int8":
        return
    if not group_of(layer.in_features) or layer.out_features % INT4_OUTPUTS:
        raise NotQuantizable(
            f"{name} has {layer.in_features} inputs and {layer.out_features} outputs, and int4 "
            f"takes multiples of {GROUPS[-1]} and {INT4_OUTPUTS}"
        )


def _try(layer: QuantizedLinear, found: Levels) -> None:
    """Compare a layer's products with exact ones: kernels differ by device, and some do nothing on
    a device that is too old for them.
    """
    chance = torch.Generator().manual_seed(1)
    rows = torch.randn(_TRIED_ROWS, layer.in_features, generator=chance).to(layer.scales.device)
    exact = linear(rows, found.unpacked())
    bias = cast("Tensor | None", layer.bias)
    given = layer(rows) if bias is None else layer(rows) - bias
    if not ((given - exact).norm() <= _MOST_ERROR * exact.norm()).item():  # not: it may be nan
        size = f"{layer.in_features} inputs and {layer.out_features} outputs"
        raise NotQuantizable(
            f"torch's product of {size} is not what it should be on {rows.device.type}"
        )
