import dataclasses
import time

import pytest
from typing_extensions import override

from engines.generation.asking import Answered, Pace, joined, nobody, read, repeats_itself
from engines.generation.ground import Budget, OutOfBudget
from engines.generation.scripted import Answer, ScriptedModel, Trouble
from engines.generation.scripted import Pace as Speed
from engines.generation.tasks import Limits
from engines.generation.types import Finish, Message, ModelRequest, ModelUnavailable
from engines.watch import Stopped, Unwatched


class Cancelling(Unwatched):
    """A person who cancels after so many looks."""

    def __init__(self, looks: int) -> None:
        self._left = looks
        self.asked_s = 0.0

    @override
    def stop_requested(self) -> bool:
        self._left -= 1
        if self._left <= 0 and not self.asked_s:
            self.asked_s = time.monotonic()
        return self._left <= 0


def asked(
    model: ScriptedModel,
    max_tokens: int = 4_000,
    budget: Budget | None = None,
    pace: Pace | None = None,
) -> Answered:
    request = ModelRequest((Message("user", "write"),), max_tokens)
    return read(
        model.submit(request),
        request,
        model,
        budget or Budget(Limits(), Unwatched()),
        pace or Pace(nobody),
    )


def test_an_answer_is_read_to_its_end() -> None:
    answered = asked(ScriptedModel(["one two three"]))
    assert (answered.text, answered.is_cut, answered.is_repetitive) == (
        "one two three",
        False,
        False,
    )


def test_an_answer_that_is_cut_off_goes_on_once() -> None:
    cut = Answer("FILE: a.py\n```\nabcdefgh", finish=Finish.LENGTH)
    whole = ScriptedModel([cut, "abcdefgh = 1\n```\n"])
    answered = asked(whole)
    assert answered.text == "FILE: a.py\n```\nabcdefgh = 1\n```\n"
    assert not answered.is_cut
    assert [one.role for one in whole.requests[1].messages] == ["user", "assistant", "user"]


def test_an_answer_that_is_cut_off_twice_is_told_so() -> None:
    answered = asked(ScriptedModel(["a b " * 50, "c d " * 50]), max_tokens=10)
    assert answered.is_cut
    assert len(answered.text) == 80


def test_a_model_that_repeats_itself_is_cut_short() -> None:
    model = ScriptedModel(["Sure.\n" + "    x = x + 1\n" * 1_000])
    answered = asked(model)
    assert answered.is_repetitive
    assert len(answered.text) < 4_000
    assert model.stats().running == 0


def test_ordinary_code_does_not_count_as_repeating() -> None:
    table = "".join(f"    {n}: {n * n},\n" for n in range(400))
    assert not repeats_itself(table)
    assert not repeats_itself("x = 1\n" * 20)


def test_parts_are_joined_without_what_both_have() -> None:
    assert joined("```python\nx = 12345678", "12345678 + 1\n") == "```python\nx = 12345678 + 1\n"
    assert joined("```python\nx = ", "```python\n1\n```") == "```python\nx = 1\n```"
    assert joined("a", "b") == "ab"


def test_a_person_who_cancels_is_obeyed_within_half_a_second() -> None:
    person = Cancelling(looks=3)
    model = ScriptedModel([Answer("begun", Trouble.HANGS)])
    with pytest.raises(Stopped):
        asked(model, budget=Budget(Limits(), person))
    assert time.monotonic() - person.asked_s < 0.5
    assert model.stats().running == 0


def test_the_deadline_ends_the_reading() -> None:
    model = ScriptedModel([Answer("begun", Trouble.HANGS)])
    with pytest.raises(OutOfBudget):
        asked(model, budget=Budget(Limits(deadline_s=0.05), Unwatched()))
    assert model.stats().running == 0


def test_an_answer_that_breaks_off_is_asked_for_once_more() -> None:
    model = ScriptedModel([Answer("begun", Trouble.FAILS, "it burnt"), "whole"])
    answered = asked(model)
    assert answered.text == "whole"
    assert answered.remarks == ("An answer broke off (it burnt) and was asked for once more.",)
    assert model.requests[0].messages == model.requests[1].messages


def test_where_an_answer_goes_on_only_the_part_that_broke_off_is_asked_for_again() -> None:
    cut = Answer("FILE: a.py\n```\nabcdefgh", finish=Finish.LENGTH)
    model = ScriptedModel([cut, Answer("ab", Trouble.FAILS), "abcdefgh = 1\n```\n"])
    assert asked(model).text == "FILE: a.py\n```\nabcdefgh = 1\n```\n"
    assert model.requests[1].messages == model.requests[2].messages


def test_an_answer_that_breaks_off_twice_is_the_callers_business() -> None:
    broken = [Answer("begun", Trouble.FAILS, why) for why in ("it burnt", "it drowned")]
    with pytest.raises(ModelUnavailable, match="it burnt; asked once more: it drowned"):
        asked(ScriptedModel([*broken, "whole"]))


def test_what_failed_before_a_word_is_not_asked_for_again() -> None:
    silent = ScriptedModel([Answer("", Trouble.FAILS, "it burnt"), "whole"])
    with pytest.raises(ModelUnavailable, match=r"^it burnt$"):
        asked(silent)
    assert len(silent.requests) == 1


def test_drafts_come_at_a_bounded_pace_and_end_with_the_whole() -> None:
    seen: list[str] = []
    model = ScriptedModel(["word " * 400], pace=Speed(piece_chars=1))
    answered = asked(model, pace=Pace(seen.append))
    assert seen[-1] == f"{answered.text}\n\n"
    assert len(seen) < 10
    assert all(answered.text.startswith(one) for one in seen[:-1])
    assert dataclasses.replace(answered.usage, total_s=0).written_tokens == 500
