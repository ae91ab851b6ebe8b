"""Webhooks that did not reach us, asked for again: GitHub itself never retries.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import structlog

from bot.github.client import GitHubClient
from bot.github.events import EVENTS
from bot.github.transport import Answer, Refused
from bot.github.wire import HookDelivery
from storage.clock import utc_now

log = structlog.get_logger()

PAGE = 100
MOST_PAGES = 500
"""Fifty thousand failures; a day's outage of a busy organisation has thousands."""
MOST_REFUSALS = 5
"""Of one event, by a gateway that answered; an outage, however long, is no refusal."""
SETTLED_AFTER = timedelta(seconds=30)
"""A younger delivery may still be on its way."""
_DELIVERED = range(200, 300)
_REFUSED = range(400, 500)


@dataclass(frozen=True)
class Again:
    """An event that was asked for again."""

    after: int
    """The failed attempt after which."""
    refusals: int
    """How often it had been refused by then, in this sweep's time and before."""


Asked = dict[str, Again]
"""By an event's guid."""


async def sweep(client: GitHubClient, since: datetime, asked: Asked) -> int:
    """Have every event delivered again that got no 2xx since then; returns how many.

    GitHub is asked for failures only: on a busy day the rest is thousands of pages. `asked` is
    kept by the caller from sweep to sweep: an event without a newer failure has arrived. When it
    is forgotten, an event comes once more and is known by its key.

    GitHub keeps deliveries for three days. A GitHub that lists none is logged and taken to have
    lost none.

    Raises:
        Busy: GitHub does not answer now.
    """
    try:
        attempts = await _attempts(client, since)
    except Refused as refused:
        if refused.is_missing:
            log.info("github lists no webhook deliveries", reason=str(refused))
            return 0
        log.warning("webhook deliveries not read", reason=str(refused))
        return 0
    for guid in asked.keys() - {attempt.guid for attempt in attempts}:
        del asked[guid]
    again = _lost(attempts, utc_now() - SETTLED_AFTER, asked)
    count = 0
    for delivery, refusals in again:
        if await _redeliver(client, delivery):
            asked[delivery.guid] = Again(delivery.id, refusals)
            count += 1
    if count:
        log.info("webhooks asked for again", count=count)
    return count


async def _redeliver(client: GitHubClient, delivery: HookDelivery) -> bool:
    try:
        await client.as_app("POST", f"/app/hook/deliveries/{delivery.id}/attempts")
    except Refused as refused:
        log.warning("webhook not delivered again", guid=delivery.guid, reason=str(refused))
        return False
    return True


async def _attempts(client: GitHubClient, since: datetime) -> list[HookDelivery]:
    """The failed attempts since then, newest first, at most `MOST_PAGES` pages.

    A GitHub Enterprise Server that does not know the filter lists the others too.
    """
    found: list[HookDelivery] = []
    params = {"per_page": str(PAGE), "status": "failure"}
    for _ in range(MOST_PAGES):
        answer = await client.as_app("GET", "/app/hook/deliveries", params=params)
        page = answer.many(HookDelivery)
        recent = [each for each in page if each.delivered_at >= since]
        found += [each for each in recent if each.event in EVENTS]
        cursor = _next_cursor(answer)
        if cursor is None or not page or page[-1].delivered_at < since:
            return found
        params["cursor"] = cursor
    log.warning("more webhook deliveries than are looked at", looked_at=len(found))
    return found


def _lost(
    attempts: list[HookDelivery], until: datetime, asked: Asked
) -> list[tuple[HookDelivery, int]]:
    """The newest attempt of each event that never arrived and how often the event was refused,
    oldest event first.
    """
    by_guid: defaultdict[str, list[HookDelivery]] = defaultdict(list)
    for attempt in attempts:
        by_guid[attempt.guid].append(attempt)
    due: list[tuple[HookDelivery, int]] = []
    for guid, tries in by_guid.items():
        newest = max(tries, key=lambda each: each.delivered_at)
        before = asked.get(guid)
        is_asked = before is not None and before.after == newest.id
        if is_asked or newest.delivered_at > until:
            continue
        if any(each.status_code in _DELIVERED for each in tries):
            continue
        refusals = sum(each.status_code in _REFUSED for each in tries)
        if before is not None:  # of the older ones some are out of the sweep's sight by now
            refusals = max(refusals, before.refusals + (newest.status_code in _REFUSED))
        if refusals < MOST_REFUSALS:
            due.append((newest, refusals))
    return sorted(due, key=lambda each: each[0].delivered_at)


def _next_cursor(answer: Answer) -> str | None:
    for link in answer.headers.get("link", "").split(","):
        address, _, relation = link.partition(";")
        if 'rel="next"' in relation:
            query = parse_qs(urlsplit(address.strip(" <>")).query)
            return query.get("cursor", [None])[0]
    return None
