"""Today's best: what a linear listwise ranker and LightGBM make of the pair features of one history.

Trained on the protocol's training part, told apart and heated on its stopping part, never trained
again. What is trained has seen the merges of the training part, some of them later than the start
of the first tasks that are tested: a little more than may be known, in the reference's favour.
"""

from collections.abc import Callable, Mapping
from time import process_time

import numpy as np

from engines.matching.metrics import summary
from engines.matching.protocol import Floats, Part, Question, Walk
from tests.benchmarks.matching.answers import Answers, Setting, believed
from tests.benchmarks.matching.learners import (
    Examples,
    Ranker,
    examples_of,
    fit_boosted,
    fit_linear,
    temperature,
)
from tests.benchmarks.matching.pair_features import PairFeatures

LINEAR, BOOSTED = "linear (reference)", "LightGBM (reference)"
BETTER = "the better reference of each"


def reference(setting: Setting) -> dict[str, Answers]:
    """Both learners' answers; none where a part of the history has no question to learn from."""
    begun_s = process_time()
    collected = _collected(setting)
    features_ms = 1000 * (process_time() - begun_s) / max(sum(map(len, collected.values())), 1)
    training, stopping = (_examples(collected[part]) for part in (Part.TRAINING, Part.STOPPING))
    if training is None or stopping is None:
        return {}
    fits: dict[str, Callable[[], Ranker]] = {
        LINEAR: lambda: fit_linear(training, stopping),
        BOOSTED: lambda: fit_boosted(training, stopping, setting.seed),
    }
    found: dict[str, Answers] = {}
    for name, fit in fits.items():
        begun_s = process_time()
        ranker = fit()
        heat = temperature(stopping, ranker.scores(stopping))
        training_s = process_time() - begun_s
        found[name] = _answers(collected[Part.TEST], ranker, heat)
        found[name].training_s = training_s
        found[name].cpu_ms = [features_ms + ms for ms in found[name].cpu_ms]
    return found


def better(everybody: Mapping[str, Answers]) -> dict[str, Answers]:
    """The learner that answered better on a repository, chosen afterwards: the bar."""
    both = [everybody[name] for name in (LINEAR, BOOSTED) if name in everybody]
    return {BETTER: max(both, key=lambda answers: summary(answers.rows).mrr)} if both else {}


Collected = dict[Part, list[tuple[Question, Floats]]]


def _collected(setting: Setting) -> Collected:
    found: Collected = {part: [] for part in Part}
    features = PairFeatures(setting.mode)
    for question in Walk(setting.tasks, setting.mode).questions([features]):
        wanted = question.part is Part.TEST or question.covered
        if wanted and question.part is not Part.WARM_UP:
            columns = features.features(question) if question.candidates else {}
            matrix = np.stack([*columns.values()], axis=1) if columns else np.empty((0, 0))
            found[question.part].append((question, matrix))
    return found


def _examples(collected: list[tuple[Question, Floats]]) -> Examples | None:
    right = [[row for rows in question.truth for row in rows] for question, _ in collected]
    return examples_of([matrix for _, matrix in collected], right) if collected else None


def _answers(collected: list[tuple[Question, Floats]], ranker: Ranker, heat: float) -> Answers:
    answers = Answers()
    for question, matrix in sorted(collected, key=lambda pair: pair[0].position):
        begun_s = process_time()
        scores = np.empty(0)
        if len(matrix):
            scores = heat * ranker.scores(examples_of([matrix], [[]]))
        answers.cpu_ms.append(1000 * (process_time() - begun_s))
        answers.rows.append(believed(question, scores))
    return answers
