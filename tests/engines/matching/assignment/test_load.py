import numpy as np
import pytest

from engines.matching.assignment.choosing import Options, choose
from engines.matching.assignment.load import Fairness, in_turn, prices
from engines.matching.assignment.probabilities import probabilities
from engines.matching.types import Ranking
from tests.engines.matching.assignment.rankings import LETTERS, ranking

BUSY = Fairness(relief=0.1, budget=0.05, enough=0.3)


def named(rankings: list[Ranking], priced: dict[str, float]) -> list[str]:
    options = Options(0, prices=priced)
    firsts = [choose(one, {}, options).first for one in rankings]
    return [first.person.key for first in firsts if first is not None]


def share_of_three(keys: list[str]) -> float:
    counts = sorted((keys.count(key) for key in set(keys)), reverse=True)
    return sum(counts[:3]) / len(keys)


def drawn(seed: int, tasks: int = 200) -> list[Ranking]:
    """Mostly of the same few, now and then of the others; as sure as they are likely."""
    rng = np.random.default_rng(seed)
    found: list[Ranking] = []
    for _ in range(tasks):
        weights = np.exp(rng.normal([3.0, 2.5, 2.0, 0.5, 0.5, 0.5], 1.0))
        scores = dict(zip(LETTERS, (weights / weights.sum()).tolist(), strict=True))
        found.append(ranking(max(scores.values()), **scores))
    return found


def test_what_hardly_matters_is_moved_and_what_matters_stays() -> None:
    sure = [ranking(0.9, **{letter: 0.9, "d": 0.1}) for letter in "abc" for _ in range(30)]
    close = [ranking(0.5, a=0.5, d=0.4, b=0.1) for _ in range(10)]
    rankings = [*sure, *close]
    priced = prices(rankings, BUSY)
    assert 0.1 < priced["a"] < 0.8
    assert named(sure, priced) == named(sure, {})
    assert named(close, priced) == ["d"] * 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_three_busiest_are_relieved_within_the_budget(seed: int) -> None:
    rankings = drawn(seed, 100)
    for relief, budget in ((0.1, 0.05), (0.3, 0.05), (0.3, 0.01)):
        fairness = Fairness(relief=relief, budget=budget)
        before, after = named(rankings, {}), named(rankings, prices(rankings, fairness))
        chances = [{p.person.key: p.probability for p in probabilities(one)} for one in rankings]
        losses = [of[b] - of[a] for of, b, a in zip(chances, before, after, strict=True)]
        relieved = share_of_three(before) - share_of_three(after)
        assert np.mean(losses) <= budget + 1e-9
        assert relieved > 0.02
        is_reached = relieved >= relief - 1e-9
        assert is_reached or np.mean(losses) > budget / 2


def test_prices_learned_on_some_tasks_hold_for_later_ones() -> None:
    rankings = drawn(7, 600)
    fairness = Fairness(relief=0.15, window=200)
    later = rankings[200:]
    relieved = share_of_three(named(later, {})) - share_of_three(
        named(later, prices(rankings[:200], fairness))
    )
    assert 0.1 < relieved < 0.2


def test_nothing_is_priced_before_there_is_a_stream_or_where_load_is_spread() -> None:
    assert prices(drawn(1, 59)) == {}
    even = [ranking(0.5, **{letter: 1.0}) for letter in LETTERS * 10]
    assert prices(even, Fairness(enough=0.5)) == {}
    assert prices([Ranking((), 0.0)] * 100) == {}
    assert prices([ranking(0.5, a=0.6, b=0.4)] * 100) == {}


def test_only_the_latest_tasks_count_and_their_order_does_not() -> None:
    rankings = drawn(3, 160)
    assert prices(rankings) == prices(rankings[60:])
    assert prices(rankings[60:]) == prices(rankings[:59:-1])


def test_a_stream_is_given_out_at_the_prices_of_what_came_before() -> None:
    rankings = [*drawn(5, 150), Ranking((), 0.0)]
    found = [None if one is None else one.key for one in in_turn(rankings, every=50)]
    assert found[:100] == [
        *named(rankings[:50], {}),
        *named(rankings[50:100], prices(rankings[:50])),
    ]
    assert found[100:] == [*named(rankings[100:], prices(rankings[:100])), None]
    assert found[100:150] != named(rankings[100:150], {})
