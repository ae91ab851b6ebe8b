"""What is believed of a history's newest tasks: what prices for the busiest are learned from.

Whoever learns a lesson has measured them anyway; for anybody else, finding out is a walk over the
whole history. So it is kept, and serves until there are many that are newer.
"""

import json
from collections.abc import Sequence
from math import inf
from operator import itemgetter
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

import numpy as np

from engines.matching.ranking.learner import Answer, Learner, questions_of, replay
from engines.matching.types import Candidate, Merged, Mode, Person, Ranking
from engines.watch import Watch, watched

RECENT = 100
"""Newest tasks of which it is told what is believed of them."""
_MOST_NEWER = RECENT // 2
_TOLD = 20
"""Candidates of each, the likeliest."""
_FORMAT = 2


class Recent(NamedTuple):
    """What is believed of the newest tasks, each as it stood when it was begun, oldest first."""

    tasks: int
    """How many there were in all."""
    lesson: int
    """After how many questions it was learned how to rank them."""
    rankings: Sequence[Ranking]


def ranking_of(learner: Learner, answer: Answer) -> Ranking:
    """An answer with its people, best first; of equals, who came first."""
    people = learner.evidence.people
    order = np.argsort(-answer.beliefs, kind="stable")
    found = (
        Candidate(people.person(int(answer.candidates[row])), float(answer.beliefs[row]))
        for row in order
    )
    return Ranking(tuple(found), answer.confidence)


def just_learned(tasks: Sequence[Merged], taught: Learner) -> Recent:
    """By whoever has walked over a history and learned from it."""
    answers = [taught.answer(measured) for measured in taught.newest(RECENT)]
    rankings = [_likeliest(ranking_of(taught, one)) for one in answers]
    return Recent(len(tasks), taught.lesson, rankings)


def asked_again(tasks: Sequence[Merged], taught: Learner, watch: Watch) -> Recent:
    """By whoever has not: with what was learned from all of the history, but from what was known
    when each was begun. Raises Stopped.
    """
    learner = Learner(taught.mode, lessons_from=inf)
    learner.model, learner.certainty = taught.model, taught.certainty
    asked = [
        (position, learner.ask(tasks[position]))
        for position in watched(
            replay(tasks, learner, questions_of(tasks, taught.mode)[-RECENT:]), watch
        )
    ]
    answers = [learner.answer(measured) for _, measured in sorted(asked, key=itemgetter(0))]
    rankings = [_likeliest(ranking_of(learner, one)) for one in answers]
    return Recent(len(tasks), taught.lesson, rankings)


def is_old(recent: Recent | None, tasks: Sequence[Merged], lesson: int) -> bool:
    """Whether it is time to find out anew, for whoever knows a history and had a lesson."""
    if recent is None:
        return True
    return recent.lesson < lesson or len(tasks) - recent.tasks > _MOST_NEWER


def save_recent(recent: Recent, tasks: Sequence[Merged], kept: Path, mode: Mode) -> None:
    """Keep it in a folder; a file there is replaced at once."""
    document = {
        "format": _FORMAT,
        "tasks": recent.tasks,
        "lesson": recent.lesson,
        "last": tasks[recent.tasks - 1].sha,
        "rankings": [
            [one.confidence, [[*_told(each)] for each in one.candidates]] for one in recent.rankings
        ],
    }
    with NamedTemporaryFile("w", dir=kept, delete=False, encoding="utf-8") as new:
        json.dump(document, new, separators=(",", ":"))
    Path(new.name).replace(kept / _file(mode))


def kept_recent(tasks: Sequence[Merged], kept: Path, mode: Mode) -> Recent | None:
    """What a folder keeps of this history; None if that is nothing, or written otherwise."""
    try:
        document = json.loads((kept / _file(mode)).read_bytes())
        count = int(document["tasks"])
        if document["format"] != _FORMAT or tasks[count - 1].sha != document["last"]:
            return None
        lesson = int(document["lesson"])
        rankings = [
            Ranking(tuple(Candidate(Person(key, name), score) for key, name, score in some), sure)
            for sure, some in document["rankings"]
        ]
    except (OSError, LookupError, TypeError, ValueError):
        return None
    return Recent(count, lesson, rankings)


def _told(candidate: Candidate) -> tuple[str, str, float]:
    return candidate.person.key, candidate.person.name, candidate.score


def _likeliest(ranking: Ranking) -> Ranking:
    return Ranking(ranking.candidates[:_TOLD], ranking.confidence)


def _file(mode: Mode) -> str:
    return f"recent.{mode.value}.json"
