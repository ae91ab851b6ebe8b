"""Which calls would notice which mutants, tried in the jail within a budget."""

import ast
from collections.abc import Container, Iterable, Sequence

from engines.source.module import Module
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.facts import items, number
from engines.testing.jailed import Jail, candidates_of, understood
from engines.testing.minimising import reading_cost
from engines.testing.mutation.mutants import Mutant
from engines.testing.search import Kept

_MUTANTS_PER_REQUEST = 24
_CALLS_PER_MUTANT = 12
_CALLS_PER_IMPORT_MUTANT = 24

Kills = dict[int, frozenset[int]]
"""A mutant's place in the list that was tried to the places of the calls that notice it."""


class Analysis:
    """The pool of calls of one run, watched; no mutant is tried after `until_s` of the budget."""

    def __init__(self, jail: Jail, module: Module, budget: Budget, until_s: float) -> None:
        self._jail = jail
        self._budget = budget
        self.until_s = until_s
        self._steady: set[int] = set()
        self._order: list[int] = []
        self._readers = _Readers(module)
        self._line_goals: dict[int, set[int]] = {}
        for place, goal in enumerate(jail.goals):
            if goal.kind == "line":
                self._line_goals.setdefault(goal.line, set()).add(place)
        self._texts: set[tuple[str, ...]] = set()
        self.pool: list[Kept] = []

    @property
    def is_over(self) -> bool:
        """Whether the budget for mutants is used up."""
        return self._budget.spent_s >= self.until_s

    def add(self, kept: Sequence[Kept]) -> range:
        """Watch more calls from now on; their places in the pool."""
        first = len(self.pool)
        self.pool.extend(kept)
        self._texts |= {one.call.statements for one in kept}
        candidates = candidates_of([one.call for one in kept], first)
        with understood():
            reply = self._jail.ask({"do": "watch", "candidates": candidates})
            self._steady |= {number(one) for one in items(reply.get("steady"))}
        self._order = sorted(self._steady, key=lambda place: reading_cost(self.pool[place]))
        return range(first, len(self.pool))

    def unknown(self, calls: Iterable[Call]) -> list[Call]:
        """Those that are written otherwise than every call of the pool, each once."""
        new = {one.statements: one for one in calls}
        return [one for text, one in new.items() if text not in self._texts]

    def reaching(self, mutant: Mutant) -> list[int]:
        """The calls that run the changed code, those that read best first.

        Of a constant that is set on import, those that run a function which reads it.
        """
        if mutant.unit:
            goals = self._line_goals.get(mutant.line, set())
        else:
            goals = {
                goal
                for first, last in self._readers.spans(mutant.names)
                for line in range(first, last + 1)
                for goal in self._line_goals.get(line, ())
            }
        found = [one for one in self._order if not goals.isdisjoint(self.pool[one].hits)]
        return found if found or mutant.unit else list(self._order)

    def kills(
        self,
        mutants: Sequence[Mutant],
        among: Container[int] | None = None,
        enough: int = _CALLS_PER_MUTANT,
    ) -> Kills:
        """Try each mutant, on calls among those places; `enough` ends the search for killers.

        Mutants that cannot be made, or for which no budget is left, are not in the result.
        """
        found: Kills = {}
        for start in range(0, len(mutants), _MUTANTS_PER_REQUEST):
            if self.is_over:
                break
            part = range(start, min(start + _MUTANTS_PER_REQUEST, len(mutants)))
            chosen = {place: self._capped(mutants[place], among) for place in part}
            found |= {place: frozenset[int]() for place in part if not chosen[place]}
            wanted = [place for place in part if chosen[place]]
            described: list[object] = [
                [one.unit, one.start, one.text, chosen[place]]
                for place in wanted
                for one in [mutants[place]]
            ]
            with understood():
                reply = self._jail.ask({"do": "mutate", "mutants": described, "enough": enough})
                for place, killers in zip(wanted, items(reply.get("killers")), strict=True):
                    if killers is not None:
                        known = {number(one) for one in items(killers)}
                        found[place] = frozenset(known & self._steady)
        return found

    def _capped(self, mutant: Mutant, among: Container[int] | None) -> list[int]:
        reaching = self.reaching(mutant)
        if among is not None:
            reaching = [one for one in reaching if one in among]
        return reaching[: _CALLS_PER_MUTANT if mutant.unit else _CALLS_PER_IMPORT_MUTANT]


class _Readers:
    """Which functions read the names that statements of the module or a class give values to."""

    def __init__(self, module: Module) -> None:
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._derived: dict[str, set[str]] = {}
        for node in module.tree.body:
            self._note(node)

    def _note(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            span = (node.lineno, node.end_lineno or node.lineno)
            for name in {node.name, *_names_in(node)}:
                self._spans.setdefault(name, []).append(span)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            made = {name for target in targets for name in _names_in(target)}
            for name in _names_in(node.value) if node.value else ():
                self._derived.setdefault(name, set()).update(made)
        for inner in ast.iter_child_nodes(node):
            is_block = not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if isinstance(inner, ast.stmt) and is_block:
                self._note(inner)

    def spans(self, names: frozenset[str]) -> list[tuple[int, int]]:
        """Lines of the functions that read one of the names, or what is made of it on import."""
        waiting, known = list(names), set(names)
        while waiting:
            new = self._derived.get(waiting.pop(), set()) - known
            known |= new
            waiting.extend(new)
        return [span for name in known for span in self._spans.get(name, ())]


def _names_in(node: ast.AST) -> set[str]:
    return {
        one.id if isinstance(one, ast.Name) else one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
    }
