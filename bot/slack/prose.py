"""Text as Slack may be given it: within a length, and pinging nobody."""

import re

from bot.links import open_links, unlike_others
from bot.passages import outside_code
from bot.text import ZERO_WIDTH, cut, one_line, units

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|~!&])")
_MENTION = re.compile(
    r"<(?=!(?:channel|here|everyone|group|subteam|date)\b|@[A-Z0-9]|#[A-Z0-9])|"
    r"@(?=(?:channel|here|everyone|group)\b)",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?=#|[A-Za-z])")


def harmless(markdown: str) -> str:
    """Markdown that calls nobody, fetches nothing, and whose links show where they lead."""
    return defuse(outside_code(markdown, _shown))


def _shown(text: str) -> str:
    return _ENTITY.sub("&" + ZERO_WIDTH, open_links(text))


def defuse(markdown: str) -> str:
    """Markdown in which no mention is resolved; code reads the same, so no entities here."""
    return _MENTION.sub(lambda match: match[0] + ZERO_WIDTH, markdown)


def literal(text: str) -> str:
    """One line of Markdown that shows as it is."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def escape(text: str) -> str:
    """Text for mrkdwn: nothing in it is a mention, link or entity.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return defuse(unlike_others(text).translate(_ENTITIES))


def escaped(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, escaped within so many UTF-16 units."""
    room = most
    while units(shown := escape(cut(text, room))) > most:
        room = room * 4 // 5
    return shown


def code(text: str, most: int | None = None) -> str:
    """A mrkdwn code span; the span's own delimiter cannot be escaped, so it is replaced."""
    inside = text.replace("`", "\u02cb")
    inner = escape(inside) if most is None else escaped(inside, most - 2)
    return f"`{inner}`" if inner.strip() else ""
