"""The mutants of one module: each is the module's text with a single small change."""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise

from engines.source.module import Module
from engines.testing.mutation.operators import Part, replacements

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SPOKEN_LIMIT_CHARS = 60
_LEFT_OUT_CONDITIONS = ("__main__", "TYPE_CHECKING")
_HINTS = 12
_STATEMENT_DEPTH = 2
"""A statement of the module and the module: without it, nothing runs at all."""


@dataclass(frozen=True)
class Mutant:
    """One change. `text` is what has to be compiled in the place of the unit it is in.

    A unit is a function that is in no other function: `unit` is its dotted name and `start` its
    first line, decorators included. What runs on import is changed by whole statements of the
    module: then `unit` is empty and `start` is the statement's line.
    """

    unit: str
    start: int
    text: str
    line: int
    """Of the innermost statement around the change."""
    what: str
    """For a person: `n < 3` → `n <= 3`."""
    names: frozenset[str] = frozenset()
    """What a changed statement that runs on import gives values to, or the changed function."""
    hints: tuple[str, ...] = field(default=(), compare=False)
    """Constants near the change, as source: inputs like them may notice it."""


def mutants_of(module: Module) -> list[Mutant]:
    """All mutants of the module."""
    return list(_Mutating(module, frozenset()).mutants())


def sampled(
    module: Module, count: int, seed: int, imported: frozenset[int] = frozenset()
) -> list[Mutant]:
    """At most so many of them, in random order; the same for the same seed.

    Functions whose lines are among the `imported` ones run on import, and are changed there.
    """
    choices = random.Random(seed)  # noqa: S311 - reproducible, no secret
    return list(islice(_Mutating(module, imported).mutants(choices), count))


class _Mutating:
    def __init__(self, module: Module, imported: frozenset[int]) -> None:
        self._tree = module.tree
        self._imported = imported
        self._lines = module.text.encode().splitlines(keepends=True)
        self._parents = {
            child: node for node in ast.walk(self._tree) for child in ast.iter_child_nodes(node)
        }

    def mutants(self, choices: random.Random | None = None) -> Iterator[Mutant]:
        nodes = list(self._parents)
        if choices:
            choices.shuffle(nodes)
        for node in nodes:
            chain = [node]
            while chain[-1] in self._parents:
                chain.append(self._parents[chain[-1]])
            is_made_on_import = len(chain) == _STATEMENT_DEPTH and isinstance(node, ast.Assign)
            if not is_made_on_import and not _is_left_out(chain):
                yield from self._at(node, chain)

    def _at(self, node: ast.AST, chain: list[ast.AST]) -> Iterator[Mutant]:
        function = _unit(chain)
        statement = next((one for one in chain if isinstance(one, ast.stmt)), None)
        if statement is None:
            return
        unit = None if statement.lineno in self._imported else function
        hints = tuple(islice(dict.fromkeys(_constants(chain)), _HINTS))
        for part, text in replacements(node, _parameters(function) if function else ()):
            what = f"{self._spoken(part)} → {text.removeprefix('(').removesuffix(')')}"
            what = what if len(what) <= 2 * _SPOKEN_LIMIT_CHARS else self._spoken(part)
            if unit:
                outer = chain[chain.index(unit) + 1 :]
                owners = [one.name for one in reversed(outer) if isinstance(one, ast.ClassDef)]
                whole = _headers(outer) + self._changed(unit.lineno, unit, part, text)
                dotted = ".".join([*owners, unit.name])
                yield Mutant(dotted, _first_line(unit), whole, statement.lineno, what, hints=hints)
            else:
                top = chain[-2]
                assert isinstance(top, ast.stmt)
                whole = self._changed(_first_line(top), top, part, text)
                assigned = {*_assigned(chain), *(_names_in(function) if function else ())} - {""}
                yield Mutant(
                    "", top.lineno, whole, statement.lineno, what, frozenset(assigned), hints
                )

    def _changed(self, first: int, unit: ast.stmt, part: Part, text: str) -> str:
        """The lines of the unit from `first` on, with the text of the part replaced."""
        lines = list(self._lines[first - 1 : unit.end_lineno])
        start, end = part.lineno - first, (part.end_lineno or part.lineno) - first
        head, tail = lines[start][: part.col_offset], lines[end][part.end_col_offset :]
        lines[start : end + 1] = [head + text.encode() + tail]
        return b"".join(lines).decode()

    def _spoken(self, part: Part) -> str:
        lines = self._lines[part.lineno - 1 : part.end_lineno]
        lines[-1] = lines[-1][: part.end_col_offset]
        lines[0] = lines[0][part.col_offset :]
        words = " ".join(b"".join(lines).decode().split())
        return words[:_SPOKEN_LIMIT_CHARS]


def _unit(chain: list[ast.AST]) -> _Function | None:
    """The outermost function in whose body the node is; default arguments belong to none."""
    for inner, outer in reversed(list(pairwise(chain))):
        if isinstance(outer, _Function):
            return outer if inner in outer.body else None
    return None


def _is_left_out(chain: list[ast.AST]) -> bool:
    """Annotations, docstrings, messages, formatted texts, what only a program or checker runs."""
    return any(
        _is_text(chain[0], inner, outer) or _is_outside(inner, outer)
        for inner, outer in pairwise([ast.Pass(), *chain])
    )


def _is_text(node: ast.AST, inner: ast.AST, outer: ast.AST) -> bool:
    """Whether the node is a docstring or in a message."""
    is_docstring = isinstance(outer, ast.Expr) and inner is node
    return isinstance(node, ast.Constant) and (is_docstring or isinstance(outer, ast.Raise))


def _is_outside(inner: ast.AST, outer: ast.AST) -> bool:
    match outer:
        case ast.arg() | ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
        case ast.AnnAssign(annotation=part):
            return inner is part
        case ast.FunctionDef(returns=part) | ast.AsyncFunctionDef(returns=part):
            return inner is part
        case ast.If(test=test):
            return any(_word(one) in _LEFT_OUT_CONDITIONS for one in ast.walk(test))
        case ast.Assign(targets=[ast.Name(id=name), *_]):
            return name.startswith("__")
        case _:
            return False


def _word(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else _name(node)


def _parameters(function: _Function) -> list[str]:
    given = function.args
    named = (*given.posonlyargs, *given.args, *given.kwonlyargs)
    return [one.arg for one in named if one.arg not in {"self", "cls"}]


def _headers(outer: list[ast.AST]) -> str:
    """What has to stand around a function so that it means the same: its classes and blocks."""
    lines: list[str] = []
    for node in reversed(outer):
        if isinstance(node, ast.stmt):
            opening = f"class {node.name}:" if isinstance(node, ast.ClassDef) else "if 1:"
            lines.append(f"{' ' * node.col_offset}{opening}\n")
    return "".join(lines)


def _first_line(node: ast.stmt) -> int:
    if isinstance(node, _Function | ast.ClassDef) and node.decorator_list:
        return min(node.lineno, node.decorator_list[0].lineno)
    return node.lineno


def _assigned(chain: list[ast.AST]) -> Iterator[str]:
    """The names that the innermost statement binds, and the function a default belongs to."""
    for node in chain:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
                return
            case ast.Assign(targets=targets):
                yield from (_name(one) for target in targets for one in ast.walk(target))
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                yield _name(target)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner))):
                yield _name(owner)
            case _:
                continue


def _names_in(function: _Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _constants(chain: list[ast.AST]) -> Iterator[str]:
    """The node's own constants first, then those beside it, then those of a simple statement."""
    statement = next(one for one in chain if isinstance(one, ast.stmt))
    is_simple = not hasattr(statement, "body")
    for part in [*chain[:2], statement] if is_simple else chain[:1]:
        for one in ast.walk(part):
            if isinstance(one, ast.Constant) and type(one.value) in {int, str, float}:
                yield repr(one.value)
