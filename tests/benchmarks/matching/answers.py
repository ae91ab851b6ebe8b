"""What is measured of one history, and everybody's answers to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import process_time

import numpy as np

from engines.matching.mining.history import read_history
from engines.matching.protocol import Floats, Observer, Part, Question, Row, Scorer, Walk
from engines.matching.types import Merged, Mode
from tests.benchmarks.matching.blame import Blame, Lines, read_changes
from tests.benchmarks.matching.heuristics import (
    Activity,
    AuthorPair,
    FileExperience,
    FileOwner,
    FolderOwner,
    FrozenOwners,
)
from tests.benchmarks.matching.likeness import PathLikeness, WordNeighbours
from tests.benchmarks.matching.watching import LONG_D, SHORT_D


@dataclass
class Answers:
    """One method's answers to the test part, in the mainline's order."""

    rows: list[Row] = field(default_factory=list[Row])
    cpu_ms: list[float] = field(default_factory=list[float])
    """Of each answer."""
    training_s: float = 0.0
    """CPU seconds."""


@dataclass(frozen=True)
class Setting:
    """A history that is asked about."""

    repository: Path
    mode: Mode
    tasks: Sequence[Merged]
    tip: str
    seed: int

    @property
    def name(self) -> str:
        """Of the repository's folder; of the one around it where that is called "repo"."""
        path = self.repository.resolve()
        return path.parent.name if path.name in {"repo", ".git"} else path.name

    @cached_property
    def frozen_at(self) -> int:
        """Tasks of the mainline that are known at the first test question."""
        questions = Walk(self.tasks, self.mode).questions([])
        return min(
            (question.prefix for question in questions if question.part is Part.TEST), default=0
        )


def setting_of(repository: Path, mode: Mode, seed: int) -> Setting:
    """Read a history; raises CannotMatch."""
    history = read_history(repository)
    return Setting(repository, mode, history.tasks, history.tip, seed)


def heuristics(setting: Setting) -> dict[str, Answers]:
    """Every single heuristic, in one walk."""
    lines = Lines(read_changes(setting.repository, setting.tip))
    scorers = scorers_of(setting, lines)
    return asked(setting, scorers, [lines, *scorers.values()])


def scorers_of(setting: Setting, lines: Lines) -> dict[str, Scorer]:
    """By the names that the tables use; the order is theirs too."""
    mode = setting.mode
    found: dict[str, Scorer] = {
        "active, 30 days": Activity(mode, SHORT_D),
        "active, 180 days": Activity(mode, LONG_D),
        "most active ever": Activity(mode),
        "file owner": FileOwner(mode),
        "directory owner": FolderOwner(mode),
        "RevFinder-like": PathLikeness(mode),
        "cHRev-like": FileExperience(mode),
        "TF-IDF": WordNeighbours(mode),
        "TF-IDF, recent": WordNeighbours(mode, recent=True),
        "frozen owners": FrozenOwners(mode, setting.frozen_at),
        "blame of files": Blame(mode, lines, changed_only=False),
        "blame of changed lines": Blame(mode, lines, changed_only=True),
    }
    if mode is Mode.REVIEWER:
        found["author pair"] = AuthorPair(mode)
    return found


def asked(
    setting: Setting, scorers: Mapping[str, Scorer], observers: Sequence[Observer]
) -> dict[str, Answers]:
    """The scorers' answers; each knows what its observers have seen."""
    found = {name: Answers() for name in scorers}
    order: list[int] = []
    for question in Walk(setting.tasks, setting.mode).questions(observers):
        if question.part is Part.TEST:
            order.append(question.position)
            for name, scorer in scorers.items():
                begun_s = process_time()
                scores = scorer.scores(question)
                found[name].cpu_ms.append(1000 * (process_time() - begun_s))
                found[name].rows.append(question.row(scores))
    for answers in found.values():
        answers.rows = [answers.rows[at] for at in np.argsort(order).tolist()]
    return found


def believed(question: Question, logits: Floats) -> Row:
    """An answer whose scores are the softmax of the logits, and its confidence the largest."""
    if not len(logits):
        return question.row(logits, 0.0)
    raised = np.exp(logits - logits.max())
    beliefs = raised / raised.sum()
    return question.row(beliefs, float(beliefs.max()))


Method = Callable[[Setting], dict[str, Answers]]
