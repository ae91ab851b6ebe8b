"""How an engine tells its caller how far it is, and learns that it should stop."""

from typing import Protocol


class Stopped(Exception):
    """Raised by an engine that was asked to stop and has nothing worth returning."""


class Watch(Protocol):
    """The caller's side of a running engine. Both calls are inexpensive and never block."""

    def report(self, text: str, done: float | None = None) -> None:
        """Say what is happening now; `done` is the fraction finished, 0 to 1, where it is known."""
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

    def phase(self, name: str) -> None:
        """Measure nothing."""

    def stop_requested(self) -> bool:
        """Never stop."""
        return False
