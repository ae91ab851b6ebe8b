"""From what a server said to what a person is told, and whether to ask again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from engines.generation.remote.endpoint import Endpoint
from engines.generation.remote.refusals import Said, quoted
from engines.generation.types import ModelRequest, ModelUnavailable, RequestRefused

_UNAUTHORIZED, _PAYMENT, _FORBIDDEN, _NOT_FOUND = 401, 402, 403, 404
_TIMED_OUT, _TOO_LARGE, _TOO_EARLY, _TOO_MANY = 408, 413, 425, 429
_SERVER, _NOT_IMPLEMENTED = 500, 501
_DECLINED = {"refusal", "content_filter"}
_MOST_NAMES = 10


@dataclass(frozen=True)
class Problem:
    """Why a try gave no answer."""

    failure: ModelUnavailable | RequestRefused
    """What the reader gets if it is the last try."""
    said: Said | None = None
    may_pass: bool = False
    """Another try may help."""
    wait_s: float | None = None
    """How long the server wants to be left alone."""


def judged(said: Said, endpoint: Endpoint, request: ModelRequest) -> Problem:
    """The problem behind an error of the server."""
    quote = quoted(said.message, [endpoint.key], [each.text for each in request.messages])
    words = f": “{quote}”" if quote else ""
    told = f" ({said.status}{words})" if said.status else f" ({words.removeprefix(': ')})"
    where = f"{endpoint.name} at {endpoint.host}"
    if said.kind in _DECLINED:
        return Problem(RequestRefused(f"{endpoint.name}: {said.message}"), said)
    if said.is_too_long or said.status == _TOO_LARGE:
        why = f"prompt and answer together are too long for {endpoint.name}{told}"
        return Problem(RequestRefused(why), said)
    if said.status in {_UNAUTHORIZED, _FORBIDDEN}:
        return Problem(ModelUnavailable(_about_key(endpoint, where, told)), said)
    if said.status == _PAYMENT:
        return Problem(ModelUnavailable(f"{where} wants to be paid first{told}"), said)
    if said.status == _NOT_FOUND or said.is_about_model:
        return Problem(ModelUnavailable(_not_found(said, endpoint, where) + told), said)
    if said.status in {_TIMED_OUT, _TOO_EARLY, _TOO_MANY}:
        sent = _sent_at_once(endpoint) if said.status == _TOO_MANY else ""
        why = f"{where} has too much to do{told}{sent}"
        return Problem(ModelUnavailable(why), said, may_pass=True)
    if said.status and said.status < _SERVER:
        return Problem(RequestRefused(f"{endpoint.name} does not take this request{told}"), said)
    may_pass = said.status != _NOT_IMPLEMENTED
    return Problem(ModelUnavailable(f"{where} failed{told}"), said, may_pass=may_pass)


def _sent_at_once(endpoint: Endpoint) -> str:
    """What the operator may have to lower."""
    most = endpoint.bounds.concurrency
    return f"; it is sent up to {most} requests at once (`--concurrency`)" if most > 1 else ""


def _about_key(endpoint: Endpoint, where: str, told: str) -> str:
    what = "does not take this key" if endpoint.key else "wants a key"
    return f"{where} {what}{told}; give it one with `gryph model key {endpoint.name}`"


def _not_found(said: Said, endpoint: Endpoint, where: str) -> str:
    if said.is_about_model:
        return f"{where} has no model `{endpoint.model}`"
    return f"{where} has nothing at {endpoint.root} (does the address end in /v1?)"


def no_such_model(problem: Problem, endpoint: Endpoint, names: Iterable[str]) -> Problem:
    """The same, with what there is instead."""
    listed = sorted(names)
    shown = ", ".join(f"`{each}`" for each in listed[:_MOST_NAMES])
    more = f" and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
    hint = f"; it has {quoted(shown, [endpoint.key], [])}{more}" if listed else ""
    return Problem(ModelUnavailable(f"{problem.failure}{hint}"), problem.said)


def redirected(status: int, endpoint: Endpoint) -> Problem:
    """A redirect is not followed: the text would go where nobody allowed it to go."""
    return Problem(
        ModelUnavailable(
            f"{endpoint.name} at {endpoint.host} sends to another address ({status}), which is not "
            "followed; give the final address with `gryph model add`"
        )
    )


def lost(error: httpx.HTTPError, endpoint: Endpoint) -> Problem:
    """The problem behind a connection that failed."""
    where = f"{endpoint.name} at {endpoint.host}"
    if isinstance(error, httpx.ConnectTimeout):
        seconds = f"{endpoint.bounds.connect_s:g} seconds"
        why = f"{where} cannot be reached (no connection within {seconds})"
    elif isinstance(error, httpx.ConnectError | httpx.ProxyError):
        why = f"{where} cannot be reached ({quoted(str(error), [endpoint.key], [])})"
    elif isinstance(error, httpx.TimeoutException):
        return Problem(ModelUnavailable(f"{where} does not answer"))
    else:
        why = f"{where} broke the connection"
    return Problem(ModelUnavailable(why), may_pass=True)


def wanted_wait_s(headers: httpx.Headers, now: datetime | None = None) -> float | None:
    """Seconds of a `Retry-After` (RFC 9110, 10.2.3) or `retry-after-ms`; None without one."""
    milliseconds = headers.get("retry-after-ms")
    text = headers.get("retry-after", "").strip()
    try:
        wait_s = float(milliseconds) / 1000 if milliseconds else float(text)
    except ValueError:
        wait_s = _until(text, now or datetime.now(UTC))
    if wait_s is None or not wait_s >= 0:  # also NaN
        return None
    return wait_s


def _until(text: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())
