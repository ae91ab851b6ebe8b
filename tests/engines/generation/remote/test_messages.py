"""What is asked of Anthropic's API, and what is conceded to models that refuse it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from engines.generation.remote.endpoint import Dialect, Endpoint
from engines.generation.remote.events import ServerEvent
from engines.generation.remote.messages import MESSAGES
from engines.generation.types import (
    Finish,
    Message,
    ModelRequest,
    RequestRefused,
    Sampling,
)
from tests.engines.generation.remote.asking import PROMPT, asked, asking
from tests.fakes.model_servers.world import THINKER, World

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
LIST = {
    "type": "array",
    "items": {"$ref": "#/$defs/step"},
    "$defs": {"step": {"type": "object", "properties": {"n": {"const": 7}}, "required": ["n"]}},
}
ENDPOINT = Endpoint("big", "http://h", "claude", Dialect.ANTHROPIC)


def body(request: ModelRequest, *conceded: str) -> dict[str, Any]:
    return dict(MESSAGES.body(ENDPOINT, request, frozenset(conceded)).fields)


def test_a_plain_request() -> None:
    assert body(asking("Hello", max_tokens=5)) == {
        "model": "claude",
        "max_tokens": 5,
        "stream": True,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hello"}],
        "temperature": 0.0,
    }


def test_a_long_system_prompt_is_cached() -> None:
    messages = (Message("system", "x" * 5000), Message("user", "Hello"))
    block = body(ModelRequest(messages, 5))["system"][0]
    assert block["cache_control"] == {"type": "ephemeral"}
    assert body(ModelRequest(messages, 5), "cache_control")["system"] == "x" * 5000


def test_a_conversation_without_a_user_is_refused() -> None:
    for messages in ((Message("system", "x"),), (Message("assistant", "x"), Message("user", "y"))):
        with pytest.raises(RequestRefused, match="user begins"):
            body(ModelRequest(messages, 5))


def test_what_the_api_does_not_have_is_said() -> None:
    with asked(Dialect.ANTHROPIC) as good:
        hot = Sampling(temperature=1.5, top_k=3, seed=7)
        written = good.ask(replace(asking(), sampling=hot, stop=("\n", "launch")))
        assert written.remarks == (
            "this API's highest temperature is 1",
            "this API takes no seed: its answer cannot be repeated",
        )
        assert good.last_body["stop_sequences"] == ["launch"]
        assert written.text == f"You said: {PROMPT[: PROMPT.index('launch')]}"


def test_usage_counts_what_came_from_the_cache() -> None:
    with asked(Dialect.ANTHROPIC) as good:
        first, second = good.ask().usage, good.ask().usage
    assert first.prompt_tokens == second.prompt_tokens == second.cached_tokens > 0
    assert first.cached_tokens == 0
    assert first.written_tokens > 1


def test_a_schema_is_a_tool_that_has_to_be_used() -> None:
    with asked(Dialect.ANTHROPIC) as good:
        writing = good.model.submit(replace(asking(), json_schema=SCHEMA))
        assert len(list(writing.pieces(wait_s=20))) > 1
        written = writing.written()
        assert json.loads(written.text) == {"ok": True}
        assert (written.finish, written.remarks) == (Finish.STOP, ())
        assert good.last_body["tool_choice"]["name"] == "answer"


def test_a_value_that_is_no_object_is_wrapped_and_unwrapped() -> None:
    with asked(Dialect.ANTHROPIC) as good:
        written = good.ask(replace(asking(), json_schema=LIST))
        assert json.loads(written.text) == [{"n": 7}]
        schema = good.last_body["tools"][0]["input_schema"]
        assert set(schema) == {"type", "properties", "required", "$defs"}
        cut = good.ask(replace(asking(max_tokens=3), json_schema=LIST))
        assert (cut.text, cut.finish) == ('[{"n":', Finish.LENGTH)


def test_a_model_that_takes_nothing_is_asked_in_its_own_way() -> None:
    with asked(Dialect.ANTHROPIC, model=THINKER) as good:
        written = good.ask(replace(asking(), json_schema=SCHEMA))
        assert json.loads(written.text) == {"ok": True}
        assert written.remarks == ("this model does not let its sampling be set",)
        assert "temperature" not in good.last_body
        assert "tools" not in good.last_body
        assert good.last_body["output_config"]["format"]["schema"] == SCHEMA
        tries = len(good.world.seen)
        assert good.ask().text == f"You said: {PROMPT}"
        assert len(good.world.seen) == tries + 1


def test_words_ask_for_a_schema_where_nothing_else_can() -> None:
    sent = body(replace(asking("Hello"), json_schema=SCHEMA), "tool", "output_config")
    assert sent["messages"][-1]["content"].endswith(json.dumps(SCHEMA))
    assert not {"tools", "output_config"} & set(sent)


def test_a_tool_that_was_not_used_is_noticed() -> None:
    reading = MESSAGES.reading(replace(asking(), json_schema=SCHEMA), frozenset())
    events = [
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "No."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ]
    told = [reading.event(ServerEvent(json.dumps(each))) for each in events]
    assert "".join(each.text for each in told) == ""
    assert told[-1].error is not None
    assert told[-1].error.mentions(["tool_choice"])


def test_thoughts_are_no_text_and_new_events_are_let_pass() -> None:
    reading = MESSAGES.reading(asking(), frozenset())
    events = [
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": "x"}},
        {"type": "something_new", "delta": {"text": "x"}},
    ]
    assert [reading.event(ServerEvent(json.dumps(each))).text for each in events] == ["", "", ""]


def test_a_model_that_declines_refuses_the_request() -> None:
    event = {"type": "message_delta", "delta": {"stop_reason": "refusal"}}
    told = MESSAGES.reading(asking(), frozenset()).event(ServerEvent(json.dumps(event)))
    assert told.error is not None
    assert told.error.kind == "refusal"


def test_a_prompt_too_long_for_the_server_is_refused() -> None:
    with (
        asked(Dialect.ANTHROPIC, World(context_tokens=200)) as good,
        pytest.raises(RequestRefused, match=r"too long for big.*200"),
    ):
        good.ask(asking("word " * 500))
