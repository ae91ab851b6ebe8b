"""A reply as one Markdown file: what a face keeps where its messages cannot hold everything."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from bot.code_blocks import fenced
from bot.document import as_paragraph, standalone
from bot.table import markdown_table
from bot.text import clean, one_line
from jobs.messages import (
    Actions,
    Block,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Picture,
    Reply,
    Table,
    Text,
)
from storage.ids import ArtifactId

Link = Callable[[ArtifactId], str]
"""The address at which an artifact can be downloaded."""


def whole_answer(reply: Reply, link: Link | None = None) -> str:
    """The whole reply, however long; files and pictures with their addresses where there are any.

    It can always be encoded.
    """
    said = markdown_of(reply.blocks, link)
    return "\n\n".join([f"# {one_line(reply.summary)}", said]).strip("\n") + "\n"


def markdown_of(blocks: Sequence[Block], link: Link | None = None) -> str:
    """The blocks one after the other."""
    return "\n\n".join(said for block in blocks if (said := _said(block, link)))


def _said(block: Block, link: Link | None) -> str:
    match block:
        case Heading():
            return f"## {one_line(block.text)}"
        case Text():
            return standalone(clean(block.markdown))
        case Code():
            return fenced(clean(block.text), block.language)
        case Diff():
            return f"{as_paragraph(one_line(block.path))}\n\n{fenced(clean(block.text), 'diff')}"
        case Table():
            return markdown_table(block.header, block.rows)
        case Fields():
            return "\n".join(f"- **{one_line(k)}**: {one_line(v)}" for k, v in block.pairs)
        case Picture() | File() | Actions():
            return _named(block, link)
        case Collapsible():
            return f"## {one_line(block.title)}\n\n{markdown_of(block.blocks, link)}"


def _named(block: Picture | File | Actions, link: Link | None) -> str:
    if isinstance(block, Actions):
        lines = (
            f"- {as_paragraph(one_line(a.label))}: `/gryph {one_line(a.line)}`"
            for a in block.actions
        )
        return "\n".join(lines)
    address = f" <{link(block.artifact)}>" if link is not None else ""
    if isinstance(block, Picture):
        return f"Picture: {one_line(block.alt)}{address}"
    return f"File: {one_line(block.name)}{address}"


def beside_text(blocks: Iterable[Block]) -> Iterator[Block]:
    """The files and buttons, however deep: what such a file of text can only name."""
    for block in blocks:
        match block:
            case Picture() | File() | Actions():
                yield block
            case Collapsible():
                yield from beside_text(block.blocks)
            case _:
                pass
