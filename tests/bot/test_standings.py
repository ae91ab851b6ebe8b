"""Whose word counts over a job."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.standings import Speaker, Standings
from handlers import Caller, Invocation, Place, Platform, PullRequest, Standing, Tier
from storage import people
from storage.clock import utc_now
from storage.database import Database
from tests.fakes.chat import Chat, chatting

PULL = PullRequest(
    number=12,
    head_sha="a" * 40,
    head_repository="o/r",
    base_repository="o/r",
    base_ref="main",
    author="eve",
)


@pytest.fixture
async def chat(sqlite: Database, valkey_url: str, tmp_path: Path) -> AsyncGenerator[Chat]:
    async with chatting(sqlite, valkey_url, tmp_path) as chat:
        yield chat


async def on_the_pull(chat: Chat, name: str, tier: Tier) -> Speaker:
    """Somebody who comments on the pull request."""
    caller = Caller(platform=Platform.GITHUB, account=name, name=name)
    place = Place(platform=Platform.GITHUB, workspace="o", channel="o/r")
    said = Invocation(
        caller=caller, place=place, text="", repository="o/r", number=12, received_at=utc_now()
    )
    person = await chat.database.write(
        lambda s: people.person_of(s, platform="github", account=name, name=name, now=utc_now())
    )
    chat.platform.tiers[name] = tier
    return Speaker(said, person, Standing(tier, "o/r", PULL, is_author=name == PULL.author))


@pytest.mark.parametrize(
    ("name", "tier", "is_open"),
    [("bob", Tier.WRITE, True), ("eve", Tier.READ, True), ("carl", Tier.READ, False)],
)
async def test_a_chats_job_about_a_pull_request_is_open_to_those_who_care_for_it(
    chat: Chat, name: str, tier: Tier, *, is_open: bool
) -> None:
    chat.platform.pull = PULL
    await chat.say("@gryph test src/a.py")
    job = await chat.newest_job()
    assert job.number == PULL.number
    standings = Standings(chat.database, chat.scene.faces, {})
    speaker = await on_the_pull(chat, name, tier)
    found = await standings.over_job(speaker, job, Tier.WRITE)
    assert (found.tier >= Tier.WRITE or found.is_author) is is_open
