"""LoRA adapters: many over one copy of the weights, in the same batch.

The base model's linear layers see all packed tokens at once, whatever their adapter; the low-rank
product of an adapter (Hu and others 2021, arXiv 2106.09685) is then added to the rows of its own
requests. Nothing is merged or swapped in place: an adapter is an object that a request holds from
its submission to its end, so loading, replacing and removing one touches no request under way.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch and safetensors are typed in part.

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engines.generation.adapters import CONFIG, WEIGHTS, digest_of
from engines.generation.types import ModelUnavailable

_PREFIX = "base_model.model."
_PLAIN: dict[str, Any] = {
    "use_dora": False,
    "bias": "none",
    "modules_to_save": None,
    "fan_in_fan_out": False,
    "rank_pattern": {},
    "alpha_pattern": {},
    "lora_bias": False,
}
"""What an adapter's configuration must say, where it says anything, to be plain LoRA."""


@dataclass(frozen=True)
class LowRank:
    """What is added to one linear layer's weight: `up @ down`."""

    down: Tensor
    """[rank, in]."""
    up: Tensor
    """[out, rank], scaled."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """A loaded adapter."""

    name: str
    digest: str
    """Tells it from another of the same name; see `engines.generation.adapters`."""
    layers: dict[str, LowRank]
    """By the name of the linear layer."""


Rows = tuple[Adapter, Tensor]
"""An adapter and the packed tokens it is for, [count]."""


class AdapterHooks:
    """Adds the adapters' products to a model's linear layers, for one pass at a time per thread."""

    def __init__(self, model: nn.Module, *, head: nn.Module | None) -> None:
        """On every linear layer but the head, which sees other rows than the packed tokens."""
        self._rows = threading.local()
        self.sizes: dict[str, tuple[int, int]] = {}
        """[out, in] of the layers that can be adapted, by name."""
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and module is not head:
                self.sizes[name] = (module.out_features, module.in_features)
                module.register_forward_hook(self._hook(name))

    @contextmanager
    def over(self, rows: Sequence[Rows]) -> Generator[None]:
        """Passes of this thread inside use these adapters."""
        self._rows.now = rows
        try:
            yield
        finally:
            self._rows.now = ()

    def _hook(self, name: str) -> Any:
        def add(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            for adapter, rows in getattr(self._rows, "now", ()):
                change = adapter.layers.get(name)
                if change is not None:
                    low = inputs[0][0, rows] @ change.down.T
                    output[0].index_add_(0, rows, low @ change.up.T)

        return add


def load_adapter(
    name: str,
    folder: Path,
    *,
    sizes: dict[str, tuple[int, int]],
    dtype: torch.dtype,
    device: torch.device,
) -> Adapter:
    """Read an adapter as peft saves it, safetensors only.

    Args:
        name: That requests call it by.
        folder: With the files that peft writes.
        sizes: [out, in] of the model's layers by name.
        dtype: Of the model.
        device: Of the model.

    Raises:
        ModelUnavailable: It cannot be read, is not plain LoRA, or is of another model.
    """
    try:
        text = (folder / CONFIG).read_text()
        tensors = load_file(folder / WEIGHTS)
        digest = digest_of(text, tensors)
        config = cast(dict[str, Any], json.loads(text))
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelUnavailable(f"adapter {name} cannot be read: {error}") from error
    layers = _layers(name, tensors, _scale(name, config), sizes)
    moved = {
        layer: LowRank(change.down.to(device, dtype), change.up.to(device, dtype))
        for layer, change in layers.items()
    }
    return Adapter(name, digest, moved)


def _scale(name: str, config: dict[str, Any]) -> float:
    for option, plain in _PLAIN.items():
        if config.get(option, plain) not in (plain, None):
            raise ModelUnavailable(f"adapter {name} is not plain LoRA: it has {option}")
    if config.get("peft_type", "LORA") != "LORA" or not config.get("r"):
        raise ModelUnavailable(f"adapter {name} is not LoRA")
    rank = float(config["r"])
    return float(config["lora_alpha"]) / (rank**0.5 if config.get("use_rslora") else rank)


def _layers(
    name: str, tensors: dict[str, Tensor], scale: float, sizes: dict[str, tuple[int, int]]
) -> dict[str, LowRank]:
    layers: dict[str, LowRank] = {}
    ends = {key.removesuffix(".lora_A.weight") for key in tensors if key.endswith(".lora_A.weight")}
    for key in sorted(ends):
        layer = key.removeprefix(_PREFIX)
        down, up = tensors[f"{key}.lora_A.weight"], tensors.get(f"{key}.lora_B.weight")
        if up is None or sizes.get(layer) != (up.shape[0], down.shape[1]):
            raise ModelUnavailable(f"adapter {name} is of another model: {layer} does not fit")
        layers[layer] = LowRank(down, up * scale)
    if not layers or len(tensors) != 2 * len(layers):
        raise ModelUnavailable(f"adapter {name} holds other tensors than LoRA's")
    return layers
