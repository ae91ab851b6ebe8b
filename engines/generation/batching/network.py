"""A transformers causal language model, loaded for serving: packed tokens in, logits out."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# transformers is typed in part.

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.modeling_utils import AttentionInterface

from engines.generation.batching.adapters import AdapterHooks, Rows
from engines.generation.batching.attention import NAME, CacheShape, KeyValues
from engines.generation.batching.device import give_back
from engines.generation.batching.quantization import NotQuantizable, quantize
from engines.generation.batching.quantized import QuantizedLinear
from engines.generation.batching.settings import LocalSettings
from engines.generation.types import ModelUnavailable

_KNOWN_LAYERS = {"full_attention", "sliding_attention"}
_UNKNOWN_ATTENTION = ("s_aux", "softcap", "position_bias")
"""What some models ask of attention and ours does not do."""


@dataclass(frozen=True)
class Pass:
    """One forward pass over packed tokens."""

    ids: Tensor
    """[1, tokens]."""
    positions: Tensor
    """[1, tokens], each within its own request."""
    wanted: Tensor | None
    """Tokens whose logits are wanted, [rows]; None for all."""
    store: KeyValues
    layout: Any
    adapters: Sequence[Rows] = ()


class Network:
    """The model and the sizes the engine must know. One pass at a time."""

    def __init__(self, model: Any, *, adapters: bool) -> None:
        """Around a loaded model, whose attention is replaced by ours.

        Raises:
            ModelUnavailable: Its layers are of a kind that cannot be served here.
        """
        config = model.config.get_text_config()
        kinds: set[str] = set(getattr(config, "layer_types", None) or ["full_attention"])
        if kinds - _KNOWN_LAYERS:
            raise ModelUnavailable(f"layers of kind {', '.join(sorted(kinds))} are not served here")
        # No mask is registered with it, so none is made.
        AttentionInterface.register(NAME, _attend)
        model.set_attn_implementation(NAME)
        self.module: nn.Module = model.eval()
        self.context_tokens = _context(config, kinds)
        self.vocabulary = int(config.vocab_size)
        self.hidden = int(config.hidden_size)
        self.ends = _ends(model)
        self.hooks = AdapterHooks(model, head=model.get_output_embeddings()) if adapters else None
        self.shape = CacheShape(
            layers=config.num_hidden_layers,
            heads=getattr(config, "num_key_value_heads", None) or config.num_attention_heads,
            head_size=getattr(config, "head_dim", None)
            or config.hidden_size // config.num_attention_heads,
            dtype=model.dtype,
            device=model.device,
        )
        self.weight_bytes = sum(weight.nbytes for weight in model.parameters())
        unpacked = (each.unpacked for each in model.modules() if isinstance(each, QuantizedLinear))
        self.unpacked_bytes = max(unpacked, default=0) * self.shape.dtype.itemsize
        """Of quantized weights, while they are floats for one product."""

    def logits(self, given: Pass) -> Tensor:
        """[rows, vocabulary] in float32, for the tokens wanted. Called in inference mode."""
        if self.hooks is None or not given.adapters:
            return self._forward(given)
        with self.hooks.over(given.adapters):
            return self._forward(given)

    def drop(self) -> None:
        """Free the weights; nothing can be computed any more."""
        for weight in self.module.parameters():
            weight.data = weight.data.new_empty(0)

    def _forward(self, given: Pass) -> Tensor:
        output = self.module(
            input_ids=given.ids,
            position_ids=given.positions,
            use_cache=False,
            logits_to_keep=0 if given.wanted is None else given.wanted,
            run_store=given.store,
            run_layout=given.layout,
        )
        return output.logits[0].float()


def load_network(settings: LocalSettings) -> Network:
    """Weights in safetensors, onto the device; no code of the model's own is run.

    Raises:
        ModelUnavailable: They are not there, do not fit, or are of a kind not served here.
    """
    device = torch.device(settings.device)
    if device.type == "cpu":
        torch.set_num_threads(settings.threads)
    elif device.type == "cuda":
        if not torch.cuda.is_available():
            raise ModelUnavailable(f"{settings.name}: no CUDA device on this machine")
        torch.backends.cuda.matmul.allow_tf32 = True
    try:
        model = load_model(settings, device)
    except NotQuantizable as error:
        raise ModelUnavailable(
            f"{settings.name} cannot be loaded in {settings.precision}: {error}. Serve it so with "
            "vLLM, SGLang or llama.cpp, or take a smaller model."
        ) from error
    except ImportError as error:  # of what reads weights that are quantized on disk
        raise ModelUnavailable(
            f"{settings.name} cannot be loaded: {error}. torchao and bitsandbytes come with "
            "`pip install 'gryphgen-agentic[gpu]'`."
        ) from error
    except (OSError, ValueError, SafetensorError, RuntimeError) as error:
        raise ModelUnavailable(f"{settings.name} cannot be loaded: {error}") from error
    return Network(model, adapters=settings.max_adapters > 0)


def load_model(settings: LocalSettings, device: torch.device) -> Any:
    """The model of transformers on its device, with the attention of its makers.

    Raises:
        NotQuantizable: Not in int8 or int4.
        OSError: It cannot be loaded; or ValueError, SafetensorError, RuntimeError, ImportError.
    """
    usual = torch.float32 if device.type == "cpu" else torch.bfloat16
    precision = settings.precision
    if precision != "int8" and precision != "int4":
        dtype = getattr(torch, precision) if precision else usual
        return _from_pretrained(settings, dtype).to(device)
    model = _from_pretrained(settings, "auto")  # as it was saved: each rounding costs exactness
    if getattr(model.config, "quantization_config", None):
        raise NotQuantizable("its weights are quantized already")
    quantize(model, precision, head=model.get_output_embeddings(), device=device, rest=usual)
    give_back(device)  # of each layer's floats
    return model


def _from_pretrained(settings: LocalSettings, dtype: Any) -> Any:
    return AutoModelForCausalLM.from_pretrained(
        settings.source,
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=not settings.hub_allowed or Path(settings.source).exists(),
    )


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **given: Any,
) -> tuple[Tensor, None]:
    """The function that transformers calls in each layer."""
    del attention_mask
    for name in _UNKNOWN_ATTENTION:
        if given.get(name) is not None:
            raise NotImplementedError(f"attention with {name} is not served here")
    store: KeyValues = given["run_store"]
    scale: float = given.get("scaling") or module.head_dim**-0.5
    layout = given["run_layout"]
    return store.attend(module.layer_idx, query, key, value, scale=scale, layout=layout), None


def _context(config: Any, kinds: set[str]) -> int:
    """Tokens within which a request does not depend on its neighbours and attention is full: of a
    sliding window all, and of positions that are stretched for long texts those before that.
    """
    context = int(config.max_position_embeddings)
    rope: dict[str, Any] = getattr(config, "rope_parameters", None) or {}
    context = min(context, int(rope.get("original_max_position_embeddings") or context))
    window = getattr(config, "sliding_window", None)
    slides = "sliding_attention" in kinds or not getattr(config, "layer_types", None)
    return min(context, int(window)) if window and slides else context


def _ends(model: Any) -> frozenset[int]:
    ends = model.generation_config.eos_token_id
    if ends is None:
        ends = model.config.get_text_config().eos_token_id
    if ends is None:
        return frozenset()
    return frozenset([ends] if isinstance(ends, int) else ends)
