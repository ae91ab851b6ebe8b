"""What is asked of OpenAI-compatible servers, and what is conceded to those that refuse it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from engines.generation.remote.chat_completions import CHAT_COMPLETIONS
from engines.generation.remote.endpoint import Dialect, Endpoint
from engines.generation.remote.events import ServerEvent
from engines.generation.types import (
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    Sampling,
)
from tests.engines.generation.remote.asking import PROMPT, asked, asking
from tests.fakes.model_servers.world import THINKER, Flavour, World

CLOSED = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
OPEN = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
HOT = Sampling(temperature=0.7, top_p=0.9, top_k=40, seed=7)
ENDPOINT = Endpoint("big", "http://h/v1", "coder", adapters=("team",))


def body(request: ModelRequest, *conceded: str) -> dict[str, Any]:
    return dict(CHAT_COMPLETIONS.body(ENDPOINT, request, frozenset(conceded)).fields)


def test_a_plain_request() -> None:
    assert body(asking("Hello", max_tokens=5)) == {
        "model": "coder",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
        "max_tokens": 5,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
    }


def test_sampling_is_sent_where_it_means_something() -> None:
    sent = body(replace(asking(), sampling=HOT))
    assert {name: sent[name] for name in ("temperature", "top_p", "top_k", "seed")} == {
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
    }
    assert not {"top_p", "top_k", "seed"} & set(
        body(replace(asking(), sampling=Sampling(0.0, 0.5)))
    )


def test_at_most_four_stop_strings_are_sent() -> None:
    sent = body(replace(asking(), stop=("", "a", "b", "c", "d", "e")))
    assert sent["stop"] == ["a", "b", "c", "d"]


def test_first_system_messages_are_one() -> None:
    messages = (Message("system", "One."), Message("system", "Two."), Message("user", "Hello"))
    sent = body(ModelRequest(messages, 5))
    assert [each["content"] for each in sent["messages"]] == ["One.\n\nTwo.", "Hello"]
    sent = body(ModelRequest((*messages, Message("system", "Last.")), 5), "system")
    assert sent["messages"] == [
        {"role": "user", "content": "One.\n\nTwo.\n\nHello"},
        {"role": "user", "content": "Last."},
    ]


def test_an_adapter_is_a_model_of_the_server() -> None:
    assert body(replace(asking(), adapter="team"))["model"] == "team"
    with pytest.raises(RequestRefused, match="`other`"):
        body(replace(asking(), adapter="other"))


def test_usage_tells_what_was_cached() -> None:
    with asked(Dialect.OPENAI) as good:
        first, second = good.ask().usage, good.ask().usage
    assert first.cached_tokens == 0
    assert second.cached_tokens == second.prompt_tokens == first.prompt_tokens > 0
    assert first.written_tokens > 0


def test_openai_itself_takes_what_is_sent() -> None:
    with asked(Dialect.OPENAI, World(Flavour.OPENAI)) as good:
        request = replace(asking(), stop=("never",), json_schema=CLOSED)
        written = good.ask(request)
        assert json.loads(written.text) == {"ok": True}
        assert written.remarks == ()
        assert len(good.world.seen) == 1


def test_what_a_server_refuses_is_left_out_said_and_remembered() -> None:
    with asked(Dialect.OPENAI, World(Flavour.OPENAI)) as good:
        request = replace(asking(), sampling=HOT)
        assert good.ask(request).remarks == ("this model does not take top-k",)
        assert good.last_body["seed"] == 7
        tries = len(good.world.seen)
        assert good.ask(request).remarks == ("this model does not take top-k",)
        assert good.ask().remarks == ()
        assert len(good.world.seen) == tries + 2


def test_a_model_that_takes_nothing_is_asked_in_its_own_way() -> None:
    with asked(Dialect.OPENAI, World(Flavour.OPENAI), model=THINKER) as good:
        written = good.ask(replace(asking(), stop=("launch",)))
        assert written.text == f"You said: {PROMPT[: PROMPT.index('launch')]}"
        assert written.finish is Finish.STOP
        assert written.remarks == ("this model does not let its sampling be set",)
        assert good.last_body["max_completion_tokens"] == 100
        assert not {"max_tokens", "temperature", "stop"} & set(good.last_body)


def test_a_schema_that_is_not_closed_is_kept_loosely_where_strictness_is_refused() -> None:
    with asked(Dialect.OPENAI, World(Flavour.OPENAI)) as good:
        written = good.ask(replace(asking(), json_schema=OPEN))
        assert json.loads(written.text) == {"ok": True}
        assert "loosely" in written.remarks[0]
        assert good.last_body["response_format"]["json_schema"]["strict"] is False


def test_a_server_without_schemas_is_asked_in_words_and_that_is_said() -> None:
    world = World(
        Flavour.BARE, script=lambda turns: '{"ok": true}' if "schema" in turns[-1][1] else ""
    )
    with asked(Dialect.OPENAI, world) as good:
        written = good.ask(replace(asking(), json_schema=CLOSED))
        assert written.text == '{"ok": true}'
        assert written.remarks == (
            "this server does not enforce JSON schemas: valid JSON was only asked for",
        )
        assert good.last_body["messages"][-1]["content"].endswith(json.dumps(CLOSED))
        assert good.ask().remarks == ()


def test_a_server_known_to_ignore_schemas_is_asked_in_words_at_once() -> None:
    with asked(Dialect.OPENAI, constrains_json=False) as good:
        written = good.ask(replace(asking(), json_schema=CLOSED))
        assert "only asked for" in written.remarks[0]
        assert "response_format" not in good.last_body
        assert len(good.world.seen) == 1


def test_an_answer_that_ignores_its_schema_is_said_to() -> None:
    with asked(Dialect.OPENAI, World(ignores_schemas=True)) as good:
        written = good.ask(replace(asking(), json_schema=CLOSED))
        assert written.remarks == (
            "the server did not keep to the JSON schema: the answer is no JSON",
        )


def test_a_prompt_that_was_cut_by_the_server_is_said_to() -> None:
    with asked(Dialect.OPENAI, World(context_tokens=200, cuts_prompts=True)) as good:
        remark = good.ask(asking("word " * 2000)).remarks[0]
        assert "seems to have cut it" in remark
        assert good.ask(asking("word " * 20)).remarks == ()


def test_an_answer_that_was_cut_by_a_full_context_is_said_to() -> None:
    world = World(context_tokens=200, most_tokens=8)
    with asked(Dialect.OPENAI, world) as good:
        written = good.ask()
        assert written.finish is Finish.LENGTH
        assert written.remarks == (
            "the server ended the answer after 8 of 100 tokens: its context is full",
        )


@pytest.mark.parametrize("flavour", list(Flavour))
def test_a_prompt_too_long_for_the_server_is_refused(flavour: Flavour) -> None:
    with (
        asked(Dialect.OPENAI, World(flavour, context_tokens=200)) as good,
        pytest.raises(RequestRefused, match=r"too long for big.*200"),
    ):
        good.ask(asking("word " * 500))


def test_transformers_serve_is_understood() -> None:
    with asked(Dialect.OPENAI, World(Flavour.TRANSFORMERS)) as good:
        written = good.ask(replace(asking(), sampling=HOT))
        assert (written.text, written.finish) == (f"You said: {PROMPT}", Finish.STOP)
        assert written.remarks == ("this model does not take top-k",)
        assert written.usage.written_tokens > 0
    with (
        asked(Dialect.OPENAI, World(Flavour.TRANSFORMERS), model="other") as good,
        pytest.raises(ModelUnavailable, match=r"no model `other`.*it has `fake-coder-7b`"),
    ):
        good.ask()


@pytest.mark.parametrize(
    ("reason", "kind"), [("content_filter", RequestRefused), ("abort", ModelUnavailable)]
)
def test_an_end_that_is_none_is_an_error(reason: str, kind: type[Exception]) -> None:
    chunk = {"choices": [{"finish_reason": reason}]}
    reading = CHAT_COMPLETIONS.reading(asking(), frozenset())
    told = reading.event(ServerEvent(json.dumps(chunk)))
    assert told.error is not None
    assert kind is (RequestRefused if told.error.kind else ModelUnavailable)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "null",
        '{"choices": null}',
        '{"choices": [null]}',
        '{"choices": [{"delta": null, "finish_reason": 3}], "usage": []}',
        '{"choices": [{"delta": {"content": 3}}], "usage": {"prompt_tokens": "x"}}',
        "[" * 100_000,
    ],
)
def test_odd_chunks_tell_nothing(content: str) -> None:
    told = CHAT_COMPLETIONS.reading(asking(), frozenset()).event(ServerEvent(content))
    assert (told.text, told.finish, told.error) == ("", None, None)


def test_thoughts_are_no_text_but_a_sign_of_life() -> None:
    chunk = '{"choices": [{"delta": {"reasoning_content": "hm"}}]}'
    told = CHAT_COMPLETIONS.reading(asking(), frozenset()).event(ServerEvent(chunk))
    assert (told.text, told.is_progress) == ("", True)
