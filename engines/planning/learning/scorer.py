"""The scorer of candidates, as weights on disk and as a compiled function.

A candidate's score is what the base policy says of it plus a learned correction by a small network
that all candidates share: `h = relu(x W1 + b1)`, `g = relu(h W2 + mean(h) U + b2)`,
`score = g·w + x·v`. The mean is over the decision's candidates, so that scores do not depend on
their order (Zaheer et al., "Deep Sets", 2017).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Ints
from engines.planning.compiled import compiled
from engines.planning.learning.decisions import COUNT, MAY_WAIT, Singles
from engines.planning.learning.features import DOUBT, FEATURES, FORESEEN, IS_BASE, WIDTH
from engines.planning.learning.tensors import NoTensors, read_tensors, write_tensors

HIDDEN = 32
SHIPPED = Path(__file__).with_name("policy.safetensors")
BASE_BONUS, FORESEEN_SLOPE, DOUBT_SLOPE = 1.0, -10.0, -5.0
"""What a scorer that has learned nothing does: it follows the base policy, but where the futures
that it is shown speak against that by half of their standard error and a tenth of a percent."""


class NoPolicy(Exception):
    """A file holds no scorer of ours; the message says why."""


class Weights(NamedTuple):
    """A scorer of d features with hidden layers of h; a layer's rows are its inputs."""

    first: Singles  # [d, h]
    first_bias: Singles  # [h]
    second: Singles  # [h, h]
    pooled: Singles  # [h, h]
    second_bias: Singles  # [h]
    last: Singles  # [h]
    linear: Singles  # [d]


def base_weights(hidden: int = HIDDEN, seed: int = 0) -> Weights:
    """A scorer that has learned nothing: its network is random, its last layer is zero."""
    rng = np.random.default_rng(seed)

    def layer(rows: int, columns: int) -> Singles:
        return (rng.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32)

    linear = np.zeros(WIDTH, np.float32)
    linear[IS_BASE] = BASE_BONUS
    linear[FORESEEN], linear[DOUBT] = FORESEEN_SLOPE, DOUBT_SLOPE
    return Weights(
        layer(WIDTH, hidden),
        np.zeros(hidden, np.float32),
        layer(hidden, hidden),
        layer(hidden, hidden) * np.float32(0.5),
        np.zeros(hidden, np.float32),
        np.zeros(hidden, np.float32),
        linear,
    )


def save(weights: Weights, path: Path, made_by: dict[str, str]) -> None:
    """Write a scorer, with what made it in the file's metadata."""
    write_tensors(weights._asdict(), path, {"features": " ".join(FEATURES), **made_by})


def load(path: Path = SHIPPED) -> Weights:
    """Read a scorer.

    Raises:
        NoPolicy: The file is none, or was made for other features.
    """
    try:
        tensors, metadata = read_tensors(path)
    except NoTensors as problem:
        raise NoPolicy(str(problem)) from problem
    if metadata.get("features") != " ".join(FEATURES) or set(tensors) != set(Weights._fields):
        raise NoPolicy(f"{path}: made for other features; train it again")
    return Weights(**tensors)


@compiled
def score(weights: Weights, marks: Ints, rows: Singles, hidden: Singles, scores: Singles) -> int:
    """Write the scores of a desk's candidates, waiting last where one may; how many.

    `hidden` is scratch, `[most + 2, h]`.
    """
    count = marks[COUNT] + marks[MAY_WAIT]
    context = _first_layer(weights, rows, count, hidden)
    value = hidden[-1]
    for at in range(count):
        value[:] = context
        _add_product(value, hidden[at], weights.second)
        total = np.float32(0.0)
        for j in range(len(value)):
            total += weights.last[j] * max(value[j], np.float32(0.0))
        for k in range(len(weights.linear)):
            total += weights.linear[k] * rows[at, k]
        scores[at] = total
    return count


@compiled
def _first_layer(weights: Weights, rows: Singles, count: int, hidden: Singles) -> Singles:
    """Fill `hidden`; what the mean of it adds to every candidate, `[h]`."""
    mean = np.zeros(len(weights.last), np.float32)
    for at in range(count):
        row = hidden[at]
        row[:] = weights.first_bias
        _add_product(row, rows[at], weights.first)
        for j in range(len(row)):
            row[j] = max(row[j], np.float32(0.0))
            mean[j] += row[j]
    context = weights.second_bias.copy()
    _add_product(context, mean / np.float32(count), weights.pooled)
    return context


@compiled
def _add_product(out: Singles, values: Singles, matrix: Singles) -> None:
    """out += values @ matrix; the inner loop runs along memory, and zeros are skipped."""
    for k in range(len(values)):
        value = values[k]
        if value != 0.0:
            for j in range(len(out)):
                out[j] += value * matrix[k, j]


@compiled
def best(scores: Singles, count: int) -> int:
    """The candidate of the highest score; of equals the first."""
    at = 0
    for other in range(1, count):
        if scores[other] > scores[at]:
            at = other
    return at
