"""What coverage counts of the goals: statements, ends of loops, both ways out of each condition.

The search wants every part of a condition true and false. Coverage only asks how the whole came
out, and does not look into comprehensions, conditional expressions and what is returned.
"""

import ast
from collections.abc import Iterator, Sequence

from engines.source.module import Module
from engines.testing.jailed import Goal


def counted(module: Module, goals: Sequence[Goal]) -> dict[int, int]:
    """For each goal that coverage counts, the goal that stands for it and for those alike."""
    places: dict[tuple[str, int, str], list[int]] = {}
    for place, goal in enumerate(goals):
        places.setdefault((goal.kind, goal.line, goal.text), []).append(place)
    found = {place: place for place, goal in enumerate(goals) if goal.kind in {"line", "exit"}}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.If | ast.While):
            for outcome in (True, False):
                ways = [one for key in _ends(node.test, outcome) for one in places.get(key, ())]
                found |= dict.fromkeys(ways, min(ways, default=0))
    return found


def _ends(test: ast.expr, outcome: bool) -> Iterator[tuple[str, int, str]]:  # noqa: FBT001 - of what it is said
    """The parts of a condition, and how they come out, after which the whole is `outcome`."""
    match test:
        case ast.BoolOp(op, parts):
            is_last_only = isinstance(op, ast.And) == outcome
            for part in parts[-1:] if is_last_only else parts:
                yield from _ends(part, outcome)
        case ast.UnaryOp(ast.Not(), operand):
            yield from _ends(operand, not outcome)
        case _:
            yield "true" if outcome else "false", test.lineno, ast.unparse(test)
