import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engines.generation.batching.local import LocalModel
from engines.generation.types import (
    Backend,
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    Sampling,
)
from tests.engines.generation.batching.campaigns import (
    Reference,
    cancels,
    exactness,
    settled_free_blocks,
)
from tests.engines.generation.batching.conftest import settings

HELLO = (Message("system", "You write Python."), Message("user", "Add two numbers, naïvely: ∑"))


def test_it_is_a_backend(local: LocalModel) -> None:
    backend: Backend = local
    assert backend.name == "tiny"
    assert backend.context_tokens == 4096
    assert backend.count_tokens("def add(a, b):\n    return a + b\n") > 5


def test_greedy_requests_in_one_batch_are_written_as_one_by_one(
    local: LocalModel, reference: Reference
) -> None:
    result = exactness(local, reference, requests=60, seed=3)
    assert (result.compared, result.different) == (60, 0)
    assert result.cancelled > 0


def test_pieces_are_the_text_written(local: LocalModel) -> None:
    writing = local.submit(ModelRequest(HELLO, max_tokens=24))
    pieces = "".join(writing.pieces(wait_s=60))
    written = writing.written()
    assert pieces == written.text
    assert written.finish is Finish.LENGTH
    assert written.model == "tiny"
    assert written.usage.written_tokens == 24
    assert written.usage.first_token_s is not None
    assert written.usage.first_token_s <= written.usage.total_s


def test_the_same_text_is_read_twice(local: LocalModel) -> None:
    writing = local.submit(ModelRequest(HELLO, max_tokens=8))
    assert "".join(writing.pieces(wait_s=60)) == "".join(writing.pieces(wait_s=60))


def test_text_ends_before_a_stop_string_that_spans_tokens(local: LocalModel) -> None:
    whole = local.submit(ModelRequest(HELLO, max_tokens=24)).written().text
    stop = whole[7:12]
    writing = local.submit(ModelRequest(HELLO, max_tokens=24, stop=("never\n", stop)))
    shown = list(writing.pieces(wait_s=60))
    assert "".join(shown) == whole[: whole.index(stop)]
    assert writing.written().finish is Finish.STOP
    assert writing.written().usage.written_tokens < 24


def test_the_end_token_ends_a_text_and_is_no_part_of_it(
    tiny_model: Path, reference: Reference
) -> None:
    prompt = list(range(300, 330))
    tokens = reference.greedy(prompt, 12)
    end = next(token for token in tokens if tokens.index(token) >= 2)
    model = LocalModel(settings(tiny_model))
    try:
        order = model.order(prompt, ModelRequest((), max_tokens=12))
        writing = model.start(replace(order, ends=frozenset([end])))
        assert writing.written().finish is Finish.STOP
        assert writing.written_tokens() == tokens[: tokens.index(end) + 1]
    finally:
        model.close()


def test_a_seed_gives_the_same_text_alone_and_in_company(local: LocalModel) -> None:
    request = ModelRequest(HELLO, max_tokens=20, sampling=Sampling(1.0, seed=7))
    alone = local.submit(request).written().text
    company = [
        local.submit(ModelRequest(HELLO, 20, Sampling(1.5, top_p=0.9, top_k=50, seed=seed)))
        for seed in range(10)
    ]
    assert local.submit(request).written().text == alone
    assert len({writing.written().text for writing in company}) == 10


def test_a_text_without_a_seed_differs_from_time_to_time(local: LocalModel) -> None:
    request = ModelRequest(HELLO, max_tokens=20, sampling=Sampling(1.0))
    assert local.submit(request).written().text != local.submit(request).written().text


def test_a_cancelled_text_ends_at_once_and_keeps_what_was_written(local: LocalModel) -> None:
    writing = local.submit(ModelRequest(HELLO, max_tokens=2000))
    first = next(piece for piece in writing.pieces(wait_s=60) if piece)
    writing.cancel()
    writing.cancel()
    written = writing.written()
    assert written.finish is Finish.CANCELLED
    assert written.text.startswith(first)
    assert "".join(writing.pieces(wait_s=60)) == written.text


def test_a_reader_is_woken_when_another_thread_cancels(local: LocalModel) -> None:
    writing = local.submit(ModelRequest(HELLO, max_tokens=2000))
    threading.Timer(0.05, writing.cancel).start()
    assert "".join(writing.pieces(wait_s=60)) == writing.written().text


def test_cancels_lose_no_block(local: LocalModel) -> None:
    assert cancels(local, count=300) == 0


def test_a_shared_prefix_is_computed_once(local: LocalModel) -> None:
    shared = [400 + at % 37 * 3 + at // 37 for at in range(224)]
    local.submit_tokens([*shared, 5], ModelRequest((), max_tokens=1)).written()
    usage = [
        local.submit_tokens([*shared, own], ModelRequest((), max_tokens=1)).written().usage
        for own in range(10, 26)
    ]
    assert [one.cached_tokens for one in usage] == [224] * 16


def test_requests_that_arrive_together_wait_for_the_first_of_their_prefix(
    local: LocalModel, reference: Reference
) -> None:
    shared = [700 + at * 7 % 501 for at in range(224)]
    prompts = [[*shared, own] for own in range(10, 18)]
    streams = [local.submit_tokens(prompt, ModelRequest((), max_tokens=4)) for prompt in prompts]
    cached = [stream.written().usage.cached_tokens for stream in streams]
    assert sorted(cached) == [0] + [224] * 7
    assert [stream.written_tokens() for stream in streams] == [
        reference.greedy(prompt, 4) for prompt in prompts
    ]


def test_what_can_never_be_served_is_refused(local: LocalModel) -> None:
    with pytest.raises(RequestRefused, match="more than the 4096 that tiny takes"):
        local.submit(ModelRequest(HELLO, max_tokens=4096))
    with pytest.raises(RequestRefused, match="at least one token"):
        local.submit(ModelRequest(HELLO, max_tokens=0))
    for unknown in (-1, 2048):
        with pytest.raises(RequestRefused, match="tokens that tiny does not know"):
            local.submit_tokens([5, unknown], ModelRequest((), max_tokens=1))
    with pytest.raises(RequestRefused, match="no adapter named absent"):
        local.submit(ModelRequest(HELLO, max_tokens=1, adapter="absent"))
    with pytest.raises(RequestRefused, match="JSON schema"):
        local.submit(ModelRequest(HELLO, max_tokens=1, json_schema={"type": "nothing"}))


def test_what_would_be_late_is_refused_at_once(local: LocalModel) -> None:
    began = time.monotonic()
    with pytest.raises(ModelUnavailable, match="would need about"):
        local.submit(ModelRequest(HELLO, max_tokens=2000, deadline_s=0.01))
    assert time.monotonic() - began < 5
    in_time = ModelRequest(HELLO, max_tokens=2, deadline_s=600)
    assert local.submit(in_time).written().finish is Finish.LENGTH


def test_more_requests_than_may_wait_are_refused(tiny_model: Path) -> None:
    model = LocalModel(replace(settings(tiny_model), max_requests=2, max_waiting=3))
    try:
        request = ModelRequest(HELLO, max_tokens=500)
        writings = [model.submit(request) for _ in range(5)]
        with pytest.raises(ModelUnavailable, match="5 requests are under way"):
            model.submit(request)
        stats = model.stats()
        assert stats.waiting >= 3
        assert 0 < stats.oldest_waiting_s < 60
        assert stats.blocks is not None
        assert stats.free_blocks is not None
        assert 0 <= stats.free_blocks <= stats.blocks
        for writing in writings:
            writing.cancel()
        assert settled_free_blocks(model) == model.stats().free_blocks
    finally:
        model.close()


def test_closing_ends_what_is_under_way_and_takes_nothing_more(tiny_model: Path) -> None:
    model = LocalModel(settings(tiny_model))
    writing = model.submit(ModelRequest(HELLO, max_tokens=2000))
    model.close()
    model.close()
    with pytest.raises(ModelUnavailable, match="tiny was closed"):
        writing.written()
    with pytest.raises(ModelUnavailable, match="tiny was closed"):
        list(writing.pieces(wait_s=60))
    assert not any(weight.nbytes for weight in model.network.module.parameters())
    with pytest.raises(ModelUnavailable, match="tiny was closed"):
        model.submit(ModelRequest(HELLO, max_tokens=1))


def test_a_model_that_is_not_there_or_does_not_fit_is_said(
    tmp_path: Path, tiny_model: Path
) -> None:
    with pytest.raises(ModelUnavailable, match="tiny cannot be loaded"):
        LocalModel(settings(tmp_path / "absent"))
    with pytest.raises(ModelUnavailable, match=r"does not fit in 0\.001 GB"):
        LocalModel(replace(settings(tiny_model), memory_gb=0.001))
