"""Which model a request goes to: tables of cases, and what holds for every input."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from engines.generation.routing import (
    COOL_DOWN_S,
    FAILURES,
    LONGEST_COOL_DOWN_S,
    TRIAL_S,
    Ask,
    Candidate,
    Circuits,
    Leaving,
    Length,
    NoModel,
    Task,
    route,
)

SMALL = Candidate(
    "small", is_on_premises=True, context_tokens=4_096, preferred_for=frozenset({"short"})
)
BIG = Candidate("big", is_on_premises=True, context_tokens=32_768, preferred_for=frozenset({"all"}))
FIXER = Candidate(
    "fixer", is_on_premises=True, context_tokens=8_192, preferred_for=frozenset({"fix"})
)
CLOUD = Candidate("cloud", is_on_premises=False, context_tokens=200_000)
OFF = Candidate(
    "off",
    is_on_premises=True,
    context_tokens=4_096,
    is_enabled=False,
    preferred_for=frozenset({"generate"}),
)
ALL = (CLOUD, SMALL, BIG, FIXER, OFF)
FREE = Leaving(is_allowed=True)
CLOSED = Leaving(is_allowed=False, why_not="an operator may allow it")


def names(ask: Ask, down: Callable[[str], str] | None = None) -> list[str]:
    planned = route(ALL, ask) if down is None else route(ALL, ask, down)
    return [each.name for each in planned.order]


@pytest.mark.parametrize(
    ("ask", "order"),
    [
        (Ask(Task.GENERATE, 100, 500), ["big", "small", "fixer"]),
        (Ask(Task.GENERATE, 100, 48), ["small", "big", "fixer"]),
        (Ask(Task.FIX, 100, 48), ["fixer", "small", "big"]),
        (Ask(Task.GENERATE, 4_000, 97), ["big", "fixer"]),
        (Ask(Task.GENERATE, 100, 500, leaving=FREE), ["big", "small", "fixer", "cloud"]),
        (Ask(Task.GENERATE, 50_000, 500, leaving=FREE), ["cloud"]),
        (Ask(Task.GENERATE, 1, 1, "fixer", FREE), ["fixer", "small", "big"]),
        (Ask(Task.GENERATE, 1, 1, "cloud", FREE), ["cloud", "small", "big", "fixer"]),
    ],
)
def test_task_comes_before_length_before_everything_and_the_house_before_the_rest(
    ask: Ask, order: list[str]
) -> None:
    assert names(ask) == order


@pytest.mark.parametrize(
    ("tokens", "length"),
    [(1, "short"), (48, "short"), (49, "medium"), (128, "medium"), (129, "long")],
)
def test_an_answer_has_a_class_of_length(tokens: int, length: str) -> None:
    assert Ask(Task.FIX, answer_tokens=tokens).length is Length(length)


def test_each_model_that_is_not_asked_has_its_reason() -> None:
    planned = route(
        ALL,
        Ask(Task.FIX, 4_000, 200, leaving=CLOSED),
        lambda name: "it failed" if name == "big" else "",
    )
    assert {each.name: each.why for each in planned.left_out} == snapshot(
        {
            "cloud": "it is remote, and code may not leave the premises: an operator may allow it",
            "small": "it takes 4,096 tokens, and this needs 4,200",
            "big": "it failed",
            "off": "it is disabled (`gryph model enable off`)",
        }
    )


def test_a_model_that_failed_lately_is_said_to_be_passed_over_where_it_would_have_been_first() -> (
    None
):
    def down(name: str) -> str:
        return "it failed" if name in ("big", "fixer") else ""

    planned = route(ALL, Ask(Task.GENERATE, 1, 500), down)
    assert [each.name for each in planned.order] == ["small"]
    assert [each.name for each in planned.passed_over] == ["big"]


def refusal(ask: Ask, candidates: tuple[Candidate, ...] = ALL) -> str:
    with pytest.raises(NoModel) as raised:
        route(candidates, ask, "{} failed 3 times in a row".format)
    return str(raised.value)


def test_without_any_model_the_remedy_is_exact() -> None:
    assert refusal(Ask(Task.FIX), ()) == snapshot(
        "No model is configured. Whoever runs this installation adds one with `gryph model add …` "
        "(`gryph model add --help` shows the ways); `gryph doctor` tells what is missing."
    )


def test_with_none_left_every_reason_is_told() -> None:
    assert refusal(Ask(Task.FIX, 1, 1), (CLOUD, SMALL, OFF)) == snapshot("""\
No model can be asked now.
- `cloud`: it is remote, and code may not leave the premises: nobody allowed it
- `small`: small failed 3 times in a row
- `off`: it is disabled (`gryph model enable off`)
`gryph doctor` tells more.\
""")


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("nobody", "There is no model `nobody`. There are: `cloud`, `small`, `big`, `fixer`."),
        ("off", "`off` cannot be asked: it is disabled (`gryph model enable off`). You may choose"),
        ("cloud", "`cloud` cannot be asked: it is remote, and code may not leave the premises"),
        ("small", "`small` cannot be asked: it takes 4,096 tokens, and this needs 5,001."),
    ],
)
def test_a_chosen_model_that_may_not_be_asked_is_refused_and_not_replaced(
    chosen: str, told: str
) -> None:
    with pytest.raises(NoModel, match="`") as raised:
        route(ALL, Ask(Task.FIX, 5_000, 1, chosen))
    assert told in str(raised.value)


def test_a_chosen_model_that_failed_lately_is_replaced_and_that_is_said() -> None:
    planned = route(ALL, Ask(Task.FIX, chosen="big"), lambda name: "down" if name == "big" else "")
    assert planned.order[0].name == "fixer"
    assert [each.name for each in planned.passed_over] == ["big"]


candidates = st.builds(
    Candidate,
    name=st.sampled_from("abcdefg"),
    is_on_premises=st.booleans(),
    context_tokens=st.none() | st.integers(1, 10),
    is_enabled=st.booleans(),
    preferred_for=st.frozensets(st.sampled_from(["all", "fix", "generate", "short", "long"])),
)
asks = st.builds(
    Ask,
    task=st.sampled_from(Task),
    prompt_tokens=st.integers(0, 8),
    answer_tokens=st.integers(1, 4),
    chosen=st.none() | st.sampled_from("abcdefg"),
    leaving=st.sampled_from([FREE, CLOSED]),
)


@given(
    st.lists(candidates, unique_by=lambda each: each.name),
    asks,
    st.frozensets(st.sampled_from("abcdefg")),
)
def test_whatever_comes_in_nothing_leaves_without_permission(
    several: list[Candidate], ask: Ask, failing: frozenset[str]
) -> None:
    try:
        planned = route(several, ask, lambda name: "down" if name in failing else "")
    except NoModel:
        return
    asked = {each.name for each in planned.order}
    assert asked.isdisjoint(each.name for each in planned.left_out)
    assert asked | {each.name for each in planned.left_out} == {each.name for each in several}
    chosen = next((each for each in several if each.name == ask.chosen), None)
    for each in planned.order:
        assert each.is_enabled
        assert each.name not in failing
        assert each.is_on_premises or ask.leaving.is_allowed
        assert each.is_on_premises or chosen is None or not chosen.is_on_premises
        assert (
            each.context_tokens is None
            or each.context_tokens >= ask.prompt_tokens + ask.answer_tokens
        )
    if chosen is not None and chosen.name not in failing:
        assert planned.order[0] is chosen


# Models that failed lately


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits(clock: Clock) -> Circuits:
    return Circuits(clock)


def fail(circuits: Circuits, times: int = FAILURES) -> None:
    for _ in range(times):
        circuits.failed("m", "refused")


def test_a_model_is_left_alone_after_failures_in_a_row(circuits: Circuits) -> None:
    fail(circuits, FAILURES - 1)
    circuits.succeeded("m")
    fail(circuits, FAILURES - 1)
    assert circuits.down("m") == ""
    fail(circuits, 1)
    assert circuits.down("m") == "it failed 3 times in a row (refused); it is tried again in 5 s"
    assert circuits.down("other") == ""


def test_after_a_while_one_request_tries_it_and_its_end_decides(
    circuits: Circuits, clock: Clock
) -> None:
    fail(circuits)
    clock.now_s += COOL_DOWN_S
    assert circuits.down("m") == ""
    assert circuits.admit("m") == ""
    assert "being tried again" in circuits.admit("m")
    circuits.failed("m", "refused again")
    clock.now_s += COOL_DOWN_S
    assert "tried again in 5 s" in circuits.admit("m"), "it waits twice as long now"
    clock.now_s += COOL_DOWN_S
    assert circuits.admit("m") == ""
    circuits.succeeded("m")
    assert [circuits.admit("m") for _ in range(3)] == ["", "", ""]


def test_a_trial_that_was_turned_away_or_forgotten_does_not_stay_one(
    circuits: Circuits, clock: Clock
) -> None:
    fail(circuits)
    clock.now_s += COOL_DOWN_S
    assert circuits.admit("m") == ""
    circuits.not_now("m")
    assert circuits.admit("m") == ""
    clock.now_s += TRIAL_S
    assert circuits.admit("m") == ""


def test_the_time_it_is_left_alone_has_a_bound(circuits: Circuits, clock: Clock) -> None:
    fail(circuits, FAILURES + 20)
    clock.now_s += LONGEST_COOL_DOWN_S
    assert circuits.down("m") == ""
