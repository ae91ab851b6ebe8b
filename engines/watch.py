"""How an engine tells its caller how far it is, and learns that it should stop."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

_T = TypeVar("_T")
_STEPS_BETWEEN = 50


class Stopped(Exception):
    """Raised by an engine that was asked to stop and has nothing worth returning."""


class Watch(Protocol):
    """The caller's side of a running engine. All calls are inexpensive and never block."""

    def report(self, text: str, done: float | None = None) -> None:
        """Say what is happening now; `done` is the fraction finished, 0 to 1, where it is known."""
        ...

    def draft(self, text: str) -> None:
        """Show what is written so far: all of it, as Markdown that may end anywhere. The newest
        counts, an empty one takes the last back; it may be called for every token. The last word
        is held back until an empty line ends it.
        """
        ...

    def phase(self, name: str) -> None:
        """Begin the next part of the work, for those who measure it; a fixed word, never data."""
        ...

    def stop_requested(self) -> bool:
        """Whether the person cancelled; an engine asks at least twice a second."""
        ...


class Unwatched:
    """A watch for direct use of an engine: nobody listens and nobody cancels."""

    def report(self, text: str, done: float | None = None) -> None:
        """Ignore the report."""

    def draft(self, text: str) -> None:
        """Show it to nobody."""

    def phase(self, name: str) -> None:
        """Measure nothing."""

    def stop_requested(self) -> bool:
        """Never stop."""
        return False


def watched(steps: Iterable[_T], watch: Watch) -> Iterator[_T]:
    """The same short steps, with a look now and then at whether anybody still waits.

    Raises:
        Stopped: The caller asked for an end.
    """
    for number, step in enumerate(steps):
        if number % _STEPS_BETWEEN == 0 and watch.stop_requested():
            raise Stopped
        yield step
