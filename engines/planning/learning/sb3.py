"""stable-baselines3 and sb3-contrib, typed: the one place that knows them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# Both are typed in part.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import SAC
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn
from typing_extensions import override

from engines.planning.learning.environment import Dispatch
from engines.planning.learning.features import WIDTH
from engines.planning.learning.network import Scorer
from engines.planning.learning.scorer import Weights, base_weights
from engines.planning.learning.tensors import Tensors

VALUE_HIDDEN = 64


@dataclass(frozen=True)
class Practice:
    """How the scorer practises."""

    rate: float = 3e-4
    workers: int = 16
    """Executions side by side."""
    steps: int = 128
    """Decisions of each between two updates."""
    batch: int = 512
    epochs: int = 3
    smoothing: float = 0.97
    """Lambda of the generalised advantage estimate."""
    entropy: float = 1e-3
    closeness: float = 0.02
    """The mean divergence from the last policy that ends an update."""


class _ScoresAndValue(nn.Module):
    """What sb3 calls the extractor: the scores are logits already, the critic sees the mean row."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.scorer = Scorer(weights)
        self.critic = nn.Sequential(nn.Linear(2 * WIDTH, VALUE_HIDDEN), nn.Tanh())
        self.latent_dim_pi, self.latent_dim_vf = 1, VALUE_HIDDEN

    @override
    def forward(self, flat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.forward_actor(flat), self.forward_critic(flat)

    def forward_actor(self, flat: torch.Tensor) -> torch.Tensor:
        rows = flat.view(len(flat), -1, WIDTH)
        return self.scorer(rows, rows[:, :, 0] > 0)

    def forward_critic(self, flat: torch.Tensor) -> torch.Tensor:
        rows = flat.view(len(flat), -1, WIDTH)
        there = (rows[:, :, :1] > 0).to(rows.dtype)
        mean = (rows * there).sum(1) / there.sum(1).clamp(min=1.0)
        return self.critic(torch.cat([mean, rows.amax(1)], 1))


class _ScorerPolicy(MaskableActorCriticPolicy):
    """The actor is the scorer itself."""

    @override
    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor: Any = _ScoresAndValue(base_weights())

    @override
    def _build(self, lr_schedule: Any) -> None:
        self.ortho_init = False
        super()._build(lr_schedule)
        self.action_net = nn.Identity()
        made: Any = self.optimizer_class
        kwargs: Any = self.optimizer_kwargs
        self.optimizer = made(self.parameters(), lr=lr_schedule(1), **kwargs)


class Practising:
    """A scorer in training by MaskablePPO."""

    def __init__(
        self, environment: Callable[[], Dispatch], weights: Weights, how: Practice, seed: int
    ) -> None:
        """Begins with `weights`; the environments are seeded by `seed` and their number."""
        torch.set_num_threads(1)
        workers: Any = DummyVecEnv([environment for _ in range(how.workers)])
        self._model = MaskablePPO(
            _ScorerPolicy,
            workers,
            learning_rate=how.rate,
            n_steps=how.steps,
            batch_size=how.batch,
            n_epochs=how.epochs,
            gamma=1.0,
            gae_lambda=how.smoothing,
            ent_coef=how.entropy,
            target_kl=how.closeness,
            seed=seed,
            device="cpu",
        )
        policy: Any = self._model.policy
        self._policy = policy
        policy.mlp_extractor.scorer.load_state_dict(Scorer(weights).state_dict())

    def learn(self, steps: int) -> None:
        """Practise for so many decisions, rounded up to whole updates."""
        self._model.learn(steps)

    def weights(self) -> Weights:
        """The scorer now."""
        return self._policy.mlp_extractor.scorer.weights()

    def tensors(self) -> Tensors:
        """Everything that is needed to go on: weights, critic and the optimizer's averages."""
        out = {f"policy.{k}": v.numpy() for k, v in self._policy.state_dict().items()}
        for number, state in self._policy.optimizer.state_dict()["state"].items():
            for name, value in state.items():
                out[f"optimizer.{number}.{name}"] = value.numpy()
        return {name: np.array(value, np.float32) for name, value in out.items()}

    def restore(self, tensors: Tensors) -> None:
        """Go on from what `tensors` gave."""
        state = {
            name.removeprefix("policy."): torch.from_numpy(value)
            for name, value in tensors.items()
            if name.startswith("policy.")
        }
        self._policy.load_state_dict(state)
        optimizer: Any = self._policy.optimizer
        saved = optimizer.state_dict()
        for name, value in tensors.items():
            kind, *rest = name.split(".")
            if kind == "optimizer":
                entry = saved["state"].setdefault(int(rest[0]), {})
                entry[rest[1]] = torch.from_numpy(value)
        optimizer.load_state_dict(saved)


@dataclass(frozen=True)
class Best:
    """The best action that was tried, and the reward's course."""

    action: NDArray[np.float64]
    reward: float
    course: Sequence[float]
    """The best reward after each call."""


class _OneStep(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """A bandit: one action, one reward, over."""

    def __init__(self, size: int, reward: Callable[[NDArray[np.float64]], float]) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (size,), np.float32)
        self._reward = reward
        self.best = np.zeros(size)
        self.course: list[float] = []

    @override
    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed, options=options)
        return np.ones(1, np.float32), {}

    @override
    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        tried = np.asarray(action, np.float64)
        reward = self._reward(tried)
        if not self.course or reward > self.course[-1]:
            self.best = tried
        self.course.append(max(reward, self.course[-1] if self.course else reward))
        return np.ones(1, np.float32), reward, True, False, {}


def soft_actor_critic(
    size: int, reward: Callable[[NDArray[np.float64]], float], calls: int, seed: int
) -> Best:
    """SAC on a one-step bandit with actions in [-1, 1]^size, `calls` rewards long."""
    torch.set_num_threads(1)
    bandit = _OneStep(size, reward)
    model = SAC(
        "MlpPolicy",
        bandit,
        learning_rate=1e-3,
        buffer_size=max(calls, 1),
        learning_starts=min(100, calls // 4),
        batch_size=64,
        gamma=0.0,
        ent_coef="auto_0.1",
        policy_kwargs={"net_arch": [64, 64]},
        seed=seed,
        device="cpu",
    )
    model.learn(calls)
    return Best(bandit.best, bandit.course[-1], tuple(bandit.course))
