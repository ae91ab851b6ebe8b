"""Starts Pynguin with CPU seconds in place of wall seconds in its budgets.

    python pynguin_clock.py IMPORT_PATH PYNGUIN_ARGUMENT...

Run by the interpreter of Pynguin's own environment. The first folder of IMPORT_PATH wins over that
environment's packages, the others come after them. On a busy machine its search would otherwise
be cut short, and on a quiet one ours would be compared in another unit.
"""

import os
import sys
import time
from importlib import import_module
from types import SimpleNamespace

_CLOCKED = (
    "pynguin.ga.stoppingcondition",
    "pynguin.ga.algorithms.generationalgorithm",
    "pynguin.assertion.assertiongenerator",
)


def main() -> int:
    """Run Pynguin's own command line."""
    first, *others = sys.argv.pop(1).split(":")
    sys.path[0] = first
    sys.path.extend(others)
    for name in _CLOCKED:
        module = import_module(name)
        clock = SimpleNamespace(**{**vars(time), "time_ns": _cpu_ns, "monotonic": _cpu_s})
        vars(module)["time"] = clock
    return import_module("pynguin.cli").main(sys.argv)


def _cpu_s() -> float:
    """Of this process, all its threads, and the children it waited for."""
    return sum(os.times()[:4])


def _cpu_ns() -> int:
    return int(_cpu_s() * 1_000_000_000)


if __name__ == "__main__":
    sys.exit(main())
