"""What people decide about a match, in Slack and on GitHub, and what GitHub tells of it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlmodel import select

from bot.github import sticky
from jobs.desk import Work
from storage.database import Database
from storage.match_labels import labels_of, outcomes_of
from storage.people import Account
from storage.tables.matching import MatchRow
from tests.faces.patience import until_over
from tests.fakes.everywhere import SHOP, Everywhere, everywhere
from tests.fakes.github.assignments import Maintainers
from tests.fakes.matching import Matching
from tests.fakes.slack.workspace import read
from tests.fakes.slack.world import BOT

WISH = {".gryph.toml": b"[match]\nsuggest_reviewers = true\nspread = true\n"}
BOTH = {".gryph.toml": b"[match]\nsuggest_reviewers = true\n[pull_requests]\nbehaviour = true\n"}
CHANGE = {"src/a.py": b"def double(n):\n    return 3 * n\n"}


@pytest.fixture
def matching(sqlite: Database) -> Matching:
    return Matching(sqlite)


@pytest.fixture
async def world(
    sqlite: Database,
    tmp_path: Path,
    valkey_url: str,
    matching: Matching,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Everywhere]:
    monkeypatch.setattr(sticky, "SETTLED_AFTER_S", 0.01)
    works: dict[str, Work] = {"match": matching, "match-batch": matching}
    async with everywhere(sqlite, tmp_path, valkey_url, works=works, speaks=True) as world:
        world.shop.permissions |= {"ann": "write", "ana": "read", "bo": "read"}
        for login in ("ann", "ana", "bo"):
            world.github.world.account(login)
        yield world


def rows(world: Everywhere) -> list[tuple[str, str]]:
    found = world.spine.database.read_now(lambda s: s.exec(select(MatchRow)).all())
    return [(row.person_key, row.state) for row in sorted(found, key=lambda row: row.id or 0)]


def said(world: Everywhere, number: int) -> list[str]:
    bot = world.github.world.bot
    return [one.body for one in world.shop.said(number) if one.by is bot]


async def test_in_slack_a_match_is_declined_and_the_next_one_assigned(world: Everywhere) -> None:
    number = await world.github.people.open_issue(world.shop, "ann", "It drops.")
    slack = world.slack.world
    ann, ana, dev = slack.add_user("ann"), slack.add_user("ana"), slack.add_channel("dev")
    await world.link(Account("slack", ann, "ann"), "ann")
    await world.link(Account("slack", ana, "ana"), "ana")
    asked = await world.slack.say(ann, dev, f"<@{BOT}> match #{number}")
    await until_over(world, 1)
    await world.slack.press(ana, slack.ours(dev)[-1], "Decline")
    await world.until_handled()
    await world.slack.say(ana, dev, f"<@{BOT}> match decline busy", thread=asked.ts)
    await world.until_handled()
    told = "\n".join(read(one.blocks) for one in slack.ours(dev))
    assert "Ana Lovelace passes (busy)" in told
    for _ in range(2):
        await world.slack.press(ann, slack.ours(dev)[-1], "Assign")
        await world.slack.again(1)
    await world.until_handled()
    assert world.shop.issues[number].assignees == ["bo"]
    assert rows(world) == [("ana@home", "declined"), ("bo@home", "assigned")]
    told = "\n".join(read(one.blocks) for one in slack.ours(dev))
    assert "Bo Diddley is assigned to" in told


async def test_on_github_four_deliveries_of_a_refusal_are_one(world: Everywhere) -> None:
    number = await world.github.people.open_issue(world.shop, "ann", "It drops.")
    await world.comment("ann", number, "@gryph match")
    await until_over(world, 1)
    job = (await world.spine.newest_job()).id
    await world.comment("ana", number, f"@gryph match decline {job}", copies=4)
    await world.until_handled()
    assert rows(world) == [("ana@home", "declined"), ("bo@home", "open")]
    assert sum("Ana Lovelace passes" in body for body in said(world, number)) == 1
    assert not any("@ana" in body or "@bo" in body for body in said(world, number))


async def test_what_maintainers_do_on_github_is_learned_from(world: Everywhere) -> None:
    maintainers = Maintainers(world.github.people)
    numbers = [await world.github.people.open_issue(world.shop, "ann") for _ in range(3)]
    for count, number in enumerate(numbers, start=1):
        await world.comment("ann", number, "@gryph match")
        await until_over(world, count)
    first, second, third = numbers
    await maintainers.assign(world.shop, first, "ana", by="ann")
    await maintainers.assign(world.shop, second, "bo", by="bo")
    await maintainers.close(world.shop, third, by="ann")
    await world.until_handled()
    labels = await world.spine.database.read(lambda s: labels_of(s, SHOP))
    assert [one.right for one in labels] == ["ana@home", "bo@home", None]
    counted = outcomes_of(labels)
    assert (counted.made, counted.followed, counted.reassigned) == (3, 1, 1)
    await maintainers.unassign(world.shop, first, "ana", by="ana")
    await world.until_handled()
    assert ("ana@home", "declined") in rows(world)


async def test_a_ready_pull_request_has_a_reviewer_named_once_without_a_ping(
    world: Everywhere,
) -> None:
    world.shop.git.commit_files("main", WISH, "Wish")
    world.github.hooks.copies = 3
    number = await world.github.people.open_pull(world.shop, "ann", CHANGE, draft=True)
    await world.until_handled()
    assert said(world, number) == []
    maintainers = Maintainers(world.github.people)
    await maintainers.mark_ready(world.shop, number, by="ann")
    await world.until_handled()
    await maintainers.mark_ready(world.shop, number, by="ann")
    await world.until_handled()
    (body,) = said(world, number)
    assert "Ana Lovelace" in body
    assert "asked for in `.gryph.toml`" in body
    assert "@ana" not in body
    assert rows(world) == [("ana@home", "open")]
    assert (await world.spine.newest_job()).request["spread"] is True
    assert world.shop.checks == {}
    await maintainers.ask_review(world.shop, number, "ana", by="ann")
    await maintainers.review(world.shop, number, "ana")
    await world.until_handled()
    (label,) = await world.spine.database.read(lambda s: labels_of(s, SHOP))
    assert (label.right, label.mode) == ("ana@home", "reviewer")
    assert label.first_response_s is not None


async def test_replies_of_bots_and_of_the_author_are_no_reviews(world: Everywhere) -> None:
    number = await world.github.people.open_pull(world.shop, "bo", CHANGE)
    await world.comment("ann", number, "@gryph match")
    await until_over(world, 1)
    maintainers = Maintainers(world.github.people)
    world.github.world.account("checker[bot]", type_="Bot")
    for login in ("checker[bot]", "bo"):
        await maintainers.review(world.shop, number, login)
        await world.until_handled()
    assert rows(world) == [("ana@home", "open")]
    await maintainers.review(world.shop, number, "ana")
    await world.until_handled()
    assert rows(world) == [("ana@home", "taken")]


async def test_the_comment_of_pushes_and_reviewers_is_one(world: Everywhere) -> None:
    world.shop.git.commit_files("main", BOTH, "Wish")
    number = await world.github.people.open_pull(world.shop, "ann", CHANGE)
    await until_over(world, 2)
    (body,) = said(world, number)
    assert "Ana Lovelace" in body
    assert "**test**" in body
    await world.github.people.push(world.shop, number, {"src/a.py": b"def double(n): ...\n"})
    await until_over(world, 3)
    (body,) = said(world, number)
    assert "Ana Lovelace" in body
    assert body.index("**test**") < body.index("Ana Lovelace")
    assert len(await world.spine.jobs()) == 3


async def test_where_nobody_is_likely_nothing_is_said(
    world: Everywhere, matching: Matching
) -> None:
    matching.is_confident = False
    world.shop.git.commit_files("main", WISH, "Wish")
    number = await world.github.people.open_pull(world.shop, "ann", CHANGE)
    await until_over(world, 1)
    assert said(world, number) == []
    assert rows(world) == []


async def test_without_a_wish_or_for_a_bot_nobody_is_looked_for(world: Everywhere) -> None:
    await world.github.people.open_pull(world.shop, "ann", CHANGE)
    await world.until_handled()
    world.shop.git.commit_files("main", WISH, "Wish")
    world.github.world.account("renovate", type_="Bot")
    await world.github.people.open_pull(world.shop, "renovate", CHANGE)
    await world.until_handled()
    assert await world.spine.jobs() == []
