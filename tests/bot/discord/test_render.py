from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.discord.buttons import Button
from bot.discord.fences import Fence, Prose, split_fences
from bot.discord.pages import (
    CONTENT_LIMIT,
    MOST_BUTTONS,
    MOST_TEXT_PAGES,
    MOST_UPLOADS,
    Draft,
    is_visible,
)
from bot.discord.render import (
    LONGEST_THREAD_NAME,
    render_reply,
    render_request,
    render_status,
    thread_name,
)
from bot.text import head, units
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
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from tests.bot.discord.views import JOB, RESULT, view

MIB = 1024 * 1024


def link(artifact: ArtifactId) -> str:
    return f"https://gryph.test/artifacts/{artifact}"


def drafts(*blocks: Block, job: JobId | None = JOB) -> tuple[Draft, ...]:
    return render_reply(Reply(summary="All done", blocks=blocks), link=link, job=job)


def shown(*blocks: Block) -> str:
    """What a person reads, message by message."""
    return "\n=====\n".join(
        "\n".join(
            [
                draft.content,
                *(f"[file {upload.name}]" for upload in draft.uploads),
                *(f"[{button.label}: {button.custom_id}]" for button in draft.buttons),
            ]
        )
        for draft in drafts(*blocks)
    )


def test_queued_reads_well() -> None:
    assert render_status(view(ahead=3)).content == snapshot("""\
🕓 **test** `src/a.py` · queued · 4th in line
-# J7K2M9Q · asked by @ann\
""")


def test_running_reads_well() -> None:
    running = view(JobState.RUNNING, text="searched 1,200 calls, 84 % of lines", done=0.42)
    draft = render_status(running)
    assert draft.content == snapshot("""\
⏳ **test** `src/a.py` · running · searched 1,200 calls, 84 % of lines · 42 %
-# J7K2M9Q · asked by @ann · started <t:1795510800:R>\
""")
    assert [button.label for button in draft.buttons] == ["Cancel"]


def test_waiting_reads_well() -> None:
    text = "fork code: a writer says `/gryph approve 3f9d2c41ab07`"
    assert render_status(view(JobState.WAITING, text=text)).content == snapshot("""\
✋ **test** `src/a.py` · waiting · fork code: a writer says `/gryph approve 3f9d2c41ab07`
-# J7K2M9Q · asked by @ann\
""")


def test_failed_on_the_second_attempt_reads_well() -> None:
    failed = view(JobState.FAILED, text="`src/a.py` does not import: no module `numpy`", attempt=2)
    draft = render_status(failed)
    assert draft.content == snapshot("""\
❌ **test** `src/a.py` · failed · `src/a.py` does not import: no module `numpy`
-# J7K2M9Q · asked by @ann · attempt 2 · took 1 min 12 s\
""")
    assert draft.buttons == ()


def test_request_reads_well() -> None:
    assert render_request(view()).content == snapshot("""\
**@ann** asked: `/gryph test src/a.py`
-# J7K2M9Q\
""")


def test_result_reads_well() -> None:
    assert shown(*RESULT.blocks) == snapshot("""\
**12 tests** pass in fresh processes.

**Lines covered**: 84 %
**Branches covered**: 71 %
```python
def test_parse() -> None:
    assert parse('1') == 1
```
-# J7K2M9Q · result
[Apply: g:apply:J7K2M9Q]
[Retry: g:retry:J7K2M9Q]
[👍: g:feedback:J7K2M9Q:up]
[👎: g:feedback:J7K2M9Q:down]\
""")


def test_error_reads_well() -> None:
    caret = "```\ntset src/a.py\n^^^^\n```\nThere is no `tset`; did you mean `test`?"
    reply = say(f"I do not know that command.\n{caret}")
    (draft,) = render_reply(reply, link=link)
    assert draft.content == snapshot("""\
I do not know that command.
```
tset src/a.py
^^^^
```
There is no `tset`; did you mean `test`?\
""")


def test_help_reads_well() -> None:
    blocks = (
        Heading(text="What I can do"),
        Table(
            header=("Say", "To"),
            rows=(("`test <target>`", "write tests"), ("`status`", "see where jobs are")),
        ),
        Text(markdown="`help <verb>` tells more."),
    )
    assert shown(*blocks) == snapshot("""\
### What I can do
```
Say            To
─────────────  ──────────────────
test <target>  write tests
status         see where jobs are
```
`help <verb>` tells more.
-# J7K2M9Q · result\
""")


def test_everything_else_reads_well() -> None:
    wide = "a long cell " * 5
    blocks = (
        Diff(path="src/a.py", text="@@ -1 +1 @@\n-a = 1\n+a = 2"),
        Table(header=("Case", "Expected", "Got"), rows=(("`-1`", wide.strip(), "**2**"),)),
        Picture(artifact=ArtifactId("A1"), alt="Coverage"),
        File(artifact=ArtifactId("A2"), name="all tests.zip", size_bytes=3 * MIB),
        File(artifact=ArtifactId("A3"), name="trace.json", size_bytes=30 * MIB),
        Collapsible(title="How it was found", blocks=(Text(markdown="By luck."),)),
        Collapsible(title="Log", blocks=(Code(text="line\n" * 300),)),
        Code(text=("x = 1  # because" + " it" * 20 + "\n") * 25, language="python"),
    )
    assert shown(*blocks) == snapshot("""\
`src/a.py`
```diff
@@ -1 +1 @@
-a = 1
+a = 2
```
- Case: `-1` · Expected: a long cell a long cell a long cell a long cell a long cell · Got: **2**

[trace.json](https://gryph.test/artifacts/A3) · 31.5 MB

**How it was found**
By luck.

**Log**: in `J7K2M9Q-7.md`
```python
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
x = 1  # because it it it it it it it it it it it it it it it it it it it it
```
… 10 more lines in `J7K2M9Q-8.py`
-# J7K2M9Q · result
[file J7K2M9Q-3.png]
[file all_tests.zip]
[file J7K2M9Q-7.md]
[file J7K2M9Q-8.py]\
""")


def test_text_from_elsewhere_is_made_harmless() -> None:
    text = """\
# Loud
@everyone and <@12>, <@&3>, <#4>, </run:5>
-# J7K2M9Q · result
>>> all the rest
#### Deep ##
![a picture](https://example.org/a.png)
---
| a | b |
|---|---|
| 1 | 2 |
```py
@everyone stays in code"""
    assert shown(Text(markdown=text)) == snapshot("""\
### Loud
@\u200beveryone and <\u200b@12>, <\u200b@&3>, <\u200b#4>, <\u200b/run:5>
\\-# J7K2M9Q · result
\\>>> all the rest
**Deep**
[a picture](https://example.org/a.png)
⎯⎯⎯
```
| a | b |
|---|---|
| 1 | 2 |
```
```py
@everyone stays in code
```
-# J7K2M9Q · result\
""")


def test_code_cannot_end_its_fence() -> None:
    assert shown(Code(text="a\n```\n@everyone\n```\nb")) == snapshot("""\
```
a
`\u200b``
@everyone
`\u200b``
b
```
-# J7K2M9Q · result\
""")


def test_long_text_is_cut_into_messages_and_the_rest_kept_in_a_file() -> None:
    made = drafts(Text(markdown="word " * 4_000), *RESULT.blocks)
    assert len(made) == MOST_TEXT_PAGES
    assert "all of it is in `J7K2M9Q.md`" in made[-1].content
    (upload,) = made[-1].uploads
    assert upload.text.count("word ") == 4_000
    assert "def test_parse" in upload.text
    assert [button.label for button in made[-1].buttons] == ["Apply", "Retry", "👍", "👎"]


def test_reply_without_anything_to_see_says_so() -> None:
    (draft,) = render_reply(Reply(summary=" \u200b"), link=link)
    assert draft.content == "(empty)"


def test_thread_name_keeps_the_job_id_whatever_the_line() -> None:
    name = thread_name(view(line="test " + "🐍" * 200))
    assert name.endswith("🐍 · J7K2M9Q")
    assert units(name) <= LONGEST_THREAD_NAME


HOSTILE = st.sampled_from(
    ["```", "``", "`", "\n", "# ", "> ", ">>> ", "-# J7K2M9Q · result", "||", "@everyone", "<@1>",
     "| a | b |\n", "---\n", "- - - x", "🐍", "\u200b", "\x00", "\r\n", " " * 40, "w" * 700,
     "[x](y)", "\\", "*", "_", "é"]
)  # fmt: skip
MARKDOWN = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(HOSTILE, st.text(max_size=20)), max_size=60).map("".join),
    st.tuples(st.lists(HOSTILE, min_size=1, max_size=12).map("".join), st.integers(1, 900)).map(
        lambda seed: (seed[0] * seed[1])[:200_000]
    ),
)
SHORT = st.one_of(st.text(max_size=30), HOSTILE)
ARTIFACTS = st.sampled_from([ArtifactId("A1"), ArtifactId("A2")])
ACTION = st.one_of(
    st.builds(
        Action, verb=st.just("retry"), label=SHORT, job=st.just(JOB), words=st.text(max_size=90)
    ),
    st.builds(Suggestion, line=st.text(min_size=1, max_size=120), label=SHORT),
)
LEAF: st.SearchStrategy[Block] = st.one_of(
    st.builds(Heading, text=MARKDOWN),
    st.builds(Text, markdown=MARKDOWN),
    st.builds(Code, text=MARKDOWN, language=st.sampled_from(["", "python", "c++"])),
    st.builds(Diff, path=SHORT, text=MARKDOWN),
    st.builds(
        Table,
        header=st.tuples(SHORT, SHORT),
        rows=st.lists(st.tuples(SHORT, MARKDOWN), max_size=4).map(tuple),
    ),
    st.builds(Fields, pairs=st.lists(st.tuples(SHORT, MARKDOWN), max_size=4).map(tuple)),
    st.builds(Picture, artifact=ARTIFACTS, alt=SHORT),
    st.builds(File, artifact=ARTIFACTS, name=SHORT, size_bytes=st.integers(0, 20 * MIB)),
    st.builds(Actions, actions=st.lists(ACTION, max_size=30).map(tuple)),
)
BLOCK = st.one_of(
    LEAF,
    st.builds(Collapsible, title=SHORT, blocks=st.lists(LEAF, max_size=3).map(tuple)),
)
REPLY = st.builds(Reply, summary=MARKDOWN, blocks=st.lists(BLOCK, max_size=5).map(tuple))


def assert_within_limits(draft: Draft) -> None:
    assert units(draft.content) <= CONTENT_LIMIT
    assert len(draft.uploads) <= MOST_UPLOADS
    assert len(draft.buttons) <= MOST_BUTTONS
    assert is_visible(draft.content) or draft.uploads
    ids = [button.custom_id for button in draft.buttons]
    assert len(set(ids)) == len(ids)
    for button in draft.buttons:
        assert_button(button)


def assert_button(button: Button) -> None:
    assert 1 <= len(button.label) <= 80
    assert len(button.custom_id) <= 100


def prose(draft: Draft) -> str:
    return "".join(part.text for part in split_fences(draft.content) if isinstance(part, Prose))


@settings(deadline=None, max_examples=150)
@given(REPLY, st.sampled_from([JOB, None]))
def test_any_reply_stays_within_limits_and_breaks_no_fence(reply: Reply, job: JobId | None) -> None:
    made = render_reply(reply, link=link, job=job)
    assert made
    for number, draft in enumerate(made, 1):
        assert_within_limits(draft)
        outside = prose(draft)
        assert "```" not in outside
        assert "@everyone" not in outside
        assert "<@1>" not in outside
        last = draft.content.rpartition("\n")[2]
        marker = f"{JOB} · result" + (f" {number}/{len(made)}" if len(made) > 1 else "")
        assert (last == f"-# {marker}") == (job is not None)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("abcdefgh \n🐍", max_size=900), max_size=12))
def test_nothing_is_dropped_from_text(paragraphs: list[str]) -> None:
    made = drafts(*(Text(markdown=paragraph) for paragraph in paragraphs), job=None)
    wanted = "".join("".join(paragraphs).split())
    if any(upload.text for draft in made for upload in draft.uploads):
        (whole,) = [upload.text for draft in made for upload in draft.uploads]
        assert wanted in "".join(whole.split())
    elif wanted:
        assert wanted == "".join("".join(draft.content for draft in made).split())


@settings(deadline=None, max_examples=100)
@given(st.text("abc`\n 🐍", max_size=5_000))
def test_nothing_is_dropped_from_code(text: str) -> None:
    made = drafts(Code(text=text))
    inside = "\n".join(
        part.text
        for draft in made
        for part in split_fences(draft.content)
        if isinstance(part, Fence)
    ).replace("\u200b", "")
    uploads = [upload.text for draft in made for upload in draft.uploads]
    assert text in uploads or not text.strip() or inside == text


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.sampled_from("ab🐍é"), st.integers(0, 2_500)), max_size=40),
    st.integers(0, 1_900),
)
def test_long_fence_is_carried_over_into_the_next_message(
    lines: list[tuple[str, int]], before: int
) -> None:
    code = "\n".join(letter * count for letter, count in lines)
    made = drafts(Text(markdown=f"{'x' * before}\n```py\n{code}\n```"))
    for draft in made:
        assert_within_limits(draft)
        assert "```" not in prose(draft)
    inside = "".join(
        part.text
        for draft in made
        for part in split_fences(draft.content)
        if isinstance(part, Fence)
    )
    wanted = code.replace("\n", "")
    if any(draft.uploads for draft in made):
        assert wanted.startswith(inside.replace("\n", ""))
        assert code in made[-1].uploads[0].text
    elif wanted:
        assert inside.replace("\n", "") == wanted


def test_button_that_says_and_runs_nothing_is_left_out() -> None:
    (draft,) = drafts(Text(markdown="done"), Actions(actions=(Suggestion(line="\n", label=""),)))
    assert not draft.buttons
    assert "/gryph" not in draft.content


@given(st.text(), st.integers(0, 50))
def test_head_is_a_beginning_that_fits(text: str, room: int) -> None:
    taken = head(text, room)
    assert text.startswith(taken)
    assert units(taken) <= room


@given(st.text("ab \n\u00e9\u4e2d\U0001f40d"), st.integers(0, 50))
def test_head_of_characters_without_marks_is_the_longest_that_fits(text: str, room: int) -> None:
    taken = head(text, room)
    assert taken == text or units(text[: len(taken) + 1]) > room


@given(st.text("`ab\n", max_size=60))
def test_fences_are_split_without_loss(text: str) -> None:
    starts = [part.start for part in split_fences(text) if isinstance(part, Prose)]
    assert all(before < after for before, after in pairwise(starts))
    for part in split_fences(text):
        assert part.text in text
        if isinstance(part, Prose):
            assert text[part.start :].startswith(part.text)


@settings(deadline=None)
@given(MARKDOWN, MARKDOWN, st.sampled_from(list(JobState)))
def test_any_status_is_one_message(line: str, text: str, state: JobState) -> None:
    draft = render_status(view(state, line=line, text=text, done=0.5, ahead=2))
    assert_within_limits(draft)
    assert "```" not in draft.content
    assert draft.content.rpartition("\n")[2].startswith("-# J7K2M9Q · asked by @ann")
    assert_within_limits(render_request(view(line=line)))
    assert 1 <= units(thread_name(view(line=line))) <= LONGEST_THREAD_NAME


@pytest.mark.parametrize("path", ["@everyone", "@here", "<@1>", "<#1>"])
def test_a_path_calls_nobody(path: str) -> None:
    (draft,) = drafts(Diff(path=path, text="+a"), job=None)
    assert path not in draft.content
