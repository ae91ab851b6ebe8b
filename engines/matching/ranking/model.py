"""What ranks: trees grown over many histories, beside trees grown over this one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from engines.matching.ranking.boosting import Growth, TreesMissing, grow
from engines.matching.ranking.features import measure_names
from engines.matching.ranking.forest import Forest, forest_of
from engines.matching.ranking.linear import Linear, fit_linear, linear_of
from engines.matching.ranking.lists import Lists, Singles
from engines.matching.ranking.weights import Arrays, NoWeights, read_arrays, write_arrays
from engines.matching.state.table import Floats
from engines.matching.types import Mode

SHIPPED = Path(__file__).parent.parent / "artifacts"
LOCAL = Growth(trees=120, leaves=15)
LEAST_QUESTIONS = 150
"""With an answer, of which trees can be grown."""
SHARES = {Mode.AUTHOR: 1 / 2, Mode.REVIEWER: 1 / 3}
"""Who reviews is more of a habit of one repository than who writes."""


class Learned(NamedTuple):
    """Rankers that were fitted to the same questions; each believes something of its own."""

    forests: tuple[Forest, ...] = ()
    linear: tuple[Linear, ...] = ()

    def beliefs(self, matrix: Singles) -> Floats:
        """(candidates,) of (candidates, measures): the mean of theirs."""
        rankers = (*self.forests, *self.linear)
        return np.mean([_softmax(ranker.scores(matrix)) for ranker in rankers], axis=0)


@dataclass(frozen=True)
class Model:
    """Believes in part what holds in other histories, in part what was learned of this one."""

    shipped: Learned
    share: float
    """Of the belief that the first part has, once there is a second."""
    own: Learned | None = None
    notes: tuple[str, ...] = ()

    def beliefs(self, matrix: Singles) -> Floats:
        """(candidates,) of (candidates, measures), adding up to 1."""
        shipped = self.shipped.beliefs(matrix)
        if self.own is None:
            return shipped
        return self.share * shipped + (1.0 - self.share) * self.own.beliefs(matrix)

    def taught(self, lists: Lists) -> "Model":
        """The same, with what questions of this history teach; too few teach nothing."""
        if len(lists.starts) < LEAST_QUESTIONS:
            return self
        linear = (fit_linear(lists),)
        try:
            forests = (grow(lists, LOCAL), grow(lists, LOCAL, weights=rarity(lists)))
        except TreesMissing as missing:
            return replace(self, own=Learned((), linear), notes=(str(missing),))
        return replace(self, own=Learned(forests, linear))


@lru_cache(maxsize=2)
def shipped_model(mode: Mode) -> Model:
    """What was learned from other histories (`tests.benchmarks.matching.pretraining`)."""
    learned, _ = read_learned(SHIPPED / f"{mode.value}.safetensors", mode)
    return Model(learned, SHARES[mode])


def write_learned(learned: Learned, file: Path, mode: Mode, facts: Mapping[str, str]) -> None:
    """Keep rankers in a file, with what else has to be known of them."""
    arrays = {
        f"{kind}.{number}.{name}": array
        for kind, rankers in learned._asdict().items()
        for number, ranker in enumerate(cast("tuple[Forest | Linear, ...]", rankers))
        for name, array in ranker.arrays().items()
    }
    write_arrays(arrays, {**facts, "measures": "\n".join(measure_names(mode))}, file)


def read_learned(file: Path, mode: Mode) -> tuple[Learned, dict[str, str]]:
    """What `write_learned` kept. Raises NoWeights."""
    arrays, facts = read_arrays(file)
    if facts.get("measures") != "\n".join(measure_names(mode)):
        raise NoWeights(f"{file.name} was learned from other measures than are taken now")
    parts: dict[tuple[str, int], Arrays] = {}
    for name, array in arrays.items():
        kind, number, rest = name.split(".")
        parts.setdefault((kind, int(number)), {})[rest] = array
    found = sorted(parts.items())
    return Learned(
        tuple(forest_of(part) for (kind, _), part in found if kind == "forests"),
        tuple(linear_of(part) for (kind, _), part in found if kind == "linear"),
    ), facts


def rarity(lists: Lists) -> Floats:
    """(questions,) How much each counts, so that people of few tasks are not learned away."""
    _, which, counts = np.unique(lists.people, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(counts[which])
    return weights / weights.mean()


def _softmax(scores: Floats) -> Floats:
    grown = np.exp(scores - scores.max())
    return grown / grown.sum()
