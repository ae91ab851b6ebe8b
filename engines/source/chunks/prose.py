"""The first sentence of documentation, however it is marked as such."""

import re

_MARKERS = re.compile(r"^\s*(?:/\*+!?|\*+/|\*|//[/!]?|#+|--|;+)?\s?|\s*\*+/\s*$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(\[])|\n\s*\n")
_LONGEST = 300


def first_sentence(documentation: str) -> str:
    """The first sentence on one line, at most 300 characters; empty for none."""
    paragraph = documentation.strip()
    sentence = _SENTENCE_END.split(paragraph, maxsplit=1)[0] if paragraph else ""
    return " ".join(sentence.split())[:_LONGEST]


def without_markers(comment: str) -> str:
    """The text of a comment without `//`, `/** */`, `*` and `#`."""
    return "\n".join(_MARKERS.sub("", line) for line in comment.splitlines())
