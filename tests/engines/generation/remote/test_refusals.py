"""What servers say, read without trust."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.generation.remote.endpoint import Bounds, Endpoint
from engines.generation.remote.judging import judged, lost, wanted_wait_s
from engines.generation.remote.refusals import QUOTE_CHARS, Said, quoted, said_in_body
from engines.generation.types import Message, ModelRequest, ModelUnavailable, RequestRefused

PROMPT = "def secret_of_the_house(x): return launch_code(x) + 42"
ENDPOINT = Endpoint("big", "https://models.example/v1", "coder", key="sk-0123456789")
REQUEST = ModelRequest((Message("user", PROMPT),), 8)

VLLM = {
    "error": {
        "message": "This model's maximum context length is 1024 tokens. However, you requested …",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    }
}
OLD_VLLM = {"object": "error", "message": "max_tokens must be at least 1, got -186.", "code": 400}
LLAMA_CPP = {
    "error": {
        "code": 500,
        "message": "the request exceeds the available context size",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 1407,
        "n_ctx": 256,
    }
}
OPENAI = {"error": {"message": "Too long.", "type": "x", "code": "context_length_exceeded"}}
ANTHROPIC = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8"},
}
FASTAPI = {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs", "input": PROMPT}]}


def body(content: object) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize("content", [VLLM, OLD_VLLM, LLAMA_CPP, OPENAI, ANTHROPIC])
def test_a_context_that_is_too_small_is_recognised(content: object) -> None:
    said = said_in_body(400, body(content))
    assert said.is_too_long
    problem = judged(said, ENDPOINT, REQUEST)
    assert isinstance(problem.failure, RequestRefused)
    assert "too long for big" in str(problem.failure)


def test_a_mistake_is_told_without_the_input() -> None:
    said = said_in_body(422, body(FASTAPI))
    assert said.message == "body.top_k: Extra inputs"
    assert said.mentions(["top_k"])
    assert not said.mentions(["top", "k"])


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, ModelUnavailable, "gryph model key big"),
        (403, ModelUnavailable, "does not take this key"),
        (402, ModelUnavailable, "paid"),
        (404, ModelUnavailable, "address end in /v1"),
        (400, RequestRefused, "does not take this request"),
        (413, RequestRefused, "too long"),
        (422, RequestRefused, "does not take this request"),
        (429, ModelUnavailable, "too much to do"),
        (500, ModelUnavailable, "failed"),
        (529, ModelUnavailable, "failed"),
    ],
)
def test_each_status_has_its_meaning(status: int, kind: type[Exception], words: str) -> None:
    problem = judged(said_in_body(status, b"<html><h1>so it is</h1></html>"), ENDPOINT, REQUEST)
    assert type(problem.failure) is kind
    assert words in str(problem.failure)
    assert "so it is" in str(problem.failure)
    assert problem.may_pass == (status in {429, 500, 529})


def test_who_asks_too_much_at_once_is_told_what_to_lower() -> None:
    said = Said(429, "slow down")
    several = replace(ENDPOINT, bounds=Bounds(concurrency=32))
    assert "up to 32 requests at once (`--concurrency`)" in str(
        judged(said, several, REQUEST).failure
    )
    single = replace(ENDPOINT, bounds=Bounds(concurrency=1))
    assert "--concurrency" not in str(judged(said, single, REQUEST).failure)


def test_a_server_without_its_key_is_told_to_want_one() -> None:
    keyless = Endpoint("big", "http://10.0.0.7:8000", "coder")
    problem = judged(Said(401, "no"), keyless, REQUEST)
    assert "wants a key" in str(problem.failure)


def test_a_quote_has_no_key_no_text_and_no_control_characters() -> None:
    text = f"\x1b[31mkey {ENDPOINT.key}\nis bad\u202e for input {PROMPT} and more"
    quote = quoted(text, [ENDPOINT.key], [PROMPT])
    assert quote.startswith("[31mkey [key] is bad for input")
    assert ENDPOINT.key not in quote
    assert "launch_code" not in quote
    assert quote.endswith("[…]")


@settings(deadline=None)
@given(st.text(max_size=3000))
def test_a_quote_is_short_and_printable(text: str) -> None:
    quote = quoted(text, ["k"], [])
    assert len(quote) <= QUOTE_CHARS
    assert "k" not in quote.replace("[key]", "")
    assert all(char == " " or char.isprintable() for char in quote)


@settings(deadline=None)
@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["error", "message", "detail", "type", "code", "loc"]), inner
            )
        ),
        max_leaves=12,
    ).map(body)
)
def test_any_body_is_read(content: bytes) -> None:
    problem = judged(said_in_body(400, content), ENDPOINT, REQUEST)
    assert str(problem.failure)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "Sun, 06 Nov 2033 08:49:37 GMT"}, 60),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
    ],
)
def test_the_wait_a_server_wants(headers: dict[str, str], wait_s: float | None) -> None:
    now = datetime(2033, 11, 6, 8, 48, 37, tzinfo=UTC)
    assert wanted_wait_s(httpx.Headers(headers), now) == wait_s


@pytest.mark.parametrize(
    ("error", "words", "may_pass"),
    [
        (httpx.ConnectTimeout("x"), "no connection within 5 seconds", True),
        (httpx.ConnectError("[Errno 111] Connection refused"), "Connection refused", True),
        (httpx.ReadTimeout("x"), "does not answer", False),
        (httpx.ReadError("x"), "broke the connection", True),
        (httpx.RemoteProtocolError("x"), "broke the connection", True),
    ],
)
def test_a_lost_connection_is_told(error: httpx.HTTPError, words: str, *, may_pass: bool) -> None:
    problem = lost(error, ENDPOINT)
    assert words in str(problem.failure)
    assert "models.example" in str(problem.failure)
    assert problem.may_pass == may_pass
