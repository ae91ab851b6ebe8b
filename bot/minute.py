"""What a platform said, remembered for a minute: as long as a permission may be old before a job
starts (docs/decisions/0004-permission-within-a-minute.md).
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

KEPT_S = 60.0
MOST_KEPT = 2_000

Key = TypeVar("Key", bound=Hashable)
Said = TypeVar("Said")


class Minute(Generic[Key, Said]):
    """The latest answers, the oldest of too many forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Said]] = OrderedDict()

    def get(self, key: Key) -> Said | None:
        """What was said within the last minute; None where nothing was."""
        at_s, said = self._kept.get(key, (0.0, None))
        return None if said is None or self._clock() - at_s >= KEPT_S else said

    def put(self, key: Key, said: Said) -> Said:
        """Remember it from now on."""
        self._kept[key] = (self._clock(), said)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return said
