"""The gateway benchmark's other side: GitHub's and Slack's APIs, answering at once, without
limits (`api`); and the bare route that the gateway is compared with (`bare`).
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

SECRET = b"benchmark-secret"


def api() -> FastAPI:
    """Enough of both platforms for `status`."""
    app = FastAPI()
    numbers = itertools.count(1)

    @app.api_route("/{path:path}", methods=["GET", "POST", "PATCH"])
    async def answer(path: str, request: Request) -> Response:
        await request.body()
        return _json(_answer(path, next(numbers)))

    return app


def _answer(path: str, number: int) -> object:
    if path.endswith("access_tokens"):
        return {"token": "ghs_benchmark", "expires_at": "2099-01-01T00:00:00Z"}
    if path.endswith("/permission"):
        return {"permission": "read", "role_name": "read"}
    if path.endswith("/pulls/1"):
        side = {"ref": "main", "sha": "a" * 40, "repo": {"full_name": "o/r"}}
        return {
            "number": 1,
            "state": "open",
            "title": "",
            "user": {"login": "ann"},
            "head": side,
            "base": side,
        }
    if path.startswith("slack/"):
        user = {"id": "U1", "name": "ann", "team_id": "T1"}
        return {
            "ok": True,
            "ts": f"{number}.1",
            "channel": "C1",
            "user": user,
            "team_id": "T1",
            "user_id": "UBOT",
            "messages": [],
        }
    if path.endswith("/comments"):
        return {"id": number, "node_id": str(number), "html_url": ""}
    return []


def _json(value: object) -> Response:
    return Response(json.dumps(value), media_type="application/json")


def bare() -> FastAPI:
    """Verify the signature over the raw body, do nothing, say yes."""
    app = FastAPI()

    @app.post("/github/webhook")
    async def github(request: Request) -> Response:
        body = await request.body()
        expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        signed = hmac.compare_digest(expected, request.headers["x-hub-signature-256"])
        return Response(status_code=200 if signed else 401)

    @app.post("/slack/events")
    async def slack(request: Request) -> Response:
        body = await request.body()
        timestamp = request.headers["x-slack-request-timestamp"]
        base = b"v0:%b:%b" % (timestamp.encode(), body)
        expected = "v0=" + hmac.new(SECRET, base, hashlib.sha256).hexdigest()
        signed = hmac.compare_digest(expected, request.headers["x-slack-signature"])
        return Response(status_code=200 if signed else 401)

    return app


def main(which: str, note: Path) -> None:
    """Serve on a free port and note the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    note.write_text(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}))
    app = api() if which == "api" else bare()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
