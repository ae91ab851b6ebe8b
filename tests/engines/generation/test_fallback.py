"""A model that fails is followed by the next of its route, and never by one outside of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.generation.fallback import Routed
from engines.generation.routing import (
    COOL_DOWN_S,
    FAILURES,
    Ask,
    Candidate,
    Circuits,
    Leaving,
    NoModel,
    Route,
    Task,
    Withdrawn,
    route,
)
from engines.generation.types import (
    BackendStats,
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    Writing,
    Written,
)

REQUEST = ModelRequest((Message("user", "add"),), 8)
DEAD, REFUSES, BUSY, DIES_LATER = "dead", "refuses", "busy", "dies later"


@dataclass
class Scripted:
    """A backend that does what its manner says."""

    name: str
    manner: str = "works"
    context_tokens: int = 100
    asked: list[ModelRequest] = field(default_factory=list[ModelRequest])

    def count_tokens(self, text: str) -> int:
        return len(text)

    def submit(self, request: ModelRequest) -> Writing:
        self.asked.append(request)
        if self.manner == BUSY:
            raise ModelUnavailable("too many wait")
        return ScriptedWriting(self)

    def stats(self) -> BackendStats:
        return BackendStats()

    def close(self) -> None:
        raise AssertionError("who routes does not own it")


@dataclass
class ScriptedWriting:
    backend: Scripted
    cancelled: bool = False

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        assert wait_s > 0
        if self.backend.manner == DEAD:
            yield ""
            raise ModelUnavailable("it hung up.")
        if self.backend.manner == REFUSES:
            raise RequestRefused("too long")
        yield "by "
        if self.backend.manner == DIES_LATER:
            raise ModelUnavailable("it died")
        if not self.cancelled:
            yield self.backend.name

    def cancel(self) -> None:
        self.cancelled = True

    def written(self) -> Written:
        text = "".join(self.pieces(wait_s=1))
        return Written(text, Finish.CANCELLED if self.cancelled else Finish.STOP)


class CalledOff(Exception):
    """Who waited for a model does not any more."""


@dataclass
class House:
    """Models by manner, and what became of them."""

    manners: dict[str, str]
    circuits: Circuits = field(default_factory=lambda: Circuits(lambda: 0.0))
    withdrawn: frozenset[str] = frozenset()
    unopened: frozenset[str] = frozenset()
    called_off: bool = False

    def __post_init__(self) -> None:
        self.backends = {name: Scripted(name, manner) for name, manner in self.manners.items()}

    def open(self, name: str) -> Scripted:
        if self.called_off:
            raise CalledOff
        if name in self.withdrawn:
            raise Withdrawn("it was removed")
        if name in self.unopened:
            raise ModelUnavailable("no such folder")
        return self.backends[name]

    def routed(self, remote: Sequence[str] = ()) -> Routed:
        order = tuple(Candidate(name, name not in remote) for name in self.manners)
        return Routed(Route(order), self.open, self.circuits)

    def asked(self) -> set[str]:
        return {name for name, backend in self.backends.items() if backend.asked}


def read(writing: Writing) -> str:
    return "".join(writing.pieces(wait_s=1))


def test_the_first_that_works_writes_and_the_others_are_told_of() -> None:
    house = House({"a": DEAD, "b": BUSY, "c": "works", "d": "works"})
    routed = house.routed(remote=["c"])
    writing = routed.submit(REQUEST)
    assert read(writing) == "by c"
    assert writing.written().text == "by c"
    assert routed.name == "c"
    assert not routed.is_on_premises
    assert routed.said == (
        "`a` gave no answer (it hung up); `c`, which is remote, was asked.",
        "`b` gave no answer (too many wait); `c`, which is remote, was asked.",
    )
    assert house.asked() == {"a", "b", "c"}


def test_within_one_job_a_model_that_failed_is_not_asked_again_while_another_answers() -> None:
    house = House({"a": DEAD, "b": "works"})
    routed = house.routed()
    for _ in range(3):
        assert read(routed.submit(REQUEST)) == "by b"
    assert len(house.backends["a"].asked) == 1
    assert (routed.context_tokens, routed.count_tokens("four")) == (100, 4)


def test_the_only_model_is_asked_again_after_it_failed() -> None:
    house = House({"a": BUSY, "b": DEAD})
    routed = house.routed()
    with pytest.raises(ModelUnavailable, match="it hung up"):
        read(routed.submit(REQUEST))
    house.backends["a"].manner = "works"
    assert read(routed.submit(REQUEST)) == "by a"
    assert routed.said == ("`b` gave no answer (it hung up); `a` was asked.",)


def test_other_jobs_ask_it_until_it_failed_too_often() -> None:
    house = House({"a": DEAD, "b": "works"})
    for _ in range(FAILURES + 2):
        read(house.routed().submit(REQUEST))
    assert len(house.backends["a"].asked) == FAILURES
    assert "3 times in a row" in house.circuits.down("a")


def test_after_the_first_words_a_failure_is_raised_and_the_next_request_goes_on() -> None:
    house = House({"a": DIES_LATER, "b": "works"})
    routed = house.routed()
    writing = routed.submit(REQUEST)
    with pytest.raises(ModelUnavailable, match="it died"):
        read(writing)
    with pytest.raises(ModelUnavailable, match="it died"):
        writing.written()
    assert read(routed.submit(REQUEST)) == "by b"


def test_what_one_model_refuses_another_may_take_and_nobody_counts_as_failed() -> None:
    house = House({"a": REFUSES, "b": "works"})
    routed = house.routed()
    for _ in range(FAILURES + 1):
        assert read(routed.submit(REQUEST)) == "by b"
    assert house.circuits.down("a") == ""
    assert len(house.backends["a"].asked) == FAILURES + 1
    with pytest.raises(RequestRefused, match="too long"):
        read(House({"a": REFUSES, "b": DEAD}).routed().submit(REQUEST))


def test_with_none_left_every_reason_is_told() -> None:
    house = House({"a": DEAD, "b": BUSY, "c": "works"}, unopened=frozenset("c"))
    with pytest.raises(ModelUnavailable) as raised:
        read(house.routed().submit(REQUEST))
    assert str(raised.value) == (
        "No model answers. `a`: it hung up; `b`: too many wait; `c`: no such folder. "
        "`gryph doctor` tells more."
    )


def test_a_model_that_was_withdrawn_is_passed_over_and_did_not_fail() -> None:
    house = House({"a": "works", "b": "works"}, withdrawn=frozenset("a"))
    for _ in range(FAILURES + 1):
        assert read(house.routed().submit(REQUEST)) == "by b"
    assert house.circuits.down("a") == ""
    assert house.asked() == {"b"}


def test_a_trial_that_was_called_off_leaves_room_for_the_next() -> None:
    now_s = [0.0]
    house = House({"a": DEAD}, Circuits(lambda: now_s[0]))
    for _ in range(FAILURES):
        with pytest.raises(ModelUnavailable):
            read(house.routed().submit(REQUEST))
    now_s[0] += COOL_DOWN_S
    house.called_off = True
    with pytest.raises(CalledOff):
        house.routed().submit(REQUEST)
    house.called_off = False
    writing = house.routed().submit(REQUEST)
    pieces = writing.pieces(wait_s=1)
    next(pieces)
    writing.cancel()
    assert list(pieces) == []
    house.backends["a"].manner = "works"
    assert read(house.routed().submit(REQUEST)) == "by a"


def test_too_many_at_the_door_is_no_failure() -> None:
    house = House({"a": BUSY, "b": "works"})
    for _ in range(FAILURES + 1):
        assert read(house.routed().submit(REQUEST)) == "by b"
    assert house.circuits.down("a") == ""


@pytest.mark.parametrize("manner", ["works", DEAD, DIES_LATER])
def test_a_cancelled_writing_ends_and_asks_nobody_else(manner: str) -> None:
    house = House({"a": manner, "b": "works"})
    writing = house.routed().submit(REQUEST)
    pieces = writing.pieces(wait_s=1)
    next(pieces)
    writing.cancel()
    assert list(pieces) == []
    assert writing.written().finish is Finish.CANCELLED
    assert house.asked() == {"a"}


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["works", DEAD, REFUSES, BUSY, DIES_LATER])),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([Leaving(is_allowed=True), Leaving()]),
    st.integers(1, 4),
)
def test_however_models_fail_nothing_is_sent_out_of_the_house_without_permission(
    several: list[tuple[bool, str]], leaving: Leaving, requests: int
) -> None:
    house = House({f"m{number}": manner for number, (_, manner) in enumerate(several)})
    candidates = [Candidate(f"m{n}", is_local) for n, (is_local, _) in enumerate(several)]
    remote = {each.name for each in candidates if not each.is_on_premises}
    ask = Ask(Task.GENERATE, leaving=leaving)
    for _ in range(requests):
        try:
            plan = route(candidates, ask, house.circuits.down)
            read(Routed(plan, house.open, house.circuits).submit(REQUEST))
        except (NoModel, ModelUnavailable, RequestRefused):
            continue
    assert leaving.is_allowed or house.asked().isdisjoint(remote)
