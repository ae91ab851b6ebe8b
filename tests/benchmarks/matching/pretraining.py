"""Learns from many histories what every history begins with: the shipped weights of the ranker.

`python -m tests.benchmarks.matching.pretraining --mode author --cache DIR REPOSITORY …` measures
the questions of each repository (kept in the cache, a file each) and grows two forests over all of
them: one in which each question counts the same, one in which people of few tasks count for more.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engines.matching.mining.history import read_history
from engines.matching.ranking.boosting import Growth, grow
from engines.matching.ranking.learner import Learner, is_asked, replay
from engines.matching.ranking.lists import Lists, Solved, joined
from engines.matching.ranking.model import SHIPPED, Learned, rarity, write_learned
from engines.matching.types import Mode

NEWEST = 2_600
"""Questions of a history that are measured, its first fifth left out."""
MOST = 1_500
"""Of those with an answer, drawn by chance."""
GROWTH = Growth(trees=300, leaves=31, least_rows=200)
SEED = 0


def collected(repository: Path, mode: Mode) -> Lists:
    """The questions of a history that have an answer among their candidates."""
    tasks = read_history(repository).tasks
    questions = [position for position, task in enumerate(tasks) if is_asked(task, mode)]
    asked = questions[max(len(questions) // 5, len(questions) - NEWEST) :]
    learner = Learner(mode, lessons_from=len(questions) + 1)
    found: list[Solved] = []
    for position, measured in replay(tasks, learner, asked):
        truth = learner.truth(tasks[position], measured.candidates)
        if len(truth) > 1 and truth.any():
            person = int(measured.candidates[int(np.argmax(truth))])
            found.append(Solved(measured.matrix, truth, person))
    return joined(found)


def drawn(lists: Lists, most: int, seed: int) -> Lists:
    """As many questions by chance, in their order."""
    count = len(lists.starts)
    if count <= most:
        return lists
    chosen = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
    ends = lists.starts + lists.sizes
    return joined(
        [
            Solved(
                lists.matrix[lists.starts[one] : ends[one]],
                lists.truth[lists.starts[one] : ends[one]],
                int(lists.people[one]),
            )
            for one in chosen
        ]
    )


def kept(repository: Path, mode: Mode, cache: Path) -> Lists:
    """The same, from the cache where it is there."""
    name = "+".join(repository.resolve().parts[-2:])
    file = cache / f"{name}.{mode.value}.npz"
    if file.exists():
        with np.load(file) as arrays:
            matrix = arrays["matrix"].astype(np.float32)
            return Lists(matrix, arrays["starts"], arrays["truth"], arrays["people"])
    lists = collected(repository, mode)
    np.savez(file, matrix=lists.matrix, starts=lists.starts, truth=lists.truth, people=lists.people)
    return lists


def together(parts: Sequence[Lists]) -> Lists:
    """All questions in one; people of different histories stay apart."""
    rows = np.cumsum([0, *(len(part.truth) for part in parts[:-1])])
    people = np.cumsum([0, *(int(part.people.max()) + 1 for part in parts[:-1])])
    return Lists(
        np.concatenate([part.matrix for part in parts]),
        np.concatenate([part.starts + first for part, first in zip(parts, rows, strict=True)]),
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.people + first for part, first in zip(parts, people, strict=True)]),
    )


def main() -> None:
    """Measure, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.AUTHOR)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the folder of the weights")
    given = parser.parse_args()
    begun_s = time.process_time()
    parts: list[Lists] = []
    for repository in given.repositories:
        lists = drawn(kept(repository, given.mode, given.cache), MOST, SEED)
        parts.append(lists)
        print(f"{repository}: {len(lists.starts)} questions, {len(lists.truth)} rows", flush=True)
    lists = together(parts)
    forests = (grow(lists, GROWTH), grow(lists, GROWTH, weights=rarity(lists)))
    file = given.out / f"{given.mode.value}.safetensors"
    write_learned(Learned(forests), file, given.mode, {})
    print(f"{len(lists.starts)} questions; {time.process_time() - begun_s:.0f} CPU s")


if __name__ == "__main__":
    main()
