"""One trace from a message to its answer, through real processes; and what a bad receiver costs."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.campaign.processes import free_port
from tests.acceptance.stack import running
from tests.fakes.otlp import Received, receiving

pytestmark = pytest.mark.slow

SLACK = {
    "GRYPH_SLACK_BOT_TOKEN": "xoxb-2222222222-3333333333-aaaabbbbccccdddd",
    "GRYPH_SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "GRYPH_SLACK_API_URL": "http://127.0.0.1:9/",
}
SOON_S = 10.0
"""Far more than a command takes here, far less than it would if it waited for the receiver."""
NEVER_S = 120.0


async def test_one_trace_leads_from_the_message_to_the_engine_and_back(
    tmp_path: Path, repository: Path
) -> None:
    home = tmp_path / "home"
    with receiving() as receiver:
        async with running(home, GRYPH_OTLP_URL=receiver.url, **SLACK) as stack:
            thread = await stack.say("test text/slugs.py budget=3s", repository)
            await thread.result()
            assert await stack.stop() == 0
    spans = receiver.spans
    assert len({span.trace for span in spans}) == 1
    assert {span.service for span in spans} == {"gryph-gateway", "gryph-worker"}
    assert way_to(named(spans, "search"), spans) == ["message", "handle", "job", "search"]
    assert way_to(named(spans, "command"), spans) == ["message", "handle", "command"]
    for after in ("ring", "queue", "deliver status", "deliver result"):
        assert way_to(named(spans, after), spans) == ["message", "handle", after]
    of_no_job = {span.name for span in spans if span.attributes.get("gryph.job") != thread.job}
    assert of_no_job == {"message", "handle", "command"}, "these come before there is a job"
    assert all(began <= ended for began, ended in (span.times_ns for span in spans))

    sent = b"".join(receiver.bodies)
    keys = [file.read_bytes() for file in (home / "keys").iterdir()]
    assert len(keys) > 2
    told = (*SLACK.values(), "slugs", str(repository), str(home))
    for secret in (*keys, *(text.encode() for text in told)):
        assert secret not in sent


@pytest.mark.parametrize("is_there", [True, False], ids=["slow", "absent"])
async def test_a_receiver_that_does_not_answer_costs_nothing(
    tmp_path: Path, repository: Path, *, is_there: bool
) -> None:
    with receiving(answer_after_s=NEVER_S) as receiver:
        url = receiver.url if is_there else f"http://127.0.0.1:{free_port()}"
        async with running(tmp_path / "home", GRYPH_OTLP_URL=url) as stack:
            for line in ("test missing.py", "test broken.py"):
                began = time.monotonic()
                await (await stack.say(line, repository)).result()
                assert time.monotonic() - began < SOON_S, line
            assert await stack.stop() == 0
            assert "did not stop in time" not in stack.log


def named(spans: Sequence[Received], name: str) -> Received:
    """The first one of that name."""
    return min((span for span in spans if span.name == name), key=lambda span: span.times_ns)


def way_to(span: Received, spans: Sequence[Received]) -> list[str]:
    """Names from the trace's root to a span."""
    above = {each.id: each for each in spans}
    names = [span.name]
    while span.parent:
        span = above[span.parent]
        names.insert(0, span.name)
    return names
