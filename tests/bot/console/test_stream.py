"""Following a thread over a real socket: nothing missed, nothing twice, from any gateway."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot import api
from bot.auth import MAX_TTL_S, Role
from bot.console.events import EventReader, StreamEvent
from bot.console.notifier import Notifier
from bot.console.outbound import ConsoleOutbound
from bot.console.stream import ThreadStream
from bot.face import Posted
from jobs.messages import say
from storage import console
from storage.clock import utc_now
from storage.states import JobState
from tests.bot.console.gateway import Gateway, a_place, a_view

PLACE = a_place("C1", 7)
SOON_S = 20


@pytest.fixture(autouse=True)
def _conversation(gateway: Gateway) -> None:
    gateway.database.write_now(lambda s: console.open_conversation(s, "C1", "api:ann", utc_now()))


async def events(
    url: str, headers: dict[str, str], query: str = ""
) -> AsyncGenerator[StreamEvent, None]:
    reader = EventReader()
    async with (
        httpx.AsyncClient(trust_env=False, timeout=SOON_S) as http,
        http.stream("GET", f"{url}/api/v1/conversations/C1/events{query}", headers=headers) as got,
    ):
        assert got.status_code == 200
        assert got.headers["content-type"].startswith("text/event-stream")
        async for chunk in got.aiter_bytes():
            for event in reader.feed(chunk):
                yield event


def told(event: StreamEvent) -> tuple[str, str, int, Any]:
    data = json.loads(event.data)
    return event.id, event.event, data["version"], data["kind"]


async def test_each_change_is_told_once_and_a_reader_resumes_where_it_stopped(
    gateway: Gateway,
) -> None:
    headers = gateway.token()
    status = await gateway.outbound.post_status(PLACE, a_view(JobState.QUEUED), key="s")
    with gateway.served() as url:
        async with aclosing(events(url, headers)) as first:
            assert told(await anext(first)) == ("1", "created", 1, "status")
            await gateway.outbound.edit_status(PLACE, status, a_view(JobState.RUNNING))
            assert told(await anext(first)) == ("2", "edited", 2, "status")
        await gateway.outbound.edit_status(PLACE, status, a_view(JobState.SUCCEEDED))
        await gateway.outbound.post_result(
            PLACE, status, a_view(JobState.SUCCEEDED), say("done"), key="r"
        )
        async with aclosing(events(url, headers | {"Last-Event-ID": "2"})) as second:
            assert told(await anext(second)) == ("3", "edited", 3, "status")
            assert told(await anext(second)) == ("4", "created", 1, "result")
        async with aclosing(events(url, headers, "?after=3")) as third:
            assert told(await anext(third))[3] == "result"


async def test_a_reader_that_missed_edits_is_told_only_the_newest_state_as_new(
    gateway: Gateway,
) -> None:
    status = await gateway.outbound.post_status(PLACE, a_view(JobState.QUEUED), key="s")
    for number in range(5):
        await gateway.outbound.edit_status(PLACE, status, a_view(text=f"step {number}"))
    with gateway.served() as url:
        async with aclosing(events(url, gateway.token())) as stream:
            event = await anext(stream)
    assert told(event) == ("6", "created", 6, "status")
    assert json.loads(event.data)["job"]["text"] == "step 4"


async def test_a_reader_whose_token_was_revoked_does_not_come_back(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "STREAM_LONGEST", timedelta(seconds=0.3))
    token = gateway.keys.mint("ann", Role.WRITER, ttl_s=MAX_TTL_S)
    headers = {"Authorization": f"Bearer {token}"}
    await gateway.outbound.answer(PLACE, say("before"), key="a")
    with gateway.served() as url:
        assert [told(event)[0] async for event in events(url, headers)] == ["1"]
        gateway.keys.revoke(token)
        async with httpx.AsyncClient(trust_env=False) as http:
            again = await http.get(f"{url}/api/v1/conversations/C1/events", headers=headers)
    assert again.status_code == 401


async def test_a_change_made_by_another_gateway_is_found_without_a_wake_up(
    gateway: Gateway,
) -> None:
    elsewhere = ConsoleOutbound(gateway.database, Notifier())
    with gateway.served() as url:
        async with aclosing(events(url, gateway.token())) as stream:
            coming = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0.2)
            await elsewhere.answer(PLACE, say("from afar"), key="a")
            event = await asyncio.wait_for(coming, SOON_S)
    assert json.loads(event.data)["reply"]["summary"] == "from afar"


async def test_a_crowd_of_readers_sees_the_same_changes_in_the_same_order(
    gateway: Gateway,
) -> None:
    async def read(url: str) -> list[str]:
        async with aclosing(events(url, gateway.token())) as stream:
            seen: list[str] = []
            while not seen or json.loads(seen[-1])["text"] != "end":
                event = await anext(stream)
                data = json.loads(event.data)
                seen.append(json.dumps({"id": event.id, "text": data["job"]["text"]}))
            return seen

    async def write(status: Posted) -> None:
        for number in range(20):
            await gateway.outbound.edit_status(PLACE, status, a_view(text=str(number)))
            await asyncio.sleep(0)
        await gateway.outbound.edit_status(PLACE, status, a_view(text="end"))

    status = await gateway.outbound.post_status(PLACE, a_view(text="begin"), key="s")
    with gateway.served() as url:
        *seen, _ = await asyncio.wait_for(
            asyncio.gather(*(read(url) for _ in range(4)), write(status)), SOON_S
        )
    for each in seen:
        assert each is not None
        numbers = [int(json.loads(line)["id"]) for line in each]
        assert numbers == sorted(set(numbers)), "each change at most once, in order"


async def test_a_silent_stream_beats_and_ends_with_its_token(gateway: Gateway) -> None:
    stream = ThreadStream(gateway.database, gateway.notifier, heartbeat_s=0.0)
    until = utc_now() + timedelta(seconds=1.2)
    frames = [frame async for frame in stream.frames("C1", 0, until)]
    assert frames[0] == ": here\n\n"
    assert set(frames[1:]) == {": still here\n\n"}


async def test_a_reader_that_left_is_forgotten(gateway: Gateway) -> None:
    until = utc_now() + timedelta(hours=1)
    stream = ThreadStream(gateway.database, gateway.notifier)
    await gateway.outbound.answer(PLACE, say("hello"), key="a")
    async with aclosing(stream.frames("C1", 0, until)) as frames:
        assert [await anext(frames), (await anext(frames))[:5]] == [": here\n\n", "id: 1"]
        assert gateway.notifier.readers == 1
    assert gateway.notifier.readers == 0
