"""Trains a neural ranker on questions of the past."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.matching.ranking.lists import Flags, Lists
from engines.matching.ranking.network import Network, Shape, batch_of, logarithm
from engines.matching.ranking.shown import Precedents, Shown
from engines.matching.seeded import seeded
from engines.matching.state.table import Floats, Ints

_LONGEST_GRADIENT = 1.0
_WARMING_UP = 0.15
"""Share of the steps."""
_SAMPLE = 60_000
"""Rows from which it is learned what is usual."""
_SHUFFLE = 8.0
"""Candidates by which questions of one batch may differ, about."""


@dataclass(frozen=True)
class Course:
    """How a network is trained: AdamW, its rate warmed up and then lowered along a cosine
    (Loshchilov and Hutter 2017, 2019).
    """

    epochs: int = 3
    rate: float = 5e-4
    decay: float = 1e-2
    rows: int = 3_000
    """Of candidates in a batch."""
    candidates: int = 100
    """Of a question, drawn anew each time from those who are wrong."""
    seed: int = 0


def trained(shape: Shape, lists: Lists, course: Course, weights: Floats | None = None) -> Network:
    """A network that knows nothing else; `weights` (questions,) says how much each counts."""
    with seeded(course.seed):
        network = Network(shape)
    rng = np.random.default_rng(course.seed)
    rows = rng.integers(len(lists.matrix), size=_SAMPLE)
    measures = torch.from_numpy(lists.matrix[rows].astype(np.float32))
    network.plain.fit(measures)
    network.logarithm.fit(logarithm(measures))
    earlier = lists.precedents.measures
    if len(earlier):
        rows = rng.integers(len(earlier), size=_SAMPLE)
        network.precedent.fit(torch.from_numpy(earlier[rows].astype(np.float32)))
    return tuned(network, lists, course, weights)


def tuned(network: Network, lists: Lists, course: Course, weights: Floats | None = None) -> Network:
    """A network that goes on from what another knows. The same lists give the same network."""
    torch.set_num_threads(1)
    network = deepcopy(network).train()
    optimizer = torch.optim.AdamW(network.parameters(), course.rate, weight_decay=course.decay)
    shares = np.ones(len(lists.starts)) if weights is None else weights
    rng = np.random.default_rng(course.seed)
    epochs = [_batches(lists, course, rng) for _ in range(course.epochs)]
    batches = [batch for epoch in epochs for batch in epoch]
    with seeded(course.seed):
        for step, questions in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = course.rate * _height(step / len(batches))
            optimizer.zero_grad()
            drawn = [_drawn(lists, int(one), course.candidates, rng) for one in questions]
            torch.autograd.backward(_loss(network, drawn, shares[questions]))
            torch.nn.utils.clip_grad_norm_(network.parameters(), _LONGEST_GRADIENT)
            optimizer.step()
    return network.eval()


def _height(done: float) -> float:
    """Of the rate, at a share of all steps."""
    if done < _WARMING_UP:
        return max(done / _WARMING_UP, 0.01)
    return max(0.5 + 0.5 * math.cos(math.pi * (done - _WARMING_UP) / (1.0 - _WARMING_UP)), 0.01)


def _batches(lists: Lists, course: Course, rng: np.random.Generator) -> list[Ints]:
    """All questions once, by chance; those of a batch have about as many candidates."""
    sizes = np.minimum(lists.sizes, course.candidates)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(sizes[order] + rng.normal(0.0, _SHUFFLE, len(sizes)), kind="stable")]
    batches: list[list[int]] = [[]]
    largest = 0
    for question in order.tolist():
        largest = max(largest, int(sizes[question]))
        if batches[-1] and largest * (len(batches[-1]) + 1) > course.rows:
            batches.append([])
            largest = int(sizes[question])
        batches[-1].append(question)
    return [np.array(batches[number], np.int64) for number in rng.permutation(len(batches))]


def _loss(network: Network, drawn: Sequence[tuple[Shown, Flags]], weights: Floats) -> Tensor:
    """The weighted mean over questions of the cross-entropy of their candidates (ListNet's top-one
    loss, Cao et al. 2007); several right people share an answer.
    """
    batch = batch_of([shown for shown, _ in drawn])
    aims = np.zeros(tuple(batch.present.shape), np.float32)
    for at, (_, truth) in enumerate(drawn):
        aims[at, : len(truth)] = truth / truth.sum()
    surprise = -(torch.from_numpy(aims) * network(batch).log_softmax(1)).sum(1)
    return (surprise * torch.from_numpy(weights.astype(np.float32))).mean()


def _drawn(lists: Lists, question: int, most: int, rng: np.random.Generator) -> tuple[Shown, Flags]:
    """A question with its answer: all candidates, or some who are wrong and whoever is right."""
    shown, truth = lists.question(question)
    if len(truth) <= most:
        return shown, truth
    order = rng.permutation(len(truth))
    kept = np.sort(order[np.argsort(~truth[order], kind="stable")][:most])
    row_of = np.full(len(truth), -1, np.int64)
    row_of[kept] = np.arange(most)
    rows = row_of[shown.precedents.rows]
    at = rows >= 0
    precedents = Precedents(rows[at], shown.precedents.measures[at])
    return Shown(shown.matrix[kept], precedents), truth[kept]
