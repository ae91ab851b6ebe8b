"""A thread as it is printed: one changing line on a terminal, plain lines elsewhere."""

from dataclasses import replace
from io import StringIO

import pytest

from bot.console.live import LiveThread
from bot.console.render import Screen
from bot.console.thread import ThreadMessage
from bot.face import JobView
from jobs.messages import say
from storage.console import MessageKind
from storage.ids import JobId
from storage.states import JobState
from tests.bot.console.gateway import NOW, a_view

SCREEN = Screen(lambda artifact: artifact, width=60)
ERASE = "\r\x1b[2K"


def status(view: JobView) -> ThreadMessage:
    return ThreadMessage(
        id=1,
        kind=MessageKind.STATUS,
        about=7,
        version=1,
        created_at=NOW,
        updated_at=NOW,
        job=view,
    )


def result(view: JobView) -> ThreadMessage:
    update = {"id": 2, "kind": MessageKind.RESULT, "reply": say("All green.")}
    return status(view).model_copy(update=update)


STEPS = [
    status(a_view(JobState.QUEUED)),
    status(a_view(JobState.RUNNING, "searched 1,200 calls")),
    status(a_view(JobState.RUNNING, "searched 1,200 calls")),
    result(a_view(JobState.SUCCEEDED, "12 tests")),
]


@pytest.mark.parametrize(("output", "lines_left"), [("terminal", 4), ("file", 6)])
def test_what_is_left_on_the_screen_in_the_end(output: str, lines_left: int) -> None:
    out = StringIO()
    live = LiveThread(out, SCREEN, in_place=output == "terminal")
    for message in STEPS:
        live.show(message)
    live.close()
    lines = [line.rpartition(ERASE)[2] for line in out.getvalue().split("\n")]
    last = ["test src/a.py · succeeded · 12 tests · 8.4 s · J7K2M9Q", "", "All green.", ""]
    assert lines[-4:] == last
    assert len(lines) == lines_left


def test_on_a_terminal_each_status_covers_the_one_before() -> None:
    out = StringIO()
    live = LiveThread(out, SCREEN, in_place=True)
    for message in STEPS[:3]:
        live.show(message)
    assert out.getvalue().count(ERASE) == 2, "what says nothing new is not drawn again"
    assert "\n" not in out.getvalue()
    live.close()
    live.close()
    assert out.getvalue().count("\n") == 1


def test_two_jobs_have_a_line_each() -> None:
    out = StringIO()
    live = LiveThread(out, SCREEN, in_place=True)
    live.show(STEPS[0])
    live.show(status(replace(a_view(), job=JobId("J000000"))))
    live.close()
    lines = [line.rpartition(ERASE)[2] for line in out.getvalue().split("\n")]
    assert [line[-7:] for line in lines] == ["J7K2M9Q", "J000000", ""]
