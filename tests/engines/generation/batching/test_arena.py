import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from engines.generation.batching.arena import GRAIN, Arena, Run


def arena(blocks: int = 8) -> Arena:
    return Arena(blocks=blocks, block=16)


def filled(place: Arena, key: str, tokens: list[int], slots: int) -> Run:
    run = place.reserve(key, tokens, slots)
    assert run is not None
    run.filled = len(tokens)
    return run


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_runs_never_overlap_and_no_slot_is_lost(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - seeded
    place = arena(blocks=16)
    used: list[Run] = []
    for _ in range(60):
        if used and chance.random() < 0.5:
            run = used.pop(chance.randrange(len(used)))
            run.filled = chance.randrange(len(run.tokens) + 1)
            place.release(run)
        else:
            tokens = [chance.randrange(3) for _ in range(chance.randrange(1, 80))]
            run = place.reserve("", tokens, len(tokens) + chance.randrange(40))
            if run is not None:
                used.append(run)
        spans = sorted((run.start, run.start + run.slots) for run in used)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert place.free_blocks == 16 - sum(run.slots for run in used) // 16
    for run in used:
        place.release(run)
    assert place.free_blocks == 16
    assert place.reserve("", [1], 256) is not None


def test_a_prefix_is_found_to_the_token_and_never_the_whole_prompt() -> None:
    place = arena()
    tokens = list(range(50))
    run = filled(place, "", tokens, 60)
    longer = place.match("", [*range(40), 99, 98])
    assert longer is not None
    assert (longer.run, longer.ready) == (run, 40)
    same = place.match("", tokens)
    assert same is not None
    assert same.ready == 49
    assert place.match("", [99, *tokens]) is None
    assert place.match("", tokens[:GRAIN]) is None


def test_a_prefix_that_is_not_computed_yet_is_told_as_coming() -> None:
    place = arena()
    run = place.reserve("", list(range(50)), 50)
    assert run is not None
    run.filled = 20
    prefix = place.match("", [*range(40), 99])
    assert prefix is not None
    assert (prefix.ready, prefix.coming) == (20, 40)


def test_what_was_not_computed_when_a_request_ended_is_not_found() -> None:
    place = arena()
    run = place.reserve("", list(range(50)), 50)
    assert run is not None
    run.filled = 20
    place.release(run)
    prefix = place.match("", [*range(50), 99])
    assert prefix is not None
    assert (prefix.ready, prefix.coming) == (20, 20)


def test_prefixes_of_another_key_are_not_found() -> None:
    place = arena()
    filled(place, "one adapter", list(range(50)), 60)
    assert place.match("another", [*range(50), 99]) is None
    assert place.match("", [*range(50), 99]) is None


def test_the_least_recently_used_prefix_gives_way() -> None:
    place = arena(blocks=6)
    for first in (100, 200):
        place.release(filled(place, "", list(range(first, first + 32)), 32))
    assert place.match("", [*range(100, 132), 1]) is not None
    filled(place, "", list(range(300, 364)), 64)
    assert place.match("", [*range(100, 132), 1]) is not None
    assert place.match("", [*range(200, 232), 1]) is None
