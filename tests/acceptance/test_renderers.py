"""The campaign of `tests.acceptance.renderers`, in small, and that it would see what goes wrong."""

import pytest

from jobs.messages import Code, Reply, Text
from tests.acceptance.renderers import fuzz
from tests.acceptance.rendering.cases import case_of, words_of
from tests.acceptance.rendering.judging import lost, parted, unseen
from tests.acceptance.rendering.read import TABLED, codes, parts_characters
from tests.acceptance.rendering.shrinking import shrunk

CASES = 800


@pytest.mark.timeout(300)
def test_every_face_shows_any_reply_whole_and_harmless_within_its_limits() -> None:
    found = fuzz(7, range(CASES))
    assert found.cases == CASES
    assert not found.counts, list(found.examples.values())


def test_judges_see_what_is_wrong() -> None:
    case, _ = case_of(7, 3)
    case = shrunk(case, lambda each: bool(each.reply.blocks))
    assert [fault.kind for fault in lost("slack", case, ["zq1v"], "zq2v")] == ["lost"]
    assert [fault.kind for fault in unseen("slack", ["a\u202eb"])] == ["control character"]
    assert list(parted("slack", case, ["plain"])) == []
    assert parts_characters("e\u0301", "e\n\u0301")
    assert codes("- a\n\n      b\n\n```\nc", TABLED) == ["b", "c"]


def test_cases_are_made_from_their_number_alone() -> None:
    first, second = case_of(1, 12), case_of(1, 12)
    assert first == second
    assert case_of(1, 13) != first


def test_failing_case_becomes_small() -> None:
    number = next(n for n in range(1_000) if len(words_of(case_of(2, n)[0])) > 20)
    case, _ = case_of(2, number)
    small = shrunk(case, lambda each: "zq9v" in each.source)
    assert small.source.count("zq") == 1
    assert isinstance(small.reply, Reply)
    assert not isinstance(small.reply.blocks[0], Text | Code) or len(small.source) < 60
