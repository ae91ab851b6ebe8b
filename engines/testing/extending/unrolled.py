"""The cases of a test file as plain runs of statements, with their inputs put in as assignments."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from typing_extensions import override

Case = tuple[ast.stmt, ...]

_ROW_LIMIT = 40
_CASE_LIMIT = 2_000
_TestFunction = ast.FunctionDef | ast.AsyncFunctionDef


def cases_of(tree: ast.Module) -> list[Case]:
    """Every test function of a file, once for each of its parametrized rows; bounded.

    Loops over written-out items are unrolled, `self.x` of a `setUp` and fixtures that return one
    expression become variables, blocks lose their `with`, `if` and `try`.
    """
    return list(islice(_cases(tree), _CASE_LIMIT))


def _cases(tree: ast.Module) -> Iterator[Case]:
    shared = tuple(one for one in tree.body if isinstance(one, ast.Assign))
    fixtures = dict(_fixtures(tree.body))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            setup = _setup(node)
            own = {**fixtures, **dict(_fixtures(node.body))}
            for function in _tests(node.body):
                yield from _rows(function, _Shared((*shared, *setup), own))
    for function in _tests(tree.body):
        yield from _rows(function, _Shared(shared, fixtures))


@dataclass(frozen=True)
class _Shared:
    """What the tests of one file or class start from."""

    statements: Case
    fixtures: dict[str, ast.expr]

    @property
    def tables(self) -> dict[str, ast.expr]:
        """What names stand for that are assigned once and for all."""
        assigned = [one for one in self.statements if isinstance(one, ast.Assign)]
        return {
            target.id: one.value
            for one in assigned
            for target in one.targets
            if isinstance(target, ast.Name)
        }


def _tests(body: Sequence[ast.stmt]) -> Iterator[_TestFunction]:
    for node in body:
        if isinstance(node, _TestFunction) and node.name.startswith("test"):
            yield node


def _rows(function: _TestFunction, shared: _Shared) -> Iterator[Case]:
    names = [one.arg for one in function.args.args]
    given = tuple(
        _assigned(name, shared.fixtures[name]) for name in names if name in shared.fixtures
    )
    body = _WithoutSelf().statements(_flat(function.body))
    tables = [list(_table(one, shared.tables)) for one in function.decorator_list]
    for row in islice(product(*(one for one in tables if one)), _ROW_LIMIT):
        parameters = tuple(statement for part in row for statement in part)
        yield (*shared.statements, *given, *parameters, *body)


def _table(decorator: ast.expr, tables: dict[str, ast.expr]) -> Iterator[Case]:
    """The rows of one `parametrize`, as assignments to its names."""
    match decorator:
        case ast.Call(func=ast.Attribute(attr="parametrize"), args=[given, rows, *_]):
            names = _names(given)
        case _:
            return
    if isinstance(rows, ast.Name):
        rows = tables.get(rows.id, rows)
    if not isinstance(rows, ast.List | ast.Tuple):
        return
    for row in rows.elts:
        values = _values(row, len(names))
        if len(values) == len(names):
            yield tuple(map(_assigned, names, values))


def _names(given: ast.expr) -> list[str]:
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return [one.strip() for one in given.value.split(",") if one.strip()]
    items = given.elts if isinstance(given, ast.List | ast.Tuple) else []
    return [str(one.value) for one in items if isinstance(one, ast.Constant)]


def _values(row: ast.expr, count: int) -> list[ast.expr]:
    if isinstance(row, ast.Call) and ast.unparse(row.func).endswith("param"):
        return list(row.args)
    if count > 1 and isinstance(row, ast.List | ast.Tuple):
        return list(row.elts)
    return [row]


def _fixtures(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Fixtures whose value can be read off: one `return` and nothing to ask for."""
    for node in body:
        if not isinstance(node, ast.FunctionDef) or len(node.args.args) > 1:
            continue
        is_fixture = any("fixture" in ast.unparse(one) for one in node.decorator_list)
        last = node.body[-1]
        if is_fixture and isinstance(last, ast.Return) and last.value and len(node.body) == 1:
            yield node.name, last.value


def _setup(owner: ast.ClassDef) -> Case:
    for node in owner.body:
        if isinstance(node, ast.FunctionDef) and node.name in {"setUp", "setup_method"}:
            return _WithoutSelf().statements(_flat(node.body))
    return ()


def _flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        match node:
            case ast.Assert():
                yield _located(ast.Expr(node.test), node)
            case ast.For(iter=ast.List(elts=items) | ast.Tuple(elts=items)):
                for item in items[:_ROW_LIMIT]:
                    yield from _unpacked(node.target, item)
                    yield from _flat(node.body)
            case ast.With() | ast.AsyncWith() | ast.If() | ast.Try() | ast.For():
                yield from _flat(node.body)
            case _:
                yield node


def _unpacked(target: ast.expr, item: ast.expr) -> Iterator[ast.stmt]:
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    values = _values(item, len(names))
    if len(names) == len(values):
        for name, value in zip(names, values, strict=True):
            if isinstance(name, ast.Name):
                yield _assigned(name.id, value)


def _assigned(name: str, value: ast.expr) -> ast.stmt:
    return _located(ast.Assign([ast.Name(name, ast.Store())], value), value)


def _located(node: ast.stmt, place: ast.AST) -> ast.stmt:
    return ast.fix_missing_locations(ast.copy_location(node, place))


class _WithoutSelf(ast.NodeTransformer):
    """`self.stack` as `stack`, so that what `setUp` makes is found again."""

    def statements(self, body: Iterator[ast.stmt]) -> Case:
        """Rewritten copies."""
        copies = [ast.parse(ast.unparse(one)).body[0] for one in body]
        return tuple(_statement(self.visit(one)) for one in copies)

    @override
    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Methods of the test case itself stay what they are."""
        node.args = [_expression(self.visit(one)) for one in node.args]
        node.keywords = [
            ast.keyword(one.arg, _expression(self.visit(one.value))) for one in node.keywords
        ]
        if not _is_own(node.func):
            node.func = _expression(self.visit(node.func))
        return node

    @override
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Name(node.attr, node.ctx) if _is_own(node) else node


def _is_own(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _statement(node: object) -> ast.stmt:
    assert isinstance(node, ast.stmt)
    return node


def _expression(node: object) -> ast.expr:
    assert isinstance(node, ast.expr)
    return node
