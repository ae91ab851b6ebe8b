"""What GitHub tells of who does what, and of pull requests that are ready for others."""

import pytest

from handlers import Happening
from storage.match_events import Event
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.assignments import Maintainers, event
from tests.fakes.github.people import envelope


def happenings(here: Town) -> list[Happening]:
    return [each for each in here.intake.events if isinstance(each, Happening)]


def told(here: Town) -> list[tuple[Event, str | None, str]]:
    return [(each.what, each.who, each.caller.name) for each in happenings(here)]


@pytest.fixture
def maintainers(here: Town) -> Maintainers:
    here.repo.permissions |= {"ann": "write", "bo": "read"}
    return Maintainers(here.github.people)


async def test_who_is_given_an_issue_and_who_lets_go_is_heard(
    here: Town, maintainers: Maintainers
) -> None:
    number = await here.github.people.open_issue(here.repo, "zoe")
    here.github.hooks.copies = 3
    await maintainers.assign(here.repo, number, "bo", by="ann")
    await maintainers.unassign(here.repo, number, "bo", by="bo")
    await maintainers.close(here.repo, number, by="ann")
    assert told(here) == [
        (Event.ASSIGNED, "bo", "ann"),
        (Event.UNASSIGNED, "bo", "bo"),
        (Event.CLOSED, None, "ann"),
    ]
    first = happenings(here)[0]
    assert (first.repository, first.number) == (REPOSITORY, number)
    assert first.place.installation == str(here.github.world.installation)


async def test_reviews_and_who_is_asked_for_them_are_heard(
    here: Town, maintainers: Maintainers
) -> None:
    number = await here.github.people.open_pull(here.repo, "zoe", {"src/b.py": b"b = 1\n"})
    await maintainers.ask_review(here.repo, number, "bo", by="ann")
    await maintainers.review(here.repo, number, "bo")
    assert told(here) == [
        (Event.REVIEW_REQUESTED, "bo", "ann"),
        (Event.REVIEWED, None, "bo"),
    ]


async def test_a_team_is_nobody_and_labels_say_nothing(here: Town) -> None:
    number = await here.github.people.open_pull(here.repo, "zoe", {"src/b.py": b"b = 1\n"})
    world = here.github.world
    for action in ("review_requested", "labeled"):
        name, payload = event(world, here.repo, number, (action, "ann"))
        await here.github.people.send(name, payload)
    bare = envelope(world, here.repo, ("assigned", "ann"))
    await here.github.people.send("issues", bare)
    assert happenings(here) == []


async def test_what_is_given_to_a_bot_is_given_to_nobody(here: Town) -> None:
    number = await here.github.people.open_pull(here.repo, "zoe", {"src/b.py": b"b = 1\n"})
    here.github.world.account("checker[bot]", type_="Bot")
    act = ("review_requested", "ann")
    name, payload = event(
        here.github.world, here.repo, number, act, requested_reviewer="checker[bot]"
    )
    await here.github.people.send(name, payload)
    assert happenings(here) == []


async def test_a_pull_request_is_for_others_once_it_is_no_draft(
    here: Town, maintainers: Maintainers
) -> None:
    people = here.github.people
    number = await people.open_pull(here.repo, "zoe", {"src/b.py": b"b = 1\n"}, draft=True)
    assert [each.wants_reviewers for each in here.pushes] == [False]
    here.github.hooks.copies = 3
    await maintainers.mark_ready(here.repo, number, by="ann")
    ready = here.pushes[-1]
    assert [each.wants_reviewers for each in here.pushes] == [False, True]
    assert (ready.number, ready.caller.name) == (number, "zoe")
    assert ready.pushed == here.repo.pulls[number].head_sha


async def test_a_new_pull_request_is_a_push_and_one_for_others(here: Town) -> None:
    await here.github.people.open_pull(here.repo, "zoe", {"src/b.py": b"b = 1\n"})
    assert sorted(each.wants_reviewers for each in here.pushes) == [False, True]


async def test_of_a_bots_pull_request_nobody_is_asked_to_look(here: Town) -> None:
    here.github.world.account("renovate", type_="Bot")
    await here.github.people.open_pull(here.repo, "renovate", {"src/b.py": b"b = 1\n"})
    assert not any(each.wants_reviewers for each in here.pushes)
