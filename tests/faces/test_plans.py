"""Planning as people meet it in Slack, on GitHub and on Discord, over the real engine."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.cpu import planning_works
from jobs.earlier import EarlierJobs
from storage.database import Database
from storage.people import Account
from storage.stores.local import LocalStore
from tests.faces.patience import until_over
from tests.fakes.everywhere import Everywhere, everywhere
from tests.fakes.github.world import Milestone
from tests.fakes.slack.workspace import read
from tests.fakes.slack.world import BOT

PLAN = b"""\
start = 2026-12-07
timezone = "UTC"
[[people]]
id = "ana"
[[people]]
id = "bo"
[[tasks]]
id = "DB"
estimate = "2d"
[[tasks]]
id = "API"
estimate = "3d"
after = ["DB"]
deadline = 2026-12-11
"""
LIST = """\
start: 2026-12-07
team: ana (backend:2), bo
- DB (2d) @ana
- API (3d, backend:2) after DB
"""


@pytest.fixture
async def world(sqlite: Database, tmp_path: Path, valkey_url: str) -> AsyncGenerator[Everywhere]:
    """All platforms, before the worker's own planner."""
    store = LocalStore(tmp_path / "home")
    works = planning_works(EarlierJobs(sqlite, store))
    async with everywhere(sqlite, tmp_path, valkey_url, works=works, speaks=True) as world:
        world.shop.permissions |= {"ann": "write", "rea": "read"}
        world.shop.git.commit_files("main", {"plan.toml": PLAN}, "Plan")
        yield world


async def test_in_slack_a_list_becomes_a_plan_and_the_thread_goes_on_with_it(
    world: Everywhere,
) -> None:
    ann, dev = world.slack.world.add_user("ann"), world.slack.world.add_channel("dev")
    await world.link(Account("slack", ann, "ann"), "ann")
    typed = LIST.replace("- ", "•  ")  # as Slack's own editor writes a list
    asked = await world.slack.say(ann, dev, f"<@{BOT}> plan budget=1\n{typed}")
    await until_over(world, 1)
    await world.slack.say(ann, dev, f"<@{BOT}> plan replan API takes 4d budget=1", thread=asked.ts)
    await until_over(world, 2)
    told = [read(one.blocks) for one in world.slack.world.ours(dev)]
    plans = [text for text in told if "Until" in text]
    assert [one.thread_ts for one in world.slack.world.ours(dev)] == [asked.ts] * len(told)
    assert "done Fri 11 Dec 17:00" in "\n".join(told)
    assert "Mon 14 Dec 17:00" in plans[-1]
    assert "it takes 4d now" in plans[-1]


async def test_in_slack_the_repositorys_file_is_planned_with_its_picture_and_files(
    world: Everywhere,
) -> None:
    ann, dev = world.slack.world.add_user("ann"), world.slack.world.add_channel("dev")
    await world.link(Account("slack", ann, "ann"), "ann")
    await world.slack.say(ann, dev, f"<@{BOT}> plan plan.toml budget=1")
    await until_over(world, 1)
    names = [file["name"] for one in world.slack.world.ours(dev) for file in one.files]
    assert {name.rpartition(".")[2] for name in names} >= {"png"}
    told = "\n".join(read(one.blocks) for one in world.slack.world.ours(dev))
    for file in ("plan.csv", "plan.ics", "plan.mmd", "plan.toml"):
        assert file in told or file in names


async def test_on_github_a_milestone_becomes_a_plan_under_the_issue(world: Everywhere) -> None:
    shop, people = world.shop, world.github.people
    shop.milestones = {3: Milestone(3, "Version 2", datetime(2026, 12, 18, tzinfo=UTC))}
    first = await people.open_issue(shop, "ann", "Estimate: 2d")
    second = await people.open_issue(shop, "ann", f"Blocked by #{first}")
    for number, title, who in ((first, "DB", "ann"), (second, "API", "rea")):
        issue = shop.issues[number]
        issue.title, issue.milestone, issue.assignees = title, 3, [who]
    talk = await people.open_issue(shop, "rea", "Let us see.")
    await people.comment(shop, talk, "rea", "@gryph plan milestone:3 budget=1")
    await until_over(world, 1)
    told = "\n".join(one.body for one in shop.said(talk) if one.by is world.github.world.bot)
    assert "Plan of Milestone Version 2" in told
    assert f"{first} DB | ann |" in told
    assert "taken for 2d each" in told
    await people.comment(shop, talk, "rea", "@gryph plan what-if ann away 2w budget=1")
    await until_over(world, 2)
    told = "\n".join(one.body for one in shop.said(talk) if one.by is world.github.world.bot)
    assert "ann is away" in told


async def test_the_repositorys_own_people_do_what_is_assigned_to_nobody(
    world: Everywhere,
) -> None:
    wishes = b'[plan]\nteam = "ann (backend:2), zoe"\ntimezone = "Asia/Tokyo"\n'
    world.shop.git.commit_files("main", {".gryph.toml": wishes}, "Wishes")
    number = await world.github.people.open_issue(world.shop, "ann", "Estimate: 2d")
    world.shop.issues[number].labels = ["skill:backend:2"]
    await world.github.people.comment(world.shop, number, "rea", f"@gryph plan #{number} budget=1")
    await until_over(world, 1)
    told = "\n".join(one.body for one in world.shop.said(number))
    assert "| ann 100 %, zoe 0 % |" in told
    assert "Times are UTC" not in told


async def test_on_github_an_unknown_milestone_is_told_with_those_there_are(
    world: Everywhere,
) -> None:
    world.shop.milestones = {3: Milestone(3, "Version 2")}
    talk = await world.github.people.open_issue(world.shop, "rea", "Let us see.")
    await world.github.people.comment(world.shop, talk, "rea", "@gryph plan milestone:9")
    await world.until_handled()
    (said,) = [one for one in world.shop.said(talk) if one.by is world.github.world.bot]
    assert "has no open milestone" in said.body
    assert "Version 2" in said.body


async def test_on_discord_a_plan_is_told_where_it_was_asked_for(world: Everywhere) -> None:
    member = world.discord.mod
    await world.link(Account("discord", str(member.id), "mod"), "ann")
    await world.say(member, f"plan budget=1\n{LIST}")
    await until_over(world, 1)
    told = "\n".join(one.content for one in world.discord.said(world.discord.thread))
    assert "Fri 11 Dec 17:00" in told
    assert "provably the shortest" in told
