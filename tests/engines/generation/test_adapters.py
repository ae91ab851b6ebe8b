# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# safetensors is typed in part.

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engines.generation.adapters import adapter_digest

LAYER = "base_model.model.model.layers.0.self_attn.q_proj"
CONFIG: dict[str, Any] = {
    "peft_type": "LORA",
    "r": 4,
    "lora_alpha": 8,
    "target_modules": ["q_proj", "v_proj"],
    "base_model_name_or_path": "/models/one",
}


def tensors() -> dict[str, Tensor]:
    return {
        f"{LAYER}.lora_A.weight": torch.arange(8.0).reshape(4, 2),
        f"{LAYER}.lora_B.weight": torch.arange(12.0).reshape(3, 4),
    }


def digest(
    folder: Path, changes: dict[str, Any] | None = None, held: dict[str, Tensor] | None = None
) -> str:
    config = json.dumps({**CONFIG, **(changes or {})})
    (folder / "adapter_config.json").write_text(config)
    save_file(tensors() if held is None else held, folder / "adapter_model.safetensors")
    return adapter_digest(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"base_model_name_or_path": "/models/other", "peft_version": "0.99"},
        {"target_modules": ["v_proj", "q_proj"], "lora_dropout": 0.1},
        {"lora_alpha": 8.0},
        {"use_dora": False, "bias": "none", "rank_pattern": {}, "an_option_of_later": None},
    ],
)
def test_who_wrote_an_adapter_and_where_does_not_change_its_digest(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert digest(tmp_path, changes) == digest(tmp_path)


def test_the_layout_of_the_files_does_not_change_a_digest(tmp_path: Path) -> None:
    first = digest(tmp_path)
    before = (tmp_path / "adapter_model.safetensors").read_bytes()
    save_file(tensors(), tmp_path / "adapter_model.safetensors", metadata={"format": "pt"})
    (tmp_path / "adapter_config.json").write_text(json.dumps(CONFIG, indent=4, sort_keys=True))
    assert (tmp_path / "adapter_model.safetensors").read_bytes() != before
    assert adapter_digest(tmp_path) == first


@pytest.mark.parametrize(
    "changes",
    [{"r": 8}, {"lora_alpha": 9}, {"use_rslora": True}, {"alpha_pattern": {"q_proj": 1}}],
)
def test_what_changes_the_result_changes_the_digest(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert digest(tmp_path, changes) != digest(tmp_path)


def test_each_tensor_counts_with_its_name_type_shape_and_values(tmp_path: Path) -> None:
    down, up = tensors().values()
    variants = (
        tensors(),
        {f"{LAYER}.lora_A.weight": down, f"{LAYER}.lora_B.weight": up + 1},
        {f"{LAYER}.lora_A.weight": down, f"{LAYER}.lora_B.weight": up.reshape(4, 3)},
        {f"{LAYER}.lora_A.weight": down, f"{LAYER}.lora_B.weight": up.bfloat16()},
        {f"{LAYER}.lora_A.weight": down, f"{LAYER}_x.lora_B.weight": up},
    )
    assert len({digest(tmp_path, held=held) for held in variants}) == len(variants)


def test_a_folder_without_an_adapter_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        adapter_digest(tmp_path)
