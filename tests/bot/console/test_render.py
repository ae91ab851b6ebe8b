"""What a terminal shows: examples to judge with the eye, and properties for any text at all."""

import re
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.console.plain import Ink, clean, columns, cut
from bot.console.render import Screen, duration, render_reply, render_status
from bot.text import size
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
from storage.ids import ArtifactId
from storage.states import JobState
from tests.bot.console.gateway import JOB, a_view

PLAIN = Screen(lambda artifact: f"http://gryph/{artifact}", width=80)
COLOURED = Screen(PLAIN.link, width=80, coloured=True)

RESULT = Reply(
    summary="12 tests for src/stack.py, 91 % of its lines",
    blocks=(
        Text(markdown="**12 tests** for `src/stack.py`; see [the run](http://gryph/run)."),
        Fields(pairs=(("line coverage", "91 % (was 40 %)"), ("mutants killed", "17 of 20"))),
        Table(
            header=("Function", "Tests", "Lines"),
            rows=(("`Stack.push`", "4", "100 %"), ("`Stack.pop`", "8", "86 %")),
        ),
        Diff(path="tests/test_stack.py", text="@@ -0,0 +1,2 @@\n+def test_push():\n+    ...\n"),
        Collapsible(title="What was not covered", blocks=(Text(markdown="- line 31"),)),
        File(artifact=ArtifactId("A1"), name="test_stack.py", size_bytes=2345),
        Picture(artifact=ArtifactId("A2"), alt="Coverage over time"),
        Actions(
            actions=(
                Action(verb="apply", label="Apply", job=JOB, primary=True),
                Action(verb="feedback", label="👍", job=JOB, words="up"),
                Suggestion(line='test "a b.py"', label="Run it"),
            )
        ),
    ),
)


def test_a_job_in_each_state_reads_like_a_sentence() -> None:
    said = [
        render_status(a_view(JobState.WAITING, "someone must say `approve 1a2b3c`"), PLAIN),
        render_status(a_view(JobState.QUEUED), PLAIN),
        render_status(a_view(JobState.RUNNING, "searched 1,200 calls"), PLAIN),
        render_status(a_view(JobState.SUCCEEDED, "12 tests, 91 % of lines"), PLAIN),
        render_status(a_view(JobState.FAILED, "src/a.py cannot be imported"), PLAIN),
        render_status(a_view(JobState.CANCELLED, "cancelled by ann"), PLAIN),
    ]
    assert "\n".join(said) == snapshot("""\
test src/a.py · waiting · someone must say `approve 1a2b3c` · J7K2M9Q
test src/a.py · queued · 3rd in line · J7K2M9Q
test src/a.py · running · searched 1,200 calls · 42 % done · J7K2M9Q
test src/a.py · succeeded · 12 tests, 91 % of lines · 8.4 s · J7K2M9Q
test src/a.py · failed · src/a.py cannot be imported · 8.4 s · J7K2M9Q
test src/a.py · cancelled · cancelled by ann · 8.4 s · J7K2M9Q\
""")


def test_a_result_reads_well_without_colour() -> None:
    assert render_reply(RESULT, PLAIN) == snapshot("""\
12 tests for `src/stack.py`; see the run (http://gryph/run).

line coverage   91 % (was 40 %)
mutants killed  17 of 20

Function      Tests  Lines
`Stack.push`      4  100 %
`Stack.pop`       8   86 %

tests/test_stack.py
@@ -0,0 +1,2 @@
+def test_push():
+    ...

What was not covered
  - line 31

test_stack.py (2.3 kB): http://gryph/A1

Coverage over time: http://gryph/A2

  Apply   gryph ask "apply J7K2M9Q"
  👍      gryph ask "feedback J7K2M9Q up"
  Run it  gryph ask 'test "a b.py"'\
""")


def test_a_refusal_reads_well() -> None:
    reply = say("I know no verb `tset`:\n```\n/gryph tset src/a.py\n       ^\n```\nTry `test`.")
    assert render_reply(reply, PLAIN) == snapshot("""\
I know no verb `tset`:
    /gryph tset src/a.py
           ^
Try `test`.\
""")


def test_a_table_too_wide_wraps_its_widest_column() -> None:
    rows = (("test", "Write tests for a file, run them, and show the coverage"), ("quota", "Left"))
    table = Table(header=("Command", "What it does"), rows=rows)
    narrow = Screen(PLAIN.link, width=40)
    assert render_reply(Reply(summary="", blocks=(table,)), narrow) == snapshot("""\
Command  What it does
test     Write tests for a file, run
         them, and show the coverage
quota    Left\
""")


def test_a_table_with_no_room_to_wrap_becomes_records() -> None:
    table = Table(header=("Name", "Why"), rows=(("a" * 25, "x" * 25), ("b", "short")))
    narrow = Screen(PLAIN.link, width=30)
    assert render_reply(Reply(summary="", blocks=(table,)), narrow) == snapshot("""\
Name · Why

Name: aaaaaaaaaaaaaaaaaaaaaaaaa
Why: xxxxxxxxxxxxxxxxxxxxxxxxx

Name: b
Why: short\
""")


def test_a_status_that_must_fit_keeps_its_state_and_its_id() -> None:
    view = a_view(JobState.RUNNING, "searched 1,200 calls", line="test " + "a/" * 40 + "b.py")
    assert "b.py" in render_status(view, PLAIN)
    for width in (100, 80, 60, 40):
        line = render_status(view, Screen(PLAIN.link, width=width), fitting=True)
        assert columns(line) < width
        assert line.startswith("test ")
        assert line.endswith(JOB)
        assert " · running · " in line


def test_colours_change_nothing_but_the_colours() -> None:
    coloured = render_reply(RESULT, COLOURED)
    assert "\x1b[32m+def test_push():\x1b[0m" in coloured
    without_rule = render_reply(RESULT, PLAIN).replace("─", "")
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured).split() == without_rule.split()


def test_text_cannot_steer_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\r"
    for screen in (PLAIN, COLOURED):
        for reply in (
            say(hostile),
            Reply(summary="", blocks=(Code(text=hostile), Heading(text=hostile))),
            Reply(summary="", blocks=(Table(header=(hostile,), rows=((hostile,),)),)),
            Reply(summary="", blocks=(Diff(path=hostile, text=hostile),)),
        ):
            shown = re.sub(r"\x1b\[[\d;]*m", "", render_reply(reply, screen))
            assert not set(shown) & set("\x1b\x07\x9b\u202e\r")
            assert "evil" in shown
    status = render_status(a_view(text=hostile, line=hostile), PLAIN)
    assert not set(status) & set("\x1b\x07\x9b\u202e\r\n")


TEXTS = st.text(max_size=60)
INLINE: list[Any] = [
    st.builds(Heading, text=TEXTS),
    st.builds(Text, markdown=TEXTS),
    st.builds(Code, text=TEXTS, language=TEXTS),
    st.builds(Fields, pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple)),
    st.builds(Diff, path=TEXTS, text=TEXTS),
    st.builds(File, artifact=st.just(ArtifactId("A1")), name=TEXTS, size_bytes=st.integers(0)),
    st.builds(Picture, artifact=st.just(ArtifactId("A1")), alt=TEXTS),
    st.builds(
        Table,
        header=st.tuples(TEXTS, TEXTS),
        rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    ),
]
BLOCKS: st.SearchStrategy[Block] = st.recursive(
    st.one_of(INLINE),
    lambda inner: st.builds(
        Collapsible, title=TEXTS, blocks=st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=4,
)


def letters(value: object) -> str:
    """All letters and digits a block says."""
    match value:
        case str():
            return "".join(filter(str.isalnum, value))
        case dict():
            said = cast("dict[str, object]", value).items()
            return "".join(letters(each) for name, each in said if name not in UNSAID)
        case tuple():
            return "".join(map(letters, cast("tuple[object, ...]", value)))
        case _:
            return ""


UNSAID = ("kind", "language", "artifact")


SCREENS = st.builds(Screen, st.just(PLAIN.link), width=st.integers(20, 120), coloured=st.booleans())


@given(st.lists(BLOCKS, min_size=1, max_size=4), SCREENS)
def test_nothing_a_reply_says_is_left_out_and_nothing_steers(
    blocks: list[Block], screen: Screen
) -> None:
    shown = render_reply(Reply(summary="s", blocks=tuple(blocks)), screen)
    bare = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert clean(bare) == bare
    assert Counter("".join(letters(block.model_dump()) for block in blocks)) <= Counter(bare)


@pytest.mark.parametrize("text", ["[" * 200_000, "**" * 100_000, "`a" * 100_000, "\\" * 200_000])
def test_a_text_made_to_be_slow_is_rendered_all_the_same(text: str) -> None:
    assert len(render_reply(say(text), PLAIN)) >= len(text) // 2


@given(st.text(), st.integers(1, 40))
def test_a_cut_line_fits(text: str, width: int) -> None:
    line = cut(clean(text).replace("\n", " "), width)
    assert columns(line) <= width


def test_wide_characters_count_twice_and_combining_ones_not_at_all() -> None:
    assert (columns("漢字"), columns("e\u0301"), cut("漢字漢字", 5)) == (4, 1, "漢字…")


def test_markdown_in_a_line_is_shown_not_spelt() -> None:
    ink = Ink(coloured=False)
    assert ink.inline(r"**bold** `**code**` [t](http://u) \*literal\*") == (
        "bold `**code**` t (http://u) *literal*"
    )


def test_fenced_code_is_indented_and_an_open_fence_runs_to_the_end() -> None:
    paragraphs = Ink(coloured=False).paragraphs
    assert paragraphs("**a**\n```text\n**b**\n```\n**c**") == "a\n    **b**\nc"
    assert paragraphs("**a**\n```\n**b**\n``\n**c**") == "a\n    **b**\n    ``\n    **c**"


def test_amounts_are_said_as_people_say_them() -> None:
    assert [duration(s) for s in (0.04, 8.44, 125)] == ["0.0 s", "8.4 s", "2 min 5 s"]
    assert [size(b) for b in (0, 999, 1234, 5_000_000, 7_700_000_000)] == [
        "0 bytes",
        "999 bytes",
        "1.2 kB",
        "5.0 MB",
        "7.7 GB",
    ]
