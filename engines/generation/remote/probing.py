"""Finds out what a model behind HTTP can do, by asking it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from engines.generation.remote.backend import RemoteModel
from engines.generation.remote.endpoint import Endpoint
from engines.generation.remote.writing import RemoteWriting
from engines.generation.types import Finish, Message, ModelRequest, Usage, Written

_WAIT_S = 1.0
_TOKENS = 64
_SCHEMA_TOKENS = 256
"""Some servers allow any white space between the parts of a value, and small models use it."""
_COUNTING = "Write the numbers from one to thirty in words, separated by commas."
_CHATTING = "How are you today? Tell me in one sentence."
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "n": {"type": "integer"}},
    "required": ["n", "ok"],
    "additionalProperties": False,
}
_LEAST_TOKENS_FOR_SPEED = 4
_LEAST_WORDS = 3


@dataclass(frozen=True)
class ModelFacts:
    """What a server said of itself and what was seen of it."""

    models: tuple[str, ...]
    """Those it lists; none where it does not list them."""
    context_tokens: int | None
    """Of the model that is asked, where the server tells."""
    streams: bool
    """The text came in more than one piece."""
    constrains_json: bool | None
    """A schema holds for a question that does not ask for JSON; None if the answer was cut off."""
    stops: bool | None
    """The server ends at stop strings (the client does in any case); None if it was not seen."""
    tokens_per_s: float | None
    """While it writes, one request alone; None for too short an answer."""
    first_token_s: float | None
    model: str = ""
    """As it calls itself."""
    remarks: tuple[str, ...] = ()
    """What this server does not take of a request."""


def probe(endpoint: Endpoint) -> ModelFacts:
    """Ask three short questions. Takes as long as some 400 tokens.

    Raises:
        ModelUnavailable: It cannot be asked; the message says why.
        RequestRefused: It does not take even a short request.
    """
    model = RemoteModel(replace(endpoint, constrains_json=True))
    try:
        counting = model.submit(_request(_COUNTING))
        pieces = sum(bool(piece) for piece in counting.pieces(wait_s=_WAIT_S))
        written = counting.written()
        answered = model.submit(_request(_CHATTING, schema=_SCHEMA)).written()
        listed = model.listed_models()
        return ModelFacts(
            models=tuple(each.name for each in listed),
            context_tokens=model.told_context_tokens(listed),
            streams=pieces > 1,
            constrains_json=_is_constrained(answered),
            stops=_stops(model, written.text),
            tokens_per_s=_speed(written.usage),
            first_token_s=written.usage.first_token_s,
            model=written.model,
            remarks=tuple(dict.fromkeys((*written.remarks, *answered.remarks))),
        )
    finally:
        model.close()


def _request(
    text: str, *, schema: Mapping[str, Any] | None = None, stop: tuple[str, ...] = ()
) -> ModelRequest:
    tokens = _TOKENS if schema is None else _SCHEMA_TOKENS
    return ModelRequest((Message("user", text),), tokens, stop=stop, json_schema=schema)


def _is_constrained(answered: Written) -> bool | None:
    try:
        content: Any = json.loads(answered.text)
    except ValueError:
        return None if answered.finish is Finish.LENGTH and _may_go_on(answered.text) else False
    is_as_asked = (
        isinstance(content, dict) and sorted(cast("dict[str, Any]", content)) == _SCHEMA["required"]
    )
    return is_as_asked and not answered.remarks


def _may_go_on(text: str) -> bool:
    return text.lstrip().startswith("{")


def _stops(model: RemoteModel, text: str) -> bool | None:
    """Asks again for a text, up to something in its middle."""
    half = text[len(text) // 2 :].split()
    if len(half) < _LEAST_WORDS or half[1] in text[: len(text) // 4]:
        return None
    writing: RemoteWriting = model.submit(_request(_COUNTING, stop=(half[1],)))
    again = writing.written()
    if not text.startswith(again.text) or len(again.text) == len(text):
        return None
    return not writing.was_stopped_here


def _speed(usage: Usage) -> float | None:
    if usage.first_token_s is None or usage.written_tokens < _LEAST_TOKENS_FOR_SPEED:
        return None
    writing_s = usage.total_s - usage.first_token_s
    return (usage.written_tokens - 1) / writing_s if writing_s > 0 else None
