"""Server-sent events as they are read, however the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.events import EventReader, StreamEvent, TooLong

STREAM = (
    ": hello\n\n"
    'id: 1\nevent: created\ndata: {"text":"a\u2028b\x85c"}\n\n'
    "data: no event name\ndata: two lines\n\n"
    "id: 3\nevent: nothing\n\n"
    "event: edited\r\ndata:x\r\n\r\n"
).encode()
EVENTS = [
    StreamEvent("created", '{"text":"a\u2028b\x85c"}', "1"),
    StreamEvent("message", "no event name\ntwo lines", "1"),
    StreamEvent("edited", "x", "3"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_events_are_the_same_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader()
    chunks = [STREAM[start:end] for start, end in pairwise(places)]
    assert [event for chunk in chunks for event in reader.feed(chunk)] == EVENTS


def test_a_line_without_end_is_refused() -> None:
    reader = EventReader(line_max_bytes=1000)
    assert reader.feed(b"x" * 600) == []
    with pytest.raises(TooLong):
        reader.feed(b"x" * 600)
