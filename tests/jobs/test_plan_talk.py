"""Where a plan is found in what people wrote."""

from datetime import UTC, datetime

import pytest

from jobs.plan_talk import found_in_talk
from jobs.requests import NOWHERE, PlanTalk, Remark, Snippet, Talk

AT = datetime(2026, 12, 7, tzinfo=UTC)
TOML = "[[people]]\nid = 'ana'\n[[tasks]]\nid = 'API'\nestimate = '3d'\n"
OLD, NEW, OWN = "- old (1d) @ana", "- new (1d) @ana", "- own (1d) @ana"


def remark(text: str = "", *snippets: Snippet) -> Remark:
    return Remark(author="bo", text=text, at=AT, snippets=snippets)


def found(text: str = "", *snippets: Snippet, talk: Talk | None = None) -> str | None:
    request = PlanTalk(source=NOWHERE, text=text, snippets=snippets, asked_at=AT, talk=talk)
    written = found_in_talk(request)
    return written and written.text


def test_the_messages_own_list_counts_most() -> None:
    talk = Talk(remarks=(remark(NEW),), body=OLD)
    assert found(OWN, Snippet(text=TOML), talk=talk) == OWN


def test_then_a_pasted_block_then_an_attached_file() -> None:
    talk = Talk(remarks=(remark(NEW),), snippets=(Snippet(text=OLD, name="plan.txt"),))
    assert found("please", Snippet(text=TOML, language="toml"), talk=talk) == TOML
    assert found("please", Snippet(text="print(1)", language="python"), talk=talk) == OLD


def test_a_block_that_says_it_is_a_plan_is_taken_even_if_it_is_wrong() -> None:
    assert found("", Snippet(text="[[tasks]\n", language="toml")) == "[[tasks]\n"


def test_then_the_newest_remark_that_holds_one_then_the_issue() -> None:
    talk = Talk(remarks=(remark(OLD), remark(NEW), remark("- nice work\n- thanks")), body=OWN)
    assert found(talk=talk) == NEW
    assert found(talk=Talk(remarks=(remark("hello"),), body=OWN)) == OWN
    inside = remark("look:", Snippet(text=TOML))
    assert found(talk=Talk(remarks=(remark(NEW), inside))) == TOML


@pytest.mark.parametrize("text", ["", "we should plan this", "- first\n- second"])
def test_prose_is_no_plan(text: str) -> None:
    assert found(talk=Talk(remarks=(remark(text),), body=text)) is None
