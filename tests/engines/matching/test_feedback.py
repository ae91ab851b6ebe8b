"""What people decided about earlier tasks, as evidence for the next ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.matching.feedback import About, Count, Feedback, Tried, about, rarity_in, words_of
from engines.matching.knowledge import Knowledge
from engines.matching.people import People
from engines.matching.types import Ranking
from tests.engines.matching.assignment.rankings import LETTERS, ranking, rankings
from tests.engines.matching.histories import DAY_S, task

NOW_S = 1_000 * DAY_S
ASKED = ranking(0.5, a=0.5, b=0.3, c=0.2)
GATEWAY = about(("src/gateway/a.py",), ())
OTHER = about(("docs/index.md",), ())


def plain(key: str) -> float:
    """Everything tells as much as everything else."""
    del key
    return 1.0


def tried(
    what: About,
    *,
    right: str | None = None,
    declined: Mapping[str, float] | None = None,
    days_ago: float = 0.0,
    took_days: float = 0.0,
    named: str = "a",
) -> Tried:
    """A suggestion of the three that was decided so many days ago, some time after it was asked."""
    decided_s = NOW_S - int(days_ago * DAY_S)
    return Tried(
        asked_s=decided_s - int(took_days * DAY_S),
        decided_s=decided_s,
        about=what,
        believed={"a": 0.5, "b": 0.3, "c": 0.2},
        named=named,
        right=right,
        declined=declined or {},
    )


def scores(found: Ranking) -> dict[str, float]:
    return {one.person.key: one.score for one in found.candidates}


def adjusted(*past: Tried, what: About = GATEWAY, asked: Ranking = ASKED) -> Ranking:
    return Feedback(past, plain).adjusted(asked, what, NOW_S)


def test_without_anything_to_learn_from_the_ranking_is_the_very_same() -> None:
    assert adjusted() is ASKED
    assert adjusted(tried(OTHER, right="b")) is ASKED, "nothing like it"
    assert adjusted(tried(GATEWAY, right="z")) is ASKED, "nobody who is a candidate"
    assert adjusted(tried(GATEWAY, declined={"a": 0.0})) is ASKED, "only no time"
    nobody = Ranking((), 0.0)
    assert adjusted(tried(GATEWAY, right="a"), asked=nobody) is nobody


def test_whoever_declined_such_a_task_as_not_theirs_comes_after_who_did_not() -> None:
    found = adjusted(tried(GATEWAY, declined={"a": 1.0}))
    fifth = 0.5 * exp(-3.0 / 2)
    assert [one.person.key for one in found.candidates] == ["b", "c", "a"]
    assert scores(found)["a"] == pytest.approx(fifth / (fifth + 0.5))
    assert found.confidence == found.candidates[0].score


def test_what_is_said_fades_by_half_in_ninety_days() -> None:
    found = adjusted(tried(GATEWAY, declined={"a": 1.0}, days_ago=90.0))
    less = 0.5 * exp(-3.0 * 0.5 / 1.5)
    assert scores(found)["a"] == pytest.approx(less / (less + 0.5))


def test_whoever_took_such_a_task_gains_and_a_second_one_adds_less() -> None:
    once = scores(adjusted(tried(GATEWAY, right="b")))
    more = 0.3 * exp(0.5)
    assert once["b"] == pytest.approx(more / (more + 0.7))
    twice = scores(adjusted(*[tried(GATEWAY, right="b")] * 2))
    more = 0.3 * exp(2 / 3)
    assert twice["b"] == pytest.approx(more / (more + 0.7))


def test_what_was_decided_later_says_nothing() -> None:
    assert adjusted(tried(GATEWAY, right="b", days_ago=-1.0)) is ASKED


@pytest.mark.parametrize(
    ("what", "shared"),
    [
        (about(("src/gateway/a.py",), ()), 1.0),
        (about(("src/gateway/b.py",), ()), 2 / 3),
        (about(("src/parser.py",), ()), 1 / 6**0.5),
        (about(("src/gateway/a.py",), ("socket", "drop")), 1.0),
        (about((), ("socket",)), 0.0),
    ],
)
def test_tasks_are_alike_by_what_they_share(what: About, shared: float) -> None:
    found = scores(adjusted(tried(what, right="b")))
    more = 0.3 * exp(shared / (1 + shared))
    assert found["b"] == pytest.approx(more / (more + 0.7))


def test_where_both_have_a_text_it_counts_for_less_than_the_files() -> None:
    what = about(("src/gateway/a.py",), words_of("the socket drops"))
    same = about(("src/gateway/a.py",), words_of("colours"))
    found = scores(adjusted(tried(same, right="b"), what=what))
    more = 0.3 * exp(0.6 / 1.6)
    assert found["b"] == pytest.approx(more / (more + 0.7))
    texts = scores(adjusted(tried(about((), words_of("Sockets dropped")), right="b"), what=what))
    more = 0.3 * exp(0.5)
    assert texts["b"] == pytest.approx(more / (more + 0.7))


def test_what_is_everywhere_in_a_history_tells_nothing() -> None:
    knowledge = Knowledge(People())
    for number in range(9):
        knowledge.observe(task("a", number, f"src/{number}.py", text="Mend it"))
    rarity = rarity_in(knowledge)
    assert rarity("src/") == rarity("mend") == 0.0
    assert rarity("src/3.py") == pytest.approx(log(10 / 2))
    assert rarity("lib/") == pytest.approx(log(10))


def test_a_few_outcomes_leave_the_prior_and_none_votes_on_itself() -> None:
    one = tried(GATEWAY, right="b", days_ago=5.0)
    alone = Feedback([one], plain)
    assert (alone.gain, alone.loss) == (1.0, 3.0)
    at_once = [tried(GATEWAY, right=key, took_days=9.0, days_ago=5.0) for key in "abc"]
    together = Feedback(at_once, plain)
    assert (together.gain, together.loss) == (1.0, 3.0), "asked before any was decided"


def _outcomes(rights: Sequence[str], *, declined: str = "", named: str = "a") -> list[Tried]:
    """One a day; of each the same people were likely, and `declined` had declined it."""
    refused = {declined: 1.0} if declined else {}
    days = range(len(rights), 0, -1)
    return [
        tried(GATEWAY, right=right, declined=refused, days_ago=float(day), named=named)
        for day, right in zip(days, rights, strict=True)
    ]


def test_how_much_a_decision_says_is_learned_from_what_came_of_earlier_ones() -> None:
    again = Feedback(_outcomes("bbbbbbbbbbbbbbbb"), plain)
    never = Feedback(_outcomes("abcabcabcabcabca", named="c"), plain)
    assert again.gain > 1.5
    assert never.gain < 0.8
    in_vain = Feedback(_outcomes("cccccccccccc", declined="c", named="z"), plain)
    assert in_vain.loss < 1.0


def test_who_is_taken_for_being_named_proves_little() -> None:
    by_name = Feedback(_outcomes("aaaaaaaaaaaa", named="a"), plain)
    unnamed = Feedback(_outcomes("aaaaaaaaaaaa", named="c"), plain)
    assert by_name.gain < unnamed.gain


def test_gain_and_loss_are_the_likeliest_by_a_naive_reference() -> None:
    past = _outcomes("bbabbcbb", named="a")
    found = Feedback(past, plain)

    def unlikely(gain: float, named: float) -> float:
        whole = 2.0 * (gain - 1.0) ** 2 + 2.0 * (named - 1.0) ** 2
        for at, one in enumerate(past):
            sums = dict.fromkeys("abc", 0.0)
            for other in past[:at]:
                if other.decided_s < one.asked_s and other.right:
                    days = (one.asked_s - 1 - other.decided_s) / DAY_S
                    sums[other.right] += 0.5 ** (days / 90)
            odds = {
                key: log(one.believed[key]) + gain * sums[key] / (1 + sums[key])
                + named * (key == one.named)
                for key in "abc"
            }  # fmt: skip
            if at:
                whole -= odds[one.right or ""] - log(sum(map(exp, odds.values())))
        return whole

    grid = np.linspace(0.0, 3.0, 61)
    _, best = min((unlikely(float(gain), float(named)), gain) for gain in grid for named in grid)
    assert found.gain == pytest.approx(best, abs=0.05)


def test_nobody_becomes_surer_than_is_sane_and_the_scores_go_along() -> None:
    found = adjusted(*[tried(GATEWAY, right="a")] * 50, asked=ranking(0.94, a=0.94, b=0.06))
    assert found.confidence == 0.95
    assert found.candidates[0].score == pytest.approx(0.95)
    surer = ranking(0.97, a=0.97, b=0.03)
    assert adjusted(tried(GATEWAY, right="a"), asked=surer).confidence == 0.97


def test_what_was_doubted_before_is_doubted_as_much() -> None:
    doubted = ranking(0.25, a=0.5, b=0.5)
    found = adjusted(tried(GATEWAY, declined={"a": 1.0}), asked=doubted)
    assert found.confidence == pytest.approx(found.candidates[0].score / 2)


@given(
    asked=rankings(),
    votes=st.lists(st.tuples(st.sampled_from(LETTERS), st.booleans(), st.integers(0, 400))),
)
def test_scores_add_up_and_stay_in_order(
    asked: Ranking, votes: list[tuple[str, bool, int]]
) -> None:
    past = [
        tried(GATEWAY, right=key, days_ago=float(days))
        if took
        else tried(GATEWAY, declined={key: 1.0}, days_ago=float(days))
        for key, took, days in votes
    ]
    found = adjusted(*past, asked=asked)
    told = [one.score for one in found.candidates]
    assert sum(told) == pytest.approx(1.0 if told else 0.0)
    assert told == sorted(told, reverse=True)
    assert set(scores(found)) == set(scores(asked))
    assert 0.0 <= found.confidence <= 1.0


def test_what_somebody_decided_lately_is_counted() -> None:
    found = Feedback(
        [
            tried(GATEWAY, right="a", days_ago=3.0),
            tried(GATEWAY, right="a", days_ago=91.0),
            tried(OTHER, right="a"),
            tried(GATEWAY, right="b", declined={"a": 1.0}, days_ago=2.0),
            tried(GATEWAY, declined={"a": 0.0}),
        ],
        plain,
    )
    assert found.count("a", GATEWAY, NOW_S) == Count(taken=1, declined=1)
    assert found.count("b", GATEWAY, NOW_S) == Count(taken=1, declined=0)
    numbered = Feedback([replace(tried(GATEWAY, right="a"), number=7)], plain)
    assert numbered.count("a", GATEWAY, NOW_S, number=8).taken == 1
    assert numbered.count("a", GATEWAY, NOW_S, number=7).taken == 0, "it is the very same"
    assert Feedback((), plain).count("a", GATEWAY, NOW_S) == Count(0, 0)
