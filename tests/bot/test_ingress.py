"""How requests are counted and timed before any route sees them."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from bot.ingress import Ingress
from bot.metrics import GatewayMetrics


def application(metrics: GatewayMetrics) -> FastAPI:
    app = FastAPI()

    @app.post("/slack/events")
    async def events(request: Request) -> Response:
        told = await request.json()
        await asyncio.sleep(told["after_s"])
        return Response(status_code=told["status"])

    @app.post("/github/webhook")
    async def webhook() -> None:
        raise ZeroDivisionError

    app.add_middleware(Ingress, metrics=metrics)
    return app


async def post(metrics: GatewayMetrics, path: str, status: int = 200, after_s: float = 0.0) -> None:
    transport = httpx.ASGITransport(application(metrics), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gryph") as http:
        await http.post(path, json={"status": status, "after_s": after_s})
        await http.get(path)


def counted(metrics: GatewayMetrics, platform: str, outcome: str) -> float | None:
    labels = {"platform": platform, "outcome": outcome}
    return metrics.registry.get_sample_value("gryph_requests_total", labels)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "acked"),
        (202, "acked"),
        (400, "malformed"),
        (401, "bad_signature"),
        (413, "too_large"),
        (404, "refused"),
        (503, "failed"),
    ],
)
async def test_every_post_has_one_outcome(status: int, outcome: str) -> None:
    metrics = GatewayMetrics()
    await post(metrics, "/slack/events", status)
    assert counted(metrics, "slack", outcome) == 1


async def test_a_route_that_breaks_counts_as_failed() -> None:
    metrics = GatewayMetrics()
    await post(metrics, "/github/webhook")
    assert counted(metrics, "github", "failed") == 1


async def test_the_acknowledgement_is_timed_as_the_platform_waits_for_it() -> None:
    metrics = GatewayMetrics()
    await post(metrics, "/slack/events", after_s=0.12)
    labels = {"platform": "slack"}
    assert metrics.registry.get_sample_value("gryph_ack_seconds_count", labels) == 1
    waited_s = metrics.registry.get_sample_value("gryph_ack_seconds_sum", labels)
    assert waited_s is not None
    assert 0.12 <= waited_s < 1


async def test_what_nobody_serves_makes_no_series_of_its_own() -> None:
    metrics = GatewayMetrics()
    await post(metrics, "/wp-login.php")
    assert "wp-login" not in str(list(metrics.registry.collect()))
    assert counted(metrics, "none", "refused") is None
