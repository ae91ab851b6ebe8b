"""Conversations on GitHub: signed webhooks, the REST API and git over HTTP, all on loopback.

Checkouts are real, of a private repository, with the token that the gateway lends the worker.
"""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from inline_snapshot import snapshot
from pydantic import SecretStr

from bot.budgets import Budgets
from bot.face import Face
from bot.github.client import GitHubClient
from bot.leader import Chore
from bot.platforms import connect
from bot.settings import GatewaySettings
from handlers import Platform
from jobs.settings import WorkerSettings
from jobs.workshop import NoSandbox, Workshop
from storage import feedback
from storage.feedback import Tally
from storage.ids import JobId
from tests.faces.work import DRAFT, FILES, TOKEN, Engine
from tests.fakes.github.server import GitHub, listener_on, listening
from tests.fakes.github.world import APP_ID, WEBHOOK_SECRET, CheckRun, Comment, Repository
from tests.fakes.spine import MortalOutbound, Scene, Spine, masked

REPOSITORY = "acme/shop"
TRIPLE = {"src/c.py": b"def triple(n: int) -> int:\n    return 3 * n\n"}
_STAMP = re.compile(r"key=push:\d+")
_HOST = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass
class Town:
    """A repository of Ann's (write) and Root's (admin), and everything behind us."""

    github: GitHub
    repo: Repository
    spine: Spine
    engine: Engine
    outbound: MortalOutbound
    chores: dict[str, Chore]

    async def comment(self, number: int, text: str, *, by: str = "ann") -> Comment:
        """Somebody comments; returns once everything is quiet."""
        said = await self.github.people.comment(self.repo, number, by, text)
        await self.spine.until_quiet()
        return said

    async def pull(self, *, by: str = "ann", fork: Repository | None = None) -> int:
        """Somebody opens a pull request with `TRIPLE` in it; its number."""
        return await self.github.people.open_pull(self.repo, by, TRIPLE, fork=fork)

    def ours(self, number: int) -> list[Comment]:
        """Our comments there, oldest first."""
        return [each for each in self.repo.said(number) if each.by is self.github.world.bot]

    def read(self, number: int) -> str:
        """What a person reads of us there."""
        return shown("\n----\n".join(each.body for each in self.ours(number)))

    @property
    def check(self) -> CheckRun:
        """The only check run."""
        (check,) = self.repo.checks.values()
        return check

    async def votes(self) -> Tally:
        """The votes on the newest job."""
        job = JobId((await self.spine.newest_job()).id)
        return await self.spine.database.read(lambda s: feedback.tally(s, job))


def shown(text: str) -> str:
    """The text without what differs between two runs."""
    text = _STAMP.sub("key=push:T", text)
    return _HOST.sub("http://github.test", masked(text))


@pytest.fixture
async def town(
    spine: Spine, engine: Engine, tmp_path: Path, valkey_url: str
) -> AsyncGenerator[Town]:
    """A gateway and a worker for one private repository."""
    github = GitHub(tmp_path / "repositories")
    listener = listener_on(0)
    async with github.serving():
        github.hooks.url = f"http://127.0.0.1:{listener.getsockname()[1]}/github/webhook"
        settings = GatewaySettings(
            home=spine.home,
            github_app_id=APP_ID,
            github_private_key=SecretStr(github.world.private_key),
            github_webhook_secret=SecretStr(WEBHOOK_SECRET),
            github_api_url=github.url,
        )
        platforms = connect(settings, spine.database, spine.intake, spine.kept, Budgets(None))
        app = FastAPI()
        for router in platforms.routers:
            app.include_router(router)
        face = platforms.faces[Platform.GITHUB]
        outbound = MortalOutbound(face.outbound)
        desks = _desks(spine, github)
        scene = Scene(
            faces={Platform.GITHUB: Face(outbound, face.authority, face.writer, face.host)},
            desks=desks,
            works=engine.works,
            tokens=platforms.tokens,
        )
        repo = github.world.repository(REPOSITORY, FILES)
        repo.private = True
        repo.permissions |= {"ann": "write", "root": "admin"}
        async with listening(app, listener), spine.running(valkey_url, scene):
            yield Town(github, repo, spine, engine, outbound, platforms.chores)
        desks.close()
        assert isinstance(platforms.tokens, GitHubClient)
        await platforms.tokens.close()


def _desks(spine: Spine, github: GitHub) -> Workshop:
    settings = WorkerSettings(home=spine.home, github_git_url=github.git_url)
    nowhere = NoSandbox("scripted work needs none")
    return Workshop(settings, spine.database, spine.store, spine.keys, nowhere)


async def test_command_is_one_comment_and_one_check_run_from_queue_to_result(town: Town) -> None:
    number = await town.pull()
    town.engine.may_end.clear()
    town.spine.queue.flowing.clear()
    await town.github.people.comment(town.repo, number, "ann", "@gryph test src/c.py")
    await town.spine.until(lambda: bool(town.ours(number)))
    assert town.read(number) == snapshot("""\
**test** `src/c.py` · 🕓 queued · `J-ID` · asked by ann

<sub>Reply `/gryph cancel J-ID` to stop it.</sub>

<!-- gryph:job=J-ID key=J-ID:status -->\
""")
    town.spine.queue.flowing.set()
    await town.spine.until(lambda: "84 %" in town.read(number))
    assert town.read(number) == snapshot("""\
**test** `src/c.py` · ⏳ running · searched 1,200 calls, 84 % of lines · 40% · `J-ID` · asked by ann

<sub>Reply `/gryph cancel J-ID` to stop it.</sub>

<!-- gryph:job=J-ID key=J-ID:status -->\
""")
    town.engine.may_end.set()
    await town.spine.until_quiet()
    assert town.read(number) == snapshot("""\
**test** `src/c.py` · ✅ succeeded · 1 test passes, 100 % of lines · N s · `J-ID` · asked by ann

### Tests for src/c.py

|  |  |
| --- | --- |
| **Tests** | 1, 1 passed |
| **Line coverage** | 100% (import alone: 50%) |
| **File** | `tests/test_c.py` |

**1 possible bug** — calls that crash (c\u200bloses #\u200b1, says @\u200bann):

| Smallest input | What happens | Line |
| --- | --- | --- |
| `double('\\|')` | `TypeError: @everyone <!channel>` | 2 |

```python
def test_triple() -> None:
    assert callable(triple)
```

📄 [test\\_c.py](https://gryph.test/api/v1/artifacts/A-ID) · 55 bytes

<details><summary>Not reached: 1 place</summary>

| Lines | Why |
| --- | --- |
| 4-6 | needs the network |

</details>

- **Apply**: reply `/gryph apply J-ID` to open a pull request with the files
- **Retry**: reply `/gryph retry J-ID` to run it again
- **Did it help?** React to this comment with 👍 or 👎, or reply `/gryph feedback J-ID up`

<!-- gryph:job=J-ID key=J-ID:status -->\
""")
    assert town.engine.seen == [TRIPLE["src/c.py"].decode()]
    assert town.check.head_sha == town.repo.pulls[number].head_sha
    states = [(each["status"], each.get("conclusion")) for each in town.check.history]
    assert states == snapshot([("queued", None), ("in_progress", None), ("completed", "success")])
    assert shown(str(town.check.values["output"]["title"])) == snapshot(
        "1 test passes, 100 % of lines"
    )


@pytest.mark.usefixtures("quick_reports")
async def test_draft_grows_in_the_comment_and_gives_way_to_the_result(town: Town) -> None:
    number = await town.pull()
    town.engine.may_end.clear()
    town.engine.written = DRAFT
    await town.github.people.comment(town.repo, number, "ann", "@gryph test src/c.py")
    await town.spine.until(lambda: "double(n)" in town.read(number))
    assert town.read(number) == snapshot("""\
**test** `src/c.py` · ⏳ running · searched 1,200 calls, 84 % of lines · 40% · `J-ID` · asked by ann

*Draft, not checked yet:*

I double it, says &lt;!channel> @\u200beveryone and @\u200bann (f\u200bixes #\u200b1).

```python
def double(n):
```

<sub>Reply `/gryph cancel J-ID` to stop it.</sub>

<!-- gryph:job=J-ID key=J-ID:status -->\
""")
    town.engine.written = f"{DRAFT}    return '{TOKEN}'\n" + "    # and so on\n" * 400
    await town.spine.until(lambda: "and so on" in town.read(number))
    assert "The end of a draft of 6," in town.read(number)
    town.engine.may_end.set()
    await town.spine.until_quiet()
    assert "Tests for src/c.py" in town.read(number)
    assert "raft" not in town.read(number)
    assert not any(TOKEN[:8] in str(body) for _, body in town.github.written)


async def test_check_run_holds_the_result_and_its_buttons(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    assert shown(str(town.check.values["output"]["summary"])) == snapshot("""\
**test** `src/c.py` · ✅ succeeded · 1 test passes, 100 % of lines · N s · `J-ID` · asked by ann

### Tests for src/c.py

|  |  |
| --- | --- |
| **Tests** | 1, 1 passed |
| **Line coverage** | 100% (import alone: 50%) |
| **File** | `tests/test_c.py` |

**1 possible bug** — calls that crash (c\u200bloses #\u200b1, says @\u200bann):

| Smallest input | What happens | Line |
| --- | --- | --- |
| `double('\\|')` | `TypeError: @everyone <!channel>` | 2 |

```python
def test_triple() -> None:
    assert callable(triple)
```

📄 [test\\_c.py](https://gryph.test/api/v1/artifacts/A-ID) · 55 bytes

<details><summary>Not reached: 1 place</summary>

| Lines | Why |
| --- | --- |
| 4-6 | needs the network |

</details>

- **Apply**: reply `/gryph apply J-ID` to open a pull request with the files
- **Retry**: reply `/gryph retry J-ID` to run it again
- **Did it help?** React to this comment with 👍 or 👎, or reply `/gryph feedback J-ID up`\
""")
    assert [each["label"] for each in town.check.values["actions"]] == snapshot(["Apply", "Retry"])


async def test_button_on_the_check_run_retries(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    first = await town.spine.newest_job()
    await town.github.people.press(town.repo, town.check.id, "ann", f"retry {first.id}")
    await town.spine.until_quiet()
    assert (await town.spine.newest_job()).retry_of == first.id
    assert len(town.ours(number)) == 2
    assert len(town.repo.checks) == 2


async def test_forks_code_waits_for_an_approval_that_dies_with_the_next_push(town: Town) -> None:
    fork = town.github.world.repository("mallory/shop")
    number = await town.pull(by="mallory", fork=fork)
    await town.comment(number, "@gryph test src/c.py", by="mallory")
    assert town.read(number) == snapshot("""\
**test** `src/c.py` · ✋ waiting · this is a fork's code: someone with write access reads it and says `/gryph approve 708da1d4ac97f5531115834e137925cfc25f72ee` · `J-ID` · asked by mallory

<sub>Reply `/gryph cancel J-ID` to stop it.</sub>

<!-- gryph:job=J-ID key=J-ID:status -->\
""")
    assert town.engine.seen == []
    sha = town.repo.pulls[number].head_sha
    await town.comment(number, f"/gryph approve {sha}", by="mallory")
    assert town.engine.seen == []
    await town.comment(number, f"/gryph approve {sha}", by="root")
    assert town.engine.seen == [TRIPLE["src/c.py"].decode()]
    await town.github.people.push(town.repo, number, {"src/c.py": b"import os\n"})
    await town.comment(number, "@gryph test src/c.py", by="mallory")
    assert "waiting" in town.ours(number)[-1].body
    assert len(town.engine.seen) == 1


async def test_apply_opens_a_pull_request_once(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    job = await town.spine.newest_job()
    await town.comment(number, f"@gryph apply {job.id}")
    (made,) = set(town.repo.pulls) - {number}
    opened = town.repo.pulls[made]
    content = town.repo.git.blob(opened.head_sha, "tests/test_c.py").content
    assert content.startswith(b"def test_triple()")
    assert shown(town.ours(number)[-1].body) == snapshot("""\
Applied `J-ID`: [acme/shop#\u200b2](https://github.test/acme/shop/pull/2)

<!-- gryph:key=answer:4:0:answer -->\
""")
    assert shown(town.repo.issues[made].title) == snapshot("1 test for src/c.py")
    assert shown(town.repo.issues[made].body) == snapshot("""\
1 test for src/c.py: 1 passed, line coverage 100%

Asked for with `/gryph test src/c.py` (job J-ID).

- `tests/test_c.py`

For #1. Applied by ann from job `J-ID`.

<!-- gryph:job=J-ID key=J-ID:pull -->\
""")
    await town.comment(number, f"@gryph apply {job.id}")
    assert set(town.repo.pulls) == {number, made}
    assert f"/{made}" in town.ours(number)[-1].body


async def test_stranger_is_refused_with_the_reason(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py", by="mallory")
    assert town.read(number) == snapshot("""\
`test` is open to people with write access and the pull request's author; here you have no access.

<!-- gryph:key=answer:3:0:refused -->\
""")
    assert await town.spine.jobs() == []


async def test_reactions_are_votes_while_they_stand(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    (comment,) = town.ours(number)
    town.github.people.react(comment, "mallory", "+1")
    await town.chores["github-reactions"].do()
    await town.spine.until_quiet()
    assert await town.votes() == Tally(up=1, down=0)
    comment.reactions.clear()
    await town.chores["github-reactions"].do()
    await town.spine.until_quiet()
    assert await town.votes() == Tally(up=0, down=0)


async def test_webhook_delivered_four_times_is_one_job(town: Town) -> None:
    number = await town.pull()
    town.github.hooks.copies = 4
    await town.comment(number, "@gryph test src/c.py")
    assert len(await town.spine.jobs()) == 1
    assert len(town.ours(number)) == 1


async def test_webhook_that_was_lost_is_asked_for_again(town: Town) -> None:
    number = await town.pull()
    town.github.hooks.down = True
    town.github.world.ahead = timedelta(minutes=-1)
    await town.comment(number, "@gryph test src/c.py")
    town.github.world.ahead = timedelta(0)
    town.github.hooks.down = False
    assert await town.spine.jobs() == []
    await town.chores["github-webhooks"].do()
    await town.spine.until_quiet()
    assert len(await town.spine.jobs()) == 1
    assert len(town.ours(number)) == 1


async def test_edited_comment_runs_only_what_is_new(town: Town) -> None:
    number = await town.pull()
    said = await town.comment(number, "@gryph test src/a.py")
    await town.github.people.edit(town.repo, said, "ann", f"{said.body}\n@gryph test src/c.py")
    await town.spine.until_quiet()
    assert [job.line for job in await town.spine.jobs()] == ["test src/a.py", "test src/c.py"]


async def test_issue_is_about_the_default_branch_and_has_no_check_run(town: Town) -> None:
    number = await town.github.people.open_issue(town.repo, "ann")
    await town.comment(number, "@gryph test src/a.py")
    assert town.engine.seen == [FILES["src/a.py"].decode()]
    assert town.repo.checks == {}


@pytest.mark.parametrize("kind", ["status", "result", "answer"])
async def test_speaker_that_dies_after_posting_says_nothing_twice(town: Town, kind: str) -> None:
    number = await town.pull()
    town.outbound.dies_after = kind
    line = "quota" if kind == "answer" else "test src/c.py"
    await town.github.people.comment(town.repo, number, "ann", f"@gryph {line}")
    await town.spine.until(lambda: town.outbound.is_dead)
    await town.spine.kill_delivery()
    await town.spine.until_quiet()
    assert len(town.ours(number)) == 1
    assert len(town.repo.checks) == (0 if kind == "answer" else 1)


async def test_failure_says_what_to_mend(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph test src/missing.py")
    assert town.read(number) == snapshot("""\
**test** `src/missing.py` · ❌ failed · N s · `J-ID` · asked by ann

There is no file `src/missing.py` in this repository.

- **Retry**: reply `/gryph retry J-ID` to run it again

<!-- gryph:job=J-ID key=J-ID:status -->\
""")
    assert town.check.values["conclusion"] == "failure"


async def test_typo_is_answered_with_the_nearest_command(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph tset src/c.py")
    assert town.read(number) == snapshot("""\
There is no command `tset`. Did you mean `test`?
```text
/gryph tset src/c.py
       ^^^^
```
Nearest correct command:
```text
/gryph test src/c.py
```
Example: `/gryph test src/parser.py`

- **Run it**: reply `/gryph test src/c.py`

<!-- gryph:key=answer:3:0:error -->\
""")


async def test_plain_words_are_answered_with_what_we_understood(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph can you please write tests for src/c.py")
    assert town.read(number) == snapshot("""\
Did you mean this?
```
/gryph test src/c.py
```

- **Run it**: reply `/gryph test src/c.py`

<!-- gryph:key=answer:3:0:answer -->\
""")


async def test_help_is_readable(town: Town) -> None:
    number = await town.pull()
    await town.comment(number, "@gryph help")
    assert town.read(number) == snapshot("""\
### What I can do

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

Mention me (`@gryph test src/a.py`) or use `/gryph`; one line is one job. `/gryph help test` tells more about one command.

<!-- gryph:key=answer:3:0:answer -->\
""")
