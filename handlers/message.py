"""What a message says besides its commands."""

import re

_COMMAND = re.compile(r"^[^\n]*[/@]gryph\b[^\n]*$", re.MULTILINE | re.IGNORECASE)


def own_text(text: str, most: int) -> str:
    """The message without the lines that hold commands; at most so many characters of it."""
    return _COMMAND.sub("", text)[:most]
