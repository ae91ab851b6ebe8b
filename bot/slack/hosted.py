"""Files that people put into Slack: what a message tells of them, and how one is fetched.

Our token goes to Slack's own file host and nowhere else: of a file that somebody linked from
elsewhere a message tells in the same words. https://docs.slack.dev/reference/objects/file-object
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import aiohttp
from yarl import URL

from handlers import Attached

FILES_SCOPE = "files:read"
MOST = 10
"""Files of one message; Slack shows no more."""
_FOLDER = "/files-pri/"
_CHUNK_BYTES = 65_536
_NOT_FOR_US = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class NotGiven(Exception):
    """Slack does not give the file to whoever has this token."""


class Elsewhere(Exception):
    """The file is not kept by Slack."""


class TooLarge(Exception):
    """It is longer than was said."""


@dataclass(frozen=True)
class Answer:
    """Slack's answer to the request for a file."""

    status: int
    content: bytes
    retry_after: str = ""


def attached(files: Any) -> tuple[Attached, ...]:
    """The files that a message tells of and Slack itself keeps."""
    told = cast("list[Any]", files) if isinstance(files, list) else []
    return tuple(_kept(told))[:MOST]


def _kept(files: list[Any]) -> Iterator[Attached]:
    for file in files:
        match file:
            case {"is_external": True}:
                continue
            case {"name": str(name), "url_private": str(address), "mode": "snippet"}:
                yield Attached(name=name, address=address, media_type="text/plain")
            case {"name": str(name), "url_private": str(address)}:
                media_type, size = file.get("mimetype"), file.get("size")
                yield Attached(
                    name=name,
                    address=address,
                    media_type=media_type if isinstance(media_type, str) else "",
                    size_bytes=size if isinstance(size, int) else 0,
                )
            case _:
                continue


def own_address(address: str, api_url: str) -> URL:
    """The address as it will be requested, if it is one of Slack's own files: on the host `files.`
    of the API's, or on the API's own where that is no other.

    Raises:
        Elsewhere: It is not.
    """
    try:
        file, api = URL(address), URL(api_url)
        origins = {api.origin()}
        if api.host is not None:
            origins.add(api.origin().with_host(f"files.{api.host}"))
        is_own = file.origin() in origins and not (file.user or file.password)
    except ValueError as error:
        raise Elsewhere(str(error)) from error
    if is_own and file.path.startswith(_FOLDER) and ".." not in file.path.split("/"):
        return file
    raise Elsewhere(file.host)


async def fetched(
    address: URL, token: str, *, most_bytes: int, timeout_s: float, proxy: str | None
) -> Answer:
    """Ask for a file, following no redirect.

    Raises:
        NotGiven: A login page came instead: the scope is missing.
        TooLarge: There is more than `most_bytes` of it.
        aiohttp.ClientError, TimeoutError: No answer.
    """
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(address, headers=headers, allow_redirects=False, proxy=proxy) as response,
    ):
        is_page = response.content_type == "text/html" and response.status == HTTPStatus.OK
        is_elsewhere = HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST
        if is_page or is_elsewhere or response.status in _NOT_FOR_US:
            raise NotGiven(f"HTTP {response.status}, {response.content_type}")
        content = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            content += chunk
            if len(content) > most_bytes:
                raise TooLarge
        return Answer(response.status, bytes(content), response.headers.get("Retry-After", ""))
