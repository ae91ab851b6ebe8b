"""The real engine behind the chats: a pull request named in Slack and Discord, GitHub connected."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from engines.sandbox.sandbox import find_sandbox
from engines.sandbox.types import NoIsolation
from jobs.cpu import CPU_WORKS
from storage.database import Database
from storage.people import Account
from tests.faces.patience import until_over
from tests.faces.work import FILES
from tests.fakes.everywhere import Everywhere, everywhere
from tests.fakes.slack.workspace import read
from tests.fakes.slack.world import BOT

AFTER = FILES["src/a.py"].replace(b"2 * n", b"3 * n")


@pytest.fixture
async def world(sqlite: Database, tmp_path: Path, valkey_url: str) -> AsyncGenerator[Everywhere]:
    """All platforms, before the worker's own registry of jobs and its proven sandbox."""
    try:
        sandbox = find_sandbox()
    except NoIsolation as reason:
        pytest.skip(str(reason))
    async with everywhere(
        sqlite, tmp_path, valkey_url, works=CPU_WORKS, sandbox=sandbox, speaks=True
    ) as world:
        world.shop.permissions |= {"ann": "write", "mod": "write"}
        yield world


async def test_pull_request_named_in_a_chat_is_compared_and_told_in_the_same_thread(
    world: Everywhere,
) -> None:
    number = await world.github.people.open_pull(world.shop, "ann", {"src/a.py": AFTER})
    slacker, channel = world.slack.world.add_user("ann"), world.slack.world.add_channel("dev")
    member = world.discord.mod
    await world.link(Account("slack", slacker, "ann"), "ann")
    await world.link(Account("discord", str(member.id), "mod"), "mod")
    asked = await world.slack.say(slacker, channel, f"<@{BOT}> test #{number} budget=2s")
    await world.say(member, f"test #{number} budget=2s")
    await until_over(world, 2)
    status, result = world.slack.world.ours(channel)
    assert status.thread_ts == result.thread_ts == asked.ts
    in_slack = read(result.blocks)
    in_discord = "\n".join(one.content for one in world.discord.said(world.discord.thread))
    for told in (in_slack, in_discord):
        assert f"#{number} changes" in told.replace("\\", "")
        assert "`double` · `src/a.py`, line 2" in told
        assert "`double(1)`: `2` → `3`" in told
    assert world.github.world.bot not in [one.by for one in world.shop.said(number)]
