"""Names that people chose for themselves, put into text that is read for commands.

A platform writes a mention as an id; the grammar reads a name. Whoever is called "gryph apply J…"
must not give that command when somebody else mentions them.
"""

import re

from bot.text import ZERO_WIDTH, one_line

_ADDRESS = re.compile(r"([@/])(?=gryph)", re.IGNORECASE)


def mentioned(name: str, sign: str = "@") -> str:
    """A mention by name that addresses nobody, on one line."""
    return _ADDRESS.sub(r"\1" + ZERO_WIDTH, sign + one_line(name).replace("`", "'"))
