"""Groups calls into test functions and names them."""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

from engines.testing.assertions import has_floats, inlined, message_pattern, prints
from engines.testing.calls import Call
from engines.testing.jailed import Goal
from engines.testing.layout import WIDTH_CHARS
from engines.testing.naming import (
    condition_words,
    family_words,
    input_slug,
    input_words,
    method_words,
    outcome_words,
    plain_words,
    returned_parameter,
    steps_words,
    subject_words,
)
from engines.testing.observations import Observation
from engines.testing.offers import Kind
from engines.testing.search import Kept

_NAME_LIMIT_CHARS = WIDTH_CHARS - len("def ():")
_BODY_LINES, _FRAME_LINES = 14, 3
_MANY_TESTS = 12
_JOINED_CALLABLES, _JOINED_LINES, _JOINED_NAME_CHARS = 3, 12, 60
_LINE_CHARS = 76
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


def tests_of(kept: Sequence[Kept], goals: Sequence[Goal], bodies: Sequence[range]) -> list[Test]:
    """The test functions for the kept calls, in the order of the source.

    `bodies` are the lines of the functions: a test is named after a condition of its own callable.
    """
    ordered = sorted(kept, key=lambda one: (one.call.offer.line, one.call.offer.key))
    families: dict[str, list[Case]] = {}
    for one in ordered:
        families.setdefault(_family(one), []).append(_case(one, ordered, goals, bodies))
    tests = [one for cases in families.values() for one in _tests_of_family(cases)]
    return _uniquely_named(list(_joined(tests)) if len(tests) > _MANY_TESTS else tests)


def separated(tests: Sequence[Test]) -> list[Test]:
    """Every case as a test of its own, so that one that fails when collected fails alone."""
    return _uniquely_named([_alone(case) for test in tests for case in test.cases])


def without(tests: Sequence[Test], names: Container[str]) -> list[Test]:
    """Without the tests of these names; of one with several cases each gets its own chance."""
    kept: list[Test] = []
    for one in tests:
        if one.name not in names:
            kept.append(one)
        elif len(one.cases) > 1:
            kept.extend(_alone(case) for case in one.cases)
    return _uniquely_named(kept)


def _family(one: Kept) -> str:
    """Calls that a reader looks for in one place: of one function, of methods with one name."""
    offer, seen = one.call.offer, one.result.observation
    words = "constructors" if offer.kind is Kind.CONSTRUCTOR else family_words(one.call, "")
    name = offer.name if offer.owner else offer.key
    return f"{words or name} {'rejects' if seen.kind == 'error' else ''}"


def is_alone(call: Call, seen: Observation) -> bool:
    """Whether the call needs a test of its own: one with a folder, an output, a block."""
    text = " ".join((call.source, *call.setup))
    has_block = call.offer.name in _LONE_NAMES or "\n" in call.source
    return has_block or prints(seen) or call.file_text is not None or "tmp_path" in text


def leaves_as_it_was(call: Call, seen: Observation) -> bool:
    """Whether the object of the call can be used again."""
    return not (seen.changed or call.steps or is_alone(call, seen))


def _tests_of_family(cases: list[Case]) -> Iterator[Test]:
    """Tables for calls of one shape, lists of most other calls, the rest one by one."""
    shapes: dict[str, list[Case]] = {}
    for one in cases:
        if leaves_as_it_was(one.call, one.seen):
            shapes.setdefault(_shape(one), []).append(one)
    tables = [one for key, one in shapes.items() if key and _is_table(one)]
    rows = [id(one) for members in tables for one in members]
    rest = [one for one in cases if id(one) not in rows]
    yield from (_test(members, _slots(members)) for members in tables)
    yield from map(_test, _packed([one for one in rest if not is_alone(one.call, one.seen)]))
    yield from (_test([one]) for one in rest if is_alone(one.call, one.seen))


def _joined(tests: Sequence[Test]) -> Iterator[Test]:
    """Short tests of neighbours, two functions or methods of one class, become one."""
    waiting: dict[str, Test] = {}
    order: list[Test] = []
    for test in tests:
        key = f"{test.cases[0].call.offer.owner} {test.cases[0].seen.kind == 'error'}"
        before = waiting.get(key)
        together = _together(before, test) if before else None
        if before and together:
            order[order.index(before)] = together
        else:
            order.append(test)
        waiting[key] = together or test
    yield from order


def _together(first: Test, second: Test) -> Test | None:
    """Both as one test that is named after what they call; None where that is much to read."""
    cases = (*first.cases, *second.cases)
    if first.slots or second.slots or any(is_alone(one.call, one.seen) for one in cases):
        return None
    words = list(dict.fromkeys(method_words(one.call) for one in cases))
    owners = {one.call.offer.owner for one in cases}
    if len(words) > _JOINED_CALLABLES or len(owners) > 1 or sum(map(_lines, cases)) > _JOINED_LINES:
        return None
    if any(one.call.offer.kind is Kind.CONSTRUCTOR for one in cases):
        return None
    verb = "_reject" if cases[0].seen.kind == "error" else ""
    subject = subject_words(cases[0].call).removesuffix(words[0])
    name = f"{subject}{'_and_'.join(words)}{verb}"
    return Test(_clean(name), cases) if len(name) <= _JOINED_NAME_CHARS else None


def _packed(cases: list[Case]) -> list[list[Case]]:
    """The cases in as few tests as can be read, those of one callable together if they fit."""
    callables: dict[str, list[Case]] = {}
    for one in cases:
        callables.setdefault(one.call.offer.key, []).append(one)
    packed: list[list[Case]] = []
    for members in map(_by_object, callables.values()):
        parts = -(-sum(map(_lines, members)) // _BODY_LINES)
        for part in range(parts):
            chunk = members[part * len(members) // parts : (part + 1) * len(members) // parts]
            if packed and sum(map(_lines, [*packed[-1], *chunk])) <= _BODY_LINES:
                packed[-1].extend(chunk)
            elif chunk:
                packed.append(chunk)
    return packed


def _by_object(cases: list[Case]) -> list[Case]:
    """Those on an equal object one after the other, so that it is made once."""
    objects: dict[tuple[str, ...], list[Case]] = {}
    for one in cases:
        objects.setdefault(one.call.setup, []).append(one)
    return [one for members in objects.values() for one in members]


def _lines(case: Case) -> int:
    """About how many lines the case takes in the body of a test."""
    call, seen = case.call, case.seen
    attributes = len(seen.changed) + len(seen.attributes)
    lines = len(call.setup) + (2 if seen.kind == "error" or attributes > 1 else 1)
    return lines + (len(call.source) + len(seen.text or "") > _LINE_CHARS)


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
    header = sum(len(_column(cases[0].call, slot)) + 4 for slot in slots) + 12
    rows = [sum(len(_cell(case, slot)) + 2 for slot in slots) + _outcome_chars(case) + 4
            for case in cases]  # fmt: skip
    opened = _OPEN_LINES + sum(1 if row <= _LINE_CHARS else 2 + len(slots) for row in rows)
    lines = next((count for count, room in _TABLE_LINES if header + sum(rows) <= room), opened)
    each = _RAISING_LINES if cases[0].seen.kind == "error" else 1
    if len(cases) >= _CERTAIN_ROWS and lines == len(cases) + _OPEN_LINES:
        return True
    listed = sum(max(each, _lines(one)) for one in cases)
    return lines + each <= listed + _FRAME_LINES * ((listed - 1) // _BODY_LINES)


def _outcome_chars(case: Case) -> int:
    if case.seen.kind == "error":
        return len(message_pattern(case.seen) or "")
    return len(case.seen.text or "")


def _cell(case: Case, slot: int) -> str:
    return (case.call.receiver or "") if slot < 0 else case.call.arguments[slot].text


def _case(
    one: Kept, others: Sequence[Kept], goals: Sequence[Goal], bodies: Sequence[range]
) -> Case:
    """The case with words for the condition that only it meets among its callable's calls."""
    common: set[int] = set()
    for other in others:
        if other is not one and other.call.offer.key == one.call.offer.key:
            common |= other.hits
    body = min((lines for lines in bodies if one.call.offer.line in lines), key=len, default=None)
    own = [goals[number] for number in sorted(one.hits - common) if number < len(goals)]
    own = [goal for goal in own if body is None or goal.line in body]
    words = condition_words(own) or input_words(one.call)
    words = plain_words(words, one.call) if words else None
    seen = one.result.observation
    return Case(inlined(one.call, seen), seen, words)


def _test(cases: list[Case], slots: tuple[int, ...] = ()) -> Test:
    if len(cases) == 1:
        return Test(_full_name(cases[0]), tuple(cases))
    if -1 in slots:
        cases = [replace(one, call=replace(one.call, is_inline=False)) for one in cases]
    outcomes = dict.fromkeys(outcome_words(one.call, one.seen) for one in cases)
    said = [one.removeprefix("returns_") for one in outcomes]
    is_error = cases[0].seen.kind == "error"
    outcome = "rejects" if is_error else ""
    if len(said) == 1:
        outcome = next(iter(outcomes))
    elif len(said) <= _SAID_OUTCOMES and not is_error and all(map(_is_returned, outcomes)):
        outcome = f"returns_{'_or_'.join(said)}"
    shared = "_".join(_with_common_names(cases))
    columns = sum(len(_column(cases[0].call, slot)) + 2 for slot in slots)
    columns += len("expected") if slots else 0
    name = _named(_shared_subject(cases), outcome, shared, room=_NAME_LIMIT_CHARS - columns)
    return Test(name, tuple(cases), slots)


def _column(call: Call, slot: int) -> str:
    return (call.subject or "") if slot < 0 else call.arguments[slot].parameter


def _is_returned(outcome: str) -> bool:
    return outcome.startswith("returns_")


def _shared_subject(cases: list[Case]) -> str:
    """What all cases are about: the callable, the class, or what the methods are called."""
    subjects = dict.fromkeys(subject_words(one.call) for one in cases)
    if len(subjects) == 1:
        return next(iter(subjects))
    owners = {one.call.offer.owner for one in cases}
    if cases[0].call.offer.kind is Kind.CONSTRUCTOR:
        return "constructors"
    owner = owners.pop() if len(owners) == 1 else ""
    name = method_words(cases[0].call)
    if all(one.call.offer.name == cases[0].call.offer.name for one in cases):
        return name
    return family_words(cases[0].call, owner) or name


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
        return _named(subject, outcome, after)
    if not case.words:
        return _named(subject, outcome)
    is_input = case.words == input_words(call)
    if seen.kind == "error":
        return _named(subject, "rejects", case.words if is_input else f"when_{case.words}")
    return _named(subject, outcome, f"{'for' if is_input else 'when'}_{case.words}")


def _named(*parts: str, room: int = _NAME_LIMIT_CHARS) -> str:
    """The name of a test, of as many of the parts as its line has room for."""
    name = _clean(parts[0])
    for end in range(2, len(parts) + 1):
        longer = _clean("_".join(parts[:end]))
        if len(longer) > room:
            break
        name = longer
    return name


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
