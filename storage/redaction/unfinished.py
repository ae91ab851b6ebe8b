"""Text that is still being written: how much of it can be searched for secrets already.

The last word may be the beginning of a token, also where a token goes on in the next line; behind
the first line of a private key follows the rest. https://www.rfc-editor.org/rfc/rfc7468
"""

import re

_LOOK = 20_000
"""Characters from the end in which the last word begins; a longer word is no secret."""
_WORD = "[^\\s\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]"
"""Chinese and Japanese have no spaces between words; their sentences do end."""
_LAST_BACKWARDS = re.compile(
    rf"{_WORD}*(?:(?:(?<=[\w.+/=\"'-])|^)[ \t>|#*+\"'-]{{0,60}}\n\r?[ \t\\\"']{{0,14}}"
    rf"(?=[\w.+/=-]){_WORD}+){{0,100}}"
)
"""The last word with those before it that only the ends of their lines part from it; where the
redactor would put two together (`storage.redaction.redactor`), read backwards."""
_KEY_BEGINS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[ \t]*(?:\\n|\n|\Z)"
)
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")


def finished(text: str) -> int:
    """How many characters of the text no continuation can turn into a part of a secret."""
    last = _LAST_BACKWARDS.match(text[: -_LOOK - 1 : -1])
    assert last is not None, "it matches nothing, too"
    return min(len(text) - last.end(), _before_open_key(text))


def _before_open_key(text: str) -> int:
    """Where a private key begins that does not end; the length where there is none."""
    if "PRIVATE KEY" not in text:
        return len(text)
    *_, newest = [None, *_KEY_BEGINS.finditer(text)]
    if newest is None or _KEY_ENDS.search(text, newest.end()):
        return len(text)
    return newest.start()
