"""Our messages in a console thread: written once, edited in place."""

import pytest

from bot.face import Posted, Undeliverable
from jobs.messages import say
from storage import console
from storage.clock import utc_now
from storage.states import JobState
from storage.tables.console import ConsoleMessageRow
from tests.bot.console.gateway import Gateway, a_place, a_view

PLACE = a_place("C1", 7)


def said(gateway: Gateway) -> list[ConsoleMessageRow]:
    return list(gateway.database.read_now(lambda s: console.thread(s, "C1", 0, 100)))


@pytest.fixture(autouse=True)
def _conversation(gateway: Gateway) -> None:
    gateway.database.write_now(lambda s: console.open_conversation(s, "C1", "api:ann", utc_now()))


async def test_every_post_repeated_after_a_crash_is_one_message(gateway: Gateway) -> None:
    out = gateway.outbound
    status = Posted(key="console:1", data={"message": "1"})
    for _ in range(3):
        assert await out.post_status(PLACE, a_view(), key="J:status") == status
        await out.post_result(PLACE, status, a_view(), say("done"), key="J:result")
        await out.answer(PLACE, say("hello"), key="answer:1:0:answer")
    assert [row.kind for row in said(gateway)] == ["status", "result", "answer"]


async def test_an_edit_shows_the_new_state_and_the_same_state_again_changes_nothing(
    gateway: Gateway,
) -> None:
    status = await gateway.outbound.post_status(PLACE, a_view(JobState.QUEUED), key="s")
    for _ in range(2):
        await gateway.outbound.edit_status(PLACE, status, a_view(JobState.RUNNING, "at work"))
    (row,) = said(gateway)
    assert (row.version, row.change, row.body["job"]["text"]) == (2, 2, "at work")


async def test_only_an_answer_that_refuses_is_marked_so(gateway: Gateway) -> None:
    for outcome in ("answer", "error", "refused", "limited"):
        await gateway.outbound.answer(PLACE, say(outcome), key=f"answer:1:0:{outcome}")
    assert [row.body["refused"] for row in said(gateway)] == [False, True, True, True]


async def test_a_thread_that_is_gone_is_not_tried_again(gateway: Gateway) -> None:
    with pytest.raises(Undeliverable):
        await gateway.outbound.answer(a_place("Cgone", 1), say("hello"), key="a")
    with pytest.raises(Undeliverable):
        await gateway.outbound.edit_status(PLACE, Posted("console:9", {"message": "9"}), a_view())


async def test_a_reader_of_the_thread_is_woken_by_each_change_and_by_no_other_thread(
    gateway: Gateway,
) -> None:
    with gateway.notifier.reading("C1") as mine, gateway.notifier.reading("C2") as other:
        status = await gateway.outbound.post_status(PLACE, a_view(), key="s")
        assert mine.is_set()
        mine.clear()
        await gateway.outbound.edit_status(PLACE, status, a_view(text="more"))
        assert mine.is_set()
        assert not other.is_set()
