"""The renderers of all faces under fuzz: random replies and jobs, judged as each platform would.

The judges read what comes out with their own rules and a CommonMark parser; they share no code with
the renderers. `--processes` divides the cases; a case is made from the seed and its number alone.

    python -m tests.acceptance.renderers --cases 200000 --seed 1 --processes 2
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.acceptance.rendering import console, discord, github, slack
from tests.acceptance.rendering.cases import Case, case_of, words_of
from tests.acceptance.rendering.judging import Fault, Timing
from tests.acceptance.rendering.shrinking import shrunk
from tests.benchmarks.machine import machine

FACES = {judged.FACE: judged.judge for judged in (github, slack, discord, console)}
AGAIN = 50
"""Every so many cases one is rendered twice, to see that it comes out the same."""
TOLD_EVERY = 10_000
_AT_ONCE = 250


@dataclass(frozen=True)
class Example:
    """A fault with what brings it about."""

    fault: Fault
    number: int
    case: Case


@dataclass
class Found:
    """What came of some cases."""

    cases: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    examples: dict[tuple[str, str], Example] = field(default_factory=dict[tuple[str, str], Example])
    timing: Timing = field(default_factory=Timing)

    def add(self, other: "Found") -> None:
        """What came of other cases, too."""
        self.cases += other.cases
        self.counts.update(other.counts)
        self.examples = {**other.examples, **self.examples}
        for face, took_s in other.timing.slowest_s.items():
            self.timing.slowest_s[face] = max(took_s, self.timing.slowest_s.get(face, 0.0))


def judged(case: Case, words: Sequence[str], timing: Timing) -> Iterator[Fault]:
    """Everything wrong with the case on every face."""
    for face, judge in FACES.items():
        try:
            yield from judge(case, words, timing)
        except Exception:  # noqa: BLE001 - a renderer that raises is what is looked for
            yield Fault(face, "crash", traceback.format_exc(limit=-3))


def fuzz(seed: int, numbers: Sequence[int]) -> Found:
    """Judge the cases of these numbers."""
    found = Found()
    for number in numbers:
        case, words = case_of(seed, number)
        found.cases += 1
        for fault in judged(case, words, found.timing):
            kind = (fault.face, fault.kind)
            found.counts[kind] += 1
            found.examples.setdefault(kind, Example(fault, number, case))
        if number % AGAIN == 0 and not _is_same(case):
            found.counts["all", "not the same"] += 1
    return found


def _is_same(case: Case) -> bool:
    first, second = (_shown(case) for _ in range(2))
    return first == second


def _shown(case: Case) -> list[object]:
    page = github.Page(str)
    return [
        github.render_result(case.view, case.reply, page),
        slack.render_reply(case.reply),
        discord.render_reply(case.reply, link=str),
        console.render_reply(case.reply, console.Screen(str, width=case.width)),
    ]


def campaign(cases: int, seed: int, processes: int) -> Found:
    """Judge so many cases in so many processes."""
    found = Found()
    parts = [range(start, min(start + _AT_ONCE, cases)) for start in range(0, cases, _AT_ONCE)]
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(fuzz, [seed] * len(parts), parts):
            found.add(part)
            if found.cases % TOLD_EVERY == 0:
                print(f"{found.cases:,} cases, {found.counts.total()} violations", flush=True)
    return found


def smallest(example: Example) -> Case:
    """The case with all taken away that the fault can do without."""
    kind = (example.fault.face, example.fault.kind)

    def fails(case: Case) -> bool:
        words = words_of(case)
        return any((each.face, each.kind) == kind for each in judged(case, words, Timing()))

    return shrunk(example.case, fails)


def main() -> int:
    """Run the campaign; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    print(machine("markdown-it-py"), flush=True)
    started = time.monotonic()
    found = campaign(options.cases, options.seed, options.processes)
    slowest = ", ".join(f"{face} {took_s:.2f}" for face, took_s in found.timing.slowest_s.items())
    print(
        f"seed {options.seed}: {found.cases:,} cases on {len(FACES)} faces, "
        f"{found.counts.total()} violations, {time.monotonic() - started:,.0f} s; "
        f"slowest render in CPU seconds: {slowest}"
    )
    for (face, kind), count in sorted(found.counts.items()):
        print(f"\n{face}: {kind}: {count}")
        example = found.examples.get((face, kind))
        if example is not None:
            print(f"  case {example.number}: {example.fault.detail}", flush=True)
            case = smallest(example)
            print(f"  smallest: {str(case.reply)[:1_500]}\n  {str(case.view)[:700]}")
    return 1 if found.counts else 0


if __name__ == "__main__":
    sys.exit(main())
