"""Anthropic's API: messages and the list of models."""

import json
from collections.abc import AsyncIterator, Mapping
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
from tests.fakes.model_servers.world import THINKER, Turn, World

_FIELDS = {
    "model",
    "max_tokens",
    "messages",
    "stream",
    "system",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "output_config",
    "metadata",
    "thinking",
    "service_tier",
}
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


class Refusal(Exception):
    """An error to be sent."""

    def __init__(self, message: str, status: int = 400) -> None:
        """As Anthropic words it."""
        super().__init__(message)
        self.message, self.status = message, status


def messages_app(world: World) -> FastAPI:
    """The server over a world."""
    app = FastAPI(openapi_url=None)

    @app.post("/v1/messages")
    async def create(request: Request) -> Response:
        try:
            _authorise(world, request)
            return await _create(world, request)
        except Refusal as refusal:
            return _error(refusal)

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        try:
            _authorise(world, request)
        except Refusal as refusal:
            return _error(refusal)
        listed = [
            {
                "type": "model",
                "id": name,
                "display_name": name,
                "created_at": "2026-01-01T00:00:00Z",
            }
            for name in world.models
        ]
        return JSONResponse({"data": listed, "has_more": False})

    return app


def _authorise(world: World, request: Request) -> None:
    if world.key and request.headers.get("x-api-key", "") != world.key:
        raise Refusal("invalid x-api-key", 401)
    if "anthropic-version" not in request.headers:
        raise Refusal("anthropic-version: header is required")


async def _create(world: World, request: Request) -> Response:
    try:
        body: Any = json.loads(await request.body())
    except ValueError:
        raise Refusal("The request body is not valid JSON.") from None
    seen = world.note(request.headers, body)
    fault = world.faults.take()
    if response := await _faulty(request, seen.body, fault, world.key):
        return response
    wanted = _understood(world, body)
    ready = plan(world, wanted, fault)
    has_tool = "tool_choice" in body
    if fault is not None and fault.kind is Kind.DOES_NOT_STREAM:
        return JSONResponse(_whole(ready, has_tool=has_tool))
    return EventStream(_events(world, ready, has_tool=has_tool), world, seen)


async def _faulty(
    request: Request, body: Mapping[str, Any], fault: Fault | None, key: str
) -> Response | None:
    if fault is None:
        return None
    wait = {"retry-after": fault.retry_after} if fault.retry_after else {}
    match fault.kind:
        case Kind.RATE_LIMITED:
            return _error(Refusal("This request would exceed your rate limit.", 429), wait)
        case Kind.OVERLOADED:
            return _error(Refusal("Overloaded", 529), wait)
        case Kind.LEAKS:
            text = body["messages"][-1]["content"]
            return _error(Refusal(f"messages.0\x1b[31m: with {key}: {text}"))
        case Kind.HANGS:
            await until_it_goes(request)
            return Response(status_code=500)
        case _:
            return odd_response(fault)


def _error(refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(_error_fields(refusal), refusal.status, headers)


def _error_fields(refusal: Refusal) -> dict[str, Any]:
    kind = _KINDS.get(refusal.status, "api_error")
    error = {"type": kind, "message": refusal.message}
    return {"type": "error", "error": error, "request_id": "req_1"}


def _understood(world: World, body: Mapping[str, Any]) -> Wanted:
    for name in body:
        if name not in _FIELDS:
            raise Refusal(f"{name}: Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise Refusal(f"{name}: Field required")
    if body["model"] not in world.models:
        raise Refusal(f"model: {body['model']}", 404)
    _check_numbers(body)
    if body["model"] == THINKER:
        _check_thinker(body)
    turns = _turns(body)
    wanted = Wanted(
        [("system", _text(body.get("system", ""))), *turns],
        body["max_tokens"],
        body["model"],
        body.get("stop_sequences", []),
        _schema(body),
    )
    if total := does_not_fit(world, wanted):
        raise Refusal(f"prompt is too long: {total} tokens > {world.context_tokens} maximum")
    return wanted


def _check_numbers(body: Mapping[str, Any]) -> None:
    if not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1:
        raise Refusal("max_tokens: Input should be greater than or equal to 1")
    if not 0 <= body.get("temperature", 1.0) <= 1:
        raise Refusal("temperature: range: 0..1")
    if any(not each.strip() for each in body.get("stop_sequences", [])):
        raise Refusal("stop_sequences: each stop sequence must contain non-whitespace")


def _check_thinker(body: Mapping[str, Any]) -> None:
    """As the models do that decide on their sampling themselves."""
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise Refusal(f"`{name}` is deprecated for this model.")
    if "tool_choice" in body:
        raise Refusal("tool_choice forces tool use, which this model does not support.")


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    turns = [(each["role"], _text(each["content"])) for each in body["messages"]]
    if not turns or turns[0][0] != "user":
        raise Refusal("messages: first message must use the user role")
    for role, text in turns:
        if role not in {"user", "assistant"}:
            raise Refusal(f"messages: Unexpected role {role!r}")
        if not text:
            raise Refusal("messages: text content blocks must be non-empty")
    return turns


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(each["text"] for each in cast("list[dict[str, str]]", content))


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "output_config" in body:
        return body["output_config"]["format"]["schema"]
    for tool in body.get("tools", []):
        if tool["input_schema"].get("type") != "object":
            raise Refusal("tools.0.custom.input_schema.type: Input should be 'object'")
        return tool["input_schema"]
    return None


async def _events(world: World, ready: Plan, *, has_tool: bool) -> AsyncIterator[bytes]:
    if ready.has(Kind.ERROR_FIRST):
        yield _event("error", _error_fields(Refusal("Overloaded", 529)))
        return
    yield _event("message_start", {"message": _message(ready)})
    block: dict[str, Any] = (
        {"type": "tool_use", "id": "toolu_1", "name": "answer", "input": {}}
        if has_tool
        else {"type": "text", "text": ""}
    )
    yield _event("content_block_start", {"index": 0, "content_block": block})
    yield _PING
    kind, field = ("input_json_delta", "partial_json") if has_tool else ("text_delta", "text")
    async for word in paced(world, ready):
        yield _event("content_block_delta", {"index": 0, "delta": {"type": kind, field: word}})
    if ready.is_broken_off:
        died = _event("error", _error_fields(Refusal("Internal server error", 500)))
        async for last in broken_off(ready, _PING, died):
            yield last
        return
    yield _event("content_block_stop", {"index": 0})
    delta = {"stop_reason": _reason(ready, has_tool=has_tool), "stop_sequence": None}
    yield _event("message_delta", {"delta": delta, "usage": {"output_tokens": len(ready.words)}})
    if ready.has(Kind.FORGETS_TO_HANG_UP):
        async for sign in signs_of_life(_PING):
            yield sign
    yield _event("message_stop", {})


def _reason(ready: Plan, *, has_tool: bool) -> str:
    if ready.end == "length":
        return "max_tokens"
    if has_tool:
        return "tool_use"
    return "stop_sequence" if ready.end == "stop_string" else "end_turn"


def _message(ready: Plan) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": ready.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": ready.prompt_tokens - ready.cached_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": ready.cached_tokens,
            "output_tokens": 1,
        },
    }


def _whole(ready: Plan, *, has_tool: bool) -> dict[str, Any]:
    text = "".join(ready.words)
    block = (
        {"type": "tool_use", "id": "toolu_1", "name": "answer", "input": json.loads(text)}
        if has_tool
        else {"type": "text", "text": text}
    )
    message = _message(ready)
    usage = {**message["usage"], "output_tokens": len(ready.words)}
    reason = _reason(ready, has_tool=has_tool)
    return {**message, "content": [block], "stop_reason": reason, "usage": usage}


def _event(name: str, content: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **content})}\n\n".encode()
