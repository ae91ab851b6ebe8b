"""What a folder of weights tells of its model, without loading any: sizes, context, completeness.

Formats: `config.json` as Hugging Face transformers writes it; safetensors' header, a length of
8 bytes and JSON (github.com/huggingface/safetensors, "Format").
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, cast

from storage.model_addresses import BadModel

_LARGEST_HEADER = 100_000_000
_LARGEST_JSON = 50_000_000
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
_HALF_BYTES = 2
_MATRIX = 2
"""Dimensions of what is quantized, at least."""
_UNGATED = frozenset(
    {"bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "mpt"}
    | {"opt", "phi", "starcoder2"}
)
"""Architectures whose feed-forward has two matrices and not three."""
_BIASED = frozenset({"qwen2", "qwen2_moe"})
"""Whose queries, keys and values have a bias though the configuration does not say so."""


@dataclass(frozen=True)
class ModelFacts:
    """Sizes of a decoder-only language model."""

    architecture: str
    parameters: int
    unquantized: int
    """Of those, what int8 and int4 leave floats: embeddings, the output layer, norms, biases."""
    kv_bytes_per_token: int
    """Of the key-value cache in bf16, where every layer keeps the whole context; an upper bound."""
    context_tokens: int
    quantized: str = ""
    """How the weights are already quantized on disk ("gptq"); empty where they are not."""
    weight_bytes: int | None = None
    """Of the files; None where there are none yet."""


def read_folder(folder: Path) -> ModelFacts:
    """The facts of a complete folder, as a worker could load it.

    Raises:
        BadModel: It is no folder of a model, has weights only in a format that runs code when it
            is read, or lacks a file.
    """
    if not folder.is_dir():
        raise BadModel(f"There is no folder {folder} on this machine.")
    config = _config(folder)
    files = _weights(folder)
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise BadModel(f"{folder} has no tokenizer.json: copy the tokenizer's files there too.")
    shapes = dict(shape for file in files for shape in _shapes(file))
    return facts_of(config, shapes, sum(file.stat().st_size for file in files))


def hub_folder(cache: Path, hub_id: str) -> Path | None:
    """Where the hub's own tools keep this model on this machine; None where it was not fetched.

    Layout: `models--owner--name/refs/<branch>` names the commit, `snapshots/<commit>` holds it.
    """
    name, _, revision = hub_id.partition("@")
    kept = cache / f"models--{name.replace('/', '--')}"
    reference = kept / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = kept / "snapshots" / commit
    return folder if commit and (folder / "config.json").is_file() else None


def facts_of(
    config: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    weight_bytes: int | None = None,
) -> ModelFacts:
    """The facts of a configuration, counted exactly where the shapes of its weights are known.

    Raises:
        BadModel: It does not tell the sizes of a language model.
    """
    text: Mapping[str, Any] = config.get("text_config") or config
    try:
        sizes = _Sizes.read(text)
        kv_bytes = 2 * sizes.caching_layers * sizes.kv_heads * sizes.head * _HALF_BYTES
        quantized: Mapping[str, Any] = config.get("quantization_config") or {}
        method = str(quantized.get("quant_method", "quantized")) if quantized else ""
        architecture = str((config.get("architectures") or [config.get("model_type", "?")])[0])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadModel(
            f"Its config.json does not tell the sizes of a language model ({error}): only "
            "decoder-only models of transformers can be loaded."
        ) from error
    if shapes and not method:  # the words of a quantized matrix are not its parameters
        counts = {name: prod(shape) for name, shape in shapes.items()}
        total = sum(counts.values())
        kept = sum(counts[name] for name, shape in shapes.items() if _stays(name, shape))
    else:
        total, kept = sizes.parameters, sizes.unquantized
    return ModelFacts(
        architecture=architecture,
        parameters=total,
        unquantized=kept,
        kv_bytes_per_token=kv_bytes,
        context_tokens=sizes.context,
        quantized=method,
        weight_bytes=weight_bytes,
    )


@dataclass(frozen=True)
class _Sizes:
    """A configuration's numbers under one name each."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    caching_layers: int
    heads: int
    kv_heads: int
    head: int
    context: int
    matrices: int
    """Of one feed-forward: 3 where it is gated."""
    experts: int
    """Feed-forwards of a layer, counted in those of size `inner`; 1 but in mixtures."""
    is_tied: bool
    has_bias: bool

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "_Sizes":
        width = _number(config, "hidden_size", "n_embd", "d_model")
        heads = _number(config, "num_attention_heads", "n_head", "n_heads")
        layers = _number(config, "num_hidden_layers", "n_layer", "n_layers")
        experts = _number(config, "num_experts", "num_local_experts", "n_routed_experts", or_else=1)
        inner = _number(config, "intermediate_size", "n_inner", "ffn_dim", or_else=4 * width)
        kind = str(config.get("model_type", ""))
        return cls(
            vocabulary=_number(config, "vocab_size"),
            width=width,
            inner=_number(config, "moe_intermediate_size", or_else=inner) if experts > 1 else inner,
            layers=layers,
            caching_layers=_caching(config, layers),
            heads=heads,
            kv_heads=1 if config.get("multi_query") else _number(
                config, "num_key_value_heads", "n_head_kv", "num_kv_heads", or_else=heads
            ),
            head=_number(config, "head_dim", or_else=width // heads),
            context=_number(config, "max_position_embeddings", "n_positions", "max_seq_len"),
            matrices=2 if kind in _UNGATED else 3,
            experts=experts + _number(config, "n_shared_experts", or_else=0),
            is_tied=bool(config.get("tie_word_embeddings", kind == "gpt2")),
            has_bias=bool(config.get("attention_bias", kind in _BIASED)),
        )  # fmt: skip

    @property
    def unquantized(self) -> int:
        tables = 1 if self.is_tied else 2
        return tables * self.vocabulary * self.width + (2 * self.layers + 1) * self.width

    @property
    def parameters(self) -> int:
        queries = self.heads * self.head
        keys_and_values = 2 * self.kv_heads * self.head
        attention = self.width * (2 * queries + keys_and_values)
        attention += (queries + keys_and_values) * self.has_bias
        router = self.width * self.experts if self.experts > 1 else 0
        feed_forward = self.experts * self.matrices * self.width * self.inner + router
        return self.layers * (attention + feed_forward) + self.unquantized


def _caching(config: Mapping[str, Any], layers: int) -> int:
    """Layers of linear attention keep a state of fixed size and no keys and values."""
    kinds: list[str] = config.get("layer_types") or []
    return layers - sum(1 for kind in kinds if kind == "linear_attention")


def _number(config: Mapping[str, Any], *names: str, or_else: int | None = None) -> int:
    for name in names:
        if config.get(name) is not None:
            return int(config[name])
    if or_else is None:
        raise KeyError(names[0])
    return or_else


def _stays(name: str, shape: tuple[int, ...]) -> bool:
    parts = name.split(".")
    return len(shape) < _MATRIX or any(
        "embed" in part or part in ("lm_head", "wte", "wpe", "norm") for part in parts
    )


def _config(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        if any(folder.glob("*.gguf")):
            raise BadModel(
                f"{folder} holds GGUF files: serve them with llama.cpp's server and register that "
                "with --openai http://127.0.0.1:8080/v1."
            )
        raise BadModel(
            f"{folder} has no config.json: it is not the folder of a model of transformers. Name "
            "the folder that holds config.json, the tokenizer and *.safetensors."
        )
    return _json(path)


def _weights(folder: Path) -> list[Path]:
    """The files of the weights, all of them there."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        return [whole]
    if index.is_file():
        named: Mapping[str, str] = _json(index).get("weight_map") or {}
        files = [folder / Path(name).name for name in sorted(set(named.values()))]
        missing = [file.name for file in files if not file.is_file()]
        if missing or not files:
            lacking = missing[0] if missing else "every file of weights"
            raise BadModel(f"{folder} is not complete, it lacks {lacking}: copy it again.")
        return files
    if any(path for kind in _PICKLED for path in folder.glob(kind)):
        raise BadModel(
            f"{folder} has its weights as pickles only, which run code when they are read, and "
            "are not loaded here. Take the model's safetensors, or convert it where you trust it: "
            "`AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(NEW)`."
        )
    raise BadModel(f"{folder} has no weights: there is no model.safetensors in it.")


def _shapes(file: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The names and shapes of a file's tensors, from its header."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header = opened.read(length) if length <= _LARGEST_HEADER else b""
    try:
        described: object = json.loads(header)
        if not isinstance(described, dict):
            raise TypeError("it is not an object")
        tensors = cast("dict[str, dict[str, Any]]", described)
        for name, tensor in tensors.items():
            if name != "__metadata__":
                yield name, tuple(int(size) for size in tensor["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadModel(f"{file} is no whole safetensors file: copy it again.") from error


def _json(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError("too large")
        found: object = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise TypeError("it is not an object")
    except (OSError, ValueError, TypeError) as error:
        raise BadModel(f"{path} cannot be read: {error}.") from error
    return cast("dict[str, Any]", found)
