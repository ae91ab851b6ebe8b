"""Any draft, cut anywhere, as a status message of any face: judged as each platform would."""

from dataclasses import replace
from random import Random

import pytest

from bot.discord.render import render_status as on_discord
from bot.github.render import render_status as on_github
from bot.slack.render import render_status as on_slack
from jobs.messages import say
from storage import drafts
from storage.states import JobState
from tests.acceptance.renderers import judged
from tests.acceptance.rendering.cases import Case, case_of
from tests.acceptance.rendering.judging import MOST_CPU_S, Timing
from tests.acceptance.rendering.markdown import TextMaker
from tests.hostile import rules

CASES = 150
LARGEST = 200_000


def drafted(number: int) -> tuple[Case, str]:
    """A running job, and a text that it may have written until now."""
    random = Random(f"drafts:{number}")  # noqa: S311 - reproducible, not secret
    case, _ = case_of(3, number)
    texts = TextMaker(random)
    written = "\n\n".join(texts.text() for _ in range(random.choice((1, 1, 3, 10))))
    if number % 20 == 0:
        written = f"{written}\n" * (LARGEST // (len(written) + 1))
    written = written[: random.randrange(min(len(written), LARGEST) + 1)]
    view = replace(case.view, state=JobState.RUNNING, finished_at=None)
    return replace(case, view=view, reply=say("x"), has_job=True), written


def with_draft(case: Case, draft: str, length: int) -> Case:
    return replace(case, view=replace(case.view, draft=draft, draft_length=length))


@pytest.mark.parametrize("kept", [True, False], ids=["as it is kept", "of any length"])
def test_any_draft_is_shown_within_the_platforms_rules(kept: bool) -> None:  # noqa: FBT001
    timing = Timing()
    for number in range(CASES):
        case, written = drafted(number)
        text = drafts.kept(written).text if kept else written
        case = with_draft(case, text, len(written))
        assert list(judged(case, [], timing)) == [], number
        comment = on_github(case.view)
        assert rules.github(comment, marker=comment.rpartition("\n")[2]) == [], number
        shown = (str(on_slack(case.view).blocks), on_discord(case.view).content, comment)
        is_shown = ["not checked yet" in each for each in shown]
        assert is_shown == [bool(text.strip())] * 3, number
    assert max(timing.slowest_s.values()) < MOST_CPU_S
