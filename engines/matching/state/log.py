"""What happened and when: one line per task, and sums over the lines that are near in time."""

from typing import NamedTuple

import numpy as np

from engines.matching.state.packing import Packed, Packer
from engines.matching.state.table import Floats, Ints, sums

_FIRST_ROOM = 1_024


class Spans(NamedTuple):
    """Half-lives of what is counted."""

    days: tuple[float, ...]
    lines: tuple[float, ...]
    """Of the log: a clock that stands still while nothing happens."""


class Log:
    """People and days of what happened, in the order in which it did."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self._people: Ints = np.empty(_FIRST_ROOM, np.int64)
        self._days: Floats = np.empty(_FIRST_ROOM, np.float64)
        self._size = 0

    def unpack(self, packed: Packed, name: str) -> None:
        """Know what was packed under a name, and nothing else."""
        self._people = packed.array(f"{name}.people").astype(np.int64)
        self._days = packed.array(f"{name}.days").astype(np.float64)
        self._size = len(self._people)

    def pack(self, packer: Packer, name: str) -> None:
        """Put everything under a name."""
        packer.put(f"{name}.people", self.people)
        packer.put(f"{name}.days", self.days)

    def __len__(self) -> int:
        """Lines."""
        return self._size

    @property
    def people(self) -> Ints:
        """(n,) Who it was; -1 for nobody who counts."""
        return self._people[: self._size]

    @property
    def days(self) -> Floats:
        """(n,) When, never falling."""
        return self._days[: self._size]

    def add(self, person: int, day: float) -> None:
        """Write the next line."""
        if self._size == len(self._people):
            more = max(self._size, _FIRST_ROOM)
            self._people = np.concatenate([self._people, np.zeros(more, np.int64)])
            self._days = np.concatenate([self._days, np.zeros(more, np.float64)])
        self._people[self._size] = person
        self._days[self._size] = day
        self._size += 1

    def join(self, kept: int, gone: int) -> None:
        """Two people turned out to be one."""
        people = self.people
        people[people == gone] = kept

    def activity(
        self, row_of: Ints, rows: int, day: float, spans: Spans
    ) -> tuple[Floats, Floats, Floats]:
        """How much the asked people did lately, when last, and how much happened since.

        Returns the decayed counts (rows, days and lines), the days since the last line (rows,), and
        the lines written after it (rows,); for who has none, both as long as the log is.
        """
        people, days = self.people, self.days
        asked = row_of[people] if len(people) else people
        at = np.flatnonzero(asked >= 0)
        who, ages = asked[at], np.maximum(day - days[at], 0.0)
        behind = (len(people) - 1 - at).astype(float)
        decays = [-ages / half for half in spans.days] + [-behind / half for half in spans.lines]
        counts = np.stack([sums(who, np.exp2(decay), rows) for decay in decays], axis=1)
        last = np.full(rows, -1, np.int64)
        last[who] = at  # the latest line of each stays
        none = day - days[0] + 1.0 if len(days) else 1.0
        idle = np.where(last >= 0, day - days[last] if len(days) else none, none)
        since = np.where(last >= 0, self._size - 1 - last, self._size).astype(float)
        return counts, np.maximum(idle, 0.0), since
