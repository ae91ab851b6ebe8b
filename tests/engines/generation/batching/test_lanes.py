from dataclasses import replace
from pathlib import Path

import pytest

from engines.generation.batching.forecast import Forecast, Load
from engines.generation.batching.lanes import Lanes, Length, length
from engines.generation.batching.local import LocalModel
from engines.generation.batching.stream import Order, Stream
from engines.generation.types import GREEDY, ModelRequest
from tests.engines.generation.batching.conftest import settings


def stream(local: LocalModel, *, max_tokens: int, submitted: float) -> Stream:
    order = replace(local.order([5], ModelRequest((), max_tokens=max_tokens)), submitted=submitted)
    return Stream(order, detokeniser=local.vocabulary.detokeniser(), model="")


def test_lanes_are_by_the_most_that_may_be_written(local: LocalModel) -> None:
    lanes = [length(stream(local, max_tokens=most, submitted=0)) for most in (1, 48, 49, 128, 129)]
    assert lanes == [
        Length.SHORT,
        Length.SHORT,
        Length.MEDIUM,
        Length.MEDIUM,
        Length.LONG,
    ]


def test_short_ones_pass_long_ones_that_have_not_waited_long(local: LocalModel) -> None:
    long, medium, short, late = (
        stream(local, max_tokens=500, submitted=0.0),
        stream(local, max_tokens=100, submitted=1.0),
        stream(local, max_tokens=10, submitted=1.5),
        stream(local, max_tokens=10, submitted=6.0),
    )
    lanes = Lanes()
    for one in (long, medium, short, late):
        lanes.add(one)
    assert list(lanes) == [short, medium, long, late]
    lanes.remove({medium, late})
    assert list(lanes) == [short, long]
    assert len(lanes) == 2


def test_long_requests_leave_places_to_the_short(tiny_model: Path) -> None:
    model = LocalModel(replace(settings(tiny_model), max_requests=8))
    try:
        long = [model.submit_tokens([9, at], ModelRequest((), max_tokens=600)) for at in range(12)]
        short = [model.submit_tokens([8, at], ModelRequest((), max_tokens=4)) for at in range(12)]
        for one in short:
            one.written()
        assert not any(one.ended for one in long)
        assert 1 <= sum(one.running for one in long) <= 2
        for one in long:
            one.cancel()
    finally:
        model.close()


def test_a_forecast_is_the_queue_the_prompts_and_the_writing() -> None:
    forecast = Forecast(slots=4)
    request = {"prompt_tokens": 100, "max_tokens": 50}
    assert forecast.finish_s(**request, load=Load()) == 0.0
    forecast.measured(0.01, prompt_tokens=0, writing=4)
    forecast.measured(0.11, prompt_tokens=100, writing=4)
    assert forecast.finish_s(**request, load=Load()) == 100 * 0.001 + 50 * 0.01
    assert forecast.prompt_tokens_in(0.5) == 500
    for _ in range(100):
        forecast.began(prompt_tokens=100, cached_tokens=100)
    assert forecast.finish_s(**request, load=Load()) == pytest.approx(0.5, rel=1e-3)
    for _ in range(300):
        forecast.began(prompt_tokens=100, cached_tokens=0)
    waiting = Load(prompt_tokens=200, tokens_to_write=400, requests=4)
    assert forecast.finish_s(**request, load=waiting) == pytest.approx(1.0 + 0.3 + 0.5)


def test_an_order_knows_all_it_may_take() -> None:
    order = Order((1, 2, 3), max_tokens=7, sampling=GREEDY, seed=0, ends=frozenset())
    assert order.total_tokens == 10
