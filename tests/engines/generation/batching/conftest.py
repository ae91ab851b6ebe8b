from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.generation.batching.local import LocalModel
from engines.generation.batching.settings import LocalSettings
from tests.engines.generation.batching.campaigns import Reference


@pytest.fixture(scope="session")
def local(tiny_model: Path) -> Iterator[LocalModel]:
    """A running engine over the tiny model, for tests that leave it as it was."""
    model = LocalModel(settings(tiny_model))
    yield model
    model.close()


@pytest.fixture(scope="session")
def reference(tiny_model: Path) -> Reference:
    return Reference(tiny_model)


def settings(folder: Path) -> LocalSettings:
    return LocalSettings(name="tiny", source=str(folder), memory_gb=0.1, hang_s=60.0)
