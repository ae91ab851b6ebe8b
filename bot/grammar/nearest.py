"""The word a person most likely meant."""

from collections.abc import Iterable

from rapidfuzz.distance import OSA, JaroWinkler

_SHORT = 3
_LONG = 8
_PREFIX = 2


def nearest(word: str, candidates: Iterable[str], *, most_edits: int | None = None) -> str | None:
    """The candidate that `word` is a slip of, or None if it resembles none.

    Counts dropped, doubled, swapped and wrong letters; among equals a neighbouring key and a
    common beginning win.
    """
    typed = word.casefold()
    best: tuple[float, str] | None = None
    for candidate in candidates:
        allowed = _allowed(candidate) if most_edits is None else most_edits
        distance = _distance(typed, candidate.casefold())
        if distance > allowed:
            continue
        score = distance - JaroWinkler.similarity(typed, candidate.casefold())
        if best is None or score < best[0]:
            best = (score, candidate)
    return best[1] if best else None


def _allowed(candidate: str) -> int:
    if len(candidate) <= _SHORT:
        return 1
    return 3 if len(candidate) >= _LONG else 2


def _distance(typed: str, meant: str) -> float:
    if len(typed) >= _PREFIX and meant.startswith(typed):
        return 1.0
    return OSA.distance(typed, meant)
