"""Whether a comment speaks to us: by `@gryph` outside of code and quotes, or by a `/gryph` line."""

import re
from collections.abc import Iterator

from markdown_it.token import Token

from bot.commonmark import commonmark
from bot.text import ZERO_WIDTH

NAME = "gryph"
"""How the grammar knows us, whatever we are called on GitHub."""
_COMMAND = re.compile(r"/gryph\b", re.IGNORECASE)
_NAMESAKE = re.compile(rf"@{NAME}\b(?!-)", re.IGNORECASE)
_MARKDOWN = commonmark(html=True)


class Mention:
    """The name we are called by in this installation."""

    def __init__(self, name: str) -> None:
        """`name` comes without the @."""
        self._is_name = name.lower() == NAME
        self._called = re.compile(
            rf"(?<![^\W_])(?<![^\W_]_)(?<![/@.-])@{re.escape(name)}(?:\[bot\])?(?![^\W_]|/|[-_]\w)",
            re.IGNORECASE,
        )

    def in_grammar(self, text: str) -> str:
        """The text with our name as the grammar knows it, and nobody else's."""
        others = text if self._is_name else _NAMESAKE.sub(f"@{ZERO_WIDTH}{NAME}", text)
        return self._called.sub(f"@{NAME}", others)

    def may_hold_command(self, text: str) -> bool:
        """A cheap look, before anything is parsed."""
        return bool(_COMMAND.search(text) or self._called.search(text))

    def addresses(self, text: str) -> bool:
        """Whether we are mentioned in what the author says, not in what is quoted or code."""
        return bool(self._called.search(text)) and any(
            self._called.search(said) for said in _said(text)
        )


def _said(text: str) -> Iterator[str]:
    quotes = 0
    for token in _MARKDOWN.parse(text):
        quotes += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        if token.type == "inline" and not quotes:
            yield _words(token)


def _words(inline: Token) -> str:
    """The inline text, with a space where code or HTML stands."""
    return "".join(
        child.content if child.type == "text" else " " for child in inline.children or ()
    )
