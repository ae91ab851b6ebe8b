"""Cloning over HTTP by git's own CGI program, under installation tokens."""

import asyncio
import base64
import binascii
import subprocess

from fastapi import APIRouter, Request, Response

from tests.fakes.github.access import Access, allows
from tests.fakes.github.repositories import environment
from tests.fakes.github.world import ApiError, World


def smart_http(world: World, access: Access) -> APIRouter:
    """`/git/owner/name.git/…`; read only."""
    router = APIRouter()

    @router.api_route("/git/{owner}/{name}.git/{rest:path}", methods=["GET", "POST"])
    async def git(request: Request, owner: str, name: str, rest: str) -> Response:
        repo = world.find(owner, name)
        if repo.private:
            token = access.valid(_password(request))
            if repo.full_name not in token.repositories or not allows(token, "contents", "read"):
                raise ApiError(404, "Not Found")
        if "receive-pack" in f"{rest}?{request.url.query}":
            raise ApiError(403, "Write access to repository not granted.")
        path = f"/{repo.full_name}.git/{rest}"
        return await asyncio.to_thread(_cgi, world, request, path, await request.body())

    return router


def _password(request: Request) -> str:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        raise ApiError(401, "Requires authentication", headers={"WWW-Authenticate": "Basic"})
    try:
        return base64.b64decode(value).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ApiError(401, "Bad credentials") from error


def _cgi(world: World, request: Request, path: str, body: bytes) -> Response:
    variables = {
        **environment(world.folder),
        "GIT_PROJECT_ROOT": str(world.folder.resolve()),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "HTTP_GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"],
        input=body,
        env=variables,
        capture_output=True,
        timeout=60,
        check=False,
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(
        line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line
    )
    status = int(headers.pop("Status", "200").split()[0])
    return Response(content, status_code=status, headers=headers)
