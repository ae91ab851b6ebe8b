"""Time that passes for a token of ours without anybody's waiting for it."""

import time

import pytest

from bot.tokens import PAUSE_S, Token


def let_pause_end(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that was refused may be tried again."""
    later = time.monotonic() + PAUSE_S
    monkeypatch.setattr(token, "_clock", lambda: later)
