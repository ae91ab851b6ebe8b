import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.face import JobView
from bot.github.blocks import Page
from bot.github.render import (
    COMMENT_ROOM,
    Whole,
    render_answer,
    render_check,
    render_check_result,
    render_result,
    render_status,
)
from bot.text import head, head_lines, units
from handlers import Caller, Platform
from handlers.help import overview
from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Picture,
    Reply,
    Suggestion,
    Table,
    Text,
    say,
)
from storage.clock import utc_now
from storage.ids import ArtifactId
from storage.states import JobState
from tests.bot.github.commands import COMMANDS
from tests.bot.github.test_harmless import GFM, HOSTILE, prose
from tests.bot.github.town import JOB, finished, running

WHOLE = Whole("J7K2M9Q.md", "https://gryph.test/api/v1/artifacts/A1", 200_000)


def address(artifact: ArtifactId) -> str:
    """Where artifacts lie."""
    return f"https://gryph.test/api/v1/artifacts/{artifact}"


PAGE = Page(address)
QUEUED = JobView(
    job=JOB,
    verb="test",
    line="test src/a.py",
    state=JobState.QUEUED,
    text="queued",
    done=None,
    attempt=1,
    asked_by=Caller(platform=Platform.GITHUB, account="1", name="ann-b"),
    created_at=utc_now(),
    started_at=None,
    finished_at=None,
    ahead=2,
)
RESULT = Reply(
    summary="12 tests for src/a.py: 12 passed, line coverage 84%",
    blocks=(
        Heading(text="Tests for src/a.py"),
        Fields(pairs=(("Tests", "12, 12 passed"), ("File", "`tests/test_a.py`"))),
        Text(markdown="**1 possible bug** — nobody documents it, says @root:"),
        Table(
            header=("Smallest input", "What happens"),
            rows=(("`div(1, 0 | 0)`", "`ZeroDivisionError`"),),
        ),
        Code(text="def test_a():\n    assert a() == 1\n", language="python"),
        File(artifact=ArtifactId("A1"), name="test_a.py", size_bytes=3_100),
        Collapsible(
            title="Not reached: 1 place",
            blocks=(Table(header=("Lines", "Why"), rows=(("7-9", "needs a file"),)),),
        ),
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


def test_queued_job() -> None:
    assert render_status(QUEUED) == snapshot("""\
**test** `src/a.py` · 🕓 queued · 3rd in line · `J7K2M9Q` · asked by ann-b

<sub>Reply `/gryph cancel J7K2M9Q` to stop it.</sub>

<!-- gryph:job=J7K2M9Q key=J7K2M9Q:status -->\
""")


def test_running_job() -> None:
    view = running(QUEUED, "searched 1,200 calls, 84 % of lines", 0.42)
    assert render_status(view) == snapshot("""\
**test** `src/a.py` · ⏳ running · searched 1,200 calls, 84 % of lines · 42% · `J7K2M9Q` · asked by ann-b

<sub>Reply `/gryph cancel J7K2M9Q` to stop it.</sub>

<!-- gryph:job=J7K2M9Q key=J7K2M9Q:status -->\
""")


def test_job_that_waits_for_approval() -> None:
    text = "this is a fork's code: someone with write access reads it and says `/gryph approve 3f`"
    assert render_status(replace(QUEUED, state=JobState.WAITING, text=text)) == snapshot("""\
**test** `src/a.py` · ✋ waiting · this is a fork's code: someone with write access reads it and says `/gryph approve 3f` · `J7K2M9Q` · asked by ann-b

<sub>Reply `/gryph cancel J7K2M9Q` to stop it.</sub>

<!-- gryph:job=J7K2M9Q key=J7K2M9Q:status -->\
""")


def test_result() -> None:
    view = finished(QUEUED, "12 tests pass, 84 % of lines")
    assert render_result(view, RESULT, PAGE).text == snapshot("""\
**test** `src/a.py` · ✅ succeeded · 12 tests pass, 84 % of lines · 8.4 s · `J7K2M9Q` · asked by ann-b

### Tests for src/a.py

|  |  |
| --- | --- |
| **Tests** | 12, 12 passed |
| **File** | `tests/test_a.py` |

**1 possible bug** — nobody documents it, says @\u200broot:

| Smallest input | What happens |
| --- | --- |
| `div(1, 0 \\| 0)` | `ZeroDivisionError` |

```python
def test_a():
    assert a() == 1
```

📄 [test\\_a.py](https://gryph.test/api/v1/artifacts/A1) · 3.1 kB

<details><summary>Not reached: 1 place</summary>

| Lines | Why |
| --- | --- |
| 7-9 | needs a file |

</details>

- **Apply**: reply `/gryph apply J7K2M9Q` to open a pull request with the files
- **Retry**: reply `/gryph retry J7K2M9Q` to run it again
- **Did it help?** React to this comment with 👍 or 👎, or reply `/gryph feedback J7K2M9Q up`

<!-- gryph:job=J7K2M9Q key=J7K2M9Q:status -->\
""")


def test_failure() -> None:
    view = finished(QUEUED, "not a Python file", JobState.FAILED)
    reply = say("`src/a.rs` is not a Python file; `test` knows Python (`.py`) only so far.")
    assert render_result(view, reply, PAGE).text == snapshot("""\
**test** `src/a.py` · ❌ failed · not a Python file · 8.4 s · `J7K2M9Q` · asked by ann-b

`src/a.rs` is not a Python file; `test` knows Python (`.py`) only so far.

<!-- gryph:job=J7K2M9Q key=J7K2M9Q:status -->\
""")


def test_help() -> None:
    assert render_answer(overview(COMMANDS), PAGE, key="answer:7:0").text == snapshot("""\
### What I can do

| Command | What it does |
| --- | --- |
| `/gryph help` | Show what I can do, or one command in detail |
| `/gryph status` | Show where a job is, or your latest jobs |
| `/gryph test` | Write tests for code, or show what a pull request changes in how it behaves |

Mention me (`@gryph test src/a.py`) or use `/gryph`; one line is one job. `/gryph help test` tells more about one command.

<!-- gryph:key=answer:7:0 -->\
""")


def test_suggestion() -> None:
    run = Suggestion(line="test src/a.py", label="Run it")
    reply = Reply(
        summary="Did you mean /gryph test src/a.py?",
        blocks=(
            Text(markdown="Did you mean this?\n```\n/gryph test src/a.py\n```"),
            Actions(actions=(run,)),
        ),
    )
    assert render_answer(reply, PAGE, key="answer:7:0").text == snapshot("""\
Did you mean this?
```
/gryph test src/a.py
```

- **Run it**: reply `/gryph test src/a.py`

<!-- gryph:key=answer:7:0 -->\
""")


def test_result_too_long_for_a_comment() -> None:
    reply = Reply(summary="Much", blocks=(Code(text="x = 1\n" * 30_000, language="python"),))
    fitted = render_result(finished(QUEUED, "done"), reply, PAGE, WHOLE)
    assert not fitted.is_whole
    assert fitted.text.rpartition("```")[2] == snapshot("""\


… 19,231 more lines

</details>

✂️ **Cut here.** The whole answer, 200,000 characters, is in [J7K2M9Q.md](https://gryph.test/api/v1/artifacts/A1).

<!-- gryph:job=J7K2M9Q key=J7K2M9Q:status -->\
""")


def test_check_run() -> None:
    view = finished(QUEUED, "12 tests pass, 84 % of lines")
    made = render_check_result(view, RESULT, PAGE)
    del made["completed_at"], made["output"]["summary"]
    assert made == snapshot(
        {
            "status": "completed",
            "conclusion": "success",
            "output": {"title": "12 tests pass, 84 % of lines"},
            "actions": [
                {
                    "label": "Apply",
                    "description": "Open a pull request with the files",
                    "identifier": "apply J7K2M9Q",
                },
                {
                    "label": "Retry",
                    "description": "Run the same job again",
                    "identifier": "retry J7K2M9Q",
                },
            ],
        }
    )


def _repeated(part: str, times: int) -> str:
    return (part * times)[:200_000]


TEXTS: st.SearchStrategy[str] = st.one_of(
    HOSTILE,
    st.text(max_size=200),
    st.builds(_repeated, HOSTILE, st.integers(0, 20_000)),
)
SHORT: st.SearchStrategy[str] = st.one_of(HOSTILE, st.text(max_size=50))


def _tables(columns: int) -> st.SearchStrategy[Table]:
    row = st.lists(SHORT, min_size=columns, max_size=columns).map(tuple)
    rows = st.lists(row, max_size=5).map(tuple)
    return st.builds(Table, header=row, rows=rows)


LEAVES = st.one_of(
    st.builds(Heading, text=TEXTS),
    st.builds(Text, markdown=TEXTS),
    st.builds(Code, text=TEXTS, language=SHORT),
    st.builds(Diff, path=SHORT, text=TEXTS),
    st.integers(1, 4).flatmap(_tables),
    st.builds(Fields, pairs=st.lists(st.tuples(SHORT, TEXTS), max_size=4).map(tuple)),
    st.builds(Picture, artifact=st.just(ArtifactId("A1")), alt=SHORT),
    st.builds(File, artifact=st.just(ArtifactId("A1")), name=SHORT, size_bytes=st.integers(0)),
    st.builds(
        Actions,
        actions=st.lists(
            st.one_of(
                st.builds(Action, verb=st.just("retry"), label=SHORT, job=st.just(JOB)),
                st.builds(Suggestion, line=TEXTS, label=SHORT),
            ),
            max_size=3,
        ).map(tuple),
    ),
)
BLOCKS: st.SearchStrategy[Block] = st.one_of(
    LEAVES,
    st.builds(Collapsible, title=TEXTS, blocks=st.lists(LEAVES, max_size=3).map(tuple)),
)
REPLIES = st.builds(Reply, summary=TEXTS, blocks=st.lists(BLOCKS, max_size=5).map(tuple))


@given(REPLIES, st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_reply_is_a_harmless_comment_within_the_limit(reply: Reply, has_whole: bool) -> None:  # noqa: FBT001
    whole = WHOLE if has_whole else None
    for fitted in (
        render_result(finished(QUEUED, reply.summary), reply, PAGE, whole),
        render_answer(reply, PAGE, key="answer:1:0", whole=whole),
    ):
        assert 0 < units(fitted.text) <= COMMENT_ROOM
        tokens = GFM.parse(fitted.text)
        assume(
            all(each.level < GFM.options.maxNesting - 1 for each in tokens)
        )  # it reads no deeper
        html = [each.content for each in tokens if each.type == "html_block"]
        hidden = [each for each in html if each.startswith("<!--")]
        assert len(hidden) == 1, "our marker, outside of every fence, and nobody else's"
        assert fitted.text.endswith(hidden[0].strip())


@pytest.mark.parametrize("line", ["- done", "1. done", "# done", "+ done", "=== done"])
def test_line_that_is_all_that_is_said_opens_no_block(line: str) -> None:
    made = render_answer(Reply(summary=line, blocks=()), PAGE, key="answer:1:0").text
    assert [each.type for each in GFM.parse(made) if each.level == 0 and each.nesting == 1] == [
        "paragraph_open"
    ]


@pytest.mark.parametrize(("letter", "least"), [("a ", 50_000), ("語 ", 15_000)])
def test_check_run_holds_what_its_bytes_allow(letter: str, least: int) -> None:
    made = render_check_result(finished(QUEUED, "done"), say(letter * 60_000), PAGE)
    summary = made["output"]["summary"]
    assert len(summary.encode()) <= 65_535
    assert len(summary) >= least


@given(REPLIES)
@settings(max_examples=30, deadline=None)
def test_any_reply_is_a_check_run_within_the_limits(reply: Reply) -> None:
    made = render_check_result(finished(QUEUED, reply.summary), reply, PAGE)
    assert 0 < len(made["output"]["title"]) <= 255
    assert 0 < len(made["output"]["summary"].encode(errors="replace")) <= 65_535
    assert len(made["actions"]) <= 3
    for action in made["actions"]:
        assert len(action["label"]) <= 20
        assert len(action["description"]) <= 40
        assert len(action["identifier"]) <= 20


@given(TEXTS, TEXTS, SHORT)
@settings(max_examples=60, deadline=None)
def test_any_status_is_short_and_harmless(line: str, text: str, name: str) -> None:
    asker = Caller(platform=Platform.GITHUB, account="1", name=name)
    view = running(replace(QUEUED, line=f"test {line}", asked_by=asker), text, 0.5)
    made = render_status(view)
    assert units(made) < 4_000
    assert not re.search(r"(?:^|[^0-9A-Za-z])@[A-Za-z0-9]", prose(made))
    assert units(render_check(view)["output"]["summary"]) < 4_000
    assert 0 < len(render_check(view)["output"]["title"]) <= 255


@given(st.text(), st.integers(0, 50))
def test_beginning_fits_and_is_a_beginning(text: str, room: int) -> None:
    for made in (head(text, room), head_lines(text, room)):
        assert text.startswith(made)
        assert units(made) <= room


def test_short_reply_is_whole() -> None:
    view = finished(QUEUED, "done")
    assert render_result(view, RESULT, PAGE).is_whole


def test_buttons_and_files_keep_their_place_behind_endless_text() -> None:
    reply = Reply(summary="Much", blocks=(Text(markdown="word " * 40_000), *RESULT.blocks))
    text = render_result(finished(QUEUED, "done"), reply, PAGE, WHOLE).text
    assert "`/gryph apply J7K2M9Q`" in text
    assert "[test\\_a.py](https://gryph.test/api/v1/artifacts/A1)" in text


def test_pictures_are_shown_only_where_github_can_fetch_them() -> None:
    reply = Reply(summary="p", blocks=(Picture(artifact=ArtifactId("A1"), alt="Gantt chart"),))
    here = render_answer(reply, PAGE, key="k").text
    public = render_answer(reply, Page(address, shows_pictures=True), key="k").text
    assert here.startswith("🖼️ [Gantt chart](https://gryph.test")
    assert public.startswith("![Gantt chart](https://gryph.test")


def test_long_code_is_folded() -> None:
    reply = Reply(summary="c", blocks=(Code(text="x = 1\n" * 100, language="python"),))
    text = render_answer(reply, PAGE, key="k").text
    assert text.startswith("<details><summary>python · 100 lines</summary>\n\n```python\n")
    assert "\n```\n\n</details>" in text
