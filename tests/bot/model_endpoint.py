"""An OpenAI-compatible endpoint on the loopback, as far as `gryph model` speaks to one."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.fakes.served import served

KEY = "k-sesame-0815"


@dataclass
class Served:
    """One endpoint and what it heard."""

    url: str = ""
    heard: list[str] = field(default_factory=list[str])
    """Methods and paths."""
    models: tuple[str, ...] = ("coder-small", "coder-big")
    has_list: bool = True


@contextmanager
def endpoint() -> Generator[Served]:
    """Running; its key is `KEY`."""
    made = Served()
    app = FastAPI()

    @app.middleware("http")
    async def authorised(request: Request, call_next: Any) -> Response:
        made.heard.append(f"{request.method} {request.url.path}")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            said = f"Incorrect API key provided: {request.headers.get('authorization')}"
            return JSONResponse({"error": {"message": said}}, 401)
        answer: Response = await call_next(request)
        return answer

    @app.get("/v1/models")
    async def models() -> Response:
        rows = [{"id": each, "object": "model", "max_model_len": 4096} for each in made.models]
        return JSONResponse({"object": "list", "data": rows}, 200 if made.has_list else 404)

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        asked = await request.json()
        text = '{"ready": true}' if "response_format" in asked else "def add(a, b): return a + b"
        return StreamingResponse(_events(asked["model"], text), media_type="text/event-stream")

    with served(app) as url:
        made.url = f"{url}/v1"
        yield made


def _events(model: str, text: str) -> Iterator[str]:
    pieces = text.split(" ")
    for number, word in enumerate(pieces):
        piece = word if number == 0 else f" {word}"
        yield _event(model, {"index": 0, "delta": {"content": piece}, "finish_reason": None})
    yield _event(model, {"index": 0, "delta": {}, "finish_reason": "stop"}, len(pieces))
    yield "data: [DONE]\n\n"


def _event(model: str, choice: dict[str, Any], written: int = 0) -> str:
    body: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "model": model}
    body["choices"] = [choice]
    if written:
        body["usage"] = {"prompt_tokens": 9, "completion_tokens": written}
    return f"data: {json.dumps(body)}\n\n"
