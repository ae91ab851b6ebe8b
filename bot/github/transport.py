"""One request to GitHub's API, and what its answer means for us."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.face import Busy, Undeliverable

API_VERSION = "2022-11-28"
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
LONGEST_PAUSE_S = 3600.0
SECONDARY_PAUSE_S = 60.0
"""GitHub asks for at least a minute where it names no time."""
FORBIDDEN, NOT_FOUND, GONE, UNPROCESSABLE = 403, 404, 410, 422
CONFLICT, TOO_MANY, NOT_IMPLEMENTED = 409, 429, 501
UNAUTHORIZED, REQUEST_TIMEOUT, SERVER_ERROR = 401, 408, 500

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
    """A 2xx answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

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
    """A connection pool to one GitHub."""

    def __init__(self, api_url: str, timeout: httpx.Timeout = TIMEOUT) -> None:
        """`api_url` is "https://api.github.com", or a GitHub Enterprise's ".../api/v3"."""
        self.api_url = api_url.rstrip("/")
        self._http = httpx.AsyncClient(
            timeout=timeout, follow_redirects=True, verify=_certificates()
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

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
            response = await self._http.request(
                method, url, headers=headers, json=body, params=params
            )
        except httpx.HTTPError as error:
            raise Busy(f"{method} {path}: {type(error).__name__}") from error
        if response.is_success:
            return Answer(response.status_code, response.headers, response.content)
        raise _trouble(f"{method} {path}", response)


def _trouble(address: str, response: httpx.Response) -> Busy | Refused:
    status, reason = response.status_code, _reason(response)
    wait_s = _wait_s(response, reason)
    if wait_s is not None:
        return Limited(f"{address}: {status} {reason}", retry_after_s=wait_s)
    if status >= SERVER_ERROR and status != NOT_IMPLEMENTED:
        return Busy(f"{address}: {status} {reason}", retry_after_s=_retry_after_s(response) or 5.0)
    if status == REQUEST_TIMEOUT:
        return Busy(f"{address}: {status} {reason}")
    return Refused(status, reason, address)


def _wait_s(response: httpx.Response, reason: str) -> float | None:
    """How long a rate limit asks to wait; None when the answer is no rate limit."""
    if response.status_code not in (FORBIDDEN, TOO_MANY):
        return None
    named = _retry_after_s(response)
    if named is not None:
        return named
    if response.headers.get("x-ratelimit-remaining") == "0":
        reset = response.headers.get("x-ratelimit-reset", "")
        left = float(reset) - time.time() if reset.isdecimal() else SECONDARY_PAUSE_S
        return min(max(left, 1.0), LONGEST_PAUSE_S)
    is_limit = response.status_code == TOO_MANY or "rate limit" in reason.lower()
    return SECONDARY_PAUSE_S if is_limit else None


def _retry_after_s(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(max(float(value), 1.0), LONGEST_PAUSE_S) if value.isdecimal() else None


class _Error(BaseModel):
    message: str = ""
    errors: list[Any] = []


def _reason(response: httpx.Response) -> str:
    try:
        error = _Error.model_validate_json(response.content)
    except ValidationError:
        return response.reason_phrase
    details = "; ".join(str(each) for each in error.errors[:3])
    return f"{error.message} ({details})"[:400] if details else error.message[:400]
