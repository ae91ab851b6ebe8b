"""Heuristics that ask who took the most similar tasks: RevFinder and nearest neighbours by words."""

import math
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from typing_extensions import override

from engines.matching.protocol import Floats, Question
from engines.matching.types import Mode
from engines.text.words import words
from tests.benchmarks.matching.heuristics import Example, Heuristic
from tests.benchmarks.matching.watching import DAY_S, LONG_D, known_paths

WINDOW = 300
"""Tasks that RevFinder looks back."""
NEAREST, NEAR_AND_NEW = 30, 100
MOST_FILES = 30

Likenesses = tuple[float, float, float, float]


class PathLikeness(Heuristic):
    """RevFinder: who worked on paths like these among the last 300 tasks.

    Thongtanunam et al., "Who Should Review My Code?", SANER 2015: four likenesses of paths by their
    parts, the longest common prefix, suffix, substring and subsequence over the length of the longer
    path; each ranks people by the sum over tasks of the mean over pairs of files, and the four
    rankings are added up (Borda).
    """

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._last: deque[tuple[tuple[int, ...], list[str]]] = deque(maxlen=WINDOW)

    @override
    def learn(self, seen: Example) -> None:
        self._last.append((seen.people, [touch.path for touch in seen.task.touches][:MOST_FILES]))

    @override
    def scores(self, question: Question) -> Floats:
        found = np.zeros((4, len(question.candidates)))
        rows = self.aliases.rows(question.candidates)
        asked = known_paths(question, MOST_FILES)
        for people, paths in self._last:
            theirs = [rows[person] for person in people if person in rows]
            if theirs and paths and asked:
                pairs = [likenesses(one, other) for one in asked for other in paths]
                mean = np.array(pairs).mean(0)
                for row in theirs:
                    found[:, row] += mean
        beaten = (found[:, :, None] > found[:, None, :]).sum(2)
        tied = (found[:, :, None] == found[:, None, :]).sum(2)
        return (beaten + tied / 2).sum(0)

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        raise NotImplementedError  # rankings are added, not points


class Index:
    """Texts as TF-IDF vectors, numbered as they come. How rare a term is, is what was known when
    the text was added.
    """

    def __init__(self) -> None:
        """Holds nothing."""
        self._norms = array("d")
        self._postings: dict[str, tuple[array[int], array[float]]] = {}

    def add(self, counts: Mapping[str, int]) -> None:
        """The next text."""
        norm = 0.0
        for term, count in counts.items():
            numbers, weights = self._postings.setdefault(term, (array("q"), array("d")))
            numbers.append(len(self._norms))
            frequency = 1 + math.log(count)
            weights.append(frequency)
            norm += (frequency * self.rarity(term)) ** 2
        self._norms.append(math.sqrt(norm) or 1.0)

    def rarity(self, term: str) -> float:
        """log(texts / texts with it), smoothed; 0 for a term that no text has."""
        if term not in self._postings:
            return 0.0
        return math.log((len(self._norms) + 2) / (len(self._postings[term][0]) + 1))

    def cosines(self, counts: Mapping[str, int]) -> Floats:
        """[texts]: how near each is."""
        found = np.zeros(len(self._norms))
        norm = 0.0
        for term, count in counts.items():
            rarity, frequency = self.rarity(term), 1 + math.log(count)
            norm += (frequency * rarity) ** 2
            if rarity > 0:
                numbers, weights = self._postings[term]
                found[np.frombuffer(numbers, np.int64)] += (frequency * rarity**2) * np.frombuffer(
                    weights
                )
        return found / (np.frombuffer(self._norms) * (math.sqrt(norm) or 1.0)) if norm else found


class WordNeighbours(Heuristic):
    """Who took the tasks nearest in words and paths: TF-IDF, cosine, worth half at 180 days of age.

    Plain, the thirty nearest are asked; `recent` asks the hundred that are both near and new.
    """

    def __init__(self, mode: Mode, *, recent: bool = False) -> None:
        """Nothing has happened."""
        super().__init__(mode)
        self._recent = recent
        self._index = Index()
        self._people: list[tuple[int, ...]] = []
        self._times = array("q")

    @override
    def learn(self, seen: Example) -> None:
        self._index.add(terms(seen.task.text, [touch.path for touch in seen.task.touches]))
        self._people.append(seen.people)
        self._times.append(seen.task.merged_s)

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        if not self._people:
            return
        cosines = self._index.cosines(terms(question.query.text, known_paths(question)))
        ages_d = (question.query.at_s - np.frombuffer(self._times, np.int64)) / DAY_S
        points = cosines * np.exp2(-ages_d / LONG_D)
        order, most = (points, NEAR_AND_NEW) if self._recent else (cosines, NEAREST)
        nearest: list[int] = np.argsort(-order, kind="stable")[:most].tolist()
        for task in nearest:
            for person in self._people[task]:
                yield person, float(points[task])


def terms(text: str, paths: Sequence[str]) -> Counter[str]:
    """The words of a task's text, and the paths and parts of paths that it touches."""
    found = Counter(words(text))
    for path in paths[:MOST_FILES]:
        found[f"path {path}"] += 1
        found.update(f"part {word}" for word in words(path))
    return found


@lru_cache(maxsize=1_000_000)
def likenesses(one: str, other: str) -> Likenesses:
    """RevFinder's four, in [0, 1]."""
    a, b = one.split("/"), other.split("/")
    longest = max(len(a), len(b))
    run, inside = _longest_common(a, b)
    prefix = _same(a, b)
    suffix = _same(a[::-1], b[::-1])
    return prefix / longest, suffix / longest, run / longest, inside / longest


def _same(a: Sequence[str], b: Sequence[str]) -> int:
    return next(
        (at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _longest_common(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """Lengths of the longest common substring and subsequence."""
    runs = [0] * (len(b) + 1)
    inside = [0] * (len(b) + 1)
    longest = 0
    for x in a:
        before = 0, 0
        for at, y in enumerate(b, 1):
            above = runs[at], inside[at]
            runs[at] = before[0] + 1 if x == y else 0
            inside[at] = before[1] + 1 if x == y else max(above[1], inside[at - 1])
            longest = max(longest, runs[at])
            before = above
    return longest, inside[-1]
