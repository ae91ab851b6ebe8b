"""A reply as one Markdown document: what is attached when Slack cannot show all of it."""

from collections.abc import Iterable

from bot.slack.prose import clean, one_line
from bot.slack.segments import fenced
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

_NO_LIMIT = 1 << 40


def document(reply: Reply) -> str:
    """The whole reply, however long."""
    return markdown(reply.blocks) if reply.blocks else clean(reply.summary)


def markdown(blocks: Iterable[Block]) -> str:
    """Blocks as Markdown."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"## {one_line(block.text)}"
        case Text():
            return clean(block.markdown)
        case Code():
            return fence(block.text, block.language)
        case Table():
            return table(block.header, block.rows)
        case Fields():
            return "\n".join(f"- **{one_line(k)}**: {one_line(v)}" for k, v in block.pairs)
        case Diff():
            return f"`{one_line(block.path)}`\n\n{fence(block.text, 'diff')}"
        case Picture() | File() | Actions():
            return _outside(block)
        case Collapsible():
            return f"### {one_line(block.title)}\n\n{markdown(block.blocks)}"


def _outside(block: Picture | File | Actions) -> str:
    """What a document can only name."""
    match block:
        case Picture():
            return f"Picture: {one_line(block.alt)}"
        case File():
            return f"File: `{one_line(block.name)}` ({size(block.size_bytes)})"
        case Actions():
            lines = (f"- {one_line(a.label)}: `/gryph {one_line(a.line)}`" for a in block.actions)
            return "\n".join(lines)


def fence(text: str, language: str) -> str:
    """Code in one fence."""
    return next(fenced(clean(text).rstrip("\n"), language, _NO_LIMIT))


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; a cell is one line and cannot end its column."""
    lines = [_row(header), _row(("---",) * len(header)), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    shown = (one_line(cell).replace("|", "\\|") or " " for cell in cells)
    return f"| {' | '.join(shown)} |"


def size(size_bytes: int) -> str:
    """A number of bytes as people say it."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - the step between units
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
