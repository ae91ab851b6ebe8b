"""Crashes worth telling, each with the smallest input that still shows it."""

from collections.abc import Mapping

from engines.testing.calls import Call
from engines.testing.jailed import Jail
from engines.testing.layout import double_quoted
from engines.testing.minimising import shrunken
from engines.testing.oracle import Texts, Verdict, verdict
from engines.testing.search import Kept
from engines.testing.types import Finding

_LIMIT = 10


def findings_of(jail: Jail, crashes: list[Kept], texts: Mapping[str, Texts]) -> tuple[Finding, ...]:
    """One finding for each place and kind of crash, smallest input first tried."""
    places: dict[tuple[int, str], Kept] = {}
    for one in sorted(crashes, key=lambda item: (-item.call.soundness, item.call.size)):
        seen = one.result.observation
        places.setdefault((seen.line, seen.type), one)
    smallest = shrunken(jail, list(places.values())[:_LIMIT], frozenset())
    held = jail.run([one.call for one in smallest], everything=True, separate=True)
    found: list[Finding] = []
    for one, again in zip(smallest, held, strict=True):
        said = texts[one.call.offer.key]
        if verdict(one.call, again, said) is Verdict.FINDING:
            found.append(_finding(Kept(one.call, again), said))
    return tuple(sorted(found, key=lambda item: item.line))


def _finding(one: Kept, said: Texts) -> Finding:
    seen = one.result.observation
    parameters = [item.parameter for item in one.call.arguments if item.parameter]
    message = f": {seen.message}" if seen.message else ""
    return Finding(
        call=double_quoted(_text(one.call)),
        error=f"{seen.type_name}{message}",
        line=seen.line,
        documented=said.sentence(seen.type_name, parameters),
    )


def _text(call: Call) -> str:
    return "\n".join((*call.setup, call.source))
