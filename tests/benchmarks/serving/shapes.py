"""Models with random weights in real shapes: they cost what trained ones do, and write noise."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch and transformers are typed in part.

import shutil
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config

from engines.generation.tiny import make_tiny

SMALL = {"tiny": (2, 128, 2048), "small": (8, 256, 8192)}
"""Layers, width, vocabulary of those that run in float32 on a CPU: 0.6 and 6.8 million weights."""
LARGE = {
    "0.5b": {
        "hidden_size": 896,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "intermediate_size": 4864,
    },
    "1.5b": {
        "hidden_size": 1536,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "intermediate_size": 8960,
    },
}
"""Qwen2.5's, with two key-value heads, tied embeddings and 151,936 tokens."""
SHAPES = (*SMALL, *LARGE)


def make(shape: str, folder: Path, device: str) -> Path:
    """A model of this shape in a folder; made on the device, which is quick where it is a GPU."""
    if shape in SMALL:
        layers, hidden, vocabulary = SMALL[shape]
        return make_tiny(folder, layers=layers, hidden=hidden, vocabulary=vocabulary)
    spoken = make_tiny(folder.with_name(f"{folder.name}-tokenizer"), vocabulary=8192)
    config = Qwen2Config(
        vocab_size=151_936,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        initializer_range=0.05,
        pad_token_id=0,
        eos_token_id=2,
        **cast(dict[str, Any], LARGE[shape]),
    )
    torch.manual_seed(1)
    with torch.device(device):
        # Made in half precision: in float32 a card would have to hold both.
        model = cast(Any, AutoModelForCausalLM).from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    for file in spoken.glob("*token*"):
        shutil.copy(file, folder)
    for file in (*spoken.glob("generation_config.json"), *spoken.glob("chat_template*")):
        shutil.copy(file, folder)
    return folder


def load(folder: str, device: str) -> Any:
    """The model as transformers has it: float32 on a CPU, bfloat16 elsewhere."""
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    if device == "cpu":
        torch.set_num_threads(1)
    else:
        torch.backends.cuda.matmul.allow_tf32 = True
    model = cast(Any, AutoModelForCausalLM).from_pretrained(
        folder, local_files_only=True, dtype=dtype
    )
    return model.to(device).eval()


def load_tokenizer(folder: str) -> Any:
    """Its tokenizer."""
    return cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)
