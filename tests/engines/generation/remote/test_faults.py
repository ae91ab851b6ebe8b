"""A server's bad days, of both APIs, over real sockets."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from engines.generation.remote.backend import RemoteModel
from engines.generation.remote.endpoint import Bounds, Dialect, Endpoint
from engines.generation.types import Finish, ModelUnavailable, RequestRefused
from tests.engines.generation.remote.asking import PROMPT, QUICK, Asked, asked, asking
from tests.fakes.model_servers.faults import Kind
from tests.fakes.model_servers.world import KEY, MODEL, World

ANSWER = f"You said: {PROMPT}"
PATIENCE_S = 20.0


@pytest.fixture(scope="module", params=list(Dialect))
def good(request: pytest.FixtureRequest) -> Iterator[Asked]:
    """A model at a server whose faults are ordered one by one, and always used up."""
    with asked(request.param) as good:
        yield good


@pytest.fixture(params=list(Dialect))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


def soon(holds: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < until_s:
        time.sleep(0.005)
    return holds()


def test_an_answer_comes_whole(good: Asked) -> None:
    written = good.ask()
    assert (written.text, written.finish, written.model) == (ANSWER, Finish.STOP, MODEL)
    assert written.remarks == ()


@pytest.mark.parametrize("kind", [Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.FAILS, Kind.ERROR_FIRST])
def test_a_passing_fault_is_tried_again(good: Asked, kind: Kind) -> None:
    before = len(good.world.seen)
    good.world.faults.add(kind, times=2)
    assert good.ask().text == ANSWER
    assert len(good.world.seen) == before + 3


@pytest.mark.parametrize("kind", [Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.FAILS, Kind.ERROR_FIRST])
def test_two_retries_are_enough(good: Asked, kind: Kind) -> None:
    before = len(good.world.seen)
    good.world.faults.add(kind, times=3)
    with pytest.raises(ModelUnavailable, match="big at 127"):
        good.ask()
    assert len(good.world.seen) == before + 3


def test_the_wait_a_server_wants_is_kept(good: Asked) -> None:
    good.world.faults.add(Kind.RATE_LIMITED, retry_after="0.4")
    assert good.ask().usage.total_s >= 0.4


@pytest.mark.parametrize(("deadline_s", "wait"), [(None, "3600"), (2.0, "5")])
def test_a_wait_that_is_too_long_is_not_begun(
    good: Asked, deadline_s: float | None, wait: str
) -> None:
    good.world.faults.add(Kind.RATE_LIMITED, retry_after=wait)
    began_s = time.monotonic()
    with pytest.raises(ModelUnavailable, match=f"again in {wait} seconds"):
        good.ask(replace(asking(), deadline_s=deadline_s))
    assert time.monotonic() - began_s < 2


def test_cancel_ends_a_wait(good: Asked) -> None:
    good.world.faults.add(Kind.RATE_LIMITED, retry_after="15")
    before = len(good.world.seen)
    writing = good.model.submit(asking())
    assert soon(lambda: len(good.world.seen) > before)
    writing.cancel()
    assert writing.written().finish is Finish.CANCELLED
    assert soon(lambda: good.model.stats().running == 0)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.DROPS, "broke the connection"),
        (Kind.ENDS_EARLY, "before the answer was complete"),
        (Kind.ERROR_WITHIN, "failed"),
    ],
)
def test_an_answer_that_breaks_off_is_not_passed_off_as_whole(
    good: Asked, kind: Kind, words: str
) -> None:
    before = len(good.world.seen)
    good.world.faults.add(kind)
    writing = good.model.submit(asking())
    pieces: list[str] = []
    with pytest.raises(ModelUnavailable, match=words):
        pieces.extend(writing.pieces(wait_s=PATIENCE_S))
    with pytest.raises(ModelUnavailable, match=words):
        writing.written()
    assert len(good.world.seen) == before + 1


def test_the_half_of_a_broken_answer_is_read_first(good: Asked) -> None:
    good.world.faults.add(Kind.DROPS)
    pieces = good.model.submit(asking()).pieces(wait_s=PATIENCE_S)
    assert ANSWER.startswith(next(pieces))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.PAGE, "a page"),
        (Kind.REDIRECTS, "not followed"),
        (Kind.PACKED, "packed"),
        (Kind.GARBAGE, "before the answer was complete"),
    ],
)
def test_what_is_no_answer_is_told(good: Asked, kind: Kind, words: str) -> None:
    good.world.faults.add(kind, times=3)
    with pytest.raises(ModelUnavailable, match=words):
        good.ask()
    while good.world.faults.take() is not None:
        pass


def test_a_server_that_does_not_stream_is_read(good: Asked) -> None:
    good.world.faults.add(Kind.DOES_NOT_STREAM)
    written = good.ask()
    assert (written.text, written.finish) == (ANSWER, Finish.STOP)
    assert written.usage.written_tokens > 0


def test_an_answer_without_end_is_cut(dialect: Dialect) -> None:
    with asked(dialect, bounds=replace(QUICK, response_bytes=1_000_000)) as good:
        good.world.faults.add(Kind.GIANT)
        with pytest.raises(ModelUnavailable, match="longer than 1,000,000 bytes"):
            good.ask()


@pytest.mark.parametrize("kind", [Kind.HANGS, Kind.HANGS_WITHIN])
def test_a_server_that_hangs_is_given_up(dialect: Dialect, kind: Kind) -> None:
    bounds = replace(QUICK, first_token_s=0.3, between_tokens_s=0.3)
    with asked(dialect, bounds=bounds) as good:
        good.world.faults.add(kind)
        with pytest.raises(ModelUnavailable, match=r"wrote nothing for 0\.3 seconds"):
            good.ask()
        assert good.ask().text == ANSWER


def test_a_server_that_forgets_to_hang_up_costs_no_answer(dialect: Dialect) -> None:
    with asked(dialect) as good:
        good.world.faults.add(Kind.FORGETS_TO_HANG_UP)
        written = good.ask(replace(asking(), deadline_s=1.0))
        assert (written.text, written.finish) == (ANSWER, Finish.STOP)


@pytest.mark.parametrize("kind", [Kind.HANGS, Kind.HANGS_WITHIN])
def test_cancel_closes_the_connection_at_once(good: Asked, kind: Kind) -> None:
    good.world.faults.add(kind)
    before, left = len(good.world.seen), len(good.world.left)
    writing = good.model.submit(asking())
    assert soon(lambda: len(good.world.seen) > before)
    if kind is Kind.HANGS_WITHIN:
        assert next(writing.pieces(wait_s=PATIENCE_S))
    canceller = threading.Thread(target=writing.cancel)
    canceller.start()
    written = writing.written()
    canceller.join()
    assert written.finish is Finish.CANCELLED
    assert ANSWER.startswith(written.text)
    assert soon(lambda: good.model.stats().running == 0)
    if kind is Kind.HANGS_WITHIN:
        assert soon(lambda: len(good.world.left) == left + 1)


def test_no_more_than_its_bound_are_asked_at_one_time(dialect: Dialect) -> None:
    bounds = replace(QUICK, concurrency=3, waiting=9)
    with asked(dialect, World(is_held=True), bounds=bounds) as good:
        writings = [good.model.submit(asking(f"number {at}")) for at in range(12)]
        stats = good.model.stats()
        assert (stats.running, stats.waiting) == (3, 9)
        assert 0 < stats.oldest_waiting_s < PATIENCE_S
        with pytest.raises(ModelUnavailable, match="too much to do"):
            good.model.submit(asking())
        assert soon(lambda: good.world.running == 3)
        writings[5].cancel()
        good.world.is_held = False
        late = good.model.submit(asking("late"))
        texts = [writing.written().text for writing in writings]
        assert texts == [f"You said: number {at}" if at != 5 else "" for at in range(12)]
        assert late.written().text == "You said: late"
        assert good.world.most_running == 3


def test_a_deadline_counts_the_wait_for_a_turn(dialect: Dialect) -> None:
    with asked(dialect, bounds=replace(QUICK, concurrency=1)) as good:
        good.world.faults.add(Kind.HANGS)
        first = good.model.submit(asking())
        second = good.model.submit(replace(asking(), deadline_s=0.1))
        with pytest.raises(ModelUnavailable, match="not ready in time"):
            second.written()
        first.cancel()


def test_a_wrong_key_and_its_remedy_are_named(dialect: Dialect) -> None:
    with asked(dialect, key="sk-wrong-key-1234") as good:
        with pytest.raises(ModelUnavailable, match=r"401.*`gryph model key big`") as caught:
            good.ask()
        assert "sk-wrong-key-1234" not in str(caught.value)


def test_an_unknown_model_is_told_with_those_there_are(dialect: Dialect) -> None:
    with (
        asked(dialect, model="nonesuch") as good,
        pytest.raises(ModelUnavailable, match=f"no model `nonesuch`.*it has .*`{MODEL}`"),
    ):
        good.ask()


def test_a_wrong_path_is_told(dialect: Dialect) -> None:
    with asked(dialect) as good:
        address = f"{good.model.endpoint.server}/wrong"
        with pytest.raises(ModelUnavailable, match="address end in /v1"):
            RemoteModel(replace(good.model.endpoint, address=address)).submit(asking()).written()


def test_neither_key_nor_text_gets_into_messages_or_logs(
    good: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good.world.faults.add(Kind.LEAKS)
    with pytest.raises(RequestRefused) as caught:
        good.ask()
    told = f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert "validation error" in told or "messages.0" in told
    for secret in (KEY, "launch_code", "\x1b"):
        assert secret not in told
        assert secret not in caplog.text


def test_nobody_there_is_told(dialect: Dialect) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    model = RemoteModel(Endpoint("big", f"http://127.0.0.1:{port}", "x", dialect, bounds=QUICK))
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        model.submit(asking()).written()


def test_a_server_that_takes_no_connection_is_given_up() -> None:
    """A listener whose queue is full: its side of the handshake never comes."""
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0.0)
            filler.connect_ex(address)
        bounds = Bounds(connect_s=0.2, retries=0)
        model = RemoteModel(Endpoint("big", f"http://127.0.0.1:{address[1]}", "x", bounds=bounds))
        with pytest.raises(ModelUnavailable, match=r"no connection within 0\.2 seconds"):
            model.submit(asking()).written()
        for filler in fillers:
            filler.close()


def test_the_environment_sets_no_proxy(good: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert good.ask().text == ANSWER
    proxied = RemoteModel(replace(good.model.endpoint, proxy="http://127.0.0.1:9", bounds=QUICK))
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        proxied.submit(asking()).written()
