"""What every request has to pass; `tests.acceptance.hostile_http` does the same over sockets."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy.exc import OperationalError

from bot import door
from bot.door import Door
from bot.face import NotTaken

LARGE = "/large"


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()
    made.add_middleware(Door, largest={LARGE: 10 * door.MOST_BODY_BYTES})

    async def size(request: Request) -> int:
        return len(await request.body())

    for path in ("/usual", LARGE):
        made.add_api_route(path, size, methods=["POST"])

    @made.get("/away/{kind}")
    async def away(kind: str) -> None:
        if kind == "events":
            raise NotTaken("no time")
        raise OperationalError("SELECT 1", {}, Exception("locked"))

    return made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gryph") as made:
        yield made


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield b"x" * size


@pytest.mark.parametrize(("path", "most"), [("/usual", 1_000_000), (LARGE, 10_000_000)])
async def test_each_path_has_its_own_largest_body(
    client: httpx.AsyncClient, path: str, most: int
) -> None:
    assert (await client.post(path, content=b"x" * most)).json() == most
    assert (await client.post(path, content=b"x" * (most + 1))).status_code == 413
    without_length = await client.post(path, content=pieces(most, 1))
    assert without_length.status_code == 413
    assert str(most) in without_length.json()["detail"]


async def test_large_bodies_share_one_budget_and_give_it_back(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "BODIES_BYTES", 2_000_000)
    refused = await client.post(LARGE, content=pieces(3_000_000))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    for _ in range(3):
        assert (await client.post(LARGE, content=pieces(1_900_000))).json() == 1_900_000


@pytest.mark.parametrize("kind", ["events", "reads"])
async def test_a_database_that_is_away_is_no_error_of_ours_but_a_try_again(
    client: httpx.AsyncClient, kind: str
) -> None:
    answer = await client.get(f"/away/{kind}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
