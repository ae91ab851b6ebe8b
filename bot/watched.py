"""Times and traces what is said on a platform."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from typing_extensions import override

from bot.face import JobView, Outbound, Posted
from bot.metrics import GatewayMetrics
from handlers import Place, Platform
from jobs.messages import Reply
from storage import traces


class WatchedOutbound(Outbound):
    """A face's outbound side; every call is a span below `parent`, and counted by its act."""

    def __init__(
        self, inner: Outbound, platform: Platform, metrics: GatewayMetrics, parent: str | None
    ) -> None:
        """`parent` is the traceparent of what asked for it."""
        self.edit_interval_s = inner.edit_interval_s
        self.result_replaces_status = inner.result_replaces_status
        self._inner = inner
        self._platform = platform
        self._metrics = metrics
        self._parent = parent

    @override
    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        with self._call("status", view):
            return await self._inner.post_status(place, view, key=key)

    @override
    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        with self._call("edit", view):
            await self._inner.edit_status(place, status, view)

    @override
    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        with self._call("result", view):
            return await self._inner.post_result(place, status, view, reply, key=key)

    @override
    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        with self._call("answer", None):
            return await self._inner.answer(place, reply, key=key)

    @contextmanager
    def _call(self, act: str, view: JobView | None) -> Generator[None]:
        about = {} if view is None else {"job": view.job, "verb": view.verb, "state": view.state}
        started = time.perf_counter()
        with traces.span(
            f"deliver {act}",
            kind="client",
            parent=self._parent,
            platform=str(self._platform),
            **{name: str(value) for name, value in about.items()},
        ):
            yield
        self._metrics.delivery_s.labels(self._platform, act).observe(time.perf_counter() - started)
