"""Search by words and by meaning at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.text.arrays import Flags, Floats
from engines.text.bm25 import WordIndex
from engines.text.fusion import best, reciprocal_rank_fusion

_RANKED = 200
"""Documents of each ranking that are fused."""
_UNRELATED = 0.2
"""Cosine of texts that have nothing to do with each other, and more, by chance."""


@dataclass(frozen=True)
class Match:
    """A document found. `score` is up to 1, for the first by words and by meaning."""

    document: int
    score: float
    similarity: float | None
    """Cosine to the question; None where the document has no vector or the question none."""


class TextIndex:
    """Documents by their words and, some of them, by their vectors."""

    def __init__(
        self, documents: Sequence[Sequence[str]], vectors: Floats, owners: Sequence[int]
    ) -> None:
        """`vectors` has shape (N, dimensions), each of length 1; `owners` says whose they are."""
        self._words = WordIndex(documents)
        self._count = len(documents)
        self._vectors = vectors
        self._owners = np.asarray(owners, np.int64)

    def search(
        self, words: Sequence[str], vector: Floats | None, among: Flags | None = None
    ) -> list[Match]:
        """What answers, best first. `among` has shape (documents,); None for all of them."""
        by_words = self._words.scores(words)
        by_meaning = np.full(self._count, -1, np.float32)
        has_meaning = vector is not None and len(self._owners) > 0
        if vector is not None and has_meaning:
            by_meaning[self._owners] = self._vectors @ vector
        if among is not None:
            by_words = np.where(among, by_words, 0)
            by_meaning = np.where(among, by_meaning, -1)
        rankings = [best(by_words, _RANKED, 0.0)]
        if has_meaning:
            rankings.append(best(by_meaning, _RANKED, _UNRELATED))
        fused = reciprocal_rank_fusion(rankings)
        return [
            Match(one, score, float(by_meaning[one]) if by_meaning[one] > -1 else None)
            for one, score in sorted(fused.items(), key=lambda each: (-each[1], each[0]))
        ]
