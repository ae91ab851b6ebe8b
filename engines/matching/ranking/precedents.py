"""Earlier tasks as arguments for whose they were, each measured in regard to a new one.

The counters add tasks up by rules that are fixed: by age, or by likeness. Here the age of one, its
likeness, its person and what followed stay together, so that `network.py` can learn how they weigh.
"""

import numpy as np

from engines.matching.ranking.asked import Asked
from engines.matching.ranking.shown import Precedents
from engines.matching.state.similar import WINDOW, Alike
from engines.matching.state.table import Floats, Ints

LATEST, NEAREST = 200, 40
"""Tasks that are looked at: the newest, and those with the likest texts and the likest files."""


def precedents_of(asked: Asked, row_of: Ints) -> Precedents:
    """What speaks for candidates; `row_of` gives for each index of a person their row, or -1."""
    evidence = asked.evidence
    size = len(evidence.work)
    first = max(size - WINDOW, 0)
    alike = (asked.like_text, asked.like_path)
    latest = np.arange(max(size - LATEST, first), size)
    near = [like.tasks[_nearest(like)] for like in alike]
    tasks = np.unique(np.concatenate([latest, *near])) - first
    authors, reviewers = (log.people[first:] for log in (evidence.work, evidence.first_reviewers))
    ages = np.maximum(asked.day - evidence.work.days[first:][tasks], 0.0)
    likeness = [column[tasks] for like in alike for column in _spread(like, first, size)]
    shared = np.stack([np.log1p(size - 1.0 - first - tasks), np.log1p(ages), *likeness], axis=1)
    asker = evidence.author_of(asked.query)
    pair = np.zeros(len(tasks)) if asker is None else authors[tasks] == asker
    parts: list[tuple[Ints, Floats]] = []
    for role, people in enumerate((authors, reviewers)):
        rows = row_of[people]
        own = _in_turn(rows, people)[tasks]
        whole = np.column_stack([shared, own, np.full(len(tasks), float(role)), pair])
        at = rows[tasks] >= 0
        parts.append((rows[tasks][at], whole[at]))
    return Precedents(
        np.concatenate([rows for rows, _ in parts]),
        np.concatenate([whole for _, whole in parts]).astype(np.float32),
    )


def _nearest(alike: Alike) -> Ints:
    """Places of the most similar tasks, the most similar first."""
    return np.argsort(-alike.scores, kind="stable")[:NEAREST]


def _spread(alike: Alike, first: int, size: int) -> tuple[Floats, Floats]:
    """(size - first,) each: how similar a task is, and 1, 1/2, 1/3 … for the most similar."""
    scores, places = np.zeros(size - first), np.zeros(size - first)
    scores[alike.tasks - first] = alike.scores
    nearest = alike.tasks[_nearest(alike)]
    places[nearest - first] = 1.0 / (1.0 + np.arange(len(nearest)))
    return scores, places


def _in_turn(rows: Ints, people: Ints) -> Floats:
    """(n, 3) For each of a role's tasks how many its person had later, and whether the task before
    and the one after were theirs too.
    """
    order = np.argsort(rows, kind="stable")
    place = np.empty(len(rows), np.int64)
    place[order] = np.arange(len(rows))
    later = np.searchsorted(rows[order], rows, side="right") - 1.0 - place
    follows = np.concatenate([[False], people[1:] == people[:-1]]) if len(people) else people
    goes_on = np.concatenate([follows[1:], [False]]) if len(people) else people
    return np.column_stack([np.log1p(later), follows, goes_on]).astype(np.float64)
