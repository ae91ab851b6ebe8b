import ast

from engines.testing.jail import probes
from engines.testing.jail.probes import Goal, Instrumenter

TEXT = '''"""Doc."""
from __future__ import annotations

def sign(x, names=("a",)):
    "Doc."
    if x > 0 and x in names:
        return 1
    for name in names:
        if name == x:
            break
    match x:
        case 0:
            return 0
    return -1 if not x else x
'''


def instrumented(text: str) -> tuple[dict[str, object], list[Goal]]:
    instrumenter = Instrumenter()
    tree = instrumenter.instrument(ast.parse(text))
    names: dict[str, object] = {
        "__gryph_hit__": probes.hits.add,
        "__gryph_condition__": probes.condition,
        "__gryph_operand__": probes.operand,
    }
    exec(compile(tree, "mod.py", "exec"), names)  # noqa: S102 - the subject of these tests
    return names, instrumenter.goals


def reached(text: str, call: str) -> tuple[object, list[Goal]]:
    names, goals = instrumented(text)
    probes.hits.clear()
    result = eval(call, names)  # noqa: S307 - the subject of these tests
    return result, [goals[number] for number in sorted(probes.hits)]


def test_instrumented_code_means_the_same() -> None:
    plain: dict[str, object] = {}
    exec(TEXT, plain)  # noqa: S102 - the subject of these tests
    names, _ = instrumented(TEXT)
    for call in ("sign(0)", "sign(3)", "sign(1, (1, 2))", "sign('a')", "sign('b')"):
        try:
            expected = eval(call, plain)  # noqa: S307 - as above
        except TypeError as error:
            expected = str(error)
        try:
            found = eval(call, names)  # noqa: S307 - as above
        except TypeError as error:
            found = str(error)
        assert found == expected
    assert names["__doc__"] == "Doc."


def test_both_outcomes_of_each_part_of_a_condition_are_goals() -> None:
    _, goals = instrumented(TEXT)
    told = {(one.kind, one.text) for one in goals}
    for text in ("x > 0", "x in names", "name == x", "x"):
        assert {("true", text), ("false", text)} <= told


def test_a_call_reaches_the_statements_and_outcomes_it_runs() -> None:
    result, goals = reached(TEXT, "sign(1, (1, 2))")
    assert result == 1
    assert {one.line for one in goals if one.kind == "line"} == {6, 7}
    assert ("true", "x > 0") in {(one.kind, one.text) for one in goals}


def test_a_loop_that_ends_and_a_match_without_case_are_goals() -> None:
    _, goals = reached(TEXT, "sign(-5, ('q',))")
    assert {(one.kind, one.line) for one in goals if one.kind == "exit"} == {
        ("exit", 8),
        ("exit", 11),
    }


def test_compared_values_are_noted() -> None:
    probes.operands.clear()
    reached(TEXT, "sign(-2, ('secret',))")
    assert {"secret", -2} <= probes.operands
