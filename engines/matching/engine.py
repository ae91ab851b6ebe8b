"""A repository's history, ready to rank its people for a task."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from engines.matching.checkpoint import COUNTERS, save_evidence
from engines.matching.lessons import kept_lesson, learned
from engines.matching.mining.history import History, read_history
from engines.matching.mining.kept import HISTORY, kept_history, save_history
from engines.matching.people import People
from engines.matching.protocol import Part, Row, Walk, Who, at_s, query_of
from engines.matching.ranking.learner import (
    MOST_QUESTIONS,
    Learner,
    Measured,
    last_lesson,
    lesson_needed,
    questions_of,
)
from engines.matching.recent import (
    Recent,
    asked_again,
    is_old,
    kept_recent,
    ranking_of,
    save_recent,
)
from engines.matching.types import CannotMatch, Merged, Mode, Query, Ranking, known_by
from engines.watch import Unwatched, Watch


class Matcher:
    """Made by `open_matcher`; ranks in milliseconds, once it has learned for a mode."""

    def __init__(self, history: History, kept: Path | None, *, waits: bool = True) -> None:
        """Of a history; `kept` is the folder for what was learned."""
        self.history = history
        self._kept = kept
        self._waits = waits
        self._learners: dict[Mode, Learner] = {}
        self._learning = Lock()
        self._recent: dict[Mode, Recent] = {}
        self._wanted: set[Mode] = set()
        """Modes of which `recent` was asked for, and is old."""

    @property
    def tasks(self) -> list[Merged]:
        """The mainline, oldest first."""
        return self.history.tasks

    @property
    def tip(self) -> str:
        """The commit that it ends with."""
        return self.history.tip

    @property
    def people(self) -> People:
        """Everybody in it."""
        return self._learner(Mode.AUTHOR).evidence.people

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know: that the clone is shallow, that nothing could be learned."""
        learned = (note for one in self._learners.values() for note in one.model.notes)
        return tuple(dict.fromkeys((*self.history.notes, *learned)))

    @property
    def behind(self) -> tuple[Mode, ...]:
        """The modes for which `teach` has something to find out that nobody waits for."""
        learners = self._learners.items()
        return tuple(mode for mode, one in learners if one.is_behind or mode in self._wanted)

    def is_untaught(self, mode: Mode) -> bool:
        """Whether people are ranked by what holds in other histories alone."""
        learner = self._learners.get(mode)
        return learner is not None and not learner.lesson

    def begins_with(self, tasks: Sequence[Merged]) -> bool:
        """Whether the mainline is these tasks and what was merged since."""
        count = len(tasks)
        return 0 < count <= len(self.tasks) and self.tasks[count - 1].sha == tasks[-1].sha

    def take_over(self, earlier: "Matcher") -> None:
        """Go on from what an earlier one of the same mainline knows, unless it is time for a
        lesson that is waited for. The earlier one forgets it, and has to be one that waits as this.
        """
        if earlier._waits != self._waits:
            raise ValueError("who waits for lessons knows what others do not")
        count = len(earlier.tasks)
        for mode, learner in earlier._learners.items():
            questions = len(questions_of(self.tasks, mode))
            if not self._waits or learner.lesson == last_lesson(questions):
                for task in self.tasks[count:]:
                    learner.observe(task)
                self._learners[mode] = learner
                if self._kept is not None:
                    save_evidence(learner.evidence, self.tasks, self._kept / COUNTERS)
                if mode in earlier._recent:
                    self._recent[mode] = earlier._recent[mode]
        earlier._learners.clear()

    def learn(self, mode: Mode, watch: Watch) -> None:
        """Be ready for a mode; otherwise the first question waits. Raises Stopped."""
        self._learner(mode, watch)

    def catch_up(self) -> None:
        """Take in lessons that somebody else has learned since."""
        self._wanted.clear()
        if self._kept is None:
            return
        for mode in self.behind:
            taught, learner = kept_lesson(self._kept, self.tasks, mode), self._learners[mode]
            if taught is not None and taught.lesson > learner.lesson:
                learner.recall(taught)

    def rank(self, query: Query) -> Ranking:
        """Everybody who is a candidate, best first; nobody where nobody is."""
        learner = self._learner(query.mode)
        return ranking_of(learner, learner.answer(learner.measure(query)))

    def recent(self, mode: Mode, watch: Watch | None = None) -> Sequence[Ranking]:
        """What is believed of the newest tasks, each as it stood when it was begun, oldest first:
        what `assignment.load.prices` learns from. Of each, the likeliest 20 candidates.

        It is kept with a lesson, and serves until there are many newer tasks. Then finding out is
        another walk over the history, for which nobody waits who does not wait for lessons: what is
        there, if anything is, has to do until it was taught. Raises Stopped.
        """
        learner, kept = self._learner(mode, watch), self._kept
        found = self._recent.get(mode)
        if kept is not None and is_old(found, self.tasks, learner.lesson):
            found = kept_recent(self.tasks, kept, mode) or found
        if is_old(found, self.tasks, learner.lesson):
            if self._waits:
                found = asked_again(self.tasks, learner, watch or Unwatched())
                if kept is not None:
                    save_recent(found, self.tasks, kept, mode)
            else:
                self._wanted.add(mode)
        if found is None:
            return ()
        self._recent[mode] = found
        return found.rankings

    def _learner(self, mode: Mode, watch: Watch | None = None) -> Learner:
        watch = watch or Unwatched()
        with self._learning:
            learner = self._learners.get(mode)
            if learner is None:
                watch.report("learning from the history" if self._waits else "counting the history")
                learner = self._learners[mode] = learned(
                    self.tasks, mode, self._kept, watch, waits=self._waits
                )
        return learner


def open_matcher(
    repository: Path,
    at: str = "HEAD",
    *,
    kept: Path | None = None,
    watch: Watch | None = None,
    earlier: Matcher | None = None,
    waits: bool = True,
) -> Matcher:
    """Read a git directory, bare or not, up to a commit, and be ready to rank.

    `kept` is a folder that holds what was read and learned, from run to run: with it, only what is
    new is read, and learned from once there is enough of it. `earlier` is a matcher of the same
    repository that is not needed any more: what it knows need not be found out again. One that does
    not wait ranks with what was learned so far; `Matcher.behind` says whether there is more to it.

    Raises:
        CannotMatch: There is nothing to rank from; says why.
        Stopped: The watch asked for it.
    """
    watch = watch or Unwatched()
    file = kept / HISTORY if kept else None
    before = earlier.history if earlier else kept_history(file) if file else None
    history = read_history(repository, at, before=before, watch=watch)
    if not history.tasks:
        raise CannotMatch("there is nothing in this history: no commit changes a file")
    if file is not None and history is not before:
        history = save_history(history, file)
    matcher = Matcher(history, kept, waits=waits)
    if earlier is not None and matcher.begins_with(earlier.tasks):
        matcher.take_over(earlier)
    return matcher


def evaluated(tasks: Sequence[Merged], mode: Mode) -> list[Row]:
    """The last part of a history, each task asked about as it stood when it was begun."""
    walk = Walk(tasks, mode)
    questions = questions_of(tasks, mode)
    prefixes = {position: known_by(tasks, at_s(tasks[position])) for position in questions}
    known = min((prefixes[position] for position in walk.positions(Part.TEST)), default=0)
    first = lesson_needed(bisect_left(questions, known))
    begin = max(first - MOST_QUESTIONS, 0)
    learner = Learner(mode, lessons_from=first)
    numbered = [
        _Numbered(prefixes[questions[at]], at + 1, tasks[questions[at]])
        for at in range(begin, len(questions))
    ]
    following = _Following(learner, deque(sorted(numbered)))
    rows: list[tuple[int, Row]] = []
    for question in walk.questions([following]):
        following.ask()
        if question.part is Part.TEST:
            measured = following.measured.get(question.task.sha)
            answer = learner.answer(measured or learner.measure(query_of(question.task, mode)))
            rows.append((question.position, question.row(answer.beliefs, answer.confidence)))
    return [row for _, row in sorted(rows, key=itemgetter(0))]


class _Numbered(NamedTuple):
    """A question of the history, before which so many tasks are known."""

    prefix: int
    number: int
    """The first of the history is 1."""
    task: Merged


@dataclass
class _Following:
    """Lets a learner see what a walk sees, and ask itself what it would without the walk, which
    passes over tasks by what the history proves only later. It finds out for itself who is who.
    """

    learner: Learner
    waiting: deque[_Numbered]
    """What it has to ask itself yet, in order."""
    measured: dict[str, Measured] = field(default_factory=dict[str, Measured])
    """By the task's commit, until it was merged."""

    def ask(self) -> None:
        """Measure what is asked about what is known now."""
        while self.waiting and self.waiting[0].prefix <= self.learner.evidence.observed:
            _, number, task = self.waiting.popleft()
            measured = self.learner.ask_for_lesson(task, number)
            if measured is not None:
                self.measured[task.sha] = measured

    def observe(self, task: Merged, who: Who) -> None:
        """The next task."""
        del who
        self.ask()
        self.measured.pop(task.sha, None)
        self.learner.observe(task)

    def join(self, kept: int, gone: int) -> None:
        """The learner knows."""
