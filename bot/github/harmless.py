"""Hostile Markdown made safe to post: it looks the same and does nothing.

Outside of code, GitHub turns `@name` into a notification, `#12`, `owner/repo#12`, an issue's
address and a commit's sha into a reference that shows on the other side, "Fixes #12" into a promise
to close it, `<…>` into HTML and `![…](…)` into a request to somebody's server. Code is left as it
is, byte for byte, but shown as code: never as a suggestion or a drawing.
https://docs.github.com/en/get-started/writing-on-github
"""

import html
import re

from bot.links import open_links, unaddressed, unlike_others
from bot.passages import Kind, Passage, passages, reads_alike, split
from bot.table import unpiped
from bot.text import ZERO_WIDTH, clean, one_line

_ADDRESS = re.compile(
    r"(?<![^\s*_~(])https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
    r"(?=(?::\d{1,5})?(?:[/?#\s)]|$))(?:(?![*_~][^\w\s]*#\d)[^\s<`()\[\]!])*"
)
_LINK_START = re.compile(r"\]\($")
_ISSUE = re.compile(
    r"(https?://)(?:www\.)?github\.com(?::\d+)?(?=/[^/\s]+/[^/\s]+/"
    r"(?:issues|pull|pulls|discussions|commit|commits)/\w)",
    re.IGNORECASE,
)
_REDIRECT = r"\1redirect.github.com"
"""GitHub's own host that leads to the same page, and under which no reference is made."""
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINE_TAG = re.compile(r"(\n[ \t>]*)<")
_LINE_NOTE = re.compile(r"\n[ \t>]*\[(?=\^)")
_ENTITY = re.compile(r"&(?=#|commat;|num;|colon;|sol;)", re.IGNORECASE)
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_NUMBER = re.compile(
    r"(?:(?<=#)|(?<=(?<![A-Za-z0-9])GH-)|(?<=(?<![A-Za-z0-9])GH\\-))(?=\d)", re.IGNORECASE
)
_COMMIT = re.compile(r"(?<![\w-])(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{7,40}(?![\w-])")
_SHORT = re.compile(r"[0-9a-f]{6}(?=.)")
"""Fewer letters than GitHub takes for a commit."""
_CLOSING = re.compile(
    r"(?<![A-Za-z0-9])(close|fix|resolve)"
    r"(?=(?:[sd]|e[sd])?\W{1,9}(?:#|GH\b|https?:|[\w.-]{1,40}/[\w.-]{1,100}#))",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"([\\`*_{}\[\]<>()#|~!])")
_INFO = re.compile(r"([ \t]*)(\S+)")
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_ITEM = re.compile(r"^[ \t>]*(?=(?:\d{1,9}[.)]|[-+*])(?:[ \t]|$))")
_DASH = re.compile(r"^([ \t>]*-)(?=[ \t]*$)")
"""A heading's underline, or an item behind a table; two dashes underline as well."""
_TICKS = re.compile(r"`+")
_MANY_TICKS = re.compile(r"`{79}(?=`)")
"""GitHub takes no run of more than 80 for a code span's beginning."""
_LONG_FENCE = re.compile(r"`{200}(?=`)|~{200}(?=~)")
"""GitHub counts 255 of a fence at most, and ends a longer one with those."""
_BRACKETS = re.compile(r"\[(?:(?!://)[^\[\]`\\])*\]")
"""A pair of them with no address, code or escape between."""
_UNPAIRED = re.compile(r"(\\.)|`", re.DOTALL)
_UNBROKEN = re.compile(r"[^ \t\n\v\f\r]+")
"""What GitHub would take for the rest of an address, backticks included."""
_LINKED = re.compile(r"(?<!\]\()(?:(?:https?|ftp):(?=//)|(?<![A-Za-z0-9])www(?=\.))", re.IGNORECASE)
_ACTIVE = frozenset({"suggestion", "mermaid", "geojson", "topojson", "stl", "math"})
"""Languages of a fence that GitHub shows as something other than code."""


def escaped(text: str) -> str:
    """One line that shows as it is."""
    plain = one_line(text).replace("&", "&amp;")
    return _disarmed(_PLAIN.sub(r"\\\1", plain))


def label(text: str) -> str:
    """One line to stand on a link of ours."""
    return escaped(unaddressed(text))


def unmentioned(text: str) -> str:
    """Text that is no Markdown, without mentions, references and promises to close."""
    text = _ISSUE.sub(_REDIRECT, unlike_others(text))
    text = _CLOSING.sub(lambda found: found[1][0] + ZERO_WIDTH + found[1][1:], text)
    return _unreferred(text)


def _unreferred(text: str) -> str:
    text = _COMMIT.sub(lambda found: _SHORT.sub(r"\g<0>" + ZERO_WIDTH, found[0]), text)
    return _NUMBER.sub(ZERO_WIDTH, _MENTION.sub("@" + ZERO_WIDTH, text))


def plain_line(text: str) -> str:
    """One line for a title or a commit message, which hold no Markdown."""
    return unmentioned(one_line(text))


def shown_as_code(info: str) -> str:
    """What a fence's first line may say: not that it is anything but code."""
    return _INFO.sub(_inactive, info, count=1)


def _inactive(found: re.Match[str]) -> str:
    word = _WORD.search(html.unescape(found[2]).replace("\\", ""))
    return found[1] if word and word[0].lower() in _ACTIVE else found[0]


def inline(markdown: str) -> str:
    """Inline Markdown as one harmless line."""
    return _spans(one_line(markdown))


def cell(markdown: str) -> str:
    """Inline Markdown for a table's cell, whose pipes end nothing."""
    return unpiped(inline(markdown))


def code_span(text: str) -> str:
    """One line of code within a sentence."""
    text = _MANY_TICKS.sub(r"\g<0>" + ZERO_WIDTH, one_line(text))
    ticks = "`" * (longest_ticks(text) + 1)
    edge = " " if text.startswith("`") or text.endswith("`") or not text else ""
    return f"{ticks}{edge}{text}{edge}{ticks}"


def longest_ticks(text: str) -> int:
    """The longest run of backticks in the text."""
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def harmless(markdown: str) -> str:
    """Markdown blocks that do nothing but show, with every fence closed."""
    parts = list(passages(_LONG_FENCE.sub(r"\g<0>" + ZERO_WIDTH, clean(markdown))))
    made = "\n".join(line for part in parts for line in _made_harmless(part))
    first = next((part for part in parts if "".join(part.lines).strip(" \t")), None)
    if first is None or first.kind is not Kind.INDENTED or first.lines[0][0] not in " \t":
        return made
    return f"{ZERO_WIDTH}\n\n{made}"  # behind a list, it would be text of the last item


def _made_harmless(part: Passage) -> list[str]:
    match part.kind:
        case Kind.INDENTED:
            return part.lines
        case Kind.FENCE:
            first = _opening(part.lines[0], part.markup)
            return [first, *part.lines[1:], *([part.closing] if part.closing else [])]
        case Kind.PROSE:
            return [_spans("\n".join(part.lines))]
        case Kind.ROWS:
            return _rows(part.lines)
        case Kind.REST:
            return [_disarmed(line) for line in part.lines]


def _opening(line: str, markup: str) -> str:
    """A fence's first line."""
    before, _, info = line.partition(markup)
    return before + markup + shown_as_code(info)


def _rows(lines: list[str]) -> list[str]:
    is_alike = reads_alike(lines)
    make = _spans if is_alike else _disarmed
    is_open = _is_open("\n".join(lines))
    # behind a pipe, an address is one only if it really is a table: made harmless as if not
    made = [
        "|".join(make(f"|{cell}", is_open=is_open)[1:] for cell in line.split("|"))
        for line in lines
    ]
    if is_alike:  # an address does not end with its cell where it is no table
        made = ["".join(_off_ticks(*part) + part[1] for part in split(line)) for line in made]
    return [made[0], *map(_no_item, made[1:])]


def _no_item(line: str) -> str:
    """What goes on with a paragraph, and may begin a list where the lines before are a table."""
    return _ITEM.sub(rf"\g<0>{ZERO_WIDTH}", _DASH.sub(r"\1-", line))


def _is_open(text: str) -> bool:
    """Whether a bracket may be open where an address stands: GitHub makes no link of that one."""
    return "[" in _BRACKETS.sub("", text)


def _spans(text: str, *, is_open: bool | None = None) -> str:
    """One block's inline text, its code spans left as they are, all other backticks escaped.

    Once GitHub has looked for a run's pair in vain, it takes no more than one code span of those
    that follow with as many backticks.
    https://github.com/github/cmark-gfm/blob/master/src/inlines.c (scan_to_closing_backticks)
    """
    is_open = _is_open(text) if is_open is None else is_open
    out: list[str] = []
    before = ""
    for plain, code in split(_MANY_TICKS.sub(r"\g<0>" + ZERO_WIDTH, text)):
        made = _disarmed(before + plain, code, is_open=is_open)[len(before) :]
        out += (_UNPAIRED.sub(_escaped_tick, made), _unbroken(code))
        before = "`" if code else ""
    return "".join(out)


def _unbroken(code: str) -> str:
    """Code without what begins a block at a line's start, and so ends it: a tag or a footnote."""
    return _LINE_NOTE.sub(r"\g<0>" + ZERO_WIDTH, _LINE_TAG.sub(r"\1&lt;", code))


def _escaped_tick(found: re.Match[str]) -> str:
    return found[1] or "\\`"


def _disarmed(plain: str, following: str = "", *, is_open: bool = False) -> str:
    """Text outside of code; addresses stay whole, but where a bracket may be open."""
    plain = _off_ticks(open_links(plain), following)
    out: list[str] = []
    at = 0
    for address in _ADDRESS.finditer(plain):
        between = plain[at : address.start()]
        shown = address[0]
        is_target = _LINK_START.search(between) is not None
        if is_target:  # it ends with the bracket, not with the word
            shown = shown.partition(")")[0]
        made = _ISSUE.sub(_REDIRECT, shown)
        out += (
            _unlinked(between, shown[:8]),
            _unreferred(made) if is_open and not is_target else made,
        )
        at = address.start() + len(shown)
    return "".join(out) + _unlinked(plain[at:])


def _off_ticks(text: str, following: str) -> str:
    """Text with no address that would draw backticks in: its own or the one that follows."""
    following = following[:1]
    made = _UNBROKEN.sub(_without_ticks, text + following)
    return made[: len(made) - len(following)]


def _without_ticks(found: re.Match[str]) -> str:
    address, tick, rest = found[0].rpartition("`")
    made = _LINKED.sub(r"\g<0>" + ZERO_WIDTH, address)
    return (address if made == address else _unreferred(made)) + tick + rest


def _unlinked(text: str, following: str = "") -> str:
    """`following` is what stands behind the text, for what looks ahead."""
    text = _ENTITY.sub("&amp;", _TAG.sub("&lt;", text))
    text = unmentioned(text + following)
    return text[: len(text) - len(following)] if following else text
