"""Fences that what they hold cannot close: foreign text stays data, byte for byte."""

import json
import re

_RUN = re.compile(r"`{3,}")


def fenced(text: str, language: str = "") -> str:
    """The text between fences that are longer than any run of backticks in it.

    The length depends on the text alone, so the same text is always fenced the same, and a prompt
    that begins with it is the same byte for byte.
    """
    longest = max((len(one) for one in _RUN.findall(text)), default=2)
    fence = "`" * (longest + 1)
    ending = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}{language}\n{text}{ending}{fence}"


def labelled(path: str, first_line: int, last_line: int) -> str:
    """The heading of an excerpt; a path that could be read as more than a path is quoted."""
    shown = path if path.isprintable() and "`" not in path else json.dumps(path)
    return f"{shown} lines {first_line}-{last_line}"
