from datetime import timedelta

import pytest

from bot.github.deliveries import Asked, sweep
from tests.bot.github.town import Town


async def test_webhook_that_was_missed_is_delivered_again_and_heard_once(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    start = here.github.world.now() - timedelta(hours=1)
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    here.github.hooks.down = False
    await here.github.people.comment(here.repo, number, "ann", "/gryph status")
    assert [each.text for each in here.heard] == ["/gryph status"]
    age(here)
    asked: Asked = {}
    assert await sweep(here.client, start, asked) == 1
    assert await sweep(here.client, start, asked) == 0
    assert [each.text for each in here.heard] == ["/gryph status", "/gryph help"]


async def test_a_sweep_that_has_forgotten_asks_once_more_and_nothing_happens_twice(
    here: Town,
) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    start = here.github.world.now() - timedelta(hours=1)
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    here.github.hooks.down = False
    age(here)
    assert await sweep(here.client, start, {}) == 1
    assert await sweep(here.client, start, {}) == 1
    assert [each.text for each in here.heard] == ["/gryph help"]


async def test_a_lost_webhook_is_found_among_thousands_that_arrived(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    start = here.github.world.now() - timedelta(hours=1)
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    here.github.hooks.down = False
    await here.github.hooks.send("push", {})
    arrived = here.github.hooks.deliveries[-1]
    here.github.hooks.deliveries += [arrived] * 2_500
    age(here)
    assert await sweep(here.client, start, {}) == 1


def age(here: Town) -> None:
    """Every delivery so far is a while ago."""
    late = timedelta(minutes=1)
    deliveries = here.github.hooks.deliveries
    deliveries[:] = [each.older(late) for each in deliveries]


async def test_delivery_still_under_way_is_left_alone(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    assert await sweep(here.client, here.github.world.now() - timedelta(hours=1), {}) == 0


async def test_event_that_is_asked_for_all_through_an_outage_arrives_in_the_end(
    here: Town,
) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    since = here.github.world.now() - timedelta(hours=1)
    asked: Asked = {}
    for _ in range(20):
        age(here)
        assert await sweep(here.client, since, asked) == 1
    here.github.hooks.down = False
    age(here)
    await sweep(here.client, since, asked)
    assert len(here.intake.events) == 1


@pytest.mark.parametrize("seen_s", [3600, 90], ids=["all attempts", "the newest alone"])
async def test_event_that_is_refused_again_and_again_is_given_up(here: Town, seen_s: int) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    here.github.hooks.refused = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    asked: Asked = {}
    counts: list[int] = []
    for _ in range(7):
        age(here)
        since = here.github.world.now() - timedelta(seconds=seen_s)
        counts.append(await sweep(here.client, since, asked))
    assert counts == [1, 1, 1, 1, 0, 0, 0]


async def test_deliveries_before_the_time_or_of_other_events_are_left_alone(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    await here.github.hooks.send("push", {})
    age(here)
    assert await sweep(here.client, here.github.world.now(), {}) == 0
    assert await sweep(here.client, here.github.world.now() - timedelta(hours=1), {}) == 1


async def test_many_pages_of_deliveries_are_read(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    for _ in range(250):
        await here.github.hooks.send("push", {})
    here.github.hooks.down = False
    age(here)
    assert await sweep(here.client, here.github.world.now() - timedelta(hours=1), {}) == 1
    assert [each.text for each in here.heard] == ["/gryph help"]


async def test_github_without_a_list_of_deliveries_has_lost_none(here: Town) -> None:
    here.github.world.missing_endpoints = {"/app/hook"}
    assert await sweep(here.client, here.github.world.now(), {}) == 0


async def test_thousands_of_failures_hide_none(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    here.github.hooks.down = True
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    await here.github.hooks.send("check_run", {})
    here.github.hooks.down = False
    here.github.hooks.deliveries += [here.github.hooks.deliveries[-1]] * 2_500
    age(here)
    await sweep(here.client, here.github.world.now() - timedelta(hours=1), {})
    assert [each.text for each in here.heard] == ["/gryph help"]
