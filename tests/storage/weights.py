"""Folders of models as they lie on a disk: real headers, no weights worth loading."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

QWEN_1_5B: Mapping[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "max_position_embeddings": 32_768,
    "tie_word_embeddings": True,
}
SMALL: Mapping[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 32,
    "max_position_embeddings": 128,
}


def safetensors(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A file whose header names these tensors; what they hold is left out."""
    tensors = {
        name: {"dtype": "BF16", "shape": list(shape), "data_offsets": [0, 0]}
        for name, shape in shapes.items()
    }
    header = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


def model_folder(folder: Path, config: Mapping[str, Any] = SMALL) -> Path:
    """A folder with all the files a worker needs; its weights are named nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    safetensors(folder / "model.safetensors", {})
    return folder
