from pathlib import Path

import numpy as np
import pytest
import torch

from engines.planning.learning.decisions import COUNT, MAY_WAIT
from engines.planning.learning.features import WIDTH, Singles
from engines.planning.learning.network import Scorer
from engines.planning.learning.scorer import (
    HIDDEN,
    SHIPPED,
    NoPolicy,
    Weights,
    base_weights,
    load,
    save,
    score,
)
from engines.planning.learning.tensors import write_tensors


def random_weights(seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)
    return Weights(*(rng.standard_normal(w.shape).astype(np.float32) for w in base_weights()))


def scores_of(weights: Weights, rows: Singles, count: int, *, may_wait: bool) -> Singles:
    marks = np.zeros(5, np.int64)
    marks[COUNT], marks[MAY_WAIT] = count, may_wait
    hidden = np.zeros((len(rows) + 1, HIDDEN), np.float32)
    scores = np.zeros(len(rows), np.float32)
    return scores[: score(weights, marks, rows, hidden, scores)]


def test_the_compiled_scorer_says_what_torch_says() -> None:
    rows = np.random.default_rng(1).standard_normal((9, WIDTH)).astype(np.float32)
    for count, may_wait in ((8, True), (8, False), (1, True), (3, True)):
        found = scores_of(random_weights(), rows, count, may_wait=may_wait)
        there = torch.arange(9).unsqueeze(0) < count + may_wait
        expected = Scorer(random_weights())(torch.tensor(rows).unsqueeze(0), there)[0].detach()
        assert len(found) == count + may_wait
        np.testing.assert_allclose(found, expected.numpy()[: len(found)], rtol=1e-4, atol=1e-4)


def test_scores_do_not_depend_on_the_candidates_order() -> None:
    rows = np.random.default_rng(2).standard_normal((6, WIDTH)).astype(np.float32)
    order = np.random.default_rng(3).permutation(6)
    straight = scores_of(random_weights(), rows, 6, may_wait=False)
    shuffled = scores_of(random_weights(), rows[order].copy(), 6, may_wait=False)
    np.testing.assert_allclose(straight[order], shuffled, rtol=1e-3, atol=1e-4)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "policy.safetensors"
    save(random_weights(), path, {"seed": "7"})
    for one, other in zip(load(path), random_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_that_is_no_policy_says_so(tmp_path: Path) -> None:
    missing, text, others = (tmp_path / name for name in ("missing", "text", "others"))
    text.write_text("no tensors")
    write_tensors({"first": np.zeros(3, np.float32)}, others)
    for path in (missing, text, others):
        with pytest.raises(NoPolicy, match=path.name):
            load(path)


def test_the_shipped_policy_loads_and_is_small() -> None:
    assert SHIPPED.stat().st_size < 2_000_000
    assert load().linear.shape == (WIDTH,)
