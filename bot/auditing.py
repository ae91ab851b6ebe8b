"""The audit log seen from outside: anchors written regularly, and the check that uses them."""

import asyncio
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import httpx
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.metrics import GatewayMetrics
from bot.settings import GatewaySettings
from storage import anchors, audit
from storage.anchors import Anchor
from storage.audit import Verdict
from storage.clock import utc_now
from storage.database import Database

log = structlog.get_logger()

ANCHOR_S = 60.0
SEND_TIMEOUT_S = 10.0
LAST_S = 3.0
UNSENT_KEPT = 1_000
"""Anchors that wait while the place elsewhere does not answer; the oldest go first."""


class Anchoring:
    """Notes the log's head in a file, in our own log, and at an address where one is set."""

    def __init__(
        self, settings: GatewaySettings, database: Database, metrics: GatewayMetrics
    ) -> None:
        """Nothing is written yet."""
        self._database = database
        self._key = audit.load_key(settings.home)
        self._path = settings.anchor_file
        self._url = settings.audit_anchor_url
        self._metrics = metrics
        self._unsent: deque[Anchor] = deque(maxlen=UNSENT_KEPT)
        self._newest: Anchor | None = None
        """Of those that were sent from here, or are to be."""

    async def anchor(self) -> None:
        """Write down where the log ends now, unless the newest anchor says so.

        Raises:
            OSError: The file cannot be written.
        """
        head = await self._database.read(audit.head)
        made = await asyncio.to_thread(anchors.append, self._path, self._key, head, utc_now())
        if made is not None:
            log.info("audit anchored", **made.fields())
            self._metrics.audit_anchors.labels("written").inc()
        if self._url is not None:
            newest = made or await asyncio.to_thread(anchors.newest, self._path)
            if newest is not None and newest != self._newest:  # or the command line wrote it
                self._unsent.append(newest)
                self._newest = newest
        if self._unsent:
            await self._send()

    async def last(self) -> None:
        """At the end of the process: what was written since the last turn. Raises nothing."""
        try:
            async with asyncio.timeout(LAST_S):
                await self.anchor()
        except (OSError, SQLAlchemyError) as error:  # TimeoutError is an OSError
            log.warning("audit not anchored at the end", error=str(error))

    async def _send(self) -> None:
        assert self._url is not None
        try:
            async with httpx.AsyncClient(timeout=SEND_TIMEOUT_S) as http:
                while self._unsent:
                    answer = await http.post(self._url, json=self._unsent[0].fields())
                    answer.raise_for_status()
                    self._unsent.popleft()
                    self._metrics.audit_anchors.labels("sent").inc()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._metrics.audit_anchors.labels("unsent").inc()
            log.warning("anchor not sent", error=type(error).__name__, waiting=len(self._unsent))


def note_head(settings: GatewaySettings, database: Database) -> None:
    """Anchor at once what the command line wrote; a gateway sends it elsewhere at its next turn."""
    key = audit.load_key(settings.home)
    anchors.append(settings.anchor_file, key, database.read_now(audit.head), utc_now())


@dataclass(frozen=True)
class Examined:
    """What `gryph audit verify` found."""

    verdict: Verdict
    anchors: int
    troubles: tuple[str, ...]
    """What speaks against the log, in words; empty when nothing does."""


def examine(settings: GatewaySettings, copy: Path | None = None) -> Examined:
    """Check the chain and compare it with our anchors, and with a copy kept elsewhere.

    Raises:
        OSError: The copy cannot be read.
    """
    key = audit.load_key(settings.home)
    ours = _read(settings.anchor_file) if settings.anchor_file.exists() else []
    kept = _read(copy) if copy is not None else []
    database = Database(settings.sql_url)
    try:
        wanted = anchors.seqs_of((*ours, *kept))
        verdict = database.read_now(lambda session: audit.verify(session, key, wanted))
    finally:
        database.close()
    found = [*anchors.contradictions(ours, key, verdict, is_whole=True)]
    found += anchors.contradictions(kept, key, verdict, is_whole=False)
    troubles = [trouble.text for trouble in found]
    if not verdict.ok:
        good = f"{verdict.rows} lines before it are good"
        troubles.insert(0, f"line {verdict.first_bad_seq} was changed or removed; {good}")
    if not ours and verdict.rows:
        troubles.append(
            f"there is no anchor in {settings.anchor_file}, so a cut at the end would not be "
            "seen; a running gateway writes one each minute"
        )
    if copy is not None and not kept:
        troubles.append(f"{copy} holds no anchor")
    return Examined(verdict, len(ours) + len(kept), tuple(troubles))


def _read(path: Path) -> list[Anchor]:
    return anchors.read(path.read_text(errors="replace").splitlines())
