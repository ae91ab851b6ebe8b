"""Chooses the calls that become tests: by what they reach and by the mutants they notice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engines.source.module import Module
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.generation import Generation
from engines.testing.jailed import Jail
from engines.testing.minimising import bulk, distinct, is_alike, simpler_calls
from engines.testing.mutation.analysis import Analysis, Kills
from engines.testing.mutation.branches import counted
from engines.testing.mutation.choice import Gain, Item, chosen_of, pruned, replaced
from engines.testing.mutation.hunting import Hunt
from engines.testing.mutation.mutants import Mutant, sampled
from engines.testing.oracle import Judge
from engines.testing.search import Kept

_MUTANTS, _JUDGED_MUTANTS = 260, 60
_HUNTS, _VAIN_HUNTS, _HUNTED, _CALLS_PER_HUNT, _BASES_PER_HUNT = 14, 3, 60, 10, 12
_SLIMMINGS = 4
_SLIM_CPU_S, _JUDGE_CPU_S = 0.8, 0.3
"""What simpler calls and the score may cost,"""
_SLIM_SHARE, _JUDGE_SHARE = 0.3, 0.12
"""and of the budget at most."""
_WATCHING_SHARE, _MAKING_SHARE = 0.5, 0.4


@dataclass(frozen=True)
class Score:
    """Of mutants that had no part in choosing: how many there were, how many are noticed."""

    mutants: int = 0
    killed: int = 0
    survivors: tuple[tuple[int, str], ...] = ()
    """Line and change of those in code that the chosen calls run."""


@dataclass(frozen=True)
class Selection:
    """One choice among the calls of a run.

    `cpu_s` is what mutants may cost.
    """

    jail: Jail
    module: Module
    generation: Generation
    wanted: frozenset[int]
    judge: Judge
    budget: Budget
    cpu_s: float
    seed: int

    @cached_property
    def counted(self) -> Mapping[int, int]:
        """What coverage counts of the goals, see `branches.counted`."""
        return counted(self.module, self.jail.goals)

    def chosen(self, kept: Sequence[Kept]) -> tuple[list[Kept], Score]:
        """The calls to keep, most valuable first, and how many other mutants they notice.

        Raises:
            Lost: the driver is gone.
        """
        whole_s = self.budget.spent_s + self.cpu_s
        end_s = whole_s - min(_JUDGE_CPU_S, _JUDGE_SHARE * self.cpu_s)
        until_s = end_s - min(_SLIM_CPU_S, _SLIM_SHARE * self.cpu_s)
        analysis = Analysis(self.jail, self.module, self.budget, until_s)
        self.jail.until_s = self.budget.spent_s + _WATCHING_SHARE * self.cpu_s
        analysis.add(distinct(kept))
        self.jail.until_s = until_s
        goals = self.jail.goals
        imported = frozenset(goals[one].line for one in self.jail.reached if one < len(goals))
        every = sampled(self.module, _MUTANTS + _JUDGED_MUTANTS, self.seed, imported)
        split = min(len(every) // 5, _JUDGED_MUTANTS)
        others, mutants = every[:split], every[split:]
        kills = analysis.kills(mutants)
        vain = 0
        for number in range(_HUNTS):
            vain = 0 if self._hunt(analysis, mutants, kills, number) else vain + 1
            if vain == _VAIN_HUNTS:
                break
        places = chosen_of(analysis.pool, self._gains(analysis, mutants, kills))
        analysis.until_s = self.jail.until_s = end_s
        for _ in range(_SLIMMINGS):
            before, places = places, self._slimmed(analysis, mutants, kills, places)
            if places == before:
                break
        analysis.until_s = self.jail.until_s = whole_s
        return [analysis.pool[one] for one in places], _score(analysis, others, places)

    def _gains(
        self, analysis: Analysis, mutants: Sequence[Mutant], kills: Kills
    ) -> dict[int, Gain]:
        """What each call of the pool is good for; entries of one table are alike."""
        goals, noticed = self.jail.goals, dict[int, dict[Item, Item]]()
        for number, killers in kills.items():
            one = mutants[number]
            kin = ("mutant", number) if one.unit else ("table", one.start)
            for place in killers:
                noticed.setdefault(place, {})["mutant", number] = kin
        gains: dict[int, Gain] = {}
        for place, one in enumerate(analysis.pool):
            hits = one.hits & self.wanted
            more: dict[Item, Item] = {
                ("goal", hit): ("line", goals[hit].line) for hit in hits if hit not in self.counted
            }
            needed = frozenset(self.counted[hit] for hit in hits if hit in self.counted)
            gains[place] = Gain(needed, more | noticed.get(place, {}))
        return gains

    def _slimmed(
        self, analysis: Analysis, mutants: Sequence[Mutant], kills: Kills, places: list[int]
    ) -> list[int]:
        """Simpler calls in the place of those chosen, where nothing is lost that no other has."""
        pool = analysis.pool
        ordered = sorted(places, key=lambda place: -bulk(pool[place].call))
        tries = [
            (place, call)
            for place, simpler in zip(ordered, simpler_calls([pool[one] for one in ordered]),
                                      strict=True)
            for call in analysis.unknown(simpler)
        ]  # fmt: skip
        if not tries or analysis.is_over:
            return places
        self.jail.until_s -= (1 - _MAKING_SHARE) * self.jail.left_s
        results = self.jail.run([call for _, call in tries], everything=True)
        self.jail.until_s = analysis.until_s
        shown = [
            (place, Kept(call, result))
            for (place, call), result in zip(tries, results, strict=True)
            if is_alike(pool[place], Kept(call, result))
        ]
        added = analysis.add([one for _, one in shown])
        gains = self._gains(analysis, mutants, kills)
        counts = Counter(one for place in places for one in gains[place].all)
        wanted = [one for (kind, one), count in counts.items() if kind == "mutant" and count == 1]
        found = analysis.kills([mutants[one] for one in wanted], added)
        for number, killers in found.items():
            kills[wanted[number]] |= killers
        instead: dict[int, list[int]] = {}
        for (place, _), new in zip(shown, added, strict=True):
            instead.setdefault(place, []).append(new)
        gains = self._gains(analysis, mutants, kills)
        return pruned(pool, replaced(pool, places, instead, gains), gains)

    def _hunt(
        self, analysis: Analysis, mutants: Sequence[Mutant], kills: Kills, number: int
    ) -> bool:
        """Make calls for mutants that run unnoticed, others every time; whether any is noticed."""
        hunt = Hunt(self.generation, self.seed + number)
        unnoticed = [place for place, killers in kills.items() if not killers]
        reaching = {place: analysis.reaching(mutants[place]) for place in unnoticed}
        running = [place for place in unnoticed if reaching[place]]
        turn = number * _HUNTED % max(1, len(running))
        survivors = {place: reaching[place] for place in (running[turn:] + running)[:_HUNTED]}
        calls: dict[Call, None] = {}
        for place, run in survivors.items():
            bases = [analysis.pool[one].call for one in run[:_BASES_PER_HUNT]]
            calls |= dict.fromkeys(hunt.calls(mutants[place], bases, _CALLS_PER_HUNT))
        if not calls or analysis.is_over:
            return False
        unknown = analysis.unknown(calls)
        results = self.jail.run(unknown, everything=True)
        new = [
            Kept(call, result)
            for call, result in zip(unknown, results, strict=True)
            if result.hits and result.observation.kind not in {"hang", "killed", "setup"}
        ]
        added = analysis.add(self.judge.tests(new))
        places = list(survivors)
        found = analysis.kills([mutants[place] for place in places], added)
        gained = {places[number]: killers for number, killers in found.items() if killers}
        kills.update(gained)
        return bool(gained)


def _score(analysis: Analysis, mutants: Sequence[Mutant], places: Sequence[int]) -> Score:
    """How many of the mutants the calls at these places notice."""
    kept = set(places)
    kills = analysis.kills(mutants, kept, enough=1)
    survivors = [
        (mutants[number].line, mutants[number].what)
        for number, killers in kills.items()
        if not killers and any(one in kept for one in analysis.reaching(mutants[number]))
    ]
    killed = sum(1 for killers in kills.values() if killers)
    return Score(len(kills), killed, tuple(sorted(survivors)))
