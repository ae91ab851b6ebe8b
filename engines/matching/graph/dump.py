"""A graph ranker's answers to a whole history, each out of fold, for those who learn from them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.matching.graph.ranker import GraphRanker
from engines.matching.graph.settings import GraphConfig
from engines.matching.protocol import Question, Row, Walk
from engines.matching.types import Merged, Mode


@dataclass(frozen=True, slots=True)
class Answer:
    """To one task, from the weights and the graph of tasks before it."""

    question: Question
    row: Row
    """Scores are log-probabilities over the candidates."""


def answers(tasks: Sequence[Merged], mode: Mode, config: GraphConfig) -> Iterator[Answer]:
    """One for each task that the protocol asks about, in the order of what is known."""
    walk, ranker = Walk(tasks, mode), GraphRanker(mode, config)
    for question in walk.questions([ranker]):
        scores = ranker.scores(question.query, question.candidates, question.author)
        yield Answer(question, question.row(scores))


def write_answers(found: Sequence[Answer], path: Path) -> None:
    """Write a line of JSON for each task: its commit, and the score of each candidate by key."""
    with path.open("w") as file:
        for answer in found:
            row = answer.row
            json.dump({"task": row.task, "scores": dict(row.ranking)}, file)
            file.write("\n")
