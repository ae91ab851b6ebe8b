"""Lists by key as a few arrays, so that reading them back takes no time, and only what is asked
for is made into objects again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]


class Packer:
    """Arrays in the making; texts are told once, and meant by number."""

    def __init__(self) -> None:
        """There is nothing yet."""
        self.arrays: dict[str, Array] = {}
        self._numbers: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """In the order of their numbers."""
        return list(self._numbers)

    def put(self, name: str, array: Array) -> None:
        """An array as it is."""
        self.arrays[name] = array

    def put_texts(self, name: str, texts: Iterable[str]) -> None:
        """Texts in their order."""
        numbers = self._numbers
        found = [numbers.setdefault(text, len(numbers)) for text in texts]
        self.arrays[name] = np.array(found, np.int32)

    def put_keys(self, name: str, keys: Iterable[str], sizes: Sequence[int]) -> None:
        """Keys, and how many rows of the other arrays belong to each."""
        self.put_texts(f"{name}.keys", keys)
        self.put(f"{name}.ends", np.cumsum(np.array(sizes, np.int64)))


class Packed:
    """What a packer made; raises LookupError, TypeError or ValueError for anything else."""

    def __init__(self, arrays: Mapping[str, Array], texts: Sequence[str]) -> None:
        """Of arrays by their names."""
        self._arrays = arrays
        self._texts = texts

    def array(self, name: str) -> Array:
        """An array as it was put."""
        return self._arrays[name]

    def texts(self, name: str) -> list[str]:
        """Texts as they were put."""
        return list(map(self._texts.__getitem__, self._arrays[name].tolist()))

    def text(self, number: int) -> str:
        """One of them."""
        return self._texts[number]

    def keys(self, name: str) -> "Rest":
        """Which rows belong to which keys."""
        return Rest(self.texts(f"{name}.keys"), self._arrays[f"{name}.ends"].astype(np.int64))


class Rest:
    """Rows of keys that nobody has asked for yet; each key is given away once."""

    def __init__(self, keys: Sequence[str] = (), ends: NDArray[np.int64] | None = None) -> None:
        """Of keys and the row after the last one of each."""
        self._keys = keys
        self._ends = np.empty(0, np.int64) if ends is None else ends
        self._numbers = {key: number for number, key in enumerate(keys)}
        if len(self._numbers) != len(self._ends):
            raise ValueError("keys and rows do not belong together")

    def __len__(self) -> int:
        """Keys that are left."""
        return len(self._numbers)

    def __contains__(self, key: str) -> bool:
        """Whether a key is left."""
        return key in self._numbers

    def __iter__(self) -> Iterator[str]:
        """The keys that are left now."""
        return iter(list(self._numbers))

    def take(self, key: str) -> tuple[int, slice] | None:
        """Number and rows of a key; None where it is not left."""
        number = self._numbers.pop(key, None)
        if number is None:
            return None
        first = int(self._ends[number - 1]) if number else 0
        return number, slice(first, int(self._ends[number]))

    def holding(self, rows: NDArray[np.int64]) -> list[str]:
        """The keys that are left and have any of some rows."""
        numbers = np.unique(np.searchsorted(self._ends, rows, side="right")).tolist()
        return [key for key in map(self._keys.__getitem__, numbers) if key in self._numbers]
