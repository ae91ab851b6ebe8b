"""The graph of a history's prefix: nodes, their features and weighed edges, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.matching.graph.groups import components_of, teams_of
from engines.matching.graph.ledger import Ledger
from engines.matching.graph.settings import GraphConfig
from engines.matching.graph.sparse import (
    Edges,
    Floats,
    Ints,
    Matrix,
    heaviest,
    linked,
    listed,
    matrix,
    through,
)
from engines.matching.graph.window import Window, window_of
from engines.matching.graph.words import folders_of

Relation = tuple[str, str, str]
"""From which type of node, by what, to which."""

DEVELOPER, FILE, DIRECTORY, TASK = "developer", "file", "directory", "task"
COMPONENT, SKILL, TEAM = "component", "skill", "team"
FEATURES = {DEVELOPER: 9, FILE: 5, DIRECTORY: 5, TASK: 2, COMPONENT: 4, SKILL: 5, TEAM: 4}
"""How many a node of each type has."""

RELATIONS: tuple[Relation, ...] = (
    (DEVELOPER, "changed", FILE),
    (DEVELOPER, "changed", DIRECTORY),
    (DEVELOPER, "changed", COMPONENT),
    (DEVELOPER, "showed", SKILL),
    (DEVELOPER, "reviewed", FILE),
    (DEVELOPER, "reviewed", DIRECTORY),
    (DEVELOPER, "reviewed", DEVELOPER),
    (DEVELOPER, "authored", TASK),
    (DEVELOPER, "accepted", TASK),
    (DEVELOPER, "belongs", TEAM),
    (FILE, "lies", DIRECTORY),
    (FILE, "lies", COMPONENT),
    (FILE, "changes", FILE),
    (FILE, "of", TASK),
    (DIRECTORY, "of", TASK),
    (COMPONENT, "of", TASK),
    (SKILL, "of", TASK),
)
"""Of a snapshot; the network also goes each of them backwards."""

_NEIGHBOURS = 8
"""Of a file by co-change."""
_SWEEP = 30
"""Files of a task from which on it tells nothing of co-change."""


@dataclass(frozen=True)
class Snapshot:
    """A graph."""

    people: Ints
    """(developers,) Their indices, most active first; who is joined later is renamed in place."""
    features: dict[str, Floats]
    """(nodes, FEATURES[type]) of each type."""
    edges: dict[Relation, Edges]
    files: dict[str, int]
    """Row of each path."""
    directories: dict[str, int]
    skills: dict[str, int]
    rarity: Floats
    """(skills,) What having one tells, in nats."""
    components: dict[str, int]

    def rows(self) -> dict[int, int]:
        """The row of each person; the most active one where several turned out to be one."""
        found: dict[int, int] = {}
        for row, person in enumerate(self.people.tolist()):
            found.setdefault(person, row)
        return found


@dataclass(frozen=True)
class _Parts:
    """What tasks touched, (t, nodes) each."""

    files: Matrix
    directories: Matrix
    components: Matrix
    skills: Matrix


def snapshot(ledger: Ledger, config: GraphConfig) -> Snapshot:
    """The graph of all that a ledger holds, at least one task, as seen at its last task."""
    window = window_of(ledger, config)
    paths = [ledger.paths[int(file)] for file in window.files]
    names = components_of(paths, np.asarray(window.touched.sum(0)).ravel())
    components = {name: row for row, name in enumerate(dict.fromkeys(names))}
    component_of = np.array([components[name] for name in names], np.int64)
    directories, lies = _directories(paths)
    contained = matrix(lies.sources, lies.targets, (len(paths), len(directories)))
    inside = _one_each(component_of)
    parts = _Parts(
        window.touched,
        linked(window.touched, contained),
        linked(window.touched, inside),
        window.asked,
    )
    edges = _edges(window, parts, config)
    teams = _teams(edges[DEVELOPER, "changed", DIRECTORY], len(window.people), len(directories))
    edges[DEVELOPER, "belongs", TEAM] = listed(_one_each(teams))
    edges[FILE, "lies", DIRECTORY] = lies
    edges[FILE, "lies", COMPONENT] = listed(inside)
    counts = np.asarray(parts.skills.sum(0)).ravel()
    rarity = np.log((1.0 + len(window.age_days)) / (1.0 + counts)).astype(np.float32)
    asked = edges[SKILL, "of", TASK]
    edges[SKILL, "of", TASK] = asked._replace(
        weights=asked.weights * rarity[asked.sources, np.newaxis]
    )
    skills = [ledger.skills.all[int(skill)] for skill in window.skills]
    return Snapshot(
        people=window.people,
        features=_features(window, parts, _Names(paths, list(directories), skills, teams), config),
        edges=edges,
        files={path: row for row, path in enumerate(paths)},
        directories=directories,
        skills={name: row for row, name in enumerate(skills)},
        rarity=rarity,
        components=components,
    )


def _directories(paths: Sequence[str]) -> tuple[dict[str, int], Edges]:
    """Rows of all directories, and an edge from each file to each above it, halved by a step."""
    rows: dict[str, int] = {}
    links = [
        (file, rows.setdefault(folder, len(rows)), 0.5**step)
        for file, path in enumerate(paths)
        for step, folder in enumerate(folders_of(path))
    ]
    table = np.array(links, np.float64).reshape(-1, 3)
    weights = np.repeat(table[:, 2:].astype(np.float32), 3, axis=1)
    return rows, Edges(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), weights)


def _one_each(groups: Ints) -> Matrix:
    size = len(groups)
    return matrix(np.arange(size), groups, (size, int(groups.max(initial=-1)) + 1))


def _teams(changed: Edges, people: int, directories: int) -> Ints:
    shares = np.zeros((people, directories))
    shares[changed.sources, changed.targets] = changed.weights[:, 1]
    return teams_of(shares)


def _edges(window: Window, parts: _Parts, config: GraphConfig) -> dict[Relation, Edges]:
    decays = window.decays
    sizes = np.asarray(parts.files.sum(1)).ravel()
    narrow = np.where((sizes > 1) & (sizes <= _SWEEP), 1.0 / np.maximum(sizes, 1.0), 0.0)
    at = np.flatnonzero(narrow)
    together = parts.files[at]
    edges = {
        (DEVELOPER, "changed", FILE): through(window.authored, decays, parts.files),
        (DEVELOPER, "changed", DIRECTORY): through(window.authored, decays, parts.directories),
        (DEVELOPER, "changed", COMPONENT): through(window.authored, decays, parts.components),
        (DEVELOPER, "showed", SKILL): through(window.authored, decays, parts.skills),
        (DEVELOPER, "reviewed", FILE): through(window.reviewed, decays, parts.files),
        (DEVELOPER, "reviewed", DIRECTORY): through(window.reviewed, decays, parts.directories),
        (DEVELOPER, "reviewed", DEVELOPER): through(
            window.reviewed, decays, window.authored.T.tocsr()
        ),
        (FILE, "changes", FILE): heaviest(
            through(together.T.tocsr(), decays[:, at] * narrow[at], together), _NEIGHBOURS
        ),
    }
    latest = np.flatnonzero(sizes)[-config.tasks :]
    for relation, by_task in (
        ((DEVELOPER, "authored", TASK), window.authored.T.tocsr()),
        ((DEVELOPER, "accepted", TASK), window.reviewed.T.tocsr()),
        ((FILE, "of", TASK), parts.files),
        ((DIRECTORY, "of", TASK), parts.directories),
        ((COMPONENT, "of", TASK), parts.components),
        ((SKILL, "of", TASK), parts.skills),
    ):
        edges[relation] = listed(by_task[latest].T.tocsr(), decays[:, latest])
    return edges


@dataclass(frozen=True)
class _Names:
    """What is told from names, and who is in which team."""

    paths: Sequence[str]
    directories: Sequence[str]
    skills: Sequence[str]
    teams: Ints


def _features(
    window: Window, parts: _Parts, names: _Names, config: GraphConfig
) -> dict[str, Floats]:
    sizes = np.asarray(parts.files.sum(1)).ravel()
    latest = np.flatnonzero(sizes)[-config.tasks :]
    authored = _totals(window.authored.T, window.decays)
    team = _one_each(names.teams)
    found = {
        DEVELOPER: [
            *_logs(authored),
            *_logs(_totals(window.reviewed.T, window.decays)),
            _share(authored[0]),
            _share(authored[1]),
            _idle(window),
        ],
        FILE: [
            *_logs(_totals(parts.files, window.decays)),
            _depths(names.paths),
            np.log1p(np.asarray(linked(window.authored, parts.files).sum(0)).ravel()),
        ],
        DIRECTORY: [
            *_logs(_totals(parts.directories, window.decays)),
            _depths(names.directories),
            np.log1p(np.asarray(linked(window.authored, parts.directories).sum(0)).ravel()),
        ],
        TASK: [np.log1p(window.age_days[latest]) / 5.0, np.log1p(sizes[latest])],
        COMPONENT: [
            *_logs(totals := _totals(parts.components, window.decays)),
            _share(totals[1]),
        ],
        SKILL: [
            *_logs(totals := _totals(parts.skills, window.decays)),
            _share(totals[1]),
            np.array([name.startswith(".") for name in names.skills], np.float64),
        ],
        TEAM: [*_logs(authored @ team), np.log1p(np.asarray(team.sum(0)).ravel())],
    }
    return {name: np.stack(rows, 1).astype(np.float32) for name, rows in found.items()}


def _totals(parts: Matrix, decays: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, nodes) from (t, nodes)."""
    return np.asarray(decays @ parts)


def _logs(totals: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [np.log1p(row) for row in totals]


def _share(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    return totals / max(float(totals.sum()), 1e-12)


def _idle(window: Window) -> NDArray[np.float64]:
    """Months since a person's last task, as a logarithm."""
    ages = np.full(len(window.people), window.age_days.max(initial=0.0))
    for by in (window.authored, window.reviewed):
        entries = by.tocoo()
        np.minimum.at(ages, entries.row, window.age_days[entries.col])
    return np.log1p(ages / 30.0)


def _depths(paths: Sequence[str]) -> NDArray[np.float64]:
    return np.array([path.count("/") for path in paths], np.float64) / 4.0
