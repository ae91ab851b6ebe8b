"""Search by words, by meaning, and both."""

import math
import subprocess
import sys

import numpy as np
import pytest

from engines.text.bm25 import WordIndex
from engines.text.duplicates import are_alike
from engines.text.fusion import best, reciprocal_rank_fusion
from engines.text.index import TextIndex


def test_scores_are_those_of_bm25() -> None:
    documents = [["a", "b"], ["a", "a", "c", "c"], ["d"]]
    mean = 7 / 3

    def expected(count: int, length: int, holding: int) -> float:
        idf = math.log(1 + (3 - holding + 0.5) / (holding + 0.5))
        return idf * count / (count + 2.5 * (1 - 0.9 + 0.9 * length / mean))

    scores = WordIndex(documents).scores(["a", "c", "unknown"])
    both = expected(2, 4, 2) + expected(2, 4, 1)
    assert scores == pytest.approx([expected(1, 2, 2), both, 0], rel=1e-5)


@pytest.mark.parametrize("documents", [[], [[]], [[], ["a"]]])
def test_nothing_to_find_is_no_error(documents: list[list[str]]) -> None:
    index = WordIndex(documents)
    assert index.scores([]).tolist() == [0.0] * len(documents)
    assert index.scores(["b"]).tolist() == [0.0] * len(documents)


def test_the_first_of_all_rankings_has_score_one() -> None:
    fused = reciprocal_rank_fusion([[(3, 0), (1, 1)], [(3, 0), (2, 0)]])
    assert fused == pytest.approx({3: 1.0, 1: 10 / 11 / 2, 2: 0.5})


def test_the_best_come_first_and_equals_in_their_order() -> None:
    scores = np.asarray([0.5, 2, 0, 0.5, 2], np.float32)
    assert best(scores, 3, 0.0) == [(1, 0), (4, 0), (0, 2)]
    assert best(scores, 9, 0.0) == [(1, 0), (4, 0), (0, 2), (3, 2)]


def test_words_and_meaning_find_together() -> None:
    vectors = np.eye(2, dtype=np.float32)
    index = TextIndex([["a"], ["b"], ["c"], ["a", "d"]], vectors, owners=[1, 3])
    found = index.search(["a"], vectors[1])
    assert [one.document for one in found] == [3, 0]
    assert found[0].similarity == 1.0
    assert found[1].similarity is None
    assert [one.document for one in index.search(["a"], None)] == [0, 3]
    among = np.asarray([True, True, True, False])
    assert [one.document for one in index.search(["a"], vectors[1], among)] == [0]
    assert TextIndex([], np.zeros((0, 0), np.float32), []).search(["a"], vectors[0]) == []


def test_nearly_the_same_words_are_alike() -> None:
    ten = frozenset("abcdefghij")
    assert are_alike(ten, ten - {"a"})
    assert not are_alike(ten, ten - {"a", "b"})
    assert not are_alike(frozenset(), frozenset())


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    modules = "engines.text.embedding, engines.text.index, jobs.code_search"
    code = f"import sys, {modules}; print({{'torch', 'transformers'}} & set(sys.modules))"
    run = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
