"""A gateway at which people log in, and the platforms that vouch for them."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.bot.console.gateway import Gateway
from tests.bot.web.browser import Browser
from tests.fakes.identity import IdentityFake, World, running_identity


@pytest.fixture(scope="session")
def identity_server() -> Generator[IdentityFake]:
    """One server for all tests of this process."""
    with running_identity() as fake:
        yield fake


@pytest.fixture
def identity(identity_server: IdentityFake) -> IdentityFake:
    """Everybody behaves, and knows the gateway's addresses."""
    for platform, account in (("github", "583231"), ("slack", "U7"), ("discord", "99")):
        world = identity_server.world(platform)
        world.__dict__.update(World(account=account).__dict__)
        world.redirect_uris = tuple(
            f"{base}/login/{platform}/callback" for base in ("http://gateway", "https://gryph.test")
        )
    return identity_server


@pytest.fixture
async def gateway(tmp_path: Path, identity: IdentityFake) -> AsyncGenerator[Gateway]:
    """Reached without TLS, as on one's own machine."""
    made = Gateway(tmp_path, **identity.settings())
    yield made
    await made.web.close()
    made.database.close()


@pytest.fixture
async def browser(gateway: Gateway, identity: IdentityFake) -> AsyncGenerator[Browser]:
    """One person's browser."""
    made = Browser(gateway, identity)
    async with made.http:
        yield made


@pytest.fixture
async def other_browser(gateway: Gateway, identity: IdentityFake) -> AsyncGenerator[Browser]:
    """Another person's, or another of the same person's."""
    made = Browser(gateway, identity)
    async with made.http:
        yield made
