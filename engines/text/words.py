"""Splits code and prose into the words that a search compares."""

import re
from functools import lru_cache

_RUN = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_VOWEL = re.compile(r"[aeiouy]")
_LONGEST = 64
"""Characters; longer runs are keys, hashes and encoded data."""
_SHORTEST_STEM = 3


def words(text: str) -> list[str]:
    """The words of a text in their order, in lower case.

    An identifier gives its parts (`parseRetryAfter`, `parse_retry_after`: parse, retry, after) and,
    where it has several, itself. Plurals and simple endings are cut off; single letters and plain
    numbers are left out.
    """
    found: list[str] = []
    for run in _RUN.findall(text):
        found += _split(run)
    return found


def identifier_parts(name: str) -> list[str]:
    """The parts of an identifier as they are read, in lower case: no stems, nothing left out."""
    found = _PART.findall(name) if name.isascii() else name.split("_")
    return [part.lower() for part in found if part]


@lru_cache(maxsize=100_000)
def _split(run: str) -> tuple[str, ...]:
    if len(run) > _LONGEST:
        return ()
    parts = [part for part in identifier_parts(run) if len(part) > 1 and not part.isdecimal()]
    stems = [stem(part) for part in parts]
    whole = run.strip("_").lower()
    return (*stems, whole) if len(parts) > 1 else tuple(stems)


def stem(word: str) -> str:
    """A word without the endings of plurals and of simple verb forms (Harman's S stemmer, 1991,
    with -ing and -ed).
    """
    if word.endswith("ies") and len(word) > _SHORTEST_STEM + 1:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > _SHORTEST_STEM:
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= _SHORTEST_STEM and _VOWEL.search(rest):
            return _undoubled(rest)
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM + 1 else word


def _undoubled(word: str) -> str:
    if word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word.removesuffix("e")


_STOP_WORDS = frozenset(
    words(
        "a an and are as at be been but by can for from has have how i if in into is it its me my "
        "no not of on or our so such that the their them then there these they this to use used "
        "using was we were what when where whether which who will with would you your"
    )
)


def query_words(text: str) -> dict[str, str]:
    """The different words of a question that tell something, each with how it was written; all of
    them where none does.
    """
    asked: dict[str, str] = {}
    for run in _RUN.findall(text):
        written = {stem(part): part for part in identifier_parts(run)}
        for word in words(run):
            asked.setdefault(word, written.get(word, word))
    telling = {word: one for word, one in asked.items() if word not in _STOP_WORDS}
    return telling or asked
