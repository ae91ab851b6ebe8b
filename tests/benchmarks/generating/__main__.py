"""Many `generate` commands at once, through Slack, Discord and GitHub, and what the way costs.

    python -m tests.benchmarks.generating --commands 64 --seed 1
    python -m tests.benchmarks.generating --commands 64 --seed 1 --model scripted
    python -m tests.benchmarks.generating --commands 64 --model scripted --within-s 30
    python -m tests.benchmarks.generating --commands 64 --model scripted --one-team
    python -m tests.benchmarks.generating --commands 16 --kill-worker

`gryph up` runs with a worker of the queue `gpu`, and the platforms are counterparts on loopback in
this process. Each command is one person's, in a channel or issue of its own; one more is given and
answered before them, so that the model is loaded. The overhead of a command is the time from when
it was given to when its result was posted, less the engine's: checkout, search, writing and checks
inside the worker.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.generating import report
from tests.benchmarks.generating.campaign import Asked, run
from tests.benchmarks.machine import machine


def main() -> int:
    """Run and print; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.generating",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--commands", type=int, default=64)
    add("--seed", type=int, default=1)
    add(
        "--model",
        choices=("tiny", "scripted"),
        default="tiny",
        help="a local model with random weights, or an endpoint that slowly writes good code",
    )
    add(
        "--one-team",
        action="store_true",
        help="within the budgets for one workspace and one installation, which are lifted "
        "otherwise, as if it were many",
    )
    add(
        "--kill-worker",
        action="store_true",
        help="with SIGKILL, as soon as it writes several answers; what counts is how long after it "
        "the last answer stands in its thread",
    )
    add("--within-s", type=float, default=0.0, help="give them within so long, not at one moment")
    add("--at-most-s", type=float, default=1500.0, help="when to stop waiting")
    options = parser.parse_args()
    print(machine("fastapi", "arq", "SQLAlchemy", "torch", "transformers"))
    given = Asked(
        options.commands,
        options.seed,
        options.model,
        is_one_team=options.one_team,
        within_s=options.within_s,
        at_most_s=options.at_most_s,
        is_worker_killed=options.kill_worker,
    )
    print(f"{given}", flush=True)
    with tempfile.TemporaryDirectory(prefix="gryph-bench-") as folder:
        done = asyncio.run(run(given, Path(folder)))
    return report.told(done)


if __name__ == "__main__":
    sys.exit(main())
