"""First-order mutants of a module, sampled evenly over their kinds.

Only code inside functions and default arguments is changed: not docstrings, annotations, type
checking blocks or the main guard. Equivalent mutants are not filtered out, so a perfect suite may
score below 1.
"""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.benchmarks.testing.operators import OPERATORS, Change, Operator

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """A module's text with one change."""

    kind: str
    line: int
    statement_line: int
    """Where coverage shows whether it can be noticed; 0 for what runs on import."""
    before: str
    after: str
    source: str


def sample(source: str, count: int, seed: int) -> list[Mutant]:
    """At most `count` mutants: from each kind in turn a random one, so that none dominates."""
    choices = random.Random(seed)  # noqa: S311 - reproducible, no secret
    by_kind: dict[str, list[Change]] = {}
    for change in changes(ast.parse(source)):
        by_kind.setdefault(change.kind, []).append(change)
    for kind in sorted(by_kind):
        by_kind[kind].sort(key=lambda one: (one.node.lineno, one.node.col_offset, one.after))
        choices.shuffle(by_kind[kind])
    lines, chosen, seen = source.splitlines(keepends=True), list[Mutant](), {source}
    while len(chosen) < count and any(by_kind.values()):
        for kind in sorted(by_kind):
            mutant = _next(by_kind[kind], lines, seen, choices)
            if mutant and len(chosen) < count:
                chosen.append(mutant)
                seen.add(mutant.source)
    return sorted(chosen, key=lambda one: (one.line, one.kind, one.after))


def _next(
    changes: list[Change], lines: list[str], seen: set[str], choices: random.Random
) -> Mutant | None:
    while changes:
        change = changes.pop()
        after = choices.choice(change.others) if change.others else change.after
        before, text = _applied(lines, change.node, after)
        if text not in seen and _compiles(text):
            line = change.node.lineno
            return Mutant(change.kind, line, change.statement_line, before, after, text)
    return None


def _applied(lines: list[str], node: ast.expr | ast.stmt, after: str) -> tuple[str, str]:
    """The text of the node and the module with `after` in its place; offsets are UTF-8 bytes."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    head = lines[node.lineno - 1].encode()[: node.col_offset].decode()
    tail = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
    inner = "".join(lines[node.lineno - 1 : node.end_lineno])
    before = inner[len(head) : len(inner) - len(tail)]
    above, below = "".join(lines[: node.lineno - 1]), "".join(lines[node.end_lineno :])
    return before, f"{above}{head}{after}{tail}{below}"


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def changes(tree: ast.Module) -> Iterator[Change]:
    """Every change that could be made, function by function."""
    for function in _functions(tree):
        for operator in OPERATORS:
            yield from _of(function, operator)


def _of(function: Function, operator: Operator) -> Iterator[Change]:
    yield from operator(function, function)
    for node, line in _own_nodes(function):
        for change in operator(node, function):
            yield replace(change, statement_line=line)


def _functions(node: ast.AST) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_never_run(child.test):
            continue
        if isinstance(child, Function) and not _is_overload(child):
            yield child
        yield from _functions(child)


def _is_never_run(test: ast.expr) -> bool:
    text = ast.unparse(test)
    return "TYPE_CHECKING" in text or "__name__" in text


def _is_overload(function: Function) -> bool:
    return any(ast.unparse(one).endswith("overload") for one in function.decorator_list)


def _own_nodes(function: Function) -> Iterator[tuple[ast.AST, int]]:
    """What the body runs, each with its statement's line: no docstring, no annotations, no inner
    functions, no parts of f-strings.
    """
    body = function.body[1:] if ast.get_docstring(function, clean=False) else function.body
    waiting: list[tuple[ast.AST, int]] = [(node, node.lineno) for node in body]
    while waiting:
        node, line = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.stmt | ast.ExceptHandler):
            line = node.lineno
        yield node, line
        if isinstance(node, ast.JoinedStr):
            continue
        skipped = {id(node.annotation)} if isinstance(node, ast.AnnAssign) else set[int]()
        waiting.extend((one, line) for one in ast.iter_child_nodes(node) if id(one) not in skipped)
