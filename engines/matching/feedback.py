"""What people made of earlier suggestions, as evidence for the next ranking.

A history tells who did what; whoever takes or declines a task tells who wants to do what. For each
candidate the log-odds of the history's ranking move by

    gain · taken / (1 + taken) - loss · declined / (1 + declined),

where `taken` and `declined` are sums over the earlier suggestions that they took or declined, of
how much that task is like this one, halved every 90 days. Gain and loss begin at a prior and are
fitted to the repository's own outcomes: a conditional logit (McFadden 1974), each outcome judged
by what was decided before it was asked about, never by itself. Whoever was named first is taken
more often because they were named (as what stands on top is clicked more often: Richardson et al.
2007); a third term takes that in while fitting and is left out afterwards, so that a name does not
prove itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import NamedTuple

import numpy as np

from engines.matching.knowledge import Knowledge
from engines.matching.ranking.calibration import tempered
from engines.matching.ranking.descent import lowest
from engines.matching.ranking.lists import beliefs
from engines.matching.state.evidence import MOST_FILES, path_keys
from engines.matching.state.table import DAY_S, Floats, Ints
from engines.matching.types import Candidate, Ranking
from engines.text.words import query_words

HALF_LIFE_DAYS = 90.0
LATELY_DAYS = 90
MOST_WORDS = 200
"""Of a task's text."""
ALIKE = 0.2
"""Tasks that share less are not like each other."""
_PATHS_SHARE = 0.6
"""Of how alike two tasks are, where both have files and a text."""
_PRIOR = (1.0, 3.0, 1.0)
"""Gain, loss, and what being named first does: one refusal of the very same task cuts the odds to
a fifth, one taken raises them by two thirds."""
_STIFFNESS = (4.0, 2.0, 4.0)
"""What leaving the prior costs."""
_MOST_JUDGED = 300
"""Outcomes that gain and loss are fitted to, the latest."""
_SUREST = 0.95
"""Nobody becomes surer than this by what people decided."""
_FAINT = 1e-12

Rarity = Callable[[str], float]
"""How much it tells that two tasks share a word, a file or a folder ("a/b/")."""


@dataclass(frozen=True, slots=True)
class About:
    """What a task is about, as far as others can share it."""

    paths: frozenset[str] = frozenset()
    """Files and all folders above them."""
    words: frozenset[str] = frozenset()
    """As `engines.text.words` cuts them."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A suggestion of the past, and what became of it."""

    asked_s: int
    """Unix time."""
    decided_s: int
    """When the last word on it was said, which is when it is known."""
    about: About
    believed: Mapping[str, float]
    """By the person's key what the history's ranking alone said of those who were shown."""
    named: str
    """The key of who was named first."""
    right: str | None = None
    """The key of who took it."""
    declined: Mapping[str, float] = field(default_factory=dict[str, float])
    """By the key of who declined, how much that says of what they know: 1 where it is not their
    area, 0 where they have no time."""
    number: int | None = None
    """Of the issue or pull request, if it was one."""


class Count(NamedTuple):
    """What somebody decided lately about tasks that are like one."""

    taken: int
    declined: int
    """As not theirs."""


def about(files: Sequence[str], words: Iterable[str]) -> About:
    """Of a task's files and of the words of its text (`words_of`)."""
    return About(frozenset(path_keys(files[:MOST_FILES])), frozenset(words))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text that tell something, the first ones."""
    return tuple(query_words(text))[:MOST_WORDS]


def rarity_in(knowledge: Knowledge) -> Rarity:
    """By how few tasks of a history have it, as inverse document frequency has it."""
    whole = len(knowledge.tasks) + 1

    def rarity(key: str) -> float:
        if key.endswith("/"):
            found = len(knowledge.under(key[:-1]))
        else:
            found = max(len(knowledge.changes_of(key)), len(knowledge.with_word(key)))
        return log(whole / min(whole, found + 1))

    return rarity


class Feedback:
    """Everything that was tried in one repository for one mode."""

    def __init__(self, tried: Sequence[Tried], rarity: Rarity) -> None:
        """Learns how much a decision says from what was decided after others."""
        self._tried = tried
        self._paths = _Shared([one.about.paths for one in tried], rarity)
        self._words = _Shared([one.about.words for one in tried], rarity)
        self._known_s = np.array([one.decided_s for one in tried], np.int64)
        self._taken = _Votes([{one.right: 1.0} if one.right else {} for one in tried])
        self._declined = _Votes([one.declined for one in tried])
        self.gain, self.loss = self._fitted() if tried else _PRIOR[:2]

    def adjusted(self, ranking: Ranking, task: About, at_s: int) -> Ranking:
        """A history's ranking with what people decided about tasks like this one: the same where
        that says nothing of its candidates.
        """
        if not self._tried or not ranking.candidates:
            return ranking
        taken, declined = self._sums(task, at_s)
        keys = [one.person.key for one in ranking.candidates]
        moves = self.gain * _of(taken, keys) - self.loss * _of(declined, keys)
        if not moves.any():
            return ranking
        before = np.array([one.score for one in ranking.candidates])
        grown = before * np.exp(moves)
        after = grown * (before.sum() / grown.sum())
        sure, after = _recalibrated(ranking, after)
        found = [
            Candidate(one.person, score)
            for one, score in zip(ranking.candidates, after.tolist(), strict=True)
        ]
        return Ranking(tuple(sorted(found, key=lambda one: -one.score)), sure)

    def count(self, key: str, task: About, at_s: int, *, number: int | None = None) -> Count:
        """What somebody decided in the last 90 days before a time about tasks like this one, which
        has the number.
        """
        since_s = at_s - LATELY_DAYS * DAY_S
        alike = np.flatnonzero(self._alike(task)) if self._tried else ()
        lately = [
            one
            for one in (self._tried[int(at)] for at in alike)
            if since_s <= one.decided_s <= at_s and (number is None or one.number != number)
        ]
        declined = sum(one.declined.get(key, 0.0) >= 1.0 for one in lately)
        return Count(sum(one.right == key for one in lately), declined)

    def _alike(self, task: About) -> Floats:
        """(tried,) How much each task of the past is like one: in [0, 1], 0 below `ALIKE`."""
        paths, words = self._paths.shared(task.paths), self._words.shared(task.words)
        have_paths = self._paths.has & bool(task.paths)
        have_words = self._words.has & bool(task.words)
        share = np.where(have_words, np.where(have_paths, _PATHS_SHARE, 0.0), 1.0)
        found = share * paths + (1.0 - share) * words
        return np.where(found >= ALIKE, found, 0.0)

    def _sums(self, task: About, at_s: int) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """By the person's key how much taken, and how much declined, is like a task; saturating."""
        age_days = (at_s - self._known_s) / DAY_S
        faded = np.where(age_days >= 0, 0.5 ** (np.maximum(age_days, 0) / HALF_LIFE_DAYS), 0.0)
        weights = self._alike(task) * faded
        return self._taken.sums(weights), self._declined.sums(weights)

    def _fitted(self) -> tuple[float, float]:
        judged = [found for one in self._judged() if (found := self._question(one)) is not None]
        if not judged:
            return _PRIOR[0], _PRIOR[1]
        prior, stiffness = np.array(_PRIOR), np.array(_STIFFNESS)
        odds = np.concatenate([one.odds for one in judged])
        design = np.concatenate([one.design for one in judged])
        starts = np.cumsum([0, *(len(one.odds) for one in judged[:-1])])
        right = starts + np.array([one.right for one in judged])
        truth = design[right].sum(axis=0)

        def loss(terms: Floats) -> tuple[float, Floats]:
            away, chance = terms - prior, beliefs(odds + design @ terms, starts)
            surprise = -float(np.log(np.maximum(chance[right], _FAINT)).sum())
            return (
                surprise + 0.5 * float(stiffness @ away**2),
                design.T @ chance - truth + stiffness * away,
            )

        gain, lost, _ = np.maximum(lowest(loss, prior), 0.0)
        return float(gain), float(lost)

    def _judged(self) -> list[Tried]:
        """Those whose outcome somebody else could have had, the latest."""
        solved = [one for one in self._tried if one.right in one.believed and len(one.believed) > 1]
        return sorted(solved, key=lambda one: one.asked_s)[-_MOST_JUDGED:]

    def _question(self, one: Tried) -> "_Question | None":
        """What was known of who was shown when it was asked; None where that was nothing."""
        keys = [key for key in one.believed if one.declined.get(key, 1.0) > 0.0]
        taken, declined = self._sums(one.about, one.asked_s - 1)
        design = np.stack(
            [
                _of(taken, keys),
                -_of(declined, keys),
                np.array([key == one.named for key in keys], float),
            ],
            axis=1,
        )
        if one.right not in keys or not design[:, :2].any():
            return None
        odds = np.log(np.maximum([one.believed[key] for key in keys], _FAINT))
        return _Question(odds, design, keys.index(one.right))


class _Question(NamedTuple):
    """One outcome, as it was before it came about."""

    odds: Floats
    """(shown,) Logarithms of what the history said."""
    design: Floats
    """(shown, 3)."""
    right: int


class _Shared:
    """What tasks of the past share with another one, of one kind of key."""

    def __init__(self, keys: Sequence[frozenset[str]], rarity: Rarity) -> None:
        self._rarity = rarity
        postings: dict[str, list[int]] = {}
        for at, some in enumerate(keys):
            for key in some:
                postings.setdefault(key, []).append(at)
        self._postings: dict[str, Ints] = {}
        self._whole = np.zeros(len(keys))
        for key, at in postings.items():
            self._postings[key] = np.array(at, np.int64)
            self._whole[at] += rarity(key)
        self.has = np.array([bool(some) for some in keys], bool)

    def shared(self, keys: frozenset[str]) -> Floats:
        """(tried,) Rarity that is shared, of the geometric mean of both tasks' own (Ochiai)."""
        found, whole = np.zeros(len(self._whole)), 0.0
        for key in sorted(keys):  # sums of floats depend on their order
            rarity = self._rarity(key)
            whole += rarity
            if (at := self._postings.get(key)) is not None:
                found[at] += rarity
        size = np.sqrt(whole * self._whole)
        return np.divide(found, size, out=np.zeros(len(found)), where=size > 0.0)


class _Votes:
    """Who decided something about which task of the past."""

    def __init__(self, votes: Sequence[Mapping[str, float]]) -> None:
        flat = [(at, key, much) for at, one in enumerate(votes) for key, much in one.items()]
        self._keys = list(dict.fromkeys(key for _, key, _ in flat))
        place = {key: number for number, key in enumerate(self._keys)}
        self._tasks = np.array([at for at, _, _ in flat], np.int64)
        self._people = np.array([place[key] for _, key, _ in flat], np.int64)
        self._much = np.array([much for _, _, much in flat], float)

    def sums(self, weights: Floats) -> Mapping[str, float]:
        """By the person's key the sum of the weights (tried,), saturating at 1."""
        much = self._much * weights[self._tasks]
        sums = np.bincount(self._people, much, len(self._keys))
        return dict(zip(self._keys, (sums / (1.0 + sums)).tolist(), strict=True))


def _of(found: Mapping[str, float], keys: Sequence[str]) -> Floats:
    return np.array([found.get(key, 0.0) for key in keys])


def _recalibrated(ranking: Ranking, after: Floats) -> tuple[float, Floats]:
    """How sure the first is now, and the scores to go with it: in the same proportion to the
    first's score as before.
    """
    top = ranking.candidates[0].score
    is_same = abs(top - ranking.confidence) < _FAINT**0.5
    sure = float(after.max()) * (1.0 if is_same else ranking.confidence / max(top, _FAINT))
    most = max(_SUREST, ranking.confidence)
    if sure <= most:
        return sure, after
    return most, tempered(after, most) if is_same else after
