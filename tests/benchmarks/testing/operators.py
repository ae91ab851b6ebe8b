"""The kinds of changes mutants are made of: each yields replacements for one syntax node."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE,
    ast.LtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_TEXT = (str, bytes)


@dataclass(frozen=True)
class Change:
    """Replace a node's text by `after`, or by any one of `others` where there are several."""

    kind: str
    node: ast.expr | ast.stmt
    after: str = ""
    others: tuple[str, ...] = ()
    statement_line: int = 0
    """Line of the statement it stands in; 0 for what runs with the `def` itself."""


Operator = Callable[[ast.AST, ast.AST], Iterator[Change]]


def arithmetic_operators(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """`a + b` becomes `a - b`; texts are left alone, since only a TypeError would come of it."""
    if isinstance(node, ast.BinOp) and not (_is_text(node.left) or _is_text(node.right)):
        if other := _ARITHMETIC.get(type(node.op)):
            changed = ast.BinOp(node.left, other(), node.right)
            yield Change("arithmetic operator", node, f"({ast.unparse(changed)})")
    elif (
        isinstance(node, ast.AugAssign)
        and not _is_text(node.value)
        and (other := _ARITHMETIC.get(type(node.op)))
    ):
        changed = ast.AugAssign(node.target, other(), node.value)
        yield Change("arithmetic operator", node, ast.unparse(changed))


def comparison_operators(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """`a == b` becomes `a != b`, `a < b` becomes `a >= b`."""
    yield from _compared(node, _COMPARISON, "comparison operator")


def boundaries(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """`a < b` becomes `a <= b`."""
    yield from _compared(node, _BOUNDARY, "boundary")


def _compared(
    node: ast.AST, others: dict[type[ast.cmpop], type[ast.cmpop]], kind: str
) -> Iterator[Change]:
    if not isinstance(node, ast.Compare):
        return
    for place, operator in enumerate(node.ops):
        if other := others.get(type(operator)):
            operators = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            changed = ast.Compare(node.left, operators, node.comparators)
            yield Change(kind, node, f"({ast.unparse(changed)})")


def boolean_operators(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """`a and b` becomes `a or b`; `not a` becomes `a`."""
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield Change("boolean operator", node, f"({ast.unparse(ast.BoolOp(other, node.values))})")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield Change("boolean operator", node, f"({ast.unparse(node.operand)})")


def constants(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """Numbers become 0 or 1, truths their opposite, texts another text."""
    if isinstance(node, ast.Constant) and (after := _other_constant(node.value)):
        yield Change("constant", node, after)


def _other_constant(value: object) -> str:
    match value:
        case bool():
            return str(not value)
        case int() | float():
            return "1" if value == 0 else "0"
        case str() | bytes():
            return repr(value + b"#" if isinstance(value, bytes) else f"{value}#")
        case _:
            return ""


def off_by_one(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """Whole numbers, bounds of slices and arguments of `range` are moved by one."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield Change("off by one", node, others=(f"{node.value + 1}", f"({node.value - 1})"))
    bounds: list[ast.expr | None] = []
    if isinstance(node, ast.Slice):
        bounds = [node.lower, node.upper]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
        bounds = [*node.args]
    for bound in bounds:
        if bound and not isinstance(bound, ast.Constant | ast.Starred):
            text = ast.unparse(bound)
            yield Change("off by one", bound, others=(f"({text} + 1)", f"({text} - 1)"))


def negated_conditions(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """`if a:` becomes `if not (a):`; comparisons and `not` are negated by their own kinds."""
    conditions: list[ast.expr] = []
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        conditions = [node.test]
    elif isinstance(node, ast.comprehension):
        conditions = node.ifs
    for condition in conditions:
        is_not = isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not)
        if not is_not and not (isinstance(condition, ast.Compare) and len(condition.ops) == 1):
            yield Change("negated condition", condition, f"(not ({ast.unparse(condition)}))")


def removed_statements(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """Calls for their effect, changes of objects, jumps, `raise`, and a branch without `else`."""
    is_call = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    is_change = isinstance(node, ast.Assign) and not any(
        isinstance(one, ast.Name | ast.Tuple | ast.List) for one in node.targets
    )
    is_branch = isinstance(node, ast.If) and not node.orelse
    is_other = isinstance(node, ast.AugAssign | ast.Raise | ast.Delete | ast.Break | ast.Continue)
    if isinstance(node, ast.stmt) and (is_call or is_change or is_branch or is_other):
        yield Change("removed statement", node, "pass")


def return_values(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """What is returned becomes `None`; where that is what is returned, 0."""
    if isinstance(node, ast.Return) and node.value is not None:
        is_none = isinstance(node.value, ast.Constant) and node.value.value is None
        yield Change("return value", node.value, "0" if is_none else "None")


def exception_types(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """Another type is raised, or caught."""
    if isinstance(node, ast.Raise) and node.exc is not None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        text = ast.unparse(raised)
        if text[:1].isupper() or "." in text:
            yield Change("exception type", raised, _other_exception(text))
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield Change("exception type", node.type, "ZeroDivisionError")


def _other_exception(text: str) -> str:
    return "ValueError" if text.endswith("RuntimeError") else "RuntimeError"


def default_arguments(node: ast.AST, _function: ast.AST) -> Iterator[Change]:
    """A default becomes another constant, or `None`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for one in [*node.args.defaults, *node.args.kw_defaults]:
            if isinstance(one, ast.Constant):
                yield Change("default argument", one, _other_constant(one.value) or "0")
            elif one is not None:
                yield Change("default argument", one, "None")


def wrong_variables(node: ast.AST, function: ast.AST) -> Iterator[Change]:
    """A parameter or local name is read instead of another one."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        names = _variables(function)
        if node.id in names and (others := tuple(one for one in names if one != node.id)):
            yield Change("wrong variable", node, others=others)


def _variables(function: ast.AST) -> list[str]:
    found = {
        one.arg if isinstance(one, ast.arg) else one.id
        for one in ast.walk(function)
        if isinstance(one, ast.arg) or (isinstance(one, ast.Name) and _is_stored(one))
    }
    return sorted(found - {"self", "cls"})


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_text(node: ast.expr) -> bool:
    is_constant = isinstance(node, ast.Constant) and isinstance(node.value, _TEXT)
    return is_constant or isinstance(node, ast.JoinedStr)


OPERATORS: tuple[Operator, ...] = (
    arithmetic_operators,
    comparison_operators,
    boundaries,
    boolean_operators,
    constants,
    off_by_one,
    negated_conditions,
    removed_statements,
    return_values,
    exception_types,
    default_arguments,
    wrong_variables,
)
