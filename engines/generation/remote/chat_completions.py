"""OpenAI's chat completions, as it and the servers that follow it speak them.

Sources: OpenAI API reference, "Create chat completion" and "Streaming"; vLLM "OpenAI-compatible
server"; llama.cpp `tools/server/README.md`; SGLang and Ollama "OpenAI compatibility".
"""

from collections.abc import Mapping
from typing import Any

from engines.generation.remote.endpoint import Endpoint
from engines.generation.remote.events import ServerEvent
from engines.generation.remote.refusals import Said, said_in_object
from engines.generation.remote.wire import (
    NOTHING,
    Body,
    Concession,
    Counts,
    Told,
    Wire,
    count,
    json_object,
    part,
    parts,
    schema_in_words,
    word,
)
from engines.generation.types import Finish, Message, ModelRequest, RequestRefused

_MOST_STOPS = 4
"""OpenAI's limit; the client looks for all of them itself."""
_FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.STOP,
    "function_call": Finish.STOP,
}
_FILTERED = Said(400, "the provider's content filter stopped the answer", kind="content_filter")
_DECLINED = Said(400, "the model declined to answer", kind="refusal")
_ABORTED = {"abort", "error", "cancelled"}
_ONLY_ASKED = "this server does not enforce JSON schemas: valid JSON was only asked for"

_CONCESSIONS = (
    Concession("max_tokens", ("max_tokens", "max_completion_tokens")),
    Concession("stream_options", ("stream_options", "include_usage")),
    Concession("temperature", ("temperature",), "this model does not let its sampling be set"),
    Concession("top_p", ("top_p",), "this model does not take top-p"),
    Concession("top_k", ("top_k",), "this model does not take top-k"),
    Concession("seed", ("seed",), "this model takes no seed: its answer cannot be repeated"),
    Concession("stop", ("stop",)),
    Concession("system", ("system role", "system message", "role 'system'", "roles")),
    Concession(
        "strict",
        ("additionalproperties", "'required' is required", "strict"),
        "this server keeps only loosely to a schema that is not closed",
        is_about_schema=True,
    ),
    Concession(
        "json_schema",
        ("response_format", "json_schema", "schema", "grammar", "guided", "xgrammar"),
        _ONLY_ASKED,
        is_about_schema=True,
    ),
    Concession(
        "json_object",
        ("response_format", "json_object", "json"),
        _ONLY_ASKED,
        is_about_schema=True,
    ),
)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    return {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}


def _body(endpoint: Endpoint, request: ModelRequest, conceded: frozenset[str]) -> Body:
    tokens_field = "max_completion_tokens" if "max_tokens" in conceded else "max_tokens"
    optional: dict[str, Any] = {
        "stream_options": {"include_usage": True},
        "temperature": request.sampling.temperature,
        **_sampling(request),
    }
    if stops := [each for each in request.stop if each][:_MOST_STOPS]:
        optional["stop"] = stops
    kept = {name: value for name, value in optional.items() if name not in conceded}
    fields = {
        "model": _model(endpoint, request),
        "messages": _messages(request, conceded),
        tokens_field: request.max_tokens,
        "stream": True,
        **kept,
        **_format(request, conceded),
    }
    open_to = {*kept, *_other_concessions(request, conceded)}
    return Body(fields, tuple(each.name for each in _CONCESSIONS if each.name in open_to))


def _other_concessions(request: ModelRequest, conceded: frozenset[str]) -> set[str]:
    """Beside fields that can be left out."""
    names = {"max_tokens"}
    if any(each.role == "system" for each in request.messages):
        names.add("system")
    if request.json_schema is not None:
        names |= {"json_object"} if "json_schema" in conceded else {"json_schema", "strict"}
    return names - conceded


def _model(endpoint: Endpoint, request: ModelRequest) -> str:
    if request.adapter is None:
        return endpoint.model
    if request.adapter not in endpoint.adapters:
        raise RequestRefused(f"{endpoint.name} was not told of an adapter `{request.adapter}`")
    return request.adapter


def _sampling(request: ModelRequest) -> dict[str, Any]:
    """What means something above temperature 0."""
    sampling = request.sampling
    if not sampling.temperature:
        return {}
    fields: dict[str, Any] = {}
    if sampling.top_p < 1:
        fields["top_p"] = sampling.top_p
    if sampling.top_k:
        fields["top_k"] = sampling.top_k
    if sampling.seed is not None:
        fields["seed"] = sampling.seed
    return fields


def _messages(request: ModelRequest, conceded: frozenset[str]) -> list[dict[str, str]]:
    """One system message at most before the others: several templates refuse a second one."""
    messages = list(request.messages)
    start = next((at for at, each in enumerate(messages) if each.role != "system"), len(messages))
    if start:
        head = "\n\n".join(each.text for each in messages[:start])
        messages[:start] = [Message("system", head)]
    if request.json_schema is not None and "json_schema" in conceded:
        last = messages.pop()
        text = f"{last.text}\n\n{schema_in_words(request.json_schema)}"
        messages.append(Message(last.role, text))
    if "system" in conceded:
        messages = _without_system(messages)
    return [{"role": each.role, "content": each.text} for each in messages]


def _without_system(messages: list[Message]) -> list[Message]:
    """The system's words at the head of the next message of the user."""
    result: list[Message] = []
    held = ""
    for message in messages:
        if message.role == "system":
            held += f"{message.text}\n\n"
        elif message.role == "user":
            result.append(Message("user", held + message.text))
            held = ""
        else:
            result.append(message)
    return [*result, Message("user", held.rstrip())] if held else result


def _format(request: ModelRequest, conceded: frozenset[str]) -> dict[str, Any]:
    if request.json_schema is None or "json_object" in conceded:
        return {}
    if "json_schema" in conceded:
        return {"response_format": {"type": "json_object"}}
    strict = "strict" not in conceded
    named = {"name": "answer", "strict": strict, "schema": request.json_schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


class _Reading:
    """Chunks carry differences; usage comes last, in a chunk without choices or in every one."""

    def event(self, event: ServerEvent) -> Told:
        if event.data.strip() == "[DONE]":
            return Told(is_last=True)
        content = json_object(event.data)
        if content is None:
            return NOTHING
        if event.name == "error" and "error" not in content:
            content = {"error": content}
        return self._told(content, "delta")

    def whole(self, content: Mapping[str, Any]) -> Told:
        return self._told(content, "message")

    def _told(self, content: Mapping[str, Any], where: str) -> Told:
        error = said_in_object(content)
        choice = part({"first": next(iter(parts(content, "choices")), None)}, "first")
        delta = part(choice, where)
        reason = word(choice, "finish_reason")
        if reason == "content_filter":
            error = error or _FILTERED
        elif reason in _ABORTED:
            error = error or Said(500, f"the server ended the answer ({reason})")
        if word(delta, "refusal"):
            error = error or _DECLINED
        text = word(delta, "content")
        thoughts = word(delta, "reasoning_content") or word(delta, "reasoning")
        return Told(
            text,
            is_progress=bool(text or thoughts),
            finish=_FINISHES.get(reason, Finish.STOP) if reason else None,
            counts=_counts(content),
            model=word(content, "model"),
            error=error,
        )


def _counts(content: Mapping[str, Any]) -> Counts:
    usage = part(content, "usage")
    cached = count(part(usage, "prompt_tokens_details"), "cached_tokens")
    if cached is None:  # DeepSeek; llama.cpp
        cached = count(usage, "prompt_cache_hit_tokens")
    if cached is None:
        cached = count(part(content, "timings"), "cache_n")
    return Counts(count(usage, "prompt_tokens"), cached, count(usage, "completion_tokens"))


def _reading(_request: ModelRequest, _conceded: frozenset[str]) -> _Reading:
    return _Reading()


CHAT_COMPLETIONS = Wire("/chat/completions", _headers, _body, _reading, _CONCESSIONS)
