"""When a question counts as answered, and with which exit code."""

from typing import Any

import pytest

from bot.console.heard import FAILED, MISUSED, SUCCEEDED, Heard
from bot.console.thread import ThreadMessage
from bot.face import JobView
from jobs.messages import say
from storage.console import MessageKind
from storage.states import JobState
from tests.bot.console.gateway import NOW, a_view


def message(number: int, kind: MessageKind, *, version: int = 1, **more: Any) -> ThreadMessage:
    fields: dict[str, Any] = {"about": 7, "created_at": NOW, "updated_at": NOW, **more}
    return ThreadMessage(id=number, kind=kind, version=version, **fields)


def status(number: int, view: JobView, *, version: int = 1) -> ThreadMessage:
    return message(number, MessageKind.STATUS, job=view, version=version)


def result(number: int, view: JobView) -> ThreadMessage:
    return message(number, MessageKind.RESULT, job=view, reply=say("done"))


def answer(number: int, *, refused: bool = False, about: int = 7) -> ThreadMessage:
    return message(number, MessageKind.ANSWER, reply=say("hi"), refused=refused, about=about)


def test_an_answer_completes_a_command_and_one_about_another_message_does_not() -> None:
    heard = Heard(7, "help")
    assert not heard.take(answer(1, about=6))
    assert not heard.complete
    assert heard.take(answer(2))
    assert (heard.complete, heard.exit_code) == (True, SUCCEEDED)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (JobState.SUCCEEDED, SUCCEEDED),
        (JobState.FAILED, FAILED),
        (JobState.CANCELLED, FAILED),
    ],
)
def test_a_job_is_over_with_its_result(state: JobState, code: int) -> None:
    heard = Heard(7, "test a.py")
    heard.take(status(1, a_view(JobState.QUEUED)))
    heard.take(status(1, a_view(state), version=2))
    assert not heard.complete, "its result is still to come"
    heard.take(result(2, a_view(state)))
    assert (heard.complete, heard.exit_code) == (True, code)


def test_a_status_that_arrives_after_the_result_says_nothing_new() -> None:
    heard = Heard(7, "test a.py")
    heard.take(status(1, a_view(JobState.RUNNING)))
    heard.take(result(2, a_view(JobState.SUCCEEDED)))
    assert not heard.take(status(1, a_view(JobState.RUNNING), version=2))
    assert heard.exit_code == SUCCEEDED


def test_a_message_heard_twice_after_a_reconnect_is_taken_once() -> None:
    heard = Heard(7, "test a.py")
    assert heard.take(status(1, a_view(JobState.RUNNING), version=3))
    assert not heard.take(status(1, a_view(JobState.RUNNING), version=3))
    assert not heard.take(status(1, a_view(JobState.QUEUED), version=2))


def test_a_refusal_is_misuse_unless_a_job_failed() -> None:
    heard = Heard(7, "/gryph tset\n/gryph test a.py")
    heard.take(answer(1, refused=True))
    assert (heard.settled, heard.complete, heard.exit_code) == (True, False, MISUSED)
    heard.take(status(2, a_view(JobState.RUNNING)))
    assert not heard.settled
    heard.take(result(3, a_view(JobState.FAILED)))
    assert (heard.complete, heard.exit_code) == (True, FAILED)
