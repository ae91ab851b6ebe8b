"""What a reader of CommonMark sees: a parser that no renderer uses in this way, and plain rules."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import table
from markdown_it.token import Token

from jobs.messages import Block, Code, Collapsible, Diff, Reply, Text

_DEEP = 100
"""As GitHub reads."""


def _reader(*, html: bool = False) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": html, "maxNesting": _DEEP})


WRITTEN = _reader().disable("inline")
"""How a reply's text is meant: no HTML in it."""
SHOWN = _reader(html=True).enable("strikethrough")
TABLED = _reader().disable("inline")
"""The same where there are tables, which are looked for after fences and lists."""
for _parser in (SHOWN, TABLED):
    _parser.block.ruler.before("lheading", "pipes", table, {"alt": ["paragraph", "reference"]})
UNTABLED = _reader(html=True).disable("inline")
"""GitHub looks for fences before it looks for tables, this parser the other way around."""
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CODE = ("fence", "code_block")
EXTENDING = re.compile(r"[\u0300-\u036f\u200d\ufe0f\U0001f3fb-\U0001f3ff]")
_APART = re.compile(r"(?:^|[\s\u200b\x00-\x1f])[\u0300-\u036f\u200d\ufe0f\U0001f3fb-\U0001f3ff]")


def utf16(text: str) -> int:
    """How many units of UTF-16 the text is."""
    return (
        sum(2 if character > "\uffff" else 1 for character in text)
        if not text.isascii()
        else len(text)
    )


def legible(text: str) -> str:
    """The text with line feeds and the sign for what cannot be seen."""
    return UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


@lru_cache(maxsize=64)
def blocks_in(markdown: str, reader: MarkdownIt) -> list[Token]:
    """The blocks of a text; several faces ask for the same."""
    return reader.parse(f"{markdown}\n")


def codes(markdown: str, reader: MarkdownIt) -> list[str]:
    """The inside of every code block, without line feeds at its end."""
    blocks = blocks_in(markdown, reader)
    return [block.content.rstrip("\n") for block in blocks if block.type in _CODE]


def codes_of(blocks: Iterable[Block], written: MarkdownIt = TABLED) -> Iterator[str]:
    """The code that a reply holds, in order, as it has to be shown."""
    for block in blocks:
        match block:
            case Code() | Diff():
                yield legible(block.text).rstrip("\n")
            case Text():
                yield from codes(legible(block.markdown), written)
            case Collapsible():
                yield from codes_of(block.blocks, written)
            case _:
                pass


def strings(value: object) -> Iterator[str]:
    """Every string in a dumped model."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from strings(each)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, (list, tuple)):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from strings(each)  # pyright: ignore[reportUnknownArgumentType]


def source_of(reply: Reply) -> str:
    """All that a reply says, one string behind the other."""
    return "\n".join(strings(reply.model_dump(include={"blocks"})))


def parts_characters(source: str, shown: str) -> bool:
    """Whether a line begins with the rest of a character, though none does in the source."""
    if not EXTENDING.search(shown) or _APART.search(source):
        return False
    return any(EXTENDING.match(line.lstrip("> -*#|`\u200b")) for line in shown.split("\n"))
