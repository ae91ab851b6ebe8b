"""Reads a history task by task, asks itself about each, and learns from the answers.

What it knows after a task is a function of the mainline up to that task. It learns anew each time
the history has grown by some, so that a walk over the whole history and a question about its
beginning find the same weights.
"""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from engines.matching.mining.scrub import scrub
from engines.matching.protocol import MOST_COMMITS, at_s, query_of
from engines.matching.ranking.asked import asked_of
from engines.matching.ranking.calibration import Certainty, Outcome, fit_certainty, tempered
from engines.matching.ranking.features import measures_of
from engines.matching.ranking.lists import Flags, Solved, joined
from engines.matching.ranking.model import Learned, Model, shipped_model
from engines.matching.ranking.precedents import precedents_of
from engines.matching.ranking.shown import Shown
from engines.matching.state.evidence import Evidence
from engines.matching.state.table import Floats, Ints
from engines.matching.types import Merged, Mode, Query, known_by

FIRST_LESSON = 250
"""Questions after which a history teaches something of its own."""
LEAST_APART, GROWTH = 250, 20
"""Between two lessons lie so many questions, or a twentieth of all so far."""
MOST_QUESTIONS = 2_500
_LONGEST_TEXT = 20_000
"""Characters of a question; a task of the past has a thousand at most."""
MOST_RANKED = 250
"""Candidates; whoever has not worked for long, and nowhere near the task, comes behind them all."""
MOST_ROWS = 150_000
"""Of the newest, that a lesson is made of."""


@dataclass(frozen=True)
class Measured:
    """A question with what was measured of its candidates when it was asked."""

    candidates: Ints
    """Who was measured: at most `MOST_RANKED`."""
    shown: Shown
    others: Ints
    """Candidates who are too unlikely to be ranked among so many."""


@dataclass(frozen=True)
class Answer:
    """What the ranker believes of a question."""

    candidates: Ints
    """Ascending."""
    beliefs: Floats
    """(candidates,) Adding up to 1."""
    confidence: float
    """That the one believed in most is the one; 0 where there is nobody."""


class Taught(NamedTuple):
    """What a lesson taught."""

    lesson: int
    """After how many questions it was."""
    own: Learned | None
    """None where too few questions had an answer."""
    certainty: Certainty
    notes: tuple[str, ...]
    """Of what could not be learned."""


class Learner:
    """Knows one history up to the task that was observed last."""

    def __init__(self, mode: Mode, *, lessons_from: float = 0) -> None:
        """Begin with what was learned from other histories.

        Lessons before so many questions are left out, where nobody will ask what they taught.
        """
        self.mode = mode
        self.evidence = Evidence()
        self.model: Model = shipped_model(mode)
        self.certainty = Certainty()
        self.lesson = 0
        """After how many questions it learned what it believes of this history; 0 if it did not."""
        self._lessons_from = lessons_from
        self._asked: dict[str, Measured] = {}
        self._answered: deque[_Answered] = deque(maxlen=MOST_QUESTIONS)
        self._count = 0
        self._last_lesson, self._next_lesson = 0, FIRST_LESSON

    def measure(self, query: Query) -> Measured:
        """What a question's candidates have to show."""
        text = scrub(query.text[:_LONGEST_TEXT], self.evidence.names)
        query = replace(query, text=text)
        candidates = np.array(self.evidence.candidates(query), np.int64)
        asked = asked_of(self.evidence, query, candidates.tolist())
        measures = measures_of(asked)
        near = measures.likeliest(MOST_RANKED)
        others = np.delete(candidates, near)
        candidates = candidates[near]
        precedents = precedents_of(asked, self.evidence.row_of(candidates.tolist()))
        return Measured(candidates, Shown(measures.matrix()[near], precedents), others)

    def ask(self, task: Merged) -> Measured:
        """Measure a task of the history as it is begun, to learn from it once it is merged."""
        measured = self._asked[task.sha] = self.measure(query_of(task, self.mode))
        return measured

    def ask_for_lesson(self, task: Merged, number: int) -> Measured | None:
        """The same for the question of a number, the first of the history being 1; None where the
        next lesson has no room for it, so that it need not be measured.
        """
        candidates = len(self.evidence.candidates(query_of(task, self.mode)))
        newer = next_lesson(number) - number
        if newer * min(candidates, MOST_RANKED) > MOST_ROWS:
            return None
        return self.ask(task)

    def answer(self, measured: Measured) -> Answer:
        """Say who it is."""
        if not len(measured.candidates):
            return Answer(measured.candidates, np.zeros(0), 0.0)
        believed = self.model.beliefs(measured.shown)
        confidence = self.certainty.of(*_two_best(believed))
        everybody = np.concatenate([measured.candidates, measured.others])
        beliefs = np.zeros(len(everybody))
        beliefs[: len(believed)] = tempered(believed, confidence)
        order = np.argsort(everybody)
        return Answer(everybody[order], beliefs[order], confidence)

    def newest(self, count: int) -> list[Measured]:
        """The newest of the questions that it asked itself and that were answered, oldest first."""
        return [one.measured for one in self._answered][-count:]

    def observe(self, task: Merged) -> None:
        """The next task of the mainline has been merged."""
        self.evidence.observe(task)
        measured = self._asked.pop(task.sha, None)
        if not is_asked(task, self.mode):
            return
        self._count += 1
        if measured is not None:
            self._answered.append(_Answered(task, measured, self._count))
        if self._count == self._next_lesson:
            if self._count >= self._lessons_from:
                self._learn()
            self._last_lesson, self._next_lesson = self._count, lesson_after(self._count)

    def recall(self, taught: Taught) -> None:
        """Know what a lesson taught."""
        self.model = replace(self.model, own=taught.own, notes=taught.notes)
        self.certainty, self.lesson = taught.certainty, taught.lesson

    @property
    def is_behind(self) -> bool:
        """Whether a lesson was due that it has not had."""
        return self.lesson < self._last_lesson

    def go_on(self, evidence: Evidence, questions: int) -> None:
        """Know what was observed before, so many questions among it, without asking any again."""
        self.evidence = evidence
        self._count, self._last_lesson = questions, last_lesson(questions)
        self._next_lesson = lesson_after(self._last_lesson) if self._last_lesson else FIRST_LESSON

    def _learn(self) -> None:
        lists, outcomes = self._labelled()
        self.certainty, self.lesson = fit_certainty(outcomes), self._count
        if lists:
            self.model = self.model.taught(joined(lists))

    def _labelled(self) -> tuple[list[Solved], list[Outcome]]:
        """The newest questions that have an answer, oldest first; and what the model of the last
        lesson, which has not seen them, said of those since.
        """
        lists: list[Solved] = []
        outcomes: list[Outcome] = []
        rows = 0
        for task, measured, number in reversed(self._answered):
            if number <= self._count - MOST_QUESTIONS:
                break
            truth = self.truth(task, measured.candidates)
            if not truth.any():
                continue
            if number > self._last_lesson:
                outcomes.append(self._outcome(measured, truth))
            rows += len(truth)
            if rows > MOST_ROWS:
                break
            person = int(measured.candidates[int(np.argmax(truth))])
            lists.append(Solved(measured.shown, truth, person))
        return lists[::-1], outcomes[::-1]

    def truth(self, task: Merged, candidates: Ints) -> Flags:
        """(candidates,) Who of them did a task, or reviewed it, as far as is known by now."""
        people = self.evidence.people
        who = (task.author,) if self.mode is Mode.AUTHOR else task.reviewers
        right = {people.known(signature) for signature in who}
        return np.array([people.find(int(person)) in right for person in candidates], bool)

    def _outcome(self, measured: Measured, truth: Flags) -> Outcome:
        believed = self.model.beliefs(measured.shown)
        first, second = _two_best(believed)
        return Outcome(first, second, bool(truth[int(np.argmax(believed))]))


class _Answered(NamedTuple):
    """A question whose task has been merged."""

    task: Merged
    measured: Measured
    number: int
    """Which of the questions it was."""


def is_asked(task: Merged, mode: Mode) -> bool:
    """Whether a task of the past is a question: somebody's work, of a size that one can take."""
    if task.by_bot or task.commits > MOST_COMMITS or not task.touches:
        return False
    return mode is Mode.AUTHOR or bool(task.reviewers)


def questions_of(tasks: Sequence[Merged], mode: Mode) -> list[int]:
    """Positions of the tasks that are questions."""
    return [position for position, task in enumerate(tasks) if is_asked(task, mode)]


def lesson_after(count: int) -> int:
    """After how many questions there is the next lesson."""
    return count + max(LEAST_APART, count // GROWTH)


def next_lesson(count: int) -> int:
    """After how many questions the next lesson is, if that is not now."""
    following = FIRST_LESSON
    while following < count:
        following = lesson_after(following)
    return following


def lessons(count: int) -> Iterator[int]:
    """After how many questions there are lessons, of so many."""
    following = FIRST_LESSON
    while following <= count:
        yield following
        following = lesson_after(following)


def last_lesson(count: int) -> int:
    """After how many questions the latest lesson was, of so many; 0 where there was none."""
    return max(lessons(count), default=0)


def lesson_needed(count: int) -> int:
    """The first lesson that bears on what is believed after so many questions: the one before the
    last, by whose errors the last one knows how sure to be.
    """
    return last_lesson(last_lesson(count) - 1)


def replay(tasks: Sequence[Merged], learner: Learner, asked: Collection[int]) -> Iterator[int]:
    """Walk a history with a learner that knows nothing of it. Each of some positions is given when
    that task was begun, to ask about it; afterwards the learner knows all of the history.
    """
    order = sorted((known_by(tasks, at_s(tasks[position])), position) for position in asked)
    known = 0
    for prefix, position in order:
        for task in tasks[known:prefix]:
            learner.observe(task)
        known = prefix
        yield position
    for task in tasks[known:]:
        learner.observe(task)


def _two_best(believed: Floats) -> tuple[float, float]:
    if len(believed) == 1:
        return float(believed[0]), 0.0
    second, first = np.partition(believed, -2)[-2:]
    return float(first), float(second)
