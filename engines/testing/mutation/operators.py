"""What can go wrong at one node of a syntax tree: each a replacement of that node's text."""

import ast
from collections.abc import Iterator, Sequence

Part = ast.expr | ast.stmt

_ARITHMETIC: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Mult: ast.Div(), ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Mult(), ast.Mod: ast.Mult(), ast.Pow: ast.Mult(), ast.BitAnd: ast.BitOr(),
    ast.BitOr: ast.BitAnd(), ast.BitXor: ast.BitAnd(), ast.LShift: ast.RShift(),
    ast.RShift: ast.LShift(),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[ast.cmpop, ...]] = {
    ast.Lt: (ast.LtE(), ast.GtE()), ast.LtE: (ast.Lt(), ast.Gt()), ast.Gt: (ast.GtE(), ast.LtE()),
    ast.GtE: (ast.Gt(), ast.Lt()), ast.Eq: (ast.NotEq(),), ast.NotEq: (ast.Eq(),),
    ast.In: (ast.NotIn(),), ast.NotIn: (ast.In(),), ast.Is: (ast.IsNot(),), ast.IsNot: (ast.Is(),),
}  # fmt: skip
_OTHER_ERRORS = {"ValueError": "KeyError", "TypeError": "ValueError", "KeyError": "ValueError"}
_REMOVED_KINDS = (ast.Assign, ast.AugAssign, ast.Expr, ast.Delete)


def replacements(node: ast.AST, others: Sequence[str]) -> Iterator[tuple[Part, str]]:
    """Wrong versions of a node; `others` are the parameters of the function around it.

    Yields the part to replace and the text to put there.
    """
    match node:
        case ast.BinOp(op=operator) if type(operator) in _ARITHMETIC and not _is_formatting(node):
            yield node, _text(ast.BinOp(node.left, _ARITHMETIC[type(operator)], node.right))
        case ast.AugAssign(op=operator) if type(operator) in _ARITHMETIC:
            other = ast.AugAssign(node.target, _ARITHMETIC[type(operator)], node.value)
            yield node, ast.unparse(other)
            yield node, "pass"
        case ast.Compare(ops=[operator]):
            for other in _COMPARISONS[type(operator)]:
                yield node, _text(ast.Compare(node.left, [other], node.comparators))
        case ast.BoolOp(op=operator):
            other = ast.And() if isinstance(operator, ast.Or) else ast.Or()
            yield node, _text(ast.BoolOp(other, node.values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, _text(operand)
        case ast.Constant(value=value):
            yield from ((node, text) for text in _constants(value))
        case ast.Name(id=name, ctx=ast.Load()) if name in others and len(others) > 1:
            yield node, others[(others.index(name) + 1) % len(others)]
        case ast.expr():
            return
        case _:
            yield from _of_statement(node)


def _of_statement(node: ast.AST) -> Iterator[tuple[Part, str]]:
    match node:
        case ast.If(test=test) | ast.While(test=test) if not isinstance(test, ast.Constant):
            yield test, f"(not {_text(test)})"
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield node, "return None"
        case ast.Raise(
            exc=ast.Call(func=ast.Name(id=name) as named) | (ast.Name(id=name) as named)
        ):
            yield named, _OTHER_ERRORS.get(name, "RuntimeError")
        case ast.Break():
            yield node, "continue"
        case ast.Continue():
            yield node, "break"
        case ast.Expr(value=ast.Constant() | ast.Yield() | ast.YieldFrom() | ast.Await()):
            return
        case _ if isinstance(node, _REMOVED_KINDS):
            yield node, "pass"
        case _:
            return


def _constants(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield repr(not value)
    elif isinstance(value, int):
        yield from (f"({value + 1})", f"({value - 1})")
    elif isinstance(value, float):
        yield repr(value + 1.0)
    elif isinstance(value, str):
        yield repr(value + "XX")


def _is_formatting(node: ast.BinOp) -> bool:
    """Whether `%` or `+` puts text together, where another operator can only crash."""
    sides = (node.left, node.right)
    return any(
        isinstance(one, ast.JoinedStr)
        or (isinstance(one, ast.Constant) and isinstance(one.value, str | bytes))
        for one in sides
    )


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
