"""Text made to be slow: one piece over and over, up to the longest that is read."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.commands import COMMANDS
from bot.grammar import GrammarError, find_lines, parse, suggest

TEXT_SIZES = (10_000, 100_000, 200_000)
LINE_SIZES = (500, 1_950, 3_900)
MOST_S = 6.0
"""CPU for the longest text."""
MOST_GROWTH = 3.5
"""How many times as long twice the text may take; a square takes 4 times."""
AGAIN = 3
"""Looks at what seems too slow."""
_NOISE_S = 0.2
"""Below it, growth says nothing."""
_LEADS = ("/gryph test a.py\n\n", "@gryph test ")
_LINE_LEADS = ("", "test ", "test a.py style=", "feedback J000001 ")
REPEATED = (
    "[", "![", "[a](", "[a]: b\n", "*", "_a", "**a ", "~~", "`", "` `` ", "<", "<a ", "<b>", "</b>", "<!--",
    "<!-- x -->", "-->", "> ", "- ", "1. ", "  - a\n", "> - ", "\t", "\\", "&amp;", "&", "|", "a|b\n",
    "|-", "@gryph ", "/gryph ", "/gryph\n", "@gryph x ", "@gryph test a.py\n", "/gryph test <!-- x -->\n",
    "- /gryph test a.py\n", "word ", "\u200b", "\u200b/gryph ", "* @gryph *", "_/gryph_", "a\n", "\n", "\r",
    "\0", "日本", "😀", '"', "'", "“", "«a", "a=", "--a ", "a/", "a.", "::", "#L1", "@a", "#", "$$", "~",
    "```\n", "~~~\n/gryph test a.py\n", "<details>\n\n@gryph test a.py\n\n", "    @gryph test a.py\n",
    "\u00a0\n", "\u00a0*", "_\u200b", "*\u3000/gryph",
)  # fmt: skip
"""Against each regular expression and each rule of the grammar."""


@dataclass(frozen=True)
class Curve:
    """The CPU seconds that longer and longer text took."""

    what: str
    seconds: tuple[float, ...]

    @property
    def grows_too_fast(self) -> bool:
        """Whether it is clearly worse than near-linear, or slow outright."""
        *_, half, full = self.seconds
        return full > MOST_S or (full > _NOISE_S and full > MOST_GROWTH * half)


def curves(piece: str) -> list[Curve]:
    """To find and to guess in text, and to read lines, of this piece."""
    found = [
        _measured(f"text {lead + piece!r}", _find, [_text(lead, piece, n) for n in TEXT_SIZES])
        for lead in _LEADS
    ]
    found += [
        _measured(f"line {lead + piece!r}", _read, [_line(lead, piece, n) for n in LINE_SIZES])
        for lead in _LINE_LEADS
    ]
    return found


def _measured(what: str, act: Callable[[str], None], texts: Sequence[str]) -> Curve:
    """The least of a few times where it looks bad: what else the machine does only adds to it."""
    curve = Curve(what, tuple(_cpu_s(act, text) for text in texts))
    for _ in range(AGAIN):
        if not curve.grows_too_fast:
            break
        again = [_cpu_s(act, text) for text in texts]
        curve = Curve(what, tuple(map(min, curve.seconds, again)))
    return curve


def _text(lead: str, piece: str, size: int) -> str:
    return lead + piece * (size // len(piece)) + "\n\n@gryph test b.py"


def _line(lead: str, piece: str, size: int) -> str:
    return (lead + piece * size)[:size].replace("\n", " ")


def _find(text: str) -> None:
    find_lines(text, verbs=COMMANDS)
    suggest(text, COMMANDS)


def _read(line: str) -> None:
    suggest(line, COMMANDS)
    try:
        parse(line, COMMANDS)
    except GrammarError:
        return


def _cpu_s(act: Callable[[str], None], text: str) -> float:
    """Without the garbage collector, which looks through all that the process holds besides."""
    gc.disable()
    try:
        start = time.process_time()
        act(text)
        return time.process_time() - start
    finally:
        gc.enable()
