"""Counters that are read back know what counting again would find, to the last bit."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.matching.checkpoint import MOST_LATER, kept_evidence, save_evidence
from engines.matching.protocol import query_of
from engines.matching.ranking.learner import Learner
from engines.matching.ranking.weights import read_arrays, write_arrays
from engines.matching.state.evidence import Evidence
from engines.matching.types import Merged, Mode, Move, Signature, Touch
from tests.engines.matching.histories import task

_PEOPLE = tuple(
    Signature(name, address)
    for name, address in (
        ("Ann Lee", "ann@home"),
        ("ann", "ann@work"),
        ("Bob Moe", "bob@x"),
        ("bobm", "bobm@users.noreply.github.com"),
        ("Cyd Noe", "cyd@x"),
        ("bot[bot]", "bot@x"),
    )
)


def _told(count: int, seed: int) -> list[Merged]:
    """Tasks with reviews, co-authors, bots, renames and people who turn out to be one, late."""
    rng = np.random.default_rng(seed)
    paths = [f"d{number % 3}/f{number}.py" for number in range(9)]
    found: list[Merged] = []
    for number in range(count):
        who = int(rng.integers(len(_PEOPLE)))
        author = _PEOPLE[who]
        if rng.random() < 0.02:
            author = Signature("Ann Lee", "ann@work")
        touches = [Touch(paths[int(one)], None, 2, 1) for one in rng.choice(9, 3, replace=False)]
        if rng.random() < 0.2:
            was, paths[number % 9] = paths[number % 9], f"d{number % 4}/g{number}.py"
            touches.append(Touch(paths[number % 9], was, 1))
        one = task(author, number * 30_000, text=f"Mend the {('door', 'lock', 'key')[who % 3]}")
        found.append(
            replace(
                one,
                touches=tuple(touches),
                others=(_PEOPLE[(who + 2) % 5],),
                reviewers=(_PEOPLE[(who + 3) % 5],) if rng.random() < 0.5 else (),
                by_bot=who == len(_PEOPLE) - 1,
                branch_of="bobm" if who == 2 else "",
                moved=(Move(f"d0/f{number}.py", "d0/x.py"),) if rng.random() < 0.05 else (),
            )
        )
    return found


def _learner(tasks: Sequence[Merged], evidence: Evidence | None = None) -> Learner:
    learner = Learner(Mode.AUTHOR, lessons_from=len(tasks) + 1)
    if evidence is not None:
        learner.go_on(evidence, 0)
    for one in tasks[learner.evidence.observed :]:
        learner.observe(one)
    return learner


def _is_alike(one: Learner, other: Learner, asked: Sequence[Merged]) -> bool:
    """Whether two find the same measures, to the bit, and know the same people."""
    for mode in Mode:
        for each in asked:
            query = query_of(each, mode)
            first, second = one.measure(query), other.measure(query)
            assert len(first.candidates)
            assert first.candidates.tolist() == second.candidates.tolist()
            assert first.shown.matrix.tobytes() == second.shown.matrix.tobytes()
            for mine, theirs in zip(first.shown.precedents, second.shown.precedents, strict=True):
                assert mine.tobytes() == theirs.tobytes()
    return one.evidence.people.as_json() == other.evidence.people.as_json()


@pytest.mark.parametrize("seed", [1, 2])
def test_counters_that_were_kept_go_on_as_if_all_had_been_counted_again(
    tmp_path: Path, seed: int
) -> None:
    tasks, file = _told(260, seed), tmp_path / "counters"
    counted = _learner(tasks)
    for known in (1, 150, 260):
        save_evidence(_learner(tasks[:known]).evidence, tasks[:known], tmp_path / str(known))
        again = kept_evidence(tmp_path / str(known), tasks)
        assert again is not None
        assert again.observed == known
        again.kept = 0
        save_evidence(again, tasks[:known], file)
        twice = kept_evidence(file, tasks)
        assert _is_alike(counted, _learner(tasks, twice), tasks[-6:])


def test_a_file_that_is_not_of_these_tasks_is_none(tmp_path: Path) -> None:
    tasks, file = _told(40, 1), tmp_path / "counters"
    assert kept_evidence(file, tasks) is None
    save_evidence(_learner(tasks).evidence, tasks, file)
    assert kept_evidence(file, tasks) is not None
    assert kept_evidence(file, tasks[:39]) is None
    assert kept_evidence(file, [*tasks[:39], replace(tasks[39], sha="another")]) is None
    assert kept_evidence(file, [replace(tasks[0], commits=9), *tasks[1:]]) is None


def test_a_broken_file_is_none(tmp_path: Path) -> None:
    tasks, file = _told(40, 1), tmp_path / "counters"
    save_evidence(_learner(tasks).evidence, tasks, file)
    whole = file.read_bytes()
    arrays, facts = read_arrays(file)
    for broken in (b"", whole[: len(whole) // 2], whole[:-9] + b"012345678"):
        file.write_bytes(broken)
        assert kept_evidence(file, tasks) is None
    write_arrays(arrays, {**facts, "format": "of another version"}, file)
    assert kept_evidence(file, tasks) is None
    file.write_bytes(whole)
    assert kept_evidence(file, tasks) is not None


def test_counters_are_written_again_once_much_has_come(tmp_path: Path) -> None:
    tasks, file = _told(MOST_LATER + 12, 1), tmp_path / "counters"
    learner = _learner(tasks[:10])
    save_evidence(learner.evidence, tasks[:10], file)
    for count, kept in ((MOST_LATER + 10, 10), (MOST_LATER + 11, MOST_LATER + 11)):
        for one in tasks[learner.evidence.observed : count]:
            learner.observe(one)
        save_evidence(learner.evidence, tasks[:count], file)
        again = kept_evidence(file, tasks)
        assert again is not None
        assert again.observed == kept


def test_another_process_reads_what_one_has_kept(tmp_path: Path) -> None:
    tasks = _told(40, seed=9)
    evidence = Evidence()
    for one in tasks:
        evidence.observe(one)
    save_evidence(evidence, tasks, tmp_path / "counters")
    _, facts = read_arrays(tmp_path / "counters")
    code = "from engines.matching import checkpoint; print(checkpoint.format_of_counters())"
    for seed in ("1", "2"):  # sets of texts have another order in every process
        told = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == facts["format"]
