"""GitHub's limits on writing, kept on our side so that we do not run into them.

80 requests that write content a minute and 500 an hour:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import time
from collections import deque
from collections.abc import Callable

from bot.github.transport import Limited

MINUTE_S, HOUR_S = 60.0, 3600.0
PER_MINUTE, PER_HOUR = 75, 480
MOST_PROGRESS = 0.5
"""The share that edits of running jobs may use; the rest is for what must be said."""


class Pace:
    """What one installation may still write, and whether GitHub told us to wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._writes: deque[float] = deque(maxlen=PER_HOUR)
        self._closed_until = 0.0

    def check(self) -> None:
        """Raises Limited while GitHub wants to be left alone."""
        left = self._closed_until - self._clock()
        if left > 0:
            raise Limited("GitHub asked to wait", retry_after_s=left)

    def close_for(self, wait_s: float) -> None:
        """GitHub asked to wait."""
        self._closed_until = max(self._closed_until, self._clock() + wait_s)

    def write(self) -> None:
        """Count one write. Raises Limited when there have been too many."""
        wait_s = max(self._wait_s(MINUTE_S, PER_MINUTE), self._wait_s(HOUR_S, PER_HOUR))
        if wait_s > 0:
            raise Limited("our own budget of writes is used up", retry_after_s=wait_s)
        self._writes.append(self._clock())

    @property
    def has_room_for_progress(self) -> bool:
        """Whether an edit that could as well be left out would still leave enough room."""
        return self._wait_s(MINUTE_S, int(PER_MINUTE * MOST_PROGRESS)) <= 0 and (
            self._wait_s(HOUR_S, int(PER_HOUR * MOST_PROGRESS)) <= 0
        )

    def _wait_s(self, span_s: float, most: int) -> float:
        """Time until fewer than `most` writes lie within the last `span_s`."""
        if len(self._writes) < most:
            return 0.0
        return max(0.0, self._writes[-most] + span_s - self._clock())
