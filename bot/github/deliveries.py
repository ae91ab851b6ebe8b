"""Webhooks that did not reach us, asked for again: GitHub itself never retries.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from collections import defaultdict
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
MOST_PAGES = 20
MOST_REFUSALS = 5
"""Of one event, by a gateway that answered; an outage, however long, is no refusal."""
SETTLED_AFTER = timedelta(seconds=30)
"""A younger delivery may still be on its way."""
_DELIVERED = range(200, 300)
_REFUSED = range(400, 500)


Asked = dict[str, int]
"""By an event's guid, the failed attempt after which it was asked for again."""


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
    for delivery in again:
        if await _redeliver(client, delivery):
            asked[delivery.guid] = delivery.id
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
        found += [each for each in page if each.delivered_at >= since]
        cursor = _next_cursor(answer)
        if cursor is None or not page or page[-1].delivered_at < since:
            return found
        params["cursor"] = cursor
    log.warning("more webhook deliveries than are looked at", looked_at=len(found))
    return found


def _lost(attempts: list[HookDelivery], until: datetime, asked: Asked) -> list[HookDelivery]:
    """The newest attempt of each event of ours that never arrived, oldest event first."""
    by_guid: defaultdict[str, list[HookDelivery]] = defaultdict(list)
    for attempt in attempts:
        by_guid[attempt.guid].append(attempt)
    newest = [
        max(tries, key=lambda each: each.delivered_at)
        for tries in by_guid.values()
        if sum(each.status_code in _REFUSED for each in tries) < MOST_REFUSALS
        and not any(each.status_code in _DELIVERED for each in tries)
    ]
    due = [
        each
        for each in newest
        if each.event in EVENTS and each.delivered_at <= until and asked.get(each.guid) != each.id
    ]
    return sorted(due, key=lambda each: each.delivered_at)


def _next_cursor(answer: Answer) -> str | None:
    for link in answer.headers.get("link", "").split(","):
        address, _, relation = link.partition(";")
        if 'rel="next"' in relation:
            query = parse_qs(urlsplit(address.strip(" <>")).query)
            return query.get("cursor", [None])[0]
    return None
