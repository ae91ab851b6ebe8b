"""Which tasks are alike: TF-IDF, computed by hand."""

import math

import pytest

from engines.matching.state.similar import Similar


def test_a_task_of_the_same_rare_words_is_the_nearest() -> None:
    similar = Similar()
    for words in (["fix", "parser"], ["fix", "socket"], ["fix", "docs"], ["fix", "docs"]):
        similar.add(words)
    alike = similar.alike(["fix", "socket"])
    by_task = dict(zip(alike.tasks.tolist(), alike.scores.tolist(), strict=True))
    assert max(by_task, key=by_task.__getitem__) == 1
    assert set(by_task) == {0, 1, 2, 3}


def test_scores_are_products_of_what_was_known_of_the_words() -> None:
    similar = Similar()
    similar.add(["a"])
    similar.add(["a", "b"])
    rare_a, rare_b = math.log(4 / 2), math.log(4 / 1)
    norm_then = math.hypot(math.log(3 / 2), math.log(3 / 1))
    alike = similar.alike(["b", "new"])
    assert alike.tasks.tolist() == [1]
    assert alike.scores.tolist() == pytest.approx([rare_b**2 / (norm_then * rare_b)])
    assert similar.rarity("a") == pytest.approx(rare_a)
    assert similar.rarity("new") == 0.0


def test_nothing_is_like_a_question_without_words() -> None:
    similar = Similar()
    similar.add(["a"])
    similar.add([])
    assert not len(similar.alike([]).tasks)
