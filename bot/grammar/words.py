"""One command line, cut into words the way people and their phones type them.

Straight and curly quotes, backticks, Markdown links, dashes that a phone drew together and the
full stop of a sentence are all read as what was meant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bot.grammar.prose import BLANKS

_BLANK = re.compile(rf"[\s{BLANKS}]+")
_SOLID = re.compile(rf"[^\s{BLANKS}]+")
_KEY_BEFORE_QUOTE = re.compile(
    r"(?:-{1,2}|[\u2014\u2013\u2212]{1,2}|\u2010\u2010)?[A-Za-z][\w-]*+=(?=[\"'`\u2018-\u201f\u00ab])"
)
_DOUBLE_ENDS, _SINGLE_ENDS, _ANGLE_ENDS = '"\u201c\u201d', "'\u2019", "\u00bb"
_CLOSERS = {
    **dict.fromkeys('"\u201c\u201d\u201e\u201f', _DOUBLE_ENDS),
    **dict.fromkeys("'\u2018\u2019", _SINGLE_ENDS),
    "\u00ab": _ANGLE_ENDS,
}
_QUOTE_END = {
    ends: re.compile(rf"\\.|[{ends}]") for ends in (_DOUBLE_ENDS, _SINGLE_ENDS, _ANGLE_ENDS)
}
_ESCAPED_QUOTE = re.compile(r"""\\(["'\u2018-\u201f\u00bb\\])""")
_TICKS = re.compile("`+")
_SINGLE = "'\u2018\u2019"
_DASHES = re.compile(r"[\u2014\u2013\u2212]{1,2}(?=[A-Za-z])|\u2010\u2010(?=[A-Za-z])")
_ESCAPED = re.compile(r"\\([_*#~\[\]<>`])")
_LINK = re.compile(r"\[([^\[\]]+)\]\(<?([^()<>]*)>?\)")
_MARKS = re.compile(rf"[,;:!?.)\u2026]+(?=[\s{BLANKS}]|\Z)")
_PUNCTUATION = ",;!?.\u2026"


@dataclass(frozen=True)
class Word:
    """A word of the line, which stands there from `start` to `end`, `typed` as it was."""

    text: str
    start: int
    end: int
    typed: str
    is_quoted: bool = False
    is_open: bool = False
    """Whether it starts with a quote that nothing closes."""
    ends_quoted: bool = False
    """Whether it is `key="value"`."""

    @cached_property
    def bare(self) -> str:
        """The text without the marks of the sentence around it."""
        return self.text if self.is_quoted or self.ends_quoted else _bare(self.text)


def split_words(line: str) -> tuple[Word, ...]:
    """The words of `line`, in order."""
    return tuple(_Cutter(line).words())


def first_word(text: str) -> str:
    """The first word of `text` as a verb is compared, or "" if there is none."""
    word = next(_Cutter(text).words(), None)
    return as_verb(word) if word else ""


def as_verb(word: Word) -> str:
    """The word as a verb is compared."""
    return word.bare.rstrip(":").casefold()


class _Cutter:
    """Cuts one line, in linear time."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._unclosed: set[str] = set()
        """Quotes that nothing further on closes."""

    def words(self) -> Iterator[Word]:
        position = 0
        while True:
            if blank := _BLANK.match(self._line, position):
                position = blank.end()
            if position >= len(self._line):
                return
            word = self._word_at(position)
            yield word
            position = word.end

    def _word_at(self, start: int) -> Word:
        if quoted := self._quoted(start):
            return quoted
        if key := _KEY_BEFORE_QUOTE.match(self._line, start):
            value = self._quoted(key.end())
            if value is not None:
                text = _with_hyphens(key.group()) + value.text
                typed = self._line[start : value.end]
                return Word(text, start, value.end, typed, ends_quoted=True)
        solid = _SOLID.match(self._line, start)
        assert solid is not None
        typed = solid.group()
        is_open = typed[0] in _CLOSERS or typed[0] == "`"
        return Word(_with_hyphens(typed), start, solid.end(), typed, is_open=is_open)

    def _quoted(self, start: int) -> Word | None:
        if ticks := _TICKS.match(self._line, start):
            return self._in_ticks(ticks)
        opener = self._line[start]
        if opener not in _CLOSERS or opener in self._unclosed:
            return None
        is_single = opener in _SINGLE
        for found in _QUOTE_END[_CLOSERS[opener]].finditer(self._line, start + 1):
            end = found.start()
            follower = self._line[end + 1 : end + 2]
            if found.group().startswith("\\") or (is_single and follower.isalnum()):
                continue
            text = _ESCAPED_QUOTE.sub(r"\1", self._line[start + 1 : end])
            typed = self._line[start : end + 1]
            return Word(text, start, self._past_marks(end + 1), typed, is_quoted=True)
        self._unclosed.add(opener)
        return None

    def _in_ticks(self, ticks: re.Match[str]) -> Word | None:
        if ticks.group() in self._unclosed:
            return None
        end = self._line.find(ticks.group(), ticks.end())
        if end < 0:
            self._unclosed.add(ticks.group())
            return None
        text = self._line[ticks.end() : end].strip()
        after = end + len(ticks.group())
        typed = self._line[ticks.start() : after]
        return Word(text, ticks.start(), self._past_marks(after), typed, is_quoted=True)

    def _past_marks(self, end: int) -> int:
        """Behind the comma or full stop that follows a quotation."""
        marks = _MARKS.match(self._line, end)
        return marks.end() if marks else end


def _with_hyphens(text: str) -> str:
    return _DASHES.sub("--", text, count=1) if text[0] in "\u2014\u2013\u2212\u2010" else text


def _bare(text: str) -> str:
    link = _LINK.match(text)
    if link:
        label, address = link.groups()
        shown = address.partition("://")[2].rstrip("/")
        text = label if not address or shown == label else address
    text = text.rstrip(_PUNCTUATION) or text
    if text.startswith("(") and ")" not in text[1:-1]:
        text = text[1:]
    if text.endswith(")") and "(" not in text:
        text = text[:-1].rstrip(_PUNCTUATION)
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    return _ESCAPED.sub(r"\1", text)
