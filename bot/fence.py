"""Whose turn it is to speak, known to everything that calls a platform on the way.

A delivery is spoken for under a lease. Between taking it and speaking, a process may be paused by
its host for longer than the lease lasts; so each call to a platform asks here first. And only a
delivery that somebody tried before needs a look for what is there already: Slack allows fifty such
looks a minute to a whole workspace.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class Overdue(Exception):
    """What is being said is no longer ours to say; somebody else may be saying it."""


@dataclass
class Turn:
    """One attempt to say what a delivery has to say next."""

    holds: Callable[[], bool]
    """Whether it is still ours to say."""
    is_first: bool
    """Whether nobody can have said any of it before."""
    has_called: bool = False
    """Whether a platform was called meanwhile."""


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def speaking(turn: Turn) -> Generator[None]:
    """What is called inside speaks in this turn."""
    token = _turn.set(turn)
    try:
        yield
    finally:
        _turn.reset(token)


def still_ours() -> None:
    """Before every call to a platform. Raises Overdue."""
    turn = _turn.get()
    if turn is None:
        return
    if not turn.holds():
        raise Overdue
    turn.has_called = True


def may_be_there() -> bool:
    """Whether an earlier attempt may have said some of it, so that a look is needed."""
    turn = _turn.get()
    return turn is None or not turn.is_first
