"""A worker's own small door for operators: `/metrics`, `/healthz` and `/readyz`.

It answers from a thread of its own, so that a worker whose event loop is blocked can still say so.
"""

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from typing_extensions import override

from jobs.health import PARTS
from jobs.metrics import WorkerMetrics
from storage.condition import HUNG_S, Condition, pulse

ANSWER_S = 3.0
"""How long the loop may take to say how it is."""
READ_S = 5.0
"""How long a client may take over its request."""
_JSON = "application/json"

Examine = Callable[[], Awaitable[Condition]]


class CannotListen(OSError):
    """`GRYPH_WORKER_LISTEN` is no address, or cannot be served; the message tells why."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], metrics: WorkerMetrics, ask: Callable[[], Condition]
    ):
        self.metrics = metrics
        self.ask = ask
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_S
    server_version, sys_version = "gryph", ""

    def do_GET(self) -> None:
        """Answer one of the three addresses."""
        server = self.server
        assert isinstance(server, _Server)
        metrics = server.metrics
        if self.path == "/metrics":
            metrics.vitals.tell(server.ask(), PARTS)
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(metrics.registry))
        elif self.path == "/healthz":
            status, body = pulse(metrics.vitals.loop_lag_s(), HUNG_S)
            self._answer(status, _JSON, json.dumps(body).encode())
        elif self.path == "/readyz":
            condition = server.ask()
            body = json.dumps(condition.as_json()).encode()
            self._answer(condition.http_status, _JSON, body)
        else:
            self._answer(404, _JSON, b'{"status": "no such page"}')

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Probes are no news."""


@contextmanager
def listening(listen: str, metrics: WorkerMetrics, examine: Examine) -> Generator[str]:
    """Serve on `listen` (host:port, 0 for any free one) while the block lasts; its address.

    Raises:
        CannotListen: It is no address, or somebody else has it.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004 - the highest port
        raise CannotListen(f"GRYPH_WORKER_LISTEN must be host:port, not {listen!r}")
    loop = asyncio.get_running_loop()

    def ask() -> Condition:
        asked = asyncio.run_coroutine_threadsafe(_coroutine(examine), loop)
        try:
            return asked.result(ANSWER_S)
        except concurrent.futures.TimeoutError:
            asked.cancel()
            lag_s = metrics.vitals.loop_lag_s()
            return Condition({"loop": f"the event loop has not come round for {lag_s:.1f} s"})

    try:
        server = _Server((host.strip("[]"), int(port)), metrics, ask)
    except OSError as error:
        raise CannotListen(f"GRYPH_WORKER_LISTEN: {listen} cannot be served: {error}") from error
    threading.Thread(target=server.serve_forever, name="listener", daemon=True).start()
    try:
        yield f"{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


async def _coroutine(examine: Examine) -> Condition:
    return await examine()
