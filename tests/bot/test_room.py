"""What people read when the line is full, or their share of it."""

import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from bot.room import no_room
from handlers import Tier
from jobs.desk import Desk, Done
from jobs.requests import JobRequest
from storage.bounds import Bound, Bounds, Full
from storage.database import Database
from storage.ids import InboxId, JobId, PersonId
from storage.ledger import NewJob
from storage.line import Line, Pace
from storage.states import JobState, Urgency
from tests.fakes.chat import Chat, chatting, easy_work
from tests.fakes.spine import without_ids

FIRST, SECOND = JobId("J000001"), JobId("J000002")
NEW = NewJob(
    inbox_id=InboxId(1),
    line_number=0,
    verb="test",
    line="test src/a.py",
    queue="cpu",
    request={},
    invocation={},
    person=PersonId(1),
    platform="slack",
    place={},
    repository="o/r",
)


@dataclass
class Slots:
    """Work that goes on for as long as a test wants."""

    may_end: threading.Event = field(default_factory=threading.Event)

    def work(self, request: JobRequest, desk: Desk) -> Done:
        """An easy result, once it may end."""
        assert self.may_end.wait(20)
        return easy_work(request, desk)


@pytest.fixture
async def narrow(sqlite: Database, valkey_url: str, tmp_path: Path) -> AsyncGenerator[Chat]:
    """A spine whose line holds few jobs; nothing of it starts before a test lets it."""
    bounds = Bounds(line=4, person=2, repository=3)
    async with chatting(sqlite, valkey_url, tmp_path, bounds=bounds) as chat:
        for name in ("bob", "cid", "dan"):
            chat.platform.tiers[name] = Tier.WRITE
        chat.queue.flowing.clear()
        yield chat
        chat.queue.flowing.set()


def sentences(text: str) -> str:
    """A text with each sentence on a line of its own."""
    return without_ids(text).replace(". ", ".\n")


async def fill(chat: Chat) -> None:
    """Ann asks for as many jobs as she may have waiting."""
    await chat.send("@gryph test src/a.py\n@gryph test src/b.py")
    await chat.until(lambda: len(chat.platform.messages) == 2)


async def until_said(chat: Chat, answers: int) -> str:
    """Wait for so many answers; the newest one."""

    def said() -> list[str]:
        return [each.texts[-1] for each in chat.platform.messages if each.kind == "answer"]

    await chat.until(lambda: len(said()) >= answers)
    assert len(said()) == answers
    return sentences(said()[-1])


def running(chat: Chat) -> int:
    """How many jobs are shown to run."""
    return sum(each.texts[-1].startswith("[test running") for each in chat.platform.messages)


async def test_ones_own_share_is_full(narrow: Chat) -> None:
    await fill(narrow)
    await narrow.send("@gryph test src/c.py")
    assert await until_said(narrow, 1) == snapshot("""\
Not taken: 2 of your jobs wait in the `cpu` line, and nobody may have more there.
When the first of them starts I cannot tell, since nothing runs at the moment.
`/gryph status` shows yours; `/gryph cancel J-ID` makes room at once.

  Try again  gryph ask "test src/c.py"
  Cancel     gryph ask "cancel J-ID"\
""")
    assert len(await narrow.jobs()) == 2


async def test_the_repositorys_share_is_full(narrow: Chat) -> None:
    await fill(narrow)
    await narrow.send("@gryph test src/c.py", by="bob")
    await narrow.until(lambda: len(narrow.platform.messages) == 3)
    await narrow.send("@gryph test src/d.py", by="cid")
    assert await until_said(narrow, 1) == snapshot("""\
Not taken: 3 of the jobs for `o/r` wait in the `cpu` line, and no repository may have more there.
When the first of them starts I cannot tell, since nothing runs at the moment.
`/gryph status` tells how many wait by then.

  Try again  gryph ask "test src/d.py"\
""")


async def test_a_message_is_answered_line_by_line(narrow: Chat) -> None:
    await narrow.send("\n".join(f"@gryph test src/{name}.py" for name in "abcd"))
    await until_said(narrow, 2)
    assert [job.line for job in await narrow.jobs()] == ["test src/a.py", "test src/b.py"]
    narrow.queue.flowing.set()
    await narrow.until_quiet()
    assert {job.state for job in await narrow.jobs()} == {JobState.SUCCEEDED}


async def test_a_redelivered_refusal_is_said_once_and_counted_once(narrow: Chat) -> None:
    await fill(narrow)
    for _ in range(3):
        await narrow.send("@gryph test src/c.py", key="Ev1")
    await until_said(narrow, 1)
    count = narrow.metrics.registry.get_sample_value
    assert count("gryph_jobs_no_room_total", {"bound": "person"}) == 1
    assert count("gryph_commands_total", {"verb": "test", "outcome": "limited"}) == 1
    assert count("gryph_commands_total", {"verb": "test", "outcome": "job"}) == 2


async def test_cancelling_one_makes_room_at_once(narrow: Chat) -> None:
    await fill(narrow)
    await narrow.send("@gryph test src/c.py")
    answer = await until_said(narrow, 1)
    assert "cancel J-ID" in answer
    newest = await narrow.newest_job()
    await narrow.send(f"@gryph cancel {newest.id}")
    await until_said(narrow, 2)
    await narrow.send("@gryph test src/c.py")
    await narrow.until(lambda: len(narrow.platform.messages) >= 6)
    assert [job.line for job in await narrow.jobs()][-1] == "test src/c.py"


async def test_when_there_is_room_again_is_told_from_recent_jobs(narrow: Chat) -> None:
    slots = Slots()
    slots.may_end.set()
    narrow.work = slots.work
    narrow.queue.flowing.set()
    await narrow.say("@gryph test src/a.py")
    slots.may_end.clear()
    try:
        await narrow.send("@gryph test src/b.py\n@gryph test src/c.py")
        await narrow.until(lambda: running(narrow) == 2)
        await narrow.send("@gryph test src/d.py\n@gryph test src/e.py\n@gryph test src/f.py")
        assert await until_said(narrow, 1) == snapshot("""\
Not taken: 2 of your jobs wait in the `cpu` line, and nobody may have more there.
The first of them is expected to start in about 5 s: try again then.
`/gryph status` shows yours; `/gryph cancel J-ID` makes room at once.

  Try again  gryph ask "test src/f.py"
  Cancel     gryph ask "cancel J-ID"\
""")
    finally:
        slots.may_end.set()


def told(full: Full, line: Line, new: NewJob = NEW) -> str:
    """The answer's words."""
    return sentences(no_room(full, new, line).model_dump()["blocks"][0]["markdown"])


def test_a_full_line_names_its_length_and_the_first_place_to_be_free() -> None:
    full = Full(Bound.LINE, 2, (FIRST, SECOND), None)
    line = Line({SECOND: 0, FIRST: 1}, {"cpu": Pace(queued=2, running=2, typical_s=240)})
    assert told(full, line) == snapshot("""\
Not taken: 2 jobs wait in the `cpu` line, and it holds no more.
The first of them is next in line and expected to start in about 2 min: try again then.
`/gryph status` tells how many wait by then.\
""")


def test_without_a_worker_no_time_is_promised() -> None:
    full = Full(Bound.LINE, 2, (FIRST, SECOND), None)
    assert told(full, Line({FIRST: 0}, {"cpu": Pace(queued=2)})) == snapshot("""\
Not taken: 2 jobs wait in the `cpu` line, and it holds no more.
When the first of them starts I cannot tell, since nothing runs at the moment.
`/gryph status` tells how many wait by then.\
""")
    unknown = Line({FIRST: 0}, {"cpu": Pace(queued=2, running=1)})
    assert told(full, unknown) == snapshot("""\
Not taken: 2 jobs wait in the `cpu` line, and it holds no more.
When the first of them starts I cannot tell, since no job has ended here lately.
`/gryph status` tells how many wait by then.\
""")
    assert told(full, Line()) == snapshot("""\
Not taken: 2 jobs wait in the `cpu` line, and it holds no more.
When the first of them starts I cannot tell, since nothing runs at the moment.
`/gryph status` tells how many wait by then.\
""")


def test_scheduled_jobs_are_named_so() -> None:
    full = Full(Bound.REPOSITORY, 1, (FIRST,), None)
    line = Line({FIRST: 6}, {"cpu": Pace(queued=9, running=1, typical_s=60)})
    scheduled = replace(NEW, urgency=Urgency.BACKGROUND)
    assert told(full, line, scheduled) == snapshot("""\
Not taken: 1 of the scheduled jobs for `o/r` waits in the `cpu` line, and no repository may have more there.
The first of them is 7th in line and expected to start in about 7 min: try again then.
`/gryph status` tells how many wait by then.\
""")


def test_what_waits_for_an_approval_is_told_what_makes_room() -> None:
    full = Full(Bound.PERSON, 2, (FIRST, SECOND), SECOND)
    waiting = replace(NEW, waits_for="an approval")
    assert told(full, Line(), waiting) == snapshot("""\
Not taken: 2 of your jobs wait for an approval, and nobody may have more there.
There is room again when somebody with write access approves one, or one is cancelled.
`/gryph status` shows yours; `/gryph cancel J-ID` makes room at once.\
""")
