"""Which models a server says it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from engines.generation.remote.connection import BodyTooLong, Connector, Cut
from engines.generation.remote.endpoint import Dialect, Endpoint
from engines.generation.remote.wire import Wire, count, json_object, part, parts, word

_MOST_BYTES = 4 * 2**20
_OK = 200


@dataclass(frozen=True)
class ListedModel:
    """A model in a server's list."""

    name: str
    context_tokens: int | None = None
    """Where the list tells it."""


def listed_models(
    connector: Connector, endpoint: Endpoint, wire: Wire, cut: Cut
) -> tuple[ListedModel, ...]:
    """What `GET /models` lists; nothing where it cannot be had."""
    content = fetched(connector, f"{endpoint.root}/models", wire.headers(endpoint), cut)
    return tuple(_model(each) for each in parts(content, "data") if word(each, "id"))


def told_context(
    connector: Connector, endpoint: Endpoint, listed: tuple[ListedModel, ...], cut: Cut
) -> int | None:
    """The context of the endpoint's model; None where the server does not tell it.

    llama.cpp tells it in `/props`, and takes any name for the one model it has.
    """
    named = [each for each in listed if each.name == endpoint.model] or list(listed[:1])
    if len(listed) > 1 and named[0].name != endpoint.model:
        return None
    if named and named[0].context_tokens is not None:
        return named[0].context_tokens
    if endpoint.dialect is not Dialect.OPENAI:
        return None
    key = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    props = fetched(connector, f"{endpoint.server}/props", key, cut)
    return count(part(props, "default_generation_settings"), "n_ctx")


def fetched(
    connector: Connector, url: str, headers: Mapping[str, str], cut: Cut
) -> Mapping[str, Any]:
    """A JSON object at an address of the server; empty where there is none."""
    request = connector.question(url, headers)
    try:
        with connector.response(request, cut, most_bytes=_MOST_BYTES) as response:
            body = response.body() if response.status == _OK else b""
    except (httpx.HTTPError, BodyTooLong):
        return {}
    return json_object(body) or {}


def _model(entry: Mapping[str, Any]) -> ListedModel:
    """vLLM and SGLang tell `max_model_len`, llama.cpp `meta.n_ctx`, OpenRouter `context_length`,
    Anthropic `max_input_tokens`.
    """
    context = count(entry, "max_model_len", "context_length", "max_input_tokens")
    if context is None:
        context = count(part(entry, "meta"), "n_ctx")
    return ListedModel(word(entry, "id"), context or None)
