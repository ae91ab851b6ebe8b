"""Pushes and reviewers share one comment, each their own part of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.face import JobView, Posted
from bot.github import sticky
from bot.github.comments import Comments, Spot
from bot.github.place import Thread
from bot.github.render import render_result
from bot.github.sticky import StickyComments
from handlers import Place
from jobs.match_buttons import choice_buttons
from jobs.messages import Actions, Reply, Text, say
from storage.ids import JobId
from storage.states import JobState
from tests.bot.github.town import Town, finished, new_client, view_of

PUSHES, REVIEWERS, LATER = JobId("J000001"), JobId("J000002"), JobId("J000003")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is waited for."""
    monkeypatch.setattr(sticky, "SETTLED_AFTER_S", 0.0)


async def opened(here: Town) -> tuple[Place, JobView]:
    """A pull request, and a job that its push made."""
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    asked = here.pushes[0]
    view = replace(view_of(asked), job=PUSHES, number=number, is_push=True, kind="changes")
    return asked.place, view


def of_reviewers(view: JobView) -> JobView:
    return replace(view, job=REVIEWERS, verb="match", line="match", kind="match", number=None)


def naming(job: JobId, who: str = "Ana Lovelace") -> Reply:
    buttons = Actions(actions=choice_buttons(job, on_host=True))
    return Reply(summary=who, blocks=(Text(markdown=who), buttons))


def body(here: Town, place: Place) -> str:
    (comment,) = here.said(int(place.thread or ""))
    return comment.body


async def told(here: Town, place: Place, view: JobView, reply: Reply) -> Posted:
    """A job from its status to its result."""
    out = here.face.outbound
    status = await out.post_status(place, view, key=f"{view.job}:status")
    await out.edit_status(place, status, replace(view, state=JobState.RUNNING))
    done = finished(view, reply.summary)
    return await out.post_result(place, status, done, reply, key=f"{view.job}:result")


async def test_each_part_stays_while_the_other_is_written(here: Town) -> None:
    place, push = await opened(here)
    await told(here, place, of_reviewers(push), naming(REVIEWERS))
    await told(here, place, push, say("2 functions differ"))
    shown = body(here, place)
    assert shown.index("2 functions differ") < shown.index("Ana Lovelace")
    later = replace(push, job=LATER, created_at=push.created_at + timedelta(seconds=9))
    await told(here, place, later, say("nothing differs"))
    shown = body(here, place)
    assert "Ana Lovelace" in shown
    assert "2 functions differ" not in shown
    assert shown.count("<!-- gryph:") == 2


async def test_an_older_job_takes_nothing_over(here: Town) -> None:
    place, push = await opened(here)
    later = replace(push, job=LATER, created_at=push.created_at + timedelta(seconds=9))
    await told(here, place, later, say("newer"))
    await told(here, place, of_reviewers(push), naming(REVIEWERS))
    await told(here, place, push, say("older"))
    assert "newer" in body(here, place)
    assert "older" not in body(here, place)


async def test_reviewers_are_told_once_without_a_check_run(here: Town) -> None:
    place, push = await opened(here)
    await told(here, place, of_reviewers(push), naming(REVIEWERS))
    (comment,) = here.said(int(place.thread or ""))
    assert len(comment.history) == 1
    assert here.repo.checks == {}


async def test_where_nobody_is_named_nothing_is_said(here: Town) -> None:
    place, push = await opened(here)
    view = of_reviewers(push)
    await told(here, place, view, say("No confident candidate."))
    failed = replace(finished(view, "lost"), state=JobState.FAILED)
    out = here.face.outbound
    status = await out.post_status(place, view, key="x:status")
    await out.post_result(place, status, failed, naming(REVIEWERS), key="x:result")
    assert here.said(int(place.thread or "")) == []


async def test_parts_that_are_told_at_once_are_one_comment(here: Town) -> None:
    place, push = await opened(here)
    await asyncio.gather(
        told(here, place, of_reviewers(push), naming(REVIEWERS)),
        told(here, place, push, say("2 functions differ")),
    )
    assert "Ana Lovelace" in body(here, place)
    assert "2 functions differ" in body(here, place)


async def test_two_gateways_that_post_at_once_leave_one_comment_with_both(here: Town) -> None:
    place, push = await opened(here)
    spot = Spot.of(place)
    clients = [new_client(here.github), new_client(here.github)]
    first, second = (StickyComments(each, Comments(each)) for each in clients)
    page = here.face.outbound._page  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    views = (finished(push, "done"), finished(of_reviewers(push), "done"))
    replies = (say("2 functions differ"), naming(REVIEWERS))
    bodies = [render_result(v, r, page).text for v, r in zip(views, replies, strict=True)]  # pyright: ignore[reportUnknownArgumentType]
    posted = await asyncio.gather(
        first.take_over(spot, views[0], bodies[0]), second.take_over(spot, views[1], bodies[1])
    )
    await first.settle(spot, views[0], posted[0], bodies[0])
    await second.settle(spot, views[1], posted[1], bodies[1])
    assert "Ana Lovelace" in body(here, place)
    assert "2 functions differ" in body(here, place)
    for client in clients:
        await client.close()


async def test_what_another_gateway_has_overwritten_is_written_again(here: Town) -> None:
    place, push = await opened(here)
    view = of_reviewers(push)
    await told(here, place, push, say("running"))
    before = body(here, place)
    posted = await told(here, place, view, naming(REVIEWERS))
    (comment,) = here.said(int(place.thread or ""))
    part = comment.body.removeprefix(before).strip()
    comment.body = f"{before}\n\n{part.replace('Ana', 'Bea')}"  # as it stood when the other read it
    client = new_client(here.github)
    await StickyComments(client, Comments(client)).settle(Spot.of(place), view, posted, part)
    await client.close()
    assert "Ana Lovelace" in body(here, place)
    assert body(here, place).startswith(before)


def test_only_so_many_places_are_remembered(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sticky, "MOST_PLACES", 3)
    comments = StickyComments(here.client, Comments(here.client))
    turns = comments._turns  # pyright: ignore[reportPrivateUsage]
    for number in range(9):
        comments._turn(Spot("o/r", Thread(number), None))  # pyright: ignore[reportPrivateUsage]
    assert len(turns) <= 3
