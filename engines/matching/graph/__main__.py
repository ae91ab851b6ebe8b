"""`python -m engines.matching.graph REPO --mode author`: the graph alone, measured."""

import argparse
import sys
import time
from pathlib import Path

from engines.matching.graph.dump import answers, write_answers
from engines.matching.graph.settings import Encoder, GraphConfig
from engines.matching.metrics import summary
from engines.matching.mining.history import read_history
from engines.matching.protocol import Part
from engines.matching.types import CannotMatch, Mode


def main(arguments: list[str]) -> int:
    """Run the command line; the exit status."""
    parser = argparse.ArgumentParser("python -m engines.matching.graph", description=__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.AUTHOR)
    parser.add_argument("--encoder", type=Encoder, choices=list(Encoder), default=Encoder.SAGE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dump", type=Path, help="a file for the scores of each task, as JSONL")
    given = parser.parse_args(arguments)
    try:
        history = read_history(given.repository)
    except CannotMatch as problem:
        print(problem, file=sys.stderr)
        return 1
    begun = time.process_time()
    config = GraphConfig(encoder=given.encoder, seed=given.seed)
    found = list(answers(history.tasks, given.mode, config))
    spent_s = time.process_time() - begun
    if given.dump is not None:
        write_answers(found, given.dump)
    tested = summary([answer.row for answer in found if answer.question.part is Part.TEST])
    tops = " / ".join(f"{top:.3f}" for top in tested.top)
    print(f"{tested.covered} of {tested.rows} tasks covered: MRR {tested.mrr:.4f}, top {tops}")
    print(f"{spent_s:.1f} CPU-s for {len(history.tasks)} tasks and {len(found)} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
