"""Job views and replies that several tests show."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.face import JobView
from handlers import Caller, Platform
from jobs.messages import Action, Actions, Code, Fields, Reply, Text
from storage.ids import JobId
from storage.states import JobState

JOB = JobId("J7K2M9Q")
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
RESULT = Reply(
    summary="12 tests, 84 % of lines",
    blocks=(
        Text(markdown="**12 tests** pass in fresh processes."),
        Fields(pairs=(("Lines covered", "84 %"), ("Branches covered", "71 %"))),
        Code(text="def test_parse() -> None:\n    assert parse('1') == 1", language="python"),
        Actions(
            actions=(
                Action(verb="apply", label="Apply", job=JOB, primary=True),
                Action(verb="retry", label="Retry", job=JOB),
                Action(verb="feedback", label="👍", job=JOB, words="up"),
                Action(verb="feedback", label="👎", job=JOB, words="down"),
            )
        ),
    ),
)


def view(state: JobState = JobState.QUEUED, *, account: str = "1", **changes: object) -> JobView:
    """A job of ann's in some state, with what else changes."""
    started = None if state in (JobState.QUEUED, JobState.WAITING) else START
    finished = START + timedelta(seconds=72) if state.final else None
    shown = JobView(
        job=JOB,
        verb="test",
        line="test src/a.py",
        state=state,
        text="",
        done=None,
        attempt=1,
        asked_by=Caller(platform=Platform.DISCORD, account=account, name="ann"),
        created_at=START,
        started_at=started,
        finished_at=finished,
    )
    return replace(shown, **changes)
