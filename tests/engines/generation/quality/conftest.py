from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engines.generation.ground import Ground, Tools, find_tools
from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import NoIsolation

Checkout = Callable[[dict[str, str]], Path]

SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": (
        "def total(prices):\n"
        "    return sum(prices)\n"
        "\n"
        "\n"
        "def mean(prices):\n"
        "    return total(prices) / len(prices) + 1\n"
    ),
    "tests/test_prices.py": (
        "from shop.prices import mean, total\n"
        "\n"
        "\n"
        "def test_total():\n"
        "    assert total([1, 2]) == 3\n"
        "\n"
        "\n"
        "def test_mean():\n"
        "    assert mean([1, 3]) == 2\n"
    ),
}
"""A small repository with a bug, and a test that shows it."""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A folder with the given files."""

    def made(files: dict[str, str]) -> Path:
        root = tmp_path / "checkout"
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        root.mkdir(exist_ok=True)
        return root

    return made


@pytest.fixture
def shop(checkout: Checkout) -> Path:
    return checkout(SHOP)


@pytest.fixture(scope="session")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The strongest rung of this host; skips where there is none."""
    try:
        return find_sandbox()
    except NoIsolation as problem:
        pytest.skip(f"no isolation on this host: {problem}")


@pytest.fixture
def text_ground(tools: Tools) -> Ground:
    """No sandbox, so that nothing is run."""
    return Ground(None, tools, no_sandbox_because="this host has none")


@pytest.fixture
def ground(sandbox: Sandbox, tools: Tools) -> Ground:
    """Tests are run; types are not checked, which takes a second each."""
    return Ground(sandbox, replace(tools, pyright=None))
