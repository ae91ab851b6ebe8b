"""What each of our processes in the jail does before anything of a target is imported, and how it
keeps to the CPU time it was given.
"""

import math
import os
import resource
import sys
from pathlib import Path

OWN_FOLDER = str(Path(__file__).resolve().parents[3])
BACKWARDS = -1
"""In the place of a seed for an order: the file's, reversed."""
NO_TIME = "no CPU time was left for it"
"""Told of a test that was not run."""


def forget_ourselves() -> None:
    """Take our packages out of the way of a target with modules of the same names."""
    for name in [one for one in sys.modules if one.split(".")[0] == "engines"]:
        del sys.modules[name]
    sys.path[:] = [one for one in sys.path if one != OWN_FOLDER]


def silence() -> None:
    """What the target prints must not fill pipes, and none of the three can be read."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def cpu_s() -> float:
    """What this process and its children have spent so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Allowance:
    """CPU seconds for one request, children included; None is no limit."""

    def __init__(self, given_s: float | None = None) -> None:
        self._until_s = math.inf if given_s is None else cpu_s() + given_s

    @property
    def left_s(self) -> float:
        """What is left; a child compares it with its own clock, which begins at its fork."""
        return self._until_s - cpu_s()
