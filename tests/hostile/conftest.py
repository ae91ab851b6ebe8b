"""Hostile content goes through the whole spine, as people's words do."""

from tests.handlers.conftest import chat

__all__ = ["chat"]
