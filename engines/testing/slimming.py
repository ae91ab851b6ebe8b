"""Makes calls smaller that together reach what only some of them have to reach."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from engines.testing.calls import Argument, Call
from engines.testing.jailed import Jail
from engines.testing.minimising import bulk, is_alike, simpler_calls
from engines.testing.search import Kept

_ROUNDS = 4


def slimmed(jail: Jail, kept: Sequence[Kept], wanted: frozenset[int]) -> list[Kept]:
    """Calls that reach something alone, as small as they get while all together reach the same.

    The longest come first, the other calls stay as they are. What made a call smaller in one round
    is put together in the next.
    """
    chosen = sorted(kept, key=lambda one: -bulk(one.call))
    counts = Counter(hit for one in chosen for hit in one.hits & wanted)
    together: dict[int, Call] = {}
    for _ in range(_ROUNDS):
        tries = list(_tries(chosen, together, wanted, counts))
        results = jail.run([call for _, call in tries], everything=True)
        instead: dict[int, list[Kept]] = {}
        for (place, call), result in zip(tries, results, strict=True):
            instead.setdefault(place, []).append(Kept(call, result))
        before, together = list(chosen), {}
        for place, others in instead.items():
            old = chosen[place]
            fitting = _fitting(old, others, wanted, counts)
            if fitting:
                chosen[place] = new = min(fitting, key=lambda one: bulk(one.call))
                counts.subtract(old.hits & wanted - new.hits)
                counts.update(new.hits & wanted - old.hits)
                together[place] = _put_together(old.call, [one.call for one in fitting])
        if chosen == before:
            break
    return chosen


def _tries(
    chosen: Sequence[Kept], together: dict[int, Call], wanted: frozenset[int], counts: Counter[int]
) -> Iterator[tuple[int, Call]]:
    for place, simpler in enumerate(simpler_calls(chosen)):
        one = chosen[place]
        if not one.call.is_example and any(counts[hit] == 1 for hit in one.hits & wanted):
            others = [together[place], *simpler] if place in together else simpler
            yield from ((place, call) for call in others if bulk(call) < bulk(one.call))


def _fitting(
    old: Kept, others: list[Kept], wanted: frozenset[int], counts: Counter[int]
) -> list[Kept]:
    """Those with which nothing is lost that no other call reaches."""
    reached = old.hits & wanted
    return [
        new
        for new in others
        if is_alike(old, new) and all(counts[one] > 1 for one in reached - new.hits)
    ]


def _put_together(old: Call, others: Iterable[Call]) -> Call:
    """The call with the shortest of what the others have in each place, or nothing."""
    call = old
    for other in others:
        given = {one.parameter: one for one in other.arguments}
        kept = [_shorter(one, given[one.parameter]) for one in call.arguments
                if one.parameter in given]  # fmt: skip
        receiver = min(call.receiver or "", other.receiver or "", key=len) or call.receiver
        steps = min(call.steps, other.steps, key=len)
        call = replace(call, arguments=tuple(kept), receiver=receiver, steps=steps)
    return call


def _shorter(one: Argument, other: Argument) -> Argument:
    return other if len(other.source) < len(one.source) else one
