"""Features of a task and a candidate for the reference ranker: online, exact, about forty a role.

Those of authors' work for finding authors; for finding reviewers those of their reviews, their own
work and the author's earlier reviewers.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.matching.protocol import Floats, Question, Who
from engines.matching.types import Merged, Mode
from engines.text.words import words
from tests.benchmarks.matching.likeness import Index
from tests.benchmarks.matching.watching import (
    DAY_S,
    EVER,
    LAST,
    LONG,
    LONG_D,
    SHORT,
    SHORT_D,
    Aliases,
    Gathered,
    Table,
    folders,
    grown,
    known_paths,
    labelled,
    weight,
)

NEAREST = 30
MOST_FILES = 50
MOST_TOGETHER = 12
"""Files of a task whose changing together means something, and neighbours that are looked at."""
EVERYONE = "everyone"
"""The key of activity."""


@dataclass(frozen=True)
class Asked:
    """A question as the features see it."""

    question: Question
    rows: Mapping[int, int]
    paths: tuple[str, ...]

    @property
    def people(self) -> int:
        """How many candidates there are."""
        return len(self.question.candidates)

    @property
    def at_s(self) -> int:
        """The time of the question."""
        return self.question.query.at_s


class Columns:
    """Features in the making."""

    def __init__(self, prefix: str) -> None:
        """All names begin with the prefix."""
        self._prefix = prefix
        self.named: dict[str, Floats] = {}

    def plain(self, name: str, values: Floats) -> None:
        """What means the same everywhere."""
        self.named[f"{self._prefix} {name}"] = values

    def amount(self, name: str, values: Floats) -> None:
        """What means something beside the others: its share, and its part of the largest."""
        total, most = float(values.sum()), float(values.max(initial=0.0))
        self.plain(f"{name} share", values / total if total > 0 else values)
        self.plain(f"{name} best", values / most if most > 0 else values)

    def place(self, name: str, values: Floats) -> None:
        """1 for the largest, 1/2, 1/3, …"""
        beaten = (values[None, :] > values[:, None]).sum(1)
        self.plain(f"{name} place", 1.0 / (1.0 + beaten))


class Work:
    """What one role's people have done."""

    def __init__(self, mode: Mode) -> None:
        """Nothing yet."""
        self.mode = mode
        self._activity, self._files, self._folders = Table(), Table(), Table()
        self._words, self._parts, self._pairs = Table(), Table(), Table()
        self._together: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._texts, self._paths = Index(), Index()
        self._people: list[tuple[int, ...]] = []
        self._times = array("q")
        self._first: dict[int, int] = {}
        self._latest: dict[int, int] = {}

    def observe(self, task: Merged, who: Who) -> None:
        """Learn of a task."""
        for touch in task.touches:
            if touch.was is not None and touch.was != touch.path:
                self._files.rename(touch.was, touch.path)
                self._together[touch.path].update(self._together.pop(touch.was, Counter()))
        people = labelled(who, self.mode)
        if not people:
            return
        by = weight(task.merged_s)
        paths = [touch.path for touch in task.touches][:MOST_FILES]
        said = Counter(words(task.text))
        self._activity.add([EVERYONE], people, by)
        self._files.add(paths, people, by)
        self._folders.add({up for path in paths for up in folders(path)}, people, by)
        self._words.add(said, people, by)
        self._parts.add({part for path in paths for part in words(path)}, people, by)
        if self.mode is Mode.REVIEWER:
            self._pairs.add([str(who.author)], people, by)
        elif who.others:
            self._files.add(paths, who.others, weight(task.merged_s, 0.5))
        self._texts.add(said)
        self._paths.add(_steps(paths))
        for person in people:
            self._first.setdefault(person, task.merged_s)
            self._latest[person] = len(self._people)
        self._people.append(people)
        self._times.append(task.merged_s)
        if len(paths) <= MOST_TOGETHER:
            for path in paths:
                self._together[path].update(other for other in paths if other != path)

    def features(self, asked: Asked) -> dict[str, Floats]:
        """By name, each [candidates]."""
        columns = Columns(self.mode.value)
        self._of_activity(asked, columns)
        self._of_files(asked, columns)
        self._of_folders(asked, columns)
        self._of_words(asked, columns)
        self._of_likeness(asked, columns)
        if self.mode is Mode.REVIEWER:
            self._of_pairs(asked, columns)
        return columns.named

    def activity(self, asked: Asked) -> dict[str, Floats]:
        """Those of activity alone."""
        columns = Columns(self.mode.value)
        self._of_activity(asked, columns)
        return columns.named

    def _of_activity(self, asked: Asked, columns: Columns) -> None:
        gathered = self._activity.gather({EVERYONE: 1.0}, asked.rows, asked.people)
        short = gathered.amounts(SHORT) / grown(asked.at_s, SHORT_D)
        long = gathered.amounts(LONG) / grown(asked.at_s, LONG_D)
        ever = gathered.amounts(EVER)
        for name, values in (("act30", short), ("act180", long), ("total", ever)):
            columns.amount(name, values)
            columns.place(name, values)
            columns.plain(f"{name} log", np.log1p(values))
        columns.plain("idle", _idle(gathered, asked.at_s))
        columns.place("idle", gathered.latest())
        first, latest = np.full(asked.people, float(asked.at_s)), np.full(asked.people, -1.0)
        for person, row in asked.rows.items():
            first[row] = min(first[row], self._first.get(person, asked.at_s))
            latest[row] = max(latest[row], self._latest.get(person, -1))
        columns.plain("tenure", np.log1p((asked.at_s - first) / DAY_S))
        columns.plain("since", np.log1p(len(self._people) - 1 - latest))

    def _of_files(self, asked: Asked, columns: Columns) -> None:
        known = {path: 1.0 for path in asked.paths if path in self._files}
        gathered = self._files.gather(known, asked.rows, asked.people)
        count = max(len(known), 1)
        columns.amount("file act30", gathered.amounts(SHORT))
        columns.amount("file act180", gathered.amounts(LONG))
        columns.amount("file total", gathered.amounts(EVER))
        columns.plain("file owned", gathered.shares(LONG) / count)
        columns.plain("file owned ever", gathered.shares(EVER) / count)
        columns.plain("file known", gathered.summed(np.ones(len(gathered.rows))) / count)
        newest = gathered.entries[:, LAST] >= gathered.totals[:, LAST]
        columns.plain("file latest", gathered.summed(newest.astype(np.float64)) / count)
        columns.plain("file idle", _idle(gathered, asked.at_s))
        near: defaultdict[str, float] = defaultdict(float)
        for path in known:
            most = self._together[path].most_common(MOST_TOGETHER) if path in self._together else []
            for other, times in most:
                near[other] = max(near[other], times / (most[0][1] + 2.0))
        beside = {path: force for path, force in near.items() if path not in known}
        together = self._files.gather(beside, asked.rows, asked.people)
        columns.amount("together", together.shares(LONG))

    def _of_folders(self, asked: Asked, columns: Columns) -> None:
        nearest: Counter[str] = Counter()
        above: defaultdict[str, float] = defaultdict(float)
        tops: Counter[str] = Counter()
        for path in asked.paths:
            up = folders(path)
            nearest[next((folder for folder in up if folder in self._folders), "")] += 1
            tops[up[max(len(up) - 2, 0)]] += 1
            for level, folder in enumerate(up):
                above[folder] += 1 / 2**level
        count = max(len(asked.paths), 1)
        gathered = self._folders.gather(nearest, asked.rows, asked.people)
        columns.amount("folder act30", gathered.shares(SHORT))
        columns.amount("folder act180", gathered.shares(LONG))
        columns.plain("folder owned", gathered.shares(LONG) / count)
        columns.amount("folder total", gathered.shares(EVER))
        columns.plain("folder idle", _idle(gathered, asked.at_s))
        columns.amount("above", self._folders.gather(above, asked.rows, asked.people).shares(LONG))
        columns.amount("top", self._folders.gather(tops, asked.rows, asked.people).shares(LONG))

    def _of_words(self, asked: Asked, columns: Columns) -> None:
        said = dict.fromkeys(words(asked.question.query.text))
        parts = dict.fromkeys(part for path in asked.paths for part in words(path))
        for name, table, keys in (("word", self._words, said), ("part", self._parts, parts)):
            gathered = table.gather(self._rarities(table, keys), asked.rows, asked.people)
            columns.amount(f"{name} act30", gathered.shares(SHORT))
            columns.amount(f"{name} act180", gathered.shares(LONG))
            columns.amount(f"{name} total", gathered.shares(EVER))

    def _rarities(self, table: Table, keys: Mapping[str, object]) -> dict[str, float]:
        tasks = len(self._people) + 1.0
        return {
            key: float(np.log(tasks / min(table.total(key)[EVER], tasks))) + 0.1
            for key in keys
            if key in table
        }

    def _of_likeness(self, asked: Asked, columns: Columns) -> None:
        if not self._people:
            return
        ages_d = (asked.at_s - np.frombuffer(self._times, np.int64)) / DAY_S
        fresh = np.exp2(-ages_d / LONG_D)
        texts = self._texts.cosines(Counter(words(asked.question.query.text)))
        paths = self._paths.cosines(_steps(asked.paths))
        for name, cosines in (("text", texts), ("path", paths), ("both", texts + paths)):
            for how, values in (("ever", cosines), ("fresh", cosines * fresh)):
                summed, best = np.zeros(asked.people), np.zeros(asked.people)
                for row, value in self._nearest(asked, values):
                    summed[row] += value
                    best[row] = max(best[row], value)
                columns.amount(f"like {name} {how}", summed)
                columns.plain(f"like {name} {how} nearest", best)

    def _nearest(self, asked: Asked, values: Floats) -> Iterator[tuple[int, float]]:
        most = min(NEAREST, len(values))
        at: list[int] = np.argpartition(-values, most - 1)[:most].tolist()
        for task in at:
            for person in self._people[task]:
                if person in asked.rows and values[task] > 0:
                    yield asked.rows[person], float(values[task])

    def _of_pairs(self, asked: Asked, columns: Columns) -> None:
        keys = {str(index): 1.0 for index in self._indices(asked.question.author)}
        gathered = self._pairs.gather(keys, asked.rows, asked.people)
        columns.amount("pair act30", gathered.amounts(SHORT))
        columns.amount("pair act180", gathered.amounts(LONG))
        columns.amount("pair total", gathered.amounts(EVER))
        columns.plain("pair log", np.log1p(gathered.amounts(LONG) / grown(asked.at_s, LONG_D)))
        columns.plain("pair idle", _idle(gathered, asked.at_s))

    def _indices(self, author: int | None) -> Sequence[int]:
        return () if author is None else (author,)


class PairFeatures:
    """An observer that gives a matrix for each question."""

    def __init__(self, mode: Mode) -> None:
        """Nothing has happened."""
        self._mode = mode
        self._aliases = Aliases()
        self._authors, self._reviewers = Work(Mode.AUTHOR), Work(Mode.REVIEWER)

    def observe(self, task: Merged, who: Who) -> None:
        """Learn of a task."""
        self._authors.observe(task, who)
        self._reviewers.observe(task, who)

    def join(self, kept: int, gone: int) -> None:
        """Two are one."""
        self._aliases.join(kept, gone)

    def features(self, question: Question) -> dict[str, Floats]:
        """By name, each [candidates]."""
        asked = Asked(
            question, self._aliases.rows(question.candidates), known_paths(question, MOST_FILES)
        )
        found = self._authors.features(asked)
        if self._mode is Mode.REVIEWER:
            return found | self._reviewers.features(asked)
        return found | self._reviewers.activity(asked)


def _idle(gathered: Gathered, at_s: int) -> Floats:
    """Days since last, as a logarithm; as if twenty years for who never."""
    latest = gathered.latest()
    days = np.where(latest > 0, np.maximum(at_s - latest, 0) / DAY_S, 7300.0)
    return np.log1p(days)


def _steps(paths: Sequence[str]) -> Counter[str]:
    """The paths and the folders above them, as terms."""
    found = Counter(paths)
    for path in paths:
        found.update(folders(path)[:-1])
    return found
