"""Matching as people meet it in Slack, on GitHub and on Discord, over the history on the host."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from jobs import match_history
from jobs.cpu import matching_works
from jobs.match_lessons import Lessons
from storage.clock import utc_now
from storage.database import Database
from storage.people import Account
from tests.faces.patience import until_over
from tests.fakes.everywhere import Everywhere, everywhere
from tests.fakes.github.world import Milestone
from tests.fakes.slack.workspace import read
from tests.fakes.slack.world import BOT
from tests.jobs.match_bench import open_by_changes

ANN = "Ann Lee <1+ann@users.noreply.github.com>"
REA = "Rea Roy <2+rea@users.noreply.github.com>"
DAY_S = 86_400


@pytest.fixture
async def world(
    sqlite: Database, tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Everywhere]:
    """All platforms, before a repository in which Ann did the gateway and Rea the parser."""
    monkeypatch.setattr(match_history, "open_matcher", open_by_changes)
    works = matching_works(sqlite, Lessons())
    async with everywhere(sqlite, tmp_path, valkey_url, works=works, speaks=True) as world:
        world.shop.permissions |= {"ann": "write", "rea": "read"}
        now_s = int(utc_now().timestamp())
        for day in range(8, 1, -1):
            for who, path in ((ANN, "src/gateway.py"), (REA, "src/parser.py")):
                world.shop.git.commit_files(
                    "main",
                    {path: f"{day} = {day}\n".encode()},
                    "Reconnect the websocket" if who is ANN else "Parse faster",
                    signed=who,
                    at_s=now_s - day * DAY_S,
                )
        yield world


def ours(world: Everywhere, number: int) -> str:
    said = world.shop.said(number)
    return "\n".join(one.body for one in said if one.by is world.github.world.bot)


def job_in(told: str) -> str:
    found = re.search(r"\bJ[0-9A-Z]{6}\b", told)
    assert found is not None
    return found[0]


async def test_in_slack_who_should_work_on_a_file_is_named_with_buttons(world: Everywhere) -> None:
    ann, dev = world.slack.world.add_user("ann"), world.slack.world.add_channel("dev")
    await world.link(Account("slack", ann, "ann"), "ann")
    await world.slack.say(ann, dev, f"<@{BOT}> match src/gateway.py")
    await until_over(world, 1)
    told = "\n".join(read(one.blocks) for one in world.slack.world.ours(dev))
    assert "Who should work on src/gateway.py" in told
    assert "Ann Lee (ann)**, very likely:" in told
    assert "changed this file in 7 tasks in the last 90 days" in told
    for button in ("Take", "Decline", "Suggest someone"):
        assert button in told
    assert "Assign" not in told
    assert "noreply" not in told


async def test_in_slack_a_text_and_a_question_for_knowledge_are_answered(world: Everywhere) -> None:
    ann, dev = world.slack.world.add_user("ann"), world.slack.world.add_channel("dev")
    await world.link(Account("slack", ann, "ann"), "ann")
    await world.slack.say(ann, dev, f'<@{BOT}> match "parser.py is slow"')
    await until_over(world, 1)
    await world.slack.say(ann, dev, f"<@{BOT}> match who src/")
    await until_over(world, 2)
    told = "\n".join(read(one.blocks) for one in world.slack.world.ours(dev))
    assert "Rea Roy (rea)**, very likely:" in told
    assert "Bus factor 1 of src: once one person leaves" in told


async def test_on_github_alone_it_means_the_issue_it_is_said_under(world: Everywhere) -> None:
    shop, people = world.shop, world.github.people
    number = await people.open_issue(shop, "zoe", "`src/gateway.py` drops @ann's connections.")
    await people.comment(shop, number, "rea", "@gryph match")
    await until_over(world, 1)
    told = ours(world, number)
    assert re.search(r"### Who should take .* Issue of zoe", told)
    assert "Ann Lee (ann)**, very likely" in told
    assert "@ann" not in told, "nobody is pinged"
    assert f"match {job_in(told)} assign" in told


async def test_on_github_reviewers_of_a_pull_request_are_named_and_not_its_author(
    world: Everywhere,
) -> None:
    shop, people = world.shop, world.github.people
    number = await people.open_pull(shop, "ann", {"src/gateway.py": b"new = 1\n"}, signed=ANN)
    await people.comment(shop, number, "rea", "@gryph match")
    await until_over(world, 1)
    told = ours(world, number)
    assert re.search(r"### Who should review .* Pull of ann", told)
    assert "Rea Roy (rea)" in told
    assert "Ann Lee" not in told


async def test_on_github_the_issues_of_a_milestone_are_given_out_together(
    world: Everywhere,
) -> None:
    shop, people = world.shop, world.github.people
    shop.milestones = {3: Milestone(3, "Version 2")}
    for text in ("See src/gateway.py", "See src/parser.py"):
        shop.issues[await people.open_issue(shop, "zoe", text)].milestone = 3
    talk = await people.open_issue(shop, "rea", "Who does it?")
    await people.comment(shop, talk, "rea", "@gryph match milestone:3")
    await until_over(world, 1)
    told = ours(world, talk)
    assert "Milestone Version 2" in told
    assert "Ann Lee" in told
    assert "Rea Roy" in told


async def test_on_github_an_issue_that_is_not_there_is_told(world: Everywhere) -> None:
    talk = await world.github.people.open_issue(world.shop, "rea", "Who?")
    await world.github.people.comment(world.shop, talk, "rea", "@gryph match #99")
    await world.until_handled()
    assert "`acme/shop#99` is not there" in ours(world, talk)


async def test_on_discord_a_match_is_told_where_it_was_asked_for(world: Everywhere) -> None:
    member = world.discord.mod
    await world.link(Account("discord", str(member.id), "mod"), "ann")
    await world.say(member, "match src/parser.py")
    await until_over(world, 1)
    told = "\n".join(one.content for one in world.discord.said(world.discord.thread))
    assert "Rea Roy (rea)" in told


@pytest.mark.parametrize(("why", "named"), [("not my area", "Rea Roy"), ("too busy", "Ann Lee")])
async def test_what_somebody_declines_in_slack_is_regarded_in_the_next_match(
    world: Everywhere, why: str, named: str
) -> None:
    for who, days in ((ANN, (6, 5, 4, 3)), (REA, (2, 1, 0.5))):
        for day in days:
            world.shop.git.commit_files(
                "main",
                {f"src/web/{name}.py": f"{day} = {day}\n".encode() for name in ("page", "form")},
                "Change the web",
                signed=who,
                at_s=int(utc_now().timestamp() - day * DAY_S),
            )
    slack = world.slack.world
    ann, dev = slack.add_user("ann"), slack.add_channel("dev")
    await world.link(Account("slack", ann, "ann"), "ann")
    await world.slack.say(ann, dev, f"<@{BOT}> match src/web/page.py")
    await until_over(world, 1)
    assert "Ann Lee (ann)**, likely:" in read(slack.ours(dev)[-1].blocks)
    for button in ("Decline", f"Why: {why}"):
        await world.slack.press(ann, slack.ours(dev)[-1], button)
        await world.until_handled()
    await world.slack.say(ann, dev, f"<@{BOT}> match src/web/form.py")
    await until_over(world, 2)
    told = read(slack.ours(dev)[-1].blocks)
    assert f"{named} (" in told.partition("As back-up")[0]
    assert ("declined 1 task like this" in told) == (why == "not my area")
