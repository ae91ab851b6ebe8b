"""Learning, proved on a project whose right order is known, and runs that go on where they ended."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engines.planning.execution.scenarios import draw
from engines.planning.learning.case import case_of
from engines.planning.learning.cloning import Cloning, clone
from engines.planning.learning.environment import Dispatch, Episode
from engines.planning.learning.features import IS_BASE
from engines.planning.learning.sb3 import Practice, Practising
from engines.planning.learning.scorer import Weights, base_weights, load
from engines.planning.learning.simulation import makespans
from engines.planning.learning.teaching import Lesson, new_tape, teach
from engines.planning.learning.training import Training, train
from engines.planning.types import CannotPlan
from tests.engines.planning.learning.projects import blocking_first, fork

NETWORK = fork()
CASE = case_of(NETWORK, blocking_first(NETWORK), 0.1)
DURATIONS = draw(NETWORK, 0.1, 40, 1)


def open_minded() -> Weights:
    """Weights that do not read futures, and are drawn to the base's choice, the wrong one here."""
    weights = base_weights()
    weights.linear[:] = 0.0
    weights.linear[IS_BASE] = 0.5
    return weights


def ratio(weights: Weights) -> float:
    return float(makespans(CASE, weights, DURATIONS).mean() / 13.0)


def test_the_base_has_the_wrong_order() -> None:
    assert ratio(open_minded()) > 0.9


def test_cloning_learns_the_right_order_from_rollouts() -> None:
    tape = new_tape(1000)
    teach(CASE, DURATIONS, Lesson(futures=8, explore=0.3), tape, 1)
    *_, (weights, regret) = clone(open_minded(), tape, Cloning(epochs=60, batch=32), 1)
    assert regret < 0
    assert ratio(weights) < 0.6


def test_practice_learns_the_right_order_from_rewards() -> None:
    how = Practice(rate=5e-3, workers=4, steps=32, batch=64, entropy=0.0, closeness=0.2)

    def environment() -> Dispatch:
        return Dispatch(
            lambda rng: Episode(CASE, draw(NETWORK, 0.1, 1, int(rng.integers(1000)))[0])
        )

    practising = Practising(environment, open_minded(), how, seed=1)
    practising.learn(4 * 32 * 15)
    assert ratio(practising.weights()) < 0.6


def small(out: Path, steps: int) -> Training:
    return Training(
        out,
        steps,
        projects=2,
        held_back=2,
        scenarios=4,
        trials=20,
        chunk=128,
        lesson=Lesson(executions=1, futures=4, limit=4),
        cloning=Cloning(epochs=1),
        practice=Practice(workers=2, steps=64, batch=64, epochs=1),
    )


def test_a_run_that_goes_on_draws_the_curve_it_would_have_drawn(tmp_path: Path) -> None:
    said: list[str] = []
    straight = train(small(tmp_path / "straight", 256), said.append)
    train(small(tmp_path / "ended", 128), said.append)
    resumed = train(small(tmp_path / "ended", 256), said.append, resume=True)
    assert resumed == straight
    assert [point.practised for point in straight] == [0, 128, 256]
    assert (tmp_path / "straight" / "curve.png").stat().st_size > 0
    for name in ("policy.safetensors", "state.safetensors"):
        one, other = (tmp_path / run / name for run in ("straight", "ended"))
        if name == "policy.safetensors":
            for a, b in zip(load(one), load(other), strict=True):
                np.testing.assert_array_equal(a, b)
    assert any("held back" in line for line in said)


def test_there_has_to_be_something_to_resume(tmp_path: Path) -> None:
    with pytest.raises(CannotPlan, match="nothing to resume"):
        train(small(tmp_path, 128), lambda _: None, resume=True)


def test_executing_by_the_scorer_needs_no_torch() -> None:
    code = (
        "import sys, engines.planning.learning.simulation, engines.planning.learning.prior, "
        "engines.planning.learning.bidding, engines.planning.learning.bandit; "
        "print([m for m in ('torch', 'stable_baselines3', 'gymnasium') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
