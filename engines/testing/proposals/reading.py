"""Proposed tests out of an answer's code: those that keep the rules, and why the others do not."""

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engines.source.module import SyntaxProblem, parse_module
from engines.testing.extending.names import Needed, needed_by
from engines.testing.layout import double_quoted, laid_out
from engines.testing.proposals.rules import Rules, TestNode
from engines.testing.types import Dropped
from engines.testing.unittest_text import unittest_statement

MOST_TESTS = 6
"""Of one answer; the first count."""
_NAME_CHARS = 80
_TEST_NAME = re.compile(r"test_\w+", re.ASCII)


@dataclass(frozen=True)
class ProposedTest:
    """One test as a file of this engine has it: without comments, types and docstring."""

    name: str
    body: str
    """The decorators and the function, for a file in pytest's style."""
    needed: tuple[Needed, ...]
    """What it imports from elsewhere."""
    names: tuple[tuple[str, str], ...] = ()
    """Of that what the file's head imports: what each name stands for, and the name."""
    inside: tuple[str, ...] = ()
    """Import statements that the head cannot hold."""

    def lines(self, *, is_unittest: bool) -> list[str]:
        """See `engines.testing.emission.Written`."""
        lines = _in_unittest(self.body) if is_unittest else self.body.split("\n")
        place = next(n for n, one in enumerate(lines) if one.startswith("def "))
        end = next(n for n in range(place, len(lines)) if lines[n].endswith(":")) + 1
        return [*lines[:end], *(f"    {one}" for one in self.inside), *lines[end:]]


@dataclass
class Reading:
    """The tests of one answer."""

    tests: list[ProposedTest] = field(default_factory=list[ProposedTest])
    dropped: list[Dropped] = field(default_factory=list[Dropped])


def read_tests(blocks: Sequence[str], rules: Rules, taken: set[str]) -> Reading:
    """The tests of the blocks; their names are added to those that are `taken`."""
    reading = Reading()
    for text in blocks:
        try:
            tree = parse_module(text, "answer").tree
            _read(tree, rules, taken, reading)
        except SyntaxProblem as problem:
            reading.dropped.append(Dropped("", f"the answer is no Python: {problem}"))
        except RecursionError:
            reading.dropped.append(Dropped("", "the answer is nested too deeply"))
    if not reading.tests and not reading.dropped:
        reading.dropped.append(Dropped("", "the answer has no tests in it"))
    return reading


def _read(tree: ast.Module, rules: Rules, taken: set[str], reading: Reading) -> None:
    imported = needed_by(tree)
    foreign = {_root(one): why for one in imported if (why := _why_no_import(one, rules))}
    foreign |= {name: f"uses `{name}`, which stands outside of it" for name in _defined(tree)}
    for node in _tests(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            reading.dropped.append(Dropped(node.name, "is asynchronous"))
        elif why := _why_not(node, rules, foreign, len(reading.tests)):
            reading.dropped.append(Dropped(node.name, why))
        else:
            name = _free(node.name, taken)
            taken.add(name)
            needed = tuple(one for one in imported if _root(one) in _used(node))
            reading.tests.append(ProposedTest(name, _text(node, name), needed))


def _why_not(node: TestNode, rules: Rules, foreign: Mapping[str, str], count: int) -> str:
    """In words; empty where it is good. `foreign` are names that may not be used, and why."""
    if not _TEST_NAME.fullmatch(node.name):
        return "has a name with other signs than letters, digits and underscores"
    if count >= MOST_TESTS:
        return f"is more than the {MOST_TESTS} that an answer may have"
    reasons = [foreign[name] for name in sorted(_used(node) & set(foreign))]
    return reasons[0] if reasons else rules.complaint(node)


def _why_no_import(one: Needed, rules: Rules) -> str:
    if one.member in rules.private:
        return f"uses the private `{one.member}`"
    if not rules.may_import(one.module):
        return f"imports `{one.module}`, which the module does not use"
    return ""


def _tests(tree: ast.Module) -> Iterator[TestNode | ast.AsyncFunctionDef]:
    """Test functions, also those in classes, as methods without their class."""
    for owner in (tree, *(one for one in tree.body if isinstance(one, ast.ClassDef))):
        for node in owner.body:
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and node.name.startswith("test"):
                first = node.args.args[:1]
                if first and first[0].arg == "self":
                    del node.args.args[0]
                yield node


def _defined(tree: ast.Module) -> Iterator[str]:
    """What the code defines beside tests and imports."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            yield from (
                one.id
                for one in ast.walk(node)
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            )


def _used(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _root(one: Needed) -> str:
    """The name that the import binds."""
    return one.name.partition(".")[0]


def _free(name: str, taken: set[str]) -> str:
    name = name[:_NAME_CHARS].rstrip("_")
    if name not in taken:
        return name
    return next(one for n in range(2, len(taken) + 3) if (one := f"{name}_{n}") not in taken)


def _text(node: TestNode, name: str) -> str:
    """The function as this engine writes tests; as `ast` does where that would change it."""
    plain = ast.FunctionDef(
        name=name,
        args=node.args,
        body=_without_docstring(node.body),
        decorator_list=node.decorator_list,
        returns=None,
        type_comment=None,
        lineno=1,
    )
    for one in ast.walk(plain.args):
        if isinstance(one, ast.arg):
            one.annotation = None
    text = ast.unparse(plain)
    pretty = "\n".join(
        line for one in double_quoted(text).split("\n") for line in _laid_out(one)
    )  # fmt: skip
    return pretty if _is_same(text, pretty) else text


def _laid_out(line: str) -> list[str]:
    return laid_out(line.strip(), len(line) - len(line.lstrip())) if line.strip() else [""]


def _is_same(text: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(other))
    except SyntaxError:
        return False


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (body[1:] if is_text else body) or [ast.Pass()]


def _in_unittest(body: str) -> list[str]:
    """As a method of a test case; assertions over several lines stay as they are."""
    lines: list[str] = []
    for line in body.split("\n"):
        indent, statement = line[: len(line) - len(line.lstrip())], line.strip()
        with contextlib.suppress(SyntaxError):
            statement = unittest_statement(statement)
        lines.append(f"{indent}{statement}")
    return [one.replace("()", "(self)", 1) if one.startswith("def ") else one for one in lines]
