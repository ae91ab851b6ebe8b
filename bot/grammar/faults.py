"""What is wrong with a command line, where, and the line that was probably meant."""

import re
import unicodedata
from dataclasses import dataclass

from handlers import UserError

_WIDEST_SHOWN = 100
_LEAD = 40
_LONGEST_QUOTED = 60
_PROMPT = "/gryph "
_BLANKS = re.compile(r"[\s\u200b\u2060\ufeff]+")
_JOINERS = "\u200c\u200d"
"""Without width, but part of words and of emoji."""


class GrammarError(UserError):
    """A line that cannot be read. The message is Markdown; its first line says it all."""

    def __init__(self, message: str, *, position: int, nearest: str | None = None) -> None:
        """`position` counts characters of the parsed line; `nearest` is a correct one near it."""
        super().__init__(message)
        self.position = position
        self.nearest = nearest


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of a line."""

    start: int
    end: int


class Fault(Exception):
    """The first thing wrong with a line."""

    def __init__(
        self, what: str, span: Span, *, instead: str | None = None, rather: str | None = None
    ) -> None:
        """`what` is Markdown, one line.

        Args:
            what: What is wrong.
            span: Where.
            instead: What should stand there, where it is known.
            rather: The whole line that is probably meant, where it differs in more than that.
        """
        super().__init__(what)
        self.what = what
        self.span = span
        self.instead = instead
        self.rather = rather

    def mended(self, line: str) -> str | None:
        """The line without this one fault, where it is known how."""
        if self.rather is not None:
            return _tidy(self.rather)
        if self.instead is None:
            return None
        return _tidy(f"{line[: self.span.start]}{self.instead}{line[self.span.end :]}")


def report(line: str, fault: Fault, *, nearest: str | None, example: str) -> GrammarError:
    """The error a person reads.

    Args:
        line: As typed, without the address.
        fault: What is wrong with it.
        nearest: A correct line close to it.
        example: One correct line.
    """
    shown, marks = _pointed_at(line, fault.span)
    parts = [fault.what, fenced(f"{shown}\n{marks}")]
    if nearest is not None:
        parts += ["Nearest correct command:", fenced(_PROMPT + nearest)]
    if nearest != example:
        parts.append(f"Example: {code(_PROMPT + example)}")
    return GrammarError("\n".join(parts), position=fault.span.start, nearest=nearest)


def code(text: str) -> str:
    """`text`, shortened, as Markdown code that nothing in it can end."""
    clean = _visible(text)
    if len(clean) > _LONGEST_QUOTED:
        clean = clean[: _LONGEST_QUOTED - 1] + "…"
    if "`" not in clean:
        return f"`{clean}`"
    ticks = "`" * (_longest_run(clean) + 1)
    return f"{ticks} {clean} {ticks}"


def fenced(text: str) -> str:
    """`text` as a fenced block that nothing in it can end."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _pointed_at(line: str, span: Span) -> tuple[str, str]:
    """The line, or the part of it around the place, and carets below the place."""
    first = max(0, span.start - _LEAD) if len(line) > _WIDEST_SHOWN else 0
    last = min(len(line), first + _WIDEST_SHOWN)
    lead = "…" if first else _PROMPT
    tail = "…" if last < len(line) else ""
    before = _visible(line[first : span.start])
    marked = _visible(line[span.start : min(span.end, last)])
    after = _visible(line[min(span.end, last) : last])
    marks = " " * _columns(lead + before) + "^" * max(1, _columns(marked))
    return f"{lead}{before}{marked}{after}{tail}".rstrip(), marks


def _tidy(line: str) -> str:
    """The line as it may be offered: with plain spaces, and with nothing in it that hides."""
    spaced = _BLANKS.sub(" ", line).strip()
    return "".join(char for char in spaced if char.isprintable() or char in _JOINERS)


def _visible(text: str) -> str:
    """Without characters that move the cursor or hide: those show as `␀`-like pictures."""
    return "".join(
        char if char.isprintable() or char in _JOINERS else _picture(char) for char in text
    )


def _picture(char: str) -> str:
    if char in "\t\u00a0" or unicodedata.category(char) == "Zs":
        return " "
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else "\ufffd"  # noqa: PLR2004 (C0 controls)


def _columns(text: str) -> int:
    """How many columns a fixed-width font gives to `text`."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
