"""Long trials of a local model, a short form of which is in the suite."""

# pyright: reportUnknownMemberType=false
# transformers is typed in part.

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from engines.generation.batching.local import LocalModel
from engines.generation.types import Finish, ModelRequest

_CANCELLED = 0.1
_SHARED_PREFIX = 0.3
_AT_ONCE = 200


class Reference:
    """The same weights, under transformers' own `generate`, one request at a time."""

    def __init__(self, folder: Path) -> None:
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()

    def greedy(self, prompt: list[int], max_tokens: int) -> list[int]:
        """What it writes, the token that ended it included."""
        with torch.inference_mode():
            ids: list[list[int]] = self.model.generate(
                torch.tensor([prompt]), max_new_tokens=max_tokens, do_sample=False
            ).tolist()
        return ids[0][len(prompt) :]


@dataclass(frozen=True)
class Exactness:
    """Of one campaign."""

    compared: int
    cancelled: int
    different: int


def exactness(
    model: LocalModel, reference: Reference, *, requests: int, seed: int = 1
) -> Exactness:
    """Random greedy requests, some sharing a prefix and some cancelled on the way, compared with
    `generate`, token by token. What a cancelled one wrote must be a beginning of the reference's.
    """
    chance = random.Random(seed)  # noqa: S311 - seeded
    compared = cancelled = different = 0
    for _ in range(0, requests, _AT_ONCE):
        orders = [_order(chance) for _ in range(min(_AT_ONCE, requests - compared))]
        streams = [
            model.submit_tokens(prompt, ModelRequest((), max_tokens=count))
            for prompt, count in orders
        ]
        for stream in streams:
            if chance.random() < _CANCELLED:
                next(stream.pieces(wait_s=60), None)
                stream.cancel()
        for (prompt, count), stream in zip(orders, streams, strict=True):
            stopped = stream.written().finish is Finish.CANCELLED
            ours, theirs = stream.written_tokens(), reference.greedy(prompt, count)
            different += ours != (theirs[: len(ours)] if stopped else theirs)
            cancelled += stopped
        compared += len(orders)
    return Exactness(compared, cancelled, different)


def cancels(model: LocalModel, *, count: int, seed: int = 1) -> int:
    """Requests cancelled at any moment of their life; blocks lost by it, which must be 0."""
    chance = random.Random(seed)  # noqa: S311 - seeded
    before = settled_free_blocks(model)
    for _ in range(0, count, _AT_ONCE):
        streams = [model.submit_tokens(*_submission(chance)) for _ in range(min(_AT_ONCE, count))]
        chance.shuffle(streams)
        for stream in streams:
            if chance.random() < 0.05:
                next(stream.pieces(wait_s=60), None)
            stream.cancel()
            assert stream.written().finish in {Finish.CANCELLED, Finish.LENGTH, Finish.STOP}
    return before - settled_free_blocks(model)


def settled_free_blocks(model: LocalModel) -> int:
    """Free blocks, once nothing runs."""
    model.submit_tokens([5], ModelRequest((), max_tokens=1)).written()
    while model.stats().running:
        model.submit_tokens([5], ModelRequest((), max_tokens=1)).written()
    free = model.stats().free_blocks
    assert free is not None
    return free


def _submission(chance: random.Random) -> tuple[list[int], ModelRequest]:
    prompt, count = _order(chance)
    return prompt, ModelRequest((), max_tokens=count)


def _order(chance: random.Random) -> tuple[list[int], int]:
    """A prompt of up to 200 tokens, in part shared with others, and the tokens to write."""
    shared = list(range(300, 300 + chance.choice((17, 40, 64))))
    prompt = shared if chance.random() < _SHARED_PREFIX else []
    own = [chance.randrange(3, 2000) for _ in range(chance.randrange(1, 200 - len(prompt)))]
    return prompt + own, chance.randrange(1, 33)
