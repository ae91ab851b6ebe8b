# pyright: reportUnknownMemberType=false

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engines.generation.tiny import make_tiny


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def tokenizer_in(folder: Path) -> Any:
    return cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)


def model_in(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)


def test_the_same_seed_gives_the_same_bytes(tiny_model: Path, tmp_path: Path) -> None:
    torch.manual_seed(99)
    assert contents(make_tiny(tmp_path)) == contents(tiny_model)


def test_another_seed_gives_other_weights_and_the_same_tokenizer(
    tiny_model: Path, tmp_path: Path
) -> None:
    first, second = contents(tiny_model), contents(make_tiny(tmp_path, seed=2))
    assert [name for name in first if first[name] != second[name]] == ["model.safetensors"]


def test_making_one_leaves_the_caller_s_chance_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    make_tiny(tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_it_loads_as_any_causal_language_model(tiny_model: Path) -> None:
    model, tokenizer = model_in(tiny_model), tokenizer_in(tiny_model)
    assert model.config.model_type == "qwen3"
    assert model.config.num_key_value_heads < model.config.num_attention_heads
    assert len(tokenizer) == model.config.vocab_size == 2048
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert sum(path.stat().st_size for path in tiny_model.iterdir()) < 5_000_000


def test_text_survives_the_tokenizer(tiny_model: Path) -> None:
    tokenizer = tokenizer_in(tiny_model)
    text = "def größe(x):\n\treturn '☃' if x else None  # 🦅\r\n"
    tokens = tokenizer(text)["input_ids"]
    assert tokenizer.decode(tokens) == text
    assert len(tokens) < len(text)


def test_a_conversation_has_turns_and_a_place_to_write(tiny_model: Path) -> None:
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    tokenizer = tokenizer_in(tiny_model)
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert text == (
        "<|start|>system\nbe brief<|end|>\n<|start|>user\nhi<|end|>\n<|start|>assistant\n"
    )
    assert tokenizer(text)["input_ids"].count(tokenizer.eos_token_id) == 2


def test_what_it_writes_depends_on_the_prompt_and_goes_on_varying(tiny_model: Path) -> None:
    model, tokenizer = model_in(tiny_model), tokenizer_in(tiny_model)
    texts: list[list[int]] = []
    for prompt in ("write a sort", "def add(a, b):"):
        given = tokenizer(prompt, return_tensors="pt")
        output = model.generate(**given, max_new_tokens=40)
        texts.append(output[0, given["input_ids"].shape[1] :].tolist())
    assert texts[0] != texts[1]
    assert all(len(set(text)) > 10 for text in texts)


@pytest.mark.parametrize("sizes", [{"hidden": 100}, {"layers": 0}, {"vocabulary": 200}])
def test_sizes_no_model_can_have_are_refused(tmp_path: Path, sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no tiny model has"):
        make_tiny(tmp_path, **sizes)
