"""What people read, written out."""

from inline_snapshot import snapshot

from bot.commands import COMMANDS
from bot.slack.pages import Message
from bot.slack.render import Rendered, render_reply, render_status
from handlers.help import overview
from jobs.messages import (
    Action,
    Actions,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Reply,
    Suggestion,
    Table,
    Text,
    say,
)
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from tests.bot.slack.conftest import view
from tests.fakes.slack.limits import check_message
from tests.fakes.slack.workspace import read

JOB = JobId("J7K2M9Q")


def seen(*messages: Message) -> str:
    for message in messages:
        check_message(message.text, [dict(block) for block in message.blocks])
    return "\n-----\n".join(read([dict(b) for b in message.blocks]) for message in messages)


def reply_seen(reply: Reply) -> str:
    rendered: Rendered = render_reply(reply)
    files = [f"{a.name} ({a.size_bytes} bytes)" for a in rendered.attachments]
    return "\n".join([seen(*rendered.messages), *files])


def test_queued() -> None:
    assert seen(render_status(view(JobState.QUEUED, text="", ahead=2))) == snapshot("""\
:hourglass_flowing_sand: *test* `src/a.py` · *queued* · 3rd in line
[Cancel]
`J7K2M9Q` · asked by <@U001ANN>\
""")


def test_running() -> None:
    assert seen(render_status(view(JobState.RUNNING, done=0.42, attempt=2))) == snapshot("""\
:gear: *test* `src/a.py` · *running* · searched 1,200 calls, 84 % of lines · 42 % done
[Cancel]
`J7K2M9Q` · asked by <@U001ANN> · attempt 2\
""")


def test_succeeded() -> None:
    done = view(JobState.SUCCEEDED, text="8 tests, 91 % of branches")
    assert seen(render_status(done)) == snapshot("""\
:white_check_mark: *test* `src/a.py` · *succeeded* · 8 tests, 91 % of branches
`J7K2M9Q` · asked by <@U001ANN> · took 8.4 s\
""")


def test_failed() -> None:
    assert seen(render_status(view(JobState.FAILED, text="src/a.py: no such file"))) == snapshot("""\
:x: *test* `src/a.py` · *failed* · src/a.py: no such file
`J7K2M9Q` · asked by <@U001ANN> · took 8.4 s\
""")


def test_slash_command_waiting() -> None:
    waiting = view(JobState.WAITING, text="code from a fork: approve abc1234")
    assert seen(render_status(waiting, rooted=True)) == snapshot("""\
<@U001ANN> asked: `test src/a.py`
:raised_hand: *waiting* · code from a fork: approve abc1234
[Cancel]
`J7K2M9Q`\
""")


def test_result() -> None:
    reply = Reply(
        summary="8 tests, 91 % of branches",
        blocks=(
            Heading(text="Tests for src/a.py"),
            Text(markdown="All **8 tests** pass; one branch is not reached."),
            Fields(pairs=(("Branches", "91 %"), ("Mutants killed", "`17` of 20"), ("Time", "8 s"))),
            Table(header=("Test", "Result"), rows=(("`test_empty`", "passed"), ("a|b", "passed"))),
            Code(text="def test_empty():\n    assert parse('') == []", language="python"),
            Diff(path="src/a.py", text="@@ -1 +1 @@\n-a\n+b"),
            Collapsible(title="Seeds", blocks=(Text(markdown="1, 2, 3"),)),
            Collapsible(title="Full log", blocks=(Code(text="line\n" * 500),)),
            File(artifact=ArtifactId("A1"), name="test_a.py", size_bytes=4_321),
            Actions(
                actions=(
                    Action(verb="apply", label="Apply", job=JOB, primary=True),
                    Action(verb="retry", label="Retry", job=JOB),
                    Action(verb="feedback", label="👍", job=JOB, words="up"),
                )
            ),
        ),
    )
    assert reply_seen(reply) == snapshot("""\
Tests for src/a.py
All **8 tests** pass; one branch is not reached.
*Branches*
91 %
*Mutants killed*
`17` of 20
*Time*
8 s
| Test | Result |
| --- | --- |
| `test_empty` | passed |
| a\\|b | passed |
```python
def test_empty():
    assert parse('') == []
```
`src/a.py`

```diff
@@ -1 +1 @@
-a
+b
```
**Seeds**
1, 2, 3
:paperclip: `Full-log.md` · 502 lines
:paperclip: `test_a.py` · 4.3 kB
[Apply] [Retry] [👍]
Full-log.md (2508 bytes)
test_a.py (4321 bytes)\
""")


def test_error() -> None:
    reply = Reply(
        summary="I do not know tset",
        blocks=(
            Text(markdown="I do not know `tset`. Did you mean `test src/a.py`?"),
            Actions(actions=(Suggestion(line="test src/a.py", label="Run test src/a.py"),)),
        ),
    )
    assert reply_seen(reply) == snapshot("""\
I do not know `tset`. Did you mean `test src/a.py`?
[Run test src/a.py]\
""")


def test_help() -> None:
    assert reply_seen(overview(dict(list(COMMANDS.items())[:3]))) == snapshot("""\
What I can do
| Command | What it does |
| --- | --- |
| `/gryph test` | Write tests for code, or show what a pull request changes in how it behaves |
| `/gryph generate` | Write, fix or refactor code with a model, and check what it wrote |
| `/gryph plan` | Plan who does what and when, tell how sure that is, and plan again after an event |
Mention me (`@gryph test src/a.py`) or use `/gryph`; one line is one job. `/gryph help test` tells more about one command.\
""")


def test_long_answer_is_cut_and_attached() -> None:
    shown = reply_seen(say("One sentence of many.\n\n" * 3_000))
    assert shown[-300:] == snapshot("""\
ny.

One sentence of many.

One sentence of many.

One sentence of many.

One sentence of many.

One sentence of many.

One sentence of many.

One sentence of many.

One sentence of many.

One sentence of many.
:scissors: Cut here; all of it stands in `whole-answer.md`.
whole-answer.md (69024 bytes)\
""")


def test_long_code_is_a_file() -> None:
    reply = Reply(summary="Code", blocks=(Code(text="x = 1\n" * 1_000, language="python"),))
    assert reply_seen(reply) == snapshot("""\
:paperclip: `code.py` · 1,000 lines
code.py (6000 bytes)\
""")


def test_nothing_at_all() -> None:
    assert reply_seen(Reply(summary="", blocks=(Text(markdown=" \n"),))) == snapshot(
        "_(There is nothing to show.)_"
    )
