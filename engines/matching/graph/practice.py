"""How a network learns: questions to snapshots, a listwise loss, steps of Adam."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from engines.matching.graph.asked import Asked
from engines.matching.graph.layers import Graph, graph_of
from engines.matching.graph.network import Encoded, Network
from engines.matching.graph.settings import GraphConfig
from engines.matching.graph.snapshot import Snapshot
from engines.matching.graph.sparse import Floats

_OUT = -1e9
_LONGEST_GRADIENT = 1.0


@dataclass
class Block:
    """A snapshot, and the tasks that were begun while it was the newest."""

    snapshot: Snapshot
    able: frozenset[int]
    """Rows of those who had done enough to be candidates."""
    graph: Graph
    slots: Tensor
    """(developers,) Where each candidate is told from the others."""
    asked: Asked
    truth: list[Sequence[int]] = field(default_factory=list[Sequence[int]])
    """Rows of the right people of each task."""
    authors: list[int | None] = field(default_factory=list[int | None])
    """Row of each task's author, where a reviewer is looked for."""

    def add(
        self, files: Sequence[str], text: str, truth: Sequence[int], author: int | None
    ) -> None:
        """A task whose people are known by now."""
        self.asked.add(files, text, author)
        self.truth.append(truth)
        self.authors.append(author)


def block_of(found: Snapshot, able: Iterable[int], config: GraphConfig) -> Block:
    """A snapshot that nobody has asked yet."""
    rows = sorted(able)
    slots = np.full(len(found.people), config.slots, np.int64)
    slots[rows[: config.slots]] = np.arange(len(rows[: config.slots]))
    return Block(found, frozenset(rows), graph_of(found), torch.from_numpy(slots), Asked(found))


class Learner:
    """A network in training, and the moving average of its weights, which is what answers.

    Averaging (Polyak and Juditsky 1992) evens out that each step sees some two dozen questions.
    """

    def __init__(self, config: GraphConfig) -> None:
        """Has learned nothing."""
        torch.set_num_threads(1)
        self._config = config
        self._network = Network(config)
        self._average = Network(config)
        # Listed once: looking for them costs a fifth of a step.
        self._now = list(self._network.parameters())
        self._mean = list(self._average.parameters())
        self._optimizer = torch.optim.Adam(self._now, config.rate)

    def learn(self, blocks: Sequence[Block], rng: np.random.Generator) -> None:
        """Some steps on blocks that hold tasks: first the newest one, then any."""
        drawn: list[int] = rng.integers(len(blocks), size=self._config.steps - 1).tolist()
        for block in (blocks[-1], *(blocks[number] for number in drawn)):
            self._optimizer.zero_grad()
            loss = listwise_loss(self._network(block.graph, block.slots, block.asked), block)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self._now, _LONGEST_GRADIENT)
            self._optimizer.step()
            self._follow()

    def encoded(self, block: Block) -> Encoded:
        """What is the same for all tasks that are asked about now."""
        with torch.no_grad():
            return self._average.encode(block.graph, block.slots)

    def logits(self, encoded: Encoded, asked: Asked) -> Floats:
        """(tasks, developers)"""
        with torch.no_grad():
            return self._average.score(encoded, asked).numpy()

    def tensors(self) -> dict[str, Tensor]:
        """All that is needed to go on: weights, their average, and the optimizer's moments."""
        found = {f"network.{name}": rows for name, rows in self._network.state_dict().items()}
        found |= {f"average.{name}": rows for name, rows in self._average.state_dict().items()}
        for number, moments in self._optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{number}.{name}": rows for name, rows in moments.items()}
        return {name: rows.detach().clone() for name, rows in found.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        self._network.load_state_dict(_below("network.", tensors))
        self._average.load_state_dict(_below("average.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for path, rows in _below("optimizer.", tensors).items():
            number, _, name = path.partition(".")
            state.setdefault(int(number), {})[name] = rows
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})

    def _follow(self) -> None:
        with torch.no_grad():
            for mean, now in zip(self._mean, self._now, strict=True):
                mean.lerp_(now, self._config.inertia)


def listwise_loss(logits: Tensor, block: Block) -> Tensor:
    """The cross entropy over the candidates of each task (ListNet's top one, Cao et al. 2007).

    Args:
        logits: (tasks, developers)
        block: Where the tasks were asked; several right people share a task's belief.
    """
    able = torch.zeros(logits.shape, dtype=torch.bool)
    able[:, sorted(block.able)] = True
    for task, author in enumerate(block.authors):
        if author is not None:
            able[task, author] = False
    right = torch.zeros_like(logits)
    for task, rows in enumerate(block.truth):
        right[task, list(rows)] = 1.0 / len(rows)
    return -(right * logits.masked_fill(~able, _OUT).log_softmax(1)).sum(1).mean()


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {name: rows for name, rows in tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): rows for name, rows in found.items()}
