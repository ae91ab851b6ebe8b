from pathlib import Path

import pytest

from engines.generation.tiny import make_tiny


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model with random weights, made once in each test process."""
    return make_tiny(tmp_path_factory.mktemp("models") / "tiny")
