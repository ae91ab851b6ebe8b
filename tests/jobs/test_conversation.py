"""What of a conversation is to be fixed, and what of it is shown."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.conversation import TALK_CHARS, looks_like_a_report, report, said, shared
from jobs.requests import GenerateCode, Remark, Snippet, Source, Talk, request_adapter

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD = "Traceback (most recent call last):\nKeyError: 'old'\n"
NEW = "FAILED tests/test_a.py::test_new - assert 1 == 2\n"
CODE = "def error():\n    return None\n"


def remark(text: str, *snippets: str) -> Remark:
    found = tuple(Snippet(text=each) for each in snippets)
    return Remark(author="ann", text=text, at=AT, snippets=found)


def fix(talk: Talk | None, **more: Any) -> GenerateCode:
    usual = {"source": Source(repository="o/r"), "wish": "", "task": "fix", "talk": talk}
    return GenerateCode.model_validate({**usual, "workspace": "slack:T1", **more})


@pytest.mark.parametrize(
    "text",
    [
        OLD,
        NEW,
        "E       assert 1 == 2",
        "> E   assert 1 == 2",
        "ValueError",
        "requests.exceptions.HTTPError: 404",
        "TypeError [ERR_INVALID_ARG]: x",
        "java.lang.NullPointerException: x",
        "    at Object.<anonymous> (/app/src/a.test.js:3:7)",
        "\tat com.acme.Shop.buy(Shop.java:12)",
        "--- FAIL: TestAdd (0.00s)",
        "thread 'main' panicked at src/main.rs:2:5",
        "panic: runtime error",
        "error[E0308]: mismatched types",
        "src: ok\n  ● adds numbers",
        "not ok 2 - adds",
        "2 failed, 7 passed in 0.1s",
        "===== short test summary info =====",
        "______ test_add ______",
        "FAIL: test_add (tests.test_a.Case)",
    ],
)
def test_reports_are_known(text: str) -> None:
    assert looks_like_a_report(text)


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        "we meet at 10:30",
        "Fail fast, they say",
        "Errors should never pass silently",
        "class ParseError(ValueError):\n    pass\n",
        "raise ValueError('x')",
        "@gryph generate fix",
        "",
    ],
)
def test_what_is_none_is_no_report(text: str) -> None:
    assert not looks_like_a_report(text)


def test_a_long_line_is_judged_quickly() -> None:
    assert not looks_like_a_report("= " * 50_000)
    assert not looks_like_a_report("x." * 50_000)
    assert not looks_like_a_report(" " * 100_000)


def test_the_newest_report_of_the_thread_is_what_is_to_be_fixed() -> None:
    talk = Talk(remarks=(remark("", OLD), remark("see:", NEW, CODE), remark("lunch?")))
    assert report(fix(talk)) == NEW
    assert list(shared(talk)) == [Snippet(text=CODE), Snippet(text=NEW), Snippet(text=OLD)]


def test_a_report_outside_of_fences_counts() -> None:
    assert report(fix(Talk(remarks=(remark(OLD),)))) == OLD


def test_what_was_pasted_goes_before_the_thread_and_the_thread_before_the_issue() -> None:
    talk = Talk(title="It breaks", remarks=(remark("", OLD),))
    assert report(fix(talk, snippets=(Snippet(text="7"),))) == "7"
    assert report(fix(talk.model_copy(update={"snippets": (Snippet(text=NEW),)}))) == NEW
    assert report(fix(talk.model_copy(update={"snippets": (Snippet(text=CODE),)}))) == OLD
    assert report(fix(Talk(title="It breaks", remarks=(remark("no"),)))) == "It breaks"
    assert report(fix(Talk(snippets=(Snippet(text=CODE),)))) == CODE


@pytest.mark.parametrize("talk", [None, Talk(), Talk(remarks=(remark("lunch?", CODE),))])
def test_where_nothing_failed_there_is_nothing_to_fix(talk: Talk | None) -> None:
    assert report(fix(talk)) == ""


def test_only_a_fix_has_a_report() -> None:
    assert report(fix(Talk(remarks=(remark("", OLD),)), task="write", wish="a slug")) == ""


def test_the_newest_is_said_last_and_the_oldest_left_out_first() -> None:
    talk = Talk(title="Slugs", body="we need them", remarks=(remark("one"), remark("two")))
    assert said(talk) == "Slugs\n\nwe need them\n\nann: one\n\nann: two"
    many = tuple(remark(f"{number} {'x' * 1_000}") for number in range(20))
    told = said(Talk(remarks=many))
    assert len(told) <= TALK_CHARS + 20
    assert told.startswith("ann: 15 ")
    assert "ann: 19 " in told


def test_a_block_that_is_said_whole_is_not_shown_again() -> None:
    talk = Talk(remarks=(remark(f"this:\n```\n{CODE}```", CODE), remark("", OLD)))
    assert list(shared(talk)) == [Snippet(text=OLD)]


def test_requests_of_earlier_versions_are_read() -> None:
    old = {
        "kind": "generate",
        "source": {"repository": "o/r"},
        "wish": "a slug",
        "workspace": "slack:T1",
        "snippets": [{"text": "x", "language": ""}],
        "talk": {
            "title": "Slugs",
            "remarks": [{"author": "ann", "text": "yes", "at": AT.isoformat()}],
            "left_out": 1,
        },
    }
    request = request_adapter.validate_python(old)
    assert request.talk is not None
    assert request.talk.remarks[0].snippets == ()
