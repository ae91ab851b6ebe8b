"""Has calls made again: what they show must not rest on the calls before them."""

from collections import Counter
from itertools import accumulate, takewhile

from engines.testing.jailed import Jail
from engines.testing.minimising import covering
from engines.testing.observations import Result
from engines.testing.search import Kept

_PER_OFFER, _PER_ERROR = 10, 3
_FIRST_SHARE, _AGAIN_SHARE = 0.45, 0.7
"""Of what is left, for the first round and for the one in another order."""


def preselected(kept: list[Kept], wanted: frozenset[int]) -> list[Kept]:
    """What is worth confirming, most valuable first: a cover, each offer's shortest ways, and of
    all crashes the best founded.
    """
    chosen = {id(one): one for one in covering(kept, wanted)}
    counts: Counter[object] = Counter()
    for one in sorted(kept, key=lambda item: (2 - item.call.soundness, item.call.size)):
        key, seen = one.call.offer.key, one.result.observation
        crash = (key, seen.type, seen.line)
        counts[key] += 1
        counts[crash] += 1
        is_telling = seen.kind == "error" and counts[crash] <= _PER_ERROR
        if counts[key] <= _PER_OFFER or is_telling:
            chosen[id(one)] = one
    return list(chosen.values())


def confirmed(jail: Jail, kept: list[Kept]) -> list[Kept]:
    """The calls with what they show whatever ran before them, or else in a process of their own.

    Where time is short the last ones are left out.
    """
    until_s, started_s = jail.until_s, jail.cpu_s
    jail.until_s -= (1 - _FIRST_SHARE) * jail.left_s
    results = jail.run([one.call for one in kept], everything=True)
    jail.until_s = until_s
    results = _repeatable(results, jail.cpu_s - started_s, _AGAIN_SHARE * jail.left_s)
    calls = [one.call for one in kept[: len(results)]]
    again = jail.run(calls[::-1], everything=True)[::-1]
    unsteady = [
        place
        for place, (one, other) in enumerate(zip(results, again, strict=True))
        if (one.hits, one.observation) != (other.hits, other.observation)
    ]
    alone = jail.run([calls[place] for place in unsteady], everything=True, separate=True)
    for place, result in zip(unsteady, alone, strict=True):
        results[place] = result
    return [
        Kept(one.call, result)
        for one, result in zip(kept, results, strict=False)
        if result.hits is not None
    ]


def _repeatable(results: list[Result], took_s: float, left_s: float) -> list[Result]:
    """The first results, as many as can be had once more."""
    done = [one for one in results if one.observation.kind != "skipped"]
    beside_s = (took_s - sum(one.cpu_s for one in done)) / max(1, len(done))
    sums = accumulate(one.cpu_s + beside_s for one in done)
    fitting = list(takewhile(lambda spent_s: spent_s < left_s, sums))
    return done[: max(1, len(fitting))]
