"""Tasks that are new to a graph: how they hang on it."""

from collections.abc import Sequence

import numpy as np

from engines.matching.graph.ledger import MOST_FILES
from engines.matching.graph.snapshot import (
    COMPONENT,
    DEVELOPER,
    DIRECTORY,
    FILE,
    SKILL,
    TASK,
    Relation,
    Snapshot,
)
from engines.matching.graph.sparse import Edges, Floats
from engines.matching.graph.words import folders_of, skills_of

ASKED: tuple[Relation, ...] = (
    (FILE, "of", TASK),
    (DIRECTORY, "of", TASK),
    (COMPONENT, "of", TASK),
    (SKILL, "of", TASK),
    (DEVELOPER, "authored", TASK),
)
"""Nothing hangs on a new task, so that it changes nobody's state."""


class Asked:
    """New tasks, numbered in the order in which they are added."""

    def __init__(self, found: Snapshot) -> None:
        """None yet."""
        self._snapshot = found
        self._features: list[tuple[float, float]] = []
        self._links: dict[Relation, list[tuple[int, int, float]]] = {way: [] for way in ASKED}

    def __len__(self) -> int:
        """Tasks so far."""
        return len(self._features)

    def add(self, files: Sequence[str], text: str, author: int | None = None) -> None:
        """A task; `author` is the row of who wrote it, where a reviewer is looked for."""
        found, number = self._snapshot, len(self)
        self._features.append((0.0, float(np.log1p(len(files)))))
        skills = [found.skills[name] for name in skills_of(files, text) if name in found.skills]
        self._link(SKILL, {row: float(found.rarity[row]) for row in skills}, number)
        files = files[:MOST_FILES]
        self._link(FILE, {found.files[path]: 1.0 for path in files if path in found.files}, number)
        self._link(DIRECTORY, self._directories(files), number)
        self._link(COMPONENT, self._components(files), number)
        if author is not None:
            self._links[DEVELOPER, "authored", TASK].append((author, number, 1.0))

    def features(self) -> Floats:
        """(tasks, FEATURES[TASK])"""
        return np.array(self._features, np.float32).reshape(-1, 2)

    def edges(self) -> dict[Relation, Edges]:
        """Of each of `ASKED`, also where there are none."""
        return {way: _edges(links) for way, links in self._links.items()}

    def _link(self, kind: str, weights: dict[int, float], number: int) -> None:
        links = self._links[kind, "of", TASK]
        links.extend((row, number, weight) for row, weight in weights.items())

    def _directories(self, files: Sequence[str]) -> dict[int, float]:
        """Those above the files; half as much for each step up."""
        rows: dict[int, float] = {}
        for path in files:
            for step, folder in enumerate(folders_of(path)):
                row = self._snapshot.directories.get(folder)
                if row is not None:
                    rows[row] = rows.get(row, 0.0) + 0.5**step
        return rows

    def _components(self, files: Sequence[str]) -> dict[int, float]:
        rows: dict[int, float] = {}
        for path in files:
            names = (*folders_of(path), "")
            known = (self._snapshot.components[n] for n in names if n in self._snapshot.components)
            row = next(known, None)
            if row is not None:
                rows[row] = rows.get(row, 0.0) + 1.0
        return rows


def _edges(links: list[tuple[int, int, float]]) -> Edges:
    table = np.array(links, np.float64).reshape(-1, 3)
    weights = np.repeat(table[:, 2:].astype(np.float32), 3, axis=1)
    return Edges(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), weights)
