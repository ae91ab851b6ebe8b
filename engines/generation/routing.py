"""Which model a request goes to, in which order others are tried, and why each other one is not.

Pure: what is known of the models, of the request and of the rules comes in, a plan goes out.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from engines.generation.types import ModelUnavailable


class Task(StrEnum):
    """What is asked for."""

    GENERATE = "generate"
    FIX = "fix"
    REFACTOR = "refactor"
    UNDERSTAND = "understand"


class Length(StrEnum):
    """How long an answer may be, in the classes of docs/models.md."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


ALL: Final = "all"
"""What the model for everything is preferred for."""
SHORT_TOKENS = 48
MEDIUM_TOKENS = 128
FAILURES = 3
"""In a row, after which a model is left alone for a while."""
COOL_DOWN_S = 5.0
LONGEST_COOL_DOWN_S = 300.0
"""It doubles with each trial that fails."""
TRIAL_S = 600.0
"""A trial whose end nobody told is over after so long."""


class NoModel(Exception):
    """No model may or can be asked; the message says why, and the remedy, for a person."""


class Withdrawn(ModelUnavailable):
    """A model may not be asked any more: it was removed or disabled, or code may not leave now."""


@dataclass(frozen=True)
class Candidate:
    """What routing knows of a model."""

    name: str
    is_on_premises: bool
    context_tokens: int | None = None
    """The most of prompt and answer together; None where nobody knows before it is asked."""
    is_enabled: bool = True
    preferred_for: frozenset[str] = frozenset()
    """Tasks, lengths and "all"."""


@dataclass(frozen=True)
class Leaving:
    """Whether code may leave the premises, and otherwise the reason with its remedy."""

    is_allowed: bool = False
    why_not: str = "nobody allowed it"


@dataclass(frozen=True)
class Ask:
    """What is to be routed."""

    task: Task
    prompt_tokens: int = 0
    """An estimate; the least the prompt can be cut to."""
    answer_tokens: int = 1
    chosen: str | None = None
    """The model that the person named."""
    leaving: Leaving = field(default_factory=Leaving)

    @property
    def length(self) -> Length:
        """The class of the answer."""
        if self.answer_tokens <= SHORT_TOKENS:
            return Length.SHORT
        return Length.MEDIUM if self.answer_tokens <= MEDIUM_TOKENS else Length.LONG


@dataclass(frozen=True)
class LeftOut:
    """A model that is not asked, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Route:
    """The models to try, in order, at least one; and the others."""

    order: tuple[Candidate, ...]
    left_out: tuple[LeftOut, ...] = ()
    passed_over: tuple[LeftOut, ...] = ()
    """Of the others, those that would be asked before `order[0]` if they had not failed lately."""


def _up(name: str) -> str:
    del name
    return ""


def route(candidates: Sequence[Candidate], ask: Ask, down: Callable[[str], str] = _up) -> Route:
    """Plan a request.

    The model the person chose comes first, then the one for the task, for the length, for
    everything, and then those on the premises before remote ones, each in the order given. What
    follows the first is for when it fails. A model that may not be asked is never in the plan: a
    remote one where code may not leave, or where the person chose one on the premises.

    Args:
        candidates: Every model there is.
        ask: The request.
        down: Says of a model why it is left alone for now; empty where it is not.

    Raises:
        NoModel: None is left, or the one that was chosen can never take this.
    """
    if not candidates:
        raise NoModel(
            "No model is configured. Whoever runs this installation adds one with "
            "`gryph model add …` (`gryph model add --help` shows the ways); `gryph doctor` tells "
            "what is missing."
        )
    chosen = _chosen(candidates, ask)
    reasons = {each.name: _why_not(each, ask, chosen) for each in candidates}
    if chosen is not None and (why := reasons[chosen.name]):
        raise NoModel(f"`{chosen.name}` cannot be asked: {why}.{_instead(candidates, reasons)}")
    ranked = sorted(candidates, key=lambda each: _rank(each, ask))
    failing = {each.name: down(each.name) for each in ranked if not reasons[each.name]}
    order = tuple(each for each in ranked if failing.get(each.name) == "")
    whys = {name: reasons[name] or failing[name] for name in reasons}
    left_out = tuple(LeftOut(name, why) for name, why in whys.items() if why)
    if not order:
        listed = "\n".join(f"- `{each.name}`: {each.why}" for each in left_out)
        raise NoModel(f"No model can be asked now.\n{listed}\n`gryph doctor` tells more.")
    before = ranked[: ranked.index(order[0])]
    passed_over = tuple(
        LeftOut(each.name, failing[each.name]) for each in before if failing.get(each.name)
    )
    return Route(order, left_out, passed_over)


def _chosen(candidates: Sequence[Candidate], ask: Ask) -> Candidate | None:
    if ask.chosen is None:
        return None
    found = next((each for each in candidates if each.name == ask.chosen), None)
    if found is None:
        names = ", ".join(f"`{each.name}`" for each in candidates if each.is_enabled)
        raise NoModel(f"There is no model `{ask.chosen}`. There are: {names or 'none'}.")
    return found


def _why_not(candidate: Candidate, ask: Ask, chosen: Candidate | None) -> str:
    if not candidate.is_enabled:
        return f"it is disabled (`gryph model enable {candidate.name}`)"
    if not candidate.is_on_premises and not ask.leaving.is_allowed:
        return f"it is remote, and code may not leave the premises: {ask.leaving.why_not}"
    if not candidate.is_on_premises and chosen is not None and chosen.is_on_premises:
        return f"it is remote, and `{chosen.name}`, which was chosen, is not"
    needed = ask.prompt_tokens + ask.answer_tokens
    if candidate.context_tokens is not None and needed > candidate.context_tokens:
        return f"it takes {candidate.context_tokens:,} tokens, and this needs {needed:,}"
    return ""


def _instead(candidates: Sequence[Candidate], reasons: dict[str, str]) -> str:
    names = ", ".join(f"`{each.name}`" for each in candidates if not reasons[each.name])
    return f" You may choose {names}." if names else ""


def _rank(candidate: Candidate, ask: Ask) -> tuple[bool, bool, bool, bool, bool]:
    """Smaller is earlier."""
    wanted = candidate.preferred_for
    return (
        candidate.name != ask.chosen,
        ask.task.value not in wanted,
        ask.length.value not in wanted,
        ALL not in wanted,
        not candidate.is_on_premises,
    )


@dataclass
class _Circuit:
    failures: int = 0
    why: str = ""
    opened_s: float | None = None
    """When it was opened last; None while it is closed."""
    cool_down_s: float = COOL_DOWN_S
    trial_s: float | None = None
    """When the one request that tries it began."""


class Circuits:
    """Which models failed lately: after three failures in a row one is left alone for a while,
    then a single request tries it. Thread-safe.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        """`clock_s` never goes back."""
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._circuits: dict[str, _Circuit] = {}

    def down(self, name: str) -> str:
        """Why a model is left alone now; empty where it may be asked."""
        with self._lock:
            circuit = self._circuits.get(name)
            return "" if circuit is None else self._down(circuit)

    def is_open(self, name: str) -> bool:
        """Whether a model failed so often in a row, and has answered nothing since."""
        with self._lock:
            circuit = self._circuits.get(name)
            return circuit is not None and circuit.opened_s is not None

    def admit(self, name: str) -> str:
        """As `down`, and where it is empty the request is on its way: whoever calls this tells
        how it ended. Of a model that is tried again one request gets through.
        """
        with self._lock:
            circuit = self._circuits.get(name)
            if circuit is None or circuit.opened_s is None:
                return ""
            if not (why := self._down(circuit)):
                circuit.trial_s = self._clock_s()
            return why

    def not_now(self, name: str) -> None:
        """A request was turned away at the door: too many, or too late for its deadline."""
        with self._lock:
            if name in self._circuits:
                self._circuits[name].trial_s = None

    def failed(self, name: str, why: str) -> None:
        """A request got no answer."""
        with self._lock:
            circuit = self._circuits.setdefault(name, _Circuit())
            circuit.failures += 1
            circuit.why = why
            circuit.trial_s = None
            if circuit.failures >= FAILURES:
                if circuit.opened_s is not None:
                    longer = 2 * circuit.cool_down_s
                    circuit.cool_down_s = min(longer, LONGEST_COOL_DOWN_S)
                circuit.opened_s = self._clock_s()

    def succeeded(self, name: str) -> None:
        """A request was answered, or refused for what it is: the model is there."""
        with self._lock:
            self._circuits.pop(name, None)

    def _down(self, circuit: _Circuit) -> str:
        if circuit.opened_s is None:
            return ""
        now_s = self._clock_s()
        left_s = circuit.opened_s + circuit.cool_down_s - now_s
        if left_s > 0:
            again = f"it is tried again in {left_s:.0f} s"
        elif circuit.trial_s is not None and now_s - circuit.trial_s < TRIAL_S:
            again = "it is being tried again"
        else:
            return ""
        return f"it failed {circuit.failures} times in a row ({circuit.why}); {again}"
