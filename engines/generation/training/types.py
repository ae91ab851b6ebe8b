"""What is asked of a training, and what comes of it."""

from dataclasses import dataclass
from pathlib import Path

from engines.generation.types import Message

MOST_TOKENS = 50_000_000
"""Of all examples together; they are held in memory, five bytes each."""


class PlanRefused(Exception):
    """This plan cannot be carried out as it is; says why."""


class TrainingFailed(Exception):
    """The training broke on the way; says where, and what may help."""


@dataclass(frozen=True)
class Text:
    """A text that is learnt whole. Longer ones than a sequence are cut into several."""

    text: str


@dataclass(frozen=True)
class Answer:
    """An answer that is learnt, given its prompt, which is not."""

    prompt: str | tuple[Message, ...]
    """A text as it stands, or turns that the model's chat template puts into one."""
    answer: str


Example = Text | Answer


@dataclass(frozen=True)
class Lora:
    """The shape of a low-rank adapter. Source: Hu et al., 2021, arXiv 2106.09685."""

    rank: int = 8
    alpha: float = 16.0
    """The adapter's output is scaled by `alpha / rank`."""
    dropout: float = 0.0
    targets: tuple[str, ...] = ("all-linear",)
    """Names of the layers that get one; this word alone: each linear layer but the head."""


@dataclass(frozen=True)
class TrainingPlan:
    """One training, from a model in a folder to a model or an adapter in another."""

    base: Path
    """A folder with the model and its tokenizer."""
    output: Path
    """Gets `model/` or `adapter/`, `losses.json`, `losses.svg` and `checkpoints/`."""
    examples: tuple[Example, ...]
    steps: int
    """Of the optimizer; the examples are gone through again and again, in a new order each time."""
    held_out: tuple[Example, ...] = ()
    """Never learnt from: the loss on them tells what was learnt."""
    lora: Lora | None = None
    """None trains all weights."""
    batch_size: int = 4
    """Sequences that are in the device's memory together."""
    accumulation: int = 1
    """Batches whose gradients make one step."""
    sequence_tokens: int = 512
    """Most tokens of one sequence."""
    packing: bool = False
    """Several examples fill one sequence. They do not see each other."""
    learning_rate: float = 2e-4
    """The highest: it is reached after the warm-up and falls to 0 as a cosine."""
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    """Most length of the whole gradient."""
    evaluate_every: int = 0
    """Steps between losses on `held_out`, beside the first and the last; 0 for these two only."""
    checkpoint_every: int = 0
    """Steps between checkpoints; 0 for one only when the training is stopped."""
    seed: int = 1
    resume: bool = False
    """Go on from the newest checkpoint in `output`, if there is one."""


@dataclass(frozen=True)
class StepLoss:
    """What one step of the optimizer saw."""

    step: int
    """From 1."""
    loss: float
    """Mean over the learnt tokens of the step, in nats, before the step was taken."""
    gradient_norm: float
    """Before clipping."""
    learning_rate: float


@dataclass(frozen=True)
class HeldOutLoss:
    """The loss on the held-out examples after a step; step 0 is before the training."""

    step: int
    loss: float
    """Mean over the tokens that would be learnt, in nats."""


@dataclass(frozen=True)
class TrainingResult:
    """What came of a training."""

    folder: Path
    """The model's or the adapter's, as `from_pretrained` reads it."""
    digest: str
    """Of the adapter, as `engines.generation.adapters` gives it; of all weights without one."""
    base_digest: str
    """Of the model that was trained, before."""
    examples_digest: str
    """Of the training examples and their order."""
    losses: tuple[StepLoss, ...]
    held_out: tuple[HeldOutLoss, ...]
    cut_examples: int
    """Answers that did not fit into a sequence and lost the beginning of their prompt, or their
    own end."""
    device: str
    precision: str
    """Of the arithmetic: "bf16" or "float32"."""
