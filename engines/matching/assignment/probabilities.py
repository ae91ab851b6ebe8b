"""From a ranking's scores to probabilities."""

from engines.matching.assignment.types import Pick
from engines.matching.types import Ranking


def probabilities(ranking: Ranking) -> list[Pick]:
    """Each candidate, likeliest first; those who tie in the order of their keys.

    The first has the calibrated probability, the others theirs in proportion to their scores, as
    much as is left. What is missing to 1 is somebody who is not in the ranking.
    """
    candidates = sorted(ranking.candidates, key=lambda one: (-one.score, one.person.key))
    if not candidates:
        return []
    top, sure = candidates[0].score, ranking.confidence
    scale = 0.0
    if top > 0.0:
        scale = sure / top
    if top < 1.0:
        scale = min(scale, (1.0 - sure) / (1.0 - top))
    others = [Pick(one.person, one.score * scale, one.score) for one in candidates[1:]]
    return [Pick(candidates[0].person, sure, top), *others]
