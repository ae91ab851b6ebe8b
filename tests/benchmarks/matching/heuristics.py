"""Single heuristics that bots and papers use: activity, owners of files and folders, pairs.

Each reads only its own signal; what ties is broken by recent activity where the name says so.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from engines.matching.protocol import Floats, Question, Who
from engines.matching.types import Merged, Mode
from tests.benchmarks.matching.watching import (
    DAY_S,
    EVER,
    LONG,
    LONG_D,
    SHORT_D,
    Aliases,
    Table,
    folders,
    grown,
    known_paths,
    labelled,
    weight,
)

TIE = 1e-6
"""What breaks ties weighs so little."""


class Example(NamedTuple):
    """A task and whom it is an example of."""

    task: Merged
    author: int | None
    people: tuple[int, ...]


class Heuristic(ABC):
    """Sees tasks by whom they are an example of: authors, or reviewers in that mode."""

    def __init__(self, mode: Mode) -> None:
        """Nothing has happened."""
        self.mode = mode
        self.aliases = Aliases()

    def observe(self, task: Merged, who: Who) -> None:
        """Learn from the next task; one without people moves files only."""
        self.moved(task)
        people = labelled(who, self.mode)
        if people:
            self.learn(Example(task, who.author, people))

    def join(self, kept: int, gone: int) -> None:
        """Two are one."""
        self.aliases.join(kept, gone)

    def scores(self, question: Question) -> Floats:
        """One for each candidate."""
        found = np.zeros(len(question.candidates))
        rows = self.aliases.rows(question.candidates)
        for person, score in self.points(question):
            row = rows.get(person)
            if row is not None:
                found[row] += score
        return found

    def moved(self, task: Merged) -> None:  # noqa: B027 -- most hold no paths
        """Follow renames."""

    @abstractmethod
    def learn(self, seen: Example) -> None:
        """Count a task for its people."""

    @abstractmethod
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        """(index, points), which add up."""


class Activity(Heuristic):
    """Who did most lately; without a half-life, who did most ever."""

    def __init__(self, mode: Mode, half_life_d: float | None = None) -> None:
        """`half_life_d` in days."""
        super().__init__(mode)
        self._half_life_d = half_life_d
        self._sums: defaultdict[int, float] = defaultdict(float)

    @override
    def learn(self, seen: Example) -> None:
        for person in seen.people:
            self._sums[person] += (
                1.0 if self._half_life_d is None else grown(seen.task.merged_s, self._half_life_d)
            )

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        at_s = question.query.at_s
        unit = 1.0 if self._half_life_d is None else grown(at_s, self._half_life_d)
        return ((person, total / unit) for person, total in self._sums.items())


class FileOwner(Heuristic):
    """Who made most of the changes to these files, counted at a half-life of 180 days; then who is
    most active.
    """

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._files = Table()
        self._activity = Activity(mode, SHORT_D)

    @override
    def moved(self, task: Merged) -> None:
        for touch in task.touches:
            if touch.was is not None:
                self._files.rename(touch.was, touch.path)

    @override
    def learn(self, seen: Example) -> None:
        paths = [touch.path for touch in seen.task.touches]
        self._files.add(paths, seen.people, weight(seen.task.merged_s))
        self._activity.learn(seen)

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        for path in known_paths(question):
            yield from _shares(self._files, path)
        for person, points in self._activity.points(question):
            yield person, TIE * points


class FolderOwner(Heuristic):
    """The same for the folders that the files are in; a folder above counts half as much as the
    one below.
    """

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._folders = Table()

    @override
    def learn(self, seen: Example) -> None:
        keys = [folder for touch in seen.task.touches for folder in folders(touch.path)]
        self._folders.add(keys, seen.people, weight(seen.task.merged_s))

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        weights: defaultdict[str, float] = defaultdict(float)
        for path in known_paths(question):
            for up, folder in enumerate(folders(path)):
                weights[folder] += 1 / 2**up
        for folder, factor in weights.items():
            for person, share in _shares(self._folders, folder):
                yield person, factor * share


class FrozenOwners(Heuristic):
    """Owners of folders as somebody once wrote them down: counted without decay up to one day, and
    never again. A proxy for CODEOWNERS: the nearest folder that has an owner decides.
    """

    def __init__(self, mode: Mode, tasks: int) -> None:
        """Frozen after so many tasks of the mainline."""
        super().__init__(mode)
        self._left = tasks
        self._folders = Table()

    @override
    def observe(self, task: Merged, who: Who) -> None:
        if self._left > 0:
            self._left -= 1
            super().observe(task, who)

    @override
    def learn(self, seen: Example) -> None:
        keys = [folder for touch in seen.task.touches for folder in folders(touch.path)]
        self._folders.add(keys, seen.people, weight(seen.task.merged_s))

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        for path in known_paths(question):
            nearest = next((up for up in folders(path) if up in self._folders), None)
            if nearest is not None:
                total = self._folders.total(nearest)[EVER]
                for person, entry in self._folders.entries(nearest):
                    yield person, entry[EVER] / total


class FileExperience(Heuristic):
    """cHRev: how often, on how many days and how lately each has worked on each file.

    Zanjani, Kagdi and Bird, "Automatically Recommending Peer Reviewers in Modern Code Review", TSE
    2016, with tasks instead of review comments: C/C' + W/W' + 1/(|T - T'| + 1) over the files.
    """

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._files: dict[str, dict[int, list[int]]] = {}

    @override
    def moved(self, task: Merged) -> None:
        for touch in task.touches:
            if touch.was is not None and touch.was in self._files:
                self._files[touch.path] = self._files.pop(touch.was)

    @override
    def learn(self, seen: Example) -> None:
        for touch in seen.task.touches:
            theirs = self._files.setdefault(touch.path, {})
            for person in seen.people:
                theirs.setdefault(person, []).append(seen.task.merged_s // DAY_S)

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        for path in known_paths(question):
            theirs = self._files.get(path, {})
            if not theirs:
                continue
            count = sum(len(days) for days in theirs.values())
            workdays = len({day for days in theirs.values() for day in days})
            last = max(days[-1] for days in theirs.values())
            for person, days in theirs.items():
                recency = 1 / (last - days[-1] + 1)
                yield person, len(days) / count + len(set(days)) / workdays + recency


class AuthorPair(Heuristic):
    """Who reviewed this author most, at a half-life of 180 days; then who reviews most."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._pairs = Table()
        self._activity = Activity(mode, LONG_D)

    @override
    def learn(self, seen: Example) -> None:
        if seen.author is not None:
            self._pairs.add([str(seen.author)], seen.people, weight(seen.task.merged_s))
        self._activity.learn(seen)

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        if question.author is not None:
            for index in self.aliases.rows([question.author]):
                yield from _amounts(self._pairs, str(index), question.query.at_s)
        for person, points in self._activity.points(question):
            yield person, TIE * points


def _shares(table: Table, key: str) -> Iterable[tuple[int, float]]:
    total = table.total(key)[LONG]
    return ((person, entry[LONG] / total) for person, entry in table.entries(key))


def _amounts(table: Table, key: str, at_s: int) -> Iterable[tuple[int, float]]:
    unit = grown(at_s, LONG_D)
    return ((person, entry[LONG] / unit) for person, entry in table.entries(key))
