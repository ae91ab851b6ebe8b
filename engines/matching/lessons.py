"""What a history teaches: learned from it, or recalled where that was kept.

A lesson takes a minute or two of a large history, and makes answers a little better than what holds
in other histories. Who does not want to wait for it answers without, and has it learned by another
process (`teach`) from the history that is kept in the same folder.
"""

import fcntl
import json
from bisect import bisect_left
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import NamedTuple

from engines.matching.checkpoint import COUNTERS, kept_evidence, save_evidence
from engines.matching.mining.kept import HISTORY, kept_history
from engines.matching.ranking.calibration import Certainty
from engines.matching.ranking.learner import (
    MOST_QUESTIONS,
    Learner,
    Taught,
    last_lesson,
    lesson_needed,
    lessons,
    questions_of,
    replay,
)
from engines.matching.ranking.model import BLENDS, Learned, read_learned, write_learned
from engines.matching.ranking.weights import NoWeights
from engines.matching.recent import (
    RECENT,
    asked_again,
    is_old,
    just_learned,
    kept_recent,
    save_recent,
)
from engines.matching.types import CannotMatch, Merged, Mode
from engines.watch import Unwatched, Watch, watched

MOST_KEPT = 3
"""Lessons of a mode, the newest: branches of one repository have a folder together."""
_NAMED = 16
"""Characters of its commit in a file's name."""


class _Known(NamedTuple):
    """A history, as it is asked about."""

    tasks: Sequence[Merged]
    mode: Mode
    questions: Sequence[int]
    """Positions."""

    @property
    def last(self) -> int:
        """After how many questions the last lesson is; 0 where there is none."""
        return last_lesson(len(self.questions))

    def commit(self, lesson: int) -> str:
        """The task that a lesson is after."""
        return self.tasks[self.questions[lesson - 1]].sha


def learned(
    tasks: Sequence[Merged], mode: Mode, kept: Path | None, watch: Watch, *, waits: bool = True
) -> Learner:
    """Who knows a history. The last lesson is recalled where it was kept; otherwise it is learned
    now, or, for whoever does not wait, an earlier one or none has to do. Raises Stopped.
    """
    known = _Known(tasks, mode, questions_of(tasks, mode))
    lesson = _kept_lesson(known, kept) if kept else None
    if waits and (lesson.lesson if lesson else 0) < known.last:
        learner = _taught(known, watch)
        if kept is not None:
            _keep_lesson(known, learner, kept)
    else:
        learner = _counted(known, kept, watch)
        if lesson is not None:
            learner.recall(lesson)
    if kept is not None:
        save_evidence(learner.evidence, tasks, kept / COUNTERS)
    return learner


def kept_lesson(kept: Path, tasks: Sequence[Merged], mode: Mode) -> Taught | None:
    """The newest lesson of this history that a folder keeps."""
    return _kept_lesson(_Known(tasks, mode, questions_of(tasks, mode)), kept)


def teach(kept: Path, mode: Mode) -> bool:
    """Find out what the history in a folder has to teach by now, and keep it there; False where all
    of it is kept already, or another process is at it. Raises CannotMatch where no history is.
    """
    with _alone(kept, mode) as is_alone:
        if not is_alone:
            return False
        history = kept_history(kept / HISTORY)
        if history is None:
            raise CannotMatch("no history is kept there")
        known = _Known(history.tasks, mode, questions_of(history.tasks, mode))
        lesson = _kept_lesson(known, kept)
        if (lesson.lesson if lesson else 0) < known.last:
            _keep_lesson(known, _taught(known, Unwatched()), kept)
            return True
        if not is_old(kept_recent(known.tasks, kept, mode), known.tasks, known.last):
            return False
        learner = Learner(mode, lessons_from=inf)
        if lesson is not None:
            learner.recall(lesson)
        save_recent(asked_again(known.tasks, learner, Unwatched()), known.tasks, kept, mode)
        return True


@contextmanager
def _alone(kept: Path, mode: Mode) -> Generator[bool]:
    """Whether no other process learns the same while the block lasts."""
    if not (kept / HISTORY).exists():
        raise CannotMatch("no history is kept there")
    with (kept / f"{mode.value}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _taught(known: _Known, watch: Watch) -> Learner:
    first, questions = lesson_needed(len(known.questions)), known.questions
    learner = Learner(known.mode, lessons_from=first)
    number = {position: at for at, position in enumerate(questions, 1)}
    asked = questions[max(first - MOST_QUESTIONS, 0) :]
    for position in watched(replay(known.tasks, learner, asked), watch):
        if number[position] > len(questions) - RECENT:
            learner.ask(known.tasks[position])
        else:
            learner.ask_for_lesson(known.tasks[position], number[position])
    return learner


def _counted(known: _Known, kept: Path | None, watch: Watch) -> Learner:
    """Who has observed a history and learned nothing of it; with the counters that were kept."""
    learner = Learner(known.mode, lessons_from=inf)
    counted = kept_evidence(kept / COUNTERS, known.tasks) if kept else None
    if counted is not None:
        learner.go_on(counted, bisect_left(known.questions, counted.observed))
    for task in watched(known.tasks[learner.evidence.observed :], watch):
        learner.observe(task)
    return learner


# Files


def _kept_lesson(known: _Known, kept: Path) -> Taught | None:
    for number in reversed([*lessons(len(known.questions))]):
        file = kept / _file(known, number)
        if file.exists() and (found := _read(known, number, file)) is not None:
            return found
    return None


def _read(known: _Known, number: int, file: Path) -> Taught | None:
    """None where it is broken, or of an earlier version."""
    try:
        own, facts = read_learned(file, known.mode)
    except NoWeights:
        return None
    if facts.get("lesson") != known.commit(number) or facts.get("blend") != _blend(known.mode):
        return None
    offset, slope, distance = json.loads(facts["terms"])
    return Taught(
        number,
        own if any(own) else None,
        Certainty((offset, slope, distance)),
        tuple(json.loads(facts["notes"])),
    )


def _keep_lesson(known: _Known, learner: Learner, kept: Path) -> None:
    """Unless the folder was removed meanwhile."""
    if not kept.exists():
        return
    facts = {
        "lesson": known.commit(learner.lesson),
        "blend": _blend(known.mode),
        "terms": json.dumps(learner.certainty.terms),
        "notes": json.dumps(learner.model.notes),
    }
    own = learner.model.own or Learned()
    write_learned(own, kept / _file(known, learner.lesson), known.mode, facts)
    save_recent(just_learned(known.tasks, learner), known.tasks, kept, known.mode)
    files = sorted(kept.glob(f"{known.mode.value}.*.safetensors"), key=_written_s)
    for old in files[:-MOST_KEPT]:
        old.unlink(missing_ok=True)


def _file(known: _Known, lesson: int) -> str:
    return f"{known.mode.value}.{known.commit(lesson)[:_NAMED]}.safetensors"


def _blend(mode: Mode) -> str:
    """Certainty is that of one mixture."""
    return json.dumps(BLENDS[mode])


def _written_s(file: Path) -> float:
    return file.stat().st_mtime
