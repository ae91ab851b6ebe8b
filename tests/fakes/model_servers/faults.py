"""Failures on order: what a model's server does on a bad day."""

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a request for an answer fails."""

    RATE_LIMITED = "rate_limited"
    """429, with Retry-After."""
    OVERLOADED = "overloaded"
    """503 of OpenAI-compatible servers, Anthropic's 529."""
    FAILS = "fails"
    """500 with a page of HTML that repeats the request."""
    LEAKS = "leaks"
    """400 that quotes the key and the prompt."""
    HANGS = "hangs"
    """No answer at all until the client goes."""
    HANGS_WITHIN = "hangs_within"
    """Half the answer, and then only signs of life until the client goes."""
    DROPS = "drops"
    """The connection breaks in the middle of the answer."""
    ENDS_EARLY = "ends_early"
    """The stream ends well-formed, but without a finish."""
    FORGETS_TO_HANG_UP = "forgets_to_hang_up"
    """The finish comes, and then nothing until the client goes."""
    ERROR_FIRST = "error_first"
    """200, and the first event is an error: overloaded."""
    ERROR_WITHIN = "error_within"
    """200, and an error in the middle of the answer."""
    GARBAGE = "garbage"
    """200, and bytes that are no event stream."""
    GIANT = "giant"
    """200, and events without end."""
    PAGE = "page"
    """200, and a page to log in at."""
    REDIRECTS = "redirects"
    """307 to another host."""
    PACKED = "packed"
    """A body that is compressed though nobody asked."""
    DOES_NOT_STREAM = "does_not_stream"
    """The whole answer as one JSON object."""


@dataclass(frozen=True)
class Fault:
    """One failure."""

    kind: Kind
    retry_after: str | None = None
    """Of 429 and 503."""


class Faults:
    """The failures that are still to come, one for each request. Thread-safe."""

    def __init__(self) -> None:
        """A good day."""
        self._lock = threading.Lock()
        self._waiting: deque[Fault] = deque()

    def add(self, kind: Kind, *, times: int = 1, retry_after: str | None = None) -> None:
        """Order a failure of the next requests."""
        with self._lock:
            self._waiting.extend([Fault(kind, retry_after)] * times)

    def take(self) -> Fault | None:
        """The failure of this request, if it is to fail."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None
