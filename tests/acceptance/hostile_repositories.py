"""Hostile repositories and hosts against checkouts, with real git over HTTP on loopback.

`python -m tests.acceptance.hostile_repositories` prints one line an attack: how it ended, the
largest size on disk, the largest process of git, and the time. Exit 1 on a violation.
"""

import argparse
import resource
import sys

from tests.benchmarks.machine import machine
from tests.hostile.repositories import ATTACKS
from tests.hostile.repositories.arena import Outcome, tried


def campaign(words: str) -> list[Outcome]:
    """Try every attack whose name holds the words."""
    outcomes: list[Outcome] = []
    for attack in ATTACKS:
        if words in attack.name:
            outcome = tried(attack)
            outcomes.append(outcome)
            print(
                f"{attack.name:55} {outcome.ended:11} {outcome.disk_mb:6.1f} MB on disk "
                f"{outcome.memory_mb:6.1f} MB of memory {outcome.took_s:6.1f} s",
                flush=True,
            )
            for line in (*outcome.violations, *([outcome.said] if outcome.said else [])):
                print(f"    {line}", flush=True)
    return outcomes


def main() -> int:
    """Exit 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="attacks whose name holds these words")
    print(machine())
    outcomes = campaign(parser.parse_args().only)
    violations = [each for outcome in outcomes for each in outcome.violations]
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(outcomes)} attacks; at most {max(o.disk_mb for o in outcomes):.0f} MB on disk, "
        f"{max(o.memory_mb for o in outcomes):.0f} MB of memory in a process of git, "
        f"{max(o.took_s for o in outcomes):.1f} s; this process {own_mb:.0f} MB; "
        f"{len(violations)} violations"
    )
    return 1 if violations or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
