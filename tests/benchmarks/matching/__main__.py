"""Matching: ours beside single heuristics, a linear ranker, LightGBM and the graph alone.

    python -m tests.benchmarks.matching --repo DIR
    python -m tests.benchmarks.matching --repo DIR --repo DIR --mode reviewer --json OUT

Each task of the last 15 % of a history is asked about as it stood when it was begun. Author mode
counts a ranking by its place for the author; reviewer mode by that of the best placed of those who
reviewed. Only tasks whose right answer is a candidate are measured; coverage says how many are.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from engines.matching.protocol import as_json
from engines.matching.types import CannotMatch, Mode
from tests.benchmarks.machine import machine
from tests.benchmarks.matching import ours, tables
from tests.benchmarks.matching.answers import Answers, Method, Setting, heuristics, setting_of
from tests.benchmarks.matching.reference import BOOSTED, better, reference

METHODS: Mapping[str, Method] = {
    "heuristics": heuristics,
    "reference": reference,
    "graph": ours.graph_alone,
    "ours": ours.ours,
}
"""What is measured; each gives some methods' answers."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where a repository holds nothing to ask about."""
    given = _parser().parse_args(arguments)
    print(machine("numpy", "lightgbm", "torch"), f"seed {given.seed}", sep="; ")
    found: list[dict[str, Answers]] = []
    dumped: list[dict[str, object]] = []
    for repository in given.repo:
        try:
            setting = setting_of(repository, given.mode, given.seed)
        except CannotMatch as why:
            print(f"{repository}: {why}")
            return 2
        everybody = _answers(setting, given.measure or list(METHODS))
        if not any(row.covered for answers in everybody.values() for row in answers.rows):
            print(f"{repository} holds no task that could be asked about")
            return 2
        found.append(everybody)
        dumped.append(_tell(setting, everybody, leaks=given.leaks))
    if len(found) > 1:
        print(f"\nMean over {len(found)} repositories, intervals pooled\n")
        print(tables.of_all([one | better(one) for one in found], _anchor(found[0]), given.seed))
    if given.json is not None:
        given.json.write_text(json.dumps(dumped) + "\n")
    return 0


def _answers(setting: Setting, measures: Sequence[str]) -> dict[str, Answers]:
    found: dict[str, Answers] = {}
    for measure in measures:
        found |= METHODS[measure](setting)
    return found


def _anchor(everybody: Mapping[str, Answers]) -> str:
    """Whom the others are compared with."""
    known = [method for method in (ours.OURS, BOOSTED) if method in everybody]
    return [*known, *everybody][0]


def _tell(setting: Setting, everybody: Mapping[str, Answers], *, leaks: int) -> dict[str, object]:
    lines = tables.lines(everybody, _anchor(everybody), setting.seed)
    one = lines[0].summary
    print(
        f"\n{setting.name}, looking for {setting.mode}s: {len(setting.tasks):,} tasks; "
        f"{one.rows} asked about, {one.covered} of them covered ({one.coverage:.2f}), "
        f"{one.session_rows} begin a session; {one.candidates:.0f} candidates; "
        f"one person is {one.top_dev_share:.2f} of the answers\n"
    )
    print(tables.of_repository(lines, _anchor(everybody)))
    found: dict[str, object] = {
        "repository": setting.name,
        "mode": setting.mode,
        "lines": [asdict(line) for line in lines],
        "rows": {
            method: [as_json(row, setting.mode) for row in answers.rows]
            for method, answers in everybody.items()
        },
    }
    if ours.OURS in everybody:
        rows = everybody[ours.OURS].rows
        for about, measured in (
            ("load", ours.load(rows)),
            ("timing", ours.timing(setting, rows)),
            ("leaks", ours.leaks(setting, rows, leaks)),
        ):
            print(f"\n{about}: {measured}")
            found[about] = asdict(measured)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.matching",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repo", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.AUTHOR)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="append", choices=list(METHODS))
    parser.add_argument("--leaks", type=int, default=3, help="tasks that are asked again in clones")
    parser.add_argument("--json", type=Path, metavar="OUT")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
