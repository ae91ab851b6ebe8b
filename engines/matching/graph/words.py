"""What a task asks its people to know, as far as its paths and its text tell."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from engines.text.words import query_words, words

MOST_SKILLS = 40
"""Of one task; more say nothing of it."""


def skills_of(paths: Sequence[str], text: str) -> list[str]:
    """Languages (as extensions: `.py`) and topics (words of the text and of the paths), each once.

    The words of the text come first, for they are cut off last.
    """
    found = dict.fromkeys(query_words(text)) if text.strip() else {}
    for path in paths:
        found.update(dict.fromkeys(_of_path(path)))
    return list(found)[:MOST_SKILLS]


@lru_cache(maxsize=50_000)
def folders_of(path: str) -> tuple[str, ...]:
    """The directories above a path, nearest first, without the root."""
    return tuple(str(parent) for parent in PurePosixPath(path).parents)[:-1]


@lru_cache(maxsize=50_000)
def _of_path(path: str) -> tuple[str, ...]:
    pure = PurePosixPath(path)
    language = (pure.suffix.lower(),) if pure.suffix else ()
    return (*language, *dict.fromkeys(words(pure.stem)), *dict.fromkeys(words(pure.parent.name)))
