"""The training itself: `train` is the one entry."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch and accelerate are typed in part.

import hashlib
import json
import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from engines.generation.training.checkpoints import (
    Progress,
    Trained,
    load_checkpoint,
    random_states,
    save_checkpoint,
)
from engines.generation.training.losses import write_losses
from engines.generation.training.rows import (
    Batch,
    Row,
    Rows,
    batch,
    examples_digest,
    order,
    rows_of,
)
from engines.generation.training.types import (
    HeldOutLoss,
    PlanRefused,
    StepLoss,
    TrainingFailed,
    TrainingPlan,
    TrainingResult,
)
from engines.generation.training.weights import (
    accelerator,
    base_digest,
    open_model,
    open_tokenizer,
    save_result,
)
from engines.watch import Stopped, Watch

_FEWEST_TOKENS = 2
"""One to see and one to learn."""


def train(plan: TrainingPlan, watch: Watch) -> TrainingResult:
    """Train a model, or an adapter of it, in this process and on one device.

    The same plan gives the same losses on the same machine and number of threads, also when it was
    stopped on the way and resumed. What is learnt is weighted by token: a batch of few long answers
    and one of many short ones count by what is in them.

    Raises:
        PlanRefused: The plan cannot be carried out; nothing was trained.
        TrainingFailed: The loss is no longer a number, or the memory does not suffice.
        Stopped: The watch asked for it. A checkpoint was written, from which the same plan with
            `resume` goes on.
    """
    _check(plan)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(plan.seed)
        try:
            return _Training(plan, watch).run()
        except torch.OutOfMemoryError as problem:
            raise TrainingFailed(
                f"the device's memory does not suffice for {plan.batch_size} sequences of "
                f"{plan.sequence_tokens} tokens: make batch_size smaller and accumulation larger"
            ) from problem


def learning_rate(plan: TrainingPlan, step: int) -> float:
    """The rate of a step, from 1: a line up to the highest, then half a cosine down towards 0."""
    if step <= plan.warmup_steps:
        return plan.learning_rate * step / plan.warmup_steps
    share = (step - 1 - plan.warmup_steps) / max(1, plan.steps - plan.warmup_steps)
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def _check(plan: TrainingPlan) -> None:
    for name in ("steps", "batch_size", "accumulation"):
        if getattr(plan, name) < 1:
            raise PlanRefused(f"{name} is {getattr(plan, name)}, and must be at least 1")
    if plan.sequence_tokens < _FEWEST_TOKENS:
        raise PlanRefused(f"a sequence needs at least {_FEWEST_TOKENS} tokens")
    if not plan.learning_rate > 0:
        raise PlanRefused("the learning rate must be above 0")


def _digest(plan: TrainingPlan, base: str, examples: str) -> str:
    """Of all in a plan that its losses depend on."""
    parts = asdict(replace(plan, examples=(), held_out=()))
    for name in ("output", "resume", "checkpoint_every"):
        del parts[name]
    parts |= {"base": base, "examples": examples, "held_out": examples_digest(plan.held_out)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class _Training:
    """One run of a plan."""

    def __init__(self, plan: TrainingPlan, watch: Watch) -> None:
        watch.phase("load")
        self._plan, self._watch = plan, watch
        self._accelerator = accelerator()
        self._device: torch.device = self._accelerator.device
        self._tokenizer = open_tokenizer(plan.base)
        self._examples_digest = examples_digest(plan.examples)
        self._base_digest = base_digest(plan.base)
        self._digest = _digest(plan, self._base_digest, self._examples_digest)
        self._rows: Rows = rows_of(plan.examples, self._tokenizer, plan)
        self._held_out: tuple[Row, ...] = (
            rows_of(plan.held_out, self._tokenizer, plan).rows if plan.held_out else ()
        )
        self._half = self._accelerator.mixed_precision == "bf16"
        model = open_model(plan, half=self._half)
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(
            trained, lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        prepared: Any = self._accelerator.prepare(model, optimizer)
        self._model, self._optimizer = prepared
        self._trained = Trained(
            {name: one for name, one in self._model.named_parameters() if one.requires_grad},
            optimizer,
        )
        self._progress = Progress()
        self._random_states = random_states()

    def run(self) -> TrainingResult:
        """All that is left of the plan."""
        plan = self._plan
        plan.output.mkdir(parents=True, exist_ok=True)
        if plan.resume:
            self._progress = load_checkpoint(self._checkpoints, self._digest, self._trained)
        self._watch.phase("train")
        while True:
            self._random_states = random_states()
            step = self._progress.step
            if self._evaluation_is_due(step):
                self._evaluate(step)
            if step and plan.checkpoint_every and step % plan.checkpoint_every == 0:
                self._save_checkpoint()
            if step >= plan.steps:
                return self._finished()
            self._take(step + 1)

    @property
    def _checkpoints(self) -> Path:
        return self._plan.output / "checkpoints"

    def _take(self, step: int) -> None:
        """One step of the optimizer.

        The sum of the losses is divided by the learnt tokens of all batches of the step, so that
        accumulation changes the memory needed and nothing else.
        """
        plan, rate, total = self._plan, learning_rate(self._plan, step), 0.0
        batches = self._batches(step)
        learnt = sum(one.learnt for one in batches)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._model.train()
        for one in batches:
            self._stop_if_asked()
            loss = self._loss_sum(one) / learnt
            self._accelerator.backward(loss)
            total += loss.item()
        weights = list(self._trained.weights.values())
        norm = float(self._accelerator.clip_grad_norm_(weights, plan.clip_norm))
        _check_numbers(step, total, norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._progress.losses.append(StepLoss(step, total, norm, rate))
        self._watch.report(f"step {step} of {plan.steps}: loss {total:.3f}", step / plan.steps)

    def _batches(self, step: int) -> list[Batch]:
        plan, rows = self._plan, self._rows.rows
        size, count = plan.batch_size, plan.batch_size * plan.accumulation
        chosen = list(order(len(rows), plan.seed, (step - 1) * count, count))
        return [
            batch([rows[index] for index in chosen[start : start + size]], self._device)
            for start in range(0, count, size)
        ]

    def _loss_sum(self, one: Batch) -> torch.Tensor:
        """Cross entropy summed over the learnt tokens. The rows' pieces do not see each other."""
        output = self._model(
            input_ids=one.tokens, position_ids=one.positions, use_cache=False
        )  # logits [rows, tokens, vocabulary]
        logits: torch.Tensor = output.logits[:, :-1].flatten(0, 1).float()
        return functional.cross_entropy(logits, one.labels[:, 1:].flatten(), reduction="sum")

    def _evaluation_is_due(self, step: int) -> bool:
        plan, known = self._plan, self._progress.held_out
        if not self._held_out or (known and known[-1].step == step):
            return False
        every = bool(plan.evaluate_every) and step % plan.evaluate_every == 0
        return every or step in (0, plan.steps)

    def _evaluate(self, step: int) -> None:
        size, total, learnt = self._plan.batch_size, 0.0, 0
        self._model.eval()
        for start in range(0, len(self._held_out), size):
            self._stop_if_asked()
            one = batch(self._held_out[start : start + size], self._device)
            with torch.no_grad():
                total += self._loss_sum(one).item()
            learnt += one.learnt
        self._progress.held_out.append(HeldOutLoss(step, total / learnt))

    def _stop_if_asked(self) -> None:
        if self._watch.stop_requested():
            self._save_checkpoint()
            raise Stopped

    def _save_checkpoint(self) -> None:
        """As things were before the step under way."""
        progress, trained = self._progress, self._trained
        save_checkpoint(self._checkpoints, self._digest, progress, trained, self._random_states)

    def _finished(self) -> TrainingResult:
        self._watch.phase("save")
        plan, progress = self._plan, self._progress
        model: Any = self._accelerator.unwrap_model(self._model)
        folder, digest = save_result(model, self._tokenizer, plan)
        title = f"{'LoRA' if plan.lora else 'full'} training of {plan.base.name}, seed {plan.seed}"
        write_losses(plan.output, title, progress.losses, progress.held_out)
        shutil.rmtree(self._checkpoints, ignore_errors=True)
        return TrainingResult(
            folder=folder,
            digest=digest,
            base_digest=self._base_digest,
            examples_digest=self._examples_digest,
            losses=tuple(progress.losses),
            held_out=tuple(progress.held_out),
            cut_examples=self._rows.cut_examples,
            device=str(self._device),
            precision="bf16" if self._half else "float32",
        )


def _check_numbers(step: int, loss: float, norm: float) -> None:
    for name, value in (("loss", loss), ("gradient", norm)):
        if not math.isfinite(value):
            raise TrainingFailed(
                f"the {name} is {value} at step {step}: a lower learning rate, a longer warm-up or "
                "a smaller clip_norm may help; nothing was written but earlier checkpoints"
            )
