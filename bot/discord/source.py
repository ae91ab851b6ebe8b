"""A reply as one Markdown text: the file that holds what messages had no room for."""

import re

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

_TICKS = re.compile("`+")


def reply_source(reply: Reply) -> str:
    """The whole reply; buttons are left to the messages."""
    return "\n\n".join([f"# {reply.summary}", *map(block_source, reply.blocks)]) + "\n"


def block_source(block: Block) -> str:
    """One block as Markdown."""
    match block:
        case Heading():
            return f"## {block.text}"
        case Text():
            return block.markdown
        case Code():
            return _fence(block.text, block.language)
        case Diff():
            return _fence(block.text, "diff")
        case Table():
            return _table(block)
        case Fields():
            return "\n".join(f"- **{label}**: {value}" for label, value in block.pairs)
        case Picture() | File() | Actions():
            return _named(block)
        case Collapsible():
            return "\n\n".join([f"## {block.title}", *map(block_source, block.blocks)])


def _named(block: Picture | File | Actions) -> str:
    if isinstance(block, Actions):
        return "\n".join(f"- {each.label}: `/gryph {each.line}`" for each in block.actions)
    return f"(picture: {block.alt})" if isinstance(block, Picture) else f"(file: {block.name})"


def _table(block: Table) -> str:
    rows = [block.header, tuple("---" for _ in block.header), *block.rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _fence(text: str, language: str) -> str:
    longest = max(map(len, _TICKS.findall(text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"
