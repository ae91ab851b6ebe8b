"""Instruments the module under test: statements run, outcomes of conditions, compared values.

The source is changed as a syntax tree on import: a call before every statement, a pass-through
call around every condition and around compared operands. That is far cheaper than tracing and
is the same on every Python version.
"""

import ast
import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar, cast

from engines.testing.jail.kinds import is_a
from engines.testing.jail.overriding import override

NodeT = TypeVar("NodeT", bound=ast.AST)

_HIT = "__gryph_hit__"
_CONDITION = "__gryph_condition__"
_OPERAND = "__gryph_operand__"
_OPERAND_LIMIT = 400
_TEXT_LIMIT_CHARS = 80
_ITEM_LIMIT = 20
_TWO_SIDES = 2

hits: set[int] = set()
"""Goals reached since the last clear."""
operands: set[str | int | float | bytes] = set()
"""Live values that were compared with something since the last clear."""


@dataclass(frozen=True)
class Goal:
    """Something a test can reach: a statement, a condition's outcome, a loop's end.

    Its number is its place in the instrumenter's list. `text` is the condition's source.
    """

    kind: str
    line: int
    text: str = ""


def condition(number: int, value: object) -> object:
    """Note how a condition came out; goal `number` is true, the next one false."""
    hits.add(number if value else number + 1)
    return value


def operand(value: Any) -> Any:
    """Note a compared value, for inputs that make the comparison come out the other way."""
    if len(operands) < _OPERAND_LIMIT:
        _note(value)
        if is_a(value, dict, set, frozenset, list, tuple):
            _note_items(value)
    return value


def _note(value: object) -> None:
    kind = type(value)
    if kind is str or kind is bytes:
        assert isinstance(value, str | bytes)
        if 0 < len(value) <= _TEXT_LIMIT_CHARS:
            operands.add(value)
    elif kind is int or kind is float:
        assert isinstance(value, int | float)
        if -(10**9) < value < 10**9:
            operands.add(value)


def _note_items(items: Iterable[object]) -> None:
    for index, item in enumerate(items):
        if index == _ITEM_LIMIT:
            return
        _note(item)


class Instrumenter(ast.NodeTransformer):
    """Puts probes into one module and lists the goals they report."""

    def __init__(self) -> None:
        self.goals: list[Goal] = []

    def instrument(self, tree: ast.Module) -> ast.Module:
        """The instrumented tree; line numbers stay those of the source."""
        changed = self.generic_visit(tree)
        assert isinstance(changed, ast.Module)
        return ast.fix_missing_locations(changed)

    @override
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block: Any = getattr(node, name, None)
            if isinstance(block, list):
                statements = cast(list[ast.stmt], block)
                setattr(node, name, self._probed(statements, is_scope=name == "body"))
        return node

    def _probed(self, block: list[ast.stmt], *, is_scope: bool) -> list[ast.stmt]:
        probed: list[ast.stmt] = []
        for index, statement in enumerate(block):
            fixed = is_scope and index == 0 and _is_text(statement)
            if not fixed and not _is_future(statement):
                probed.append(self._hit("line", statement.lineno, statement))
            probed.append(statement)
        return probed

    def _hit(self, kind: str, line: int, place: ast.AST) -> ast.stmt:
        self.goals.append(Goal(kind, line))
        return _placed(ast.Expr(_call(_HIT, ast.Constant(len(self.goals) - 1))), place)

    def _condition(self, test: ast.expr) -> ast.expr:
        """`test` with its outcome noted; of `and`, `or` and `not` the parts are noted."""
        if isinstance(test, ast.Constant):
            return test
        if isinstance(test, ast.BoolOp):
            test.values = [self._condition(value) for value in test.values]
            return test
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test.operand = self._condition(test.operand)
            return test
        number = len(self.goals)
        text = ast.unparse(_without_probes(test))
        self.goals.append(Goal("true", test.lineno, text))
        self.goals.append(Goal("false", test.lineno, text))
        return _placed(_call(_CONDITION, ast.Constant(number), test), test)

    def _ended(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if not node.orelse:
            node.orelse = [self._hit("exit", node.lineno, node)]

    @override
    def visit_If(self, node: ast.If) -> ast.AST:
        """A branch; where there is no `else`, the condition's outcome stands for it."""
        self.generic_visit(node)
        node.test = self._condition(node.test)
        return node

    @override
    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """A conditional expression."""
        self.generic_visit(node)
        node.test = self._condition(node.test)
        return node

    @override
    def visit_While(self, node: ast.While) -> ast.AST:
        """A loop with a condition."""
        self.generic_visit(node)
        node.test = self._condition(node.test)
        return node

    @override
    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """An assertion counts as a condition."""
        self.generic_visit(node)
        node.test = self._condition(node.test)
        return node

    @override
    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """The filters of a comprehension."""
        self.generic_visit(node)
        node.ifs = [self._condition(test) for test in node.ifs]
        return node

    @override
    def visit_For(self, node: ast.For) -> ast.AST:
        """A loop over items: its end is a goal."""
        self.generic_visit(node)
        self._ended(node)
        return node

    @override
    def visit_Match(self, node: ast.Match) -> ast.AST:
        """A match statement: that no case matched is a goal."""
        self.generic_visit(node)
        last = node.cases[-1]
        irrefutable = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        if not irrefutable or last.guard:
            body = [self._hit("exit", node.lineno, node)]
            node.cases.append(ast.match_case(ast.MatchAs(), None, body))
        return node

    @override
    def visit_Return(self, node: ast.Return) -> ast.AST:
        """The parts of a returned `a and b` that decide are noted; so is a returned comparison."""
        self.generic_visit(node)
        if isinstance(node.value, ast.BoolOp):
            *deciding, last = node.value.values
            node.value.values = [*(self._condition(part) for part in deciding), last]
        return node

    @override
    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """A comparison of two things neither of which is a constant."""
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        if len(sides) == _TWO_SIDES and not any(isinstance(one, ast.Constant) for one in sides):
            node.left = _placed(_call(_OPERAND, node.left), node.left)
            right = node.comparators[0]
            node.comparators = [_placed(_call(_OPERAND, right), right)]
        return node


class _ProbeRemover(ast.NodeTransformer):
    @override
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in {_OPERAND, _CONDITION}:
            return node.args[-1]
        return node


def _without_probes(test: ast.expr) -> ast.expr:
    copy = ast.parse(ast.unparse(ast.fix_missing_locations(test)), mode="eval").body
    plain = _ProbeRemover().visit(copy)
    assert isinstance(plain, ast.expr)
    return plain


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _placed(node: NodeT, place: ast.AST) -> NodeT:
    for part in ast.walk(node):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, place)
    return node


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


class ProbeLoader(importlib.machinery.SourceFileLoader):
    """Loads one file with probes in it; never from or to a bytecode cache."""

    def __init__(self, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self.goals: list[Goal] = []
        self.probing_cpu_s = 0.0

    @override
    def get_code(self, fullname: str) -> object:  # pyright: ignore[reportIncompatibleMethodOverride] -- typeshed wants CodeType, compile() gives Any
        assert fullname == self.name
        started_s = time.process_time()
        instrumenter = Instrumenter()
        tree = instrumenter.instrument(ast.parse(self.get_data(self.path), self.path))
        self.goals = instrumenter.goals
        self.probing_cpu_s = time.process_time() - started_s
        return compile(tree, self.path, "exec", dont_inherit=True)


class ProbeFinder(importlib.abc.MetaPathFinder):
    """Hands the module under test to the probe loader, all others to the usual finders."""

    def __init__(self, module: str, path: str) -> None:
        self._module = module
        self.loader = ProbeLoader(module, path)

    @override
    def find_spec(
        self, fullname: str, *_: Sequence[str] | ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_file_location(
            fullname, self.loader.path, loader=self.loader
        )


def install(module: str, path: str) -> ProbeFinder:
    """Make the next import of `module` load the file `path` with probes."""
    finder = ProbeFinder(module, path)
    for probe, function in ((_HIT, hits.add), (_CONDITION, condition), (_OPERAND, operand)):
        setattr(builtins, probe, function)
    sys.meta_path.insert(0, finder)
    return finder
