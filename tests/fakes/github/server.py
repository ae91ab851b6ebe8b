"""The fake as one HTTP server on a loopback port."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from typing_extensions import override

from tests.fakes.github.access import Access
from tests.fakes.github.apps import apps
from tests.fakes.github.assignments import assignments
from tests.fakes.github.code import code
from tests.fakes.github.conversations import conversations
from tests.fakes.github.hooks import Hooks
from tests.fakes.github.people import People
from tests.fakes.github.reviews import reviews
from tests.fakes.github.smart_http import smart_http
from tests.fakes.github.world import ApiError, World


class GitHub:
    """A running fake: `url` for the API, `people` to act in it, `world` to look at."""

    def __init__(self, folder: Path, webhook_url: str | None = None) -> None:
        """`folder` holds the git repositories, "owner/name.git"."""
        self.world = World(folder)
        self.access = Access(self.world)
        self.hooks = Hooks(self.world, webhook_url)
        self.people = People(self.world, self.hooks)
        self.url = ""
        self.written: list[tuple[str, dict[str, Any]]] = []
        """Path and body of every write to a repository, as it came, in order."""

    @property
    def git_url(self) -> str:
        """The base of clone addresses over HTTP."""
        return f"{self.url}/git"

    def app(self) -> FastAPI:
        """Everything as one application."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(apps(self.world, self.access, self.hooks))
        app.include_router(conversations(self.world, self.access))
        app.include_router(reviews(self.world, self.access))
        app.include_router(assignments(self.world, self.access))
        app.include_router(code(self.world, self.access))
        app.include_router(smart_http(self.world, self.access))

        @app.exception_handler(ApiError)
        async def refuse(request: Request, error: ApiError) -> Response:
            _ = request
            return _refusal(error)

        @app.middleware("http")
        async def gate(
            request: Request, go_on: Callable[[Request], Awaitable[Response]]
        ) -> Response:
            try:
                fault = self.access.enter(request)
            except ApiError as error:
                return _refusal(error)
            if request.method != "GET" and request.url.path.startswith("/repos/"):
                self.written.append((request.url.path, json.loads(await request.body() or b"{}")))
            response = await go_on(request)
            if fault is not None:
                return JSONResponse({"message": fault.message}, fault.status, fault.headers)
            return response

        return app

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator["GitHub"]:
        """Listen for as long as the block lasts."""
        listener = listener_on(port)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with listening(self.app(), listener):
            yield self
            await self.hooks.close()


def listener_on(port: int) -> socket.socket:
    """A loopback socket; port 0 is any free one. It answers without waiting for acknowledgements,
    see `bot.listening.listener`.
    """
    listening = socket.create_server(("127.0.0.1", port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _refusal(error: ApiError) -> Response:
    content = {
        "message": error.message,
        "errors": error.errors,
        "documentation_url": "https://docs.github.com/rest",
    }
    return JSONResponse(content, error.status, error.headers)


class _Quiet(uvicorn.Server):
    """uvicorn inside somebody else's loop: it leaves signals alone."""

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """None."""
        yield


@asynccontextmanager
async def listening(app: FastAPI, listener: socket.socket) -> AsyncGenerator[None]:
    """Serve an application in this loop for as long as the block lasts."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Quiet(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listener.close()
