"""The leak-free protocol: each task of a history is asked about as it stood when it was begun.

A task is asked at its start, so what is known then is a prefix of the mainline that ends before the
task, and, for a long branch, well before it. Questions are therefore put in the order of their
prefixes, and between two prefixes the tasks of the mainline are shown to the scorers one by one.
Identities grow with the prefix too; only which answers count as right is read from the whole
history: people whom it later proves to be one are one answer.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engines.matching.people import People
from engines.matching.types import MERGED_BEFORE, Merged, Mode, Query, Signature, known_by

Floats = NDArray[np.float64]

MOST_COMMITS = 60
"""A merge of more is history, but nobody is asked about it."""
QUIET_S = 6 * 3600
"""An author who had nothing merged for so long before a task begins a session with it."""


class Part(StrEnum):
    """What a question is for. Parts follow each other in the mainline's order."""

    WARM_UP = "warm-up"
    TRAINING = "training"
    STOPPING = "stopping"
    TEST = "test"


ENDS = {Part.WARM_UP: 45, Part.TRAINING: 80, Part.STOPPING: 85, Part.TEST: 100}
"""Per cent of the questions at which each part ends."""


class Who(NamedTuple):
    """People of a task by index, under the identities known once it has been read."""

    author: int | None
    """None for a bot's task."""
    others: tuple[int, ...] = ()
    reviewers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Who takes, or reviews, this task, asked at its start."""

    task: Merged
    """Not to be looked into by who answers."""
    position: int
    """Of the task in the mainline."""
    prefix: int
    """How many tasks of the mainline are known; at most `position`."""
    history: str
    """The commit of the mainline that the known ends with; "" where nothing is known."""
    part: Part
    query: Query
    author: int | None
    """Looking for reviewers: the task's author, if somebody known."""
    author_key: str
    """Theirs at that time; else ""."""
    candidates: tuple[int, ...]
    """Indices, ascending."""
    keys: tuple[str, ...]
    """Of the candidates, at that time."""
    truth: tuple[tuple[int, ...], ...]
    """For each right answer its rows among the candidates: none if it is not covered, several if
    the history joins them later."""
    answers: tuple[str, ...]
    """For each right answer its key in the end."""
    session_first: bool

    @property
    def covered(self) -> bool:
        """A right answer is among the candidates."""
        return any(self.truth)

    def row(self, scores: Floats, confidence: float | None = None) -> "Row":
        """The answer that scores give."""
        order: list[int] = np.argsort(-scores, kind="stable").tolist()
        return Row(
            task=self.task.sha,
            at_s=self.query.at_s,
            prefix=self.prefix,
            history=self.history,
            files=self.query.files,
            text=self.query.text,
            author=self.author_key,
            truth=tuple(
                next((self.keys[row] for row in order if row in rows), answer)
                for rows, answer in zip(self.truth, self.answers, strict=True)
            ),
            ranking=tuple((self.keys[row], float(scores[row])) for row in order),
            covered=self.covered,
            session_first=self.session_first,
            confidence=confidence,
        )


class Observer(Protocol):
    """What learns from the mainline as it grows."""

    def observe(self, task: Merged, who: Who) -> None:
        """The next task of the mainline; also those of bots."""
        ...

    def join(self, kept: int, gone: int) -> None:
        """Two people are one: what is known of `gone` goes to `kept`; precedes the task."""
        ...


class Scorer(Observer, Protocol):
    """What can answer."""

    def scores(self, question: Question) -> Floats:
        """One for each candidate, higher is better; from query, author and candidates alone."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """An answer and what it is measured by; people are named by their keys at the time."""

    task: str
    at_s: int
    prefix: int
    history: str
    """The commit of the mainline to cut at; "" where nothing is known yet."""
    files: tuple[str, ...]
    text: str
    author: str
    """Looking for reviewers: the author's key, if they were known; else ""."""
    truth: tuple[str, ...]
    """Right answers; of two keys that are one person, the one ranked better."""
    ranking: tuple[tuple[str, float], ...]
    covered: bool
    session_first: bool
    confidence: float | None = None


class Walk:
    """One pass over a history."""

    def __init__(self, tasks: Sequence[Merged], mode: Mode) -> None:
        """Finds the questions that the history can be asked."""
        self.tasks = tasks
        self.mode = mode
        self.people = People()
        self._counts: Counter[int] = Counter()
        self._eligible: list[int] = []
        self._final = People()
        for task in tasks:
            self._final.take(task)
        self._asked = [i for i, task in enumerate(tasks) if self._is_asked(task)]
        self._merges = self._merge_times()

    def __len__(self) -> int:
        """How many questions there are."""
        return len(self._asked)

    def positions(self, part: Part) -> list[int]:
        """Of the tasks of a part, in the mainline."""
        ranks = enumerate(self._asked)
        return [position for rank, position in ranks if part_of(rank, len(self)) is part]

    def questions(self, observers: Sequence[Observer]) -> Iterator[Question]:
        """Each once, when the observers know exactly what it may be answered from."""
        order = sorted(
            (known_by(self.tasks, at_s(self.tasks[position])), position, part_of(rank, len(self)))
            for rank, position in enumerate(self._asked)
        )
        known = 0
        for prefix, position, part in order:
            for task in self.tasks[known:prefix]:
                self._read(task, observers)
            known = prefix
            yield self._question(prefix, position, part)

    def _read(self, task: Merged, observers: Sequence[Observer]) -> None:
        who = see(self.people, task)
        for kept, gone in self.people.take_joined():
            self._counts[kept] += self._counts.pop(gone, 0)
            self._admit(kept)
            if gone in self._eligible:
                self._eligible.remove(gone)
            for observer in observers:
                observer.join(kept, gone)
        for index in self._labels(who):
            self._counts[index] += 1
            self._admit(index)
        for observer in observers:
            observer.observe(task, who)

    def _labels(self, who: Who) -> Iterable[int]:
        if self.mode is Mode.REVIEWER:
            return who.reviewers
        return () if who.author is None else (who.author,)

    def _admit(self, index: int) -> None:
        if self._counts[index] >= MERGED_BEFORE:
            at = bisect_left(self._eligible, index)
            if at == len(self._eligible) or self._eligible[at] != index:
                insort(self._eligible, index)

    def _question(self, prefix: int, position: int, part: Part) -> Question:
        task = self.tasks[position]
        query = query_of(task, self.mode)
        author = None if query.author is None else self.people.known(query.author)
        candidates = tuple(index for index in self._eligible if index != author)
        rows: dict[int, list[int]] = {root: [] for root in self._roots(task)}
        for row, index in enumerate(candidates):
            # The whole history numbers people as the walk does: in the order of first sight.
            theirs = rows.get(self._final.find(index))
            if theirs is not None:
                theirs.append(row)
        return Question(
            task=task,
            position=position,
            prefix=prefix,
            history=self.tasks[prefix - 1].sha if prefix else "",
            part=part,
            query=query,
            author=author,
            author_key="" if author is None else self.people.person(author).key,
            candidates=candidates,
            keys=tuple(self.people.person(index).key for index in candidates),
            truth=tuple(map(tuple, rows.values())),
            answers=tuple(self._final.person(root).key for root in rows),
            session_first=self._begins_session(task),
        )

    def _is_asked(self, task: Merged) -> bool:
        if task.by_bot or task.commits > MOST_COMMITS or not task.touches:
            return False
        return bool(self._roots(task))

    def _roots(self, task: Merged) -> list[int]:
        """Right answers by what the whole history knows."""
        author = self._root(task.author)
        if self.mode is Mode.AUTHOR:
            return [author]
        roots = dict.fromkeys(self._root(signature) for signature in task.reviewers)
        return [root for root in roots if root != author]

    def _root(self, signature: Signature) -> int:
        index = self._final.known(signature)
        assert index is not None  # the whole history has been seen
        return index

    def _merge_times(self) -> dict[int, list[int]]:
        times: dict[int, list[int]] = {}
        for task in self.tasks:
            if not task.by_bot:
                times.setdefault(self._root(task.author), []).append(task.merged_s)
        return times

    def _begins_session(self, task: Merged) -> bool:
        times = self._merges[self._root(task.author)]
        start = at_s(task)
        return bisect_left(times, start) == bisect_left(times, start - QUIET_S)


def see(people: People, task: Merged) -> Who:
    """Put a task's people on record; who they are by index, once that is known."""
    people.take(task)
    if task.by_bot:
        return Who(None)
    author = people.see(task.author)
    others = dict.fromkeys(people.see(signature) for signature in task.others)
    reviewers = dict.fromkeys(people.see(signature) for signature in task.reviewers)
    return Who(
        author,
        tuple(index for index in others if index != author),
        tuple(index for index in reviewers if index != author),
    )


def part_of(rank: int, questions: int) -> Part:
    """The part of the `rank`-th of so many questions, in the mainline's order."""
    return next(part for part, end in ENDS.items() if 100 * rank < end * questions)


def at_s(task: Merged) -> int:
    """When a task is asked about: its start, or where a clock was wrong, its merge."""
    return min(task.started_s, task.merged_s)


def query_of(task: Merged, mode: Mode) -> Query:
    """A task of the past as it would have been asked about: paths are those before it."""
    return Query(
        at_s=at_s(task),
        files=tuple(touch.was or touch.path for touch in task.touches),
        text=task.text,
        mode=mode,
        author=task.author if mode is Mode.REVIEWER else None,
    )


def evaluate(
    tasks: Sequence[Merged], mode: Mode, scorer: Scorer, parts: Sequence[Part] = (Part.TEST,)
) -> list[Row]:
    """The scorer's answers to the questions of some parts, in the mainline's order."""
    walk = Walk(tasks, mode)
    found = [
        (question.position, question.row(scorer.scores(question)))
        for question in walk.questions([scorer])
        if question.part in parts
    ]
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def as_json(row: Row, mode: Mode) -> dict[str, Any]:
    """A row of a dump. `truth` is the author's key, or a list of reviewers of whom any is right."""
    found: dict[str, Any] = {
        "task": row.task,
        "at": row.at_s,
        "history": row.history,
        "files": list(row.files),
        "text": row.text,
        "truth": list(row.truth) if mode is Mode.REVIEWER else row.truth[0],
        "covered": row.covered,
        "session_first": row.session_first,
        "confidence": row.confidence,
        "ranking": [list(pair) for pair in row.ranking],
    }
    if mode is Mode.REVIEWER:
        found["author"] = row.author
    return found
