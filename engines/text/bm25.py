"""Search by words: BM25 in Lucene's form (Robertson and Zaragoza 2009), by bm25s.

The one file that knows bm25s. What it says of itself goes to a logger that it sets to tell
everything; no empty corpus and no empty query may reach it.
"""

import logging
from collections.abc import Sequence
from typing import Any, cast

import bm25s  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from engines.text.arrays import Floats

_SATURATION = 2.5
"""k1: above the usual 1.2, as code repeats its words for no other reason than being code."""
_LENGTH = 0.9
"""b: how much longer documents are held to say less with each word."""


class WordIndex:
    """Documents by their words. Scores are not comparable between indexes."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        """Index documents given as lists of words; repeated words count."""
        logging.getLogger("bm25s").setLevel(logging.WARNING)
        self._count = len(documents)
        self._model = cast("Any", bm25s).BM25(k1=_SATURATION, b=_LENGTH, backend="numpy")
        self._has_words = any(documents)
        if self._has_words:
            self._model.index([list(one) for one in documents], show_progress=False)

    def scores(self, query: Sequence[str]) -> Floats:
        """How well each document answers, shape (documents,); 0 where no word occurs."""
        known: list[int] = self._model.get_tokens_ids(list(query)) if self._has_words else []
        if not known:
            return np.zeros(self._count, np.float32)
        return np.asarray(self._model.get_scores_from_ids(known), np.float32)
