"""What people wrote while none of us listened is read back, and taken once."""

import json
from datetime import timedelta

import pytest
from discord.utils import time_snowflake
from typing_extensions import override

from bot.discord import inbound, missed
from bot.face import NotTaken
from handlers import Event, Invocation
from storage.clock import utc_now
from storage.ids import InboxId
from tests.bot.discord.town import Client, Town, connected, until
from tests.fakes.discord_wire.faults import Fault, Kind
from tests.fakes.discord_wire.world import Message, Right
from tests.fakes.intake import RecordingIntake


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed, "REMEMBERED_EVERY_S", 0.05)
    monkeypatch.setattr(missed, "AGAIN_S", 0.05)


async def remembered(client: Client, town: Town, message: int) -> None:
    """Wait until that was heard, and kept."""
    await until(client.is_ready)
    await until(lambda: town.heard_until >= message)


async def once_before(town: Town) -> None:
    """A gateway of ours has listened and is gone."""
    async with connected(town) as client:
        await until(client.is_ready)
        await remembered(client, town, town.mention("help"))


async def test_a_mention_of_that_time_is_taken_by_the_next_session(town: Town) -> None:
    await once_before(town)
    town.mention("status")
    async with connected(town) as client:
        await until(lambda: client.heard == ["@gryph help", "@gryph status"])


async def test_what_two_heard_is_taken_once(town: Town) -> None:
    await once_before(town)
    town.mention("status")
    async with connected(town), connected(town) as client:
        await until(lambda: client.heard == ["@gryph help", "@gryph status"])
        await remembered(client, town, town.mention("quota"))
    assert client.heard == ["@gryph help", "@gryph status", "@gryph quota"]


async def test_threads_and_direct_conversations_are_read_too(town: Town) -> None:
    discord, people = town.discord, town.discord.people
    direct = discord.world.direct_channel(town.ann)
    async with connected(town) as client:
        await until(client.is_ready)
        people.say(town.ann, direct, "help")
        root = town.mention("help")
        await remembered(client, town, root)
    thread = discord.conversations.open_thread(town.channel.id, root, {"name": "tests"})
    people.say(town.ann, direct, "status")
    people.say(town.ann, thread, f"{people.mention} quota")
    async with connected(town) as client:
        await until(lambda: len(client.heard) == 4)
    places = [each.place for each in client.taken.events if isinstance(each, Invocation)]
    assert {(place.workspace, place.thread) for place in places[2:]} == {
        ("dm", None),
        (str(town.guild.id), str(thread.id)),
    }


async def test_whoever_comes_for_the_first_time_answers_nothing_of_before(town: Town) -> None:
    town.mention("status")
    async with connected(town) as client:
        await remembered(client, town, town.mention("help"))
    assert client.heard == ["@gryph help"]


async def test_more_than_a_page_is_read(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed, "PAGE", 2)
    await once_before(town)
    for number in range(5):
        town.mention(f"status J00000{number}")
    async with connected(town) as client:
        await until(lambda: len(client.heard) == 6)


async def test_what_is_older_than_a_day_is_left_alone(town: Town) -> None:
    await once_before(town)
    long_ago = utc_now() - timedelta(hours=25)
    kept = json.dumps({"first": 0, "message": time_snowflake(long_ago)})
    await town.heard.set(kept)
    old = Message(
        time_snowflake(long_ago + timedelta(minutes=10)),
        town.channel.id,
        town.ann,
        f"{town.discord.people.mention} status",
        pings={town.discord.world.bot.id},
    )
    town.discord.world.add(old)
    async with connected(town) as client:
        await remembered(client, town, town.mention("quota"))
    assert client.heard == ["@gryph help", "@gryph quota"]


async def test_a_channel_that_we_may_not_read_keeps_nobody_from_the_others(town: Town) -> None:
    other = town.discord.world.add_channel(town.guild, "other")
    await once_before(town)
    town.mention("status")
    town.channel.denied = {Right.READ_HISTORY}
    people = town.discord.people
    people.say(town.ann, other, f"{people.mention} quota")
    async with connected(town) as client:
        await until(lambda: client.heard == ["@gryph help", "@gryph quota"])


async def test_reading_goes_on_after_an_outage(town: Town) -> None:
    await once_before(town)
    town.mention("status")
    town.discord.faults.add(Fault("GET", "/messages", Kind.ERROR_503))
    async with connected(town) as client:
        await until(lambda: client.heard == ["@gryph help", "@gryph status"])


class Closed(RecordingIntake):
    """Takes nothing for a while."""

    refusals = 3

    @override
    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        """Refuse, then accept."""
        self.refusals -= 1
        if self.refusals >= 0:
            raise NotTaken("locked")
        return await super().accept(event, keys)


async def test_a_message_that_could_not_be_taken_is_read_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "OFFERED_AGAIN_S", ())
    await once_before(town)
    async with connected(town, Closed()) as client:
        await until(client.is_ready)
        town.mention("status")
        await until(lambda: client.heard == ["@gryph help", "@gryph status"])
