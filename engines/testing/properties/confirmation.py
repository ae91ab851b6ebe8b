"""Runs laws under Hypothesis in a jail of their own, with wide strategies first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.sandbox import Sandbox
from engines.testing.assertions import Names
from engines.testing.budget import Budget
from engines.testing.facts import Fact, items, number, seconds
from engines.testing.file_head import Head
from engines.testing.jailed import Lost, answer, command, understood
from engines.testing.places import Place, TestPlace
from engines.testing.properties.laws import Law
from engines.testing.properties.strategies import LEVELS, Strategies
from engines.testing.properties.text import Property
from engines.testing.stability import SETTINGS

_KEPT_LIMIT = 6
_CPU_LIMIT_S = 30.0
TRIAL_CPU_S = 0.8
"""What trying may cost, once Hypothesis is imported."""


@dataclass(frozen=True)
class Confirmation:
    """How laws of one target are tried."""

    sandbox: Sandbox
    place: Place
    names: Names
    budget: Budget

    def held(self, laws: Sequence[Law], strategies: Strategies) -> list[Property]:
        """The laws that hold on a few hundred examples, with the widest strategies they hold for.

        None where the process is lost.
        """
        variants = [list(_variants(law, strategies)) for law in laws]
        variants = [one for one in variants if one]
        if not variants:
            return []
        try:
            places = self._tried([[self._file(one) for one in each] for each in variants])
        except Lost:
            return []
        found = zip(variants, places, strict=False)
        return [each[place] for each, place in found if 0 <= place < len(each)][:_KEPT_LIMIT]

    def _file(self, one: Property) -> str:
        body = "\n".join(one.lines(is_unittest=False)) + "\n"
        head = Head(self.place, TestPlace("test_it.py", None), self.names)
        return "\n".join(head.lines(body, is_unittest=False)) + "\n\n\n" + body

    def _tried(self, tests: list[list[str]]) -> list[int]:
        request: Fact = {
            "paths": self.place.import_paths,
            "module": self.place.module,
            "tests": tests,
            "cpu_s": TRIAL_CPU_S,
        }
        account = self.budget.account()
        with TemporaryDirectory(prefix="gryph-properties-") as name:
            start = command("properties", self.place, Path(name), SETTINGS[0], _CPU_LIMIT_S)
            with self.sandbox.open(start) as talk, understood():
                reply = answer(talk, request, lambda: False)
                account.reported(seconds(reply.get("cpu_s")))
                return [number(one) for one in items(reply.get("held"))]


def _variants(law: Law, strategies: Strategies) -> Iterator[Property]:
    """The law with strategies of each width, without repeats."""
    made: dict[Property, None] = {}
    for level in range(LEVELS):
        texts = [strategies.text(term, level) for _, term in law.variables]
        known = tuple(one for one in texts if one is not None)
        if len(known) == len(texts):
            made[Property(law, known)] = None
    yield from made
