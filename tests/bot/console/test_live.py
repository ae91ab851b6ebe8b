"""A thread as it is printed: one changing line on a terminal, plain lines elsewhere."""

import re
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


def on_a_screen(written: str) -> list[str]:
    """The lines that a terminal shows in the end."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        match part[-1] if part.startswith("\x1b") else part:
            case "A":
                row -= int(part[2:-1])
            case "K":
                lines[row] = ""
            case "J":
                del lines[row:]
                lines.append("")
            case "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            case "\r":
                pass
            case text:
                lines[row] += text
    return lines


def drafting(draft: str) -> ThreadMessage:
    return status(replace(a_view(text="writing"), draft=draft, draft_length=len(draft)))


LINE = "test src/a.py · running · writing · 42 % done · J7K2M9Q"


def test_a_draft_grows_below_its_status_and_the_result_takes_its_place() -> None:
    out = StringIO()
    live = LiveThread(out, SCREEN, in_place=True)
    live.show(STEPS[0])
    live.show(drafting("It is\n\n```py\nx = "))
    assert on_a_screen(out.getvalue()) == [LINE, "  It is", "", "  ```py", "  x ="]
    live.show(drafting("\n".join(f"{'word ' * 30}{number}" for number in range(40))))
    shown = on_a_screen(out.getvalue())
    assert (shown[0], len(shown), shown[-1].split()[-1]) == (LINE, 13, "39")
    assert all(len(line) < SCREEN.width for line in shown)
    live.show(STEPS[3])
    live.close()
    end = ["test src/a.py · succeeded · 12 tests · 8.4 s · J7K2M9Q", "", "All green.", ""]
    assert on_a_screen(out.getvalue()) == end


def test_a_draft_that_is_interrupted_leaves_its_status_alone() -> None:
    out = StringIO()
    live = LiveThread(out, SCREEN, in_place=True)
    live.show(drafting("one\ntwo"))
    live.show(status(replace(a_view(), job=JobId("J000000"))))
    live.close()
    assert [line[-7:] for line in on_a_screen(out.getvalue())] == ["J7K2M9Q", "J000000", ""]


def test_a_draft_is_not_printed_where_nothing_can_be_taken_back() -> None:
    out = StringIO()
    live = LiveThread(out, SCREEN, in_place=False)
    live.show(drafting("one\ntwo"))
    live.show(drafting("one\ntwo\nthree"))
    assert out.getvalue() == f"{LINE}\n"


def test_a_draft_steers_no_terminal_and_leaves_the_status_on_a_low_one() -> None:
    low = Screen(SCREEN.link, width=60, height=6)
    out = StringIO()
    live = LiveThread(out, low, in_place=True)
    live.show(drafting("one\x1b[2Jtwo\rthree\tfour\n" * 9))
    assert len(on_a_screen(out.getvalue())) == 3
    assert "\x1b[2J" not in out.getvalue()
