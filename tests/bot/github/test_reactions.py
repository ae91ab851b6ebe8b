import pytest

from bot.face import Busy
from bot.github.reactions import Known, Watched, poll
from handlers import Place, Platform
from jobs.messages import say
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.access import Fault
from tests.fakes.github.world import Comment


async def ours(here: Town) -> tuple[Comment, Watched]:
    """A comment of ours, and how it is watched."""
    number = await here.github.people.open_issue(here.repo, "ann")
    place = (await here.asked(number, "/gryph help")).place
    posted = await here.face.outbound.answer(place, say("Here."), key=f"answer:{number}:0")
    comment = here.repo.comments[int(posted.data["comment"])]
    return comment, Watched(posted.key, place, posted.data["node"])


def seen(here: Town) -> list[tuple[str, str, bool]]:
    """Who reacted how, in order."""
    return [(each.caller.name, each.emoji, each.added) for each in here.reactions]


async def test_reaction_is_taken_in_once_with_who_put_it_on(here: Town) -> None:
    comment, watched = await ours(here)
    here.github.people.react(comment, "ann", "+1")
    here.github.people.react(comment, "bob", "-1")
    known: Known = {}
    assert await poll(here.client, [watched], here.intake, known) == 2
    assert await poll(here.client, [watched], here.intake, known) == 0
    assert seen(here) == [("ann", "+1", True), ("bob", "-1", True)]
    first = here.reactions[0]
    assert first.message_key == watched.message_key
    assert first.caller.account == str(here.github.world.account("ann").id)


async def test_reaction_taken_back_is_taken_in_too(here: Town) -> None:
    comment, watched = await ours(here)
    known: Known = {}
    made = here.github.people.react(comment, "ann", "+1")
    await poll(here.client, [watched], here.intake, known)
    comment.reactions.remove(made)
    assert await poll(here.client, [watched], here.intake, known) == 1
    here.github.people.react(comment, "ann", "+1")
    assert await poll(here.client, [watched], here.intake, known) == 1
    assert seen(here) == [("ann", "+1", True), ("ann", "+1", False), ("ann", "+1", True)]


async def test_restart_takes_nothing_in_twice(here: Town) -> None:
    comment, watched = await ours(here)
    here.github.people.react(comment, "ann", "heart")
    await poll(here.client, [watched], here.intake, {})
    await here.restart()
    assert await poll(here.client, [watched], here.intake, {}) == 0


async def test_crowd_on_one_comment_is_not_mistaken_for_people_leaving(here: Town) -> None:
    comment, watched = await ours(here)
    known: Known = {}
    here.github.people.react(comment, "ann", "+1")
    await poll(here.client, [watched], here.intake, known)
    for number in range(60):
        here.github.people.react(comment, f"p{number}", "rocket")
    await poll(here.client, [watched], here.intake, known)
    assert all(added for _, _, added in seen(here))


async def test_many_comments_take_one_call_each_hundred(here: Town) -> None:
    comment, watched = await ours(here)
    here.github.people.react(comment, "ann", "+1")
    gone = [Watched(f"github:{REPOSITORY}:{n}", watched.place, f"IC_kw{n}") for n in range(150)]
    assert await poll(here.client, [*gone, watched], here.intake, {}) == 1
    assert here.calls("POST", "/graphql") == 2


async def test_without_graphql_the_newest_are_read_by_rest(here: Town) -> None:
    comment, watched = await ours(here)
    here.github.people.react(comment, "ann", "+1")
    await poll(here.client, [watched], here.intake, {})
    here.github.world.missing_endpoints = {"/graphql"}
    here.github.people.react(comment, "bob", "eyes")
    assert await poll(here.client, [watched], here.intake, {}) == 1
    assert seen(here) == [("ann", "+1", True), ("bob", "eyes", True)]


async def test_repository_that_left_does_not_stop_the_others(here: Town) -> None:
    comment, watched = await ours(here)
    here.github.people.react(comment, "ann", "+1")
    place = Place(platform=Platform.GITHUB, workspace="a", channel="a/gone", thread="1")
    gone = Watched("github:a/gone:1", place, "IC_kw1")
    assert await poll(here.client, [gone, watched], here.intake, {}) == 1


async def test_a_comment_without_reactions_takes_no_memory(here: Town) -> None:
    comment, watched = await ours(here)
    known: Known = {}
    made = here.github.people.react(comment, "ann", "+1")
    await poll(here.client, [watched], here.intake, known)
    assert known
    comment.reactions.remove(made)
    await poll(here.client, [watched], here.intake, known)
    assert not known


async def test_trouble_while_polling_is_busy(here: Town) -> None:
    _, watched = await ours(here)
    here.github.access.faults.append(Fault("POST", "/graphql", 502))
    with pytest.raises(Busy):
        await poll(here.client, [watched], here.intake, {})
