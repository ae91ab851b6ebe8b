"""The command lines in a message."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from bot.grammar.faults import Span
from bot.grammar.nearest import nearest
from bot.grammar.prose import ADDRESS, BLANKS, LONGEST_TEXT, Address, Paragraph, paragraphs
from bot.grammar.vocabulary import is_plain_language
from bot.grammar.words import first_word

LIMIT = 5
"""Commands in one message."""
_EMPHASIS = "*_"
_BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + BLANKS
_LONGEST_VERB = 100
"""Characters behind a mention among which the verb stands."""
_CLEAR_SLIP = 1
"""Edits between a word and the verb it is taken for when nobody wrote `/gryph`."""


@dataclass(frozen=True)
class Found:
    """One command line."""

    line: str
    """As typed after the address: "test src/a.py"."""
    offset: int
    """Where its address stands in the message."""
    address: Literal["/gryph", "@gryph"]


@dataclass(frozen=True)
class Lines:
    """The command lines of a message, and how many more there were than it may hold."""

    found: tuple[Found, ...]
    dropped: int = 0


def find_lines(
    text: str,
    *,
    previous: str | None = None,
    limit: int = LIMIT,
    verbs: Collection[str] | None = None,
) -> Lines:
    """The command lines in the top-level prose of a Markdown `text`.

    `/gryph` counts at the start of a line or list item, whatever follows. `@gryph` counts anywhere
    in a line if a verb follows, at the start of a line also if a slip of one does; other words
    behind a mention are plain language, for `suggest`.

    Args:
        text: Read up to 200,000 characters.
        previous: The message before an edit; lines that stood there already are skipped.
        limit: The most lines to find.
        verbs: What may follow a mention. Without it any words do at the start of a line, and none
            inside one.
    """
    found = list(_all(text, verbs))
    if previous is not None and found:
        found = _new(found, list(_all(previous, verbs)))
    return Lines(tuple(found[:limit]), max(0, len(found) - limit))


def _new(found: list[Found], before: list[Found]) -> list[Found]:
    left = Counter(_same(each.line) for each in before)
    new: list[Found] = []
    for each in found:
        if left[_same(each.line)] > 0:
            left[_same(each.line)] -= 1
        else:
            new.append(each)
    return new


def _same(line: str) -> str:
    return " ".join(line.split())


def _all(text: str, verbs: Collection[str] | None) -> Iterator[Found]:
    text = text[:LONGEST_TEXT]
    if not ADDRESS.search(text):
        return
    starts = _line_starts(text)
    for paragraph in paragraphs(text):
        taken_to = -1
        source = paragraph.source
        breaks = [-1, *(found.start() for found in re.finditer("\n", source)), len(source)]
        for address in paragraph.addresses:
            if address.start < taken_to:
                continue
            number = bisect_left(breaks, address.start) - 1
            span = Span(breaks[number] + 1, breaks[number + 1])
            if not _is_command(source, address, span, verbs):
                continue
            taken_to = span.end
            first, last = _bounds(text, starts, paragraph.first_line + number)
            typed_end = first + len(text[first:last].rstrip())
            offset = typed_end - len(source[span.start : span.end].rstrip())
            yield Found(
                _line(paragraph, address, span),
                offset + address.start - span.start,
                "/gryph" if source[address.start] == "/" else "@gryph",
            )


def _is_command(source: str, address: Address, line: Span, verbs: Collection[str] | None) -> bool:
    """Whether the address, standing in the `line`, is followed by a command."""
    if source[address.start] == "/":
        return True
    rest = source[address.end : min(line.end, address.end + _LONGEST_VERB)]
    word = first_word(rest.lstrip(_EMPHASIS + ",:"))
    starts_line = not source[line.start : address.start].strip(_BLANK + _EMPHASIS)
    if not word:
        return False
    if verbs is None:
        return starts_line
    if word in verbs:
        return True
    if not starts_line or is_plain_language(word):
        return False
    return nearest(word, verbs, most_edits=_CLEAR_SLIP) is not None


def _line(paragraph: Paragraph, address: Address, line: Span) -> str:
    """What follows the address in its line, without HTML comments and emphasis around it all."""
    source = paragraph.source
    rest = "".join(_outside(paragraph, Span(address.end, line.end)))
    if line.end < len(source) and rest.endswith("\\"):
        rest = rest[:-1]  # a hard line break
    before = source[line.start : address.start]
    closing = before[len(before.rstrip(_EMPHASIS)) :][::-1]
    rest = rest.rstrip(_BLANK)
    rest = rest.removeprefix(closing) if rest.startswith(closing) else rest.removesuffix(closing)
    return rest[rest.startswith((",", ":")) :].strip(_BLANK)


def _outside(paragraph: Paragraph, line: Span) -> Iterator[str]:
    """The source of the line without comments, each a blank."""
    start = line.start
    for comment in paragraph.comments[bisect_left(paragraph.comments, (start, start)) :]:
        if comment[0] >= line.end:
            break
        yield paragraph.source[start : comment[0]] + " "
        start = min(comment[1], line.end)
    yield paragraph.source[start : line.end]


def _bounds(text: str, starts: list[int], number: int) -> tuple[int, int]:
    """Where a line of the message starts and ends. A paragraph's line is the message's without
    what marks lists and indentation on its left, so the two agree from the right.
    """
    return starts[number], starts[number + 1] if number + 1 < len(starts) else len(text)


def _line_starts(text: str) -> list[int]:
    """Where each line of the text starts; a line ends with \\r\\n, \\r or \\n."""
    starts = [0]
    position = 0
    for line in text.splitlines(keepends=True):
        position += len(line)
        if line.endswith(("\r", "\n")):
            starts.append(position)
    return starts
