"""Tries laws on a few inputs in the warm jail: do they hold, and would they notice a change?"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product

from typing_extensions import override

from engines.source.module import Module
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.jailed import Jail
from engines.testing.mutation.analysis import Analysis
from engines.testing.mutation.mutants import Mutant, mutants_of
from engines.testing.offers import Term
from engines.testing.properties.forms import Forms
from engines.testing.properties.laws import Law
from engines.testing.search import Kept

_LAW_LIMIT = 30
_SAMPLES = 12
_SAMPLES_PER_LAW = 24
_LEAST_HOLDING = 3
_MUTANTS = 12
_PLAIN: dict[str, tuple[str, ...]] = {
    "str": ('""', '"a"', '"Hello World"', '"  x  "', '"foo_bar-2"', '"É"', '"aA"', '"x\\n"'),
    "int": ("0", "1", "2", "7", "10", "-1", "100"),
    "float": ("0.0", "1.5", "-2.25", "100.0"),
    "bytes": ('b""', 'b"a"', 'b"\\xff\\x00"'),
    "bool": ("True", "False"),
}


@dataclass(frozen=True)
class _Expression(Call):
    """A law for one choice of values, as something to execute."""

    text: str = ""

    @cached_property
    @override
    def source(self) -> str:
        return self.text


@dataclass(frozen=True)
class Trial:
    """One round of trying; mutants are charged to the budget and end at `until_s` of it."""

    jail: Jail
    module: Module
    budget: Budget
    until_s: float
    seed: int

    def promising(self, laws: Sequence[Law], forms: Forms) -> list[Law]:
        """The laws that no tried input breaks, and that some mutant of their code would break.

        Raises:
            Lost: the driver is gone.
        """
        tried = list(laws)[:_LAW_LIMIT]
        calls = [(law, call) for law in tried for call in self._calls(law, forms)]
        results = self.jail.run([call for _, call in calls], everything=True)
        holding: dict[str, list[Kept]] = {}
        broken: set[str] = set()
        for (law, call), result in zip(calls, results, strict=True):
            seen = result.observation
            if seen.kind == "value" and seen.text == "True":
                holding.setdefault(law.name, []).append(Kept(call, result))
            elif seen.kind == "value":
                broken.add(law.name)
        good = [
            one
            for one in tried
            if one.name not in broken and len(holding.get(one.name, ())) >= _LEAST_HOLDING
        ]
        return self._noticing(good, holding)

    def _calls(self, law: Law, forms: Forms) -> Iterator[Call]:
        columns = [_samples(law, place, forms) for place in range(len(law.variables))]
        names = [name for name, _ in law.variables]
        for row in islice(_mixed(columns), _SAMPLES_PER_LAW):
            assigned = "".join(f"(lambda {name}: " for name in names)
            values = "".join(f")({value})" for value in reversed(row))
            offer = law.forms[0].offer
            yield _Expression(offer, text=f"{assigned}bool({law.expression}){values}")

    def _noticing(self, laws: list[Law], holding: dict[str, list[Kept]]) -> list[Law]:
        """Those with a mutant that one of their inputs notices."""
        if not laws:
            return []
        analysis = Analysis(self.jail, self.module, self.budget, self.until_s)
        places = {one.name: analysis.add(holding[one.name]) for one in laws}
        every = mutants_of(self.module)
        return [
            one
            for one in laws
            if any(
                analysis.kills(self._mutants(one, every), set(places[one.name]), enough=1).values()
            )
        ]

    def _mutants(self, law: Law, every: Sequence[Mutant]) -> list[Mutant]:
        units = {f"{one.owner}.{one.name}" if one.owner else one.name for one in law.forms} | {
            f"{one.name}.__init__" for one in law.forms
        }
        own = [one for one in every if one.unit in units]
        own = own or [one for one in every if one.unit]
        choices = random.Random(self.seed)  # noqa: S311 - reproducible, no secret
        return choices.sample(own, min(_MUTANTS, len(own)))


def _samples(law: Law, place: int, forms: Forms) -> list[str]:
    """Inputs that were seen to work, and plain ones of the type."""
    term: Term = law.variables[place][1]
    seen = [text for form in law.forms[:1] for text in forms.samples(form, min(place, 1))]
    made = [text for form in law.forms[:1] for text in forms.samples(form, 0)]
    plain = _PLAIN.get(term.name, ())
    return list(dict.fromkeys([*seen[:_SAMPLES], *made[:_SAMPLES], *plain]))


def _mixed(columns: list[list[str]]) -> Iterator[tuple[str, ...]]:
    """Rows of values, the equal and the neighbouring ones first."""
    if len(columns) == 1:
        yield from ((one,) for one in columns[0])
        return
    shortest = min(map(len, columns))
    for shift in range(min(3, shortest)):
        for place in range(shortest):
            yield tuple(
                column[(place + shift * number) % len(column)]
                for number, column in enumerate(columns)
            )
    yield from product(*columns)
