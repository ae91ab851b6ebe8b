"""Text as Slack may be given it: valid, within a length, and pinging nobody."""

import re

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MENTION = re.compile(
    r"<(?=!(?:channel|here|everyone|group|subteam|date)\b|@[A-Z0-9]|#[A-Z0-9])|"
    r"@(?=(?:channel|here|everyone|group)\b)",
    re.IGNORECASE,
)
_INVISIBLE = "\u200b"


def units(text: str) -> int:
    """Length in UTF-16 units, the strictest way in which Slack may count."""
    return len(text) + sum(character > "\uffff" for character in text)


def clean(text: str) -> str:
    """The text with line feeds only, and a visible mark for what cannot be printed."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The clean text on one line."""
    return " ".join(clean(text).split())


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, in at most so many UTF-16 units."""
    if units(text) <= most:
        return text
    return head(text, most - 1).rstrip() + "\u2026"


def head(text: str, most: int) -> str:
    """The longest beginning of at most so many UTF-16 units."""
    room = most
    for index, character in enumerate(text[: most + 1]):
        room -= 2 if character > "\uffff" else 1
        if room < 0:
            return text[:index]
    return text


def defuse(markdown: str) -> str:
    """Markdown in which no mention is resolved; code reads the same, so no entities here."""
    return _MENTION.sub(lambda match: match[0] + _INVISIBLE, markdown)


def escape(text: str) -> str:
    """Text for mrkdwn: nothing in it is a mention, link or entity.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return defuse(text.translate(_ENTITIES))


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
