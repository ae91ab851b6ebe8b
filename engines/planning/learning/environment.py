"""Dispatch under uncertain durations as a gymnasium environment.

An action is a candidate's index: a (task, person) pair to start now, or, behind the last of them,
waiting for the next event. The reward is the fall of the expected end, a lower bound of it that
ends as the true makespan (potential-based shaping, Ng, Harada and Russell 1999; gamma is 1), in
shares of the project's bound. At the end it is set off against the base policy's makespan on the
same durations, which no action changes: a return is the share of the bound that was saved.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from typing_extensions import override

from engines.planning.arrays import Floats
from engines.planning.execution.dispatch import makespans_of
from engines.planning.execution.events import LAST
from engines.planning.learning.case import BOUND, Case
from engines.planning.learning.decisions import (
    COUNT,
    EXPECTED_END,
    MAY_WAIT,
    Singles,
    act,
    new_desk,
    open_up,
)
from engines.planning.learning.features import FAR, WIDTH, observe
from engines.planning.learning.lookahead import (
    Foresight,
    foresee,
    new_futures,
    seed_samples,
)

TRAINED = Foresight(5)
"""Few futures: each decision pays for them."""
MOST_TRAINED = 24
"""Candidates in training, without waiting: a wider observation is mostly empty."""


class Episode(NamedTuple):
    """A case and the true durations `[n]` of one execution of it."""

    case: Case
    durations: Floats


class Dispatch(gymnasium.Env[Singles, int]):
    """One execution after the other; observations are `[MOST_TRAINED + 1, WIDTH]`.

    A row's first feature is 1 for a candidate; other rows are zero and masked.
    """

    def __init__(
        self, draw: Callable[[np.random.Generator], Episode], foresight: Foresight = TRAINED
    ) -> None:
        """`draw` gives the next episode; its seed is `foresight`'s too."""
        self.foresight = foresight
        shape = (MOST_TRAINED + 1, WIDTH)
        self.observation_space = spaces.Box(-100.0 * FAR, 100.0 * FAR, shape, np.float32)
        self.action_space: Any = spaces.Discrete(MOST_TRAINED + 1)
        self._draw = draw
        self._rng: np.random.Generator = np.random.default_rng(0)

    @override
    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Singles, dict[str, Any]]:
        """Begin an execution; a seed makes this and all that follow reproducible."""
        super().reset(seed=seed, options=options)
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        is_open = False
        while not is_open:
            self.case, self.durations = self._draw(self._rng)
            self.desk = new_desk(self.case, WIDTH, MOST_TRAINED)
            self.room = new_futures(self.case, self.foresight.futures, self.foresight.limit)
            seed_samples(int(self._rng.random() * 2**31))
            is_open = open_up(self.case, self.desk, self.durations)
        once = self.durations[None]
        self.anchor = float(makespans_of(self.case.facts, self.case.steering, once)[0])
        return self._look(), {}

    @override
    def step(self, action: int) -> tuple[Singles, float, bool, bool, dict[str, Any]]:
        """Start the candidate, or wait."""
        bound = float(self.case.size[BOUND])
        before = float(self.desk.outlook[EXPECTED_END])
        is_open = act(self.case, self.desk, int(action), self.durations)
        if is_open:
            rows = self._look()
            return rows, (before - float(self.desk.outlook[EXPECTED_END])) / bound, False, False, {}
        makespan = float(self.desk.state.clock[LAST])
        reward = (before - makespan + self.anchor - bound) / bound
        nothing = np.zeros_like(self.desk.rows)
        return nothing, reward, True, False, {"makespan": makespan, "anchor": self.anchor}

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are open."""
        marks = self.desk.marks
        return np.arange(MOST_TRAINED + 1) < marks[COUNT] + marks[MAY_WAIT]

    def _look(self) -> Singles:
        observe(self.case, self.desk)
        foresee(self.case, self.desk, self.durations, self.room)
        marks = self.desk.marks
        rows = self.desk.rows.copy()
        rows[marks[COUNT] + marks[MAY_WAIT] :] = 0.0
        return rows
