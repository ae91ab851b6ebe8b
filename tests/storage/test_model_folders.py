"""What a folder of weights tells without loading any, and what is said of one that is none."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from storage.model_addresses import BadModel
from storage.model_folders import facts_of, hub_folder, read_folder
from tests.storage.weights import QWEN_1_5B, SMALL, model_folder, safetensors


def test_sizes_are_counted_from_the_configuration() -> None:
    facts = facts_of(QWEN_1_5B)
    # Qwen2.5-1.5B: its card says 1.54B parameters, 1.31B of them outside the embedding.
    assert facts.parameters == 1_543_714_304
    assert (facts.parameters - facts.unquantized) / 1e9 == pytest.approx(1.31, abs=0.005)
    assert facts.kv_bytes_per_token == 28_672
    assert (facts.context_tokens, facts.architecture) == (32_768, "Qwen2ForCausalLM")


def small(**changes: Any) -> Mapping[str, Any]:
    return {**SMALL, **changes}


# By hand, of SMALL: embedding and output 2·32·8, norms 3·8; attention 4·8·8, feed-forward 3·8·16.
@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (SMALL, 512 + 24 + 256 + 384),
        (small(tie_word_embeddings=True), 256 + 24 + 256 + 384),
        (small(num_key_value_heads=1), 512 + 24 + 192 + 384),
        (small(attention_bias=True), 512 + 24 + 256 + 24 + 384),
        (small(head_dim=8), 512 + 24 + 512 + 384),
        (small(model_type="gpt_neox"), 512 + 24 + 256 + 256),
        (small(num_experts=4, moe_intermediate_size=4), 512 + 24 + 256 + 4 * 96 + 32),
        ({"text_config": dict(SMALL)}, 512 + 24 + 256 + 384),
    ],
)
def test_kinds_of_decoders_are_counted_by_hand(config: Mapping[str, Any], parameters: int) -> None:
    assert facts_of(config).parameters == parameters


def test_layers_of_linear_attention_cache_nothing() -> None:
    kinds = ["linear_attention", "full_attention"] * 2
    config = small(num_hidden_layers=4, layer_types=kinds)
    assert facts_of(config).kv_bytes_per_token == 2 * facts_of(SMALL).kv_bytes_per_token


def test_where_weights_are_their_headers_count(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    shards = {
        "model-1.safetensors": {"model.word_embeddings.weight": (32, 8), "lm_head.weight": (32, 8)},
        "model-2.safetensors": {
            "model.layers.0.mlp.up_proj.weight": (16, 8),
            "model.norm.weight": (8,),
        },
    }
    for name, shapes in shards.items():
        safetensors(folder / name, shapes)
    index = {"weight_map": {tensor: name for name, held in shards.items() for tensor in held}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    facts = read_folder(folder)
    assert (facts.parameters, facts.unquantized) == (512 + 128 + 8, 512 + 8)
    (folder / "model-2.safetensors").unlink()
    with pytest.raises(BadModel, match=r"lacks model-2\.safetensors: copy it again"):
        read_folder(folder)


def test_weights_that_are_quantized_already_are_counted_by_the_configuration(
    tmp_path: Path,
) -> None:
    folder = model_folder(tmp_path / "m", small(quantization_config={"quant_method": "gptq"}))
    safetensors(folder / "model.safetensors", {"model.layers.0.mlp.up_proj.qweight": (2, 8)})
    facts = read_folder(folder)
    assert (facts.quantized, facts.parameters) == ("gptq", facts_of(SMALL).parameters)
    assert facts.weight_bytes == (folder / "model.safetensors").stat().st_size


Damage = Mapping[str, bytes | None]
"""Files to be written, or removed."""
WEIGHTS = "model.safetensors"
DAMAGES: Mapping[str, tuple[Damage, str]] = {
    "no configuration": ({"config.json": None}, "has no config.json"),
    "no tokenizer": ({"tokenizer.json": None}, "has no tokenizer.json"),
    "no weights": ({WEIGHTS: None}, "has no weights"),
    "pickles": ({WEIGHTS: None, "pytorch_model.bin": b"x"}, "pickles only, which run code"),
    "GGUF": ({"config.json": None, "q4.gguf": b"x"}, "register that with --openai"),
    "half a configuration": ({"config.json": b"{"}, "cannot be read"),
    "a list": ({"config.json": b"[]"}, "cannot be read"),
    "pictures": ({"config.json": b'{"model_type": "resnet"}'}, "only decoder-only models"),
    "words": ({"config.json": b'{"hidden_size": "wide"}'}, "only decoder-only models"),
    "empty weights": ({WEIGHTS: b""}, "no whole safetensors file"),
    "a header without end": ({WEIGHTS: b"\xff" * 64}, "no whole safetensors file"),
    "a header of a list": ({WEIGHTS: b"\x02\0\0\0\0\0\0\0[]"}, "no whole safetensors file"),
}


@pytest.mark.parametrize("named", DAMAGES)
def test_what_cannot_be_loaded_is_refused_with_what_can(tmp_path: Path, named: str) -> None:
    folder = model_folder(tmp_path / "m")
    assert read_folder(folder).context_tokens == 128
    damage, told = DAMAGES[named]
    for name, content in damage.items():
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
    with pytest.raises(BadModel, match=told):
        read_folder(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=str(tmp_path / "nowhere")):
        read_folder(tmp_path / "nowhere")


def test_what_was_fetched_from_the_hub_is_found_by_branch_and_by_commit(tmp_path: Path) -> None:
    kept = tmp_path / "models--team--coder"
    snapshot = model_folder(kept / "snapshots" / "abc123")
    assert hub_folder(tmp_path, "team/coder") is None
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc123")
    assert hub_folder(tmp_path, "team/coder") == snapshot
    assert hub_folder(tmp_path, "team/coder@abc123") == snapshot
    assert hub_folder(tmp_path, "team/coder@v2") is None
    assert hub_folder(tmp_path, "team/other") is None
