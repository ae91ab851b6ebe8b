"""The order in which waiting requests begin: short ones first, long ones in a lane of their own."""

from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from heapq import merge

from engines.generation.batching.stream import Stream

_SHORT_TOKENS = 48
_MEDIUM_TOKENS = 128


class Length(StrEnum):
    """How much a request may write: what decides how long it holds its place."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


PATIENCE_S = {Length.SHORT: 0.0, Length.MEDIUM: 1.0, Length.LONG: 5.0}
"""A request comes after all shorter ones that were submitted up to so much later, and after no
others: short ones come first, and no one starves."""


def length(stream: Stream) -> Length:
    """The lane of a request."""
    if stream.order.max_tokens <= _SHORT_TOKENS:
        return Length.SHORT
    return Length.MEDIUM if stream.order.max_tokens <= _MEDIUM_TOKENS else Length.LONG


def due(stream: Stream) -> float:
    """By this requests are ordered, on the monotonic clock."""
    return stream.order.submitted + PATIENCE_S[length(stream)]


class Lanes:
    """Waiting requests. For one thread."""

    def __init__(self) -> None:
        """No one waits."""
        self._lanes: dict[Length, deque[Stream]] = {lane: deque() for lane in Length}

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def __iter__(self) -> Iterator[Stream]:
        return merge(*self._lanes.values(), key=due)

    def add(self, stream: Stream) -> None:
        """To the end of its lane."""
        self._lanes[length(stream)].append(stream)

    def remove(self, gone: set[Stream]) -> None:
        """Those that have begun or ended."""
        for lane, waiting in self._lanes.items():
            if not gone.isdisjoint(waiting):
                self._lanes[lane] = deque(stream for stream in waiting if stream not in gone)
