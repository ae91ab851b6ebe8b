"""A graph network that reads along with a history: it answers, then learns from what was merged.

Each block of tasks is answered with weights that come from earlier blocks alone, so that its scores
are out of fold whoever learns from them; and what is known after n tasks is a function of those n.
"""

import json
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.matching.graph.asked import Asked
from engines.matching.graph.ledger import Ledger
from engines.matching.graph.network import Encoded
from engines.matching.graph.practice import Block, Learner, block_of
from engines.matching.graph.settings import Encoder, GraphConfig
from engines.matching.graph.snapshot import snapshot
from engines.matching.graph.weights import NoWeights, read_weights, write_weights
from engines.matching.protocol import MOST_COMMITS, Who, query_of
from engines.matching.types import MERGED_BEFORE, Merged, Mode, Query

_LEAST = -12.0
"""Of a candidate against the best one; also that of who is not in the graph: idle for years."""
_FORMAT = 1


class GraphRanker:
    """Observes what is merged (`protocol.Observer`), and scores candidates in between."""

    def __init__(self, mode: Mode, config: GraphConfig) -> None:
        """Has seen nothing, and learns from what it will see."""
        self.mode = mode
        self._config = config
        self._ledger = Ledger()
        self._last = ""
        self._done: Counter[int] = Counter()
        self._learner = Learner(config)
        self._blocks: deque[tuple[int, Block]] = deque(maxlen=config.memory)
        """Each with the tasks that its snapshot holds."""
        self._next = config.block
        self._encoded: Encoded | None = None
        self._learned = 0
        self._skipped = 0

    @property
    def learned(self) -> int:
        """Tasks after which the weights last changed."""
        return self._learned

    def observe(self, task: Merged, who: Who) -> None:
        """The next task of the mainline."""
        self._remember(task, who)
        self._ledger.add(task, who)
        self._last = task.sha
        self._done.update(self._labels(who))
        size = len(self._ledger)
        if size < self._next:
            return
        self._next = _after(size, self._config.block)
        if size > self._learned:
            self._learn()
        if size >= self._skipped:
            self._begin_block()

    def join(self, kept: int, gone: int) -> None:
        """Two people turned out to be one; precedes the task that shows it."""
        self._ledger.join(kept, gone)
        self._done[kept] += self._done.pop(gone, 0)
        for _, block in self._blocks:
            people = block.snapshot.people
            people[people == gone] = kept

    def scores(
        self, query: Query, candidates: Sequence[int], author: int | None = None
    ) -> NDArray[np.float64]:
        """Log-probabilities that each of the candidates, and nobody else, is the one.

        Args:
            query: What is asked, at the time up to which was observed.
            candidates: Indices of people.
            author: Index of the task's author, where a reviewer is looked for.
        """
        if not self._blocks or not candidates:
            return np.full(len(candidates), -np.log(max(len(candidates), 1)))
        block = self._blocks[-1][1]
        if self._encoded is None:
            self._encoded = self._learner.encoded(block)
        rows = block.snapshot.rows()
        asked = Asked(block.snapshot)
        asked.add(query.files, query.text, None if author is None else rows.get(author))
        logits = self._learner.logits(self._encoded, asked)[0].astype(np.float64)
        known = np.array([rows.get(person, -1) for person in candidates])
        found = np.where(known >= 0, logits[known], -np.inf)
        found = np.maximum(found - found.max(), _LEAST) if (known >= 0).any() else 0.0 * known
        return found - np.log(np.exp(found).sum())

    def save(self, path: Path) -> None:
        """Keep what was learned, without the history that it was learned from."""
        about = {
            "format": _FORMAT,
            "mode": self.mode,
            "config": asdict(self._config),
            "learned": self._learned,
            "seen": [len(self._ledger), self._last],
        }
        write_weights(self._learner.tensors(), json.dumps(about), path)

    @classmethod
    def load(cls, path: Path, tasks: Sequence[Merged]) -> "GraphRanker":
        """The ranker that was saved, before it has seen anything: it is to observe the history's
        tasks again, which costs next to nothing where it has learned already.

        Raises:
            NoWeights: Nothing was saved, or it was learned from another history than these tasks.
        """
        tensors, text = read_weights(path)
        about = json.loads(text)
        if about.get("format") != _FORMAT:
            raise NoWeights(f"{path}: of another version")
        size, sha = int(about["seen"][0]), str(about["seen"][1])
        if size > len(tasks) or (size and tasks[size - 1].sha != sha):
            raise NoWeights(f"{path}: learned from another history")
        settings: dict[str, Any] = about["config"]
        settings["encoder"] = Encoder(settings["encoder"])
        config = GraphConfig(**settings)
        found = cls(Mode(about["mode"]), config)
        found._learner.restore(tensors)
        found._learned = about["learned"]
        found._skipped = _first_kept(found._learned, config)
        return found

    def _labels(self, who: Who) -> Sequence[int]:
        if self.mode is Mode.REVIEWER:
            return who.reviewers
        return () if who.author is None else (who.author,)

    def _remember(self, task: Merged, who: Who) -> None:
        """Keep a task as a question to the graph of the time at which it was begun."""
        if who.author is None or task.commits > MOST_COMMITS or not task.touches:
            return
        query = query_of(task, self.mode)
        known = bisect_left(self._ledger.merged_s, query.at_s)
        block = next((block for size, block in reversed(self._blocks) if size <= known), None)
        if block is None:
            return
        rows = block.snapshot.rows()
        author = rows.get(who.author) if self.mode is Mode.REVIEWER else None
        truth = {rows.get(person, -1) for person in self._labels(who)} & block.able - {author}
        if truth:
            block.add(query.files, query.text, sorted(truth), author)

    def _learn(self) -> None:
        blocks = [block for _, block in self._blocks if block.truth]
        if blocks:
            self._learner.learn(
                blocks, np.random.default_rng([self._config.seed, len(self._ledger)])
            )
            self._learned = len(self._ledger)

    def _begin_block(self) -> None:
        found = snapshot(self._ledger, self._config)
        rows = found.rows().items()
        able = [row for person, row in rows if self._done[person] >= MERGED_BEFORE]
        self._blocks.append((len(self._ledger), block_of(found, able, self._config)))
        self._encoded = None


def _after(size: int, block: int) -> int:
    """When the next block begins after one that began at `size` tasks."""
    return size + max(block, size // 100)


def _first_kept(learned: int, config: GraphConfig) -> int:
    """The oldest block that is still practised after the steps at `learned`."""
    kept = deque([0], config.memory + 1)
    size = config.block
    while size < learned:
        kept.append(size)
        size = _after(size, config.block)
    return kept[0]
