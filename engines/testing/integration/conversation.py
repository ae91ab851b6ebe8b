"""Talks to the subject in a jail and keeps what answers the same way every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.conversation import Conversation
from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Account, Budget
from engines.testing.facts import Fact, fact, items, number, seconds
from engines.testing.integration.detection import Kind, Subject
from engines.testing.integration.scenarios import Scenario, program_scenarios, web_scenarios
from engines.testing.jailed import answer, command, understood
from engines.testing.places import Place
from engines.testing.stability import SETTINGS

_CPU_LIMIT_S = 60.0
_PER_STATUS = 3
_ALONE_LIMIT = 40


@dataclass(frozen=True)
class Told:
    """A scenario with the last answer; `hits` are the goals it reached."""

    scenario: Scenario
    answer: Fact
    hits: frozenset[int]

    @property
    def is_crash(self) -> bool:
        """Whether an exception came out."""
        return self.answer.get("kind") == "error"


def talked(sandbox: Sandbox, place: Place, subject: Subject, budget: Budget) -> list[Told]:
    """The scenarios worth a test or a finding.

    Raises:
        Lost: the process is gone.
    """
    account = budget.account()
    with TemporaryDirectory(prefix="gryph-integration-") as name:
        start = command("integration", place, Path(name), SETTINGS[0], _CPU_LIMIT_S)
        with sandbox.open(start) as talk, understood():
            operations = _operations(talk, place, subject, account)
            make = web_scenarios if subject.kind is Kind.WEB else program_scenarios
            tried = list({repr(one.steps): one for one in make(operations)}.values())
            first = _together(talk, tried, account)
            after = _together(talk, tried[::-1], account)
            chosen = _chosen(_steady(first, after))
            alone = _asked(talk, [one.scenario for one in chosen], account, together=False)
            return _steady(chosen, alone)


def _operations(talk: Conversation, place: Place, subject: Subject, account: Account) -> list[Fact]:
    request: Fact = {
        "module": place.module,
        "file": str(place.file),
        "root": str(place.root),
        "paths": place.import_paths,
        "kind": str(subject.kind),
        "name": subject.name,
        "is_made": subject.expression.endswith("()"),
    }
    reply = answer(talk, request, lambda: False)
    account.reported(seconds(reply.get("cpu_s")))
    return [fact(one) for one in items(reply.get("operations"))]


def _together(talk: Conversation, scenarios: Sequence[Scenario], account: Account) -> list[Told]:
    """What they show one after the other; after one that ends the process, each on its own."""
    told = _asked(talk, scenarios, account, together=True)
    lost = scenarios[len(told) : len(told) + _ALONE_LIMIT]
    return [*told, *_asked(talk, lost, account, together=False)] if lost else told


def _asked(
    talk: Conversation, scenarios: Sequence[Scenario], account: Account, *, together: bool
) -> list[Told]:
    steps = [list(one.steps) for one in scenarios]
    reply = answer(talk, {"scenarios": steps, "together": together}, lambda: False)
    account.reported(seconds(reply.get("cpu_s")))
    return [
        Told(scenario, fact(fact(one).get("answer")), _hits(fact(one)))
        for scenario, one in zip(scenarios, items(reply.get("told")), strict=True)
        if one is not None
    ]


def _hits(one: Fact) -> frozenset[int]:
    return frozenset(number(item) for item in items(one.get("hits")))


def _chosen(told: Sequence[Told]) -> list[Told]:
    """Of each operation and status the first two that differ in words or in what they reach."""
    kept: list[Told] = []
    seen: dict[tuple[str, object], int] = {}
    reached: set[int] = set()
    for one in sorted(told, key=lambda item: len(item.scenario.steps)):
        if one.answer.get("kind") not in {"answer", "error"}:
            continue
        key = (one.scenario.name, one.answer.get("status", one.answer.get("type")))
        count = seen.get(key, 0)
        is_wider = not reached.issuperset(one.hits)
        if count < (1 if not one.scenario.words else _PER_STATUS) or is_wider:
            kept.append(one)
            seen[key] = count + 1
            reached |= one.hits
    return kept


def _steady(told: Sequence[Told], again: Sequence[Told]) -> list[Told]:
    """Those that came out the same once more; what differed in their answers is left out."""
    others = {one.scenario: one.answer for one in again}
    found: list[Told] = []
    for one in told:
        other = others.get(one.scenario, Fact())
        if _sort(one.answer) == _sort(other):
            common = {name: value for name, value in one.answer.items() if other.get(name) == value}
            mine = one.answer.get("part", one.answer.get("json"))
            common |= _common_part(mine, other.get("json"))
            found.append(Told(one.scenario, common, one.hits))
    return found


def _common_part(first: object, second: object) -> Fact:
    """Of two objects that differ: what they agree in."""
    if first == second or not isinstance(first, dict) or not isinstance(second, dict):
        return {}
    one, other = fact(first), fact(second)  # pyright: ignore[reportUnknownArgumentType] -- JSON
    absent = object()
    return {"part": {key: value for key, value in one.items() if other.get(key, absent) == value}}


def _sort(one: Fact) -> tuple[object, ...]:
    return one.get("kind"), one.get("status"), one.get("type")
