"""Reads repositories' wishes from their default branches, and remembers them for a while."""

import time
from collections.abc import Callable

from bot.face import CodeHost, Undeliverable
from bot.wishes.document import LARGEST_BYTES, NAME, read
from handlers import Command, Effect, RepositoryWishes, Standing
from jobs.requests import Source

FRESH_S = 30.0
"""A change of the file counts after this at the latest."""
MOST_KEPT = 1_000
LOCAL = "local:"


class RepositoryFiles:
    """The wishes of repositories on the connected code host; others state none."""

    def __init__(self, host: CodeHost | None, now_s: Callable[[], float] = time.monotonic) -> None:
        """Without a host no repository has a default branch to read from."""
        self._host = host
        self._now_s = now_s
        self._kept: dict[str, tuple[float, str, RepositoryWishes]] = {}

    async def of(self, repository: str) -> RepositoryWishes:
        """The wishes as they stood within the last half minute.

        Raises:
            Busy: The host does not answer now.
        """
        if self._host is None or repository.startswith(LOCAL):
            return RepositoryWishes()
        now_s = self._now_s()
        read_at_s, sha, wishes = self._kept.get(repository, (-FRESH_S, "", RepositoryWishes()))
        if now_s - read_at_s < FRESH_S:
            return wishes
        try:
            found = await self._host.file_of(repository, NAME, LARGEST_BYTES + 1)
        except Undeliverable:
            return RepositoryWishes(is_unreadable=True)
        if found is None:
            sha, wishes = "", RepositoryWishes()
        elif found.sha != sha:
            sha, wishes = found.sha, read(found.content)
        self._keep(repository, (now_s, sha, wishes))
        return wishes

    async def refusal(self, command: Command, standing: Standing, source: Source) -> str | None:
        """Why the repository does not want this done by somebody of this standing; None if it
        does not mind. Raises Busy.
        """
        if command.permission.effect is not Effect.RUN_CODE:
            return None
        wishes = await self.of(source.repository)
        if wishes.is_unreadable:
            return (
                f"I may not read `{NAME}` of `{source.repository}`, so I do not know who may have "
                "its code run. Somebody who administers it can give the App access to Contents."
            )
        if wishes.may is None or standing.tier >= wishes.may:
            return None
        return (
            f"`{source.repository}` asks in its `{NAME}` for {wishes.may.name.lower()} access "
            "before its code is run."
        )

    def _keep(self, repository: str, kept: tuple[float, str, RepositoryWishes]) -> None:
        self._kept.pop(repository, None)
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[repository] = kept
