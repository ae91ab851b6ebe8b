"""The benchmark's command, and how it looks for leaks."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.matching.assignment.load import Fairness
from engines.matching.mining.history import read_history
from engines.matching.protocol import Row
from tests.benchmarks.matching.__main__ import main
from tests.benchmarks.matching.ours import cut, load

START_S = 1_600_000_000


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A hundred tasks of two people, each with a file of their own."""
    stream: list[str] = []
    for number in range(100):
        name = "ab"[number % 2]
        text = f"line {number}\n"
        stream += [
            "commit refs/heads/main",
            f"committer {name} <{name}@x> {START_S + 1000 * number} +0000",
            "data 4\nmend",
            f"M 100644 inline {name}.py\ndata {len(text)}\n{text}",
        ]
    folder = tmp_path / "project"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    subprocess.run(
        ["git", "-C", str(folder), "fast-import", "--quiet"],
        input="\n".join(stream).encode(),
        check=True,
    )
    return folder


def test_heuristics_are_measured_on_any_git_directory(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    given = ["--repo", str(repository), "--repo", str(repository), "--json", str(out)]
    assert main([*given, "--measure", "heuristics"]) == 0
    told = capsys.readouterr().out
    assert "project, looking for authors: 100 tasks; 15 asked about, 15 of them covered" in told
    assert "| file owner | 1.000 | 0.000 | 1.000 |" in told
    assert "Mean over 2 repositories" in told
    found = json.loads(out.read_text())[0]
    assert found["rows"]["file owner"][0]["truth"] == "b@x"


def test_a_history_without_questions_is_said(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = read_history(repository).tasks[0]
    cut(repository, first.sha, tmp_path / "short")
    given = ["--repo", str(tmp_path / "short"), "--measure", "heuristics"]
    assert main([*given, "--mode", "reviewer"]) == 2
    assert "no task that could be asked about" in capsys.readouterr().out


def test_a_clone_that_is_cut_holds_the_past_and_nothing_else(
    repository: Path, tmp_path: Path
) -> None:
    history = read_history(repository)
    folder = tmp_path / "cut"
    cut(repository, history.tasks[59].sha, folder)
    assert read_history(folder).tasks == history.tasks[:60]
    objects = subprocess.run(
        ["git", "-C", str(folder), "cat-file", "--batch-all-objects", "--batch-check"],
        capture_output=True,
        check=True,
    ).stdout.splitlines()
    assert len(objects) == 3 * 60  # a commit, a tree and a file each


def test_load_is_spread_and_what_that_costs_is_counted() -> None:
    rng = np.random.default_rng(3)
    rows: list[Row] = []
    for _ in range(400):
        scores = rng.dirichlet([3.0, 2.5, 2.0, 1.0, 1.0, 1.0, 1.0])
        truth = "abcdefg"[int(rng.choice(7, p=scores))]
        ranking = sorted(zip("abcdefg", scores.tolist(), strict=True), key=lambda pair: -pair[1])
        row = Row("s", START_S, 1, "h", (), "", "", (truth,), tuple(ranking), True, True)  # noqa: FBT003
        rows.append(replace(row, confidence=ranking[0][1]))
    found = load(rows, Fairness(relief=0.2, budget=0.2, enough=0.4))
    assert 0.1 < found.likeliest_share - found.priced_share < 0.3
    assert -0.05 < found.likeliest_top1 - found.priced_top1 < 0.15
    assert load([replace(row, covered=False) for row in rows[:10]]).likeliest_top1 == 0.0
