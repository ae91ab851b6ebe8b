"""An OpenAI-compatible server: chat completions, the list of models, llama.cpp's /props."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.fakes.model_servers.answering import (
    EventStream,
    Plan,
    Wanted,
    broken_off,
    does_not_fit,
    odd_response,
    paced,
    plan,
    signs_of_life,
    until_it_goes,
)
from tests.fakes.model_servers.faults import Fault, Kind
from tests.fakes.model_servers.world import THINKER, Flavour, World

_MOST_STOPS = 4
_ALIVE = b": PROCESSING\n\n"
_DONE = b"data: [DONE]\n\n"
_DIED = {"error": {"message": "EngineCore died", "type": "server_error", "code": 500}}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


def _is_stop(value: Any) -> bool:
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return all(isinstance(each, str) for each in items)


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "model": lambda value: isinstance(value, str),
    "messages": lambda value: isinstance(value, list) and bool(cast("list[Any]", value)),
    "max_tokens": _is_count,
    "max_completion_tokens": _is_count,
    "stream": lambda value: isinstance(value, bool),
    "stream_options": lambda value: isinstance(value, dict),
    "temperature": lambda value: _is_number(value) and 0 <= value <= 2,
    "top_p": lambda value: _is_number(value) and 0 < value <= 1,
    "seed": lambda value: isinstance(value, int),
    "stop": _is_stop,
    "response_format": lambda value: isinstance(value, dict),
}
"""OpenAI's fields that the fake knows; `top_k` is an addition of vLLM and llama.cpp."""


class Refusal(Exception):
    """An error to be sent."""

    def __init__(self, status: int, message: str, *, param: str = "", code: str = "") -> None:
        """As OpenAI words it."""
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code


def chat_completions_app(world: World) -> FastAPI:
    """The server over a world."""
    app = FastAPI(openapi_url=None)

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        try:
            _authorise(world, request)
            return await _complete(world, request)
        except Refusal as refusal:
            return _error(world, refusal)

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        try:
            _authorise(world, request)
        except Refusal as refusal:
            return _error(world, refusal)
        listed = [_listed(world, name) for name in world.models]
        return JSONResponse({"object": "list", "data": listed})

    @app.get("/props")
    async def props() -> Response:
        if world.flavour is not Flavour.LLAMA_CPP:
            return JSONResponse({"detail": "Not Found"}, 404)
        return JSONResponse({"default_generation_settings": {"n_ctx": world.context_tokens}})

    return app


def _listed(world: World, name: str) -> dict[str, Any]:
    told = {"max_model_len": world.context_tokens} if world.flavour is Flavour.VLLM else {}
    return {"id": name, "object": "model", "created": 1, "owned_by": "fake", **told}


def _authorise(world: World, request: Request) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if world.key and given != world.key:
        message = f"Incorrect API key provided: {given}. You can find your API key at …"
        raise Refusal(401, message, code="invalid_api_key")


async def _complete(world: World, request: Request) -> Response:
    try:
        body: Any = json.loads(await request.body())
    except ValueError:
        raise Refusal(400, "We could not parse the JSON body of your request.") from None
    seen = world.note(request.headers, body)
    fault = world.faults.take()
    if response := await _faulty(world, request, seen.body, fault):
        return response
    wanted = _understood(world, body)
    ready = plan(world, wanted, fault)
    if fault is not None and fault.kind is Kind.DOES_NOT_STREAM:
        return JSONResponse(_whole(world, ready))
    asks_usage = bool(body.get("stream_options", {}).get("include_usage"))
    return EventStream(_events(world, ready, asks_usage=asks_usage), world, seen)


async def _faulty(
    world: World, request: Request, body: Mapping[str, Any], fault: Fault | None
) -> Response | None:
    if fault is None:
        return None
    wait = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    match fault.kind:
        case Kind.RATE_LIMITED:
            refusal = Refusal(429, "Rate limit reached.", code="rate_limit_exceeded")
            return _error(world, refusal, wait)
        case Kind.OVERLOADED:
            return _error(world, Refusal(503, "Loading model"), wait)
        case Kind.LEAKS:
            text = body["messages"][-1]["content"]
            message = f"1 validation error\x1b[31m for key {world.key}: input_value='{text}'"
            return _error(world, Refusal(400, message))
        case Kind.HANGS:
            await until_it_goes(request)
            return Response(status_code=500)
        case _:
            return odd_response(fault)


def _error(world: World, refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    content: dict[str, Any] = {"error": _error_fields(world, refusal)}
    if world.flavour is Flavour.TRANSFORMERS:
        content = {"detail": refusal.message}
    return JSONResponse(content, refusal.status, headers)


def _error_fields(world: World, refusal: Refusal) -> dict[str, Any]:
    if world.flavour is Flavour.VLLM:
        names = {401: "Unauthorized", 404: "NotFoundError", 503: "ServiceUnavailableError"}
        kind = names.get(refusal.status, "BadRequestError")
        return {
            "message": refusal.message,
            "type": kind,
            "param": None,
            "code": refusal.status,
        }
    if world.flavour is Flavour.LLAMA_CPP:
        is_long = refusal.code == "context_length_exceeded"
        kind = "exceed_context_size_error" if is_long else "invalid_request_error"
        return {"code": refusal.status, "message": refusal.message, "type": kind}
    return {
        "message": refusal.message,
        "type": "invalid_request_error",
        "param": refusal.param or None,
        "code": refusal.code or None,
    }


def _understood(world: World, body: Mapping[str, Any]) -> Wanted:
    for name in ("model", "messages"):
        if name not in body:
            raise Refusal(400, f"Missing required parameter: '{name}'.", param=name)
    _check_fields(world, body)
    model = _model(world, body)
    if world.flavour is Flavour.OPENAI and model == THINKER:
        _check_thinker(body)
    most = body.get("max_completion_tokens") or body.get("max_tokens") or world.context_tokens
    stops: Any = body.get("stop") or []
    turns = [(each["role"], each["content"]) for each in body["messages"]]
    wanted = Wanted(
        turns, most, model, [stops] if isinstance(stops, str) else stops, _schema(world, body)
    )
    if total := does_not_fit(world, wanted):
        _refuse_length(world, total)
    return wanted


def _check_fields(world: World, body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        if name not in _FIELDS:
            if world.flavour is Flavour.OPENAI:
                raise Refusal(400, f"Unrecognized request argument supplied: {name}")
            if world.flavour is Flavour.TRANSFORMERS:
                raise Refusal(422, f"Unexpected fields in the request: {{'{name}'}}")
        elif not _FIELDS[name](value):
            raise Refusal(400, f"Invalid value for '{name}'.", param=name)
    stops: Any = body.get("stop", [])
    if world.flavour is Flavour.OPENAI and len(stops) > _MOST_STOPS:
        raise Refusal(400, "Invalid 'stop': array too long.", param="stop")
    if world.flavour is Flavour.BARE:
        for name in ("response_format", "stream_options"):
            if name in body:
                raise Refusal(422, f"Extra inputs are not permitted: {name}")


def _check_thinker(body: Mapping[str, Any]) -> None:
    if "max_tokens" in body:
        raise Refusal(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if body.get("temperature", 1) != 1:
        raise Refusal(
            400,
            "Unsupported value: 'temperature' does not support 0 with this model.",
            param="temperature",
            code="unsupported_value",
        )
    if "stop" in body:
        raise Refusal(
            400, "Unsupported parameter: 'stop'.", param="stop", code="unsupported_parameter"
        )


def _model(world: World, body: Mapping[str, Any]) -> str:
    name = body["model"]
    if world.flavour is Flavour.LLAMA_CPP:
        return world.models[0]
    if name not in world.models:
        if world.flavour is Flavour.TRANSFORMERS:
            raise Refusal(400, f"Server is pinned to '{world.models[0]}'; requested '{name}'.")
        message = f"The model `{name}` does not exist."
        raise Refusal(404, message, param="model", code="model_not_found")
    return name


def _refuse_length(world: World, total: int) -> None:
    most = world.context_tokens
    if world.flavour is Flavour.LLAMA_CPP:
        text = f"request ({total} tokens) exceeds the available context size ({most} tokens)"
    else:
        text = (
            f"This model's maximum context length is {most} tokens. However, you requested {total}"
            " tokens."
        )
    raise Refusal(400, text, param="messages", code="context_length_exceeded")


def _schema(world: World, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted: Any = body.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return {"type": "object", "properties": {}}
    if wanted.get("type") != "json_schema" or world.flavour is Flavour.TRANSFORMERS:
        return None
    named: Any = wanted["json_schema"]
    schema: Any = named["schema"]
    if world.flavour is Flavour.OPENAI and named.get("strict") and not _is_closed(schema):
        raise Refusal(
            400,
            "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' "
            "is required to be supplied and to be false.",
            param="response_format",
        )
    return schema


def _is_closed(schema: Any) -> bool:
    if isinstance(schema, dict):
        fields = cast("dict[str, Any]", schema)
        is_open = fields.get("type") == "object" and fields.get("additionalProperties") is not False
        return not is_open and all(_is_closed(each) for each in fields.values())
    if isinstance(schema, list):
        return all(_is_closed(each) for each in cast("list[Any]", schema))
    return True


async def _events(world: World, ready: Plan, *, asks_usage: bool) -> AsyncIterator[bytes]:
    if ready.has(Kind.ERROR_FIRST):
        yield _data({"error": _error_fields(world, Refusal(503, "overloaded"))})
        return
    first = None if world.flavour is Flavour.LLAMA_CPP else ""
    yield _data(_chunk(ready, {"role": "assistant", "content": first}))
    async for word in paced(world, ready):
        yield _data(_chunk(ready, {"content": word}))
    if ready.is_broken_off:
        async for last in broken_off(ready, _ALIVE, _data(_DIED) + _DONE):
            yield last
        return
    last = _chunk(ready, {}, "length" if ready.end == "length" else "stop")
    if world.flavour is Flavour.TRANSFORMERS:
        yield _data({**last, "usage": _usage(ready)})
        return
    yield _data(last)
    if ready.has(Kind.FORGETS_TO_HANG_UP):
        async for sign in signs_of_life(_ALIVE):
            yield sign
    if asks_usage:
        yield _data({**_chunk(ready, {}), "choices": [], "usage": _usage(ready)})
    yield _DONE


def _chunk(ready: Plan, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": ready.model,
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }


def _usage(ready: Plan) -> dict[str, Any]:
    return {
        "prompt_tokens": ready.prompt_tokens,
        "completion_tokens": len(ready.words),
        "total_tokens": ready.prompt_tokens + len(ready.words),
        "prompt_tokens_details": {"cached_tokens": ready.cached_tokens},
    }


def _whole(world: World, ready: Plan) -> dict[str, Any]:
    finish = "length" if ready.end == "length" else "stop"
    message = {"role": "assistant", "content": "".join(ready.words)}
    usage = {} if world.flavour is Flavour.BARE else {"usage": _usage(ready)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": ready.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        **usage,
    }


def _data(content: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()
