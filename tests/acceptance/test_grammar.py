"""The campaigns on the grammar, small; see `tests.acceptance.grammar`."""

import pytest

from bot.commands import COMMANDS
from bot.grammar import prose
from tests.acceptance.grammar import campaign, time_campaign
from tests.acceptance.markdown_reader import places


def test_no_message_or_line_crashes_or_misleads_the_grammar() -> None:
    figures = campaign(cases=6_000, seed=20_260, processes=1)
    assert figures.examples == {}
    assert figures.cases["commands in them"] > 1_000


def test_time_grows_with_the_length_of_the_text() -> None:
    figures, _ = time_campaign(1, pieces=("_\u200b",))
    assert figures.examples == {}


def test_a_grammar_that_listens_in_the_middle_of_words_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def anywhere(source: str, start: int) -> bool:
        return bool(source[start:])

    monkeypatch.setattr(prose, "_may_stand", anywhere)
    figures = campaign(cases=400, seed=1, processes=1)
    assert figures.violations["a false trigger, known by construction"]
    assert figures.violations["a false trigger"]


@pytest.mark.parametrize(
    ("text", "must"),
    [
        ("w\n/gryph status", {2}),
        ("@gryph status and @gryph quota", {0}),
        ("> w\n/gryph status\n\n@gryph quota", {19}),
        ("<b>@gryph status</b> @gryph quota", {21}),
        ("`@gryph status` ~~@gryph status~~ [@gryph status](u)", set[int]()),
    ],
)
def test_the_reader_tells_where_commands_are(text: str, must: set[int]) -> None:
    told = places(text, COMMANDS)
    assert told is not None
    assert told.must == told.may == must
