"""Lines no test executed, and why, as far as the text tells."""

import ast
from collections.abc import Iterator

from engines.source.module import Module
from engines.testing.types import Unreached


def unreached_of(module: Module, missing: frozenset[int]) -> tuple[Unreached, ...]:
    """Runs of missing statements with the reason that could be established for each."""
    told = [one for one in ast.walk(module.tree) if isinstance(one, ast.If | ast.ExceptHandler)]
    return tuple(
        Unreached(first, last, _reason(module, told, first)) for first, last in _runs(missing)
    )


def _runs(missing: frozenset[int]) -> Iterator[tuple[int, int]]:
    ordered = sorted(missing)
    start = previous = 0
    for line in ordered:
        if start and line > previous + 1:
            yield start, previous
            start = line
        start = start or line
        previous = line
    if start:
        yield start, previous


def _reason(module: Module, told: list[ast.If | ast.ExceptHandler], first: int) -> str:
    for node in told:
        if isinstance(node, ast.If) and _spans(node.body, first) and _is_main(node.test):
            return "runs only when the file is started as a program"
        if isinstance(node, ast.ExceptHandler) and _spans(node.body, first):
            kind = ast.unparse(node.type) if node.type else "any exception"
            return f"handles {kind}, which no tried input led to"
    inside = [one for one in module.all_functions() if one.first_line <= first <= one.last_line]
    if not inside:
        return "runs on import only under other conditions"
    name = inside[-1].qualname
    if inside[-1].name.startswith("_") and not inside[-1].name.startswith("__"):
        return f"in the private `{name}`; no public call that was tried leads there"
    return f"in `{name}`; no tried input leads there"


def _spans(body: list[ast.stmt], line: int) -> bool:
    return body[0].lineno <= line <= (body[-1].end_lineno or body[-1].lineno)


def _is_main(test: ast.expr) -> bool:
    return "__main__" in ast.unparse(test)
