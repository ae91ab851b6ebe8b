"""Whose jobs an API client sees."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from bot.auth import Role
from handlers import Caller, Invocation, Place, Platform
from storage import inbox, ledger, people
from storage.clock import utc_now
from storage.ids import JobId
from storage.ledger import NewJob
from tests.bot.console.gateway import Gateway


@pytest.fixture
async def client(gateway: Gateway) -> AsyncGenerator[httpx.AsyncClient]:
    async with gateway.client() as made:
        yield made


def asked(gateway: Gateway, platform: Platform, account: str) -> str:
    """A queued job that this account asked for; its id."""
    now = utc_now()
    place = Place(platform=platform, workspace="w", channel="c")
    caller = Caller(platform=platform, account=account, name=account)
    event = Invocation(caller=caller, place=place, text="/gryph test a.py", received_at=now)

    def create(session: Session) -> str:
        payload = event.model_dump(mode="json")
        taken = inbox.claim(session, platform, payload, (f"{account}:{now}",), now, holder="g")
        person = people.person_of(
            session, platform=platform, account=account, name=account, now=now
        )
        new = NewJob(
            inbox_id=taken.id,
            line_number=0,
            verb="test",
            line="test a.py",
            queue="cpu",
            request={},
            invocation=payload,
            person=person,
            platform=platform,
            place=place.model_dump(mode="json"),
        )
        return ledger.create(session, new, now).id

    return gateway.database.write_now(create)


async def overview(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    answer = await client.get("/api/v1/overview", headers=headers)
    assert answer.status_code == 200
    return answer.json()


async def test_one_sees_ones_own_jobs_and_an_administrator_everybodys(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    mine = asked(gateway, Platform.CONSOLE, "api:ann")
    bobs = asked(gateway, Platform.CONSOLE, "api:bob")
    slack = asked(gateway, Platform.SLACK, "api:ann")
    seen = await overview(client, gateway.token("ann"))
    assert [job["job"] for job in seen["recent"]] == [mine]
    assert not seen["sees_all"]
    seen = await overview(client, gateway.token("eve", Role.ADMIN))
    assert {job["job"] for job in seen["recent"]} == {mine, bobs, slack}
    assert seen["queues"] == [{"queue": "cpu", "state": "queued", "jobs": 3}]
    assert seen["unhandled_events"] == 3


async def test_somebody_elses_job_looks_as_if_it_were_not_there(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    job = asked(gateway, Platform.CONSOLE, "api:bob")
    path = f"/api/v1/jobs/{job}"
    missing = await client.get("/api/v1/jobs/J000000", headers=gateway.token("ann"))
    hidden = await client.get(path, headers=gateway.token("ann"))
    assert (hidden.status_code, hidden.text) == (404, missing.text)
    for headers in (gateway.token("bob"), gateway.token("eve", Role.ADMIN)):
        shown = (await client.get(path.lower(), headers=headers)).json()
        assert (shown["job"], shown["state"], shown["ahead"]) == (job, "queued", 0)


async def test_a_secret_in_what_a_job_says_is_not_shown(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    job, secret = asked(gateway, Platform.CONSOLE, "api:ann"), f"ghp_{'a1B2' * 9}"

    def tell(session: Session) -> None:
        lease = ledger.lease(session, JobId(job), "worker", utc_now())
        assert isinstance(lease, ledger.Leased)
        ledger.report(session, lease, f"read {secret}", 0.5, utc_now())

    gateway.database.write_now(tell)
    headers = gateway.token("ann")
    (shown,) = (await overview(client, headers))["recent"]
    alone = (await client.get(f"/api/v1/jobs/{job}", headers=headers)).json()
    assert shown["text"] == alone["text"] == "read [secret removed]"
