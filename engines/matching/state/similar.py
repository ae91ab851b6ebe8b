"""Which earlier tasks are like a new one: TF-IDF over the words of their texts or paths."""

import math
from array import array
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from engines.matching.state.packing import Packed, Packer, Rest
from engines.matching.state.table import Floats, Ints

WINDOW = 4_000
"""Tasks that are looked at, the newest."""


class Alike(NamedTuple):
    """Earlier tasks that share something with a new one."""

    tasks: Ints
    """(n,) Their numbers in the order of the history."""
    scores: Floats
    """(n,) Cosine similarity, above 0 and at most 1."""


class Similar:
    """An inverted index that grows with the history.

    How rare a word is, is what was known of it when a task was added: nothing is computed again.
    """

    def __init__(self) -> None:
        """No task is known."""
        self._postings: dict[str, array[int]] = {}
        self._norms = array("d")
        self._rest = Rest()
        self._numbers: Ints = np.empty(0, np.int64)

    def unpack(self, packed: Packed, name: str) -> None:
        """Know what was packed under a name, and nothing else."""
        self._norms = array("d", packed.array(f"{name}.norms").astype(np.float64).tobytes())
        self._rest = packed.keys(name)
        self._numbers = packed.array(f"{name}.numbers").astype(np.int64)

    def pack(self, packer: Packer, name: str) -> None:
        """Put everything under a name."""
        for word in self._rest:
            self._found(word)
        postings = self._postings.values()
        packer.put_keys(name, self._postings, [len(numbers) for numbers in postings])
        numbers = np.frombuffer(b"".join(postings), np.int64)
        packer.put(f"{name}.numbers", numbers.astype(np.int32))
        packer.put(f"{name}.norms", np.array(self._norms, np.float64))

    def add(self, words: Iterable[str]) -> None:
        """Add the next task of the history."""
        number = len(self._norms)
        norm = 0.0
        for word in sorted(set(words)):
            postings = self._found(word)
            if postings is None:
                postings = self._postings[word] = array("q")
            postings.append(number)
            norm += self.rarity(word) ** 2
        self._norms.append(math.sqrt(norm) or 1.0)

    def rarity(self, word: str) -> float:
        """The inverse document frequency of a word; 0 for one that was never seen."""
        postings = self._found(word)
        return math.log((len(self._norms) + 2.0) / len(postings)) if postings else 0.0

    def alike(self, words: Iterable[str]) -> Alike:
        """Tasks among the newest that share words with a new one, in no order."""
        first = max(len(self._norms) - WINDOW, 0)
        scores = np.zeros(len(self._norms) - first)
        norm = 0.0
        for word in sorted(set(words)):
            weight = self.rarity(word) ** 2
            norm += weight
            if postings := self._found(word):
                numbers = np.frombuffer(postings, np.int64)
                scores[numbers[np.searchsorted(numbers, first) :] - first] += weight
        tasks = np.flatnonzero(scores)
        norms = np.frombuffer(self._norms, np.float64)[first:][tasks] if len(tasks) else 1.0
        return Alike(tasks + first, scores[tasks] / (norms * (math.sqrt(norm) or 1.0)))

    def _found(self, word: str) -> "array[int] | None":
        postings = self._postings.get(word)
        if postings is None and (taken := self._rest.take(word)):
            postings = array("q", self._numbers[taken[1]].tobytes())
            self._postings[word] = postings
        return postings
