"""What a proposed test may hold. No fence: that is the sandbox, and the person who reads it."""

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engines.source.module import Module

_LINES = 40
_HARMLESS = frozenset({
    "abc", "array", "asyncio", "base64", "binascii", "bisect", "calendar", "cmath", "codecs",
    "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib",
    "email", "enum", "fractions", "functools", "hashlib", "heapq", "html", "io", "ipaddress",
    "itertools", "json", "logging", "math", "numbers", "operator", "pathlib", "pytest", "queue",
    "random", "re", "statistics", "string", "struct", "textwrap", "time", "types", "typing",
    "unicodedata", "unittest", "urllib.parse", "uuid", "warnings", "weakref", "zlib", "zoneinfo",
})  # fmt: skip
"""Modules of the standard library that neither start processes nor speak to anybody."""
_NEVER_CALLED = frozenset({
    "eval", "exec", "compile", "__import__", "globals", "breakpoint", "input", "exit", "quit",
})  # fmt: skip
_OF_PYTEST = frozenset({"raises", "approx", "param", "mark", "warns"})
_RAISING = frozenset({"raises", "assertRaises", "assertRaisesRegex"})
_CHECKING = re.compile(r"raises|warns|assert[A-Z_]\w*")
_FIXTURES = frozenset({"tmp_path", "monkeypatch", "capsys", "caplog"})
_WORD = re.compile(r"\w+")

TestNode = ast.FunctionDef


@dataclass(frozen=True)
class Rules:
    """The rules for the tests of one target."""

    roots: frozenset[str]
    """Top-level packages that the target is of or imports."""
    private: frozenset[str]
    """Names of its private functions, methods and classes."""
    announced: frozenset[str]
    """Names in its `raise` statements, and words of its docstrings."""
    is_unittest: bool

    @classmethod
    def of(cls, module: Module, name: str, *, is_unittest: bool) -> "Rules":
        """Those of the module that is imported as `name`."""
        named = [*module.all_functions(), *module.classes]
        hidden = {one.name for one in named if one.name.startswith("_")}
        roots = {one.partition(".")[0] for one in module.imports} | {name.partition(".")[0]}
        return cls(
            frozenset(roots - {""}),
            frozenset(one for one in hidden if not one.endswith("__")),
            frozenset(_announced(module)),
            is_unittest,
        )

    def complaint(self, test: TestNode) -> str:
        """Why a test cannot be taken as it is, in words; empty where it can."""
        checks: tuple[Callable[[TestNode], str], ...] = (
            self._form, self._names, self._imports, self._exceptions, _emptiness,
        )  # fmt: skip
        return next((told for check in checks if (told := check(test))), "")

    def _form(self, test: TestNode) -> str:
        for one in test.decorator_list:
            if self.is_unittest or not ast.unparse(one).startswith("pytest.mark.parametrize("):
                return f"has the decorator `{ast.unparse(one)[:60]}`"
        given = {one.arg for one in ast.walk(test.args) if isinstance(one, ast.arg)}
        known = set[str]() if self.is_unittest else _FIXTURES | _parameters(test)
        if foreign := sorted(given - known):
            return f"takes `{foreign[0]}`, which nobody gives it"
        if any(isinstance(one, ast.Try | ast.TryStar) for one in ast.walk(test)):
            return "catches exceptions itself"
        if (test.end_lineno or test.lineno) - test.lineno >= _LINES:
            return f"has more than {_LINES} lines"
        return ""

    def _names(self, test: TestNode) -> str:
        for node in ast.walk(test):
            name = _name(node)
            if name in self.private:
                return f"uses the private `{name}`"
            if isinstance(node, ast.Name) and name in _NEVER_CALLED:
                return f"uses `{name}`"
            if self.is_unittest and name == "pytest":
                return "uses pytest in a file for unittest"
            if not self.is_unittest and name == "self":
                return "needs a class around it"
            if isinstance(node, ast.Attribute) and _is_wrong_for_pytest(node):
                return f"uses `{ast.unparse(node)}`"
        return ""

    def _imports(self, test: TestNode) -> str:
        """Of what it imports itself; those of its file are asked for by `may_import`."""
        for node in ast.walk(test):
            if isinstance(node, ast.ImportFrom) and node.level:
                return "imports relatively"
            for name in _modules(node):
                if not self.may_import(name):
                    return f"imports `{name}`, which the module does not use"
        return ""

    def may_import(self, name: str) -> bool:
        """Whether a test may import this module."""
        parts = name.split(".")
        above = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        return parts[0] in self.roots or bool(above & _HARMLESS)

    def _exceptions(self, test: TestNode) -> str:
        """A crash that nobody announced is a possible bug; no test says that it is right."""
        for node in ast.walk(test):
            if not isinstance(node, ast.Call) or _called(node) not in _RAISING:
                continue
            expected = node.args[0] if node.args else None
            kinds = expected.elts if isinstance(expected, ast.Tuple) else [expected]
            for kind in kinds:
                name = _name(kind) if kind else ""
                if not name:
                    return "expects an exception without its name"
                if hasattr(builtins, name) and name not in self.announced:
                    return f"expects `{name}`, which the code neither raises nor documents"
        return ""


def _announced(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Raise) and node.exc:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            yield _name(raised)
        elif isinstance(node, ast.Assert):
            yield "AssertionError"
    named = (*module.all_functions(), *module.classes, module)
    for one in named:
        yield from _WORD.findall(one.docstring or "")


def _parameters(test: TestNode) -> set[str]:
    """What its tables give it."""
    names: set[str] = set()
    for one in test.decorator_list:
        if isinstance(one, ast.Call) and one.args:
            texts = [node.value for node in ast.walk(one.args[0]) if isinstance(node, ast.Constant)]
            names.update(word for text in texts for word in _WORD.findall(str(text)))
    return names


def _is_wrong_for_pytest(node: ast.Attribute) -> bool:
    """`pytest.skip`, `pytest.mark.xfail` and their like: a test runs, and passes or fails."""
    text = ast.unparse(node.value)
    if text == "pytest":
        return node.attr not in _OF_PYTEST
    return text == "pytest.mark" and node.attr != "parametrize"


def _emptiness(test: TestNode) -> str:
    return "" if any(map(_checks, ast.walk(test))) else "checks nothing"


def _checks(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return any(isinstance(one, ast.Name) for one in ast.walk(node.test))
    return isinstance(node, ast.Call) and bool(_CHECKING.fullmatch(_called(node)))


def _called(node: ast.Call) -> str:
    return _name(node.func)


def _name(node: ast.AST) -> str:
    """The last name of what a node stands for; empty where it stands for none."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name
        case _:
            return ""


def _modules(node: ast.AST) -> Iterator[str]:
    """The absolute names that an import statement imports from."""
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
