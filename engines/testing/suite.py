"""Groups calls into test functions and names them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engines.testing.assertions import has_floats, inlined, message_pattern, prints
from engines.testing.calls import Call
from engines.testing.jailed import Goal
from engines.testing.naming import (
    condition_words,
    family_words,
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
_LISTED_CASES = 8
_LEAST_ROWS, _CERTAIN_ROWS = 3, 8
_TABLE_LINES = ((1, 62), (3, 84), (4, 120))
"""How many lines a table takes whose header and rows have so many characters."""
_OPEN_LINES = 6
_RAISING_LINES = 2
_SAID_OUTCOMES = 2
_LONE_NAMES = frozenset({"__enter__", "__exit__"})


@dataclass(frozen=True)
class Case:
    """One call of a test; `words` say what is special about it, for its id."""

    call: Call
    seen: Observation
    words: str | None


@dataclass(frozen=True)
class Test:
    """One test function with one or more cases.

    Where it has slots, the cases differ only in those and in the result, so that it can be
    parametrized. A slot is an argument's place, or -1 for the receiver.
    """

    __test__ = False

    name: str
    cases: tuple[Case, ...]
    slots: tuple[int, ...] = ()


def tests_of(kept: Sequence[Kept], goals: Sequence[Goal]) -> list[Test]:
    """The test functions for the kept calls, in the order of the source."""
    ordered = sorted(kept, key=lambda one: (one.call.offer.line, one.call.offer.key))
    families: dict[str, list[Kept]] = {}
    for one in ordered:
        families.setdefault(_family(one), []).append(one)
    tests: list[Test] = []
    for members in families.values():
        tests.extend(_tests_of_family([_case(one, ordered, goals) for one in members]))
    return _uniquely_named(tests)


def separated(tests: Sequence[Test]) -> list[Test]:
    """Every case as a test of its own, so that one that fails when collected fails alone."""
    return _uniquely_named([_alone(case) for test in tests for case in test.cases])


def _family(one: Kept) -> str:
    """Calls that a reader looks for in one place: of one callable, or alike in one class."""
    call, seen = one.call, one.result.observation
    outcome = f"error {seen.type}" if seen.kind == "error" else ""
    words = family_words(call) if _is_short(call, seen) else None
    return f"{call.offer.owner} {words or call.offer.key} {outcome}"


def _is_short(call: Call, seen: Observation) -> bool:
    """Whether the call and its check can stand among others."""
    is_plain = not (seen.changed or prints(seen) or call.steps or call.file_text is not None)
    is_plain = is_plain and "tmp_path" not in " ".join((call.source, call.receiver or ""))
    return is_plain and call.offer.name not in _LONE_NAMES and "\n" not in call.source


def _tests_of_family(cases: list[Case]) -> Iterator[Test]:
    """Tables for calls of one shape, lists of the other short calls, the rest one by one."""
    shapes: dict[str, list[Case]] = {}
    lone: list[Case] = []
    for one in cases:
        if _is_short(one.call, one.seen):
            shapes.setdefault(_shape(one), []).append(one)
        else:
            lone.append(one)
    listed: list[Case] = []
    for key, members in shapes.items():
        if key and _is_table(members):
            yield _test(members, _slots(members))
        else:
            listed.extend(members)
    count = -(-len(listed) // _LISTED_CASES)
    for part in range(count):
        yield _test(listed[part * len(listed) // count : (part + 1) * len(listed) // count])
    yield from (_test([one]) for one in lone)


def _shape(case: Case) -> str:
    """The same for cases that can be rows of one table; empty for what cannot be a row."""
    call, seen = case.call, case.seen
    makes_objects = call.receiver is not None or any("(" in one.text for one in call.arguments)
    if seen.kind not in {"value", "error"} or (seen.kind == "error" and makes_objects):
        return ""  # what makes the inputs may itself be what raises
    names = " ".join(f"{one.parameter}:{one.name}" for one in call.arguments)
    result = seen.lazy or seen.type if seen.kind == "error" else has_floats(seen.text or "")
    has_message = seen.kind == "error" and message_pattern(seen) is not None
    return f"{call.offer.key} {names} {seen.kind} {result} {has_message}"


def _slots(cases: list[Case]) -> tuple[int, ...]:
    first = cases[0].call
    receivers = {one.call.receiver for one in cases}
    varying = [
        place
        for place in range(len(first.arguments))
        if len({one.call.arguments[place].text for one in cases}) > 1
    ]
    return (-1, *varying) if len(receivers) > 1 else tuple(varying)


def _is_table(cases: list[Case]) -> bool:
    """Whether the rows of a table take fewer lines than the calls one after the other."""
    slots = _slots(cases)
    if len(cases) < _LEAST_ROWS or not slots:
        return False
    if len(cases) >= _CERTAIN_ROWS:
        return True
    first = cases[0].call
    names = [first.subject or "" if slot < 0 else first.arguments[slot].parameter for slot in slots]
    header = sum(len(one) + 4 for one in names) + 12
    rows = sum(
        sum(len(_cell(case, slot)) + 2 for slot in slots) + len(case.seen.text or "") + 4
        for case in cases
    )
    lines = next(
        (count for count, room in _TABLE_LINES if header + rows <= room), len(cases) + _OPEN_LINES
    )
    each = _RAISING_LINES if cases[0].seen.kind == "error" else 1
    return lines + each <= each * len(cases)


def _cell(case: Case, slot: int) -> str:
    return (case.call.receiver or "") if slot < 0 else case.call.arguments[slot].text


def _case(one: Kept, others: Sequence[Kept], goals: Sequence[Goal]) -> Case:
    """The case with words for the condition that only it meets among its callable's calls."""
    common: set[int] = set()
    for other in others:
        if other is not one and other.call.offer.key == one.call.offer.key:
            common |= other.hits
    own = [goals[number] for number in sorted(one.hits - common) if number < len(goals)]
    words = condition_words(own) or input_words(one.call)
    words = plain_words(words, one.call) if words else None
    seen = one.result.observation
    return Case(inlined(one.call, seen), seen, words)


def _test(cases: list[Case], slots: tuple[int, ...] = ()) -> Test:
    if len(cases) == 1:
        return Test(_full_name(cases[0]), tuple(cases))
    if -1 in slots:
        cases = [replace(one, call=replace(one.call, is_inline=False)) for one in cases]
    subjects = dict.fromkeys(subject_words(one.call) for one in cases)
    outcomes = dict.fromkeys(outcome_words(one.call, one.seen) for one in cases)
    if len(subjects) > 1:
        name = family_words(cases[0].call) or next(iter(subjects))
        return Test(_clean(name), tuple(cases), slots)
    said = [one.removeprefix("returns_") for one in outcomes]
    shared = "_".join(_with_common_names(cases))
    outcome = f"returns_{'_or_'.join(said)}" if len(said) <= _SAID_OUTCOMES else ""
    outcome = next(iter(outcomes)) if len(said) == 1 else outcome
    return Test(_clean(f"{next(iter(subjects))}_{outcome}_{shared}"), tuple(cases), slots)


def _with_common_names(cases: list[Case]) -> Iterator[str]:
    """`with_ndigits`, where all cases give that argument by its name."""
    named = [{one.name for one in case.call.arguments if one.name} for case in cases]
    common = sorted(set[str]().union(*named)) if all(one == named[0] for one in named) else []
    if 0 < len(common) <= _SAID_OUTCOMES:
        yield f"with_{'_and_'.join(common)}"


def _alone(case: Case) -> Test:
    return Test(_full_name(case), (case,))


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
