"""Events are the same however the bytes are split."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.generation.remote.events import (
    LONGEST_EVENT_CHARS,
    EventReader,
    EventTooLong,
    ServerEvent,
)

STREAM = (
    "\ufeff: a comment\r\n\r\n"
    'data: {"text": "naïve 😀 ünder"}\n\n'
    "event: ping\rdata: one\rdata:two\rdata\r\r"
    "id: 7\nretry: 10\nunknown: x\ndata:  spaced \n\n"
    "event: nothing\n\n"
    "data: [DONE]\n\n"
).encode()
EVENTS = [
    ServerEvent('{"text": "naïve 😀 ünder"}'),
    ServerEvent("one\ntwo\n", "ping"),
    ServerEvent(" spaced "),
    ServerEvent("[DONE]"),
]


def events_of(chunks: list[bytes]) -> list[ServerEvent]:
    reader = EventReader()
    found = [event for chunk in chunks for event in reader.feed(chunk)]
    return [*found, *reader.end()]


def test_a_stream_in_one_piece() -> None:
    assert events_of([STREAM]) == EVENTS


@settings(deadline=None)
@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_a_stream_split_anywhere(cuts: set[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert events_of([STREAM[start:end] for start, end in pairwise(places)]) == EVENTS


def test_a_stream_byte_by_byte() -> None:
    assert events_of([bytes([byte]) for byte in STREAM]) == EVENTS


def test_the_last_event_needs_no_blank_line() -> None:
    assert events_of([b"data: a\n\ndata: b"]) == [ServerEvent("a"), ServerEvent("b")]


def test_an_error_field_is_an_error_event() -> None:
    assert events_of([b'error: {"code": 500}\n\n']) == [ServerEvent('{"code": 500}', "error")]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=10))
def test_any_bytes_are_read(chunks: list[bytes]) -> None:
    events_of(chunks)


def feed_for_long(chunk: bytes) -> None:
    reader = EventReader()
    for _ in range(2 * LONGEST_EVENT_CHARS // len(chunk)):
        list(reader.feed(chunk))


@pytest.mark.parametrize(
    "chunk", [b"x" * 65_536, b"data: " + b"x" * 65_530, b"data: " + b"x" * 65_529 + b"\n"]
)
def test_an_event_without_end_is_given_up(chunk: bytes) -> None:
    with pytest.raises(EventTooLong):
        feed_for_long(chunk)
