"""LoRA adapters on disk, in peft's own format, and what tells one from another."""

# pyright: reportUnknownMemberType=false

import hashlib
import json
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig
from safetensors import safe_open

from engines.generation.training.types import Lora

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_OF_THE_PLACE = ("base_model_name_or_path", "peft_version", "revision", "inference_mode")
"""Settings that say where an adapter was made, not what it does."""


def adapter_digest(folder: Path) -> str:
    """SHA-256 of what an adapter does: its settings and tensors, in hexadecimal.

    The same for the same adapter wherever it lies and whoever wrote its files: not the order of
    settings, nor the path of the base model, changes it.

    Raises:
        FileNotFoundError: The folder holds no adapter.
    """
    settings = cast(dict[str, Any], json.loads((folder / CONFIG).read_text()))
    kept = {
        name: sorted(cast(list[str], value)) if isinstance(value, list) else value
        for name, value in settings.items()
        if name not in _OF_THE_PLACE
    }
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
    add_tensors(digest, folder / WEIGHTS)
    return digest.hexdigest()


def add_tensors(digest: Any, file: Path) -> None:
    """Feed a digest with the names, types, shapes and values of a file, one tensor at a time."""
    with cast(Any, safe_open)(file, framework="pt") as tensors:
        for name in sorted(tensors.keys()):
            tensor = tensors.get_tensor(name)
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)


def lora_config(lora: Lora) -> LoraConfig:
    """The settings that peft makes an adapter from."""
    every = lora.targets == ("all-linear",)
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=cast(int, lora.alpha),
        lora_dropout=lora.dropout,
        target_modules="all-linear" if every else list(lora.targets),
    )
