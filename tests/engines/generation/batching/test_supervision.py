import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engines.generation.asking import Pace, read
from engines.generation.batching.attention import RunKeyValues
from engines.generation.batching.local import LocalModel
from engines.generation.ground import Budget
from engines.generation.tasks import Limits
from engines.generation.types import EngineLost, Message, ModelRequest, ModelUnavailable, Sampling
from engines.watch import Unwatched
from tests.engines.generation.batching.conftest import settings

HELLO = ModelRequest((Message("user", "Sort a list."),), max_tokens=24)


class Trouble:
    """Makes chosen forward passes of a model fail or hang, as a driver or a bug would."""

    def __init__(self, model: LocalModel) -> None:
        self.passes = 0
        self.fail_at: set[int] = set()
        self.hang_at: set[int] = set()
        self.over = threading.Event()
        model.network.module.register_forward_pre_hook(self)

    def __call__(self, *_: object) -> None:
        self.passes += 1
        if self.passes in self.fail_at:
            raise RuntimeError("the device is on fire")
        if self.passes in self.hang_at:
            self.over.wait(120)


@pytest.fixture
def model(tiny_model: Path) -> Iterator[LocalModel]:
    model = LocalModel(settings(tiny_model))
    yield model
    model.close()


@pytest.fixture
def trouble(model: LocalModel) -> Trouble:
    return Trouble(model)


def test_requests_go_on_where_they_were_when_the_engine_is_lost(
    model: LocalModel, trouble: Trouble
) -> None:
    requests = [
        HELLO,
        replace(HELLO, sampling=Sampling(1.0, seed=4)),
        replace(HELLO, json_schema={"type": "array", "items": {"enum": ["sort", "list"]}}),
    ]
    undisturbed = [model.submit(request).written() for request in requests]
    trouble.fail_at = {trouble.passes + 9}
    streams = [model.submit(request) for request in requests]
    pieces = ["".join(stream.pieces(wait_s=60)) for stream in streams]
    assert pieces == [one.text for one in undisturbed]
    assert [stream.written().finish for stream in streams] == [one.finish for one in undisturbed]
    assert (model.stats().restarts, model.stats().hangs) == (1, 0)
    assert model.stats().written_tokens >= 6 * 20


def test_a_hung_engine_is_given_up_and_not_heard_when_it_wakes_up(tiny_model: Path) -> None:
    model = LocalModel(replace(settings(tiny_model), hang_s=5.0))
    trouble = Trouble(model)
    try:
        undisturbed = model.submit(HELLO).written().text
        trouble.hang_at = {trouble.passes + 5}
        stream = model.submit(HELLO)
        assert "".join(stream.pieces(wait_s=60)) == undisturbed
        assert (model.stats().restarts, model.stats().hangs) == (1, 1)
        trouble.over.set()
        assert model.submit(HELLO).written().text == undisturbed
        assert stream.written().text == undisturbed
        assert len(stream.written_tokens()) == 24
    finally:
        trouble.over.set()
        model.close()


def test_a_request_under_which_the_engine_is_lost_twice_fails_with_the_reason(
    model: LocalModel, trouble: Trouble
) -> None:
    trouble.fail_at = {trouble.passes + 3, trouble.passes + 6}
    stream = model.submit(HELLO)
    with pytest.raises(EngineLost, match=r"the engine of tiny was lost: .*on fire"):
        stream.written()
    assert model.stats().restarts == 2
    assert model.submit(HELLO).written().text


def test_a_job_does_not_ask_again_for_an_answer_under_which_the_engine_was_lost_twice(
    model: LocalModel, trouble: Trouble
) -> None:
    trouble.fail_at = {trouble.passes + 12, trouble.passes + 15}
    stream, drafts = model.submit(HELLO), list[str]()
    with pytest.raises(EngineLost):
        read(stream, HELLO, model, Budget(Limits(), Unwatched()), Pace(drafts.append))
    assert drafts
    assert model.stats().restarts == 2


def test_an_engine_that_is_lost_again_and_again_is_down_and_nothing_waits(
    model: LocalModel, trouble: Trouble
) -> None:
    trouble.fail_at = set(range(trouble.passes + 1, trouble.passes + 100))
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            model.submit(HELLO).written()
    with pytest.raises(ModelUnavailable, match="tiny is down"):
        model.submit(HELLO)
    assert model.stats().running == 0


def test_requests_that_had_not_begun_are_not_counted_as_lost(
    tiny_model: Path,
) -> None:
    model = LocalModel(replace(settings(tiny_model), max_requests=1))
    trouble = Trouble(model)
    try:
        trouble.fail_at = {trouble.passes + 3, trouble.passes + 6}
        first, second = model.submit(HELLO), model.submit(HELLO)
        with pytest.raises(EngineLost):
            first.written()
        assert second.written().usage.written_tokens == 24
    finally:
        model.close()


def test_a_device_that_is_lost_leaves_a_model_that_is_broken_and_says_why(
    model: LocalModel, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    assert not model.stats().is_broken
    monkeypatch.setattr(RunKeyValues, "__init__", lost)
    trouble.fail_at = {trouble.passes + 3}
    with pytest.raises(EngineLost, match="on fire"):
        model.submit(HELLO).written()
    with pytest.raises(ModelUnavailable, match=r"cannot be started again .*illegal memory access"):
        model.submit(HELLO)
    assert model.stats().is_broken
    model.close()


def test_closing_does_not_break_a_model(model: LocalModel) -> None:
    model.close()
    assert not model.stats().is_broken


def test_a_device_without_the_memory_is_said_when_the_model_is_loaded(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(RunKeyValues, "__init__", full)
    with pytest.raises(ModelUnavailable, match="tiny cannot be started: CUDA out of memory"):
        LocalModel(settings(tiny_model))


def test_a_model_whose_engine_never_runs_is_refused_when_it_is_loaded(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise NotImplementedError("attention with softcap is not served here")

    monkeypatch.setattr(RunKeyValues, "attend", broken)
    with pytest.raises(EngineLost, match="softcap is not served here"):
        LocalModel(settings(tiny_model))
