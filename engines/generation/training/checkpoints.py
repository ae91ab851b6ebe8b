"""The state of a training on disk: safetensors and JSON, never a pickle.

A checkpoint holds all that the next step depends on: the trained weights, the optimizer's moments,
the states of the random generators and the number of the step. The learning rate and the order of
the examples follow from the step and the plan, and need no state.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch is typed in part.

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from engines.generation.training.types import HeldOutLoss, PlanRefused, StepLoss

_CPU_STATE = "cpu"


@dataclass
class Progress:
    """How far a training is; it grows."""

    losses: list[StepLoss] = field(default_factory=list[StepLoss])
    held_out: list[HeldOutLoss] = field(default_factory=list[HeldOutLoss])

    @property
    def step(self) -> int:
        """Steps taken."""
        return len(self.losses)


@dataclass(frozen=True)
class Trained:
    """The parts of a training that change with each step."""

    weights: dict[str, torch.nn.Parameter]
    """Those that are trained, by name."""
    optimizer: torch.optim.Optimizer


def save_checkpoint(
    folder: Path,
    plan_digest: str,
    progress: Progress,
    trained: Trained,
    random: Mapping[str, torch.Tensor],
) -> None:
    """Write a checkpoint below `folder` and remove the older ones; `random` as `random_states`.

    It appears under its name when it is whole; a crash in between leaves the one before.
    """
    final = folder / f"step-{progress.step:08}"
    unfinished = folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file(
        {name: weight.detach().contiguous() for name, weight in trained.weights.items()},
        unfinished / "weights.safetensors",
    )
    save_file(_moments(trained), unfinished / "optimizer.safetensors")
    save_file(dict(random), unfinished / "random.safetensors")
    (unfinished / "progress.json").write_text(json.dumps({"plan": plan_digest, **asdict(progress)}))
    shutil.rmtree(final, ignore_errors=True)
    unfinished.replace(final)
    for older in _checkpoints(folder):
        if older != final:
            shutil.rmtree(older)


def load_checkpoint(folder: Path, plan_digest: str, trained: Trained) -> Progress:
    """Put the newest checkpoint below `folder` into effect; no progress where there is none.

    Raises:
        PlanRefused: It is of another plan.
    """
    found = _checkpoints(folder)
    if not found:
        return Progress()
    newest = found[-1]
    written: dict[str, Any] = json.loads((newest / "progress.json").read_text())
    if written["plan"] != plan_digest:
        raise PlanRefused(
            f"the checkpoint {newest.name} is of another plan: other examples, sizes, rates, seed "
            "or base; start anew in an empty folder, or with the plan it was made for"
        )
    _load_weights(load_file(newest / "weights.safetensors"), trained.weights)
    _load_moments(load_file(newest / "optimizer.safetensors"), trained)
    _set_random_states(load_file(newest / "random.safetensors"))
    return Progress(
        [StepLoss(**one) for one in written["losses"]],
        [HeldOutLoss(**one) for one in written["held_out"]],
    )


def _checkpoints(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(folder.glob("step-*"))


def _load_weights(read: dict[str, torch.Tensor], weights: dict[str, torch.nn.Parameter]) -> None:
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(read[name])


def _moments(trained: Trained) -> dict[str, torch.Tensor]:
    """The optimizer's tensors as "<weight>/<moment>"."""
    return {
        f"{name}/{moment}": value.detach().contiguous()
        for name, weight in trained.weights.items()
        for moment, value in trained.optimizer.state.get(weight, {}).items()
    }


def _load_moments(read: dict[str, torch.Tensor], trained: Trained) -> None:
    for key, value in read.items():
        name, moment = key.rsplit("/", 1)
        weight = trained.weights[name]
        # Adam counts its steps on the CPU.
        place = value if moment == "step" else value.to(weight.device)
        trained.optimizer.state[weight][moment] = place


def random_states() -> dict[str, torch.Tensor]:
    """The states of torch's generators, by device."""
    states = {_CPU_STATE: torch.get_rng_state()}
    return states | {f"cuda:{index}": state for index, state in _cuda_states()}


def _cuda_states() -> Iterable[tuple[int, torch.Tensor]]:
    return enumerate(torch.cuda.get_rng_state_all()) if torch.cuda.is_available() else ()


def _set_random_states(read: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(read.pop(_CPU_STATE))
    for name, state in read.items():
        torch.cuda.set_rng_state(state, name)
