from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.matching.assignment.choosing import Options, choose
from engines.matching.assignment.probabilities import probabilities
from engines.matching.assignment.standing import Standing, Standings, standing_of, why_not
from engines.matching.assignment.types import Band, Role
from engines.matching.facts import facts_of
from engines.matching.knowledge import Knowledge
from engines.matching.people import People
from engines.matching.types import Query, Ranking
from tests.engines.matching.assignment.rankings import person, ranking, rankings, standings
from tests.engines.matching.histories import DAY_S, task

NOW_S = 1_777_600_000  # 1 May 2026


def test_the_likeliest_is_named_and_the_next_stands_in() -> None:
    choice = choose(ranking(0.75, a=0.6, b=0.3, c=0.1), {}, Options(NOW_S))
    assert choice.first is not None
    assert choice.second is not None
    assert (choice.first.person, choice.first.probability) == (person("a"), 0.75)
    assert choice.first.band is Band.HIGH
    assert (choice.second.person, choice.role) == (person("b"), Role.BACK_UP)
    assert choice.confident
    assert choice.warnings == choice.skipped == ()


def test_what_is_left_of_the_probability_goes_to_the_others_by_their_scores() -> None:
    surer = probabilities(ranking(0.8, a=0.6, b=0.3, c=0.1))
    assert [round(pick.probability, 9) for pick in surer] == [0.8, 0.15, 0.05]
    less_sure = probabilities(ranking(0.3, a=0.6, b=0.3, c=0.1))
    assert [round(pick.probability, 9) for pick in less_sure] == [0.3, 0.15, 0.05]
    assert [pick.probability for pick in probabilities(ranking(0.4, a=1.0))] == [0.4]


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing(away_until_s=NOW_S + 2 * DAY_S), "away until 3 May"),
        (Standing(capacity=0), "takes nothing now"),
        (Standing(away_until_s=NOW_S + 300 * DAY_S), "away until 25 February 2027"),
        (Standing(away_until_s=(NOW_S // DAY_S + 3) * DAY_S), "away until 3 May"),  # the last day
        (Standing(capacity=4, open_load=4), "at the limit: 4 of 4"),
        (Standing(capacity=4, open_load=3.5), "no room: 3.5 of 4"),
        (Standing(opted_out=True), "opted out"),
        (Standing(has_access=False), "no access"),
        (Standing(has_declined=True), "has declined"),
        (Standing(is_asked=True), "already asked"),
    ],
)
def test_who_cannot_take_it_is_skipped_and_why_is_told(standing: Standing, why: str) -> None:
    choice = choose(ranking(0.7, a=0.6, b=0.4), {"a": standing}, Options(NOW_S))
    assert choice.first is not None
    assert choice.first.person == person("b")
    assert choice.skipped == ((person("a"), why),)


def test_only_those_who_would_have_been_named_are_told_to_be_skipped() -> None:
    away = Standing(opted_out=True)
    choice = choose(
        ranking(0.5, a=0.4, b=0.3, c=0.2, d=0.1), {"b": away, "d": away}, Options(NOW_S)
    )
    assert [skipped.person.key for skipped in choice.skipped] == ["b"]


def test_nobody_is_a_confident_candidate() -> None:
    unsure = choose(ranking(0.1, a=0.5, b=0.5), {}, Options(NOW_S))
    assert unsure.first is not None
    assert unsure.first.band is Band.NONE
    assert not unsure.confident
    for empty in (Ranking((), 0.0), ranking(0.9, a=1.0)):
        nobody = choose(empty, {"a": Standing(opted_out=True)}, Options(NOW_S))
        assert nobody.first is None
        assert not nobody.confident


def test_equal_candidates_are_told_apart_by_their_keys() -> None:
    choice = choose(ranking(0.4, c=0.4, b=0.4, a=0.2), {}, Options(NOW_S))
    assert choice.first is not None
    assert choice.first.person == person("b")


def test_a_price_spares_who_is_hardly_likelier() -> None:
    close = ranking(0.5, a=0.5, b=0.4, c=0.1)
    choice = choose(close, {}, Options(NOW_S, prices={"a": 0.2}))
    assert choice.first is not None
    assert choice.best is not None
    assert (choice.first.person, choice.best.person) == (person("b"), person("a"))
    clear = choose(ranking(0.8, a=0.8, b=0.2), {}, Options(NOW_S, prices={"a": 0.2}))
    assert clear.first == clear.best


def test_a_request_wins_and_tells_what_it_overrides() -> None:
    ranked = ranking(0.75, a=0.6, b=0.4)
    away = {"b": Standing(away_until_s=NOW_S + DAY_S)}
    choice = choose(ranked, away, Options(NOW_S, requested=person("b")))
    assert choice.first is not None
    assert choice.first.person == person("b")
    assert choice.warnings == (
        "Dr. B was asked for by name, though: away until 2 May.",
        "Dr. B was asked for by name; by the history it is Dr. A (very likely).",
    )
    stranger = choose(ranked, {}, Options(NOW_S, requested=person("z")))
    assert stranger.first is not None
    assert (stranger.first.person, stranger.first.probability) == (person("z"), 0.0)
    assert stranger.confident
    assert len(stranger.warnings) == 1
    assert choose(ranked, {}, Options(NOW_S, requested=person("a"))).warnings == ()


def test_the_second_learns_what_the_first_alone_knows() -> None:
    knowledge = Knowledge(People())
    tasks = [task("a", 9, "s/x", "s/y"), task("b", 8, "s/x", "s/y"), task("c", 7, "t/z")]
    tasks += [task("d", 6, "s/w"), task("e", 5, "s/w"), task("e", 4, "s/w")]
    tasks += [task("f", 500, "s/w")]
    for one in reversed(tasks):
        merged_s = NOW_S - one.merged_s * DAY_S
        knowledge.observe(replace(one, merged_s=merged_s, started_s=merged_s))
    query = Query(NOW_S, ("s/x", "s/y"))
    found = {
        letter: facts_of(knowledge, query, index)
        for letter in "abcdef"
        if (index := knowledge.people.known(task(letter, 0).author)) is not None
    }
    ranked = ranking(0.5, a=0.5, b=0.2, c=0.1, d=0.1, e=0.05, f=0.05)
    options = Options(NOW_S, hoarded_by=person("a"), facts=found)
    choice = choose(ranked, {}, options)
    assert choice.second is not None
    # b knows both files; e has done more near them than d, c is elsewhere, f long gone.
    assert (choice.second.person, choice.role) == (person("e"), Role.LEARNER)
    other = choose(ranked, {}, replace(options, hoarded_by=person("b")))
    assert other.role is Role.BACK_UP


@settings(max_examples=60, deadline=None)
@given(rankings(), standings, st.none() | st.sampled_from("abz"), st.sampled_from([0.5, 1.0]))
def test_nobody_who_cannot_take_it_is_named_but_by_request(
    ranked: Ranking, standing: Standings, requested: str | None, size: float
) -> None:
    asked = None if requested is None else person(requested)
    prices = {"a": 0.3, "b": 0.1}
    choice = choose(ranked, standing, Options(100, size, asked, prices))
    if asked is not None:
        assert choice.first is not None
        assert choice.first.person == asked
    named = [choice.second] if asked else [choice.first, choice.second]
    for pick in named:
        if pick is not None:
            assert why_not(standing_of(standing, pick.person), size, 100) is None
            assert choice.best is not None
            assert pick.score <= choice.best.score
    if choice.first is not None and choice.second is not None:
        assert choice.first.person != choice.second.person
    for skipped in choice.skipped:
        assert skipped.why == why_not(standing_of(standing, skipped.person), size, 100)
