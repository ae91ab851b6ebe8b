"""What `gryph up` and `gryph gateway` say when they cannot start: once, clearly, without a loop."""

import signal
import socket
from pathlib import Path

import pytest

from tests.acceptance.stack import gryph, of_home, running

SLACK_HALF = {"GRYPH_SLACK_BOT_TOKEN": "xoxb-half"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


async def test_a_second_stack_in_one_home_is_refused(home: Path) -> None:
    async with running(home) as stack:
        code, _, err = await gryph(home, "up")
        assert (code, err) == (1, f"gryph: another `gryph up` runs with {home}\n")
        assert await stack.stop(signal.SIGTERM) == 0


async def test_an_address_in_use_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, _, err = await gryph(home, "up", GRYPH_LISTEN=address)
    assert code == 1
    assert "GRYPH_LISTEN" in err
    assert address in err
    assert "Traceback" not in err
    assert of_home(home) == {}


async def test_an_address_that_is_none_is_named(home: Path) -> None:
    code, _, err = await gryph(home, "up", GRYPH_LISTEN="localhost")
    assert code == 1
    assert "GRYPH_LISTEN" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["up", "gateway"])
async def test_a_half_configured_platform_names_the_missing_setting(
    home: Path, command: str
) -> None:
    code, _, err = await gryph(home, command, GRYPH_REDIS_URL="redis://127.0.0.1:1/0", **SLACK_HALF)
    assert code == 1
    assert "GRYPH_SLACK_SIGNING_SECRET" in err
    assert "Traceback" not in err
    assert of_home(home) == {}


async def test_a_gateway_alone_without_a_broker_names_the_setting(home: Path) -> None:
    code, _, err = await gryph(home, "gateway")
    assert (code, "GRYPH_REDIS_URL" in err, "Traceback" in err) == (1, True, False)


async def test_a_worker_alone_without_a_broker_names_the_setting(home: Path) -> None:
    code, _, err = await gryph(home, "worker")
    assert (code, "GRYPH_REDIS_URL" in err, "Traceback" in err) == (1, True, False)
