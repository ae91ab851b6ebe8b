"""Asks a model a tiny question and measures what comes."""

import json
from dataclasses import dataclass
from typing import Any, cast

from engines.generation.types import Backend, Message, ModelRequest, RequestRefused, Written

_QUESTION = "Write a Python function that adds two numbers. Answer with the code only."
_ANSWER_TOKENS = 64
_SCHEMA = {
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}
_LOOK_S = 1.0


@dataclass(frozen=True)
class Probed:
    """What one model did with two requests."""

    text: str
    model: str
    """As it calls itself."""
    context_tokens: int
    tokens: int
    tokens_per_s: float | None
    """While it wrote; None where it wrote too little to tell."""
    first_token_s: float | None
    streams: bool
    """Whether the text came in more than one piece."""
    schema: str
    """"kept", "not kept" or "refused": JSON was asked for by a schema."""
    memory_bytes: int | None


def probe(backend: Backend) -> Probed:
    """Ask it. Raises ModelUnavailable or RequestRefused where it does not answer at all."""
    request = ModelRequest((Message("user", _QUESTION),), _ANSWER_TOKENS)
    writing = backend.submit(request)
    pieces = sum(1 for piece in writing.pieces(wait_s=_LOOK_S) if piece)
    written = writing.written()
    return Probed(
        text=written.text,
        model=written.model,
        context_tokens=backend.context_tokens,
        tokens=written.usage.written_tokens or backend.count_tokens(written.text),
        tokens_per_s=_speed(backend, written),
        first_token_s=written.usage.first_token_s,
        streams=pieces > 1,
        schema=_schema(backend),
        memory_bytes=backend.stats().memory_bytes,
    )


def _speed(backend: Backend, written: Written) -> float | None:
    usage = written.usage
    tokens = usage.written_tokens or backend.count_tokens(written.text)
    began_s = usage.first_token_s or 0.0
    span_s = usage.total_s - began_s
    counted = tokens - 1 if began_s else tokens
    return counted / span_s if counted > 0 and span_s > 0 else None


def _schema(backend: Backend) -> str:
    asked = Message("user", 'Are you ready? Answer with JSON like {"ready": true}.')
    request = ModelRequest((asked,), _ANSWER_TOKENS, json_schema=_SCHEMA)
    try:
        text = backend.submit(request).written().text
    except RequestRefused:
        return "refused"
    try:
        found: object = json.loads(text)
    except ValueError:
        return "not kept"
    is_kept = isinstance(found, dict) and list(cast("dict[str, Any]", found)) == ["ready"]
    return "kept" if is_kept else "not kept"
