"""Which goals a call can reach: those in its own body and in the bodies of what that calls."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from engines.source.module import Module
from engines.source.symbols import Function
from engines.testing.jailed import Goal

_IMPLICIT = {
    "len": "__len__", "str": "__str__", "repr": "__repr__", "iter": "__iter__", "list": "__iter__",
    "tuple": "__iter__", "bool": "__bool__", "hash": "__hash__", "next": "__next__",
    "float": "__float__", "int": "__int__", "bytes": "__bytes__", "sorted": "__lt__",
}  # fmt: skip


class Reach:
    """The call graph of one file, by names: what may be called, not what will be."""

    def __init__(self, module: Module, goals: Sequence[Goal]) -> None:
        self._functions = {one.qualname: one for one in module.all_functions()}
        self._by_name: dict[str, list[Function]] = {}
        for one in self._functions.values():
            self._by_name.setdefault(one.name, []).append(one)
        for owner in module.classes:
            made = [one for one in owner.methods if one.name in {"__init__", "__new__"}]
            self._by_name.setdefault(owner.name, []).extend(made)
        self._goals = self._goals_by_function(goals)
        self._mentioned: dict[str, frozenset[str]] = {}
        self._closures: dict[str, frozenset[int]] = {}

    def goals_of(self, function: Function | None) -> frozenset[int]:
        """The goals within reach of a function; none where its text is not known."""
        if function is None:
            return frozenset()
        if function.qualname not in self._closures:
            self._closures[function.qualname] = self._closure(function)
        return self._closures[function.qualname]

    def _goals_by_function(self, goals: Sequence[Goal]) -> Mapping[str, frozenset[int]]:
        by_line: dict[int, list[int]] = {}
        for number, goal in enumerate(goals):
            by_line.setdefault(goal.line, []).append(number)
        return {
            name: frozenset(
                number
                for line in range(one.first_line, one.last_line + 1)
                for number in by_line.get(line, ())
            )
            for name, one in self._functions.items()
        }

    def _closure(self, function: Function) -> frozenset[int]:
        found: set[str] = set()
        waiting = [function]
        while waiting:
            one = waiting.pop()
            if one.qualname in found:
                continue
            found.add(one.qualname)
            if one.qualname not in self._mentioned:
                self._mentioned[one.qualname] = frozenset(_mentioned(one.node))
            for name in self._mentioned[one.qualname]:
                waiting.extend(self._by_name.get(name, ()))
        return frozenset[int]().union(*(self._goals.get(one, frozenset()) for one in found))


def _mentioned(node: ast.AST) -> Iterator[str]:
    """The names and attributes that a body uses, and the methods that builtins call."""
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            yield item.id
            if item.id in _IMPLICIT:
                yield _IMPLICIT[item.id]
        elif isinstance(item, ast.Attribute):
            yield item.attr
