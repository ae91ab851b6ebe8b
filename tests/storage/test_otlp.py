"""Sending traces ends in time, whatever the receiver does."""

import time

import pytest

from storage import traces
from storage.otlp import CLOSE_S
from storage.traces import set_up_tracing
from tests.acceptance.campaign.processes import free_port
from tests.fakes.otlp import receiving


def test_the_last_spans_are_sent_before_the_end() -> None:
    with receiving() as receiver:
        close = set_up_tracing(receiver.url, "gateway")
        with traces.span("message", platform="slack") as span:
            traceparent = str(span.traceparent)
        traces.past("queue", (1, 2), traceparent, job="J1")
        close()
        first, second = sorted(receiver.spans, key=lambda each: each.name)
    assert (first.name, first.service, first.parent) == ("message", "gryph-gateway", "")
    assert first.attributes == {"gryph.platform": "slack"}
    assert (second.name, second.trace, second.parent) == ("queue", first.trace, first.id)
    assert (second.attributes, second.times_ns) == ({"gryph.job": "J1"}, (1, 2))
    assert traceparent.startswith(f"00-{first.trace}-{first.id}-")


def test_of_an_exception_only_its_type_is_told() -> None:
    with receiving() as receiver:
        close = set_up_tracing(receiver.url, "worker")
        with pytest.raises(KeyError), traces.span("job"):
            raise KeyError("a secret of somebody")
        close()
        (span,) = receiver.spans
    assert span.attributes == {"error.type": "KeyError"}
    assert b"secret" not in b"".join(receiver.bodies)


@pytest.mark.parametrize("is_there", [True, False], ids=["slow", "absent"])
def test_a_receiver_that_does_not_answer_delays_the_end_by_seconds_at_most(
    *, is_there: bool
) -> None:
    with receiving(answer_after_s=60) as receiver:
        url = receiver.url if is_there else f"http://127.0.0.1:{free_port()}"
        close = set_up_tracing(url, "gateway")
        with traces.span("message"):
            pass
        began = time.monotonic()
        close()
        assert time.monotonic() - began < CLOSE_S + 2
