"""The two learners of the reference: a linear listwise ranker, and LightGBM's lambdarank.

Both are untyped to a type checker; their `Any` stays in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import lightgbm
import numpy as np
import scipy.optimize  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from engines.matching.metrics import placed
from engines.matching.protocol import Floats
from tests.benchmarks.matching.watching import Ints

RIDGES = (1e-3, 1e-2, 3e-2)
"""Of which the stopping part picks one."""
ROUNDS, PATIENCE = 600, 60
LEAVES = (7, 15, 31)
HEATS = tuple(2.0 ** (step / 4) for step in range(-16, 25))
FLOOR = 0.01
"""Shares are told apart down to here."""


@dataclass(frozen=True)
class Examples:
    """Questions with their candidates' features: those of question q are `first[q] : first[q + 1]`."""

    features: Floats  # [n, f]
    right: NDArray[np.bool_]  # [n]
    first: Ints  # [questions + 1]

    @property
    def questions(self) -> int:
        """How many."""
        return len(self.first) - 1

    @property
    def question(self) -> Ints:
        """[n]: of each candidate."""
        return np.repeat(np.arange(self.questions), np.diff(self.first))


class Ranker(Protocol):
    """A trained learner."""

    def scores(self, examples: Examples) -> Floats:
        """[n]: one for each candidate."""
        ...


def examples_of(matrices: Sequence[Floats], right: Sequence[Sequence[int]]) -> Examples:
    """One question for each matrix [candidates, f] and the rows of its right answers."""
    first = np.cumsum([0, *(len(matrix) for matrix in matrices)])
    flags = np.zeros(first[-1], np.bool_)
    for start, rows in zip(first, right, strict=False):
        flags[[int(start) + row for row in rows]] = True
    return Examples(np.concatenate(matrices), flags, first)


def mrr(examples: Examples, scores: Floats) -> float:
    """Over the questions that have a right answer."""
    spans = zip(examples.first, examples.first[1:], strict=False)
    found = [
        placed(scores[start:end].tolist(), examples.right[start:end].tolist()).reciprocal
        for start, end in spans
        if examples.right[start:end].any()
    ]
    return float(np.mean(found)) if found else 0.0


def temperature(examples: Examples, scores: Floats) -> float:
    """What scores are to be multiplied by so that their softmax is as likely as can be."""
    found = [
        (_loss(np.array([factor]), scores[:, None], examples, 0.0)[0], factor) for factor in HEATS
    ]
    return min(found)[1]


class Linear:
    """One weight a feature, of the softmax over a question's candidates: listwise cross-entropy."""

    def __init__(self, weights: Floats, shares: NDArray[np.bool_]) -> None:
        """Of `_inputs`, [f] each."""
        self.weights = weights
        self.shares = shares

    def scores(self, examples: Examples) -> Floats:
        """[n]: logits."""
        return _inputs(examples, self.shares) @ self.weights


def fit_linear(training: Examples, stopping: Examples) -> Linear:
    """The best of `RIDGES` on the stopping part, each fitted by L-BFGS."""
    library: Any = scipy.optimize
    values = training.features
    shares = np.asarray(((values >= 0) & (values <= 1)).all(axis=0))
    inputs = _inputs(training, shares)
    start = np.zeros(inputs.shape[1])
    fitted: list[tuple[float, Linear]] = []
    for ridge in sorted(RIDGES, reverse=True):
        given = (inputs, training, ridge)
        solved: Any = library.minimize(_loss, start, given, "L-BFGS-B", jac=True)
        start = np.asarray(solved.x, np.float64)
        linear = Linear(start, shares)
        fitted.append((mrr(stopping, linear.scores(stopping)), linear))
    return max(fitted, key=lambda pair: pair[0])[1]


def _inputs(examples: Examples, shares: NDArray[np.bool_]) -> Floats:
    """[n, f]: features, shares as logarithms, standardised in each question."""
    values = examples.features
    inputs = np.where(shares, np.log(np.clip(values, 0, 1) + FLOOR), values)
    question, counts = examples.question, np.diff(examples.first)[:, None]
    means = np.add.reduceat(inputs, examples.first[:-1]) / counts
    centred = inputs - means[question]
    deviations = np.sqrt(np.add.reduceat(centred**2, examples.first[:-1]) / counts)
    return centred / np.maximum(deviations, 1e-6)[question]


def _loss(
    weights: Floats, inputs: Floats, examples: Examples, ridge: float
) -> tuple[float, Floats]:
    logits = inputs @ weights
    starts, question = examples.first[:-1], examples.question
    logits -= np.maximum.reduceat(logits, starts)[question]
    raised = np.exp(logits)
    beliefs = raised / np.add.reduceat(raised, starts)[question]
    right = examples.right / np.add.reduceat(examples.right.astype(np.float64), starts)[question]
    loss = -float(right @ np.log(np.maximum(beliefs, 1e-300))) / examples.questions
    gradient = inputs.T @ (beliefs - right) / examples.questions
    return loss + ridge * float(weights @ weights) / 2, gradient + ridge * weights


class Boosted:
    """LightGBM's trees under lambdarank: the mean of some boosters."""

    def __init__(self, boosters: Sequence[Any]) -> None:
        """Each a `lightgbm.Booster`."""
        self._boosters = boosters

    def scores(self, examples: Examples) -> Floats:
        """[n]."""
        found = [booster.predict(examples.features, num_threads=1) for booster in self._boosters]
        return np.mean(np.array(found, np.float64), axis=0)


def fit_boosted(training: Examples, stopping: Examples, seed: int) -> Boosted:
    """One booster for each of `LEAVES`, which the stopping part ends.

    To pick one by the stopping part instead is worse: its 150 to 250 questions tell them apart by
    chance, and on pytest one of two seeds gave .71 instead of .75.
    """
    return Boosted([_boosted(training, stopping, leaves, seed) for leaves in LEAVES])


def _boosted(training: Examples, stopping: Examples, leaves: int, seed: int) -> Any:
    library: Any = lightgbm
    parameters = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [5],
        "learning_rate": 0.05,
        "num_leaves": leaves,
        "min_data_in_leaf": 40,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    sets = [
        library.Dataset(one.features, one.right.astype(int), group=np.diff(one.first))
        for one in (training, stopping)
    ]
    sets[1].reference = sets[0]
    quiet = library.early_stopping(PATIENCE, verbose=False)
    return library.train(parameters, sets[0], ROUNDS, [sets[1]], callbacks=[quiet])
