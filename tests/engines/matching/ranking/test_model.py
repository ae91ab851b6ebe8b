"""What was learned elsewhere beside what was learned here."""

from pathlib import Path

import numpy as np
import pytest

from engines.matching.ranking.features import measure_names
from engines.matching.ranking.lists import Lists, Solved, joined
from engines.matching.ranking.model import (
    BLENDS,
    LEAST_QUESTIONS,
    read_learned,
    shipped_model,
    write_learned,
)
from engines.matching.ranking.shown import Shown
from engines.matching.ranking.weights import NoWeights
from engines.matching.types import Mode

WIDTH, BLEND = len(measure_names(Mode.AUTHOR)), BLENDS[Mode.AUTHOR]


def _lists(questions: int) -> Lists:
    rng = np.random.default_rng(4)
    found: list[Solved] = []
    for _ in range(questions):
        matrix = rng.normal(size=(5, WIDTH)).astype(np.float32)
        right = int(np.argmax(matrix[:, 3]))
        found.append(Solved(Shown(matrix), np.arange(5) == right, right))
    return joined(found)


@pytest.mark.parametrize("mode", list(Mode))
def test_what_ships_is_of_the_measures_that_are_taken(mode: Mode) -> None:
    model = shipped_model(mode)
    assert len(model.shipped.forests) == 2
    assert len(model.shipped.networks) == 2
    found = model.beliefs(Shown(np.zeros((3, len(measure_names(mode))), np.float32)))
    assert found.tolist() == pytest.approx([1 / 3] * 3)


def test_a_history_teaches_what_others_did_not() -> None:
    taught, unseen = shipped_model(Mode.AUTHOR).taught(_lists(300)), _lists(40)
    assert taught.own is not None
    believed = [taught.own.beliefs(unseen.question(one)[0], BLEND) for one in range(40)]
    assert (1 / unseen.places(np.concatenate(believed))).mean() > 0.9


def test_a_few_questions_teach_nothing() -> None:
    model = shipped_model(Mode.AUTHOR)
    assert model.taught(_lists(LEAST_QUESTIONS - 1)) is model


def test_what_was_learned_is_the_same_after_it_was_kept(tmp_path: Path) -> None:
    own = shipped_model(Mode.AUTHOR).taught(_lists(200)).own
    assert own is not None
    write_learned(own, tmp_path / "own", Mode.AUTHOR, {"lesson": "x"})
    again, facts = read_learned(tmp_path / "own", Mode.AUTHOR)
    shown, _ = _lists(3).question(2)
    assert np.array_equal(again.beliefs(shown, BLEND), own.beliefs(shown, BLEND))
    assert facts["lesson"] == "x"


def test_weights_of_other_measures_are_refused(tmp_path: Path) -> None:
    own = shipped_model(Mode.AUTHOR).shipped
    write_learned(own, tmp_path / "own", Mode.AUTHOR, {})
    with pytest.raises(NoWeights):
        read_learned(tmp_path / "own", Mode.REVIEWER)
    with pytest.raises(NoWeights):
        read_learned(tmp_path / "missing", Mode.AUTHOR)
