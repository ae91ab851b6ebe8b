"""Where a message may be a command, told without the grammar: by stock markdown-it-py.

Each `@gryph` and `/gryph` of the message is marked with a character of its own, the message is
read as any Markdown, and what is left as plain words is looked through for the marks.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rapidfuzz.distance import OSA

_NAME = re.compile(r"(?<!<)[/@]gryph", re.IGNORECASE)
_FIRST_MARK, _MOST_MARKS = 0xE000, 6_000
_MARK = re.compile(r"[/@](?i:gryp)([\ue000-\uf8ff])")
_NO_WIDTH = "\u200b\u2060\ufeff"
_SOLID, _COMMENT, _BREAK = "\ufffc", "\ufffa", "\n"
"""What stands for code, links and tags; for a comment; for the end of a line."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\"[^\"]*\"|'[^']*'|[^'\"<>])*)>")
_ANY_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)[^<>]*>")
_NEVER_CLOSED = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}
    | {"track", "wbr", "param"}
)
_LINK_OPEN, _LINK_CLOSE = (
    re.compile(r"<a[>\s]", re.IGNORECASE),
    re.compile(r"</a\s*>", re.IGNORECASE),
)
_SLASH_BEFORE = re.compile(rf"[\s{_NO_WIDTH}]*[*_]*")
_NOTHING_BEFORE = re.compile(rf"[\s{_NO_WIDTH}*_]*")
_MENTION_BEFORE = re.compile(rf"(?:.*[\s{_NO_WIDTH}(])?[*_]*", re.DOTALL)
_BEHIND = re.compile(rf"[\s{_NO_WIDTH},:*_{_COMMENT}]|<!--|\Z")
_CLEAR_WORD = re.compile(rf"[*_,:]*(?:[^\S\r\n]|[{_NO_WIDTH}])+([A-Za-z]+)(?=[\s{_NO_WIDTH}]|\Z)")
_FIRST_RUN = re.compile(
    rf"[\s{_NO_WIDTH}*_,:]*([\"'`\u2018-\u201f\u00ab]*[\s{_NO_WIDTH}]*[^\s{_NO_WIDTH}]*)"
)
_NO_COMMENTS = ("<!-->", "<!--->")
"""GitHub shows them as they are written, so they do not end what began before."""
_DECLARED = re.compile(r"<[?!](?!--)")
_NEAR, _FAR = 80, 2
_MOST_BRACKETS = 2_000

_stock = (
    MarkdownIt("commonmark", {"maxNesting": 50})
    .enable(["table", "strikethrough"])
    .disable("text_join")
)


@dataclass
class Places:
    """Where in a message commands are, as offsets of their addresses."""

    must: set[int] = field(default_factory=set[int])
    may: set[int] = field(default_factory=set[int])
    """More than `must`: also slips of verbs and odd spellings, which the grammar may take."""


@dataclass
class _Stream:
    """The plain words of a message one after the other, and the HTML at its places between them."""

    size: int = 0
    paragraphs: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    html: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def places(text: str, verbs: Collection[str]) -> Places | None:
    """Where the commands of `text` are; None where its HTML can be read in more than one way, and
    where it defines links, whose names the marks would change.
    """
    offsets = [found.start() for found in _NAME.finditer(text)][:_MOST_MARKS]
    found = Places()
    if not offsets:
        return found
    if text.count("[") > _MOST_BRACKETS:
        return None
    env: dict[str, object] = {}
    stream = _stream(_stock.parse(_marked(text, offsets), env))
    inside = _elements(stream.html)
    if inside is None or env.get("references"):
        return None
    taken: dict[int, bool] = {}
    for start, words in stream.paragraphs:
        for mark in _MARK.finditer(words):
            offset = offsets[ord(mark[1]) - _FIRST_MARK]
            hidden = any(first <= start + mark.start() < last for first, last in inside)
            if not hidden and _may_stand(words, mark):
                _judge(text, offset, _line_before(words, mark), verbs, found, taken)
    return found


def _marked(text: str, offsets: Sequence[int]) -> str:
    pieces: list[str] = []
    last = 0
    for number, offset in enumerate(offsets):
        pieces += [text[last : offset + 5], chr(_FIRST_MARK + number)]
        last = offset + 6
    return "".join(pieces) + text[last:]


def _stream(blocks: Sequence[Token]) -> _Stream:
    stream = _Stream()
    quotes = 0
    is_title = False
    for block in blocks:
        if block.type in {"blockquote_open", "table_open"}:
            quotes += 1
        elif block.type in {"blockquote_close", "table_close"}:
            quotes -= 1
        elif block.type in {"paragraph_open", "heading_open"}:
            is_title = block.markup.startswith("#")
        elif block.type == "html_block":
            stream.html.append((stream.size, block.content))
        elif block.type == "inline" and not quotes and not is_title:
            _read_paragraph(block.children or [], stream)
    return stream


def _read_paragraph(pieces: Sequence[Token], stream: _Stream) -> None:
    words: list[str] = []
    start = stream.size
    closed = 0
    for piece in pieces:
        closed += (piece.type in {"link_open", "s_open"}) - (
            piece.type in {"link_close", "s_close"}
        )
        if piece.type == "html_inline" and piece.content not in _NO_COMMENTS:
            stream.html.append((stream.size, piece.content))
            closed = max(0, closed + _link_change(piece.content))
        shown = _SOLID if closed else _shown(piece)
        words.append(shown)
        stream.size += len(shown)
    stream.paragraphs.append((start, "".join(words)))


def _link_change(tag: str) -> int:
    """An `<a>` is a link up to its end, or that of its paragraph."""
    return bool(_LINK_OPEN.match(tag)) - bool(_LINK_CLOSE.match(tag))


def _shown(piece: Token) -> str:
    match piece.type:
        case "text":
            return piece.content
        case "text_special" if piece.content.startswith("\\") and piece.content != "\\":
            return piece.content  # a backslash that escapes nothing, with what follows
        case "softbreak" | "hardbreak":
            return _BREAK
        case "em_open" | "em_close" | "strong_open" | "strong_close":
            return piece.markup
        case "html_inline" if piece.content.startswith("<!--"):
            return _COMMENT
        case _:
            return _SOLID


def _elements(html: Sequence[tuple[int, str]]) -> list[tuple[int, int]] | None:
    """Stretches of the stream between a tag and the tag that closes it, and in comments."""
    found: list[tuple[int, int]] = []
    opened: dict[str, list[int]] = {}
    comment: int | None = None
    for place, piece in html:
        shown, comment = _without_comments(place, piece, comment, found)
        if _DECLARED.search(shown):
            return None
        if [m.span() for m in _TAG.finditer(shown)] != [m.span() for m in _ANY_TAG.finditer(shown)]:
            return None
        for closing, name, rest in _TAG.findall(shown):
            starts = opened.setdefault(name.lower(), [])
            if closing and starts:
                found.append((starts.pop(), place))
            elif not closing and name.lower() not in _NEVER_CLOSED and not rest.endswith("/"):
                starts.append(place)
    if comment is not None:
        found.append((comment, 1 << 60))
    return found


def _without_comments(
    place: int, piece: str, comment: int | None, found: list[tuple[int, int]]
) -> tuple[str, int | None]:
    """The piece without comments, and where one began that it does not end."""
    shown = ""
    while piece:
        if comment is None:
            before, mark, piece = piece.partition("<!--")
            shown += before
            if not mark:
                break
            comment, piece = place, "--" + piece  # `<!-->` is a whole comment
        _, mark, piece = piece.partition("-->")
        if not mark:
            break
        found.append((comment, place))
        comment = None
    return shown, comment


def _line_before(words: str, mark: re.Match[str]) -> str:
    return words[words.rfind(_BREAK, 0, mark.start()) + 1 : mark.start()]


def _may_stand(words: str, mark: re.Match[str]) -> bool:
    before = _line_before(words, mark)
    wanted = _SLASH_BEFORE if mark[0][0] == "/" else _MENTION_BEFORE
    return wanted.fullmatch(before) is not None and bool(_BEHIND.match(words, mark.end()))


def _judge(
    text: str,
    offset: int,
    before: str,
    verbs: Collection[str],
    found: Places,
    taken: dict[int, bool],
) -> None:
    """Put the address where it belongs; a line holds one command, the first."""
    line = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset))
    starts = _NOTHING_BEFORE.fullmatch(before) is not None
    must, may = _said(text[offset : offset + _NEAR], verbs, starts_line=starts)
    if may and not taken.get(line, False):
        found.may.add(offset)
        if must and line not in taken and len(before) < _NEAR:
            found.must.add(offset)
    if may:
        taken[line] = taken.get(line, False) or must


def _said(rest: str, verbs: Collection[str], *, starts_line: bool) -> tuple[bool, bool]:
    """Whether what is said behind an address must, and whether it may, be taken for a command."""
    if rest[0] == "/":
        return True, True
    line = re.split(r"[\r\n]", rest[6:], maxsplit=1)[0]
    clear = _CLEAR_WORD.match(line)
    if clear and clear[1].lower() in verbs:
        return True, True
    run = _FIRST_RUN.match(line)
    word = "".join(char for char in run[1].casefold() if char.isalnum()) if run else ""
    if not word:
        return False, False
    return False, any(verb in word for verb in verbs) or (starts_line and any(_slips(word, verbs)))


def _slips(word: str, verbs: Collection[str]) -> Iterator[bool]:
    return (verb.startswith(word) or OSA.distance(word, verb) <= _FAR for verb in verbs)
