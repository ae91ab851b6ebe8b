from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from engines.matching.assignment.batch import BatchOptions, Given, Item, assign
from engines.matching.assignment.probabilities import probabilities
from engines.matching.assignment.standing import Standing, Standings, standing_of, why_not
from engines.matching.assignment.types import Pick
from engines.matching.types import Ranking
from tests.engines.matching.assignment.rankings import (
    LETTERS,
    person,
    ranking,
    rankings,
    standings,
)

LEAST = 0.1


def keys(given: list[Given]) -> list[str | None]:
    return [None if one.pick is None else one.pick.person.key for one in given]


def test_everybody_has_what_they_have_room_for() -> None:
    items = [Item(ranking(0.6, a=0.6, b=0.4)), Item(ranking(0.9, a=0.9, b=0.1))]
    one_slot = {"a": Standing(capacity=1)}
    assert keys(assign(items, {}, BatchOptions(0, budget=0.0))) == ["a", "a"]
    # Naming b for the first costs 0.2, for the second 0.8.
    assert keys(assign(items, one_slot, BatchOptions(0, least=LEAST))) == ["b", "a"]


def test_items_are_spread_as_far_as_the_budget_allows() -> None:
    items = [Item(ranking(0.5, a=0.5, b=0.45, c=0.05)) for _ in range(4)]
    assert keys(assign(items, {}, BatchOptions(0, budget=0.0))).count("a") == 4
    assert keys(assign(items, {}, BatchOptions(0, budget=0.03))).count("a") == 2
    assert keys(assign(items, {}, BatchOptions(0, budget=0.9))).count("a") == 2


def test_an_item_that_stays_open_tells_why() -> None:
    full = {"a": Standing(capacity=1), "b": Standing(opted_out=True)}
    items = [
        Item(ranking(0.6, a=0.6, b=0.4)),
        Item(ranking(0.5, a=0.5, b=0.5)),
        Item(ranking(0.05, c=1.0)),
        Item(Ranking((), 0.0)),
        Item(ranking(0.5, c=1.0), declined=frozenset("c")),
    ]
    given = assign(items, full, BatchOptions(0))
    assert keys(given) == ["a", None, None, None, None]
    assert [one.why for one in given] == [
        "",
        "Dr. A: at the limit: 1 of 1; Dr. B: opted out",
        "no confident candidate",
        "nobody has enough history here to be ranked",
        "Dr. C: has declined",
    ]


def test_a_request_wins_and_takes_up_room() -> None:
    items = [
        Item(ranking(0.9, a=0.9, b=0.1)),
        Item(ranking(0.9, b=0.9, a=0.1), requested=person("a")),
    ]
    given = assign(items, {"a": Standing(capacity=1)}, BatchOptions(0, least=0.0))
    assert keys(given) == ["b", "a"]
    assert given[1].warnings == (
        "Dr. A was asked for by name; by the history it is Dr. B (very likely).",
    )


def test_large_items_take_the_room_of_several() -> None:
    sizes = (2.0, 1.0, 1.0, 3.0)
    items = [Item(ranking(0.9 - n / 10, a=1.0), size=size) for n, size in enumerate(sizes)]
    given = assign(items, {"a": Standing(capacity=4)}, BatchOptions(0))
    assert keys(given) == ["a", "a", "a", None]
    assert given[3].why == "Dr. A: at the limit: 4 of 4"


items_of_one = st.lists(rankings().map(Item), max_size=4)
items_of_some = st.lists(
    st.builds(
        Item,
        rankings(),
        size=st.sampled_from([0.5, 1.0, 2.0]),
        requested=st.none() | st.sampled_from(LETTERS).map(person),
        declined=st.frozensets(st.sampled_from(LETTERS), max_size=2),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(items_of_some, standings)
def test_nobody_is_given_what_they_cannot_take_but_by_request(
    items: list[Item], free: Standings
) -> None:
    given = assign(items, free, BatchOptions(100))
    assert len(given) == len(items)
    loads = {letter: standing_of(free, person(letter)).open_load for letter in LETTERS}
    asked = {item.requested.key for item in items if item.requested is not None}
    for item, (pick, why, warnings) in zip(items, given, strict=True):
        assert (pick is None) == bool(why)
        if item.requested is not None:
            assert pick is not None
            assert pick.person == item.requested
        elif pick is not None:
            assert not warnings
            assert why_not(standing_of(free, pick.person), item.size, 100) is None
            assert pick.person.key not in item.declined
        if pick is not None:
            loads[pick.person.key] += item.size
    for letter in set(LETTERS) - asked:
        standing = standing_of(free, person(letter))
        assert loads[letter] <= max(standing.capacity, standing.open_load)


@settings(max_examples=40, deadline=None)
@given(items_of_one, standings)
def test_no_item_stays_open_that_could_have_been_given(items: list[Item], free: Standings) -> None:
    def can_take(pick: Pick) -> bool:
        standing = standing_of(free, pick.person)
        return pick.probability >= LEAST and why_not(standing, 1.0, 100) is None

    given = assign(items, free, BatchOptions(100, least=LEAST))
    able = [
        [None, *(pick.person.key for pick in probabilities(item.ranking) if can_take(pick))]
        for item in items
    ]
    everybody = {letter: standing_of(free, person(letter)) for letter in LETTERS}
    rooms = {letter: one.capacity - one.open_load for letter, one in everybody.items()}
    most = max(
        sum(key is not None for key in way)
        for way in product(*able)
        if all(way.count(letter) <= max(rooms[letter], 0) for letter in LETTERS)
    )
    assert sum(one.pick is not None for one in given) == most
