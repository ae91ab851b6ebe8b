"""Calls taken from the examples in docstrings."""

import ast
import builtins
import copy
from collections.abc import Iterable, Iterator
from dataclasses import replace

from typing_extensions import override

from engines.source.mentions import Example, examples_of
from engines.source.module import Module
from engines.testing.calls import Argument, Call, Soundness
from engines.testing.offers import Kind, Offer, Offers


def example_calls(module: Module, offers: Offers, name: str) -> list[Call]:
    """The calls of the module's own functions and classes that its docstrings show."""
    reader = _Reader(offers, name.split("."))
    texts = [module.docstring, *(one.docstring for one in module.all_functions())]
    texts.extend(one.docstring for one in module.classes)
    found: dict[Call, None] = {}
    for text in texts:
        found.update(dict.fromkeys(reader.calls(examples_of(text))))
    return list(found)


def calls_in(
    cases: Iterable[tuple[ast.stmt, ...]], offers: Offers, packages: Iterable[str]
) -> list[Call]:
    """The calls of the module's own functions and classes in runs of statements, one by one.

    `packages` are names that may stand before those of functions. Calls that need a variable
    which no statement before them gives a short value are left out.
    """
    reader = _Reader(offers, list(packages))
    known = {*vars(builtins), *(one.name for one in (*offers.callables, *offers.classes))}
    found: dict[Call, None] = {}
    for case in cases:
        found.update((one, None) for one in reader.of_statements(case) if _names(one) <= known)
    return list(found)


def _names(call: Call) -> set[str]:
    texts = [call.receiver or "", *(one.text for one in call.arguments)]
    trees = [ast.parse(one or "None", mode="eval") for one in texts]
    return {one.id for tree in trees for one in ast.walk(tree) if isinstance(one, ast.Name)}


_REPEATABLE_CHARS = 200


class _Reader:
    def __init__(self, offers: Offers, packages: list[str]) -> None:
        self._plain = {one.name: one for one in offers.callables if not one.owner}
        self._owned = {(one.owner, one.name): one for one in offers.callables if one.owner}
        self._packages = set(packages)

    def calls(self, examples: tuple[Example, ...]) -> Iterator[Call]:
        """The calls of one docstring's examples."""
        statements = [one for example in examples for one in _statements(example.source)]
        return self.of_statements(statements)

    def of_statements(self, statements: Iterable[ast.stmt]) -> Iterator[Call]:
        """The calls of statements that follow each other."""
        objects: dict[str, Call] = {}
        texts: dict[str, str] = {}
        for statement in statements:
            yield from self._of_statement(statement, objects, texts)

    def _of_statement(
        self, statement: ast.stmt, objects: dict[str, Call], texts: dict[str, str]
    ) -> Iterator[Call]:
        value = getattr(statement, "value", None)
        if not isinstance(value, ast.expr):
            return
        value = _Inlined(texts).visit(self._bare(copy.deepcopy(value)))
        for node in ast.walk(value):
            call = self._call(node, objects)
            if call:
                yield call
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name, call = statement.targets[0].id, self._call(value, objects)
            objects.pop(name, None)
            texts.pop(name, None)
            if call and call.offer.kind is Kind.CONSTRUCTOR:
                objects[name] = call
            if len(ast.unparse(value)) < _REPEATABLE_CHARS:
                texts[name] = ast.unparse(value)

    def _bare(self, value: ast.expr) -> ast.expr:
        """`package.function(...)` as `function(...)`."""
        plain = _Unqualified(self._packages).visit(value)
        assert isinstance(plain, ast.expr)
        return plain

    def _call(self, node: ast.AST, objects: dict[str, Call]) -> Call | None:
        if not isinstance(node, ast.Call):
            return None
        offer, receiver = self._callee(node.func, objects)
        if offer is None:
            return None
        arguments = tuple(_arguments(node, offer))
        if any(isinstance(one, ast.Starred) for one in node.args):
            return None
        call = Call(offer, arguments, is_example=True)
        return replace(call, receiver=receiver) if receiver else call

    def _callee(self, node: ast.expr, objects: dict[str, Call]) -> tuple[Offer | None, str | None]:
        if isinstance(node, ast.Name):
            return self._plain.get(node.id), None
        if not isinstance(node, ast.Attribute):
            return None, None
        if isinstance(node.value, ast.Name):
            static = self._owned.get((node.value.id, node.attr))
            if static and static.kind in {Kind.CLASS, Kind.STATIC}:
                return static, None
        made = self._call(node.value, objects)
        if made is None or made.offer.kind is not Kind.CONSTRUCTOR:
            return None, None
        return self._owned.get((made.offer.name, node.attr)), made.source


class _Unqualified(ast.NodeTransformer):
    """Takes the package's name off the names of its functions."""

    def __init__(self, packages: set[str]) -> None:
        self._packages = packages

    @override
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        is_package = isinstance(node.value, ast.Name) and node.value.id in self._packages
        return ast.Name(node.attr, ast.Load()) if is_package else node


class _Inlined(ast.NodeTransformer):
    """Puts the text of earlier assignments where their names are used."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    @override
    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self._texts:
            return node
        return ast.parse(self._texts[node.id], mode="eval").body


def _arguments(node: ast.Call, offer: Offer) -> Iterator[Argument]:
    names = [one.name for one in offer.inputs]
    for place, one in enumerate(node.args):
        parameter = names[place] if place < len(names) else ""
        yield Argument(None, _text(one), Soundness.SUGGESTED, parameter)
    for keyword in node.keywords:
        if keyword.arg:
            yield Argument(keyword.arg, _text(keyword.value), Soundness.SUGGESTED, keyword.arg)


def _text(node: ast.expr) -> str:
    return ast.unparse(node)


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:
        return []
