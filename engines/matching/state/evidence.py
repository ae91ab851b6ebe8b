"""Everything that a ranking is computed from, at one point of a history."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engines.matching.mining.scrub import Names
from engines.matching.people import People
from engines.matching.state.log import Log
from engines.matching.state.packing import Packed, Packer
from engines.matching.state.similar import Similar
from engines.matching.state.table import DAY_S, PERIOD_DAYS, Ints, Table, weights_on
from engines.matching.state.together import Together
from engines.matching.types import MERGED_BEFORE, Merged, Mode, Query
from engines.text.words import words

MOST_FILES = 60
"""Of a task that say something of what it is about; a task with more is about everything."""
LATEST = 3
"""Tasks of a person that are likely to be followed up."""
_MOST_LINES = 500
"""Of one file in one task: more were generated or moved."""
_OTHERS_SHARE = 0.5
"""What working on somebody's task counts, beside having it."""


class Evidence:
    """Counters over the tasks observed so far. Holds nothing of what comes later."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self.people = People()
        self.names = Names()
        self.observed = 0
        self.kept = 0
        """How many of the tasks stand in a file already."""
        self.now = 0.0
        self.origin = 0.0
        """The day from which weights are told."""
        self._first_day = 0.0
        self.files, self.folders, self.path_words = Table(), Table(), Table()
        self.words, self.kinds, self.lines = Table(), Table(), Table()
        self.seen_files, self.seen_folders, self.seen_words = Table(), Table(), Table()
        self.pairs = Table()
        self.work, self.reviews = Log(), Log()
        self.first_reviewers = Log()
        self.texts, self.paths = Similar(), Similar()
        self.latest: dict[int, deque[int]] = {}
        self.authored: Counter[int] = Counter()
        self.reviewed: Counter[int] = Counter()
        self.began: dict[int, float] = {}
        self._together = Together()

    @classmethod
    def restored(cls, packed: Packed, told: Mapping[str, Any]) -> "Evidence":
        """What `pack` gave. Raises LookupError, TypeError or ValueError for what it did not."""
        evidence = cls()
        for name, part in evidence._parts().items():
            part.unpack(packed, name)
        evidence.people = People.restored(told["people"])
        evidence.names = Names.restored(told["names"])
        evidence.observed, evidence.now = told["observed"], told["now"]
        evidence.kept = evidence.observed
        evidence._first_day, evidence.origin = told["first_day"], told["origin"]
        evidence.latest = {person: deque(tasks, LATEST) for person, tasks in told["latest"]}
        evidence.authored = Counter(dict(told["authored"]))
        evidence.reviewed = Counter(dict(told["reviewed"]))
        evidence.began = dict(told["began"])
        return evidence

    def pack(self, packer: Packer) -> dict[str, Any]:
        """Put all counters; returns, for JSON, what else there is."""
        for name, part in self._parts().items():
            part.pack(packer, name)
        return {
            "people": self.people.as_json(),
            "names": self.names.as_json(),
            "observed": self.observed,
            "now": self.now,
            "first_day": self._first_day,
            "origin": self.origin,
            "latest": [(person, [*tasks]) for person, tasks in self.latest.items()],
            "authored": [*self.authored.items()],
            "reviewed": [*self.reviewed.items()],
            "began": [*self.began.items()],
        }

    def observe(self, task: Merged) -> None:
        """Learn of a task that has reached the mainline."""
        if not self.observed:
            self._first_day = task.merged_s / DAY_S
        self.observed += 1
        day = self.now = task.merged_s / DAY_S - self._first_day
        self._age(day)
        author = -1 if task.by_bot else self._see(task)
        self._rename(task)
        self.names.keep(touch.path for touch in task.touches)
        paths = tuple(dict.fromkeys(touch.path for touch in task.touches))[:MOST_FILES]
        self._note_text(task, paths)
        self.work.add(author, day)
        if task.by_bot:
            self.first_reviewers.add(-1, day)
            return
        self.authored[author] += 1
        self.latest.setdefault(author, deque(maxlen=LATEST)).append(self.observed - 1)
        self.began.setdefault(author, day)
        self._note_author(task, author, paths, day)
        self.first_reviewers.add(self._note_reviewers(task, author, paths, day), day)
        self._together.add(paths)

    def candidates(self, query: Query) -> list[int]:
        """Who may be named for a task: people with `MERGED_BEFORE` earlier tasks or reviews."""
        counted = self.authored if query.mode is Mode.AUTHOR else self.reviewed
        author = self.author_of(query)
        return sorted(
            person
            for person, count in counted.items()
            if count >= MERGED_BEFORE and person != author
        )

    def author_of(self, query: Query) -> int | None:
        """Who wrote what is to be reviewed; None where nobody knows them."""
        if query.mode is Mode.AUTHOR or query.author is None:
            return None
        return self.people.known(query.author)

    def row_of(self, candidates: Sequence[int]) -> Ints:
        """For each index of a person the place among the candidates, or -1."""
        rows = np.full(len(self.people) + 1, -1, np.int64)
        rows[np.asarray(candidates, np.int64)] = np.arange(len(candidates))
        return rows

    def neighbours(self, paths: Sequence[str]) -> dict[str, float]:
        """Files that used to change together with these, and how strongly: at most 1 each."""
        return self._together.neighbours(paths)

    def _see(self, task: Merged) -> int:
        self.people.take(task)
        for signature in (task.author, *task.others, *task.reviewers):
            self.names.see(signature)
        for kept, gone in self.people.take_joined():
            self._join(kept, gone)
        return self.people.see(task.author)

    def _join(self, kept: int, gone: int) -> None:
        for table in self._tables().values():
            table.join(kept, gone)
        self.pairs.move(str(gone), str(kept))
        for log in (self.work, self.reviews, self.first_reviewers):
            log.join(kept, gone)
        for counter in (self.authored, self.reviewed):
            counter[kept] += counter.pop(gone, 0)
        if gone in self.latest:
            both = sorted((*self.latest.pop(gone), *self.latest.get(kept, ())))
            self.latest[kept] = deque(both, maxlen=LATEST)
        if gone in self.began:
            began = self.began.pop(gone)
            self.began[kept] = min(began, self.began.get(kept, began))

    def _parts(self) -> dict[str, Table | Log | Similar | Together]:
        """By the names under which they are packed."""
        return {
            **self._tables(),
            "work": self.work,
            "reviews": self.reviews,
            "first_reviewers": self.first_reviewers,
            "texts": self.texts,
            "paths": self.paths,
            "together": self._together,
        }

    def _tables(self) -> dict[str, Table]:
        return {
            "files": self.files,
            "folders": self.folders,
            "path_words": self.path_words,
            "words": self.words,
            "kinds": self.kinds,
            "lines": self.lines,
            "seen_files": self.seen_files,
            "seen_folders": self.seen_folders,
            "seen_words": self.seen_words,
            "pairs": self.pairs,
        }

    def _rename(self, task: Merged) -> None:
        for was, path in task.moves():
            for table in (self.files, self.lines, self.seen_files):
                table.move(was, path)
            self._together.move(was, path)

    def _age(self, day: float) -> None:
        passed = int((day - self.origin) // PERIOD_DAYS)
        if passed > 0:
            self.origin += passed * PERIOD_DAYS
            for part in self._parts().values():
                if isinstance(part, Table):
                    part.age(passed)

    def _note_text(self, task: Merged, paths: Sequence[str]) -> None:
        self.texts.add(words(task.text))
        self.paths.add(path_keys(paths))

    def _note_author(self, task: Merged, author: int, paths: Sequence[str], day: float) -> None:
        weights = weights_on(day, origin=self.origin)
        for table, keys in (
            (self.files, paths),
            (self.folders, folders_of(paths)),
            (self.path_words, names_of(paths)),
            (self.kinds, kinds_of(paths)),
            (self.words, dict.fromkeys(words(task.text))),
        ):
            for key in keys:
                table.add(key, author, weights)
        for touch in task.touches[:MOST_FILES]:
            if touch.added:
                lines = float(min(touch.added, _MOST_LINES))
                self.lines.add(touch.path, author, weights_on(day, lines, origin=self.origin))
        others = {self.people.see(signature) for signature in task.others} - {author}
        for other in sorted(others):
            for path in paths:
                self.files.add(path, other, weights_on(day, _OTHERS_SHARE, origin=self.origin))

    def _note_reviewers(self, task: Merged, author: int, paths: Sequence[str], day: float) -> int:
        """Returns the first of them, or -1."""
        reviewers = sorted({self.people.see(signature) for signature in task.reviewers} - {author})
        weights = weights_on(day, origin=self.origin)
        said = dict.fromkeys(words(task.text))
        for reviewer in reviewers:
            self.reviewed[reviewer] += 1
            self.reviews.add(reviewer, day)
            self.pairs.add(str(author), reviewer, weights)
            for path in paths:
                self.seen_files.add(path, reviewer, weights)
            for folder in folders_of(paths):
                self.seen_folders.add(folder, reviewer, weights)
            for word in said:
                self.seen_words.add(word, reviewer, weights)
        return reviewers[0] if reviewers else -1


def folders_of(paths: Sequence[str]) -> list[str]:
    """Every folder above some files, each once: "a/b/" and "a/" for "a/b/c.py"; of a file that lies
    in none, "/".
    """
    found: dict[str, None] = {}
    for path in paths:
        at = path.rfind("/")
        if at < 0:
            found["/"] = None
        while at >= 0:
            folder = path[: at + 1]
            if folder in found:
                break
            found[folder] = None
            at = path.rfind("/", 0, at)
    return list(found)


def names_of(paths: Sequence[str]) -> list[str]:
    """The words in some paths, each once."""
    return list(dict.fromkeys(word for path in paths for word in words(path)))


def kinds_of(paths: Sequence[str]) -> list[str]:
    """The endings of some files' names, each once; a name without one stands for itself."""
    names = (path.rpartition("/")[2] for path in paths)
    return list(dict.fromkeys(name.rpartition(".")[2].lower() for name in names))


def path_keys(paths: Sequence[str]) -> list[str]:
    """What two tasks can share of their files: the paths and the folders above."""
    return [*paths, *folders_of(paths)]
