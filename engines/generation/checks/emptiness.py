"""Tests that check nothing, as read; and code without its bodies, to see which tests mind."""

import ast

from engines.generation.python_text import tree_of

_ASSERTING = ("assert", "raises", "warns", "fail", "expect", "check", "verify")


def empty_tests(text: str) -> frozenset[str]:
    """Names of the test functions of a Python file that assert nothing, or only constants."""
    tree = tree_of(text)
    if tree is None:
        return frozenset()
    found = [
        one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return frozenset(one.name for one in found if one.name.startswith("test") and not _asserts(one))


def _asserts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not _is_constant(node.test):
            return True
        if isinstance(node, ast.Call) and _name(node.func).startswith(_ASSERTING):
            return any(not _is_constant(one) for one in node.args) or not node.args
    return False


def _is_constant(node: ast.expr) -> bool:
    """Whether nothing of the code under test can change it: no call, no name."""
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        same = ast.dump(node.left) == ast.dump(node.comparators[0])
        if same and isinstance(node.left, ast.Name | ast.Attribute):
            return True
    return not any(
        isinstance(one, ast.Name | ast.Call | ast.Attribute | ast.NamedExpr)
        for one in ast.walk(node)
    )


def _name(function: ast.expr) -> str:
    """The last part of what is called, in small letters."""
    if isinstance(function, ast.Attribute):
        return function.attr.lower()
    return function.id.lower().lstrip("_") if isinstance(function, ast.Name) else ""


def gutted(text: str) -> str:
    """A Python file whose functions do nothing but raise; the text itself where it has none."""
    tree = tree_of(text)
    if tree is None:
        return text
    raising = ast.parse("raise NotImplementedError").body
    count = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = list(raising)
            count += 1
    return ast.unparse(tree) if count else text
