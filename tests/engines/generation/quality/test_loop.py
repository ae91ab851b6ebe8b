"""The rounds, with a scripted model and without a sandbox: nothing is run."""

from pathlib import Path

import pytest
from typing_extensions import override

from engines.generation.engine import generate
from engines.generation.ground import Ground
from engines.generation.scripted import Answer, Pace, ScriptedModel, Trouble
from engines.generation.tasks import CannotGenerate, CheckOutcome, Kind, Limits, Result, Task, Turn
from engines.generation.types import Finish, ModelRequest, ModelUnavailable, RequestRefused
from engines.watch import Stopped, Unwatched


def file(path: str, text: str) -> str:
    return f"I write it.\n\nFILE: {path}\n```python\n{text}```\n"


GOOD = file("shop/tax.py", "def tax(price):\n    return price * 0.2\n")
UNPARSED = file("shop/tax.py", "def tax(price):\n    return price * (0.2\n")
UNDEFINED = file("shop/tax.py", "def tax(price):\n    return prise * 0.2\n")


def outcomes(result: Result) -> dict[str, CheckOutcome]:
    return {one.name: one.outcome for one in result.checks}


def write(model: ScriptedModel, root: Path, ground: Ground, limits: Limits | None = None) -> Result:
    return generate(Task(Kind.WRITE, "a tax", root, path="shop/tax.py"), model, ground, limits)


def test_a_planted_syntax_error_and_a_lint_error_are_repaired(
    shop: Path, text_ground: Ground
) -> None:
    model = ScriptedModel([UNPARSED, UNDEFINED, GOOD])
    result = write(model, shop, text_ground)
    assert [one.failed for one in result.attempts] == ["parses", "lint", ""]
    assert result.rounds == 2
    assert result.files[0].content == "def tax(price):\n    return price * 0.2\n"
    assert "line 2" in model.requests[1].messages[-1].text
    assert "F821" in model.requests[2].messages[-1].text
    for earlier, later in zip(model.requests, model.requests[1:], strict=False):
        assert later.messages[: len(earlier.messages)] == earlier.messages


def test_without_a_sandbox_nothing_is_verified_and_the_reason_is_told(
    shop: Path, text_ground: Ground
) -> None:
    result = write(ScriptedModel([GOOD]), shop, text_ground)
    assert not result.verified
    assert result.unverified_because == "no sandbox: this host has none"
    assert outcomes(result)["tests"] is CheckOutcome.SKIPPED
    assert result.model == "scripted"
    assert result.usage.written_tokens > 0


def test_it_gives_up_after_two_repairs_with_the_best_and_what_fails(
    shop: Path, text_ground: Ground
) -> None:
    model = ScriptedModel([UNPARSED, UNDEFINED, UNPARSED, GOOD])
    result = write(model, shop, text_ground)
    assert len(model.requests) == 3
    assert "prise" in result.files[0].content
    assert result.unverified_because.startswith("lint: ruff, rules for real errors: shop/tax.py")
    assert not result.verified
    assert outcomes(result)["parses"] is CheckOutcome.PASSED
    assert outcomes(result)["types"] is CheckOutcome.SKIPPED


def test_an_answer_without_code_is_asked_for_again(shop: Path, text_ground: Ground) -> None:
    result = write(ScriptedModel(["I would rather not.", GOOD]), shop, text_ground)
    assert [one.failed for one in result.attempts] == ["answer", ""]


def test_a_model_that_never_writes_code_is_told_as_such(shop: Path, text_ground: Ground) -> None:
    result = write(ScriptedModel(["No.", "", "Never."]), shop, text_ground)
    assert result.files == ()
    assert result.unverified_because == "answer: The answer holds no code."
    assert result.explanation in {"No.", "", "Never."}


def test_a_model_that_repeats_itself_is_asked_for_less(shop: Path, text_ground: Ground) -> None:
    endless = "FILE: shop/tax.py\n```python\n" + "x = 1\n" * 2_000
    model = ScriptedModel([endless, GOOD])
    result = write(model, shop, text_ground)
    assert "repeats itself" in result.attempts[0].told
    assert result.attempts[1].failed == ""


def test_an_answer_that_is_cut_off_twice_is_told(shop: Path, text_ground: Ground) -> None:
    begun = "FILE: shop/tax.py\n```python\n" + "".join(f"x{n} = {n}\n" for n in range(50))
    cut = Answer(begun, finish=Finish.LENGTH)
    model = ScriptedModel([cut, Answer("y = 2\n", finish=Finish.LENGTH), GOOD])
    result = write(model, shop, text_ground)
    assert "cut off" in result.attempts[0].told
    assert result.attempts[1].failed == ""


def test_a_repair_may_speak_of_the_text_as_it_was_written(shop: Path, text_ground: Ground) -> None:
    first = file("shop/tax.py", "def tax( price ):\n    return   prise\n")
    edit = "<<<<<<< SEARCH\n    return   prise\n=======\n    return price\n>>>>>>> REPLACE\n"
    result = write(ScriptedModel([first, f"FILE: shop/tax.py\n{edit}"]), shop, text_ground)
    assert result.files[0].content == "def tax(price):\n    return price\n"


def test_a_follow_up_changes_what_the_thread_wrote(shop: Path, text_ground: Ground) -> None:
    turn = Turn("a tax", {"shop/tax.py": "def tax(price):\n    return price * 0.2\n",
                          "shop/vat.py": "V = 1\n"})  # fmt: skip
    task = Task(Kind.WRITE, "make it async", shop, path="shop/tax.py", earlier=(turn,))
    edit = "<<<<<<< SEARCH\ndef tax(\n=======\nasync def tax(\n>>>>>>> REPLACE\n"
    model = ScriptedModel([f"FILE: shop/tax.py\n{edit.replace('tax(', 'tax(price):')}"])
    result = generate(task, model, text_ground)
    assert [one.path for one in result.files] == ["shop/tax.py", "shop/vat.py"]
    assert result.files[0].content.startswith("async def tax(price):")
    assert result.files[0].before is None


def test_the_best_of_several_candidates_is_kept(shop: Path, text_ground: Ground) -> None:
    model = ScriptedModel([UNPARSED, UNDEFINED, GOOD])
    result = write(model, shop, text_ground, Limits(candidates=3, repairs=0))
    assert [one.candidate for one in result.attempts] == [0, 1, 2]
    assert "price * 0.2" in result.files[0].content
    assert [one.sampling.temperature for one in model.requests] == [0, 0.7, 0.7]
    assert len({one.sampling.seed for one in model.requests}) == 3
    assert len({one.messages for one in model.requests}) == 1


def test_fewer_candidates_than_asked_are_told(shop: Path, text_ground: Ground) -> None:
    model = ScriptedModel([GOOD, Answer(trouble=Trouble.UNAVAILABLE, why="full")])
    result = write(model, shop, text_ground, Limits(candidates=3))
    assert "Only 1 of 3 answers were had: full" in result.notes


def test_a_candidate_that_is_lost_is_told(shop: Path, text_ground: Ground) -> None:
    model = ScriptedModel([Answer("", Trouble.FAILS, "it burnt"), GOOD])
    result = write(model, shop, text_ground, Limits(candidates=2))
    assert result.notes == ("One of 2 answers was lost: it burnt",)
    assert result.files


def test_a_candidate_that_is_refused_or_late_costs_no_other(
    shop: Path, text_ground: Ground
) -> None:
    refused = Answer(trouble=Trouble.REFUSED, why="no temperature")
    result = write(ScriptedModel([GOOD, refused]), shop, text_ground, Limits(candidates=2))
    assert result.notes == ("Only 1 of 2 answers were had: no temperature",)
    assert result.files
    late = ScriptedModel([GOOD, Answer("x", Trouble.HANGS)])
    result = write(late, shop, text_ground, Limits(candidates=2, deadline_s=1.0))
    assert "price * 0.2" in result.files[0].content
    assert result.notes[0].startswith("One of 2 answers was lost: ")
    assert late.stats().running == 0


def test_when_every_candidate_is_lost_each_reason_is_told(shop: Path, text_ground: Ground) -> None:
    lost = [Answer("", Trouble.FAILS, why) for why in ("it burnt", "it drowned")]
    with pytest.raises(ModelUnavailable, match=r"^it burnt; it drowned$"):
        write(ScriptedModel([*lost, GOOD]), shop, text_ground, Limits(candidates=2))


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(Trouble.UNAVAILABLE, ModelUnavailable), (Trouble.REFUSED, RequestRefused)],
)
def test_a_model_that_does_not_answer_is_the_callers_business(
    shop: Path, text_ground: Ground, trouble: Trouble, error: type[Exception]
) -> None:
    with pytest.raises(error, match="so says the script"):
        write(ScriptedModel([Answer(trouble=trouble)]), shop, text_ground)


def test_a_model_that_goes_away_before_a_repair_leaves_what_there_is(
    shop: Path, text_ground: Ground
) -> None:
    result = write(ScriptedModel([UNDEFINED]), shop, text_ground)
    assert "prise" in result.files[0].content
    assert "the repair could not be had" in result.unverified_because


class Impatient(Unwatched):
    """Cancels when it hears of something."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._is_stopped = False

    @override
    def report(self, text: str, done: float | None = None) -> None:
        self._is_stopped = self._is_stopped or self._word in text

    @override
    def stop_requested(self) -> bool:
        return self._is_stopped


def test_what_was_found_is_kept_when_a_person_cancels(shop: Path, text_ground: Ground) -> None:
    task = Task(Kind.WRITE, "a tax", shop, path="shop/tax.py")
    model = ScriptedModel([UNDEFINED, Answer("x", Trouble.HANGS)])
    result = generate(task, model, text_ground, watch=Impatient("repair"))
    assert result.stopped
    assert "prise" in result.files[0].content
    assert "cancelled" in result.unverified_because
    with pytest.raises(Stopped):
        generate(task, ScriptedModel([GOOD]), text_ground, watch=Impatient("writes"))


def test_a_deadline_ends_the_rounds_and_is_told(shop: Path, text_ground: Ground) -> None:
    def script(request: ModelRequest) -> Answer | str:
        return UNDEFINED if len(request.messages) < 3 else Answer("x", Trouble.HANGS)

    result = write(ScriptedModel(script), shop, text_ground, Limits(deadline_s=1.0))
    assert "prise" in result.files[0].content
    assert "over" in result.unverified_because or "deadline" in result.unverified_because


def test_what_the_model_was_shown_is_told(shop: Path, text_ground: Ground) -> None:
    task = Task(Kind.WRITE, "median", shop, path="shop/prices.py")
    result = generate(task, ScriptedModel([GOOD]), text_ground)
    assert [one.path for one in result.based_on] == ["shop/prices.py"]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"kind": Kind.WRITE, "path": "../x.py"}, "no file inside"),
        ({"kind": Kind.REFACTOR, "path": "shop/none.py"}, "no file `shop/none.py`"),
        ({"kind": Kind.REFACTOR}, "which file"),
        ({"kind": Kind.FIX}, "Paste"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(
    shop: Path, text_ground: Ground, task: dict[str, str], said: str
) -> None:
    with pytest.raises(CannotGenerate, match=said):
        generate(Task(wish="", root=shop, **task), ScriptedModel([]), text_ground)  # pyright: ignore[reportArgumentType] -- keyword by keyword


def test_an_answer_of_ten_megabytes_is_cut_short(shop: Path, text_ground: Ground) -> None:
    long = "FILE: shop/tax.py\n```python\n" + "".join(f"x{n} = {n}\n" for n in range(700_000))
    model = ScriptedModel([long], context_tokens=10**8, pace=Pace(piece_chars=50_000))
    limits = Limits(max_tokens=10**7, repairs=0)
    result = write(model, shop, text_ground, limits)
    assert result.files == ()
    assert "too long" in result.attempts[0].told
