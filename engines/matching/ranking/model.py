"""What ranks: what was learned of many histories, beside what was learned of this one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from engines.matching.ranking.boosting import Growth, TreesMissing, grow
from engines.matching.ranking.features import measure_names
from engines.matching.ranking.forest import Forest, forest_of
from engines.matching.ranking.linear import Linear, fit_linear, linear_of
from engines.matching.ranking.lists import Lists
from engines.matching.ranking.network import Network, network_of
from engines.matching.ranking.shown import PRECEDENT_NAMES, Shown
from engines.matching.ranking.training import Course, tuned
from engines.matching.ranking.weights import Arrays, NoWeights, read_arrays, write_arrays
from engines.matching.state.table import Floats
from engines.matching.types import Mode

SHIPPED = Path(__file__).parent.parent / "artifacts"
LOCAL = Growth(trees=120, leaves=15)
TUNING = Course(epochs=3, rate=5e-4, rows=3_000)
MOST_TUNED = 1_000
"""Questions that the networks are tuned to, the newest: more are as good, and take longer."""
LEAST_QUESTIONS = 150
"""With an answer, of which trees can be grown."""


class Blend(NamedTuple):
    """How much each part of a model's belief counts."""

    shipped: float
    """What was learned of other histories, once there is something of this one."""
    networks: float
    """Networks, beside trees and the linear ranker."""
    rare: float
    """Of each pair the second, which finds people of few tasks, at the cost of the others."""


BLENDS = {Mode.AUTHOR: Blend(1 / 2, 2 / 3, 1 / 5), Mode.REVIEWER: Blend(1 / 5, 1 / 3, 1 / 10)}
"""Who reviews is more of a habit of one repository than who writes."""


class Learned(NamedTuple):
    """Rankers that were fitted to the same questions; each believes something of its own."""

    forests: tuple[Forest, ...] = ()
    """A pair: to one every question counted the same, to one those of people of few tasks more."""
    linear: tuple[Linear, ...] = ()
    networks: tuple[Network, ...] = ()
    """A pair like that of the forests."""

    def beliefs(self, shown: Shown, blend: Blend) -> Floats:
        """(candidates,) The mean of theirs; the networks' own mean counts for a share of it."""
        of_pair = [2.0 - 2.0 * blend.rare, 2.0 * blend.rare]
        others = [ranker.scores(shown.matrix) for ranker in (*self.forests, *self.linear)]
        counted = [*of_pair[: len(self.forests)], *(1.0 for _ in self.linear)]
        networks = [network.scores(shown) for network in self.networks]
        of_others, of_networks = _mean_belief(others, counted), _mean_belief(networks, of_pair)
        return (1.0 - blend.networks) * of_others + blend.networks * of_networks


@dataclass(frozen=True)
class Model:
    """Believes in part what holds in other histories, in part what was learned of this one."""

    shipped: Learned
    blend: Blend
    own: Learned | None = None
    notes: tuple[str, ...] = ()

    def beliefs(self, shown: Shown) -> Floats:
        """(candidates,) Adding up to 1."""
        shipped, share = self.shipped.beliefs(shown, self.blend), self.blend.shipped
        if self.own is None:
            return shipped
        return share * shipped + (1.0 - share) * self.own.beliefs(shown, self.blend)

    def taught(self, lists: Lists) -> "Model":
        """The same, with what questions of this history teach; too few teach nothing."""
        if len(lists.starts) < LEAST_QUESTIONS:
            return self
        rare, newest = rarity(lists), lists.newest(MOST_TUNED)
        weights = (None, rare[-MOST_TUNED:])  # as those that ship were taught
        networks = tuple(
            tuned(network, newest, TUNING, counted)
            for network, counted in zip(self.shipped.networks, weights, strict=True)
        )
        own = Learned((), (fit_linear(lists),), networks)
        try:
            forests = (grow(lists, LOCAL), grow(lists, LOCAL, weights=rare))
        except TreesMissing as missing:
            return replace(self, own=own, notes=(str(missing),))
        return replace(self, own=own._replace(forests=forests))


@lru_cache(maxsize=2)
def shipped_model(mode: Mode) -> Model:
    """What was learned from other histories (`tests.benchmarks.matching.pretraining`)."""
    learned, _ = read_learned(SHIPPED / f"{mode.value}.safetensors", mode)
    return Model(learned, BLENDS[mode])


def write_learned(learned: Learned, file: Path, mode: Mode, facts: Mapping[str, str]) -> None:
    """Keep rankers in a file, with what else has to be known of them."""
    arrays = {
        f"{kind}.{number}.{name}": array
        for kind, rankers in learned._asdict().items()
        for number, ranker in enumerate(cast("tuple[Forest | Linear | Network, ...]", rankers))
        for name, array in ranker.arrays().items()
    }
    write_arrays(arrays, {**facts, "measures": _measures(mode)}, file)


def read_learned(file: Path, mode: Mode) -> tuple[Learned, dict[str, str]]:
    """What `write_learned` kept. Raises NoWeights."""
    arrays, facts = read_arrays(file)
    if facts.get("measures") != _measures(mode):
        raise NoWeights(f"{file.name} was learned from other measures than are taken now")
    parts: dict[tuple[str, int], Arrays] = {}
    for name, array in arrays.items():
        kind, number, rest = name.split(".", 2)
        parts.setdefault((kind, int(number)), {})[rest] = array
    found = sorted(parts.items())
    return Learned(
        tuple(forest_of(part) for (kind, _), part in found if kind == "forests"),
        tuple(linear_of(part) for (kind, _), part in found if kind == "linear"),
        tuple(network_of(part) for (kind, _), part in found if kind == "networks"),
    ), facts


def _measures(mode: Mode) -> str:
    return "\n".join((*measure_names(mode), *PRECEDENT_NAMES))


def rarity(lists: Lists) -> Floats:
    """(questions,) How much each counts, so that people of few tasks are not learned away."""
    _, which, counts = np.unique(lists.people, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(counts[which])
    return weights / weights.mean()


def _mean_belief(scores: Sequence[Floats], weights: Sequence[float]) -> Floats:
    return np.average([*map(_softmax, scores)], axis=0, weights=weights)


def _softmax(scores: Floats) -> Floats:
    grown = np.exp(scores - scores.max())
    return grown / grown.sum()
