"""LoRA adapters on disk, as peft writes them, and what tells one from another."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch and safetensors are typed in part.

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_OF_THE_PLACE = {
    "base_model_name_or_path", "peft_version", "revision", "inference_mode", "auto_mapping"
}  # fmt: skip
"""Settings that say where an adapter was made."""
_OF_THE_TRAINING = {
    "task_type", "lora_dropout", "target_modules", "exclude_modules", "megatron_core",
    "qalora_group_size",
}  # fmt: skip
"""Settings that say how; which layers are adapted is to be seen in the tensors."""


def adapter_digest(folder: Path) -> str:
    """The digest of the adapter in a folder; see `digest_of`.

    Raises:
        FileNotFoundError: The folder holds no adapter.
    """
    return digest_of((folder / CONFIG).read_text(), load_file(folder / WEIGHTS))


def digest_of(config: str, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of what an adapter does: its settings and tensors, in hexadecimal.

    The same for the same adapter wherever it lies and whoever wrote its files: neither the order
    of settings and tensors nor the path of the base model changes it, nor does a setting that asks
    for nothing, of which each version of peft writes more.

    Args:
        config: The text of `adapter_config.json`. What counts is all but the place and the
            training, so that a setting which nobody here knows tells two adapters apart.
        tensors: By name, on the CPU, as they are in the file.

    Raises:
        ValueError: The configuration is no JSON object.
    """
    settings: object = json.loads(config, parse_int=float)
    if not isinstance(settings, dict):
        raise ValueError(f"{CONFIG} is no JSON object")  # noqa: TRY004 (the value of a file)
    kept = {
        name: value
        for name, value in cast("dict[str, Any]", settings).items()
        if name not in _OF_THE_PLACE | _OF_THE_TRAINING and not _asks_for_nothing(value)
    }
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
    for name in sorted(tensors):
        add_tensor(digest, name, tensors[name])
    return digest.hexdigest()


def add_tensor(digest: Any, name: str, tensor: Tensor) -> None:
    """Feed a digest with a tensor's name, type, shape and values."""
    digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
    digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)


def _asks_for_nothing(value: object) -> bool:
    return value is None or value is False or value in ("none", [], {})
