# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch, transformers and safetensors are typed in part.

import json
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import peft
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from engines.generation.adapters import adapter_digest
from engines.generation.batching.local import LocalModel
from engines.generation.types import ModelRequest, ModelUnavailable, RequestRefused
from tests.engines.generation.batching.campaigns import Reference
from tests.engines.generation.batching.conftest import settings

PROMPT = list(range(600, 680))


def save_adapter(model_folder: Path, folder: Path, *, seed: int) -> Reference:
    """An adapter of random weights saved by peft; the model under it, as peft runs it."""
    torch.manual_seed(seed)
    base: Any = AutoModelForCausalLM.from_pretrained(model_folder, local_files_only=True)
    config = peft.LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj", "v_proj", "down_proj"])
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 by a name that is on its way out.
        warnings.simplefilter("ignore", FutureWarning)
        adapted = cast(Any, peft).get_peft_model(base, config)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.2)
    adapted.save_pretrained(folder)
    reference = Reference(model_folder)
    reference.model = adapted.eval()
    return reference


@pytest.fixture(scope="module")
def adapted(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Reference]:
    folders = [tmp_path_factory.mktemp("adapters") for _ in range(2)]
    return {
        folder: save_adapter(tiny_model, folder, seed=seed) for seed, folder in enumerate(folders)
    }


def write(model: LocalModel, adapter: str | None, prompt: list[int] | None = None) -> list[int]:
    request = ModelRequest((), max_tokens=12, adapter=adapter)
    stream = model.submit_tokens(prompt or PROMPT, request)
    stream.written()
    return stream.written_tokens()


def test_adapters_share_a_batch_and_write_as_under_peft(
    local: LocalModel, reference: Reference, adapted: dict[Path, Reference]
) -> None:
    names: list[str | None] = [None, *(folder.name for folder in adapted)]
    references = [reference, *adapted.values()]
    for folder in adapted:
        local.add_adapter(folder.name, folder)
    streams = [
        (local.submit_tokens(prompt, ModelRequest((), max_tokens=12, adapter=name)), theirs, prompt)
        for prompt in ([*PROMPT, own] for own in range(10, 15))
        for name, theirs in zip(names, references, strict=True)
    ]
    written: set[tuple[int, ...]] = set()
    for stream, theirs, prompt in streams:
        stream.written()
        assert stream.written_tokens() == theirs.greedy(prompt, 12)
        written.add(tuple(stream.written_tokens()))
    assert len(written) > 5


def test_an_adapter_swapped_under_way_drops_no_request_and_uses_no_stale_prefix(
    local: LocalModel, adapted: dict[Path, Reference]
) -> None:
    prompt = list(range(900, 980))
    (first, under_first), (second, under_second) = adapted.items()
    before = local.add_adapter("style", first)
    assert before == adapter_digest(first)
    assert write(local, "style", prompt) == under_first.greedy(prompt, 12)
    under_way = local.submit_tokens(prompt, ModelRequest((), max_tokens=40, adapter="style"))
    after = local.add_adapter("style", second)
    assert before != after
    swapped = local.submit_tokens(prompt, ModelRequest((), max_tokens=12, adapter="style"))
    assert swapped.written().usage.cached_tokens == 0
    assert swapped.written_tokens() == under_second.greedy(prompt, 12)
    under_way.written()
    assert under_way.written_tokens() == under_first.greedy(prompt, 40)


def test_a_removed_adapter_is_refused_and_what_runs_under_it_ends_well(
    local: LocalModel, adapted: dict[Path, Reference]
) -> None:
    folder, theirs = next(iter(adapted.items()))
    local.add_adapter("gone", folder)
    stream = local.submit_tokens(PROMPT, ModelRequest((), max_tokens=30, adapter="gone"))
    local.remove_adapter("gone")
    local.remove_adapter("gone")
    with pytest.raises(RequestRefused, match="no adapter named gone"):
        write(local, "gone")
    stream.written()
    assert stream.written_tokens() == theirs.greedy(PROMPT, 30)


def test_swaps_from_another_thread_disturb_nothing(
    local: LocalModel, reference: Reference, adapted: dict[Path, Reference]
) -> None:
    def swap() -> None:
        for folder in [*adapted] * 5:
            local.add_adapter("busy", folder)

    thread = threading.Thread(target=swap)
    thread.start()
    prompts = [[*PROMPT, 50 + own] for own in range(10)]
    streams = [local.submit_tokens(prompt, ModelRequest((), max_tokens=10)) for prompt in prompts]
    for stream in streams:
        stream.written()
    thread.join()
    assert streams[3].written_tokens() == reference.greedy(prompts[3], 10)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"use_dora": True}, "not plain LoRA: it has use_dora"),
        ({"modules_to_save": ["lm_head"]}, "not plain LoRA: it has modules_to_save"),
        ({"peft_type": "IA3"}, "is not LoRA"),
        ({"lora_alpha": 12}, "is of another model: model.layers.0.self_attn.q_proj"),
    ],
)
def test_an_adapter_that_is_not_plain_lora_of_this_model_is_refused(
    local: LocalModel, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors: dict[str, Tensor] = {
        f"{layer}.lora_A.weight": torch.zeros(4, 64),
        f"{layer}.lora_B.weight": torch.zeros(64, 4),
    }
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, **changes}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match=reason):
        local.add_adapter("bad", tmp_path)


def test_an_adapter_that_is_not_there_is_said(local: LocalModel, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="adapter absent cannot be read"):
        local.add_adapter("absent", tmp_path)


def test_adapters_are_bounded(tiny_model: Path, adapted: dict[Path, Reference]) -> None:
    folder = next(iter(adapted))
    model = LocalModel(replace(settings(tiny_model), max_adapters=1))
    try:
        model.add_adapter("one", folder)
        model.add_adapter("one", folder)
        with pytest.raises(ModelUnavailable, match="holds 1 adapters already"):
            model.add_adapter("two", folder)
    finally:
        model.close()
