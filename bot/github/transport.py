"""One request to GitHub's API, and what its answer means for us."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import aiohttp
import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError
from yarl import URL

from bot.face import Busy, Undeliverable

API_VERSION = "2022-11-28"
TIMEOUT = aiohttp.ClientTimeout(total=30.0, sock_connect=5.0, sock_read=15.0)
LONGEST_PAUSE_S = 3600.0
SECONDARY_PAUSE_S = 60.0
"""GitHub asks for at least a minute where it names no time."""
FORBIDDEN, NOT_FOUND, GONE, UNPROCESSABLE = 403, 404, 410, 422
CONFLICT, TOO_MANY, NOT_IMPLEMENTED = 409, 429, 501
UNAUTHORIZED, REQUEST_TIMEOUT, SERVER_ERROR = 401, 408, 500
_SUCCESS = 2

Shape = TypeVar("Shape", bound=BaseModel)


class Refused(Undeliverable):
    """GitHub understood and said no; `status` and `reason` are its own."""

    def __init__(self, status: int, reason: str, address: str) -> None:
        """`address` is the method and path, without secrets."""
        super().__init__(f"{address}: {status} {reason}")
        self.status = status
        self.reason = reason

    @property
    def is_missing(self) -> bool:
        """Whether the thing, or the whole endpoint, is not there."""
        return self.status in (NOT_FOUND, GONE, NOT_IMPLEMENTED)


class Limited(Busy):
    """A rate limit of GitHub's was reached."""


@dataclass(frozen=True)
class Answer:
    """An answer; `headers` know no case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    words: str = ""
    """What HTTP calls the status."""

    @property
    def is_success(self) -> bool:
        """Whether it is 2xx, as every answer that callers get."""
        return self.status // 100 == _SUCCESS

    def one(self, shape: type[Shape]) -> Shape:
        """The body as `shape`. Raises Busy when it is something else."""
        try:
            return shape.model_validate_json(self.content)
        except ValidationError as error:
            raise _unreadable(error) from error

    def many(self, shape: type[Shape]) -> list[Shape]:
        """The body as a list of `shape`. Raises Busy when it is something else."""
        try:
            return [shape.model_validate(each) for each in _ITEMS.validate_json(self.content)]
        except ValidationError as error:
            raise _unreadable(error) from error


@cache
def _certificates() -> ssl.SSLContext:
    """Read once, since that takes a tenth of a second."""
    return httpx.create_ssl_context()


_ITEMS = TypeAdapter(list[Any])


def _unreadable(error: ValidationError) -> Busy:
    fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:5])
    return Busy(f"GitHub's answer cannot be read: {fields}")


class Transport:
    """A connection pool to one GitHub.

    aiohttp, since a call costs a tenth of the CPU time that it takes with httpx, and a command may
    need ten.
    """

    def __init__(self, api_url: str, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        """`api_url` is "https://api.github.com", or a GitHub Enterprise's ".../api/v3"."""
        self.api_url = api_url.rstrip("/")
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    @property
    def _http(self) -> aiohttp.ClientSession:
        """Opened where it is used first, since it belongs to a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=_certificates()),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,
            )
        return self._session

    async def send(
        self,
        method: str,
        path: str,
        token: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. `path` starts with "/", or is a whole address on the same GitHub.

        Raises:
            Limited: A rate limit was reached.
            Busy: GitHub has trouble or does not answer.
            Refused: It said no.
        """
        url = path if path.startswith("http") else self.api_url + path
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "User-Agent": "gryphgen-agentic",
            "X-GitHub-Api-Version": API_VERSION,
        }
        try:
            async with self._http.request(
                method, URL(url, encoded=True), headers=headers, json=body, params=params
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Busy(f"{method} {path}: {type(error).__name__}") from error
        answer = Answer(response.status, response.headers, content, response.reason or "")
        if answer.is_success:
            return answer
        raise _trouble(f"{method} {path}", answer)


def _trouble(address: str, answer: Answer) -> Busy | Refused:
    status, reason = answer.status, _reason(answer)
    wait_s = _wait_s(answer, reason)
    if wait_s is not None:
        return Limited(f"{address}: {status} {reason}", retry_after_s=wait_s)
    if status >= SERVER_ERROR and status != NOT_IMPLEMENTED:
        return Busy(f"{address}: {status} {reason}", retry_after_s=_retry_after_s(answer) or 5.0)
    if status == REQUEST_TIMEOUT:
        return Busy(f"{address}: {status} {reason}")
    return Refused(status, reason, address)


def _wait_s(answer: Answer, reason: str) -> float | None:
    """How long a rate limit asks to wait; None when the answer is no rate limit."""
    if answer.status not in (FORBIDDEN, TOO_MANY):
        return None
    named = _retry_after_s(answer)
    if named is not None:
        return named
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        left = float(reset) - time.time() if reset.isdecimal() else SECONDARY_PAUSE_S
        return min(max(left, 1.0), LONGEST_PAUSE_S)
    is_limit = answer.status == TOO_MANY or "rate limit" in reason.lower()
    return SECONDARY_PAUSE_S if is_limit else None


def _retry_after_s(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "")
    return min(max(float(value), 1.0), LONGEST_PAUSE_S) if value.isdecimal() else None


class _Error(BaseModel):
    message: str = ""
    errors: list[Any] = []


def _reason(answer: Answer) -> str:
    try:
        error = _Error.model_validate_json(answer.content)
    except ValidationError:
        return answer.words
    details = "; ".join(str(each) for each in error.errors[:3])
    return f"{error.message} ({details})"[:400] if details else error.message[:400]
