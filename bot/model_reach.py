"""Whether an endpoint of a model answers and takes our key: asked for its list, shown no code."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import BaseModel

from storage.model_addresses import BadModel, host_of
from storage.models import ModelKind, RegisteredModel
from storage.settings import StorageSettings

TIMEOUT_S = 5.0
_ANTHROPIC_VERSION = "2023-06-01"
_UNAUTHORISED = (401, 403)
_NOT_FOUND = 404
_MOST_NAMED = 8


class _Meta(BaseModel):
    """llama.cpp's."""

    n_ctx: int | None = None
    n_ctx_train: int | None = None


class _Row(BaseModel):
    id: str
    max_model_len: int | None = None
    """vLLM's and SGLang's."""
    max_input_tokens: int | None = None
    """Anthropic's."""
    context_length: int | None = None
    meta: _Meta | None = None

    def context(self) -> int | None:
        meta = self.meta or _Meta()
        told = (self.max_model_len, self.max_input_tokens, self.context_length)
        return next((each for each in (*told, meta.n_ctx, meta.n_ctx_train) if each), None)


class _List(BaseModel):
    data: tuple[_Row, ...]


@dataclass(frozen=True)
class Offered:
    """A model that an endpoint has."""

    model: str
    context_tokens: int | None = None
    """None where the endpoint does not tell."""


async def offered(
    model: RegisteredModel, key: str | None, settings: StorageSettings
) -> tuple[Offered, ...]:
    """What the endpoint has; empty where it keeps no list.

    Raises:
        BadModel: It does not answer, does not take the key, or is no such endpoint; the message
            tells the remedy and never shows the key.
    """
    try:
        async with _client(model, key, settings) as http:
            answer = await http.get(f"{model.address}/models")
            if answer.status_code == _NOT_FOUND and model.kind is ModelKind.OPENAI:
                await _look_beside(http, model)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadModel(
            f"{host_of(model.address)} does not answer ({type(error).__name__}): is the server "
            "running, and is the address right?"
        ) from error
    return _read(model, answer, has_key=key is not None)


def chosen(model: RegisteredModel, found: tuple[Offered, ...]) -> Offered | None:
    """The one that is meant; None where the endpoint keeps no list.

    Raises:
        BadModel: It is not there, or has to be named.
    """
    if not found:
        return None
    names = ", ".join(each.model for each in found[:_MOST_NAMED])
    if model.model is None:
        if len(found) == 1:
            return found[0]
        raise BadModel(f"Say which model with --model. {host_of(model.address)} has: {names}.")
    for each in found:
        if each.model == model.model:
            return each
    raise BadModel(
        f"{host_of(model.address)} has no model {model.model}. It has: {names}"
        f"{' and more' if len(found) > _MOST_NAMED else ''}."
    )


def _client(
    model: RegisteredModel, key: str | None, settings: StorageSettings
) -> httpx.AsyncClient:
    """One that goes the way which the worker's goes."""
    proxy = None if model.is_on_premises else settings.model_proxy
    trusted = settings.model_authorities
    return httpx.AsyncClient(
        timeout=TIMEOUT_S,
        trust_env=False,
        headers=_headers(model.kind, key),
        proxy=None if proxy is None else proxy.get_secret_value(),
        verify=True if trusted is None else _trusting(trusted),
    )


def _trusting(authorities: Path) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        raise BadModel(f"GRYPH_MODEL_AUTHORITIES cannot be read: {error}.") from error
    return context


def _headers(kind: ModelKind, key: str | None) -> dict[str, str]:
    if kind is ModelKind.ANTHROPIC:
        return {"anthropic-version": _ANTHROPIC_VERSION} | ({"x-api-key": key} if key else {})
    return {"Authorization": f"Bearer {key}"} if key else {}


async def _look_beside(http: httpx.AsyncClient, model: RegisteredModel) -> None:
    """Whether the usual `/v1` was forgotten. Raises BadModel where it was."""
    beside = await http.get(f"{model.address}/v1/models")
    if not beside.is_error:
        raise BadModel(f"The address lacks its end: write {model.address}/v1.")


def _read(model: RegisteredModel, answer: httpx.Response, *, has_key: bool) -> tuple[Offered, ...]:
    host = host_of(model.address)
    if answer.status_code in _UNAUTHORISED:
        what = "does not take the key" if has_key else "wants a key"
        raise BadModel(
            f"{host} {what} ({answer.status_code}): give a good one with --key-file, or later with "
            f"`gryph model key {model.name}`."
        )
    if answer.status_code == _NOT_FOUND:
        return ()
    if answer.is_error or answer.is_redirect:
        raise BadModel(f"{host} answers {answer.status_code} when asked for its models.")
    try:
        listed = _List.model_validate_json(answer.content)
    except ValueError as error:
        raise BadModel(
            f"{host} does not answer with a list of models: the address is not one of a model's "
            "endpoint."
        ) from error
    return tuple(Offered(row.id, row.context()) for row in listed.data)
