"""What a person typed on Discord, as the CommonMark it means, so that the grammar can read it.

Differences that decide whether a line is a command: `>` quotes one line only, `>>>` quotes the
rest of the message, indented text is no code, a fence may open and close in mid-line, and an
unclosed fence is none. https://support.discord.com/hc/en-us/articles/210298617
"""

import re
from collections.abc import Mapping

from bot.chat_lines import commonmark_lines
from bot.discord.fences import ESCAPED_TICKS, TICKS, Fence, Prose, split_fences

MENTION = "@gryph"
_QUOTE = re.compile(r"[ \t]{0,3}> ")
_REST_QUOTED = re.compile(r"^[ \t]{0,3}>>> ", re.MULTILINE)
_SPOILER = re.compile(r"\|\|([^|\n]+)\|\|")
_CODE_SPAN = re.compile(r"(`+[^`\n]*`+)")
_EMOJI = re.compile(r"<a?(:\w{2,32}:)\d{15,20}>")


def from_discord(text: str, names: Mapping[str, str]) -> str:
    """Standard Markdown for a message's content.

    Args:
        text: The content as the gateway delivers it.
        names: What raw mentions stand for: `{"<@12>": "@gryph", "<@34>": "@ann"}`.
    """
    spoken, quoted = _split_endless_quote(text)
    written = [
        _fenced(part) if isinstance(part, Fence) else _prose(part, names)
        for part in split_fences(spoken)
    ]
    return ("".join(written) + quoted).strip("\n")


def _split_endless_quote(text: str) -> tuple[str, str]:
    for part in split_fences(text):
        if isinstance(part, Fence):
            continue
        for found in _REST_QUOTED.finditer(part.text):
            if found.start() > 0 or part.start == 0:
                rest = text[part.start + found.end() :]
                return text[: part.start + found.start()], _quoted(rest)
    return text, ""


def _fenced(part: Fence) -> str:
    return f"\n{TICKS}{part.language}\n{part.text}\n{TICKS}\n"


def _quoted(text: str) -> str:
    return "\n" + "".join(f"> {line}\n" for line in text.split("\n"))


def _prose(part: Prose, names: Mapping[str, str]) -> str:
    lines = commonmark_lines(part.text.split("\n"), lambda line: _QUOTE.match(line) is not None)
    return "\n".join(_spelled_out(line, names) for line in lines)


def _spelled_out(line: str, names: Mapping[str, str]) -> str:
    """Mentions by name, emoji by name, spoilers opened; code spans stay as they are."""
    pieces = _CODE_SPAN.split(line)
    for index in range(0, len(pieces), 2):
        piece = pieces[index]
        for raw, name in names.items():
            piece = piece.replace(raw, name)
        pieces[index] = _SPOILER.sub(r"\1", _EMOJI.sub(r"\1", piece))
    return "".join(pieces).replace(TICKS, ESCAPED_TICKS)
