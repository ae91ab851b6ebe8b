"""Anthropic's messages API.

Sources: Anthropic API reference, "Create a Message", "Streaming messages", "Errors", "Tool use",
"Structured outputs".
"""

import json
import re
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
from engines.generation.types import Finish, ModelRequest, RequestRefused

_VERSION = "2023-06-01"
_TOOL = "answer"
_WRAPPED = "value"
"""A tool's input is an object; a schema of something else is put in this field."""
_WRAPPING = re.compile(rf'^\s*\{{\s*"{_WRAPPED}"\s*:\s*')
_HOTTEST = 1.0
_WORTH_CACHING_CHARS = 4_000
"""Shorter prompts are not cached by the API in any case."""
_FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
}
_DECLINED = Said(400, "the model declined to answer", kind="refusal")
_NO_TOOL = Said(400, "the tool_choice of the request was not kept")

_CONCESSIONS = (
    Concession("temperature", ("temperature",), "this model does not let its sampling be set"),
    Concession("top_p", ("top_p",), "this model does not take top-p beside a temperature"),
    Concession("top_k", ("top_k",), "this model does not take top-k"),
    Concession("stop_sequences", ("stop_sequences",)),
    Concession("cache_control", ("cache_control",)),
    Concession("tool", ("tool_choice", "tools", "tool", "input_schema"), is_about_schema=True),
    Concession(
        "output_config",
        ("output_config", "output_format", "format", "schema"),
        "this server does not enforce JSON schemas: valid JSON was only asked for",
        is_about_schema=True,
    ),
)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    key = {"x-api-key": endpoint.key} if endpoint.key else {}
    return {"anthropic-version": _VERSION, **key}


def _body(endpoint: Endpoint, request: ModelRequest, conceded: frozenset[str]) -> Body:
    if request.adapter is not None:
        raise RequestRefused(f"{endpoint.name} has no adapters")
    turns = _turns(request, conceded)
    if not turns or turns[0]["role"] != "user":
        raise RequestRefused(f"{endpoint.name} takes a conversation that the user begins")
    optional, remarks = _sampling(request)
    if stops := [each for each in request.stop if each.strip()]:
        optional["stop_sequences"] = stops
    kept = {name: value for name, value in optional.items() if name not in conceded}
    fields = {
        "model": endpoint.model,
        "max_tokens": request.max_tokens,
        "stream": True,
        **_system(request, conceded),
        "messages": turns,
        **kept,
        **_format(request, conceded),
    }
    open_to = {*kept, _way(conceded)} if request.json_schema is not None else {*kept}
    open_to |= {"cache_control"} - conceded
    names = tuple(each.name for each in _CONCESSIONS if each.name in open_to)
    return Body(fields, names, remarks)


def _turns(request: ModelRequest, conceded: frozenset[str]) -> list[dict[str, str]]:
    turns = [
        {"role": each.role, "content": each.text}
        for each in request.messages
        if each.role != "system" and each.text
    ]
    if turns and request.json_schema is not None and _way(conceded) == "words":
        turns[-1]["content"] += f"\n\n{schema_in_words(request.json_schema)}"
    return turns


def _system(request: ModelRequest, conceded: frozenset[str]) -> dict[str, Any]:
    text = "\n\n".join(each.text for each in request.messages if each.role == "system")
    if len(text) < _WORTH_CACHING_CHARS or "cache_control" in conceded:
        return {"system": text} if text else {}
    return {"system": [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]}


def _sampling(request: ModelRequest) -> tuple[dict[str, Any], tuple[str, ...]]:
    sampling = request.sampling
    fields: dict[str, Any] = {"temperature": min(sampling.temperature, _HOTTEST)}
    remarks: list[str] = []
    if sampling.temperature > _HOTTEST:
        remarks.append(f"this API's highest temperature is {_HOTTEST:g}")
    if sampling.temperature:
        if sampling.top_p < 1:
            fields["top_p"] = sampling.top_p
        if sampling.top_k:
            fields["top_k"] = sampling.top_k
        if sampling.seed is not None:
            remarks.append("this API takes no seed: its answer cannot be repeated")
    return fields, tuple(remarks)


def _way(conceded: frozenset[str]) -> str:
    """How a schema is made to hold: each way after the one that was refused."""
    return next((way for way in ("tool", "output_config") if way not in conceded), "words")


def _format(request: ModelRequest, conceded: frozenset[str]) -> dict[str, Any]:
    schema = request.json_schema
    if schema is None or _way(conceded) == "words":
        return {}
    if _way(conceded) == "output_config":
        return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    tool = {
        "name": _TOOL,
        "description": "Give the answer.",
        "input_schema": schema if _is_object(schema) else _wrapped(schema),
    }
    return {
        "tools": [tool],
        "tool_choice": {"type": "tool", "name": _TOOL, "disable_parallel_tool_use": True},
    }


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object"


def _wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object with the value inside; definitions stay at the root, where references look."""
    definitions = {name: schema[name] for name in ("$defs", "definitions") if name in schema}
    inner = {name: value for name, value in schema.items() if name not in definitions}
    return {
        "type": "object",
        "properties": {_WRAPPED: inner},
        "required": [_WRAPPED],
        **definitions,
    }


class _Reading:
    """Blocks begin, grow and stop; only text counts, or only the tool's input where one is forced.

    The input of a tool that wraps a value is held until it is whole.
    """

    def __init__(self, request: ModelRequest, conceded: frozenset[str]) -> None:
        schema = request.json_schema
        self._has_tool = schema is not None and _way(conceded) == "tool"
        self._is_wrapped = self._has_tool and schema is not None and not _is_object(schema)
        self._held = ""
        self._had_tool = False

    def event(self, event: ServerEvent) -> Told:
        content = json_object(event.data)
        if content is None:
            return NOTHING
        match word(content, "type") or event.name:
            case "message_start":
                message = part(content, "message")
                return Told(counts=_counts(part(message, "usage")), model=word(message, "model"))
            case "content_block_start":
                block = part(content, "content_block")
                return self._grown(word(block, "type"), word(block, "text"))
            case "content_block_delta":
                delta = part(content, "delta")
                text = word(delta, "text") or word(delta, "partial_json")
                return self._grown(word(delta, "type"), text)
            case "message_delta":
                reason = word(part(content, "delta"), "stop_reason")
                return self._finished(reason, _counts(part(content, "usage")))
            case "message_stop":
                return Told(is_last=True)
            case "error":
                return Told(error=said_in_object(content) or Said(500, "an error"))
            case _:  # ping, content_block_stop, and what may come in future
                return NOTHING

    def whole(self, content: Mapping[str, Any]) -> Told:
        if error := said_in_object(content):
            return Told(error=error)
        text = ""
        for block in parts(content, "content"):
            kind = word(block, "type")
            written = json.dumps(block.get("input")) if kind == "tool_use" else word(block, "text")
            text += self._grown(kind, written).text
        told = self._finished(word(content, "stop_reason"), _counts(part(content, "usage")))
        return Told(
            text + told.text,
            finish=told.finish,
            counts=told.counts,
            model=word(content, "model"),
            error=told.error,
        )

    def _grown(self, kind: str, text: str) -> Told:
        is_tool = kind in {"tool_use", "input_json_delta"}
        self._had_tool |= is_tool
        if self._is_wrapped:
            self._held += text if is_tool else ""
            return Told(is_progress=True)
        is_shown = is_tool == self._has_tool and kind not in {"thinking", "redacted_thinking"}
        return Told(text if is_shown else "", is_progress=True)

    def _finished(self, reason: str, counts: Counts) -> Told:
        error = _DECLINED if reason == "refusal" else None
        if self._has_tool and not self._had_tool and reason in {"end_turn", "max_tokens"}:
            error = _NO_TOOL
        finish = _FINISHES.get(reason, Finish.STOP) if reason else None
        return Told(self._unwrapped(), finish=finish, counts=counts, error=error)

    def _unwrapped(self) -> str:
        """The value of a wrapped answer; what there is of one that was cut off."""
        held, self._held = self._held, ""
        try:
            content: Any = json.loads(held)
        except (ValueError, RecursionError):
            return _WRAPPING.sub("", held)
        return json.dumps(content[_WRAPPED], ensure_ascii=False) if _WRAPPED in content else held


def _counts(usage: Mapping[str, Any]) -> Counts:
    """`input_tokens` leaves out what was read from, or written to, the cache."""
    fresh = count(usage, "input_tokens")
    cached = count(usage, "cache_read_input_tokens")
    stored = count(usage, "cache_creation_input_tokens")
    prompt = None if fresh is None else fresh + (cached or 0) + (stored or 0)
    return Counts(prompt, cached, count(usage, "output_tokens"))


MESSAGES = Wire("/messages", _headers, _body, _Reading, _CONCESSIONS)
