"""all-MiniLM-L6-v2: a BERT encoder of six layers, mean pooling, vectors of length 1.

Devlin et al. 2019 (BERT), Wang et al. 2020 (MiniLM), Reimers and Gurevych 2019 (the pooling). The
forward pass is written out here: importing transformers for it costs three times what importing
torch does (see README.md); a test holds it to what transformers computes. Nothing here opens a
connection.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from engines.text.arrays import Floats
from engines.watch import Stopped, Watch

LONGEST_TOKENS = 24
"""Of a text; the rest is left out. Twice as many were no better on code (README.md)."""
LONGEST_QUESTION_TOKENS = 128
_CHARS_A_TOKEN = 16
"""At most, but for words that no text is full of."""
_BATCH = 64
_FAST_BFLOAT16 = ("avx512_bf16", "amx_bf16")
"""Processors with one of these compute bfloat16 at twice the speed; the vectors differ from those
of float32 by a cosine of 0.0001."""


class MiniLM:
    """The model, in memory: 90 MB in float32, half of it in bfloat16."""

    def __init__(self, folder: Path, digest: str, dtype: torch.dtype | None = None) -> None:
        """Read config, tokenizer and weights; `dtype` None for what is fast on this processor."""
        self._turn = Lock()
        """Torch's number of threads is the process's: who sets it back has to be alone."""
        config = json.loads((folder / "config.json").read_text())
        self.digest = digest
        self.dimensions: int = config["hidden_size"]
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._epsilon: float = config["layer_norm_eps"]
        weights = load_file(folder / "model.safetensors")
        self.dtype = dtype or _fast_dtype()
        self._weights = {
            name: weight.to(self.dtype)
            for name, weight in weights.items()
            if weight.is_floating_point()
        }
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def embed(self, texts: Sequence[str], watch: Watch, *, are_questions: bool = False) -> Floats:
        """One vector of length 1 for each text; see `Embedder`. Uses one thread."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        most = LONGEST_QUESTION_TOKENS if are_questions else LONGEST_TOKENS
        tokens = [self._tokens(text, most) for text in texts]
        by_length = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
        for start in range(0, len(tokens), _BATCH):
            if watch.stop_requested():
                raise Stopped
            batch = by_length[start : start + _BATCH]
            with self._turn, _one_thread(), torch.inference_mode():
                vectors[batch] = self._vectors([tokens[index] for index in batch]).numpy()
        return vectors

    def _tokens(self, text: str, most: int) -> list[int]:
        """Ids, the marks of begin and end among them. Not `encode_batch`: that uses threads."""
        ids = self._tokenizer.encode(text[: most * _CHARS_A_TOKEN]).ids
        return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]

    def _vectors(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        longest = max(map(len, tokens))
        ids = torch.tensor([[*one, *([0] * (longest - len(one)))] for one in tokens])  # (N, T)
        lengths = torch.tensor([len(one) for one in tokens])
        mask = torch.arange(longest) < lengths[:, None]  # (N, T)
        hidden = self._encoded(ids, mask).float()  # (N, T, C)
        mean = (hidden * mask[..., None]).sum(1) / lengths[:, None]
        return functional.normalize(mean)

    def _encoded(self, ids: Tensor, mask: Tensor) -> Tensor:
        weights = self._weights
        hidden = weights["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normed(hidden, "embeddings")
        attended = mask[:, None, None, :]
        for layer in range(self._layers):
            hidden = self._layer(hidden, attended, f"encoder.layer.{layer}")
        return hidden

    def _layer(self, hidden: Tensor, mask: Tensor, name: str) -> Tensor:
        shape = (*hidden.shape[:2], self._heads, -1)
        query, key, value = (
            self._linear(hidden, f"{name}.attention.self.{part}").view(shape).transpose(1, 2)
            for part in ("query", "key", "value")
        )  # each (N, heads, T, C / heads)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).flatten(2)
        mixed = self._linear(mixed, f"{name}.attention.output.dense")
        hidden = self._normed(hidden + mixed, f"{name}.attention.output")
        wide = functional.gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        narrow = self._linear(wide, f"{name}.output.dense")
        return self._normed(hidden + narrow, f"{name}.output")

    def _linear(self, hidden: Tensor, name: str) -> Tensor:
        return functional.linear(
            hidden, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        )

    def _normed(self, hidden: Tensor, name: str) -> Tensor:
        weight, bias = (
            self._weights[f"{name}.LayerNorm.weight"],
            self._weights[f"{name}.LayerNorm.bias"],
        )
        return functional.layer_norm(hidden, (self.dimensions,), weight, bias, self._epsilon)


def _fast_dtype() -> torch.dtype:
    has = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(has.get(name) for name in _FAST_BFLOAT16) else torch.float32


@contextmanager
def _one_thread() -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
