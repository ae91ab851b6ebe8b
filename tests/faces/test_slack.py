"""Conversations in Slack: real HTTP both ways on loopback, the spine behind, read as people do."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from inline_snapshot import snapshot
from pydantic import SecretStr
from sqlmodel import Session

from bot.budgets import Budgets
from bot.console.face import console_face
from bot.console.notifier import Notifier
from bot.face import Face
from bot.platforms import Loop, Platforms, connect
from bot.settings import GatewaySettings
from handlers import Platform, Tier
from jobs.workshop import Workshop
from storage import feedback, people
from storage.clock import utc_now
from storage.feedback import Tally
from storage.ids import JobId
from tests.faces.work import DRAFT, TOKEN, Engine
from tests.fakes.github.server import listener_on, listening
from tests.fakes.slack.faults import Fault, Kind
from tests.fakes.slack.server import APP_TOKEN, BOT_TOKEN
from tests.fakes.slack.workspace import SECRET, Slack, read
from tests.fakes.slack.world import BOT, Message
from tests.fakes.spine import MortalOutbound, Scene, Spine, masked


@dataclass
class PassingTime:
    """The budgets' clock, which a test can put forward."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@dataclass
class Team:
    """Ann, a guest and us in one channel, and everything behind us."""

    slack: Slack
    spine: Spine
    engine: Engine
    outbound: MortalOutbound
    platforms: Platforms
    ann: str
    guest: str
    dev: str
    direct: str
    clock: PassingTime

    @property
    def ours(self) -> list[Message]:
        """Our messages in the channel."""
        return self.slack.world.ours(self.dev)

    async def mention(self, text: str, *, by: str | None = None) -> Message:
        """Somebody (Ann) mentions us; returns their message, once everything is quiet."""
        said = await self.slack.say(by or self.ann, self.dev, f"<@{BOT}> {text}")
        await self.spine.until_quiet()
        return said

    async def press(self, label: str, *, message: int = -1) -> None:
        """Ann presses a button under one of our messages in the channel."""
        await self.slack.press(self.ann, self.ours[message], label)
        await self.spine.until_quiet()

    def read(self, channel: str | None = None) -> str:
        """What a person reads of us in the channel."""
        return masked("\n---\n".join(map(_seen, self.slack.world.ours(channel or self.dev))))

    def whispered(self) -> str:
        """What only one person read."""
        return masked("\n---\n".join(read(each.blocks) for each in self.slack.world.ephemerals))

    async def votes(self) -> Tally:
        """The votes on the newest job."""
        job = JobId((await self.spine.newest_job()).id)
        return await self.spine.database.read(lambda s: feedback.tally(s, job))


def _seen(message: Message) -> str:
    files = [f"(file {each['name']})" for each in message.files]
    return "\n".join([read(message.blocks), *files]).strip()


@pytest.fixture
async def team(
    spine: Spine, desks: Workshop, engine: Engine, code: Path, valkey_url: str
) -> AsyncGenerator[Team]:
    """A workspace in whose channels `acme/app` is meant: a folder of the worker's machine."""
    async with Slack.running() as slack:
        settings = GatewaySettings(
            home=spine.home,
            slack_bot_token=SecretStr(BOT_TOKEN),
            slack_signing_secret=SecretStr(SECRET),
            slack_app_token=SecretStr(APP_TOKEN),
            slack_api_url=slack.api_url,
            slack_posts_per_minute=100_000,
            slack_calls_per_minute=100_000,
            default_repository="acme/app",
        )
        clock = PassingTime()
        budgets = Budgets(None, clock=clock)
        platforms = connect(settings, spine.database, spine.intake, spine.kept, budgets)
        face = platforms.faces[Platform.SLACK]
        outbound = MortalOutbound(face.outbound)
        scene = Scene(
            faces={
                Platform.SLACK: Face(outbound, face.authority, conversation=face.conversation),
                Platform.CONSOLE: console_face(spine.database, Notifier()),
            },
            desks=desks,
            works=engine.works,
            repositories={"acme/app": f"local:{code}"},
        )
        app = FastAPI()
        for router in platforms.routers:
            app.include_router(router)
        listener = listener_on(0)
        slack.app_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with listening(app, listener), spine.running(valkey_url, scene):
            yield Team(
                slack=slack,
                spine=spine,
                engine=engine,
                outbound=outbound,
                platforms=platforms,
                ann=slack.world.add_user("ann"),
                guest=slack.world.add_user("gil", flags={"is_restricted": True}),
                dev=slack.world.add_channel("dev"),
                direct=slack.world.add_channel("ann", kind="im"),
                clock=clock,
            )
        for close in platforms.closers:
            await close()


async def test_mention_is_worked_on_in_its_thread(team: Team) -> None:
    spine = team.spine
    team.engine.may_end.clear()
    spine.queue.flowing.clear()
    said = await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await spine.until(lambda: bool(team.ours))
    assert team.read() == snapshot("""\
:hourglass_flowing_sand: *test* `src/a.py` · *queued*
[Cancel]
`J-ID` · asked by <@U001ANN>\
""")
    spine.queue.flowing.set()
    await spine.until(lambda: "40 %" in team.read())
    assert team.read() == snapshot("""\
:gear: *test* `src/a.py` · *running* · searched 1,200 calls, 84 % of lines · 40 % done
[Cancel]
`J-ID` · asked by <@U001ANN>\
""")
    team.engine.may_end.set()
    await spine.until_quiet()
    assert team.read() == snapshot("""\
:white_check_mark: *test* `src/a.py` · *succeeded* · 1 test passes, 100 % of lines
`J-ID` · asked by <@U001ANN> · took N s
---
Tests for src/a.py
*Tests*
1, 1 passed
*Line coverage*
100% (import alone: 50%)
*File*
`tests/test_a.py`
**1 possible bug** — calls that crash (closes #1, says @ann):
| Smallest input | What happens | Line |
| --- | --- | --- |
| `double('\\|')` | `TypeError: @\u200beveryone <\u200b!channel>` | 2 |
```python
def test_double() -> None:
    assert callable(double)
```
:paperclip: `test_a.py` · 55 bytes
**Not reached: 1 place**
| Lines | Why |
| --- | --- |
| 4-6 | needs the network |
`J-ID`
[Apply] [Retry] [👍] [👎]
---
(file test_a.py)\
""")
    assert {message.thread_ts for message in team.ours} == {said.ts}


@pytest.mark.usefixtures("quick_reports")
async def test_draft_grows_under_the_status_and_gives_way_to_the_result(team: Team) -> None:
    team.engine.may_end.clear()
    team.engine.written = DRAFT
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await team.spine.until(lambda: "double(n)" in team.read())
    assert team.read() == snapshot("""\
:gear: *test* `src/a.py` · *running* · searched 1,200 calls, 84 % of lines · 40 % done
[Cancel]
_Draft, not checked yet:_
I double it, says <\u200b!channel> @\u200beveryone and @ann (fixes #1).

```python
def double(n):
```
`J-ID` · asked by <@U001ANN>\
""")
    team.engine.written = f"{DRAFT}    return '{TOKEN[:20]}"
    await team.spine.until(lambda: "return" in team.read())
    team.engine.written = f"{DRAFT}    return '{TOKEN}'\n" + "    # and so on\n" * 400
    await team.spine.until(lambda: "and so on" in team.read())
    assert TOKEN[:8] not in team.read()
    assert "The end of a draft of 6," in team.read()
    team.engine.may_end.set()
    await team.spine.until_quiet()
    assert _status(team).startswith(":white_check_mark:")
    assert "Tests for src/a.py" in team.read()
    assert "raft" not in team.read()


async def test_more_than_ones_share_of_the_line_is_answered_in_the_thread(team: Team) -> None:
    team.spine.queue.flowing.clear()
    for number in range(4):
        lines = "\n".join(f"<@{BOT}> test src/{number}{line}.py" for line in range(5))
        await team.slack.say(team.ann, team.dev, lines)
    await team.spine.until(lambda: len(team.ours) == 20)
    said = await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await team.slack.again(2)
    await team.spine.until(lambda: len(team.ours) > 20)
    (answer,) = [each for each in team.ours if each.thread_ts == said.ts]
    assert masked(_seen(answer)) == snapshot("""\
Not taken: 20 of your jobs wait in the `cpu` line, and nobody may have more there. When the first of them starts I cannot tell, since nothing runs at the moment. `/gryph status` shows yours; `/gryph cancel J-ID` makes room at once.
[Try again] [Cancel]\
""")
    assert len(await team.spine.jobs()) == 20
    team.spine.queue.flowing.set()
    team.engine.may_end.set()
    await team.spine.until_quiet()
    assert len(await team.spine.jobs()) == 20


async def test_slash_command_is_a_message_with_its_result_under_it(team: Team) -> None:
    await team.slack.slash(team.ann, team.dev, "test src/a.py")
    assert (team.slack.sent[-1].status, team.slack.sent[-1].answer) == (200, "")
    await team.spine.until_quiet()
    root, *below = team.ours
    assert masked(read(root.blocks)) == snapshot("""\
<@U001ANN> asked: `test src/a.py`
:white_check_mark: *succeeded* · 1 test passes, 100 % of lines
`J-ID` · took N s\
""")
    assert {message.thread_ts for message in below} == {root.ts}


async def test_mention_in_a_thread_is_answered_there(team: Team) -> None:
    root = await team.slack.say(team.ann, team.dev, "shall we?")
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py", thread=root.ts)
    await team.spine.until_quiet()
    assert {message.thread_ts for message in team.ours} == {root.ts}


async def test_direct_message_needs_no_mention(team: Team) -> None:
    await team.slack.say(team.ann, team.direct, "test src/a.py")
    await team.spine.until_quiet()
    assert team.read(team.direct).startswith(":white_check_mark: *test* `src/a.py`")


async def test_direct_message_that_is_edited_runs_only_what_is_new(team: Team) -> None:
    said = await team.slack.say(team.ann, team.direct, "test src/a.py")
    await team.spine.until_quiet()
    await team.slack.edit(said, f"{said.text}\n<@{BOT}> test src/b.py")
    await team.spine.until_quiet()
    assert [job.line for job in await team.spine.jobs()] == ["test src/a.py", "test src/b.py"]


async def test_edited_message_runs_only_what_is_new(team: Team) -> None:
    said = await team.mention("test src/a.py")
    await team.slack.edit(said, f"{said.text}\n<@{BOT}> test src/b.py")
    await team.spine.until_quiet()
    assert [job.line for job in await team.spine.jobs()] == ["test src/a.py", "test src/b.py"]


async def test_reaction_is_a_vote_and_taking_it_off_removes_it(team: Team) -> None:
    await team.mention("test src/a.py")
    result = next(message for message in team.ours if "Tests for" in read(message.blocks))
    await team.slack.react(team.guest, result, "+1")
    await team.spine.until_quiet()
    assert await team.votes() == Tally(up=1, down=0)
    await team.slack.react(team.guest, result, "+1", added=False)
    await team.spine.until_quiet()
    assert await team.votes() == Tally(up=0, down=0)


async def test_retry_button_is_a_second_job_in_the_same_thread(team: Team) -> None:
    said = await team.mention("test src/a.py")
    await team.slack.press(team.ann, _with_buttons(team), "Retry")
    await team.spine.until_quiet()
    first, second = await team.spine.jobs()
    assert second.retry_of == first.id
    assert {message.thread_ts for message in team.ours} == {said.ts}


async def test_cancel_button_stops_the_job_and_keeps_what_it_found(team: Team) -> None:
    team.engine.may_end.clear()
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await team.spine.until(lambda: "40 %" in team.read())
    await team.press("Cancel")
    assert _status(team) == snapshot("""\
:no_entry_sign: *test* `src/a.py` · *cancelled* · kept: 1 test passes, 100 % of lines
`J-ID` · asked by <@U001ANN> · took N s\
""")
    assert team.whispered() == snapshot("Stopping `J-ID`; what it found so far is kept.")


async def test_apply_button_writes_the_file_for_the_operator_alone(team: Team, code: Path) -> None:
    await team.mention("test src/a.py")
    await team.slack.press(team.ann, _with_buttons(team), "Apply")
    await team.spine.until_quiet()
    assert team.whispered() == snapshot(
        "Only the operator of this machine may write to a folder on it."
    )
    await _make_operator(team)
    await team.slack.press(team.ann, _with_buttons(team), "Apply")
    await team.spine.until_quiet()
    assert (code / "tests/test_a.py").read_text().startswith("def test_double()")
    assert team.whispered().rpartition("---\n")[2].replace(str(code), "/code") == snapshot(
        "Applied `J-ID`: `tests/test_a.py` in `/code`"
    )


async def test_event_delivered_four_times_is_one_job(team: Team) -> None:
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await team.slack.again(times=3)
    await team.spine.until_quiet()
    assert [sent.status for sent in team.slack.sent] == [200] * 4
    assert len(await team.spine.jobs()) == 1
    assert team.read().count("Tests for src/a.py") == 1


async def test_guest_is_refused_with_the_reason(team: Team) -> None:
    await team.mention("test src/a.py", by=team.guest)
    assert team.read() == snapshot(
        "`test` is open to people with write access; here you have no access."
    )
    assert await team.spine.jobs() == []


async def test_typo_is_answered_with_the_nearest_command(team: Team) -> None:
    await team.mention("tset src/a.py")
    assert team.read() == snapshot("""\
There is no command `tset`. Did you mean `test`?

```text
/gryph tset src/a.py
       ^^^^
```

Nearest correct command:

```text
/gryph test src/a.py
```

Example: `/gryph test src/parser.py`
[Run it]\
""")
    await team.press("Run it")
    assert (await team.spine.newest_job()).line == "test src/a.py"


async def test_plain_words_are_understood_and_run_by_a_button(team: Team) -> None:
    await team.mention("can you please write tests for src/a.py")
    assert team.read() == snapshot("""\
Did you mean this?

```
/gryph test src/a.py
```
[Run it]\
""")
    await team.press("Run it")
    assert (await team.spine.newest_job()).line == "test src/a.py"


async def test_conversation_through_a_socket(team: Team) -> None:
    (listen,) = team.platforms.loops
    task = asyncio.ensure_future(_run(listen))
    await team.slack.server.sockets.until_opened(1)
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await team.spine.until(lambda: bool(team.ours))
    await team.spine.until_quiet()
    assert team.slack.sent == []
    assert _status(team).startswith(":white_check_mark:")
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("kind", [Kind.RATE_LIMITED, Kind.ERROR_500, Kind.DONE_BUT_LOST])
async def test_post_that_failed_is_made_good_and_made_once(team: Team, kind: Kind) -> None:
    team.slack.server.faults.add(Fault("chat.postMessage", kind, retry_after_s=60))
    asked_at = utc_now()
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    again_at = await team.spine.until_postponed()
    if kind is Kind.RATE_LIMITED:
        assert again_at - asked_at >= timedelta(seconds=60)
    team.clock.ahead_s = 60
    await team.spine.pass_time()
    await team.spine.until_quiet()
    statuses = [message for message in team.ours if "asked by" in read(message.blocks)]
    assert len(statuses) == 1
    assert team.read().count("Tests for src/a.py") == 1


@pytest.mark.parametrize("kind", ["status", "result"])
async def test_speaker_that_dies_after_posting_says_nothing_twice(team: Team, kind: str) -> None:
    team.outbound.dies_after = kind
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await team.spine.until(lambda: team.outbound.is_dead)
    await team.spine.kill_delivery()
    await team.spine.until_quiet()
    assert team.read().count("asked by") == 1
    assert team.read().count("Tests for src/a.py") == 1


async def test_help_is_readable(team: Team) -> None:
    await team.mention("help")
    assert team.read() == snapshot("""\
What I can do
| Command | What it does |
| --- | --- |
| `/gryph test` | Write tests for code, or show what a pull request changes in how it behaves |
| `/gryph generate` | Write, fix or refactor code with a model, and check what it wrote |
| `/gryph plan` | Plan who does what and when, tell how sure that is, and plan again after an event |
| `/gryph match` | Name who should take a task or review a change, and why; or who knows which code |
| `/gryph status` | Show where a job is, or your latest jobs |
| `/gryph cancel` | Stop a job that waits or runs |
| `/gryph retry` | Run a finished job again, with the same request on the same commit |
| `/gryph explain` | Tell what a job was asked, on which commit, and what happened when |
| `/gryph approve` | Let one commit of a fork's pull request run here |
| `/gryph apply` | Put a job's files into the repository: a pull request, or files on this machine |
| `/gryph feedback` | Say whether a result was good, in words or with up/down |
| `/gryph link` | Link your accounts on two platforms |
| `/gryph config` | Show or set this channel's repository and your own preferences |
| `/gryph quota` | Show how many commands you, this workspace and this repository have left |
| `/gryph help` | Show what I can do, or one command in detail |
Mention me (`@gryph test src/a.py`) or use `/gryph`; one line is one job. `/gryph help test` tells more about one command.\
""")


def _status(team: Team) -> str:
    return masked(read(team.ours[0].blocks))


def _with_buttons(team: Team) -> Message:
    return next(message for message in team.ours if "[Retry]" in read(message.blocks))


async def _run(loop: Loop) -> None:
    await loop()


async def _make_operator(team: Team) -> None:
    def write(session: Session) -> None:
        now = utc_now()
        ann = people.person_of(session, platform="slack", account=team.ann, name="", now=now)
        people.grant(session, ann, "*", Tier.OPERATOR, ann, now)

    await team.spine.database.write(write)
