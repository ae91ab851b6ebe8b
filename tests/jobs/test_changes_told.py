"""What a person reads of a change's behaviour."""

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.console.render import Screen, render_reply
from engines.testing.behaviour.types import BehaviourDiff
from jobs.changes_told import nothing_told, told
from jobs.desk import Done
from jobs.messages import Verdict
from jobs.requests import Source, TestChanges
from storage.ids import JobId
from tests.jobs.differences import EMPTY, FAILS, LEFT_OUT, MENDED, POP, SLUG, diff

REQUEST = TestChanges(
    source=Source(repository="acme/shop", sha="b" * 40, number=12),
    base=Source(repository="acme/shop", sha="a" * 40),
    base_name="main",
)


def said(diff: BehaviourDiff) -> Done:
    return told(REQUEST, diff, JobId("J7K2M9Q"))


def read(done: Done) -> str:
    return render_reply(done.reply, Screen(width=100, link=str)).strip()


def test_differences_are_told_function_by_function_with_the_tests_and_what_was_run() -> None:
    done = said(diff(SLUG, EMPTY, POP, tests=(FAILS, MENDED), left_out=(LEFT_OUT,)))
    assert done.text == (
        "2 functions behave differently, 1 test fails now, 1 test passes now; "
        "92 % of the changed lines were run"
    )
    assert read(done) == snapshot("""\
What #12 changes
────────────────

`slugify` · `text/slugs.py`, line 7
- `slugify("a--b")`: `'a-b'` → `'a--b'`
- `slugify("")`: raises `ValueError: nothing to name` → `''`

`Stack.pop` · `stack.py`, line 12
- `stack = Stack(); stack.push(1); stack.pop()`: `1` → does not end

1 test fails that passed before
- `tests/test_slugs.py::test_dashes`: `'a--b' != 'a-b'`

1 test passes that failed before
- `tests/test_slugs.py::test_empty`: `ValueError`

Compared with      `main` (`aaaaaaaaaaaa`)
Changed lines run  23 of 25
Ran                4,321 calls in 9.6 CPU s
Isolation          bubblewrap

Not compared: 1
  What           Why
  `text/new.py`  new

  Retry  gryph ask "retry J7K2M9Q"
  👍     gryph ask "feedback J7K2M9Q up"
  👎     gryph ask "feedback J7K2M9Q down"\
""")


def test_each_function_is_a_remark_on_its_first_changed_line() -> None:
    remarks = said(diff(SLUG, EMPTY, POP)).reply.remarks
    assert [(each.path, each.line, each.text) for each in remarks] == snapshot(
        [
            (
                "text/slugs.py",
                7,
                """\
`slugify`
- `slugify("a--b")`: `'a-b'` → `'a--b'`
- `slugify("")`: raises `ValueError: nothing to name` → `''`\
""",
            ),
            (
                "stack.py",
                12,
                """\
`Stack.pop`
- `stack = Stack(); stack.push(1); stack.pop()`: `1` → does not end\
""",
            ),
        ]
    )


@pytest.mark.parametrize(
    ("seen", "summary", "verdict"),
    [
        (
            diff(),
            "Nothing behaves differently; 92 % of the changed lines were run",
            Verdict.PASSES,
        ),
        (
            diff(SLUG),
            "1 function behaves differently; 92 % of the changed lines were run",
            Verdict.DIFFERS,
        ),
        (
            diff(tests=(MENDED,)),
            "1 test passes now; 92 % of the changed lines were run",
            Verdict.DIFFERS,
        ),
        (
            diff(tests=(FAILS, replace(FAILS, test="t::other"))),
            "2 tests fail now; 92 % of the changed lines were run",
            Verdict.FAILS,
        ),
        (
            diff(lines=(0, 5)),
            "Nothing could be compared; 0 % of the changed lines were run",
            Verdict.DIFFERS,
        ),
        (
            diff(lines=(0, 0)),
            "Nothing behaves differently; no line that runs was added or altered",
            Verdict.PASSES,
        ),
        (
            diff(lines=(0, 0), left_out=(LEFT_OUT,)),
            "Nothing could be compared; no line that runs was added or altered",
            Verdict.DIFFERS,
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_one_line_says_what_came_of_it(seen: BehaviourDiff, summary: str, verdict: Verdict) -> None:
    done = said(seen)
    assert (done.text, done.reply.verdict) == (summary, verdict)


def test_what_was_cut_short_says_so() -> None:
    assert "stopped early" in read(said(diff(complete=False)))


def test_many_functions_are_folded() -> None:
    many = (replace(SLUG, function=f"f{n}") for n in range(20))
    assert "8 more functions" in read(said(diff(*many)))


def test_code_that_holds_backticks_stays_code() -> None:
    ticks = replace(SLUG, call="slugify('``')", head="'`'")
    (remark,) = said(diff(ticks)).reply.remarks
    assert "```slugify('``')```: `'a-b'` → ``'`'``" in remark.text


def test_change_without_python_code_passes_and_says_that_nothing_was_run() -> None:
    done = nothing_told(REQUEST, JobId("J7K2M9Q"))
    assert done.reply.verdict is Verdict.PASSES
    assert read(done) == snapshot("""\
What #12 changes
────────────────

No Python code differs from `main` (`aaaaaaaaaaaa`), tests left aside: nothing was run.

  Retry  gryph ask "retry J7K2M9Q"
  👍     gryph ask "feedback J7K2M9Q up"
  👎     gryph ask "feedback J7K2M9Q down"\
""")
