"""A console gateway at home in a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.console.gateway import Gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path)
    yield made
    made.database.close()
