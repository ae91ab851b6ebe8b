"""Components of code and teams of people, found in what was done."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engines.matching.graph.words import folders_of

_LARGEST_SHARE = 0.2
"""Of all touches; a larger component falls into the directories below it."""
_MOST_COMPONENTS = 60
_SWEEPS = 10


def components_of(paths: Sequence[str], touches: NDArray[np.float64]) -> list[str]:
    """For each file the directory that is its component, "" for the root.

    The tree is split from the top, largest first, while a component has more than a fifth of all
    touches: `src/app` is one no component where all work is in it.
    """
    lines = [("", *reversed(folders_of(path))) for path in paths]
    depth = [0] * len(paths)
    members = {"": list(range(len(paths)))}
    sizes = {"": float(touches.sum())}
    total = sizes[""]
    whole: set[str] = set()
    """Components that no directory lies below."""
    while len(members) < _MOST_COMPONENTS:
        open_ones = [name for name in members if name not in whole]
        largest = max(open_ones, key=lambda name: sizes[name], default=None)
        if largest is None or sizes[largest] <= _LARGEST_SHARE * total:
            break
        files = members.pop(largest)
        below = [file for file in files if depth[file] + 1 < len(lines[file])]
        for file in below:
            depth[file] += 1
        whole.add(largest)
        for file in files:
            name = lines[file][depth[file]]
            members.setdefault(name, []).append(file)
        for name in {lines[file][depth[file]] for file in files}:
            sizes[name] = float(touches[members[name]].sum())
    return [line[at] for line, at in zip(lines, depth, strict=True)]


def teams_of(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """A team for each person: those who work in the same directories, by label propagation.

    Raghavan et al. 2007, on cosines, people in their order, so that the outcome is no matter of
    chance. Numbers are dense from 0.

    Args:
        shares: (people, directories) how much each did in which.
    """
    rarity = np.log((1 + len(shares)) / (1 + (shares > 0).sum(0)))
    profile = shares * rarity
    profile /= np.maximum(np.linalg.norm(profile, axis=1, keepdims=True), 1e-12)
    likeness = profile @ profile.T
    np.fill_diagonal(likeness, 0.0)
    likeness **= 2
    labels = np.arange(len(shares))
    for _ in range(_SWEEPS):
        before = labels.copy()
        for person in range(len(shares)):
            votes = np.bincount(labels, likeness[person], len(shares))
            if votes.max(initial=0.0) > votes[labels[person]]:
                labels[person] = int(votes.argmax())
        if np.array_equal(before, labels):
            break
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
