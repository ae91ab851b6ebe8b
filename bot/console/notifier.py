"""Wakes this process's readers of a thread when it changes."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class Notifier:
    """Who is reading which thread. Only a hint: another gateway's changes are found by polling."""

    def __init__(self) -> None:
        """Nobody reads yet."""
        self._readers: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def reading(self, conversation: str) -> Generator[asyncio.Event]:
        """An event that is set at each change of the thread; the reader clears it."""
        event = asyncio.Event()
        readers = self._readers.setdefault(conversation, set())
        readers.add(event)
        try:
            yield event
        finally:
            readers.discard(event)
            if not readers:
                self._readers.pop(conversation, None)

    @property
    def readers(self) -> int:
        """How many are reading."""
        return sum(map(len, self._readers.values()))

    def wake(self, conversation: str) -> None:
        """Tell the thread's readers, after the change is committed."""
        for event in self._readers.get(conversation, ()):
            event.set()
