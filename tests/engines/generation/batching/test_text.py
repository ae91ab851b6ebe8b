import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engines.generation.batching.text import Detokeniser, StopStrings

TEXT = "naïve 日本語 🎉🎉 done — é\n\tdef f(x): return x"


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_model / "tokenizer.json"))


def test_only_whole_characters_are_shown(tokenizer: Tokenizer) -> None:
    detokeniser = Detokeniser(tokenizer)
    pieces = [detokeniser.feed(token) for token in tokenizer.encode(TEXT).ids]
    assert "".join(pieces) == TEXT
    assert "\ufffd" not in "".join(pieces)
    assert "" in pieces


def test_pieces_add_up_to_the_decoded_text_whatever_the_tokens(tokenizer: Tokenizer) -> None:
    chance = random.Random(5)  # noqa: S311 - seeded
    for _ in range(100):
        tokens = [chance.randrange(2048) for _ in range(40)]
        detokeniser = Detokeniser(tokenizer)
        shown = "".join(detokeniser.feed(token) for token in tokens)
        whole = tokenizer.decode(tokens, skip_special_tokens=True)
        assert whole.startswith(shown)
        assert set(whole[len(shown) :]) <= {"\ufffd"}


def test_bytes_that_are_no_character_are_not_held_back_for_ever(tokenizer: Tokenizer) -> None:
    continuation = tokenizer.token_to_id("ł")  # byte 0x82, never the first of a character
    assert continuation is not None
    detokeniser = Detokeniser(tokenizer)
    shown = "".join(detokeniser.feed(continuation) for _ in range(200))
    assert len(shown) >= 160


@given(
    text=st.text("abc", max_size=40),
    stops=st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3),
    cuts=st.lists(st.integers(0, 40), max_size=12),
)
def test_text_stops_before_the_first_stop_string_however_it_is_cut(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    bounds = [0, *sorted(cuts), len(text)]
    stopper, shown, stopped = StopStrings(tuple(stops)), "", False
    for start, end in pairwise(bounds):
        piece, stopped = stopper.feed(text[start:end])
        shown += piece
        if stopped:
            break
    if not stopped:
        shown += stopper.rest()
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    assert stopped == bool(ends)
    # Cut by cut, a stop string may end the text before an earlier, longer one is complete.
    assert text.startswith(shown)
    assert not any(stop in shown for stop in stops)


def test_what_may_begin_a_stop_string_is_held_back() -> None:
    stopper = StopStrings(("END",))
    assert stopper.feed("the E") == ("the ", False)
    assert stopper.feed("N") == ("", False)
    assert stopper.feed("TER") == ("ENTER", False)
    assert stopper.feed(" EN") == (" ", False)
    assert stopper.rest() == "EN"
