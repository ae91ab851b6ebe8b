"""Learns from many histories what every history begins with: the shipped weights of the ranker.

`python -m tests.benchmarks.matching.pretraining --mode author --cache DIR REPOSITORY …` measures
the questions of each repository (kept in the cache, a file each), grows two forests over all of
them and trains two networks: of each, one in which every question counts the same, and one in which
people of few tasks count for more.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engines.matching.mining.history import read_history
from engines.matching.ranking.boosting import Growth, grow
from engines.matching.ranking.learner import Learner, is_asked, replay
from engines.matching.ranking.lists import Lists, Solved, joined
from engines.matching.ranking.model import SHIPPED, Learned, rarity, write_learned
from engines.matching.ranking.network import Network, Shape
from engines.matching.ranking.shown import Precedents
from engines.matching.ranking.training import Course, trained
from engines.matching.state.table import Floats, Ints
from engines.matching.types import Mode

NEWEST = 2_600
"""Questions of a history that are measured, its first fifth left out."""
MOST = 1_500
"""Of those with an answer, drawn by chance."""
GROWTH = Growth(trees=300, leaves=31, least_rows=200)
COURSE = Course(epochs=5, rate=2e-3, rows=6_000, candidates=80)
SEED = 0


def collected(repository: Path, mode: Mode) -> Lists:
    """The questions of a history that have an answer among their candidates."""
    tasks = read_history(repository).tasks
    questions = [position for position, task in enumerate(tasks) if is_asked(task, mode)]
    asked = questions[max(len(questions) // 5, len(questions) - NEWEST) :]
    learner = Learner(mode, lessons_from=len(questions) + 1)
    found: list[Solved] = []
    for position in replay(tasks, learner, asked):
        measured = learner.ask(tasks[position])
        truth = learner.truth(tasks[position], measured.candidates)
        if len(truth) > 1 and truth.any():
            person = int(measured.candidates[int(np.argmax(truth))])
            found.append(Solved(measured.shown, truth, person))
    return joined(found)


def drawn(lists: Lists, most: int, seed: int) -> Lists:
    """As many questions by chance, in their order."""
    count = len(lists.starts)
    if count <= most:
        return lists
    chosen = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
    return joined([Solved(*lists.question(one), int(lists.people[one])) for one in chosen.tolist()])


def kept(repository: Path, mode: Mode, cache: Path) -> Lists:
    """The same, from the cache where it is there."""
    name = "+".join(repository.resolve().parts[-2:])
    file = cache / f"{name}.{mode.value}.npz"
    if file.exists():
        with np.load(file) as arrays:
            precedents = Precedents(arrays["rows"], arrays["precedents"])
            starts, truth, people = arrays["starts"], arrays["truth"], arrays["people"]
            return Lists(arrays["matrix"], starts, truth, people, precedents, arrays["firsts"])
    lists = collected(repository, mode)
    np.savez(
        file,
        matrix=lists.matrix.astype(np.float16),
        starts=lists.starts,
        truth=lists.truth,
        people=lists.people,
        rows=lists.precedents.rows.astype(np.int16),
        precedents=lists.precedents.measures.astype(np.float16),
        firsts=lists.firsts,
    )
    return lists


def together(parts: Sequence[Lists]) -> Lists:
    """All questions in one; people of different histories stay apart."""
    return Lists(
        np.concatenate([part.matrix for part in parts]),
        _behind([part.starts for part in parts], [len(part.truth) for part in parts]),
        np.concatenate([part.truth for part in parts]),
        _behind([part.people for part in parts], [int(part.people.max()) + 1 for part in parts]),
        Precedents(
            np.concatenate([part.precedents.rows for part in parts]),
            np.concatenate([part.precedents.measures for part in parts]),
        ),
        _behind([part.firsts for part in parts], [len(part.precedents.rows) for part in parts]),
    )


def _behind(numbers: Sequence[Ints], sizes: Sequence[int]) -> Ints:
    """Numbers of several parts, each counted on from where the part before ended."""
    begins = np.cumsum([0, *sizes[:-1]])
    return np.concatenate([part + begin for part, begin in zip(numbers, begins, strict=True)])


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
    rare = np.concatenate([rarity(part) for part in parts])
    learned = Learned(
        forests=(grow(lists, GROWTH), grow(lists, GROWTH, weights=rare)),
        networks=tuple(_networks(lists, rare)),
    )
    write_learned(learned, given.out / f"{given.mode.value}.safetensors", given.mode, {})
    print(f"{len(lists.starts)} questions; {time.process_time() - begun_s:.0f} CPU s")


def _networks(lists: Lists, rare: Floats) -> Iterator[Network]:
    shape = Shape(measures=lists.matrix.shape[1])
    for seed, weights in enumerate((None, rare)):
        yield trained(shape, lists, replace(COURSE, seed=seed), weights)
        print(f"a network of {len(lists.starts)} questions", flush=True)


if __name__ == "__main__":
    main()
