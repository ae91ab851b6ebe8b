"""Drafts on a Discord that keeps Discord's limits, and how they give way when calls run short."""

from dataclasses import dataclass

import pytest

from bot.budgets import Budgets
from bot.discord.outbound import DiscordOutbound
from bot.discord.pace import Pace
from bot.face import Posted
from handlers import Place, Platform
from storage.states import JobState
from tests.bot.discord.town import Client, Town, connected
from tests.bot.discord.views import JOB, view
from tests.fakes.discord import MemoryArtifacts

DRAFT = "It says @everyone, <@1> and\n-# this:\n\n```python\n" + "value = '```'\n" * 900
LIMIT = 2_000


@dataclass
class Clock:
    """Stands until it is put forward."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(Budgets(None, patience_s=0.0, clock=clock), calls_per_second=30)


async def posted(town: Town, client: Client, pace: Pace) -> tuple[DiscordOutbound, Place, Posted]:
    """A job's status message under a mention of ours."""
    place = Place(
        platform=Platform.DISCORD,
        workspace=str(town.guild.id),
        channel=str(town.channel.id),
        message=str(town.mention("test src/a.py")),
    )
    face = DiscordOutbound(client, MemoryArtifacts(), pace)
    view_ = view(account=str(town.ann.id))
    return face, place, await face.post_status(place, view_, key=f"{JOB}:status")


async def test_a_long_draft_grows_within_one_message(town: Town, clock: Clock, pace: Pace) -> None:
    async with connected(town) as client:
        face, place, status = await posted(town, client, pace)
        for end in (20, 60, 1_990, 2_050, len(DRAFT)):
            clock.now_s += 1
            running = view(JobState.RUNNING, draft=DRAFT[:end], draft_length=end)
            await face.edit_status(place, status, running)
            content = _content(town, status)
            assert len(content) <= LIMIT
            assert content.count("```") % 2 == 0
            assert "not checked yet" in content
        assert "value" in content
        await face.edit_status(place, status, view(JobState.SUCCEEDED))
        assert "value" not in _content(town, status)
    assert town.discord.world.mentioned(content) == []


async def test_progress_gives_way_when_calls_run_short(
    town: Town, clock: Clock, pace: Pace
) -> None:
    async with connected(town) as client:
        face, place, status = await posted(town, client, pace)
        clock.now_s += 60
        shown: list[str] = []
        for number in range(30):
            draft = f"word {number} "
            await face.edit_status(place, status, view(JobState.RUNNING, draft=draft))
            shown.append(_content(town, status))
        assert 3 < len(set(shown)) < 10, "the rest of the calls is for others"
        assert "word 29" not in shown[-1]
        await face.edit_status(place, status, view(JobState.SUCCEEDED))
        assert "succeeded" in _content(town, status)
        clock.now_s += 60
        await face.edit_status(place, status, view(JobState.RUNNING, draft="word 30 "))
        assert "word 30" in _content(town, status)


def _content(town: Town, status: Posted) -> str:
    (message,) = town.discord.world.ours(int(status.data["channel"]))
    return message.content
