"""Keeps interaction tokens out of the log: discord.py names them in the addresses it calls and in
the gateway events it shows.
"""

import logging
import re

from typing_extensions import override

_LOGGERS = ("discord.http", "discord.gateway", "discord.webhook.async_", "discord.client")
_ADDRESS = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/?\s'\"]+")
_FIELD = re.compile(r"(['\"]token['\"]: ?['\"])[^'\"]+")


class TokenFilter(logging.Filter):
    """Rewrites a record in which a token stands; drops none."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Always True."""
        text = record.getMessage()
        clean = _FIELD.sub(r"\1…", _ADDRESS.sub(r"\1…", text))
        if clean != text:
            record.msg, record.args = clean, ()
        return True


_FILTER = TokenFilter()


def hide_tokens() -> None:
    """Switch it on for discord.py's loggers; again does nothing more."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
