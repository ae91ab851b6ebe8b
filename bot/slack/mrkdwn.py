"""Slack's mrkdwn and Markdown, each way.

What people write becomes the Markdown our grammar reads; short inline Markdown of ours becomes
mrkdwn where a block takes nothing else (fields).
https://docs.slack.dev/messaging/formatting-message-text
"""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.chat_lines import commonmark_lines
from bot.links import is_web, shows_truth
from bot.names import mentioned
from bot.slack.prose import code, escape
from bot.text import clean

_TOKEN = re.compile(r"<([^<>\n]+)>")
_FENCE = re.compile(r"```(.*?)```", re.DOTALL)
_REST_QUOTED = re.compile(r"^&gt;&gt;&gt;", re.MULTILINE)
_DASHED_FLAG = re.compile(r"(?<=\s)\u2014(?=[a-z])")
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"'})
_MARKS = {
    "strong_open": "*",
    "strong_close": "*",
    "em_open": "_",
    "em_close": "_",
    "s_open": "~",
    "s_close": "~",
    "softbreak": "\n",
    "hardbreak": "\n",
}
MOST_BRACKETS = 2_000
"""Each may begin a link, and all that follows is looked at for its end."""
_inline = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


def to_markdown(text: str, bot: str | None) -> str:
    """What a person wrote, as Markdown with us called `@gryph`.

    Typographic quotes and dashes that phones put into commands are undone. As Slack shows it, `>`
    quotes one line, `>>>` all that follows, and indented text is no code.
    """
    spoken, mark, quoted = _split_endless_quote(text)
    parts = _FENCE.split(spoken)
    for index, part in enumerate(parts):
        plain = _plain(part, bot)
        if index % 2:
            parts[index] = "\n```\n" + plain.strip("\n") + "\n```\n"
        else:
            straight = _DASHED_FLAG.sub("--", plain.translate(_QUOTES))
            lines = straight.replace("```", "\\`\\`\\`").split("\n")
            parts[index] = "\n".join(commonmark_lines(lines, lambda line: line.startswith(">")))
    rest = "".join(f"\n> {line}" for line in _plain(quoted, bot).split("\n")) if mark else ""
    return ("".join(parts) + rest).strip()


def _split_endless_quote(text: str) -> tuple[str, str, str]:
    """What stands before `>>>`, the mark, and what stands behind it; in a fence it is none."""
    fences = [found.span() for found in _FENCE.finditer(text)]
    for found in _REST_QUOTED.finditer(text):
        if not any(start < found.start() < end for start, end in fences):
            return text[: found.start()], found[0], text[found.end() :]
    return text, "", ""


def _plain(text: str, bot: str | None) -> str:
    return _unescape(_TOKEN.sub(lambda found: _token(found[1], bot), text))


def _token(token: str, bot: str | None) -> str:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return "@gryph" if target[1:] == bot else mentioned(label or target[1:])
    if target.startswith("#"):
        return mentioned(label or target[1:], "#")
    if target.startswith("!"):
        name = target[1:].partition("^")[0]
        return mentioned(label, "") if label else f"@{name}"
    is_drawn = target.startswith("mailto:") or target in {f"http://{label}", f"https://{label}"}
    return label if label and is_drawn else target  # `a.py` looks like an address to Slack


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def from_inline(markdown: str) -> str:
    """Inline Markdown as mrkdwn that pings nobody; of too many brackets none begins a link."""
    said = clean(markdown)
    if said.count("[") > MOST_BRACKETS:
        said = said.replace("[", "\\[")
    tokens = _inline.parseInline(said)
    children = [child for parent in tokens for child in parent.children or []]
    endings: list[str] = []
    written: list[str] = []
    for index, token in enumerate(children):
        if token.type == "link_open":
            start, ending = _linked(token, children[index:])
            written.append(start)
            endings.append(ending)
        else:
            written.append(endings.pop() if token.type == "link_close" else _written(token))
    return "".join(written)


def _linked(link: Token, following: list[Token]) -> tuple[str, str]:
    """What stands before and behind a link's words; where they would lie, the address is said."""
    address = str(link.attrGet("href") or "")
    end = next(n for n, token in enumerate(following) if token.type == "link_close")
    words = "".join(token.content for token in following[:end])
    holds_another = any(token.type == "link_open" for token in following[1:end])
    if is_web(address) and shows_truth(words, address) and not holds_another:
        return f"<{_address(link)}|", ">"
    return "", f" ({_address(link)})"


def _written(token: Token) -> str:
    match token.type:
        case "text" | "text_special":
            return escape(token.content)
        case "image":
            return escape(f"{token.content} ({token.attrGet('src')})".strip())
        case "code_inline":
            return code(token.content)
        case _:
            return _MARKS.get(token.type, "")


def _address(token: Token) -> str:
    return escape(str(token.attrGet("href") or "")).replace("|", "%7C")
