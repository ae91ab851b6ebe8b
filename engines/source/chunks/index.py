"""Finds the chunks that answer a question, and says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from pathlib import PurePosixPath

import numpy as np

from engines.source.chunks.gist import words_of
from engines.source.chunks.records import Cut
from engines.source.chunks.types import CODE, Chunk
from engines.text.arrays import Flags, Floats
from engines.text.duplicates import are_alike
from engines.text.embedding import Embedder
from engines.text.index import Match, TextIndex
from engines.text.words import query_words
from engines.watch import Unwatched

_NEARNESS = 0.3
"""How much more something beside the hinted place counts than the same far away."""
_NO_DEFINITION = 0.8
"""How much prose and lines between definitions count: people look for code that does something."""
_QUESTION_CHARS = 4_000
"""Of a longer question the rest is not read."""
_FAMILY = {"typescript": "tsx", "tsx": "typescript"}


class Where(StrEnum):
    """Whose code is searched."""

    EVERYWHERE = "everywhere"
    OWN = "own"
    INSTALLED = "installed"


@dataclass(frozen=True)
class Hit:
    """A chunk found, and why."""

    chunk: Chunk
    score: float
    """Up to 1, for the first by words and by meaning; more beside the hinted path."""
    words: tuple[str, ...]
    """The words of the question that it holds, in the question's order and spelling."""
    similarity: float | None
    """Cosine of its meaning to the question's; None where it was not compared."""
    also: tuple[Chunk, ...] = ()
    """Further parts of the same definition, and places that hold nearly the same."""


class CodeIndex:
    """The chunks of a repository and of what it has installed, in memory. Not changed once made;
    may be asked by several threads.
    """

    def __init__(
        self, cuts: Sequence[Cut], embedder: Embedder | None, *, left_out: int = 0
    ) -> None:
        """Make it of files that were cut; `embedder` made their vectors. `left_out` is how many
        more files there would have been.
        """
        self.left_out = left_out
        self.chunks: tuple[Chunk, ...] = tuple(chunk for one in cuts for chunk in one.chunks)
        self._embedder = embedder
        owners: list[int] = []
        start = 0
        for one in cuts:
            owners += (start + owner for owner in one.owners)
            start += len(one.chunks)
        words = [words_of(chunk) for chunk in self.chunks]
        self._index = TextIndex(words, _stacked(cuts), owners)

    def query(
        self,
        text: str,
        k: int = 10,
        *,
        language: str | None = None,
        path_hint: str | None = None,
        where: Where = Where.EVERYWHERE,
    ) -> list[Hit]:
        """At most `k` answers, best first; none where nothing is like it.

        `language` is one that `language_of` tells. `path_hint` is a path of the repository: what
        lies near it comes first among equals.
        """
        text = text[:_QUESTION_CHARS]
        words = query_words(text)
        if not words and self._embedder is None:
            return []
        found = self._index.search(list(words), self._vector(text), self._among(language, where))
        ranked = [(one, one.score * self._weight(one, path_hint)) for one in found]
        ranked.sort(key=lambda each: (-each[1], each[0].document))
        return self._collapsed(ranked, words, k)

    def _vector(self, text: str) -> Floats | None:
        if self._embedder is None or not text.strip():
            return None
        return self._embedder.embed([text], Unwatched(), are_questions=True)[0]

    def _among(self, language: str | None, where: Where) -> Flags | None:
        if language is None and where is Where.EVERYWHERE:
            return None
        wanted = {language, _FAMILY.get(language or "")}
        return np.asarray(
            [
                (language is None or chunk.language in wanted)
                and (where is Where.EVERYWHERE or (where is Where.OWN) == (not chunk.origin))
                for chunk in self.chunks
            ],
            np.bool_,
        )

    def _weight(self, match: Match, hint: str | None) -> float:
        """How much a chunk counts for what it is and where it lies."""
        chunk = self.chunks[match.document]
        weight = 1.0 if chunk.kind in CODE else _NO_DEFINITION
        if hint is None or chunk.origin:
            return weight
        return weight * (1 + _NEARNESS * _nearness(chunk.path, hint))

    def _collapsed(
        self, found: Sequence[tuple[Match, float]], words: Mapping[str, str], k: int
    ) -> list[Hit]:
        """The first `k` that are not alike; those that are go with the first of their kind."""
        groups: list[_Group] = []
        for match, score in found:
            chunk = self.chunks[match.document]
            held = frozenset(words_of(chunk))
            same = next((one for one in groups if one.holds(chunk, held)), None)
            if same is not None:
                same.also.append(chunk)
                continue
            if len(groups) == k:
                break
            groups.append(_Group(chunk, held, score, match.similarity, []))
        return [one.hit(words) for one in groups]


def _nearness(path: str, hint: str) -> float:
    """1 for the same file, less with every folder that is not shared."""
    here, there = PurePosixPath(path).parts, PurePosixPath(hint).parts
    pairs = zip(here, there, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return shared / max(len(here), len(there), 1)


@dataclass(frozen=True)
class _Group:
    """A hit in the making, with all the words it holds."""

    chunk: Chunk
    held: frozenset[str]
    score: float
    similarity: float | None
    also: list[Chunk]

    def holds(self, chunk: Chunk, held: frozenset[str]) -> bool:
        is_part = any(
            (chunk.path, chunk.name) == (one.path, one.name) and chunk.name
            for one in (self.chunk, *self.also)
        )
        return is_part or (chunk.kind is self.chunk.kind and are_alike(held, self.held))

    def hit(self, words: Mapping[str, str]) -> Hit:
        matched = tuple(written for word, written in words.items() if word in self.held)
        return Hit(self.chunk, self.score, matched, self.similarity, tuple(self.also))


def _stacked(cuts: Sequence[Cut]) -> Floats:
    """The vectors of all files, each of length 1 again after float16."""
    kept = [one.vectors for one in cuts if one.owners]
    if not kept:
        return np.zeros((0, 0), np.float32)
    vectors = np.concatenate(kept)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
