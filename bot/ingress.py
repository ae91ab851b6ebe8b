"""Counts and times the requests that post something, acknowledged or refused, by platform."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.metrics import GatewayMetrics

PLATFORMS = {"slack": "slack", "github": "github", "api": "console"}
"""By the first part of the path."""
_OUTCOMES = {
    400: "malformed",
    401: "bad_signature",
    403: "forbidden",
    408: "too_slow",
    413: "too_large",
    415: "malformed",
    422: "malformed",
    429: "limited",
}
_FAILED = 500


class Ingress:
    """ASGI middleware. The time is the platform's wait: its own slowness in sending counts too."""

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        """Stand before `app`."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        platform = _platform(scope)
        if platform is None:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = _FAILED

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            outcome = outcome_of(status)
            self._metrics.requests.labels(platform, outcome).inc()
            if outcome == "acked":
                self._metrics.ack_s.labels(platform).observe(time.perf_counter() - started)


def _platform(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    return PLATFORMS.get(str(scope["path"]).split("/", 2)[1])


def outcome_of(status: int) -> str:
    """A response in one word."""
    if status < 400:  # noqa: PLR2004 - HTTP's own border
        return "acked"
    return "failed" if status >= _FAILED else _OUTCOMES.get(status, "refused")
