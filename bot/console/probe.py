"""`gryph worker --check`: how the worker at `GRYPH_WORKER_LISTEN` is, for probes of containers."""

import sys

import httpx

from jobs.settings import WorkerSettings

READY, NOT_READY, MISUSED = 0, 1, 2
ANSWER_S = 5.0
_ANYWHERE = ("0.0.0.0", "[::]")  # noqa: S104 - to be asked, not served


def check() -> int:
    """Print its condition; 0 when it is ready, 1 when not or when it does not answer."""
    listen = WorkerSettings().worker_listen
    if listen is None:
        print("gryph: GRYPH_WORKER_LISTEN is missing: there is nobody to ask", file=sys.stderr)
        return MISUSED
    host, _, port = listen.rpartition(":")
    asked = "127.0.0.1" if host in _ANYWHERE else host
    try:
        answer = httpx.get(f"http://{asked}:{port}/readyz", timeout=ANSWER_S, trust_env=False)
    except httpx.TransportError as error:
        print(f"gryph: the worker does not answer: {type(error).__name__}", file=sys.stderr)
        return NOT_READY
    print(answer.text)
    return READY if answer.is_success else NOT_READY
