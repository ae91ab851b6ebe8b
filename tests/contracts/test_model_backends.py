"""What every model backend promises: scripted, behind HTTP, and in this process.

A backend is added by one more `Subject` in `SUBJECTS`.
"""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace

import pytest

from engines.generation.remote.backend import RemoteModel
from engines.generation.remote.endpoint import Bounds, Dialect, Endpoint
from engines.generation.scripted import Pace, ScriptedModel
from engines.generation.types import (
    Backend,
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    Writing,
)
from tests.fakes.model_servers.real import REAL
from tests.fakes.model_servers.running import anthropic_server, openai_server
from tests.fakes.model_servers.world import KEY, MODEL, Flavour, World

WAIT_S = 0.2
PATIENCE_S = 20.0
TOKEN_S = 0.003
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Subject:
    """A kind of backend under test, and what it needs to be."""

    opened: Callable[[], AbstractContextManager[Backend]]
    """A backend that writes long texts, not faster than some 300 tokens a second."""
    keeps_schemas: bool = True


@contextmanager
def scripted() -> Generator[Backend]:
    def answer(request: ModelRequest) -> str:
        return request.messages[-1].text * 50

    model = ScriptedModel(answer, context_tokens=4096, pace=Pace(piece_s=TOKEN_S))
    yield model
    model.close()


def _world(flavour: Flavour = Flavour.VLLM) -> World:
    return World(flavour, token_s=TOKEN_S, script=lambda turns: turns[-1][1] * 50)


def _endpoint(address: str, dialect: Dialect) -> Endpoint:
    bounds = Bounds(concurrency=4)
    return Endpoint("remote", address, MODEL, dialect, KEY, context_tokens=4096, bounds=bounds)


@contextmanager
def openai(flavour: Flavour) -> Generator[Backend]:
    with openai_server(_world(flavour)) as server:
        model = RemoteModel(_endpoint(server.address, Dialect.OPENAI))
        yield model
        model.close()


@contextmanager
def anthropic() -> Generator[Backend]:
    with anthropic_server(_world()) as server:
        model = RemoteModel(_endpoint(server.address, Dialect.ANTHROPIC))
        yield model
        model.close()


@contextmanager
def real() -> Generator[Backend]:
    model = RemoteModel(REAL.endpoint)
    yield model
    model.close()


SUBJECTS = {
    "scripted": Subject(scripted, keeps_schemas=False),
    "vllm": Subject(lambda: openai(Flavour.VLLM)),
    "llama_cpp": Subject(lambda: openai(Flavour.LLAMA_CPP)),
    "openai": Subject(lambda: openai(Flavour.OPENAI)),
    "transformers": Subject(lambda: openai(Flavour.TRANSFORMERS), keeps_schemas=False),
    "bare": Subject(lambda: openai(Flavour.BARE), keeps_schemas=False),
    "anthropic": Subject(anthropic),
}


if REAL.address:
    SUBJECTS["real"] = Subject(real, keeps_schemas=False)


@pytest.fixture(scope="module", params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]


@pytest.fixture(scope="module")
def backend(subject: Subject) -> Iterator[Backend]:
    with subject.opened() as backend:
        yield backend


def asking(text: str = "def add(a, b): ", *, max_tokens: int = 12) -> ModelRequest:
    return ModelRequest((Message("user", text),), max_tokens)


def read(writing: Writing) -> list[str]:
    return [piece for piece in writing.pieces(wait_s=WAIT_S) if piece]


def idle(backend: Backend) -> bool:
    """Whether nothing is under way any more, soon."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        stats = backend.stats()
        if stats.running == stats.waiting == 0:
            return True
        time.sleep(0.01)
    return False


def test_pieces_are_the_text(backend: Backend) -> None:
    writing = backend.submit(asking())
    pieces = read(writing)
    written = writing.written()
    assert len(pieces) > 1
    assert "".join(pieces) == written.text != ""
    assert written.finish is Finish.LENGTH
    assert written.model


def test_written_waits_for_the_end_without_a_reader(backend: Backend) -> None:
    first, again = (backend.submit(asking()).written() for _ in range(2))
    assert first.text == again.text
    assert first.finish is Finish.LENGTH


def test_usage_tells_the_tokens_and_the_time(backend: Backend, subject: Subject) -> None:
    written = backend.submit(asking()).written()
    assert written.usage.first_token_s is not None
    assert 0 < written.usage.first_token_s <= written.usage.total_s
    if written.usage.prompt_tokens:  # not every server tells
        assert written.usage.written_tokens > 0


def test_a_text_ends_before_the_stop_string_and_nothing_of_it_is_shown(backend: Backend) -> None:
    whole = backend.submit(asking(max_tokens=40)).written().text
    stop = whole[len(whole) // 2 :][:5]
    writing = backend.submit(replace(asking(max_tokens=40), stop=("never in it", stop)))
    pieces = read(writing)
    written = writing.written()
    assert written.text == "".join(pieces) == whole[: whole.index(stop)]
    assert written.finish is Finish.STOP


def test_many_stop_strings_are_all_looked_for(backend: Backend) -> None:
    whole = backend.submit(asking(max_tokens=40)).written().text
    stop = whole[len(whole) // 2 :][:5]
    stops = (
        (*(f"never {number}" for number in range(9)), " ", stop) if " " not in whole else (stop,)
    )
    written = backend.submit(replace(asking(max_tokens=40), stop=(*stops, ""))).written()
    assert written.text == whole[: whole.index(stop)]


def test_a_reader_without_news_may_look_up(backend: Backend) -> None:
    writing = backend.submit(asking(max_tokens=200))
    assert "" in list(writing.pieces(wait_s=0.0001))


def test_cancel_ends_the_reader_and_frees_the_place(backend: Backend) -> None:
    writing = backend.submit(asking(max_tokens=2000))
    pieces: list[str] = []
    for piece in writing.pieces(wait_s=WAIT_S):
        pieces.append(piece)
        if len(pieces) == 3:
            writing.cancel()
            writing.cancel()
    written = writing.written()
    assert written.finish is Finish.CANCELLED
    assert written.text == "".join(pieces)
    assert idle(backend)


def test_cancel_from_another_thread_wakes_the_reader(backend: Backend) -> None:
    writing = backend.submit(asking(max_tokens=2000))
    pieces = writing.pieces(wait_s=PATIENCE_S)
    assert next(pieces) is not None
    threading.Timer(0.05, writing.cancel).start()
    assert sum(map(len, pieces)) < 20_000
    assert writing.written().finish is Finish.CANCELLED


def test_cancel_before_a_reader_comes(backend: Backend) -> None:
    writing = backend.submit(asking(max_tokens=2000))
    writing.cancel()
    assert read(writing) == [] or writing.written().finish is Finish.CANCELLED
    assert writing.written().finish is Finish.CANCELLED
    assert idle(backend)


def test_cancel_after_the_end_changes_nothing(backend: Backend) -> None:
    writing = backend.submit(asking())
    written = writing.written()
    writing.cancel()
    assert writing.written() == written


def test_texts_of_many_requests_are_not_mixed(backend: Backend) -> None:
    asked = [f"number {number} " for number in range(8)]
    alone = [backend.submit(asking(text)).written().text for text in asked]
    writings = [backend.submit(asking(text)) for text in asked]
    assert [writing.written().text for writing in writings] == alone
    assert idle(backend)


def test_what_can_never_fit_is_refused(backend: Backend) -> None:
    tokens = backend.context_tokens
    with pytest.raises(RequestRefused, match=r"\d"):
        read(backend.submit(asking("some words of a text " * tokens)))
    with pytest.raises(RequestRefused, match=r"\d"):
        read(backend.submit(asking(max_tokens=tokens + 1)))


def test_a_deadline_that_cannot_be_kept_ends_it(backend: Backend) -> None:
    request = replace(asking(max_tokens=2000), deadline_s=0.05)
    began_s = time.monotonic()
    with pytest.raises(ModelUnavailable):
        read(backend.submit(request))
    assert time.monotonic() - began_s < PATIENCE_S
    assert idle(backend)


def test_json_is_valid_for_its_schema(backend: Backend, subject: Subject) -> None:
    if not subject.keeps_schemas:
        pytest.skip("it keeps no schemas")
    request = replace(asking("How are you?", max_tokens=200), json_schema=SCHEMA)
    written = backend.submit(request).written()
    if written.finish is Finish.STOP:
        content = json.loads(written.text)
        assert list(content) == ["ok"]
        assert isinstance(content["ok"], bool)


def test_an_adapter_nobody_told_of_is_refused(backend: Backend, subject: Subject) -> None:
    if isinstance(backend, ScriptedModel):
        pytest.skip("it has no adapters and no weights")
    with pytest.raises(RequestRefused, match="adapter"):
        read(backend.submit(replace(asking(), adapter="nobody's")))


def test_a_longer_text_has_more_tokens(backend: Backend) -> None:
    counts = [backend.count_tokens("def add(a, b):\n" * times) for times in (0, 1, 10, 100)]
    assert counts == sorted(counts)
    assert counts[0] < counts[1] < counts[3]


def test_stats_count_what_was_written(subject: Subject) -> None:
    with subject.opened() as backend:
        before = backend.stats().written_tokens
        told = backend.submit(asking()).written().usage.written_tokens
        assert idle(backend)
        assert backend.stats().written_tokens - before == told


def test_close_ends_what_is_under_way_and_takes_nothing_more(subject: Subject) -> None:
    with subject.opened() as backend:
        writing = backend.submit(asking(max_tokens=2000))
        backend.close()
        backend.close()
        with suppress(ModelUnavailable):  # which of the two it is is not promised
            assert writing.written().finish is Finish.CANCELLED
        with pytest.raises(ModelUnavailable):
            backend.submit(asking())
