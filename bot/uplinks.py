"""Whether we are connected where we hear a platform: Slack's Socket Mode, Discord's gateway. What a
platform posts to us over HTTP needs no such thing.
"""

import time
from collections.abc import Callable

from handlers import Platform

BRIEF_S = 30.0
"""A start, or an end that a platform announced, leaves us unconnected for less."""
_NO_REASON = "it has not been connected yet"


class Uplink:
    """One connection of ours, as whoever holds it has seen it last."""

    def __init__(self, platform: Platform, clock: Callable[[], float] = time.monotonic) -> None:
        """Not wanted so far; `clock` gives seconds."""
        self.platform = platform
        self.is_up = False
        self._clock = clock
        self._is_wanted = False
        self._down_at = 0.0
        self._why = _NO_REASON

    def wanted(self) -> None:
        """From now on it should be there."""
        self._is_wanted, self._down_at = True, self._clock()

    def unwanted(self) -> None:
        """It need not be there any more: another gateway leads, or we stop."""
        self._is_wanted = self.is_up = False
        self._why = _NO_REASON

    def made(self) -> None:
        """It is there."""
        self.is_up = self._is_wanted

    def lost(self, why: str) -> None:
        """It is gone, or could not be made."""
        if self.is_up:
            self._down_at = self._clock()
        self.is_up, self._why = False, why

    def trouble(self) -> str:
        """Since when it is missing and why, in words; empty while all is well, or nearly so."""
        down_s = self._clock() - self._down_at
        if self.is_up or not self._is_wanted or down_s <= BRIEF_S:
            return ""
        return f"{self.platform} has not been connected for {down_s:.0f} s: {self._why}."
