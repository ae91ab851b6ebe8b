"""Markdown cut at its own joints, so that no part of it breaks a fence, list or table."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.slack.prose import head, units

_parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["inline", "reference"])
_BLOCK_START = re.compile(r"[`~#>*+=|\d-]")
_INVISIBLE = "\u200b"
_RUN = re.compile(r"`+")
_LANGUAGE = re.compile(r"[^A-Za-z0-9+#._-]")


def segments(markdown: str, most: int) -> Iterator[str | None]:
    """The top-level elements in order, each of at most `most` units, fences closed.

    An element too long for that is cut where its kind allows; None stands for one that cannot
    be cut (a table, a quote).
    """
    lines = markdown.split("\n")
    tokens = _parser.parse(markdown)
    tops = [token for token in tokens if token.level == 0 and token.map and token.nesting >= 0]
    starts = [0, *(_first_line(token) for token in tops[1:]), len(lines)]
    for token, start, end in zip(tops, starts, starts[1:], strict=False):
        text = _closed(token, lines, start, end)
        if units(text) <= most:
            yield text
        else:
            yield from _cut(token, tokens, lines, most)


def _first_line(token: Token) -> int:
    assert token.map is not None
    return token.map[0]


def _closed(token: Token, lines: list[str], start: int, end: int) -> str:
    text = "\n".join(lines[start:end]).rstrip("\n")
    if token.type != "fence" or _is_closed(token, lines):
        return text
    return f"{text}\n{token.markup}"


def _is_closed(token: Token, lines: list[str]) -> bool:
    assert token.map is not None
    first, end = token.map
    last = lines[end - 1].strip()
    return end - 1 > first and set(last) == {token.markup[0]} and len(last) >= len(token.markup)


def _cut(token: Token, tokens: list[Token], lines: list[str], most: int) -> Iterator[str | None]:
    match token.type:
        case "fence" | "code_block":
            yield from fenced(token.content.rstrip("\n"), token.info, most)
        case "bullet_list_open" | "ordered_list_open":
            yield from _items(token, tokens, lines, most)
        case "paragraph_open" | "heading_open":
            assert token.map is not None
            text = "\n".join(lines[token.map[0] : token.map[1]])
            for index, part in enumerate(wrapped(text, most - 1)):
                risky = index and _BLOCK_START.match(part)
                yield f"{_INVISIBLE}{part}" if risky else part
        case _:
            yield None


def _items(token: Token, tokens: list[Token], lines: list[str], most: int) -> Iterator[str | None]:
    assert token.map is not None
    first, end = token.map
    items = [t for t in tokens if t.type == "list_item_open" and t.level == 1 and t.map]
    starts = [_first_line(item) for item in items if first <= _first_line(item) < end]
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        text = "\n".join(lines[start:stop]).rstrip("\n")
        yield text if units(text) <= most else None


def fenced(text: str, language: str, most: int) -> Iterator[str]:
    """Code in fences that its own backticks cannot close, each part within `most` units."""
    longest = max((len(run) for run in _RUN.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    info = _LANGUAGE.sub("", language.split(" ")[0])[:20]
    room = most - 2 * len(fence) - len(info) - 2
    if room < most // 2:  # a fence of thousands of backticks: show those as something else
        yield from fenced(text.replace("`", "\u02cb"), language, most)
        return
    for part in wrapped(text, room):
        yield f"{fence}{info}\n{part}\n{fence}"


def wrapped(text: str, most: int) -> Iterator[str]:
    """The text in parts of at most `most` units, cut after a line, else a word, else anywhere."""
    assert most > 1, "room for a character beyond the basic plane"
    rest = text
    while units(rest) > most:
        part = head(rest, most)
        joints = (part.rfind("\n"), part.rfind(" "))
        at = next((joint for joint in joints if joint > len(part) // 2), len(part))
        yield rest[:at]
        rest = rest[at + 1 :] if at < len(part) else rest[at:]
    yield rest
