"""Plants one small change of behaviour in a module's text, chosen by a seed.

The text around it stays as it is. What is planted is not always a change of behaviour: one that no
input can show counts as missed all the same, and the figures say which a reader found to be such.
"""

import ast
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef

_SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_BOUNDARIES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_OTHER_ERRORS = {"ValueError": "LookupError", "TypeError": "ValueError", "KeyError": "ValueError"}


@dataclass(frozen=True)
class Planted:
    """One change: lines `first` to `last` of the text become `lines`."""

    kind: str
    function: str
    first: int
    last: int
    lines: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The changed text."""
        old = text.split("\n")
        return "\n".join([*old[: self.first - 1], *self.lines, *old[self.last :]])


@dataclass(frozen=True)
class _Edit:
    """A stretch of the text and what comes in its place."""

    node: ast.expr | ast.stmt
    text: str


def planted(text: str, kind: str, choices: random.Random) -> Planted | None:
    """A change of the kind, None where the module has no place for one."""
    sites = [
        (name, edit)
        for name, function in _functions(ast.parse(text))
        for edit in _KINDS[kind](function)
    ]
    choices.shuffle(sites)
    for name, edit in sites:
        made = _made(text, kind, name, edit)
        if made:
            return made
    return None


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield f"{prefix}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _made(text: str, kind: str, name: str, edit: _Edit) -> Planted | None:
    node = edit.node
    lines = text.split("\n")
    first, last = node.lineno, node.end_lineno or node.lineno
    start = lines[first - 1].encode()[: node.col_offset].decode()
    end = lines[last - 1].encode()[node.end_col_offset or 0 :].decode()
    fresh = f"{start}{edit.text}{end}".split("\n")
    made = Planted(kind, name, first, last, tuple(fresh))
    if any("no cover" in one for one in lines[first - 1 : last]):
        return None
    try:
        tree = ast.parse(made.applied(text))
    except SyntaxError:
        return None
    return made if ast.dump(tree) != ast.dump(ast.parse(text)) else None


def _plain(function: Function) -> Iterator[ast.AST]:
    """The nodes of a body, without annotations, docstrings and messages."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Raise | ast.Assert | ast.AnnAssign | ast.JoinedStr):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _operator(function: Function) -> Iterator[_Edit]:
    for node in _plain(function):
        if not isinstance(node, ast.BinOp | ast.BoolOp | ast.Compare):
            continue
        op = node.ops[0] if isinstance(node, ast.Compare) else node.op
        is_text = isinstance(node, ast.BinOp) and _is_text(node)
        if type(op) in _SWAPPED and not is_text:
            yield _Edit(node, _with_operator(node, _SWAPPED[type(op)]()))


def _is_text(node: ast.BinOp) -> bool:
    """String formatting and joining, of which the opposite only crashes."""
    return any(
        isinstance(one, ast.Constant | ast.JoinedStr) and not _number(one)
        for one in (node.left, node.right)
    )


def _with_operator(node: ast.expr, op: ast.AST) -> str:
    copy = ast.parse(ast.unparse(node), mode="eval").body
    if isinstance(copy, ast.Compare):
        copy.ops = [op, *copy.ops[1:]]  # pyright: ignore[reportAttributeAccessIssue] -- an operator
    else:
        copy.op = op  # pyright: ignore[reportAttributeAccessIssue] -- as above
    return f"({ast.unparse(copy)})"


def _boundary(function: Function) -> Iterator[_Edit]:
    for node in _plain(function):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _BOUNDARIES:
            yield _Edit(node, _with_operator(node, _BOUNDARIES[type(node.ops[0])]()))


def _number(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int)
        and not isinstance(node.value, bool)
    )


def _off_by_one(function: Function) -> Iterator[_Edit]:
    for node in _plain(function):
        if isinstance(node, ast.Constant) and _number(node):
            yield _Edit(node, repr(int(str(node.value)) + 1))


def _constant(function: Function) -> Iterator[_Edit]:
    for node in _plain(function):
        if not isinstance(node, ast.Constant):
            continue
        value = node.value
        if isinstance(value, bool):
            yield _Edit(node, repr(not value))
        elif isinstance(value, int | float) and value not in {0, 1}:
            yield _Edit(node, repr(value * 2 + 3))
        elif isinstance(value, str) and 0 < len(value) < 20:
            yield _Edit(node, repr(value + "_"))


def _exception(function: Function) -> Iterator[_Edit]:
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = node.exc.func
            if isinstance(name, ast.Name) and name.id in _OTHER_ERRORS:
                yield _Edit(name, _OTHER_ERRORS[name.id])


def _default(function: Function) -> Iterator[_Edit]:
    given = [*function.args.defaults, *[one for one in function.args.kw_defaults if one]]
    for node in given:
        if not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, bool):
            yield _Edit(node, repr(not node.value))
        elif isinstance(node.value, int | float):
            yield _Edit(node, repr(node.value + 1))
        elif isinstance(node.value, str):
            yield _Edit(node, repr(node.value + "_"))


def _dropped_branch(function: Function) -> Iterator[_Edit]:
    for node in _plain(function):
        if isinstance(node, ast.If) and not node.orelse:
            yield _Edit(node, "pass")
        elif isinstance(node, ast.If) and not isinstance(node.orelse[0], ast.If):
            indent = " " * node.col_offset
            kept = "\n".join(ast.unparse(one) for one in node.body)
            yield _Edit(node, f"\n{indent}".join(kept.split("\n")))


def _wrong_variable(function: Function) -> Iterator[_Edit]:
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names = [one for one in names if one not in {"self", "cls"}]
    for node in _plain(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
            yield from (_Edit(node, other) for other in names if other != node.id)


_KINDS: dict[str, Callable[[Function], Iterator[_Edit]]] = {
    "operator": _operator,
    "constant": _constant,
    "off by one": _off_by_one,
    "boundary": _boundary,
    "exception type": _exception,
    "default": _default,
    "dropped branch": _dropped_branch,
    "wrong variable": _wrong_variable,
}
KINDS = tuple(_KINDS)
