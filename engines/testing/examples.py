"""Calls taken from examples: in docstrings, in documents, in tests that are there already."""

import ast
import builtins
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from typing_extensions import override

from engines.source.mentions import code_in, examples_of
from engines.source.module import Module
from engines.testing.calls import Argument, Call, Soundness
from engines.testing.documents import documents_of, tests_of
from engines.testing.offers import Kind, Offer, Offers
from engines.testing.places import Place

_LIMIT = 300
_REPEATABLE_CHARS = 200
_STEP_LIMIT = 6


def example_calls(module: Module, offers: Offers, place: Place) -> list[Call]:
    """The calls of the module's own functions and classes that examples show."""
    reader = _Reader(offers, place.module.split("."))
    found: dict[Call, None] = {}
    for text in _texts(module, place):
        found.update(dict.fromkeys(reader.calls(_shown(text))))
    found.update(dict.fromkeys(reader.calls(tests_of(place))))
    return list(found)[:_LIMIT]


def shown(module: Module, place: Place) -> Iterator[ast.stmt]:
    """All statements of the examples that calls are taken from."""
    for text in _texts(module, place):
        yield from _shown(text)
    yield from tests_of(place)


def _texts(module: Module, place: Place) -> Iterator[str | None]:
    yield module.docstring
    yield from (one.docstring for one in (*module.all_functions(), *module.classes))
    yield from documents_of(place)


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
        found.update((one, None) for one in reader.calls(case) if _names(one) <= known)
    return list(found)


def _names(call: Call) -> set[str]:
    texts = [call.receiver or "", *(one.text for one in call.arguments)]
    trees = [ast.parse(one or "None", mode="eval") for one in texts]
    return {one.id for tree in trees for one in ast.walk(tree) if isinstance(one, ast.Name)}


def _shown(text: str | None) -> Iterator[ast.stmt]:
    for example in examples_of(text):
        yield from _statements(example.source)
    yield from code_in(text)


@dataclass
class _Known:
    """What the names of one text stand for."""

    texts: dict[str, str] = field(default_factory=dict[str, str])
    steps: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Statements on the object of a name since it was made, with `{s}` for its name."""

    def assigned(self, name: str, text: str) -> None:
        self.texts.pop(name, None)
        self.steps[name] = []
        if len(text) < _REPEATABLE_CHARS:
            self.texts[name] = text


class _Reader:
    def __init__(self, offers: Offers, packages: list[str]) -> None:
        self._plain = {one.name: one for one in offers.callables if not one.owner}
        self._owned = {(one.owner, one.name): one for one in offers.callables if one.owner}
        self._methods: dict[str, list[Offer]] = {}
        for one in offers.callables:
            if one.kind is Kind.METHOD and not one.is_inherited:
                self._methods.setdefault(one.name, []).append(one)
        self._packages = set(packages)
        self._own = {*self._plain, *(one for one, _ in self._owned), *offers.names}

    def calls(self, statements: Iterable[ast.stmt]) -> Iterator[Call]:
        known = _Known()
        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self._packages.update(one.asname for one in statement.names if one.asname)
            else:
                yield from self._of_statement(statement, known)

    def _of_statement(self, statement: ast.stmt, known: _Known) -> Iterator[Call]:
        value = statement.test if isinstance(statement, ast.Assert) else None
        value = value or getattr(statement, "value", None)
        if not isinstance(value, ast.expr):
            return
        value = self._bare(copy.deepcopy(value))
        subject = _subject(value)
        inlined = _Inlined(known.texts).visit(copy.deepcopy(value))
        for node in ast.walk(inlined):
            call = self._call(node)
            if call and call.receiver and subject and node is inlined:
                call = replace(call, steps=tuple(known.steps.get(subject, ())[-_STEP_LIMIT:]))
            if call:
                yield replace(call, example=call.statements)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            known.assigned(statement.targets[0].id, ast.unparse(inlined))
        elif subject in known.steps:
            texts = {name: text for name, text in known.texts.items() if name != subject}
            step = _Inlined(texts).visit(_Inlined({subject: "__subject__"}).visit(value))
            known.steps[subject].append(ast.unparse(step).replace("__subject__", "{s}"))

    def _bare(self, value: ast.expr) -> ast.expr:
        """`package.function(...)` as `function(...)`, where the function is the module's own."""
        plain = _Unqualified(self._packages, self._own).visit(value)
        assert isinstance(plain, ast.expr)
        return plain

    def _call(self, node: ast.AST) -> Call | None:
        if not isinstance(node, ast.Call) or any(isinstance(one, ast.Starred) for one in node.args):
            return None
        offer, receiver = self._callee(node.func)
        if offer is None:
            return None
        call = Call(offer, tuple(_arguments(node, offer)))
        return replace(call, receiver=receiver) if receiver else call

    def _callee(self, node: ast.expr) -> tuple[Offer | None, str | None]:
        if isinstance(node, ast.Name):
            return self._plain.get(node.id), None
        if not isinstance(node, ast.Attribute):
            return None, None
        if isinstance(node.value, ast.Name):
            static = self._owned.get((node.value.id, node.attr))
            is_static = static is not None and static.kind in {Kind.CLASS, Kind.STATIC}
            return (static if is_static else None), None
        made = self._call(node.value)
        if made is not None and made.offer.kind is Kind.CONSTRUCTOR:
            return self._owned.get((made.offer.name, node.attr)), made.source
        if made is None:
            return None, None
        named = self._methods.get(node.attr, [])
        return (named[0], ast.unparse(node.value)) if len(named) == 1 else (None, None)


def _subject(value: ast.expr) -> str:
    """The name of the object whose method an expression calls."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return value.func.value.id if isinstance(value.func.value, ast.Name) else ""
    return ""


class _Unqualified(ast.NodeTransformer):
    """Takes the package's name off the names of the module."""

    def __init__(self, packages: set[str], own: set[str]) -> None:
        self._packages = packages
        self._own = own

    @override
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        is_package = isinstance(node.value, ast.Name) and node.value.id in self._packages
        return ast.Name(node.attr, ast.Load()) if is_package and node.attr in self._own else node


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
