"""Examples as rows of tokens, and the order in which they are learnt."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from engines.generation.training.types import (
    MOST_TOKENS,
    Answer,
    Example,
    PlanRefused,
    Text,
    TrainingPlan,
)

_UNLEARNT = -100
"""The label that torch's cross entropy leaves out."""


@dataclass(frozen=True)
class Piece:
    """A run of tokens that sees nothing outside itself. Arrays of shape [tokens]."""

    tokens: NDArray[np.int32]
    learnt: NDArray[np.bool_]
    """Whether the model learns to write this token; never the first, which nothing precedes."""


Row = tuple[Piece, ...]
"""Pieces that are computed in one sequence."""


@dataclass(frozen=True)
class Rows:
    """All examples, ready to be learnt."""

    rows: tuple[Row, ...]
    cut_examples: int


@dataclass(frozen=True)
class Batch:
    """What the model is given at once: tensors of shape [rows, longest row], int64."""

    tokens: torch.Tensor
    positions: torch.Tensor
    """From 0 in each piece: this is how the attention knows where one ends."""
    labels: torch.Tensor
    learnt: int
    """Tokens that are learnt."""


def examples_digest(examples: Sequence[Example]) -> str:
    """SHA-256 of examples in their order, in hexadecimal."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(json.dumps(asdict(example), sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def rows_of(examples: Sequence[Example], tokenizer: Any, plan: TrainingPlan) -> Rows:
    """Tokenize examples and lay them out in rows.

    Raises:
        PlanRefused: There is nothing to learn in them, or they are too many.
    """
    pieces, cut, total = list[Piece](), 0, 0
    for example in examples:
        for piece, was_cut in _pieces(example, tokenizer, plan.sequence_tokens):
            cut += was_cut
            total += piece.tokens.size
            if piece.learnt.any():
                pieces.append(piece)
        if total > MOST_TOKENS:
            raise PlanRefused(f"the examples have more than {MOST_TOKENS:,} tokens")
    if not pieces:
        raise PlanRefused("there is nothing to learn: no example has two tokens")
    rows = _packed(pieces, plan.sequence_tokens) if plan.packing else ((one,) for one in pieces)
    return Rows(tuple(rows), cut)


def _pieces(example: Example, tokenizer: Any, most: int) -> Iterator[tuple[Piece, bool]]:
    match example:
        case Text(text):
            tokens = [*_tokens(text, tokenizer), tokenizer.eos_token_id]
            for start in range(0, len(tokens), most):
                yield _piece(tokens[start : start + most], prompt=1), False
        case Answer(prompt, answer):
            before = _prompt_tokens(prompt, tokenizer)
            after = [*_tokens(answer, tokenizer), tokenizer.eos_token_id]
            shown = before[-max(1, most - len(after)) :]
            whole = (shown + after)[:most]
            yield _piece(whole, prompt=len(shown)), len(before) + len(after) > most


def _prompt_tokens(prompt: Any, tokenizer: Any) -> list[int]:
    if isinstance(prompt, str):
        return _tokens(prompt, tokenizer)
    turns = [{"role": message.role, "content": message.text} for message in prompt]
    text: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return _tokens(text, tokenizer)


def _tokens(text: str, tokenizer: Any) -> list[int]:
    tokens: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return tokens


def _piece(tokens: Sequence[int], *, prompt: int) -> Piece:
    learnt = np.arange(len(tokens)) >= max(1, prompt)
    return Piece(np.asarray(tokens, dtype=np.int32), learnt)


def _packed(pieces: Iterable[Piece], most: int) -> Iterator[Row]:
    """Each piece into the current row if it fits, else into a new one; the order is kept."""
    row, used = list[Piece](), 0
    for piece in pieces:
        if row and used + piece.tokens.size > most:
            yield tuple(row)
            row, used = [], 0
        row.append(piece)
        used += piece.tokens.size
    yield tuple(row)


def order(rows: int, seed: int, first: int, count: int) -> Iterator[int]:
    """The indices of `count` rows from position `first` of an endless stream on.

    Each round through the rows is a permutation of its own, given by seed and round alone: a
    training that goes on at a position needs no more than the position.
    """
    generator = torch.Generator()
    permutation, drawn = list[int](), -1
    for position in range(first, first + count):
        turn, index = divmod(position, rows)
        if turn != drawn:
            generator.manual_seed(seed * 1_000_003 + turn)
            permutation, drawn = cast(Any, torch.randperm(rows, generator=generator)).tolist(), turn
        yield permutation[index]


def batch(rows: Sequence[Row], device: torch.device) -> Batch:
    """Pad rows to the longest, on the right, where causal attention never looks."""
    widths = [sum(piece.tokens.size for piece in row) for row in rows]
    shape = (len(rows), max(widths))
    tokens, labels = np.zeros(shape, np.int64), np.full(shape, _UNLEARNT, np.int64)
    positions = np.zeros(shape, np.int64)
    for index, (row, width) in enumerate(zip(rows, widths, strict=True)):
        start = 0
        for piece in row:
            end = start + piece.tokens.size
            tokens[index, start:end] = piece.tokens
            labels[index, start:end] = np.where(piece.learnt, piece.tokens, _UNLEARNT)
            positions[index, start:end] = np.arange(end - start)
            start = end
        rest = shape[1] - width
        positions[index, width:] = np.arange(rest) + (row[-1].tokens.size if len(row) == 1 else 0)
    learnt = int((labels != _UNLEARNT).sum())
    moved = (torch.from_numpy(one).to(device) for one in (tokens, positions, labels))
    return Batch(*moved, learnt=learnt)
