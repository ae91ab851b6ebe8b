"""Keeps a process that was stopped for a while from saying what another one says by now.

A delivery is spoken for under a lease. Between taking it and speaking, a process may be paused by
its host for longer than the lease lasts; so each call to a platform asks here first.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

_holds: ContextVar[Callable[[], bool] | None] = ContextVar("holds", default=None)


class Overdue(Exception):
    """What is being said is no longer ours to say; somebody else may be saying it."""


@contextmanager
def speaking_while(holds: Callable[[], bool]) -> Generator[None]:
    """What is called inside may speak for as long as `holds` is true."""
    token = _holds.set(holds)
    try:
        yield
    finally:
        _holds.reset(token)


def still_ours() -> None:
    """Before every call to a platform. Raises Overdue."""
    holds = _holds.get()
    if holds is not None and not holds():
        raise Overdue
