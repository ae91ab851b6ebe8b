"""A console gateway at home in a temporary folder, and a client of its API."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest

from tests.bot.console.gateway import Gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Generator[Gateway]:
    made = Gateway(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
async def client(gateway: Gateway) -> AsyncGenerator[httpx.AsyncClient]:
    async with gateway.client() as made:
        yield made
