"""Discord in front of a real `gryph up`: its gateway killed, its connection cut, nothing lost."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.stack import Stack, eventually, running
from tests.fakes.discord_wire.server import Discord
from tests.fakes.discord_wire.world import MAY_MANAGE_MESSAGES, Channel, Message, User

pytestmark = pytest.mark.slow

ANSWER_S = 90.0
TAKE_OVER_S = 60.0
"""The lease of a killed leader ends, and its successor connects."""


@dataclass
class Town:
    """A server, a moderator in it, and the stack behind our bot."""

    discord: Discord
    channel: Channel
    ann: User
    stack: Stack

    def mention(self, words: str) -> Message:
        """Ann mentions us."""
        people = self.discord.people
        return people.say(self.ann, self.channel, f"{people.mention} {words}")

    def answers(self, said: Message) -> list[str]:
        """Our replies to a message."""
        ours = self.discord.world.ours(self.channel.id)
        return [each.content for each in ours if each.reply_to == said.id]

    def thread(self, root: int) -> list[str]:
        """What we said in the thread of a message, oldest first."""
        if root not in self.discord.world.channels:
            return []
        return [each.content for each in self.discord.world.ours(root)]

    def result(self, root: int) -> bool:
        """Whether the thread holds a result."""
        return any("Line coverage" in each for each in self.thread(root))


@pytest.fixture
async def town(tmp_path: Path, repository: Path) -> AsyncGenerator[Town]:
    async with Discord.running() as discord:
        ann = discord.world.add_user("ann")
        guild = discord.world.add_guild("Acme", [ann])
        discord.world.grant(guild, ann, MAY_MANAGE_MESSAGES)
        channel = discord.world.add_channel(guild, "dev")
        settings = {
            **discord.settings,
            "GRYPH_REPOSITORIES": json.dumps({"acme/text": str(repository)}),
        }
        async with running(tmp_path / "home", **settings) as stack:
            await eventually(lambda: discord.gateway.connected, TAKE_OVER_S)
            yield Town(discord, channel, ann, stack)


async def test_a_mention_and_a_slash_command_get_a_thread_with_the_result(town: Town) -> None:
    said = town.mention("test text/slugs.py budget=3s")
    people = town.discord.people
    asked = people.slash(town.ann, town.channel, "test", target="text/slugs.py", budget="3s")
    assert await people.sees_answer(asked)
    assert asked.response is not None
    root = asked.response.id
    await eventually(lambda: town.result(said.id) and town.result(root), ANSWER_S)
    for thread in (said.id, root):
        await eventually(lambda root=thread: "succeeded" in town.thread(root)[0], ANSWER_S)
        assert len(town.thread(thread)) == 2
    assert [each.content for each in town.discord.world.ours(town.channel.id)] == [
        asked.response.content
    ]


async def test_a_connection_that_is_cut_is_resumed_and_nothing_is_said_twice(town: Town) -> None:
    town.discord.gateway.cut()
    said = town.mention("status")
    await eventually(lambda: town.answers(said), ANSWER_S)
    assert town.discord.gateway.resumed == 1
    after = town.mention("help")
    await eventually(lambda: town.answers(after), ANSWER_S)
    assert (len(town.answers(said)), len(town.answers(after))) == (1, 1)


async def test_a_killed_gateway_s_successor_answers_what_was_said_meanwhile(town: Town) -> None:
    before = town.mention("help")
    await eventually(lambda: town.answers(before), ANSWER_S)
    town.stack.kill("gateway")
    await eventually(lambda: not town.discord.gateway.connected)
    missed = [town.mention("status"), town.mention("test text/slugs.py budget=3s")]
    await eventually(lambda: len(town.discord.gateway.started) == 2, TAKE_OVER_S)
    after = town.mention("quota")
    await eventually(
        lambda: town.answers(missed[0]) and town.answers(after) and town.result(missed[1].id),
        ANSWER_S,
    )
    counts = [len(town.answers(each)) for each in (before, missed[0], after)]
    assert counts == [1, 1, 1]
    assert len(town.thread(missed[1].id)) == 2
