"""Which files change together."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from engines.matching.state.packing import Packed, Packer, Rest
from engines.matching.state.table import Ints

MOST_NEIGHBOURS = 12
"""Files that changed most often together with a file."""
_MOST_TOGETHER = 12
"""Files of a task whose changing together means something."""


class Together:
    """For each file how often others changed in the same tasks."""

    def __init__(self) -> None:
        """Nothing has changed."""
        self._counts: dict[str, Counter[str]] = {}
        self._rest = Rest()
        self._packed = Packed({}, ())
        self._others: Ints = np.empty(0, np.int64)
        self._times: Ints = np.empty(0, np.int64)

    def unpack(self, packed: Packed, name: str) -> None:
        """Know what was packed under a name, and nothing else."""
        self._rest, self._packed = packed.keys(name), packed
        self._others = packed.array(f"{name}.others").astype(np.int64)
        self._times = packed.array(f"{name}.times").astype(np.int64)

    def pack(self, packer: Packer, name: str) -> None:
        """Put everything under a name."""
        for path in self._rest:
            self._found(path)
        counts = self._counts.values()
        packer.put_keys(name, self._counts, [len(one) for one in counts])
        packer.put_texts(f"{name}.others", (other for one in counts for other in one))
        times = [count for one in counts for count in one.values()]
        packer.put(f"{name}.times", np.array(times, np.int32))

    def add(self, paths: Sequence[str]) -> None:
        """Files that one task changed."""
        if not 1 < len(paths) <= _MOST_TOGETHER:
            return
        for path in paths:
            counts = self._found(path)
            if counts is None:
                counts = self._counts[path] = Counter()
            for other in paths:
                if other != path:
                    counts[other] += 1

    def move(self, was: str, path: str) -> None:
        """A file has another path now; the others know it by the old one, too."""
        if self._found(was) is None:
            return
        moved = self._counts.pop(was)
        counts = self._found(path)
        if counts is None:
            counts = self._counts[path] = Counter()
        counts.update(moved)

    def neighbours(self, paths: Sequence[str]) -> dict[str, float]:
        """Files that used to change together with these, and how strongly: at most 1 each."""
        found: dict[str, float] = {}
        asked = set(paths)
        for path in paths:
            counts = self._found(path)
            if not counts:
                continue
            most = counts.most_common(MOST_NEIGHBOURS)
            for other, count in most:
                if other not in asked:
                    found[other] = max(found.get(other, 0.0), count / (most[0][1] + 2.0))
        return found

    def _found(self, path: str) -> Counter[str] | None:
        counts = self._counts.get(path)
        if counts is None and (taken := self._rest.take(path)):
            others = map(self._packed.text, self._others[taken[1]].tolist())
            times: list[int] = self._times[taken[1]].tolist()
            # In the order of first sight, by which equals are told apart.
            counts = self._counts[path] = Counter(dict(zip(others, times, strict=True)))
        return counts
