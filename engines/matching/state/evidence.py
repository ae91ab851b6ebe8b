"""Everything that a ranking is computed from, at one point of a history."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence

import numpy as np

from engines.matching.mining.scrub import Names
from engines.matching.people import People
from engines.matching.state.log import Log
from engines.matching.state.similar import Similar
from engines.matching.state.table import DAY_S, Ints, Table, weights_on
from engines.matching.types import MERGED_BEFORE, Merged, Mode, Query
from engines.text.words import words

MOST_FILES = 60
"""Of a task that say something of what it is about; a task with more is about everything."""
MOST_NEIGHBOURS = 12
"""Files that changed most often together with a file."""
_MOST_TOGETHER = 12
"""Files of a task whose changing together means something."""


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
        self.now = 0.0
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
        self._together: dict[str, Counter[str]] = {}

    def observe(self, task: Merged) -> None:
        """Learn of a task that has reached the mainline."""
        if not self.observed:
            self._first_day = task.merged_s / DAY_S
        self.observed += 1
        day = self.now = task.merged_s / DAY_S - self._first_day
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
        self._note_together(paths)

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
        found: dict[str, float] = {}
        asked = set(paths)
        for path in paths:
            together = self._together.get(path)
            if not together:
                continue
            most = together.most_common(MOST_NEIGHBOURS)
            for other, count in most:
                if other not in asked:
                    found[other] = max(found.get(other, 0.0), count / (most[0][1] + 2.0))
        return found

    def _see(self, task: Merged) -> int:
        self.people.take(task)
        for signature in (task.author, *task.others, *task.reviewers):
            self.names.see(signature)
        for kept, gone in self.people.take_joined():
            self._join(kept, gone)
        return self.people.see(task.author)

    def _join(self, kept: int, gone: int) -> None:
        for table in self._tables():
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

    def _tables(self) -> Iterator[Table]:
        yield from (self.files, self.folders, self.path_words)
        yield from (self.words, self.kinds, self.lines)
        yield from (self.seen_files, self.seen_folders, self.seen_words, self.pairs)

    def _rename(self, task: Merged) -> None:
        for touch in task.touches:
            if touch.was is None or touch.was == touch.path:
                continue
            for table in (self.files, self.lines, self.seen_files):
                table.move(touch.was, touch.path)
            if (together := self._together.pop(touch.was, None)) is not None:
                self._together.setdefault(touch.path, Counter()).update(together)

    def _note_text(self, task: Merged, paths: Sequence[str]) -> None:
        self.texts.add(words(task.text))
        self.paths.add(path_keys(paths))

    def _note_author(self, task: Merged, author: int, paths: Sequence[str], day: float) -> None:
        weights = weights_on(day)
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
                self.lines.add(touch.path, author, weights_on(day, lines))
        others = {self.people.see(signature) for signature in task.others} - {author}
        for other in sorted(others):
            for path in paths:
                self.files.add(path, other, weights_on(day, _OTHERS_SHARE))

    def _note_reviewers(self, task: Merged, author: int, paths: Sequence[str], day: float) -> int:
        """Returns the first of them, or -1."""
        reviewers = sorted({self.people.see(signature) for signature in task.reviewers} - {author})
        weights = weights_on(day)
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

    def _note_together(self, paths: Sequence[str]) -> None:
        if not 1 < len(paths) <= _MOST_TOGETHER:
            return
        for path in paths:
            together = self._together.setdefault(path, Counter())
            for other in paths:
                if other != path:
                    together[other] += 1


def folders_of(paths: Sequence[str]) -> list[str]:
    """Every folder above some files, each once: "a/b/" and "a/" for "a/b/c.py"."""
    found: dict[str, None] = {}
    for path in paths:
        at = path.rfind("/")
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
