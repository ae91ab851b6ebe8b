"""Conversations in Slack: signed requests in front, the whole spine behind, read as people do."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from bot.slack.face import slack_face
from handlers import Place, Platform
from storage.database import Database
from storage.states import JobState
from tests.bot.slack.conftest import Team
from tests.fakes.chat import ScriptedDesks, easy_work
from tests.fakes.slack.workspace import read
from tests.fakes.slack.world import BOT, Message
from tests.fakes.spine import Scene, Spine, masked


@dataclass
class Talk:
    """A workspace, and everything behind us."""

    team: Team
    spine: Spine

    async def mention(self, text: str, *, by: str | None = None) -> Message:
        """Somebody mentions us in the channel; returns once everything is quiet."""
        team = self.team
        said = await team.slack.say(by or team.ann, team.dev, f"<@{BOT}> {text}")
        await self.spine.until_quiet()
        return said

    async def press(self, label: str, *, message: int = -1) -> None:
        """Ann presses a button under one of our messages."""
        await self.team.slack.press(self.team.ann, self.team.ours()[message], label)
        await self.spine.until_quiet()

    def thread(self) -> str:
        """What a person reads of us in the channel."""
        return masked("\n---\n".join(read(message.blocks) for message in self.team.ours()))

    def whispers(self) -> str:
        """What only one person read."""
        return masked("\n---\n".join(read(e.blocks) for e in self.team.slack.world.ephemerals))


@pytest.fixture
async def talk(
    team: Team, sqlite: Database, valkey_url: str, tmp_path: Path
) -> AsyncGenerator[Talk]:
    spine = Spine(sqlite, tmp_path / "home")

    async def repository_of(place: Place) -> str | None:
        del place
        return "local:/code"

    face = slack_face(team.settings, spine.kept, repository_of, team.api)
    face.outbound.edit_interval_s = 0.01
    scene = Scene(
        faces={Platform.SLACK: face},
        desks=ScriptedDesks(spine.store, {}),
        works={"test": easy_work},
    )
    async with team.heard_by(spine.intake), spine.running(valkey_url, scene):
        yield Talk(team, spine)


async def test_mention_is_worked_on_in_its_thread(talk: Talk) -> None:
    said = await talk.mention("test src/a.py")
    assert talk.thread() == snapshot("""\
:white_check_mark: *test* `src/a.py` · *succeeded* · 3 tests pass
`J-ID` · asked by <@U001ANN> · took N s
---
3 tests for src/a.py
`J-ID`
[Apply] [Retry]\
""")
    assert {m.thread_ts for m in talk.team.ours()} == {said.ts}


async def test_slash_command_becomes_a_root_message_with_its_result_under_it(talk: Talk) -> None:
    await talk.team.slack.slash(talk.team.ann, talk.team.dev, "test src/a.py")
    await talk.spine.until_quiet()
    assert talk.thread() == snapshot("""\
<@U001ANN> asked: `test src/a.py`
:white_check_mark: *succeeded* · 3 tests pass
`J-ID` · took N s
---
3 tests for src/a.py
`J-ID`
[Apply] [Retry]\
""")
    status, result = talk.team.ours()
    assert (status.thread_ts, result.thread_ts) == (None, status.ts)


async def test_event_delivered_four_times_is_one_job_one_status_one_result(talk: Talk) -> None:
    await talk.mention("test src/a.py")
    await talk.team.slack.again(3)
    await talk.spine.until_quiet()
    assert len(await talk.spine.jobs()) == 1
    assert len(talk.team.ours()) == 2


async def test_typo_is_answered_in_the_thread(talk: Talk) -> None:
    await talk.mention("tset src/a.py")
    assert talk.thread() == snapshot("""\
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


async def test_slash_typo_is_answered_to_its_person(talk: Talk) -> None:
    await talk.team.slack.slash(talk.team.ann, talk.team.dev, "tset src/a.py")
    await talk.spine.until_quiet()
    assert talk.team.ours() == []
    assert talk.whispers() == snapshot("""\
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


async def test_guest_may_not_run_code(talk: Talk) -> None:
    guest = talk.team.slack.world.add_user("gus", {"is_restricted": True})
    await talk.mention("test src/a.py", by=guest)
    assert await talk.spine.jobs() == []
    assert talk.thread() == snapshot(
        "`test` is open to people with write access; here you have no access."
    )


async def test_retry_button_is_a_new_job_in_the_same_thread(talk: Talk) -> None:
    said = await talk.mention("test src/a.py")
    await talk.press("Retry")
    assert len(await talk.spine.jobs()) == 2
    assert [m.thread_ts for m in talk.team.ours()] == [said.ts] * 4


async def test_cancel_button_ends_a_queued_job(talk: Talk) -> None:
    talk.spine.queue.flowing.clear()
    team = talk.team
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    await talk.spine.until(lambda: bool(team.ours()))
    await team.slack.press(team.ann, team.ours()[0], "Cancel")
    await talk.spine.until(lambda: bool(team.slack.world.ephemerals))
    talk.spine.queue.flowing.set()
    await talk.spine.until_quiet()
    assert (await talk.spine.newest_job()).state == JobState.CANCELLED
    assert "*cancelled*" in talk.thread()


async def test_gateway_killed_while_it_speaks_says_everything_once(talk: Talk) -> None:
    team = talk.team
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> test src/a.py")
    for posts in (1, 2):
        await talk.spine.until(lambda posts=posts: len(team.ours()) >= posts)
        await talk.spine.kill_delivery()
    await talk.spine.until_quiet()
    assert len(team.ours()) == 2
