"""Groups calls into test functions and names them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines.testing.assertions import has_floats, prints
from engines.testing.calls import Call
from engines.testing.jailed import Goal
from engines.testing.naming import (
    condition_words,
    input_slug,
    input_words,
    outcome_words,
    plain_words,
    returned_parameter,
    steps_words,
    subject_words,
)
from engines.testing.observations import Observation
from engines.testing.search import Kept

_NAME_LIMIT_CHARS = 90


@dataclass(frozen=True)
class Case:
    """One call of a test; `words` say what is special about it, for its id."""

    call: Call
    seen: Observation
    words: str | None


@dataclass(frozen=True)
class Test:
    """One test function. With several cases it is parametrized over `slots`.

    A slot is an argument's place, or -1 for the receiver; all else is the same in every case.
    """

    __test__ = False

    name: str
    cases: tuple[Case, ...]
    slots: tuple[int, ...] = ()


def tests_of(kept: Sequence[Kept], goals: Sequence[Goal]) -> list[Test]:
    """The test functions for the kept calls, in the order of the source."""
    ordered = sorted(kept, key=lambda one: (one.call.offer.line, one.call.offer.key))
    groups: dict[str, list[Kept]] = {}
    for one in ordered:
        groups.setdefault(_group(one), []).append(one)
    tests: list[Test] = []
    for key, members in groups.items():
        cases = [_case(one, ordered, goals) for one in members]
        tests.extend(_merged(cases) if not key.startswith("single") else _alone(cases))
    return _uniquely_named(tests)


def separated(tests: Sequence[Test]) -> list[Test]:
    """Every case as a test of its own, so that one that fails when collected fails alone."""
    return _uniquely_named([one for test in tests for one in _alone(list(test.cases))])


def _group(one: Kept) -> str:
    """Calls with the same key can be one parametrized test."""
    call, seen = one.call, one.result.observation
    shape = " ".join(f"{item.parameter}:{item.name}" for item in call.arguments)
    is_simple = seen.kind in {"value", "error"} and not seen.changed and not prints(seen)
    is_simple = is_simple and "tmp_path" not in " ".join((call.source, call.receiver or ""))
    is_simple = is_simple and call.offer.name not in {"__enter__", "__exit__"}
    is_simple = is_simple and not call.steps and call.file_text is None and "\n" not in call.source
    is_simple = is_simple and not (seen.kind == "error" and _makes_objects(call))
    if not is_simple:
        return f"single {call.offer.key} {id(one)}"
    return f"{call.offer.key} {shape} {_outcome(seen)}"


def _makes_objects(call: Call) -> bool:
    """Whether evaluating the inputs runs code that may itself be what raises."""
    return call.receiver is not None or any("(" in one.text for one in call.arguments)


def _outcome(seen: Observation) -> str:
    text = seen.text or ""
    if seen.kind == "error" or text in {"None", "True", "False"}:
        return f"{seen.kind} {seen.type} {text}"
    return f"value {seen.type} {has_floats(text)}"


def _case(one: Kept, others: Sequence[Kept], goals: Sequence[Goal]) -> Case:
    """The case with words for the condition that only it meets among its callable's calls."""
    common: set[int] = set()
    for other in others:
        if other is not one and other.call.offer.key == one.call.offer.key:
            common |= other.hits
    own = [goals[number] for number in sorted(one.hits - common) if number < len(goals)]
    words = condition_words(own) or input_words(one.call)
    words = plain_words(words, one.call) if words else None
    return Case(one.call, one.result.observation, words)


def _alone(cases: list[Case]) -> list[Test]:
    return [Test(_full_name(one), (one,)) for one in cases]


def _merged(cases: list[Case]) -> list[Test]:
    if len(cases) == 1:
        return _alone(cases)
    first = cases[0].call
    slots = [-1] if len({one.call.receiver for one in cases}) > 1 else []
    slots.extend(
        place
        for place in range(len(first.arguments))
        if len({one.call.arguments[place].text for one in cases}) > 1
    )
    name = f"{subject_words(first)}_{outcome_words(first, cases[0].seen)}"
    return [Test(_clean(name), tuple(cases), tuple(slots))]


def _full_name(case: Case) -> str:
    call, seen = case.call, case.seen
    subject = subject_words(call)
    returned = returned_parameter(call, seen)
    outcome = f"returns_{returned}" if returned else outcome_words(call, seen)
    after = steps_words(call)
    if after:
        return _clean(f"{subject}_{outcome}_{after}")
    if seen.kind == "error" and case.words:
        is_input = case.words == input_words(call)
        return _clean(f"{subject}_rejects_{'' if is_input else 'when_'}{case.words}")
    joint = "for" if case.words and case.words == input_words(call) else "when"
    return _clean(
        f"{subject}_{outcome}_{joint}_{case.words}" if case.words else f"{subject}_{outcome}"
    )


def _clean(name: str) -> str:
    plain = re.sub(r"\W+", "_", name.replace("for_without", "without"))
    return "test_" + re.sub(r"_+", "_", plain).strip("_")[:_NAME_LIMIT_CHARS].strip("_")


def _uniquely_named(tests: list[Test]) -> list[Test]:
    """Names that occur twice get their inputs added, then a number."""
    counts: dict[str, int] = {}
    for one in tests:
        counts[one.name] = counts.get(one.name, 0) + 1
    taken: set[str] = set()
    named: list[Test] = []
    for one in tests:
        name = one.name
        if counts[name] > 1 and len(one.cases) == 1:
            slug = input_slug(one.cases[0].call)
            name = f"{name}_of_{slug}" if slug else name
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        named.append(replace(one, name=unique))
    return named
