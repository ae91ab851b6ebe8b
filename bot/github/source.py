"""A reply as one plain Markdown text: the file that holds what a comment had no room for."""

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


def reply_source(reply: Reply) -> str:
    """The whole reply, unchanged but for its form."""
    return "\n\n".join([f"# {reply.summary}", *map(_source, reply.blocks)]) + "\n"


def _source(block: Block) -> str:
    match block:
        case Heading():
            return f"## {block.text}"
        case Text():
            return block.markdown
        case Code():
            return _fenced(block.text, block.language)
        case Diff():
            return f"`{block.path}`\n\n{_fenced(block.text, 'diff')}"
        case Table():
            return _table(block)
        case Fields():
            return "\n".join(f"- **{label}**: {value}" for label, value in block.pairs)
        case Collapsible():
            return "\n\n".join([f"## {block.title}", *map(_source, block.blocks)])
        case Picture() | File() | Actions():
            return _beside_text(block)


def _beside_text(block: Picture | File | Actions) -> str:
    match block:
        case Picture():
            return f"Picture: {block.alt}"
        case File():
            return f"File: {block.name}"
        case Actions():
            return "\n".join(f"- {each.label}: `/gryph {each.line}`" for each in block.actions)


def _table(block: Table) -> str:
    rows = [block.header, tuple("---" for _ in block.header), *block.rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _fenced(text: str, language: str) -> str:
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}{language}\n{text}\n{ticks}"
