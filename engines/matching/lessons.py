"""What a history teaches: learned from it, or recalled where that was kept.

A lesson takes a minute or two of a large history, and makes answers a little better than what holds
in other histories. Who does not want to wait for it answers without, and has it learned by another
process (`teach`) from the history that is kept in the same folder.
"""

import fcntl
import json
from bisect import bisect_left
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

from engines.matching.checkpoint import COUNTERS, kept_evidence, save_evidence
from engines.matching.mining.kept import kept_history
from engines.matching.ranking.calibration import Certainty
from engines.matching.ranking.learner import (
    MOST_QUESTIONS,
    Learner,
    last_lesson,
    lesson_needed,
    lessons,
    questions_of,
    replay,
)
from engines.matching.ranking.model import Learned, read_learned, write_learned
from engines.matching.ranking.weights import NoWeights
from engines.matching.recent import just_learned, save_recent
from engines.matching.types import CannotMatch, Merged, Mode
from engines.watch import Unwatched, Watch, watched

HISTORY = "history.json"
"""What the file of a history is called in a folder that keeps it."""
_LOCK = "lesson.lock"


class Lesson(NamedTuple):
    """What was learned after so many questions."""

    number: int
    own: Learned | None
    """None where too few questions had an answer."""
    certainty: Certainty


def learned(
    tasks: Sequence[Merged], mode: Mode, kept: Path | None, watch: Watch, *, waits: bool = True
) -> Learner:
    """Who knows a history. The last lesson is recalled where it was kept; otherwise it is learned
    now, or, for whoever does not wait, an earlier one or none has to do. Raises Stopped.
    """
    questions = questions_of(tasks, mode)
    lesson = kept_lesson(kept, tasks, mode) if kept else None
    if waits and (lesson.number if lesson else 0) < last_lesson(len(questions)):
        learner = _taught(tasks, mode, questions, watch)
        if kept is not None:
            _keep_lesson(learner, tasks, questions, kept)
    else:
        learner = _counted(tasks, mode, kept, watch)
        if lesson is not None:
            learner.recall(lesson.own, lesson.certainty, lesson.number)
    if kept is not None:
        save_evidence(learner.evidence, tasks, kept / COUNTERS)
    return learner


def kept_lesson(kept: Path, tasks: Sequence[Merged], mode: Mode) -> Lesson | None:
    """The lesson that a folder keeps; None where it is of another history, or of an earlier
    version.
    """
    try:
        own, facts = read_learned(kept / _file(mode), mode)
    except NoWeights:
        return None
    questions = questions_of(tasks, mode)
    numbers = {tasks[questions[one - 1]].sha: one for one in lessons(len(questions))}
    number = numbers.get(facts.get("lesson", ""))
    if number is None:
        return None
    offset, slope, distance = json.loads(facts["terms"])
    return Lesson(number, own if any(own) else None, Certainty((offset, slope, distance)))


def teach(kept: Path, mode: Mode) -> bool:
    """Learn what the history in a folder has to teach by now, and keep it there; False where that
    is kept already, or somebody else is learning it. Raises CannotMatch where no history is.
    """
    history = kept_history(kept / HISTORY)
    if history is None:
        raise CannotMatch("no history is kept there")
    with (kept / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        tasks = history.tasks
        questions = questions_of(tasks, mode)
        lesson = kept_lesson(kept, tasks, mode)
        if (lesson.number if lesson else 0) == last_lesson(len(questions)):
            return False
        learner = _taught(tasks, mode, questions, Unwatched())
        _keep_lesson(learner, tasks, questions, kept)
    return True


def _taught(tasks: Sequence[Merged], mode: Mode, questions: list[int], watch: Watch) -> Learner:
    first = lesson_needed(len(questions))
    learner = Learner(mode, lessons_from=first)
    number = {position: at for at, position in enumerate(questions, 1)}
    asked = questions[max(first - MOST_QUESTIONS, 0) :]
    for position in watched(replay(tasks, learner, asked), watch):
        learner.ask_for_lesson(tasks[position], number[position])
    return learner


def _counted(tasks: Sequence[Merged], mode: Mode, kept: Path | None, watch: Watch) -> Learner:
    """Who has observed a history and learned nothing of it; with the counters that were kept."""
    learner = Learner(mode, lessons_from=inf)
    counted = kept_evidence(kept / COUNTERS, tasks) if kept else None
    if counted is not None:
        learner.go_on(counted, bisect_left(questions_of(tasks, mode), counted.observed))
    for task in watched(tasks[learner.evidence.observed :], watch):
        learner.observe(task)
    return learner


def _keep_lesson(
    learner: Learner, tasks: Sequence[Merged], questions: Sequence[int], kept: Path
) -> None:
    lesson, own = tasks[questions[learner.lesson - 1]], learner.model.own
    facts = {"lesson": lesson.sha, "terms": json.dumps(learner.certainty.terms)}
    write_learned(own or Learned(), kept / _file(learner.mode), learner.mode, facts)
    save_recent(just_learned(tasks, learner), tasks, kept, learner.mode)


def _file(mode: Mode) -> str:
    return f"{mode.value}.safetensors"
