"""What a plan is to be good at besides being short, and the plan it is held against."""

from dataclasses import dataclass

from engines.planning.arrays import Ints


@dataclass(frozen=True)
class Goals:
    """Prices of a plan's faults, each in ticks of makespan.

    The defaults make a problem without deadlines one of makespan alone.
    """

    tardiness: float = 1.0
    """Of a tick past the deadline of a task of weight 1."""
    balance: float = 0.0
    """Of a tick by which the people's work differs from their mean, on average over them."""
    moves: float = 0.0
    """Of a task that changes hands against the previous plan."""
    shift: float = 0.0
    """Of a tick by which a task's start moves against the previous plan, either way."""


@dataclass(frozen=True)
class Held:
    """The previous plan: what people already count on."""

    people: Ints  # [n], -1 where nobody had it
    starts: Ints  # [n], -1 where the task is new
