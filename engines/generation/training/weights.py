"""The model that is trained: opened, made ready, and written again."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch, transformers and peft are typed in part.

import hashlib
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator  # pyright: ignore[reportMissingTypeStubs]
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from engines.generation.adapters import adapter_digest, add_tensor
from engines.generation.training.types import Lora, PlanRefused, TrainingPlan


def accelerator() -> Any:
    """The device that is there; bf16 arithmetic where a CUDA device has it, else float32."""
    cuda = torch.cuda.is_available()
    return Accelerator(mixed_precision="bf16" if cuda and torch.cuda.is_bf16_supported() else "no")


def open_tokenizer(base: Path) -> Any:
    """The base model's tokenizer.

    Raises:
        PlanRefused: There is none, or it knows no end of a text.
    """
    try:
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(base, local_files_only=True)
    except (OSError, ValueError) as problem:
        raise PlanRefused(f"no tokenizer in {base}: {problem}") from problem
    if tokenizer.eos_token_id is None:
        raise PlanRefused(f"the tokenizer in {base} has no end-of-text token")
    return tokenizer


def base_digest(base: Path) -> str:
    """SHA-256 of a model's settings and weights files, in hexadecimal.

    Raises:
        PlanRefused: There are none.
    """
    settings, weights = base / "config.json", sorted(base.glob("*.safetensors"))
    if not settings.is_file() or not weights:
        raise PlanRefused(f"no model in {base}: it needs a config.json and weights as safetensors")
    digest = hashlib.sha256()
    for file in (settings, *weights):
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def open_model(plan: TrainingPlan, *, half: bool) -> Any:
    """The base model with what is trained marked as such: all weights, or an adapter's.

    Weights that are trained are float32. With `half`, frozen ones are bfloat16.

    Raises:
        PlanRefused: There is no model, or the adapter does not fit it.
    """
    frozen = torch.bfloat16 if half and plan.lora else torch.float32
    try:
        model = cast(Any, AutoModelForCausalLM).from_pretrained(
            plan.base, local_files_only=True, dtype=frozen
        )
    except (OSError, ValueError) as problem:
        raise PlanRefused(f"no model in {plan.base}: {problem}") from problem
    if plan.lora:
        try:
            model = _adapted(model, plan.lora)
        except ValueError as problem:
            raise PlanRefused(f"the adapter does not fit the model: {problem}") from problem
    return model


def save_result(model: Any, tokenizer: Any, plan: TrainingPlan) -> tuple[Path, str]:
    """Write the adapter or the model below the plan's output; its folder and its digest."""
    if plan.lora:
        folder = plan.output / "adapter"
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)  # A form about the model, not filled in.
        return folder, adapter_digest(folder)
    folder = plan.output / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        _add_tensors(digest, file)
    return folder, digest.hexdigest()


def _adapted(model: Any, lora: Lora) -> Any:
    every = lora.targets == ("all-linear",)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=cast(int, lora.alpha),
        lora_dropout=lora.dropout,
        target_modules="all-linear" if every else list(lora.targets),
    )
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 by a name that is on its way out.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        return get_peft_model(model, config)


def _add_tensors(digest: Any, file: Path) -> None:
    """One tensor at a time: a model may be larger than what memory is left."""
    with cast(Any, safe_open)(file, framework="pt") as tensors:
        for name in sorted(tensors.keys()):
            add_tensor(digest, name, tensors.get_tensor(name))
