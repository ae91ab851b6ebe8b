"""Conversations on Discord: real discord.py against a server in memory, the spine behind it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import discord
import pytest
from inline_snapshot import snapshot
from simcord.builders import ChannelHandle
from sqlmodel import Session

from bot.commands import COMMANDS
from bot.discord.face import discord_face
from bot.face import Face
from handlers import Place, Platform, Tier
from jobs.workshop import Workshop
from storage import feedback, people
from storage.clock import utc_now
from storage.feedback import Tally
from storage.ids import JobId
from tests.faces.work import DRAFT, TOKEN, Engine
from tests.fakes.discord import DiscordWorld, discord_world
from tests.fakes.intake import ForwardingIntake
from tests.fakes.spine import MortalOutbound, Scene, Spine, masked


@dataclass
class Server:
    """A Discord server with us in it, and everything behind us."""

    world: DiscordWorld
    spine: Spine
    engine: Engine
    outbound: MortalOutbound

    async def mention(self, text: str) -> discord.Message:
        """The moderator mentions us; returns their message, once everything is quiet."""
        said = await self.world.mod.send(self.world.channel, f"{self.world.mention} {text}")
        await self.spine.until_quiet()
        return said

    def read(self, channel: ChannelHandle) -> str:
        """What a person reads of us there."""
        return masked("\n---\n".join(map(_seen, self.world.said(channel))))

    async def click(self, channel: ChannelHandle, label: str, *, message: int = -1) -> None:
        """The moderator presses a button under one of our messages there."""
        await self.world.mod.click(self.world.said(channel)[message], label=label)
        await self.spine.until_quiet()

    async def grant(self, tier: Tier, scope: str, *, account: str) -> None:
        """The operator gives somebody rights."""

        def write(session: Session) -> None:
            now = utc_now()
            who = people.person_of(session, platform="discord", account=account, name="", now=now)
            people.grant(session, who, scope, tier, who, now)

        await self.spine.database.write(write)

    async def votes(self) -> Tally:
        """The votes on the newest job."""
        job = JobId((await self.spine.newest_job()).id)
        return await self.spine.database.read(lambda s: feedback.tally(s, job))


def _seen(message: discord.Message) -> str:
    buttons = [
        f"[{button.label}]"
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for button in row.children
        if isinstance(button, discord.Button)
    ]
    files = [f"(file {each.filename})" for each in message.attachments]
    return "\n".join([message.content, *files, *([" ".join(buttons)] if buttons else [])])


@pytest.fixture
async def server(
    spine: Spine, desks: Workshop, engine: Engine, code: Path, valkey_url: str
) -> AsyncGenerator[Server]:
    """One server, in whose channels `acme/app` is meant."""
    async with discord_world(COMMANDS, ForwardingIntake(spine.intake)) as world:
        face = discord_face(world.settings, world.client, spine.kept, _repository_of)
        outbound = MortalOutbound(face.outbound)
        scene = Scene(
            faces={
                Platform.DISCORD: Face(outbound, face.authority, conversation=face.conversation)
            },
            desks=desks,
            works=engine.works,
            repositories={"acme/app": f"local:{code}"},
        )
        async with spine.running(valkey_url, scene):
            yield Server(world, spine, engine, outbound)


async def _repository_of(place: Place) -> str | None:
    del place
    return "acme/app"


async def test_slash_command_runs_through_in_its_thread(server: Server) -> None:
    world, spine = server.world, server.spine
    server.engine.may_end.clear()
    spine.queue.flowing.clear()
    answered = await world.mod.slash(world.channel, "gryph test", target="src/a.py")
    assert answered.deferred
    await spine.until(lambda: bool(world.channel.threads) and bool(world.said(world.thread)))
    assert server.read(world.channel) == snapshot("""\
**@mod** asked: `/gryph test src/a.py`
-# J-ID\
""")
    assert masked(world.thread.name or "") == snapshot("test src/a.py · J-ID")
    assert server.read(world.thread) == snapshot("""\
🕓 **test** `src/a.py` · queued
-# J-ID · asked by @mod
[Cancel]\
""")
    spine.queue.flowing.set()
    await spine.until(lambda: "40 %" in server.read(world.thread))
    assert server.read(world.thread) == snapshot("""\
⏳ **test** `src/a.py` · running · searched 1,200 calls, 84 % of lines · 40 %
-# J-ID · asked by @mod · started <t:T:R>
[Cancel]\
""")
    server.engine.may_end.set()
    await spine.until_quiet()
    assert server.read(world.thread) == snapshot("""\
✅ **test** `src/a.py` · succeeded · 1 test passes, 100 % of lines
-# J-ID · asked by @mod · took N s
---
### Tests for src/a.py
**Tests**: 1, 1 passed
**Line coverage**: 100% (import alone: 50%)
**File**: `tests/test_a.py`

**1 possible bug** — calls that crash (closes #1, says @ann):
```
Smallest input  What happens                     Line
──────────────  ───────────────────────────────  ────
double('|')     TypeError: @everyone <!channel>  2
```
```python
def test_double() -> None:
    assert callable(double)

```
**Not reached: 1 place**
```
Lines  Why
─────  ─────────────────
4-6    needs the network
```
-# J-ID · result
(file test_a.py)
[Apply] [Retry] [👍] [👎]\
""")


@pytest.mark.usefixtures("quick_reports")
async def test_draft_grows_in_the_thread_and_gives_way_to_the_result(server: Server) -> None:
    world, spine, engine = server.world, server.spine, server.engine
    engine.may_end.clear()
    engine.written = DRAFT
    await world.mod.send(world.channel, f"{world.mention} test src/a.py")
    await spine.until(lambda: bool(world.channel.threads))
    await spine.until(lambda: "double(n)" in server.read(world.thread))
    assert server.read(world.thread) == snapshot("""\
⏳ **test** `src/a.py` · running · searched 1,200 calls, 84 % of lines · 40 %
**Draft, not checked yet:**
I double it, says <!channel> @\u200beveryone and @ann (fixes #1).
```python
def double(n):

```
-# J-ID · asked by @mod · started <t:T:R>
[Cancel]\
""")
    engine.written = f"{DRAFT}    return '{TOKEN}'\n" + "    # and so on\n" * 400
    await spine.until(lambda: "and so on" in server.read(world.thread))
    assert TOKEN[:8] not in server.read(world.thread)
    assert "The end of a draft of 6," in server.read(world.thread)
    engine.may_end.set()
    await spine.until_quiet()
    assert "Tests for src/a.py" in server.read(world.thread)
    assert "raft" not in server.read(world.thread)


async def test_mention_is_answered_in_a_thread_from_its_message(server: Server) -> None:
    said = await server.mention("test src/a.py")
    assert server.world.thread.id == said.id
    assert server.read(server.world.channel) == ""
    assert len(server.world.said(server.world.thread)) == 2


async def test_retry_button_is_a_second_job_in_the_same_thread(server: Server) -> None:
    await server.mention("test src/a.py")
    await server.click(server.world.thread, "Retry")
    first, second = await server.spine.jobs()
    assert second.retry_of == first.id
    assert len(server.world.said(server.world.thread)) == 4


async def test_cancel_button_stops_the_job(server: Server) -> None:
    server.engine.may_end.clear()
    world, spine = server.world, server.spine
    await world.mod.send(world.channel, f"{world.mention} test src/a.py")
    await spine.until(lambda: bool(world.channel.threads) and "40 %" in server.read(world.thread))
    await server.click(world.thread, "Cancel", message=0)
    assert server.read(world.thread) == snapshot("""\
🚫 **test** `src/a.py` · cancelled · kept: 1 test passes, 100 % of lines
-# J-ID · asked by @mod · took N s
---
Stopping `J-ID`; what it found so far is kept.
---
### Tests for src/a.py
**Tests**: 1, 1 passed
**Line coverage**: 100% (import alone: 50%)
**File**: `tests/test_a.py`

**1 possible bug** — calls that crash (closes #1, says @ann):
```
Smallest input  What happens                     Line
──────────────  ───────────────────────────────  ────
double('|')     TypeError: @everyone <!channel>  2
```
```python
def test_double() -> None:
    assert callable(double)

```
**Not reached: 1 place**
```
Lines  Why
─────  ─────────────────
4-6    needs the network
```
-# J-ID · result
(file test_a.py)
[Apply] [Retry] [👍] [👎]\
""")


async def test_reaction_is_a_vote_and_taking_it_off_removes_it(server: Server) -> None:
    await server.mention("test src/a.py")
    result = server.world.said(server.world.thread)[-1]
    await server.world.ann.react(result, "👍")
    await server.spine.until_quiet()
    assert await server.votes() == Tally(up=1, down=0)
    await server.world.ann.unreact(result, "👍")
    await server.spine.until_quiet()
    assert await server.votes() == Tally(up=0, down=0)


async def test_reaction_of_a_bot_is_no_vote(server: Server) -> None:
    await server.mention("test src/a.py")
    robot = server.world.guild.add_member(server.world.env.create_user("robot", bot=True))
    await robot.react(server.world.said(server.world.thread)[-1], "👍")
    await server.spine.until_quiet()
    assert await server.votes() == Tally(up=0, down=0)


async def test_vote_button_thanks_and_counts(server: Server) -> None:
    await server.mention("test src/a.py")
    await server.click(server.world.thread, "👎")
    assert await server.votes() == Tally(up=0, down=1)
    assert server.read(server.world.thread).rpartition("---\n")[2] == snapshot(
        "Thank you: 👎 noted for `J-ID`."
    )


async def test_stranger_is_refused_with_the_reason(server: Server) -> None:
    world = server.world
    await world.ann.send(world.channel, f"{world.mention} test src/a.py")
    await server.spine.until_quiet()
    assert server.read(world.channel) == snapshot(
        "`test` is open to people with write access; here you have read access."
    )
    assert await server.spine.jobs() == []


async def test_stranger_who_slashes_is_refused_in_the_deferred_answer(server: Server) -> None:
    world = server.world
    await world.ann.slash(world.channel, "gryph test", target="src/a.py")
    await server.spine.until_quiet()
    (message,) = world.said(world.channel)
    assert message.type is discord.MessageType.chat_input_command
    assert "`test` is open to" in message.content


async def test_typo_is_answered_with_the_nearest_command(server: Server) -> None:
    await server.mention("tset src/a.py")
    assert server.read(server.world.channel) == snapshot("""\
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
    await server.click(server.world.channel, "Run it")
    assert (await server.spine.newest_job()).line == "test src/a.py"


async def test_plain_words_are_understood_and_run_by_a_button(server: Server) -> None:
    await server.mention("can you please write tests for src/a.py")
    assert server.read(server.world.channel) == snapshot("""\
Did you mean this?
```
/gryph test src/a.py
```
[Run it]\
""")
    await server.click(server.world.channel, "Run it")
    assert (await server.spine.newest_job()).line == "test src/a.py"
    assert server.read(server.world.thread).startswith("✅ **test** `src/a.py` · succeeded")


async def test_person_who_was_given_rights_works_in_direct_messages(server: Server) -> None:
    world, spine = server.world, server.spine
    direct = world.ann.user.dm_channel
    await world.ann.send_dm("test src/a.py")
    await spine.until_quiet()
    assert "`test` is open to" in server.read(direct)
    await server.grant(Tier.WRITE, "discord:dm", account=str(world.ann.id))
    await world.ann.send_dm("test src/a.py")
    await spine.until_quiet()
    assert server.read(direct) == snapshot("""\
`test` is open to people with write access; here you have no access.
---
✅ **test** `src/a.py` · succeeded · 1 test passes, 100 % of lines
-# J-ID · asked by @ann · took N s
---
### Tests for src/a.py
**Tests**: 1, 1 passed
**Line coverage**: 100% (import alone: 50%)
**File**: `tests/test_a.py`

**1 possible bug** — calls that crash (closes #1, says @ann):
```
Smallest input  What happens                     Line
──────────────  ───────────────────────────────  ────
double('|')     TypeError: @everyone <!channel>  2
```
```python
def test_double() -> None:
    assert callable(double)

```
**Not reached: 1 place**
```
Lines  Why
─────  ─────────────────
4-6    needs the network
```
-# J-ID · result
(file test_a.py)
[Apply] [Retry] [👍] [👎]\
""")


async def test_edited_message_runs_only_what_is_new(server: Server) -> None:
    said = await server.mention("test src/a.py")
    await server.world.mod.edit(said, f"{said.content}\n{server.world.mention} test src/b.py")
    await server.spine.until_quiet()
    assert [job.line for job in await server.spine.jobs()] == ["test src/a.py", "test src/b.py"]


async def test_direct_message_that_is_edited_runs_only_what_is_new(server: Server) -> None:
    world = server.world
    await server.grant(Tier.WRITE, "discord:dm", account=str(world.ann.id))
    said = await world.ann.send_dm("test src/a.py")
    await server.spine.until_quiet()
    await world.ann.user.edit(said, f"test src/a.py\n{world.mention} test src/b.py")
    await server.spine.until_quiet()
    assert [job.line for job in await server.spine.jobs()] == ["test src/a.py", "test src/b.py"]


@pytest.mark.parametrize("kind", ["status", "result"])
async def test_speaker_that_dies_after_posting_says_nothing_twice(
    server: Server, kind: str
) -> None:
    world, spine = server.world, server.spine
    server.outbound.dies_after = kind
    await world.mod.send(world.channel, f"{world.mention} test src/a.py")
    await spine.until(lambda: server.outbound.is_dead)
    await spine.kill_delivery()
    await spine.until_quiet()
    assert len(world.said(world.thread)) == 2


async def test_speaker_that_dies_after_answering_says_nothing_twice(server: Server) -> None:
    world, spine = server.world, server.spine
    server.outbound.dies_after = "answer"
    await world.mod.send(world.channel, f"{world.mention} tset src/a.py")
    await spine.until(lambda: server.outbound.is_dead)
    await spine.kill_delivery()
    await spine.until_quiet()
    assert len(world.said(world.channel)) == 1


async def test_help_is_readable(server: Server) -> None:
    await server.mention("help")
    assert server.read(server.world.channel) == snapshot("""\
### What I can do
**Command** · **What it does**
- `/gryph test`: Write tests for code, or show what a pull request changes in how it behaves
- `/gryph generate`: Write, fix or refactor code with a model, and check what it wrote
- `/gryph plan`: Plan who does what and when, tell how sure that is, and plan again after an event
- `/gryph match`: Name who should take a task or review a change, and why; or who knows which code
- `/gryph status`: Show where a job is, or your latest jobs
- `/gryph cancel`: Stop a job that waits or runs
- `/gryph retry`: Run a finished job again, with the same request on the same commit
- `/gryph explain`: Tell what a job was asked, on which commit, and what happened when
- `/gryph approve`: Let one commit of a fork's pull request run here
- `/gryph apply`: Put a job's files into the repository: a pull request, or files on this machine
- `/gryph feedback`: Say whether a result was good, in words or with up/down
- `/gryph link`: Link your accounts on two platforms
- `/gryph config`: Show or set this channel's repository and your own preferences
- `/gryph quota`: Show how many commands you, this workspace and this repository have left
- `/gryph help`: Show what I can do, or one command in detail

Mention me (`@gryph test src/a.py`) or use `/gryph`; one line is one job. `/gryph help test` tells more about one command.\
""")
