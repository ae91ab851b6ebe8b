"""What operators and their probes ask a gateway: alive, ready, and its figures."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from sqlalchemy.exc import SQLAlchemyError

from bot.health import PARTS, Health
from bot.metrics import GatewayMetrics
from storage.clock import utc_now
from storage.condition import HUNG_S, pulse


def operations(health: Health, metrics: GatewayMetrics) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz(response: Response) -> dict[str, str | float]:
        """The process answers, from its event loop; 503 when that loop hardly turns."""
        response.status_code, body = pulse(metrics.vitals.loop_lag_s(), HUNG_S)
        return body

    @router.get("/readyz")
    async def readyz(response: Response) -> dict[str, str | dict[str, str]]:
        """Progress: what is accepted is also handled, rung and delivered; 503 when it is not."""
        condition = await health.condition()
        response.status_code = condition.http_status
        return condition.as_json()

    @router.get("/metrics", response_class=PlainTextResponse)
    async def show_metrics() -> PlainTextResponse:
        """Prometheus' text format."""
        metrics.vitals.tell(await health.condition(), PARTS)
        try:
            metrics.backlog.show(await health.backlog(), utc_now())
        except (TimeoutError, SQLAlchemyError):
            metrics.backlog.forget()
        return PlainTextResponse(generate_latest(metrics.registry))

    return router
