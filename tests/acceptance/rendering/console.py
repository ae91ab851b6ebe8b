"""What a terminal would make of our text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bot.console.plain import columns
from bot.console.render import Screen, draft_lines, render_reply, render_status
from jobs.messages import Actions, Block, Code, Collapsible, Diff, Text
from storage.ids import ArtifactId
from tests.acceptance.rendering.cases import Case
from tests.acceptance.rendering.judging import Fault, Timing, lost
from tests.acceptance.rendering.read import TABLED, codes, legible, strings

FACE = "console"
_WIDE = 10**6
"""No cell is wrapped."""
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_MOST_BELOW = 20
_MOST_LINES = 10_000
"""Lines behind them are code, whatever they are."""
_FENCES = re.compile(r"(?:`{3}|~{3})[^\n\r]*")
_STEERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SIGNS = re.compile(r"[\u2400-\u241f\ufffd\u061c\u200e\u200f\u2028\u2029]")


def _link(artifact: ArtifactId) -> str:
    return f"https://gryph.invalid/{artifact}"


def judge(case: Case, words: Sequence[str], timing: Timing) -> Iterator[Fault]:
    """Everything wrong with the status line and the reply, with and without colours."""
    plain = Screen(_link, width=case.width)
    coloured = Screen(_link, width=case.width, coloured=True)
    text, slow = timing.timed(FACE, lambda: render_reply(case.reply, plain))
    yield from slow
    styled = _STYLE.sub("", render_reply(case.reply, coloured))
    lines = [
        render_status(case.view, screen, fitting=screen is plain) for screen in (plain, coloured)
    ]
    below = draft_lines(case.view, plain)
    if len(below) > _MOST_BELOW or any(columns(line) >= case.width for line in below):
        yield Fault(FACE, "limit", f"a draft that wraps or fills the screen: {below}")
    for shown in (text, styled, *lines, *below):
        found = _STEERS.search(_STYLE.sub("", shown))
        if found is not None:
            yield Fault(FACE, "control character", repr(shown[max(found.start() - 20, 0) :][:60]))
    if any("\n" in line for line in lines):
        yield Fault(FACE, "limit", "a status of several lines")
    yield from lost(FACE, case, words, render_reply(case.reply, Screen(_link, width=_WIDE)))
    said = "".join(_said(case.reply.blocks))
    missing = Counter(_letters(said)) - Counter(_letters(text))
    if missing:
        yield Fault(FACE, "lost", f"letters {dict(missing)}")
    yield from _code(case.reply.blocks, _same(text), "")


def _said(blocks: Sequence[Block]) -> Iterator[str]:
    """Every string that a block says; a code's language is seen."""
    for block in blocks:
        if isinstance(block, Collapsible):
            yield block.title
            yield from _said(block.blocks)
        elif isinstance(block, Code):
            yield block.text
        elif isinstance(block, Actions):
            yield from (each.label + each.line for each in block.actions)
        elif isinstance(block, Text):
            yield _FENCES.sub("", block.markdown)
        else:
            yield from strings(block.model_dump(exclude={"kind", "artifact"}))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _code(blocks: Sequence[Block], text: str, indent: str) -> Iterator[Fault]:
    for block in blocks:
        match block:
            case Code() | Diff():
                yield from _stands(block.text, text, indent)
            case Text() if block.markdown.count("\n") < _MOST_LINES:
                for code in codes(legible(block.markdown), TABLED):
                    yield from _stands(code, text, f"{indent}    ")
            case Collapsible():
                yield from _code(block.blocks, text, f"{indent}  ")
            case _:
                pass


def _stands(code: str, text: str, indent: str) -> Iterator[Fault]:
    lines = _same(legible(code)).strip("\n").split("\n")
    wanted = "\n".join(f"{indent}{line}" if line else "" for line in lines)
    if wanted.strip() and wanted not in text:
        yield Fault(FACE, "code changed", repr(wanted[:200]))


def _same(text: str) -> str:
    """The text in which all signs for what cannot be shown are the same."""
    return _SIGNS.sub("?", text)
