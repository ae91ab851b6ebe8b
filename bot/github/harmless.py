"""Hostile Markdown made safe to post: it looks the same and does nothing.

Outside of code, GitHub turns `@name` into a notification, `#12` and `owner/repo#12` into a
reference that shows on the other issue, "Fixes #12" into a promise to close it, `<…>` into HTML and
`![…](…)` into a request to somebody's server. Code is left as it is, byte for byte.

What is code is decided as GitHub does: blocks by a CommonMark parser with HTML switched off, which
is how the result reads once every `<` outside of code is escaped; code spans by the backtick rule.
https://github.github.com/gfm/#code-spans
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from markdown_it import MarkdownIt

from bot.table import unpiped
from bot.text import ZERO_WIDTH, clean, code_spans

_MARKDOWN = MarkdownIt("commonmark", {"html": False})  # its tables come before fences, GitHub's not
_MARKDOWN.core.ruler.enableOnly(["normalize", "block"])  # what is inline is decided here
_TICKS = re.compile(r"`+")
_ADDRESS = re.compile(
    r"(?<![^\s*_~(])https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?=[/?\s):]|$)[^\s<`()\[\]!]*"
)
_TAG = re.compile(r"<(?!https?://[^\s<>@#`]*>)(?=[A-Za-z/!?])")
_LINE_TAG = re.compile(r"(\n[ \t>]*)<")
_ENTITY = re.compile(r"&(?=#|commat;|num;)", re.IGNORECASE)
_PICTURE = re.compile(r"!+(?=\[)")
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_NUMBER = re.compile(r"(?:(?<=#)|(?<=\bGH-)|(?<=\bGH\\-))(?=\d)", re.IGNORECASE)
_CLOSING = re.compile(
    r"\b(close|fix|resolve)(?=(?:[sd]|e[sd])?\W{1,9}(?:#|GH\b|https?:|[\w.-]+/[\w.-]+#))",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"([\\`*_{}\[\]<>()#|~!])")
_RULER = re.compile(r"[ \t>]*[|:\-][|:\- \t]*")
_ITEM = re.compile(r"^[ \t>]*(?=(?:\d{1,9}[.)]|[-+*])(?:[ \t]|$))")
_SUGGESTION = re.compile(r"(`{3,}|~{3,})[ \t]*suggestion", re.IGNORECASE)


def escaped(text: str) -> str:
    """One line that shows as it is."""
    plain = " ".join(clean(text).split()).replace("&", "&amp;")
    return _disarmed(_PLAIN.sub(r"\\\1", plain))


def unmentioned(text: str) -> str:
    """Text that is no Markdown, without mentions and references."""
    return _NUMBER.sub(ZERO_WIDTH, _MENTION.sub("@" + ZERO_WIDTH, text))


def inline(markdown: str) -> str:
    """Inline Markdown as one harmless line."""
    return _spans(" ".join(clean(markdown).split()))


def cell(markdown: str) -> str:
    """Inline Markdown for a table's cell, whose pipes end nothing."""
    return unpiped(inline(markdown))


def code_span(text: str) -> str:
    """One line of code within a sentence."""
    text = " ".join(clean(text).split())
    ticks = "`" * (longest_ticks(text) + 1)
    edge = " " if text.startswith("`") or text.endswith("`") or not text else ""
    return f"{ticks}{edge}{text}{edge}{ticks}"


def longest_ticks(text: str) -> int:
    """The longest run of backticks in the text."""
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def harmless(markdown: str) -> str:
    """Markdown blocks that do nothing but show, with every fence closed."""
    lines = clean(markdown).split("\n")
    return "\n".join(made for part in _parts(lines) for made in _made_harmless(part))


class _Kind(StrEnum):
    PROSE = "prose"
    ROWS = "rows"
    """Of a table, or of what may be one."""
    FENCE = "fence"
    INDENTED = "indented"
    """Code without a fence."""
    REST = "rest"


@dataclass(frozen=True)
class _Part:
    kind: _Kind
    lines: list[str]
    fence: str = ""
    """What closes it."""


def _made_harmless(part: _Part) -> list[str]:
    match part.kind:
        case _Kind.INDENTED:
            return part.lines
        case _Kind.FENCE:
            first = _SUGGESTION.sub(r"\1", part.lines[0])
            return [first, *part.lines[1:], *([part.fence] if part.fence else [])]
        case _Kind.PROSE:
            return [_spans("\n".join(part.lines))]
        case _Kind.ROWS:
            return _rows(part.lines)
        case _Kind.REST:
            return [_disarmed(line) for line in part.lines]


def _parts(lines: list[str]) -> Iterator[_Part]:
    """The blocks that hold text, in order, with whatever stands between them."""
    at = 0
    for start, end, kind, fence in _blocks(lines):
        if start < at:
            continue
        if start > at:
            yield _Part(_Kind.REST, lines[at:start])
        yield _Part(kind, lines[start:end], fence)
        at = end
    if at < len(lines):
        yield _Part(_Kind.REST, lines[at:])


def _blocks(lines: list[str]) -> Iterator[tuple[int, int, _Kind, str]]:
    for token in _MARKDOWN.parse("\n".join(lines)):
        if token.map is None:
            continue
        start, end = token.map[0], min(token.map[1], len(lines))
        inside = lines[start:end]
        if token.type == "fence":
            runs_out = token.level == 0 and not any(line.strip() for line in lines[end:])
            is_open = runs_out and not _is_closed(inside, token.markup)
            yield start, end, _Kind.FENCE, token.markup if is_open else ""
        elif token.type == "code_block":
            yield start, end, _Kind.INDENTED, ""
        elif token.type == "inline":
            yield start, end, _Kind.ROWS if _looks_ruled(inside) else _Kind.PROSE, ""


def _is_closed(lines: list[str], markup: str) -> bool:
    end = rf" {{0,3}}{re.escape(markup[0])}{{{len(markup)},}}[ \t]*"
    return len(lines) > 1 and re.fullmatch(end, lines[-1]) is not None


def _looks_ruled(lines: list[str]) -> bool:
    """Whether the line that rules a table's header off is among them."""
    return any("-" in line and _RULER.fullmatch(line) for line in lines)


def _rows(lines: list[str]) -> list[str]:
    """Code spans count only where they read the same with and without the table."""
    cells = [cell for line in lines for cell in line.split("|")]
    is_plain = all(_is_balanced(cell) for cell in cells) and not any("\\|" in x for x in lines)
    make = _spans if is_plain else _disarmed
    # behind a pipe, an address is one only if it really is a table: made harmless as if not
    made = ["|".join(make(f"|{cell}")[1:] for cell in line.split("|")) for line in lines]
    # what goes on with a paragraph may begin a list where the lines before it are a table
    return [made[0], *(_ITEM.sub(rf"\g<0>{ZERO_WIDTH}", line) for line in made[1:])]


def _is_balanced(text: str) -> bool:
    return not any("`" in plain for plain, _ in _split(text))


def _spans(text: str) -> str:
    """One block's inline text, its code spans left as they are."""
    out: list[str] = []
    before = ""
    for plain, code in _split(text):
        # a tag at a line's start begins an HTML block even within what would be code
        out += (_disarmed(before + plain)[len(before) :], _LINE_TAG.sub(r"\1&lt;", code))
        before = "`" if code else ""
    return "".join(out)


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of plain text and the code span behind it, "" at the end."""
    at = 0
    for start, end in code_spans(text):
        yield text[at:start], text[start:end]
        at = end
    yield text[at:], ""


def _disarmed(plain: str) -> str:
    """Text outside of code; addresses stay whole."""
    out: list[str] = []
    at = 0
    for address in _ADDRESS.finditer(plain):
        out += (_unlinked(plain[at : address.start()], plain[address.start() :][:8]), address[0])
        at = address.end()
    return "".join(out) + _unlinked(plain[at:])


def _unlinked(text: str, following: str = "") -> str:
    """`following` is what stands behind the text, for what looks ahead."""
    text = _PICTURE.sub("", _ENTITY.sub("&amp;", _TAG.sub("&lt;", text)))
    text = _CLOSING.sub(lambda found: found[1][0] + ZERO_WIDTH + found[1][1:], text + following)
    text = text[: len(text) - len(following)] if following else text
    return unmentioned(text)
