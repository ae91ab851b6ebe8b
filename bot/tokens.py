"""Whether the platforms take our tokens. One that is refused can only be mended by the operator:
until then what is to be said waits, the platform is left alone, and the log says what to do.
"""

import time
from collections.abc import Callable

import structlog

from bot.face import Busy

log = structlog.get_logger()

PAUSE_S = 60.0
"""Between two calls with a refused token; Discord bans who sends 10,000 in ten minutes."""


class TokenRefused(Busy):
    """The platform does not take our token. Patience has no end here, other than with a `Busy`."""


class Token:
    """One of our tokens, as its platform sees it."""

    def __init__(
        self, setting: str, remedy: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`setting` names it, `remedy` tells the operator what to do; `clock` gives seconds."""
        self.setting = setting
        self.is_refused = False
        self.remedy = remedy
        self._clock = clock
        self._reason = ""
        self._again_at = 0.0

    def check(self) -> None:
        """Before a call: let one pass in `PAUSE_S` while the token is refused.

        Raises:
            TokenRefused: Not now.
        """
        if not self.is_refused:
            return
        left_s = self._again_at - self._clock()
        if left_s > 0:
            raise TokenRefused(f"{self.setting} is refused: {self._reason}", retry_after_s=left_s)
        self._again_at = self._clock() + PAUSE_S

    def refused(self, reason: str) -> TokenRefused:
        """The platform refused it; returns what to raise."""
        if not self.is_refused:
            log.error("token refused", setting=self.setting, reason=reason, remedy=self.remedy)
        self.is_refused, self._reason = True, reason
        self._again_at = self._clock() + PAUSE_S
        return TokenRefused(f"{self.setting} is refused: {reason}", retry_after_s=PAUSE_S)

    def taken(self) -> None:
        """A call went through."""
        if self.is_refused:
            log.info("token taken again", setting=self.setting)
        self.is_refused = False
